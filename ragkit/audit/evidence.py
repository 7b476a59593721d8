"""The evidence store: what was asked, found, sent and answered, sealed, in ``evidence.db`` of the data folder.

::

    store = EvidenceStore(data / "evidence.db", secret=handles.secret("evidence"), people=people_of)
    entries = store.keep(evidence, request=request, actor=principal)     # for the event's ``payload``
    store.sync()                                                         # on the disk now
    store.read(request)["question"]                                      # or EvidenceGone, with its cause

The log commits to each part by a salted hash and holds no word of it, so that evidence can be destroyed without
breaking the log. A turn is one question with all that belongs to it; it is under the keys of its conversation, of who
asked, and of every person whose token occurs in it or in the turns before it, since their text is in its prompt
(:mod:`ragkit.audit.evidence_keys`). Many processes may write. The file has mode 0600 and is no part of a backup:
evidence is kept for a time, and a copy of it would be kept for another.
"""

from __future__ import annotations

import os
import sqlite3
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ragkit import crypto
from ragkit.audit import evidence_schema as sql
from ragkit.audit.evidence_destroying import DestroyingStore, drop_empty
from ragkit.audit.evidence_file import EvidenceFile, as_os_error
from ragkit.audit.evidence_keys import PartyKeys, part_place, seal_part, tokens_in, turn_place, wrap_with
from ragkit.audit.evidence_reading import conversation_place, subject_place
from ragkit.errors import EvidenceGone, RagkitError
from ragkit.types import Evidence, Principal

_REMEMBERED = 256


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What is to be kept, and the numbers of those who stand in it."""

    evidence: Evidence
    request: str
    actor: Principal | None
    people: PartyKeys
    named: frozenset[int]


@dataclass(slots=True)
class _Dialogue:
    """A conversation that is being written, in memory."""

    row: int
    key: bytes = field(repr=False)
    numbers: set[int]


@dataclass(slots=True)
class _Turn:
    """A turn that is being written, in memory."""

    row: int
    key: bytes = field(repr=False)
    subject: bytes = field(repr=False)
    dialogue: _Dialogue
    numbers: frozenset[int]
    documents: frozenset[tuple[str, int]]


class EvidenceStore(DestroyingStore):
    """Implements :class:`ragkit.audit.sealing.EvidenceKeeper`. Safe to share between threads and after a fork.

    Args:
        path: Made when something is first kept.
        secret: 32 bytes; wraps the keys of conversations and askers.
        people: Gives the people of a collection, by its name.
        clock: Seconds since 1970.
    """

    def __init__(
        self,
        path: Path,
        *,
        secret: bytes,
        people: Callable[[str], PartyKeys],
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(EvidenceFile(path), secret=secret, people=people)
        self._clock = clock
        self._turns: OrderedDict[str, _Turn] = OrderedDict()
        self._dialogues: OrderedDict[tuple[str, str], _Dialogue] = OrderedDict()
        self._pid = os.getpid()

    def keep(self, evidence: Evidence, *, request: str, actor: Principal | None) -> Sequence[Mapping[str, Any]]:
        """Store the parts, encrypted; return for each the entry of the event's ``payload``.

        What tells of a person who was erased meanwhile is committed to and not stored.

        Raises:
            OSError: It could not be stored.
        """
        if not evidence.parts:
            return ()
        request = request or uuid.uuid4().hex
        with as_os_error(RagkitError):
            people = self._people(evidence.collection)
            tokens = tokens_in(evidence.parts.values()) | evidence.tokens
            named = frozenset(people.numbers(tokens).values()) if tokens else frozenset[int]()
            try:
                with self._file.writing() as database:
                    self._forget_after_fork()
                    turn = self._turn(database, _Arrival(evidence, request, actor, people, named))
                    return self._store(database, turn, evidence, request)
            except BaseException:  # what is remembered may have been undone
                self._forget()
                raise

    def sync(self) -> None:
        """Force what was kept to the disk. Raises OSError."""
        self._file.sync()

    def close(self) -> None:
        """Close the files and forget the keys."""
        self._forget()
        self._file.close()

    def _store(
        self, database: sqlite3.Connection, turn: _Turn | None, evidence: Evidence, request: str
    ) -> list[Mapping[str, Any]]:
        entries, rows = list[Mapping[str, Any]](), []
        key = turn.key if turn else crypto.new_key()
        for role, content in evidence.parts.items():
            ref = uuid.uuid4().hex
            sealed, mac = seal_part(key, content, place=part_place(request, ref, role))
            entries.append({"role": role, "ref": ref, "len": len(content), "mac": mac})
            rows.append((ref, role, sealed))
        if turn is None:
            return entries
        database.executemany(sql.NEW_PART, [(turn.row, *row) for row in rows])
        if not turn.documents.issuperset(evidence.documents):
            turn.documents |= {*evidence.documents}
            database.execute(sql.QUOTED, (sql.documents_as_text(turn.documents), turn.row))
        return entries

    def _turn(self, database: sqlite3.Connection, what: _Arrival) -> _Turn | None:
        """The turn with all people of the evidence among its keys; ``None`` when it is destroyed."""
        there = database.execute(sql.TURN, (what.request,)).fetchone()
        turn = self._turns.get(what.request)
        if there is None:
            if turn is not None or database.execute(sql.GONE, (what.request,)).fetchone():
                return None
            return self._begin(database, what)
        if turn is None or turn.row != there[0]:
            try:
                turn = self._again(database, what.evidence, what.request)
            except EvidenceGone:
                return None
            self._remember(what.request, turn)
        if not what.named <= turn.numbers:
            return self._extend(database, what.request, turn, what.people, what.named | turn.numbers)
        return turn

    def _begin(self, database: sqlite3.Connection, what: _Arrival) -> _Turn | None:
        evidence, request = what.evidence, what.request
        dialogue = self._dialogue(database, evidence.conversation or request, evidence.collection)
        subject, subject_key = self._asker(database, what.actor)
        numbers = what.named | dialogue.numbers
        keys = what.people.keys(numbers)
        if len(keys) < len(numbers):
            database.execute(sql.NEW_GONE, (what.request, "erasure"))
            drop_empty(database, [dialogue.row], [subject])
            return None
        key = crypto.new_key()
        outer = wrap_with(dialogue.key, subject_key, keys)
        wrapped = crypto.seal(outer, key, bound_to=turn_place(request))
        quoted = frozenset(evidence.documents)
        facts = sql.numbers_as_bytes(numbers), sql.documents_as_text(quoted)
        row = (request, dialogue.row, subject, int(self._clock()), *facts, wrapped)
        made = database.execute(sql.NEW_TURN, row).lastrowid or 0
        turn = _Turn(made, key, subject_key, dialogue, frozenset(numbers), quoted)
        dialogue.numbers |= numbers
        self._remember(what.request, turn)
        return turn

    def _extend(
        self, database: sqlite3.Connection, request: str, turn: _Turn, people: PartyKeys, numbers: frozenset[int]
    ) -> _Turn | None:
        """Wrap the turn's key anew: more people stand in it than were known before."""
        keys = people.keys(numbers)
        if len(keys) < len(numbers):
            return None
        outer = wrap_with(turn.dialogue.key, turn.subject, keys)
        wrapped = crypto.seal(outer, turn.key, bound_to=turn_place(request))
        database.execute(sql.REWRAPPED, (wrapped, sql.numbers_as_bytes(numbers), turn.row))
        turn.numbers = numbers
        turn.dialogue.numbers |= numbers
        return turn

    def _dialogue(self, database: sqlite3.Connection, name: str, collection: str) -> _Dialogue:
        known = self._dialogues.get((name, collection))
        row = database.execute(sql.CONVERSATION, (name, collection)).fetchone()
        if row is None:  # also one whose turns are all destroyed: its history may still be in memory
            key = crypto.new_key()
            wrapped = crypto.seal(self._secret, key, bound_to=conversation_place(name, collection))
            made = database.execute(sql.NEW_CONVERSATION, (name, collection, wrapped)).lastrowid or 0
            known = _Dialogue(made, key, known.numbers if known else set())
        elif known is None or known.row != row[0]:
            key = crypto.unseal(self._secret, row[1], bound_to=conversation_place(name, collection))
            known = _Dialogue(row[0], key, sql.numbers_in(database, row[0]))
        self._dialogues[name, collection] = known
        self._dialogues.move_to_end((name, collection))
        if len(self._dialogues) > _REMEMBERED:
            self._dialogues.popitem(last=False)
        return known

    def _asker(self, database: sqlite3.Connection, actor: Principal | None) -> tuple[int | None, bytes]:
        if actor is None:
            return None, b""
        mac = self._subject_mac(actor.subject)
        row = database.execute(sql.SUBJECT, (mac,)).fetchone()
        if row is not None:
            return row[0], crypto.unseal(self._secret, row[1], bound_to=subject_place(mac))
        key = crypto.new_key()
        wrapped = crypto.seal(self._secret, key, bound_to=subject_place(mac))
        return database.execute(sql.NEW_SUBJECT, (mac, wrapped)).lastrowid, key

    def _again(self, database: sqlite3.Connection, evidence: Evidence, request: str) -> _Turn:
        """A turn that another process began, or that was forgotten here."""
        opened = self._opened(database, request)
        dialogue = self._dialogue(database, evidence.conversation or request, evidence.collection)
        return _Turn(opened.row, opened.key, opened.subject, dialogue, opened.numbers, opened.documents)

    def _remember(self, request: str, turn: _Turn) -> None:
        self._turns[request] = turn
        if len(self._turns) > _REMEMBERED:
            self._turns.popitem(last=False)

    def _forget_after_fork(self) -> None:
        """Start over in a forked child: what its parent was writing then may have been undone since."""
        if self._pid != os.getpid():
            self._turns, self._dialogues, self._pid = OrderedDict(), OrderedDict(), os.getpid()

    def _forget(self) -> None:
        with self._file.held():
            self._turns.clear()
            self._dialogues.clear()
