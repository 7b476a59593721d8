"""Whatever a reader of llama-index reads, as a source. One item a document that it gives.

::

    [[collections.wiki.sources]]
    connector = "llama_index"
    name = "notion"
    reader = "llama_index.readers.notion:NotionPageReader"
    integration_token = { env = "NOTION_TOKEN" }   # this and any other key goes to the class
    load = { database_ids = ["…"] }                # and this to its load_data

    [plugins]
    allow = ["llama-index-readers-notion"]

The reader is foreign code that sees unmasked text, opens sockets of its own and may write files: it is imported only
from a distribution that ``[plugins] allow`` names, and runs in a process of its own, whose output and logs, which hold
names of files and worse, go nowhere. Prefer a connector of ragkit's own where there is one: a reader is read from end
to end at every sync, knows no permissions, and cannot be resumed.

Identities: llama-index gives most documents a random id at every run. So a document is known by ``id_metadata`` if that
is set, else by the first of ``file_path``, ``path``, ``url``, ``uri``, ``source`` and ``link`` in its metadata, else by
its own id unless that is a random UUID, else by a hash of its text. Documents that share one (the pages of a file) are
numbered in the order in which they come.

Deletions: what a pass does not give is gone. A reader that passes over what it cannot read makes it look deleted; set
its option for that if it has one (``raise_on_error = true`` of SimpleDirectoryReader).

Permissions: ``access`` of the source holds for all.

Codes: ``too-large``, ``no-id`` (a document without the metadata that ``id_metadata`` names).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Literal
from uuid import UUID

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, SourceItem, Upsert
from ragkit_connectors.reader_process import ReaderFailed, read
from ragkit_connectors.texts import MIB, clean, numbered, of_source

_IDENTITIES = ("file_path", "path", "url", "uri", "source", "link")
_SUFFIXES = {"text/plain": ".txt", "text/markdown": ".md", "text/html": ".html"}


class ReaderConnector:
    """Reads all that a reader gives.

    Args:
        name: The source's name in the configuration.
        reader: The class, ``package.module:Class``.
        load: Arguments of its ``load_data``.
        id_metadata: The metadata that identifies a document.
        media_type: What its text is: ``text/plain``, ``text/markdown`` or ``text/html``.
        max_bytes: A longer text becomes an item with the problem ``too-large``.
        access: Access tokens of every item; ``None`` takes the collection's.
        allow: Distributions whose modules may be imported; ragkit gives those of ``[plugins] allow``.
        arguments: Arguments of the class, such as ``input_dir``; secrets by reference. Relative paths among them are
            made absolute if their key is ``path`` or ends in ``_path``.
    """

    def __init__(
        self,
        *,
        name: str,
        reader: str,
        load: Mapping[str, Any] | None = None,
        id_metadata: str | None = None,
        media_type: Literal["text/plain", "text/markdown", "text/html"] = "text/plain",
        max_bytes: int = 50 * MIB,
        access: Sequence[str] | None = None,
        allow: Collection[str] = (),
        **arguments: Any,
    ) -> None:
        self._name = name
        self._reader = reader
        self._load = dict(load or {})
        self._id_metadata = id_metadata
        self._media_type = media_type
        self._max_bytes = max_bytes
        self._access = of_source(access)
        self._allow = tuple(allow)
        self._arguments = arguments

    def __repr__(self) -> str:
        return f"ReaderConnector(name={self._name!r}, reader={self._reader!r})"

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Read everything from the beginning; a broken pass starts over.

        Raises:
            ConfigError: ``reader`` is no class of a distribution that is allowed.
            MissingDependency: A package that it needs is not installed.
            SourceError: The reader fails.
        """
        del cursor
        times: dict[bytes, int] = {}
        for document in self._read(self._load):
            yield Upsert(self._item(document, times))
        yield Checkpoint(None, complete=True)

    def probe(self) -> str:
        """Make the reader; to tell whether its source is there it would have to read it.

        Raises:
            ConfigError, MissingDependency, SourceError: As :meth:`changes`.
        """
        list(self._read(None))
        return "the reader can be made; whether its source is there, only a sync tells"

    def _read(self, load: Mapping[str, Any] | None) -> Iterator[Mapping[str, Any]]:
        try:
            yield from read(self._reader, allow=self._allow, arguments=self._arguments, load=load)
        except ReaderFailed as failed:
            raise SourceError(
                f"the reader of source {self._name!r} failed ({failed})",
                remedy="Compare its options with its documentation, and check that what it reads is there.",
            ) from None

    def _item(self, document: Mapping[str, Any], times: dict[bytes, int]) -> SourceItem:
        metadata = {clean(key): clean(value) for key, value in document["metadata"].items()}
        content = document["text"].encode("utf-8", "replace")
        identity = self._identity(clean(document["id"]), metadata, content)
        problem = "no-id" if identity is None else "too-large" if len(content) > self._max_bytes else None
        identity = identity or hashlib.blake2b(content, digest_size=16).hexdigest()
        key = hashlib.blake2b(identity.encode(), digest_size=8).digest()
        times[key] = times.get(key, 0) + 1
        native_id = numbered(identity, times[key])
        title = metadata.get("title") or metadata.get("file_name")
        return SourceItem(
            native_id=native_id,
            content=b"" if problem else content,
            name=(PurePath(identity).stem or "document") + _SUFFIXES.get(self._media_type, ""),
            media_type=self._media_type,
            title=title or None,
            uri=metadata.get("url") or metadata.get("file_path"),
            modified=_time(metadata.get("last_modified_date")),
            access=self._access,
            metadata=metadata,
            problem=problem,
        )

    def _identity(self, own: str, metadata: Mapping[str, str], content: bytes) -> str | None:
        if self._id_metadata is not None:
            return metadata.get(self._id_metadata) or None
        for key in _IDENTITIES:
            if metadata.get(key):
                return metadata[key]
        return own if own and not _is_random(own) else hashlib.blake2b(content, digest_size=16).hexdigest()


def _is_random(text: str) -> bool:
    try:
        return UUID(text).version == 4
    except ValueError:
        return False


def _time(text: str | None) -> datetime | None:
    with suppress(ValueError, TypeError):
        when = datetime.fromisoformat(text or "")
        return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None
