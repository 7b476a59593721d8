"""A corpus of JSON lines as a source: ``{"id", "title", "text", "meta"}`` a line, in plain or gzip files.

Lines are read one at a time, so memory does not grow with the corpus but for eight bytes of hash an id. A line that is
no such object becomes an item with a ``problem`` and no content; it never ends the run. Of several lines with one id
the first counts and the others arrive as ``duplicate-id``: with the last, a repeated id would change its document
back and forth at every sync.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path
from typing import Any

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, SourceItem, Upsert
from ragkit_connectors.texts import MIB, clean, of_source

_BUFFER = 128 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonlConnector:
    """Reads one JSON lines file, or all that a glob finds, in order of their names.

    Args:
        name: The source's name in the configuration.
        path: File or glob; gzip is recognised by its bytes.
        id_field: Field with the document's identity, text or number; required.
        text_field: Field with the text; required.
        title_field: Field with the title; may be absent.
        meta_field: Field with an object of flat values; those that are not flat are left out.
        uri_field: Field saying where a person finds the document; may be absent.
        media_type: How ``text`` is to be parsed: ``text/plain``, ``text/markdown`` or ``text/html``.
        access: Access tokens of every item; ``None`` takes the collection's.
        max_bytes: A longer line becomes an item with the problem ``too-large``.
        checkpoint_every: Items between checkpoints.
    """

    name: str
    path: str = field(repr=False)
    id_field: str = "id"
    text_field: str = "text"
    title_field: str = "title"
    meta_field: str = "meta"
    uri_field: str = "uri"
    media_type: str = "text/plain"
    access: Sequence[str] | None = None
    max_bytes: int = 50 * MIB
    checkpoint_every: int = 500

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Read all lines. The cursor counts lines, and is void once a file has changed: the pass then starts over.

        Raises:
            SourceError: No file is there, or one ends in the middle of its compressed stream.
        """
        files = sorted(glob(str(Path(self.path).expanduser())))  # noqa: PTH207 - the pattern may be absolute
        if not files:
            raise SourceError(
                f"source {self.name!r} has no file",
                remedy="Check `path` of this source in ragkit.toml: no file is there, or the pattern matches none.",
            )
        mark = self._fingerprint(files)
        skip = _resume_at(cursor, mark)
        seen: set[int] = set()
        count = 0
        for position, path in enumerate(files, start=1):
            for number, line in self._lines(path):
                count += 1
                item = self._item(line, f"{position}#{number}", seen)
                if item is None or count <= skip:
                    continue
                yield Upsert(item)
                if count % self.checkpoint_every == 0:
                    yield Checkpoint(json.dumps({"files": mark, "line": count}))
        yield Checkpoint(None, complete=True)

    def _lines(self, path: str) -> Iterator[tuple[int, bytes | None]]:
        """Yield line numbers from 1 with the line, ``None`` for one that is too long."""
        try:
            with _open(path) as stream:
                number = 0
                while line := stream.readline(self.max_bytes + 1):
                    number += 1
                    if len(line) > self.max_bytes:
                        while line and not line.endswith(b"\n"):
                            line = stream.readline(self.max_bytes)
                        yield number, None
                    else:
                        yield number, line
        except (OSError, EOFError, zlib.error) as error:
            raise SourceError(
                f"a file of source {self.name!r} cannot be read to its end ({type(error).__name__})",
                remedy="Check that the file is whole (`gzip -t`), is no symbolic link, and that this user may read it.",
            ) from None

    def _item(self, line: bytes | None, place: str, seen: set[int]) -> SourceItem | None:
        if line is None:
            return self._refused(place, "too-large")
        if not line.strip():
            return None
        try:
            row = json.loads(line)
            native_id, text = _identity(row[self.id_field]), row[self.text_field]
            if not isinstance(text, str):
                raise TypeError  # one exit for every kind of bad line
            content = text.encode()
            hashed = int.from_bytes(hashlib.blake2b(native_id.encode(), digest_size=8).digest(), "big")
        except (ValueError, TypeError, KeyError, RecursionError):
            return self._refused(place, "bad-line")
        if hashed in seen:
            return self._refused(place, "duplicate-id")
        seen.add(hashed)
        title, uri = row.get(self.title_field), row.get(self.uri_field)
        return SourceItem(
            native_id=native_id,
            content=content,
            name=native_id,
            media_type=self.media_type,
            title=clean(title) if isinstance(title, str) and title.strip() else None,
            uri=clean(uri) if isinstance(uri, str) and uri else None,
            access=of_source(self.access),
            metadata=_flat(row.get(self.meta_field)),
        )

    def _refused(self, place: str, problem: str) -> SourceItem:
        return SourceItem(
            native_id=f"line:{place}",
            content=b"",
            name=f"line:{place}",
            media_type=self.media_type,
            access=of_source(self.access),
            problem=problem,
        )

    def _fingerprint(self, files: Sequence[str]) -> str:
        """Changes when a file is added, removed or written, so that a cursor never points into other content."""
        digest = hashlib.sha256()
        for path in files:
            try:
                status = os.stat(path)  # noqa: PTH116
            except OSError:
                continue
            digest.update(
                f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}\n".encode("utf-8", "replace")
            )
        return digest.hexdigest()[:16]


def _open(path: str) -> io.BufferedIOBase:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError("not a regular file")
    stream = io.BufferedReader(io.FileIO(handle), _BUFFER)
    if stream.peek(2)[:2] == b"\x1f\x8b":
        return io.BufferedReader(gzip.GzipFile(fileobj=stream, mode="rb"), _BUFFER)
    return stream


def _resume_at(cursor: str | None, mark: str) -> int:
    if not cursor:
        return 0
    try:
        state = json.loads(cursor)
        return int(state["line"]) if state["files"] == mark else 0
    except (ValueError, TypeError, KeyError):
        return 0


def _identity(value: object) -> str:
    if isinstance(value, str) and value:
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError


def _flat(meta: Any) -> Mapping[str, str]:
    if not isinstance(meta, dict):
        return {}
    flat: dict[str, str] = {}
    for key, value in meta.items():
        if isinstance(value, bool):
            flat[clean(key)] = "true" if value else "false"
        elif isinstance(value, str | int | float):
            flat[clean(key)] = clean(str(value))
    return flat
