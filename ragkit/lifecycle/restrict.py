"""A person's data set aside (GDPR Art. 18): kept, and shown to nobody until that is lifted.

Denied are the tokens of values that are the person's alone, the documents that are about nobody else, and, in other
documents, the tokens of values that they share with somebody. Values are denied by number too, so that a spelling met
in a later sync is denied when it is made; what else a later sync or masking brings of them is denied at its end
(:func:`extend`). The request stays open, with its sealed reason, until it is lifted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ragkit.errors import ConfigError
from ragkit.lifecycle.subject import people_of, token_ids
from ragkit.store.denials import Denials
from ragkit.store.requests import Requests

if TYPE_CHECKING:
    from ragkit.lifecycle.people import Person
    from ragkit.mask.vault import Vault
    from ragkit.store.records import RecordStore
    from ragkit.store.requests import Request

VERB = "restrict"
IN_FORCE = "in-force"

_ANCHORS = 6
"""Values by which a restricted person is found again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """One restriction.

    Attributes:
        request: Its id, by which it is lifted.
        since: ISO 8601.
        tokens: Tokens denied everywhere.
        documents: Documents denied as a whole.
        places: Shared values denied in single documents.
        reason: Why; sealed in the store.
    """

    request: str
    since: str
    tokens: int
    documents: int
    places: int
    reason: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class _Plan:
    tokens: frozenset[str]
    numbers: frozenset[int]
    documents: frozenset[str]
    places: frozenset[tuple[str, str]]


def restrict(store: RecordStore, person: Person, *, request: str, reason: str) -> Restriction:
    """Deny a person's data, at once; the workspace's write lock is held. Whole or not at all.

    Raises:
        ConfigError: No reason.
    """
    if not reason.strip():
        raise ConfigError("a restriction needs a reason", remedy="Give one with `--reason`.")
    plan = _plan([person])
    anchors = [[one.entity_type, one.value] for one in person.values if one.certain and not one.shared]
    if not anchors:  # somebody of whom nothing but a shared name is known
        anchors = [[one.entity_type, one.value] for one in person.values if one.certain]
    sealed: dict[str, Any] = {"reason": reason.strip(), "subject": person.subject, "anchors": anchors[:_ANCHORS]}
    with store.database.key_file.write():
        journal = Requests(store.database.key_file, store.collection)
        journal.open(request, VERB, sealed, step=IN_FORCE)
        _deny(store, request, plan)
    opened = journal.find(request)
    since = opened.opened_at if opened else ""
    return Restriction(
        request=request,
        since=since,
        tokens=len(plan.tokens),
        documents=len(plan.documents),
        places=len(plan.places),
        reason=reason.strip(),
    )


def lift(store: RecordStore, request: str, *, reason: str, before: Callable[[], None]) -> None:
    """Lift a restriction; the workspace's write lock is held. Whole or not at all.

    ``before`` is called when nothing is in the way, such as to record it.

    Raises:
        ConfigError: No reason, or no such restriction in force.
    """
    if not reason.strip():
        raise ConfigError("lifting a restriction needs a reason", remedy="Give one with `--reason`.")
    journal = Requests(store.database.key_file, store.collection)
    found = journal.find(request)
    if found is None or found.verb != VERB or found.closed_at is not None:
        raise ConfigError("there is no such restriction in force", remedy="`ragkit subject find` tells of those there.")
    before()
    with store.database.key_file.write():
        Denials(store.database.key_file, store.collection).lift(request)
        journal.close(request)


def in_force(store: RecordStore) -> list[Request]:
    """The restrictions of a collection."""
    return Requests(store.database.key_file, store.collection).unfinished(VERB)


def extend(store: RecordStore, vault: Vault) -> int:
    """Deny what has come of restricted people since; called at the end of what brings documents, under its lock.

    Returns:
        How many restrictions were looked at.
    """
    restrictions = in_force(store)
    for one in restrictions:
        _deny(store, one.request, _plan(_again(store, vault, one)))
    return len(restrictions)


def requests_of(store: RecordStore, vault: Vault, person: Person) -> list[str]:
    """The ids of the restrictions that are on a person."""
    return [
        one.request
        for one in in_force(store)
        if any(again.subject == person.subject for again in _again(store, vault, one))
    ]


def _again(store: RecordStore, vault: Vault, request: Request) -> list[Person]:
    """The person a restriction is about, as they are known now: whoever certainly has one of their own values."""
    found: dict[str, Person] = {}
    for entity_type, value in request.plan.get("anchors", ()):
        for person in people_of(store, vault, value, entity_type):
            same = person.subject == request.plan.get("subject")
            alone = any(v.value == value and v.certain and not v.shared for v in person.values)
            if same or alone:
                found[person.subject] = person
    return list(found.values())


def _plan(people: Iterable[Person]) -> _Plan:
    tokens: set[str] = set()
    numbers: set[int] = set()
    documents: set[str] = set()
    places: set[tuple[str, str]] = set()
    for person in people:
        mine = [one for one in person.values if one.certain and not one.shared]
        shared = {one.number: one for one in person.values if one.certain and one.shared}
        tokens |= token_ids(mine)
        numbers |= {one.number for one in mine}
        documents |= {one.doc_id for one in person.documents if one.wholly}
        for held in person.documents:
            here = [shared[number] for number in held.numbers if number in shared]
            places |= {(held.doc_id, token_id) for token_id in token_ids(here)}
    return _Plan(frozenset(tokens), frozenset(numbers), frozenset(documents), frozenset(places))


def _deny(store: RecordStore, request: str, plan: _Plan) -> None:
    denials = Denials(store.database.key_file, store.collection)
    denials.add(request, tokens=plan.tokens, documents=plan.documents, numbers=plan.numbers, places=sorted(plan.places))
