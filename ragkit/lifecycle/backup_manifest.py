"""What a backup holds, under a MAC of the workspace: a changed file, a missing one and another workspace's are told.

``manifest.json`` is canonical JSON (:func:`ragkit.audit.schema.canonical`). It names no collection and no person.
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit import crypto
from ragkit.audit.schema import canonical
from ragkit.errors import BackupError, EventRefused, KeyMismatch
from ragkit.lifecycle.backup_files import open_regular

FORMAT = "ragkit-backup/1"
NAME = "manifest.json"
RECORDS = "records.db"
CONFIG = "ragkit.toml"

_LIMIT = 512 * 1024 * 1024  # some two million originals
_FILE = re.compile(r"records\.db|ragkit\.toml|events/(\d{8}\.jsonl|checkpoints\.txt)|uploads/[a-z2-7]{26}/[a-z2-7]{26}")
_HASH = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One backup.

    Attributes:
        copy: Its id, as in the list of copies of the key file.
        made_at: ISO 8601.
        software: Version of ragkit.
        schema: Of the record store.
        counts: Rows by table.
        files: Size and SHA-256 of each file, by its path in the backup.
    """

    copy: str
    made_at: str
    software: str
    schema: int
    counts: Mapping[str, int] = field(default_factory=dict)
    files: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(size for size, _ in self.files.values())

    def written(self, secret: bytes) -> bytes:
        """Return the bytes of ``manifest.json``, under the workspace's secret for backups."""
        body = {
            "format": FORMAT,
            "copy": self.copy,
            "made_at": self.made_at,
            "software": self.software,
            "schema": self.schema,
            "counts": dict(self.counts),
            "files": {name: {"bytes": size, "sha256": digest} for name, (size, digest) in self.files.items()},
            "mark": mark_of(secret),
        }
        return canonical({**body, "mac": mac_of(secret, body)}) + b"\n"


def read_manifest(folder: Path, secret: bytes) -> Manifest:
    """Read and check the manifest of a backup; the files are not looked at.

    Raises:
        BackupError: There is none, or it was altered, or a newer ragkit made it.
        KeyMismatch: It is another workspace's.
    """
    with open_regular(folder / NAME) as file:
        raw = file.read(_LIMIT)
    try:
        body = json.loads(raw)
        found, mark = str(body.pop("mac")), str(body["mark"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise damaged() from None
    if not hmac.compare_digest(mark.encode(), mark_of(secret).encode()):
        raise KeyMismatch(
            "the backup is of another workspace, or was made with another root key, or is altered",
            remedy="Point [keys] at the root key of the workspace it was made from; one put in escrow comes back with "
            "`ragkit key recover`.",
        )
    if not hmac.compare_digest(found.encode(), mac_of(secret, body).encode()):
        raise damaged()
    if body["format"] != FORMAT:
        raise BackupError("the backup was made by another ragkit", remedy="Use the version that made it, or a newer.")
    try:
        parsed = _parsed(body)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise damaged() from None
    if parsed.written(secret) != raw:
        raise damaged()
    return parsed


def mark_of(secret: bytes) -> str:
    """Return what tells one secret from another and nothing else."""
    return crypto.opaque_id(secret, "mark")


def mac_of(secret: bytes, body: Mapping[str, Any]) -> str:
    """Return the keyed hash of a canonical object."""
    try:
        told = canonical(body)
    except (EventRefused, RecursionError, UnicodeEncodeError):
        raise damaged() from None
    return crypto.keyed_hash(secret, "manifest", told).hex()


def damaged() -> BackupError:
    """Return the error for what is not as it was made."""
    return BackupError(
        "the backup is damaged or was altered; nothing was changed",
        remedy="Copy it again from where it came from, or restore an older one.",
    )


def _parsed(body: Mapping[str, Any]) -> Manifest:
    files = {name: (int(one["bytes"]), str(one["sha256"])) for name, one in body["files"].items()}
    if not all(_FILE.fullmatch(name) and _HASH.fullmatch(digest) for name, (_, digest) in files.items()):
        raise ValueError
    if RECORDS not in files or not _ID.fullmatch(body["copy"]):
        raise ValueError
    return Manifest(
        copy=body["copy"],
        made_at=str(body["made_at"]),
        software=str(body["software"]),
        schema=int(body["schema"]),
        counts={str(name): int(number) for name, number in body["counts"].items()},
        files=files,
    )
