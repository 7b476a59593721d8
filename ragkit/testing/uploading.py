"""A workspace of documents that are handed in, masked by rules alone so that a test takes no second, and its files.

::

    with uploading(tmp_path) as desk:
        added = desk.documents.add(b"…", name="terms.txt")
        desk.files()                                   # the originals on the disk
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ragkit.config import load_config
from ragkit.documents.room import Documents
from ragkit.rootkey import create_key_file
from ragkit.testing.bytescan import ByteScanner, Finding
from ragkit.testing.canaries import Canary
from ragkit.workspace import Workspace

UPLOADS = '[[collections.shop.sources]]\nconnector = "uploads"\nname = "uploads"\n'
"""For the end of the ragkit.toml of a shop (:mod:`ragkit.testing.service`)."""

_TOML = """
[workspace]
name = "desk"
owner = "local|ana"
[keys]
source = "file"
path = "{key}"
[policies.forms]
profile = "{profile}"
detectors = []
secrets = "quarantine"
[collections.handbook]
policy = "forms"
access = ["u:local|ana", "g:crm|staff"]
officers = ["u:local|ana"]
[[collections.handbook.sources]]
connector = "uploads"
name = "uploads"
max_bytes = 2000000
"""


@dataclass(frozen=True, slots=True)
class Desk:
    """An open workspace."""

    folder: Path
    workspace: Workspace

    @property
    def documents(self) -> Documents:
        """Its documents."""
        return self.workspace.documents

    def files(self) -> list[Path]:
        """The files of originals."""
        place = self.folder / ".ragkit" / "uploads"
        return sorted(path for path in place.rglob("*") if path.is_file()) if place.is_dir() else []

    def holds(self, *texts: str) -> list[Finding]:
        """Where one of these texts stands in the data directory, in whatever encoding."""
        scanner = ByteScanner([Canary("TEXT", text, (text,), text) for text in texts])
        return scanner.scan_tree(self.folder / ".ragkit")

    def found(self, question: str, **asking: object) -> list[str]:
        """The documents found for a question, best first."""
        return [hit.doc_id for hit in self.workspace.search(question, **asking)]  # type: ignore[arg-type]


def make_desk(folder: Path, *, extra: str = "", profile: str = "default") -> Path:
    """Write a workspace that nobody has synced; its root key lies beside it."""
    desk = folder / "desk"
    desk.mkdir()
    (desk / "ragkit.toml").write_text(_TOML.format(key=folder / "desk.key", profile=profile) + extra, encoding="utf-8")
    load_config(desk)
    create_key_file(folder / "desk.key")
    return desk


def change(folder: Path, pattern: str, new: str) -> None:
    """Replace the first match of a pattern in a workspace's ragkit.toml."""
    file = folder / "ragkit.toml"
    text, changed = re.subn(pattern, new, file.read_text(encoding="utf-8"), count=1)
    if not changed:
        raise ValueError("there is nothing to change")
    file.write_text(text, encoding="utf-8")


@contextmanager
def uploading(folder: Path, *, extra: str = "", profile: str = "default") -> Iterator[Desk]:
    """Make and open a workspace, or open the one that is there."""
    desk = folder / "desk" if (folder / "desk").is_dir() else make_desk(folder, extra=extra, profile=profile)
    with Workspace.open(desk) as workspace:
        yield Desk(desk, workspace)
