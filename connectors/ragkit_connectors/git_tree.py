"""Commits and trees of a git repository: what a commit holds, and when each file came to its branch."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from ragkit_connectors.git_objects import COMMIT, TAG, TREE, Corrupt, Objects, TooLarge

_MAX_TREE: Final = 64 * 1024 * 1024
_MAX_COMMIT: Final = 1024 * 1024
_MAX_DEPTH: Final = 100
_COMMITTER: Final = re.compile(rb"^committer [^\n]* (\d{1,11}) ([+-])(\d\d)(\d\d)$", re.M)
_HEX: Final = re.compile(rb"[0-9a-f]{40}")


class Broken(Exception):
    """A commit or tree is missing or corrupt: what the commit holds cannot be told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a commit: its blob, and its mode, which tells links and submodules from files."""

    sha: bytes
    mode: int

    @property
    def problem(self) -> str | None:
        """Why it is no file to read."""
        if stat.S_IFMT(self.mode) == 0o160000:
            return "submodule"
        return "symbolic-link" if stat.S_ISLNK(self.mode) else None


@dataclass(frozen=True, slots=True)
class Commit:
    """What is used of a commit."""

    tree: bytes
    parent: bytes | None
    when: datetime | None


def read_commit(objects: Objects, sha: bytes) -> Commit:
    """Read a commit, or the one that a tag stands for.

    Raises:
        Broken: It is missing, corrupt or none.
    """
    for _ in range(5):
        kind, content = _read(objects, sha, _MAX_COMMIT)
        head = content.partition(b"\n\n")[0]
        fields: dict[bytes, bytes] = {}
        for line in head.split(b"\n"):
            name, _, value = line.partition(b" ")
            fields.setdefault(name, value)  # of several parents the first
        if kind == TAG and _HEX.fullmatch(fields.get(b"object", b"")):
            sha = bytes.fromhex(fields[b"object"].decode())
        elif kind == COMMIT and _HEX.fullmatch(fields.get(b"tree", b"")):
            parent = fields.get(b"parent", b"")
            return Commit(
                tree=bytes.fromhex(fields[b"tree"].decode()),
                parent=bytes.fromhex(parent.decode()) if _HEX.fullmatch(parent) else None,
                when=_when(head),
            )
        else:
            break
    raise Broken


def entries(objects: Objects, tree: bytes, *, limit: int) -> Iterator[tuple[str, Entry]]:
    """All files below a tree, by path, in git's own order.

    Names that are no UTF-8 come with hexadecimal escapes; those that hold a slash, or would be no names in a folder,
    are left out: git writes none.

    Raises:
        Broken: A tree is missing or corrupt, nested over 100 deep, or there are more than ``limit`` entries, as in a
            tree made of few objects that name each other many times over.
    """
    stack: list[Iterator[tuple[str, Entry]]] = [iter(_tree(objects, tree, "").items())]
    met = 0
    while stack:
        following = next(stack[-1], None)
        if following is None:
            stack.pop()
            continue
        met += 1
        path, entry = following
        if met > limit or len(stack) > _MAX_DEPTH:
            raise Broken
        if stat.S_ISDIR(entry.mode):
            stack.append(iter(_tree(objects, entry.sha, f"{path}/").items()))
        else:
            yield path, entry


def arrivals(objects: Objects, commit: bytes, *, most: int) -> dict[str, datetime]:
    """When each file came to be as it is, by the first parents of at most so many commits; older ones are left out.

    The first parents are the branch's own history: a file that came by a merge came with the merge.
    """
    found: dict[str, datetime] = {}
    try:
        now = read_commit(objects, commit)
        for _ in range(most):
            before = read_commit(objects, now.parent) if now.parent else None
            if now.when is not None:
                for path in _changed(objects, now.tree, before.tree if before else None, ""):
                    found.setdefault(path, now.when)
            if before is None:
                break
            now = before
    except Broken:
        return found  # a shallow clone ends like this
    return found


def _changed(objects: Objects, tree: bytes, before: bytes | None, prefix: str, depth: int = 0) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        raise Broken
    old = _tree(objects, before, prefix) if before else {}
    for path, entry in _tree(objects, tree, prefix).items():
        was = old.get(path)
        if was == entry:
            continue
        if stat.S_ISDIR(entry.mode):
            below = was.sha if was is not None and stat.S_ISDIR(was.mode) else None
            yield from _changed(objects, entry.sha, below, f"{path}/", depth + 1)
        elif was is None or was.sha != entry.sha:
            yield path


def _tree(objects: Objects, sha: bytes, prefix: str) -> dict[str, Entry]:
    kind, content = _read(objects, sha, _MAX_TREE)
    if kind != TREE:
        raise Broken
    found: dict[str, Entry] = {}
    position = 0
    try:
        while position < len(content):
            space = content.index(b" ", position)
            end = content.index(b"\x00", space)
            name = content[space + 1 : end].decode("utf-8", "backslashreplace")
            mode, position = int(content[position:space], 8), end + 21
            if position > len(content):
                raise ValueError
            if name and "/" not in name and name not in {".", ".."}:
                found.setdefault(prefix + name, Entry(content[end + 1 : position], mode))
    except ValueError:
        raise Broken from None
    return found


def _read(objects: Objects, sha: bytes, limit: int) -> tuple[int, bytes]:
    try:
        return objects.read(sha, limit)
    except (KeyError, Corrupt, TooLarge):
        raise Broken from None


def _when(head: bytes) -> datetime | None:
    found = _COMMITTER.search(head)
    if not found:
        return None
    away = timedelta(hours=int(found[3]), minutes=int(found[4]))
    try:
        zone = timezone(-away if found[2] == b"-" else away)
        return datetime.fromtimestamp(int(found[1]), UTC).astimezone(zone)
    except (ValueError, OverflowError, OSError):
        return None
