"""A person whose data somebody asks about: finding them, telling several of one name apart, choosing one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ragkit.errors import SubjectUnclear
from ragkit.lifecycle.people import People, Person
from ragkit.mask.tokens import find_tokens

if TYPE_CHECKING:
    from ragkit.lifecycle.people import HeldValue
    from ragkit.mask.vault import Vault
    from ragkit.store.records import RecordStore

_APART = 3
"""Values shown of each of several people of one name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is held of one person, in counts.

    Attributes:
        subject: Opaque id, to name this one of several people.
        types: How many values there are of each entity type.
        shared: How many of them another person has too.
        uncertain: How many of them are likely theirs, and no more.
        documents: Ids of the documents that hold them.
        wholly: Those of them that are about this person alone.
        sources: How many documents each source has.
        possible: Documents that hold a value which they share, and do not tell whose it is there.
        past: Older versions, kept for replay, that hold a value of theirs alone.
        restricted: Ids of the restrictions that are on them.
        apart: Where several people were found, values in clear that only this one of them has.
        names: The sources' own ids of the documents, where they were asked for.
    """

    subject: str
    types: dict[str, int]
    shared: dict[str, int]
    uncertain: dict[str, int]
    documents: tuple[str, ...]
    wholly: tuple[str, ...]
    sources: dict[str, int]
    possible: tuple[str, ...] = ()
    past: int = 0
    restricted: tuple[str, ...] = ()
    apart: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)

    def with_names(self, names: Mapping[str, str]) -> Found:
        """The same with the sources' own ids of its documents."""
        return replace(self, names={doc_id: names[doc_id] for doc_id in self.documents if doc_id in names})


def people_of(store: RecordStore, vault: Vault, value: str, entity_type: str | None = None) -> list[Person]:
    """Return the people of whom this is a value."""
    return list(People(store, vault).find(value.strip(), entity_type=entity_type))


def describe(store: RecordStore, people: Sequence[Person], restricted: Callable[[Person], list[str]]) -> list[Found]:
    """Count what is held of these people, and tell them apart where they are several."""
    from ragkit.lifecycle.history import past_naming
    from ragkit.store.origins import origins

    held = [{(one.entity_type, one.value) for one in person.values} for person in people]
    described = []
    for place, person in enumerate(people):
        others = set().union(*(held[:place] + held[place + 1 :]))
        known = origins(store.database, store.collection, {one.doc_id for one in person.documents})
        described.append(
            Found(
                subject=person.subject,
                types=_counts(person.values),
                shared=_counts([one for one in person.values if one.shared]),
                uncertain=_counts([one for one in person.values if not one.certain]),
                documents=tuple(one.doc_id for one in person.documents),
                wholly=tuple(one.doc_id for one in person.documents if one.wholly),
                sources=dict(Counter(origin.source for origin in known.values())),
                restricted=tuple(restricted(person)),
                possible=tuple(one.doc_id for one in person.possible),
                past=past_naming(store, person),
                apart=tuple(sorted(held[place] - others)[:_APART]) if len(people) > 1 else (),
            )
        )
    return described


def choose(people: Sequence[Person], subject: str | None) -> Person:
    """Return the one that is meant.

    Raises:
        SubjectUnclear: Nobody was found, or several and none of them was named.
    """
    named = [person for person in people if subject is None or person.subject == subject]
    if len(named) == 1:
        return named[0]
    if not named:
        raise SubjectUnclear(
            "nobody here has this value" if not people else "none of those who have this value is the one named",
            remedy="Try another value of the person with `ragkit subject find`; spelling and type matter.",
        )
    raise SubjectUnclear(
        f"{len(named)} people have this value",
        remedy="See what tells them apart with `ragkit subject find`, and name one by `--subject`.",
    )


def further_items(store: RecordStore, vault: Vault, person: Person, given: Iterable[str]) -> list[tuple[str, str]]:
    """Entity types and values that an officer knows of a person beside what is held, because nothing detected them.

    Args:
        store: The records of the collection.
        vault: Its values.
        person: Whose they are.
        given: Each a name, an e-mail address, or ``TYPE=value``.

    Raises:
        SubjectUnclear: A value is somebody else's too, or its type is not told.
    """
    items: list[tuple[str, str]] = []
    for one in given:
        named = re.match(r"([A-Z][A-Z0-9_]{1,39})=(?=.*\w)", one)
        value = (one[named.end() :] if named else one).strip()
        if not named and (not re.search(r"[^\W\d_]", value) or ("@" not in value and re.search(r"\d", value))):
            raise SubjectUnclear("a further value has no type", remedy="Write it as TYPE=value, such as PHONE_NUMBER=…")
        kind = named[1] if named else "EMAIL_ADDRESS" if "@" in value else "PERSON"
        if any(other.subject != person.subject for other in people_of(store, vault, value, kind)):
            raise SubjectUnclear(
                "a further value is somebody else's too",
                remedy="Leave it out; `ragkit subject find` shows who has it.",
            )
        items.append((kind, value))
    return items


def token_ids(values: Sequence[HeldValue]) -> set[str]:
    """The ids of the tokens of some values."""
    return {token_id for one in values for _, _, _, token_id in find_tokens(one.token)}


def _counts(values: Sequence[HeldValue]) -> dict[str, int]:
    return dict(sorted(Counter(one.entity_type for one in values).items()))
