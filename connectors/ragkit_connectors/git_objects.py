"""Objects of a git repository, read within limits: dulwich reads the formats, this reads what they claim beforehand.

Nothing of the repository is obeyed: no configuration, no hook, no filter, no attribute is read. Objects are checked
against their names, so that a corrupt one is never taken for what it was.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

BLOB, TREE, COMMIT, TAG = 3, 2, 1, 4
_TYPES: Final = {b"commit": COMMIT, b"tree": TREE, b"blob": BLOB, b"tag": TAG}
_NAMES: Final = {number: name for name, number in _TYPES.items()}
_OFFSET_DELTA, _REFERENCE_DELTA = 6, 7
_LOOSE: Final = re.compile(rb"(commit|tree|blob|tag) (\d{1,12})\x00")
_MAX_CHAIN: Final = 5_000
_CHUNK: Final = 64 * 1024


class Corrupt(Exception):
    """The object is not what its name says, or cannot be unpacked."""


class TooLarge(Exception):
    """The object, or what it is made from, is larger than it may be."""


class Objects:
    """The objects of one repository.

    Args:
        folder: ``objects`` of the repository.

    Raises:
        OSError: It cannot be listed.
    """

    def __init__(self, folder: Path) -> None:
        from dulwich.object_format import SHA1
        from dulwich.pack import Pack

        self._folder = folder
        self._packs: list[tuple[Any, Path]] = []
        names = sorted(path.stem for path in (folder / "pack").glob("*.idx")) if (folder / "pack").is_dir() else []
        for name in names:
            pack = folder / "pack" / f"{name}.pack"
            if pack.is_file():
                self._packs.append((Pack(str(pack.with_suffix("")), object_format=SHA1), pack))

    def __repr__(self) -> str:
        return f"Objects({len(self._packs)} packs)"

    def close(self) -> None:
        """Let go of the packs."""
        for pack, _ in self._packs:
            with suppress(BufferError):  # a view of dulwich's own may outlive an error; it goes with its frame
                pack.close()

    def read(self, sha: bytes, limit: int) -> tuple[int, bytes]:
        """Type and content of an object.

        Args:
            sha: Its name, 20 bytes.
            limit: Most bytes of its content.

        Raises:
            KeyError: It is not there.
            Corrupt: It is not what its name says.
            TooLarge: It is larger.
        """
        found = self._loose(sha, limit) or self._packed(sha, limit)
        if found is None:
            raise KeyError("no such object")
        kind, content = found
        if hashlib.sha1(b"%b %d\x00" % (_NAMES[kind], len(content)) + content).digest() != sha:  # noqa: S324 - git's
            raise Corrupt
        return found

    def _loose(self, sha: bytes, limit: int) -> tuple[int, bytes] | None:
        name = sha.hex()
        try:
            with (self._folder / name[:2] / name[2:]).open("rb") as file:
                unpacker = zlib.decompressobj()
                content = b""
                while len(content) <= limit + 32 and not unpacker.eof and (piece := file.read(_CHUNK)):
                    content += unpacker.decompress(piece, limit + 64 - len(content))
        except FileNotFoundError:
            return None
        except (OSError, zlib.error):
            raise Corrupt from None
        head = _LOOSE.match(content)
        if not head:
            raise Corrupt
        if int(head[2]) > limit or len(content) - head.end() > limit:
            raise TooLarge
        if int(head[2]) != len(content) - head.end():
            raise Corrupt
        return _TYPES[head[1]], content[head.end() :]

    def _packed(self, sha: bytes, limit: int) -> tuple[int, bytes] | None:
        for pack, path in self._packs:
            kind, content = 0, b""
            try:
                if (offset := _offset(pack.index, sha)) is None:
                    continue
                sizes = list(_sizes(path, offset, pack.index))
                # What it is made from stands in memory at the same time.
                if sizes[0] > limit or sum(sizes) > 4 * limit + _CHUNK:
                    raise TooLarge
                kind, content = pack.get_raw(sha)
            except (TooLarge, MemoryError):
                raise
            except Exception:  # noqa: S110 - of dulwich on broken bytes: assertions, struct errors and more
                pass
            if kind not in _NAMES:  # not raised above, or it would hold on to the frames, and they to the mapping
                raise Corrupt
            return kind, content
        return None


def _offset(index: Any, sha: bytes) -> int | None:
    try:
        found: int = index.object_offset(sha)
    except KeyError:
        return None
    return found


def _sizes(pack: Path, offset: int, index: Any) -> Iterator[int]:
    """The size of an object, then those of all deltas and bases that it is made from (gitformat-pack(5)).

    Raises:
        ValueError, IndexError, KeyError, OSError, zlib.error: The pack is broken.
    """
    deltas: list[int] = []
    with pack.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        for _ in range(_MAX_CHAIN):
            byte, position = view[offset], offset + 1
            kind, size, shift = (byte >> 4) & 7, byte & 15, 4
            while byte & 0x80:
                byte = view[position]
                size, shift, position = size | (byte & 0x7F) << shift, shift + 7, position + 1
            if kind == _OFFSET_DELTA:
                byte = view[position]
                back, position = byte & 0x7F, position + 1
                while byte & 0x80:
                    byte = view[position]
                    back, position = (back + 1 << 7) + (byte & 0x7F), position + 1
                base = offset - back
                if not 0 < base < offset:
                    raise ValueError
            elif kind == _REFERENCE_DELTA:
                base, position = index.object_offset(view[position : position + 20]), position + 20
            else:
                yield size
                yield from deltas
                return
            yield _result_size(view[position : position + 256])
            deltas.append(size)
            offset = base
    raise ValueError


def _result_size(packed: bytes) -> int:
    """The second of the two numbers with which a delta begins."""
    head = zlib.decompressobj().decompress(packed, 32)
    position, number = 0, 0
    for _ in range(2):
        number, shift = 0, 0
        while True:
            byte = head[position]
            number, shift, position = number | (byte & 0x7F) << shift, shift + 7, position + 1
            if not byte & 0x80:
                break
    return number


def control_folder(path: Path) -> Path | None:
    """The folder that holds ``objects`` and ``refs``: the repository's own, or its ``.git``; ``None`` for none."""
    for folder in (path / ".git", path):
        if (folder / "objects").is_dir() and (folder / "HEAD").is_file():
            return folder
    return None


def borrows(folder: Path) -> bool:
    """Whether a repository takes objects from other folders: it could name any."""
    try:
        return (folder / "objects" / "info" / "alternates").stat().st_size > 0
    except OSError:
        return False


def resolve(folder: Path, ref: str) -> bytes | None:
    """The 20 bytes that a branch, tag, full ref or hexadecimal commit stands for; ``None`` where there is none."""
    from dulwich.refs import DiskRefsContainer

    if re.fullmatch(r"[0-9a-f]{40}", ref):
        return bytes.fromhex(ref)
    refs = DiskRefsContainer(os.fspath(folder))
    for name in (ref, f"refs/heads/{ref}", f"refs/tags/{ref}", f"refs/remotes/{ref}", f"refs/remotes/origin/{ref}"):
        if name != "HEAD" and not name.startswith("refs/"):
            continue
        try:
            found: bytes = refs[name.encode()]
            return bytes.fromhex(found.decode("ascii")) if len(found) == 40 else None
        except (KeyError, ValueError, OSError):
            continue
        except Exception:  # noqa: S112 - dulwich's own errors about names that are none
            continue
    return None
