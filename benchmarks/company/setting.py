"""Makes a workspace over a company: one collection, its files and its records as sources, all paths relative.

So the folder can be copied and moved with everything in it, which the runs of an erasure do a hundred times.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from pathlib import Path

from benchmarks.company.generate import Company
from ragkit.keeping import RestoreReport, restore_workspace

KEY_VARIABLE = "RAGKIT_ROOT_KEY"
COLLECTION = "company"
OFFICER = "local|bench"
STRANGER = "local|stranger"
KEY_COPY = "keycopy/keys"
"""The one copy of the key file, outside the data directory; in use it would be on another device."""
PURPOSE = "request of the person, by letter"

_CONFIG = """\
[workspace]
name = "company"
owner = "{officer}"

[keys]
source = "env"
variable = "RAGKIT_ROOT_KEY"

[backup]
keys = "{key_copy}"

[policies.rules]
profile = "default"
detectors = []
{extra}
[collections.{collection}]
data_class = "internal"
access = ["u:{officer}"]
reveal = ["u:{officer}"]
officers = ["u:{officer}"]
max_delete_share = 1.0
{policy}
[[collections.{collection}.sources]]
connector = "files"
name = "files"
path = "source/files"

[[collections.{collection}.sources]]
connector = "jsonl"
name = "records"
path = "source/records.jsonl"
"""


def prepare(company: Company, folder: Path, *, policy: str = "", rules_only: bool = False, extra: str = "") -> Path:
    """Write the papers and ``ragkit.toml`` under ``folder``; put a fixed key into this process's environment.

    Args:
        company: Whose papers.
        folder: The workspace; made if need be.
        policy: Of the collection; by default the default one.
        rules_only: No learned detector: quick, and blind to names without a cue.
        extra: More of ``ragkit.toml``.
    """
    company.write(folder / "source")
    write_config(folder, policy=policy or ("rules" if rules_only else ""), extra=extra)
    return folder


def write_config(folder: Path, *, policy: str = "", extra: str = "") -> None:
    """Write ``ragkit.toml``, again with another policy if that is what is measured."""
    folder.mkdir(parents=True, exist_ok=True)
    chosen = f'policy = "{policy}"' if policy else ""
    (folder / KEY_COPY).parent.mkdir(exist_ok=True)
    text = _CONFIG.format(officer=OFFICER, collection=COLLECTION, policy=chosen, extra=extra, key_copy=KEY_COPY)
    (folder / "ragkit.toml").write_text(text)
    os.environ[KEY_VARIABLE] = root_key()


def root_key(which: str = "company") -> str:
    """A key that is the same in every process of a run, as base64. For measurements only."""
    return base64.b64encode(hashlib.sha256(f"benchmark {which}".encode()).digest()).decode()


def restore_beside(folder: Path, backup: Path, place: Path) -> RestoreReport:
    """Restore a backup of ``folder`` into a new workspace that reads the same sources, with the newest key copy."""
    if not (place / "source").exists():
        shutil.copytree(folder / "source", place / "source")
    (place / KEY_COPY).parent.mkdir(exist_ok=True)
    shutil.copy(folder / "ragkit.toml", place)
    return restore_workspace(backup, to=place, keys=folder / KEY_COPY)
