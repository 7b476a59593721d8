"""Opening what the evidence store keeps: the floor under keeping and destroying."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field

from ragkit import crypto
from ragkit.audit import evidence_schema as sql
from ragkit.audit.evidence_file import EvidenceFile
from ragkit.audit.evidence_keys import Part, PartyKeys, open_part, part_place, turn_place, wrap_with
from ragkit.errors import EvidenceGone, KeyMismatch

_CAUSES = {
    "erasure": "the evidence of this request is erased: a person stood in it whose keys are destroyed",
    "document": "the evidence of this request is destroyed: it held text of a document that had to go",
    "age": "the evidence of this request has expired",
    "request": "the evidence of this request was destroyed by an officer",
    "missing": "no evidence was kept of this request",
}
_REMEDIES = {
    "age": "`days` under [audit.evidence] says how long it is kept.",
    "missing": "Check the id; evidence is kept in the mode `compliance`, or with `keep = true` under [audit.evidence].",
}


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """Whom a turn names and which documents it quotes: what a legal hold or an erasure asks for."""

    request: str
    numbers: frozenset[int]
    doc_ids: frozenset[str]

    @classmethod
    def read(cls, row: tuple[str, bytes, str]) -> TurnFacts:
        """From request, numbers and documents as they are stored."""
        request, parties, documents = row
        quoted = frozenset(doc_id for doc_id, _ in sql.documents_from_text(documents))
        return cls(request, sql.numbers_from_bytes(parties), quoted)


@dataclass(frozen=True, slots=True)
class OpenTurn:
    """The keys of a turn that is kept."""

    row: int
    key: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    conversation: bytes = field(repr=False)
    numbers: frozenset[int]
    documents: frozenset[tuple[str, int]]


class ReadingStore:
    """Reads what is kept.

    Args:
        file: Where.
        secret: 32 bytes; wraps the keys of conversations and askers.
        people: Gives the people of a collection, by its name.
    """

    def __init__(self, file: EvidenceFile, *, secret: bytes, people: Callable[[str], PartyKeys]) -> None:
        self._file = file
        self._secret = secret
        self._people = people

    @property
    def exists(self) -> bool:
        """Whether anything was ever kept."""
        return self._file.exists

    def parts(self, request: str) -> list[Part]:
        """Return the parts of a turn, opened, in the order in which they were kept.

        Raises:
            EvidenceGone: There are none: erased, expired, or never kept. ``cause`` tells which.
            KeyMismatch: They were altered.
        """
        self._require_file()
        with self._file.reading() as database:
            opened = self._opened(database, request)
            found = database.execute(sql.PARTS, (opened.row,)).fetchall()
        made = []
        for ref, role, sealed in found:
            content, mac = open_part(opened.key, sealed, place=part_place(request, ref, role))
            made.append(Part(ref, role, content, mac))
        return made

    def read(self, request: str) -> dict[str, bytes]:
        """Return the parts of a turn by role; a second of a role is ``request_body.2``. Raises as :meth:`parts`."""
        found: dict[str, bytes] = {}
        for part in self.parts(request):
            name, number = part.role, 1
            while name in found:
                number += 1
                name = f"{part.role}.{number}"
            found[name] = part.content
        return found

    def collection_of(self, request: str) -> str:
        """Return the collection that a turn is about, also where the turn cannot be opened.

        Raises:
            EvidenceGone: There is no such turn.
        """
        self._require_file()
        with self._file.reading() as database:
            found = database.execute(sql.WHOLE_TURN, (request,)).fetchone()
            if found is None:
                raise self._gone(database, request)
            return str(found[4])

    def documents(self, request: str) -> list[tuple[str, int]]:
        """Return the document versions whose text a turn holds, as (document id, version). Raises as :meth:`parts`."""
        self._require_file()
        with self._file.reading() as database:
            return sorted(self._opened(database, request).documents)

    def contents(self, collection: str, damaged: list[str] | None = None) -> Iterator[tuple[str, list[bytes]]]:
        """Yield every turn of a collection that can be opened: its request, and the contents of its parts.

        Args:
            collection: Its name.
            damaged: Gets the requests of turns that are not as they were sealed; they stop nothing.
        """
        for request in self.requests(collection):
            try:
                found = [part.content for part in self.parts(request)]
            except EvidenceGone:
                continue
            except KeyMismatch:
                if damaged is not None:
                    damaged.append(request)
                continue
            yield request, found

    def requests(
        self,
        collection: str,
        *,
        numbers: Collection[int] | None = None,
        doc_ids: Collection[str] | None = None,
    ) -> list[str]:
        """Return the requests of a collection's turns, readable or not, oldest first.

        Args:
            collection: Its name.
            numbers: Only those in which one of these values stands …
            doc_ids: … or that hold text of one of these documents.
        """
        if not self._file.exists:
            return []
        with self._file.reading() as database:
            if numbers is None and doc_ids is None:
                return [one for (one,) in database.execute(sql.REQUESTS, (collection,))]
            values, texts = frozenset(numbers or ()), frozenset(doc_ids or ())
            facts = map(TurnFacts.read, database.execute(sql.FACTS, (collection,)))
            return [one.request for one in facts if one.numbers & values or one.doc_ids & texts]

    # --- inside ----------------------------------------------------------------------------------------------------

    def _require_file(self) -> None:
        if not self._file.exists:
            raise gone("missing")

    def _opened(self, database: sqlite3.Connection, request: str) -> OpenTurn:
        """The keys of a turn.

        Raises:
            EvidenceGone: It is destroyed, or one of its keys is.
        """
        found = database.execute(sql.WHOLE_TURN, (request,)).fetchone()
        if found is None:
            raise self._gone(database, request)
        row, wrapped, parties, documents, collection, name, conversation, mac, asker = found
        numbers = sql.numbers_from_bytes(parties)
        keys = self._people(collection).keys(numbers) if numbers else {}
        if len(keys) < len(numbers):
            raise gone("erasure")
        dialogue = crypto.unseal(self._secret, conversation, bound_to=conversation_place(name, collection))
        subject = crypto.unseal(self._secret, asker, bound_to=subject_place(mac)) if mac is not None else b""
        key = crypto.unseal(wrap_with(dialogue, subject, keys), wrapped, bound_to=turn_place(request))
        quoted = frozenset(sql.documents_from_text(documents))
        return OpenTurn(row, key, subject, dialogue, numbers, quoted)

    @staticmethod
    def _gone(database: sqlite3.Connection, request: str) -> EvidenceGone:
        cause = database.execute(sql.GONE, (request,)).fetchone()
        return gone(cause[0] if cause else "missing")

    def _subject_mac(self, subject: str) -> bytes:
        return crypto.keyed_hash(crypto.derive(self._secret, "subjects"), subject)[:16]

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("the evidence store holds keys and is not pickled; open it in the other process")


def conversation_place(name: str, collection: str) -> str:
    """Name what a conversation's wrapped key is bound to."""
    return f"evidence-conversation/{collection}/{name}"


def subject_place(mac: bytes) -> str:
    """Name what an asker's wrapped key is bound to."""
    return f"evidence-subject/{mac.hex()}"


def gone(cause: str) -> EvidenceGone:
    """Return the error that says why there is no evidence."""
    return EvidenceGone(_CAUSES.get(cause, _CAUSES["missing"]), cause=cause, remedy=_REMEDIES.get(cause, ""))
