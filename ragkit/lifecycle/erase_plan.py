"""The plan of an erasure: what goes, what stays, and what it will be known by afterwards.

It holds personal data, so it is kept sealed in the journal (:mod:`ragkit.store.requests`) and wiped at the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Protocol

from ragkit.store.erasure_traces import Remnants
from ragkit.types import VaultRow

Item = tuple[str, str]

STEPS = ("freeze", "survey", "keys", "rows", "evidence", "indexes", "caches", "bytes", "verify", "receipt")
"""In this order. Each may be done again, and each is journaled when it is done."""
PLANNED = "planned"


class HeldValue(Protocol):
    """One value of a person (:class:`ragkit.lifecycle.people.HeldValue`)."""

    @property
    def number(self) -> int: ...

    @property
    def entity_type(self) -> str: ...

    @property
    def value(self) -> str: ...

    @property
    def token(self) -> str: ...

    @property
    def certain(self) -> bool: ...

    @property
    def shared(self) -> bool: ...


class HeldDocument(Protocol):
    """A document with a person's values in it."""

    @property
    def doc_id(self) -> str: ...

    @property
    def wholly(self) -> bool: ...


class Person(Protocol):
    """A person as the store knows one (:class:`ragkit.lifecycle.people.Person`)."""

    @property
    def values(self) -> tuple[Any, ...]: ...

    @property
    def documents(self) -> tuple[Any, ...]: ...


@dataclass(slots=True, repr=False)
class Plan:
    """What is erased. Lists of opaque ids and numbers, and the values themselves.

    Attributes:
        policy: Fingerprint of the policy in force.
        purpose: Keyed hash of why.
        own: The person's values that nobody else has: they go.
        shared: Those that a living person has too: they stay, and go from texts that are about this person only.
        uncertain: Values that may be the person's, by type. They stay.
        numbers: Of own values.
        shared_numbers: Of shared ones.
        deleted: Documents that go as a whole.
        redacted: Documents that stay, with the person redacted.
        possible: Documents that name somebody of a name that others have too, and do not tell whom. They stay.
        tokens: Token ids of own values, every spelling, with their types.
        shared_tokens: Those of shared values, with type and number.
        shared_rows: Vault rows of shared values: number of the row, and of the value.
        orphans: Values that were shared with people who are erased already: they go too.
        macs: Vault rows that go, parts of names that nobody else needs among them, in hexadecimal.
        surrogates: What stood for them in the index view, and what comes instead.
        clear: Documents where a value stands unmasked.
        past: Versions kept for replay that hold the person or belong to a document that goes or is redacted.
        named: Items whose own id at the source names the person.
        naming: By source, the documents that still name the person there.
        places: Record keys that go.
        traces: What the removed records would be known by, in hexadecimal.
        counts: What each step did.
        ms: How long each step took, in milliseconds.
        levels: What was proven so far.
    """

    policy: str = ""
    purpose: str = ""
    own: list[Item] = field(default_factory=list)
    shared: list[Item] = field(default_factory=list)
    uncertain: dict[str, int] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)
    shared_numbers: list[int] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    redacted: list[str] = field(default_factory=list)
    possible: list[str] = field(default_factory=list)
    tokens: dict[str, str] = field(default_factory=dict)
    shared_tokens: dict[str, tuple[str, int]] = field(default_factory=dict)
    shared_rows: list[tuple[int, int]] = field(default_factory=list)
    orphans: list[Item] = field(default_factory=list)
    macs: list[str] = field(default_factory=list)
    surrogates: dict[str, str] = field(default_factory=dict)
    clear: list[str] = field(default_factory=list)
    past: list[tuple[str, int]] = field(default_factory=list)
    named: list[str] = field(default_factory=list)
    naming: dict[str, list[str]] = field(default_factory=dict)
    places: list[str] = field(default_factory=list)
    traces: dict[str, list[str]] = field(default_factory=dict)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    ms: dict[str, int] = field(default_factory=dict)
    levels: dict[str, dict[str, Any]] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Plan:
        """Undo :meth:`to_json`."""
        plan = cls(**{one.name: content[one.name] for one in fields(cls) if one.name in content})
        plan.own = [(kind, value) for kind, value in plan.own]
        plan.shared = [(kind, value) for kind, value in plan.shared]
        plan.orphans = [(kind, value) for kind, value in plan.orphans]
        plan.past = [(doc_id, number) for doc_id, number in plan.past]
        plan.shared_rows = [(row, value) for row, value in plan.shared_rows]
        plan.shared_tokens = {token: (kind, number) for token, (kind, number) in plan.shared_tokens.items()}
        return plan

    def take_down(self, found: Remnants) -> None:
        """Note what removed records would be known by."""
        for name in ("vector", "sealed", "key"):
            known = self.traces.setdefault(name, [])
            known += [one.hex() for one in getattr(found, name)]
            self.traces[name] = list(dict.fromkeys(known))

    @property
    def types(self) -> Counter[str]:
        """Values that go by type."""
        return Counter(kind for kind, _ in (*self.own, *self.orphans))


def plan_for(
    person: Person,
    *,
    policy: str,
    purpose: str = "",
    keep_documents: bool = False,
    delete_documents: Iterable[str] = (),
    further: Iterable[Item] = (),
) -> Plan:
    """Sort what is held of a person into what goes and what stays.

    Args:
        person: Found by one of their values.
        policy: Fingerprint of the policy in force.
        purpose: Keyed hash of why.
        keep_documents: Redact even documents that are about this person alone.
        delete_documents: Ids of further documents to delete as a whole.
        further: Values that are theirs alone though nothing detected them.
    """
    certain = [value for value in person.values if value.certain]
    own = [value for value in certain if not value.shared]
    shared = [value for value in certain if value.shared]
    wholly = [] if keep_documents else [one.doc_id for one in person.documents if one.wholly]
    deleted = list(dict.fromkeys([*wholly, *delete_documents]))
    return Plan(
        policy=policy,
        purpose=purpose,
        own=list(dict.fromkeys([*((one.entity_type, one.value) for one in own), *further])),
        shared=list(dict.fromkeys((one.entity_type, one.value) for one in shared)),
        uncertain=dict(Counter(one.entity_type for one in person.values if not one.certain)),
        numbers=sorted({one.number for one in own}),
        shared_numbers=sorted({one.number for one in shared}),
        deleted=deleted,
        redacted=[one.doc_id for one in person.documents if one.doc_id not in set(deleted)],
        possible=[one.doc_id for one in getattr(person, "possible", ()) if one.doc_id not in set(deleted)],
        tokens={_token_id(one.token): one.entity_type for one in own if one.token},
    )


def _token_id(token: str) -> str:
    """``[PERSON:K7F3QX9M2T-4B]`` or ``K7F3QX9M2T-4B`` to the latter."""
    return token.strip("[]").rpartition(":")[2]


def is_value(row: VaultRow) -> bool:
    """Whether a row is of a whole value, and not of a part of one."""
    return row.kind == "value"
