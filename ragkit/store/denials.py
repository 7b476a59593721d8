"""What nobody is shown: tokens and documents of people who are being erased, or whose data may not be used for now.

::

    denials.add(request, tokens=["K7F3QX9M2T-4B"], documents=[doc_id], numbers=[number])
    denials.lift(request)

Tokens are the ids as the vault has them. *Numbers* are those of vault values (:func:`ragkit.crypto.key_number`): a
token made later for such a value, or for another spelling of it, is denied when it is made. A *place* is a token in one
document: for a value that another person has too, in a document where it is this one's.

Denials are in the key file, so that a restore keeps them, and every open process sees a change with its next look,
which costs one small read while nothing changes.
"""

from __future__ import annotations

import re
from collections.abc import Collection as Values
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete

from ragkit.spans import NOTHING
from ragkit.store.dialect_words import insert
from ragkit.store.key_schema import denials
from ragkit.types import Chunk, Hit, Masked

if TYPE_CHECKING:
    from ragkit.store.catalog import Collection
    from ragkit.store.keyfile import KeyFile

_SLICE = 5_000
_ALL = "SELECT kind, key, request FROM denials WHERE collection_id = ?"
_TOKEN = re.compile(r"\[([A-Z][A-Z0-9_]{1,39}):([0-9A-Z-]{1,40})\]")
"""A token of the record view by form: group 1 is the type, group 2 its id."""


@dataclass(frozen=True, slots=True)
class Denied:
    """All that is denied at one moment; false when nothing is.

    Attributes:
        numbers: Requests by the number of a denied value.
        places: Token ids by document.
    """

    tokens: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    numbers: dict[int, frozenset[str]] = field(default_factory=dict)
    places: dict[str, frozenset[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.tokens or self.documents or self.numbers or self.places)

    def shown(self, hit: Hit) -> Hit | None:
        """The hit as it may be shown; ``None`` when it may not be.

        A chunk goes that holds a denied token, or stands under a heading or table header that does. Neighbours that
        hold one are left out. Title, address and metadata show the type only; then the chunk's context of the index
        view goes too, since a surrogate stands in it.
        """
        tokens = self.tokens | self.places.get(hit.doc_id, frozenset())
        if hit.doc_id in self.documents or _about(hit.chunk, tokens):
            return None
        title = _without(hit.title, tokens)
        chunk = hit.chunk if title == hit.title else replace(hit.chunk, context_index=NOTHING)
        return replace(
            hit,
            chunk=chunk,
            title=title,
            uri=_without(hit.uri, tokens) if hit.uri else None,
            before=NOTHING if _names(hit.before, tokens) else hit.before,
            after=NOTHING if _names(hit.after, tokens) else hit.after,
            metadata={key: _without(value, tokens) for key, value in hit.metadata.items()},
        )


class Denials:
    """The denials of one collection. Write them while the workspace's write lock is held."""

    def __init__(self, key_file: KeyFile, collection: Collection) -> None:
        self._key_file = key_file
        self._collection_id = collection.id
        self._known = (0, Denied())

    def current(self) -> Denied:
        """Return what is denied now, in whatever process it was said."""
        mark = self._key_file.mark()
        known = self._known
        if mark == known[0]:
            return known[1]
        found = self._read() if mark else Denied()
        self._known = (mark, found)
        return found

    def tokens(self) -> frozenset[str]:
        """Return the denied token ids."""
        return self.current().tokens

    def documents(self) -> frozenset[str]:
        """Return the ids of denied documents."""
        return self.current().documents

    def add(
        self,
        request: str,
        *,
        tokens: Iterable[str] = (),
        documents: Iterable[str] = (),
        numbers: Iterable[int] = (),
        places: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Deny more for a request; the same again changes nothing. Takes part in a write transaction under way.

        Args:
            request: Whose denials they are.
            tokens: Token ids.
            documents: Document ids.
            numbers: Of values whose later tokens are to be denied too.
            places: Document and token id.
        """
        keys = [("token", key) for key in tokens] + [("document", key) for key in documents]
        keys += [("number", str(number)) for number in numbers]
        keys += [("place", f"{doc_id} {token}") for doc_id, token in places]
        rows = [
            {"collection_id": self._collection_id, "kind": kind, "key": key, "request": request}
            for kind, key in dict.fromkeys(keys)
        ]
        if not rows:
            return
        with self._key_file.write() as connection:
            for start in range(0, len(rows), _SLICE):
                connection.execute(insert(denials).on_conflict_do_nothing(), rows[start : start + _SLICE])

    def lift(self, request: str) -> int:
        """Take the denials of a request back; return how many there were. Those of other requests stay."""
        mine = (denials.c.collection_id == self._collection_id) & (denials.c.request == request)
        with self._key_file.write() as connection:
            return connection.execute(delete(denials).where(mine)).rowcount

    def extend(self, made: Iterable[tuple[Values[int], str]]) -> None:
        """Deny tokens that were just made, where one of the numbers of their value is denied."""
        numbers = self.current().numbers
        if not numbers:
            return
        for held, token in made:
            for request in {request for number in held for request in numbers.get(number, ())}:
                self.add(request, tokens=[token])

    def _read(self) -> Denied:
        keys: dict[str, set[str]] = {"token": set(), "document": set()}
        numbers: dict[int, set[str]] = {}
        places: dict[str, set[str]] = {}
        for kind, key, request in self._key_file.look(_ALL, (self._collection_id,)):
            if kind == "number":
                numbers.setdefault(int(key), set()).add(request)
            elif kind == "place":
                places.setdefault(key.partition(" ")[0], set()).add(key.partition(" ")[2])
            elif kind in keys:
                keys[kind].add(key)
        return Denied(
            frozenset(keys["token"]),
            frozenset(keys["document"]),
            {number: frozenset(requests) for number, requests in numbers.items()},
            {doc_id: frozenset(tokens) for doc_id, tokens in places.items()},
        )

    def __repr__(self) -> str:
        return "Denials(…)"


def _names(text: str, tokens: Values[str]) -> bool:
    """Whether one of these tokens stands in a text of the record view."""
    return "[" in text and any(match[2] in tokens for match in _TOKEN.finditer(text))


def _without(text: Masked, tokens: Values[str]) -> Masked:
    """The text with each of these tokens replaced by its type."""
    if "[" not in text:
        return text
    return Masked(_TOKEN.sub(lambda match: f"[{match[1]}]" if match[2] in tokens else match[0], text))


def _about(chunk: Chunk, tokens: Values[str]) -> bool:
    views = (chunk.record, chunk.heading, chunk.context_record, *(path for _, path in chunk.headings))
    return any(_names(view, tokens) for view in views)
