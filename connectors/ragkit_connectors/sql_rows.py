"""What a row becomes: which columns are what, and the item made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from ragkit.types import SourceItem
from ragkit_connectors.texts import clean

_TOKEN = re.compile(r"pub|[ug]:[^|\s\x00-\x1f]+\|[^|\x00-\x1f]*[^|\s\x00-\x1f]")
"""An access token, as ragkit's configuration has it."""
_FIELD = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The columns of :class:`ragkit_connectors.sql.SqlConnector`, and what they make."""

    id: str
    texts: tuple[str, ...]
    content: str | None
    title: str | None
    media_type: str
    media_type_column: str | None
    name_column: str | None
    updated: str | None
    access: str | None
    access_prefix: str
    access_separator: str
    metadata: tuple[str, ...]
    uri_column: str | None
    uri_template: str | None
    max_bytes: int
    default_access: frozenset[str] | None

    @property
    def words(self) -> tuple[str, ...]:
        """The columns that are read as text, each once."""
        single = (self.title, self.media_type_column, self.name_column, self.uri_column)
        template = _FIELD.findall(self.uri_template or "")
        return tuple(dict.fromkeys([*self.texts, *filter(None, single), *self.metadata, *template]))

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column, each once."""
        single = (self.id, self.content, self.updated, self.access)
        return tuple(dict.fromkeys([*filter(None, single), *self.words]))

    def readers(self, value: Any) -> frozenset[str] | None:
        """Return the access tokens of a row by its access column; what is unknown is nobody."""
        if self.access is None:
            return self.default_access
        if isinstance(value, str):
            value = _listed(value, self.access_separator)
        if not isinstance(value, list | tuple | set | frozenset):
            return frozenset()
        tokens = (f"{self.access_prefix}{word.strip()}" for word in value if isinstance(word, str) and word.strip())
        return frozenset(token for token in tokens if _TOKEN.fullmatch(token))

    def problem(
        self, native_id: str, code: str, access: frozenset[str] | None, *, version: str | None = None
    ) -> SourceItem:
        """Return the item of a row that cannot be handed over."""
        return SourceItem(
            native_id=native_id, content=b"", name=native_id, version=version, access=access, problem=code
        )

    def item(
        self, native_id: str, words: Mapping[str, str | None], content: Any, updated: str | None, access: Any
    ) -> SourceItem:
        """Return the item of a row: its columns as text, its file if it has one, its mark and its access column."""
        body = _bytes(content) if self.content is not None else self._text(words).encode("utf-8", "replace")
        readers = self.readers(access)
        if len(body) > self.max_bytes:  # it grew since it was listed
            return self.problem(native_id, "too-large", readers, version=updated)
        name = self.name_column and words.get(self.name_column)
        kind = self.media_type_column and words.get(self.media_type_column)
        title = self.title and words.get(self.title)
        return SourceItem(
            native_id=native_id,
            content=body,
            name=clean(name) if name else native_id,
            media_type=kind if kind and kind.count("/") == 1 else None if self.content else self.media_type,
            title=clean(title) if title and title.strip() else None,
            uri=self._uri(native_id, words),
            version=updated,
            modified=_time(updated),
            access=readers,
            metadata={name: clean(text) for name in self.metadata if (text := words.get(name)) is not None},
        )

    def _text(self, words: Mapping[str, str | None]) -> str:
        present = [(name, text) for name in self.texts if (text := words.get(name)) and text.strip()]
        if len(self.texts) == 1:
            return "".join(text for _, text in present)
        return "\n\n".join(self._headed(name.replace("_", " ").capitalize(), text) for name, text in present)

    def _headed(self, heading: str, text: str) -> str:
        if self.media_type == "text/html":
            return f"<h2>{escape(heading)}</h2>\n<div>{text}</div>"
        if self.media_type == "text/markdown":
            return f"## {heading}\n\n{text}"
        return f"{heading}\n\n{text}"

    def _uri(self, native_id: str, words: Mapping[str, str | None]) -> str | None:
        if self.uri_template is None:
            found = self.uri_column and words.get(self.uri_column)
            return clean(found) if found else None
        known = {**words, self.id: native_id}
        return _FIELD.sub(lambda field: quote(known.get(field[1]) or "", safe=""), self.uri_template)


def _listed(text: str, separator: str) -> Any:
    if text.lstrip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    return text.split(separator)


def _bytes(value: Any) -> bytes:
    if value is None:
        return b""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    return str(value).encode("utf-8", "replace")  # bytes() of a number would be as many zeros


def _time(updated: str | None) -> datetime | None:
    """The mark as a time, if it is one; without a zone it counts as UTC."""
    if updated and not updated.isdigit():  # a revision such as 20240131 would read as a day
        with suppress(ValueError):
            when = datetime.fromisoformat(updated)
            return when if when.tzinfo else when.replace(tzinfo=UTC)
    return None
