"""The files of uploaded originals: ``uploads/<collection>/<file>``, sealed under a key each, names that tell nothing.

::

    with originals.create() as writer:
        writer.write(b"…")                    # any number of times; a frame at a time is in memory
        writer.finish({"name": …})            # durable now
        rows.add(file=writer.file, key=writer.key, …)
        writer.keep()

A file is a row of frames, each a length and what it seals with AES-256-GCM, bound to the file, its place and whether it
is the last, so that none can be left out, exchanged or cut off (the STREAM construction of Hoang, Reyhanitabar, Rogaway
and Vizár, CRYPTO 2015). The last frame is the header: name, media type, access list, metadata, who and when.

A file becomes an original by its row (:mod:`ragkit.store.uploads`), which no rename could be safer than. Until then its
writer holds a lock on it, which the kernel lets go of when the process dies: an unknown file that nobody has locked is
what a killed upload left, and :meth:`Originals.sweep` deletes it.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from ragkit import crypto
from ragkit.crashpoints import reach
from ragkit.errors import KeyMismatch, StoreError

FOLDER = "uploads"
"""In the data directory, and in a backup."""

_FRAME = 256 * 1024
_HEADER_BYTES = 512
_LARGEST = _FRAME + 1024
_LENGTH = 4
_UNKNOWN = "the original of an uploaded document is damaged"


class OriginalWriter:
    """One original on its way to the disk. A context manager: what is not kept at the end is deleted.

    Attributes:
        file: Name of the file.
        key: Seals it; in memory only until :meth:`ragkit.store.uploads.UploadRows.add` writes it down.
        size: Bytes of content so far.
    """

    def __init__(self, folder: Path) -> None:
        self.key = crypto.new_key()
        self.file = crypto.opaque_id(crypto.new_key(), "upload")
        self.size = 0
        self._path = folder / self.file
        self._held = bytearray()
        self._frames = 0
        self._kept = False
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        self._out = os.fdopen(handle, "wb", buffering=0)

    def write(self, piece: bytes) -> None:
        """Take more of the content.

        Raises:
            StoreError: The disk refuses.
        """
        self.size += len(piece)
        self._held += piece
        while len(self._held) >= _FRAME:
            self._put(bytes(self._held[:_FRAME]), "part")
            del self._held[:_FRAME]

    def finish(self, header: Mapping[str, Any]) -> None:
        """Write what is left and the header, and force all of it to the disk. Raises as :meth:`write`."""
        if self._held:
            self._put(bytes(self._held), "part")
            self._held.clear()
        reach("upload.before_header")
        text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
        for start in range(0, len(text), _FRAME):
            last = start + _FRAME >= len(text)
            self._put(crypto.pad(text[start : start + _FRAME], _HEADER_BYTES if last else 1), "end" if last else "head")
        try:
            os.fsync(self._out.fileno())
            _sync_folder(self._path.parent)
        except OSError as refused:
            raise _no_disk(refused) from None
        reach("upload.after_file")

    def keep(self) -> None:
        """Leave the file: its row is written."""
        self._kept = True

    def _put(self, piece: bytes, kind: str) -> None:
        sealed = crypto.seal(self.key, piece, bound_to=_place(self.file, self._frames, kind))
        self._frames += 1
        try:
            left = memoryview(len(sealed).to_bytes(_LENGTH, "big") + sealed)
            while left:
                left = left[self._out.write(left) or 0 :]
        except OSError as refused:
            raise _no_disk(refused) from None
        reach("upload.in_file")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._held.clear()
        if not self._kept:
            with suppress(FileNotFoundError):
                self._path.unlink()
        self._out.close()

    def __repr__(self) -> str:
        return f"OriginalWriter({self.size} bytes)"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("keys are not pickled; write the original where it is received")


class Originals:
    """The folder with the originals of one collection.

    Args:
        folder: ``uploads/<collection id>`` of the data directory; made when the first comes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self) -> OriginalWriter:
        """Begin a new original.

        Raises:
            StoreError: The disk refuses.
        """
        try:
            for folder in (self._folder.parent, self._folder):
                if not folder.exists():
                    folder.mkdir(mode=0o700, exist_ok=True)
                    _sync_folder(folder.parent)
            return OriginalWriter(self._folder)
        except OSError as refused:
            raise _no_disk(refused) from None

    def read(self, file: str, key: bytes, *, limit: int | None = None) -> tuple[dict[str, Any], bytes] | None:
        """Return header and content; ``None`` when there is no such file.

        Args:
            file: Its name.
            key: Its key.
            limit: Most bytes of content; the content of a longer one comes back empty.

        Raises:
            KeyMismatch: It was altered, or is another key's.
            StoreError: It is cut off, or cannot be read.
        """
        try:
            handle = os.open(self._folder / file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as refused:
            raise _no_disk(refused) from None
        with os.fdopen(handle, "rb") as source:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise StoreError(_UNKNOWN, remedy="Upload the document again.")
            return _opened(source, file, key, limit)

    def unlink(self, files: Collection[str]) -> None:
        """Delete files whose keys are destroyed."""
        for file in files:
            with suppress(FileNotFoundError):
                (self._folder / file).unlink()
            reach("upload.in_unlink")

    def sweep(self, known: Callable[[], Collection[str]]) -> int:
        """Delete what killed uploads and deletions left; ``known`` gives the names that have a row. Returns how many.

        An upload under way holds the lock of its file; one that was just finished has a row by then.
        """
        if not self._folder.is_dir():
            return 0
        swept, there = 0, known()
        for path in self._folder.iterdir():
            if path.name in there:
                continue
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if path.name not in known():
                    path.unlink(missing_ok=True)
                    swept += 1
            except BlockingIOError:
                continue
            finally:
                os.close(handle)
        return swept


def _opened(source: BinaryIO, file: str, key: bytes, limit: int | None) -> tuple[dict[str, Any], bytes]:
    unsealed, content, head = crypto.opener(key), bytearray(), bytearray()
    frames = size = 0
    while True:
        length = int.from_bytes(source.read(_LENGTH), "big")
        sealed = source.read(length) if 0 < length <= _LARGEST else b""
        if not sealed:
            raise StoreError(_UNKNOWN, remedy="Upload the document again.")
        kind, piece = _frame(unsealed, sealed, file, frames, header=bool(head))
        frames += 1
        if kind == "part":
            size += len(piece)
            if limit is None or size <= limit:
                content += piece
        else:
            head += piece
        if kind == "end":
            header: dict[str, Any] = json.loads(crypto.unpad(bytes(head)).decode("utf-8", "surrogatepass"))
            return header, b"" if limit is not None and size > limit else bytes(content)


def _frame(
    unsealed: Callable[[bytes, str], bytes], sealed: bytes, file: str, number: int, *, header: bool
) -> tuple[str, bytes]:
    """Open a frame as whichever kind may stand here."""
    kinds = ("end", "head") if header else ("part", "end", "head")
    for kind in kinds[:-1]:
        with suppress(KeyMismatch):
            return kind, unsealed(sealed, _place(file, number, kind))
    return kinds[-1], unsealed(sealed, _place(file, number, kinds[-1]))


def _place(file: str, number: int, kind: str) -> str:
    return f"original/{file}/{number}/{kind}"


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _no_disk(refused: OSError) -> StoreError:
    return StoreError(
        f"the original of an uploaded document cannot be read or written ({type(refused).__name__})",
        remedy="Check space and permissions of the data directory.",
    )
