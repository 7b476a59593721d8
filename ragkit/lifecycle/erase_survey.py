"""Before anything is destroyed: every row, document, text and name in which a person stands, taken down in the plan.

It reads the whole vault and the text of every chunk once, since only that tells which parts of a name nobody else
needs, and where a value stands that no detector found. Until it is done the person is denied already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit.crypto import key_number
from ragkit.folding import fold
from ragkit.lifecycle.erase_plan import Item, Plan, is_value
from ragkit.mask.operators import redacted
from ragkit.mask.ruled import begins
from ragkit.mask.rulings import Rulings
from ragkit.store.erasure import ErasureRows
from ragkit.store.erasure_traces import ErasureTraces
from ragkit.store.pastrows import PastRows, Place
from ragkit.types import RulingRow, Span

if TYPE_CHECKING:
    from ragkit.crypto import CollectionKeys
    from ragkit.mask.people import NameKey
    from ragkit.mask.vault import Vault
    from ragkit.store.records import RecordStore

Find = Callable[[str], list[Span]]
"""A text to the places where the person stands in it, in clear."""

_MOST_NAMES = 2_000


@dataclass(frozen=True, slots=True)
class These:
    """Rulings that are not written down yet (:class:`ragkit.mask.rulings.RulingTable`)."""

    given: tuple[RulingRow, ...]

    def mark(self) -> int:
        """They do not change."""
        return 0

    def rows(self) -> list[RulingRow]:
        """Give all of them."""
        return [*self.given]


def rulings_of(plan: Plan, request: str, vault: Vault, keys: CollectionKeys) -> list[RulingRow]:
    """Return the rulings that keep the person of a plan out.

    A single word of a name rules only where nobody else in the vault goes by it.
    """
    numbers = {*plan.numbers, *(vault.value_number(item) for item in plan.own)}

    def is_taken(key: NameKey) -> bool:
        if key[0] == "word" and len(key[1]) < 3:
            return True
        return any(
            number not in numbers and vault.value_number(("PERSON", one.value)) not in numbers
            for number, one in vault.named(key, _MOST_NAMES).items()
        )

    made = Rulings(keys, vault, These(()))
    return made.erasing(request, own=plan.own, shared=plan.shared, is_taken=is_taken)


def finder(plan: Plan, request: str, vault: Vault, keys: CollectionKeys) -> Find:
    """Return what finds the person of a plan in a text, and nobody else."""
    rulings = Rulings(keys, vault, These(tuple(rulings_of(plan, request, vault, keys))))
    may_name = _hint(plan.own)
    return lambda text: rulings.erased_in(text) if may_name(text) else []


def _hint(own: Iterable[Item]) -> Callable[[str], bool]:
    """A quick look whether a text can name the person at all: a word or the end of a number of theirs is in it."""
    starts = {start for item in own for start in begins(*item)}
    words = [text for kind, text in starts if kind != "tail"]
    ends = [r"[\W_]*".join(map(re.escape, text)) for kind, text in starts if kind == "tail"]
    number = re.compile("|".join(ends)) if ends else None

    def may_name(text: str) -> bool:
        folded = text.lower() if text.isascii() else fold.__wrapped__(text)
        return any(word in folded for word in words) or (number is not None and number.search(folded) is not None)

    return may_name


def survey(store: RecordStore, vault: Vault, plan: Plan, find: Find) -> None:
    """Take down in the plan everything that goes, and what it would be known by afterwards."""
    rows = ErasureRows(store.database, store.collection)
    traces = ErasureTraces(store.database, store.collection)
    _survey_vault(rows, vault, plan)
    _survey_texts(rows, plan, find)
    _survey_past(store, plan, find)
    keys = [*plan.deleted, *plan.redacted]
    plan.naming = {}
    for doc_id, source in rows.sources_of(keys).items():
        plan.naming.setdefault(source, []).append(doc_id)
    plan.take_down(traces.of_values([bytes.fromhex(mac) for mac in plan.macs]))
    plan.take_down(traces.of_documents(keys))
    plan.take_down(traces.of_versions(plan.past))
    plan.places = [f"v/{key_number(bytes.fromhex(mac))}" for mac in plan.macs]
    plan.places += traces.places_of(keys)
    plan.places += [f"d/{doc_id}/{number}" for doc_id, number in plan.past]


def past_of(store: RecordStore, plan: Plan) -> set[Place]:
    """Return the past versions that go by what is known of them, without reading their texts.

    They are those of documents that go or are redacted, and those in which a value stands that is the person's alone.
    """
    past = PastRows(store.database, store.collection)
    return past.of_documents([*plan.deleted, *plan.redacted]) | past.mentioning(plan.numbers)


def _survey_past(store: RecordStore, plan: Plan, find: Find) -> None:
    """The same, and those where the person stands unmasked."""
    texts = PastRows(store.database, store.collection).texts()
    found = {*plan.past, *past_of(store, plan)}
    found |= {place for place, held in texts if place not in found and any(find(one) for one in held)}
    plan.past = sorted(found)


def take_orphans(store: RecordStore, vault: Vault, plan: Plan) -> list[str]:
    """Let go too of shared values that stand nowhere any more: those they were shared with were erased before.

    Returns:
        The keyed hashes of the rows that go with them, in hexadecimal.
    """
    rows = ErasureRows(store.database, store.collection)
    standing = rows.standing({number for pair in plan.shared_rows for number in pair})
    living = {value for row, value in plan.shared_rows if row in standing or value in standing}
    gone = {value for _, value in plan.shared_rows} - living
    plan.orphans += [item for item in plan.shared if vault.value_number(item) in gone]
    plan.shared = [item for item in plan.shared if item not in plan.orphans]
    if not plan.orphans:
        return []
    before = set(plan.macs)
    _survey_vault(rows, vault, plan)
    fresh = sorted(set(plan.macs) - before)
    plan.macs = sorted({*before, *fresh})
    plan.take_down(ErasureTraces(store.database, store.collection).of_values([bytes.fromhex(mac) for mac in fresh]))
    plan.places += [f"v/{key_number(bytes.fromhex(mac))}" for mac in fresh]
    return fresh


def _survey_vault(rows: ErasureRows, vault: Vault, plan: Plan) -> None:
    """Every spelling of own values, and the parts of them that no other value is made of."""
    own = _all_numbers(vault, plan.numbers, [*plan.own, *plan.orphans])
    shared = _all_numbers(vault, plan.shared_numbers, plan.shared)
    plan.numbers = sorted(own)
    parts: dict[int, tuple[str, str]] = {}
    macs: list[str] = []
    mine: set[int] = set()
    others: set[int] = set()
    for some in rows.vault_rows():
        for row in some:
            number, opened = key_number(row.value_mac), vault.opened(row)
            if not is_value(row):
                parts[number] = (row.value_mac.hex(), opened.surrogate)
                continue
            item = (row.entity_type, opened.value)
            if number in own or vault.value_number(item) in own:
                macs.append(row.value_mac.hex())
                mine.update(vault.part_numbers(item))
                plan.tokens[row.token or ""] = row.entity_type
                plan.surrogates[opened.surrogate] = redacted(row.entity_type).index
                plan.numbers = sorted({*plan.numbers, number})
                continue
            others.update(vault.part_numbers(item))
            if row.token and (number in shared or vault.value_number(item) in shared):
                plan.shared_tokens[row.token] = (row.entity_type, vault.value_number(item))
                plan.shared_rows.append((number, vault.value_number(item)))
    for number in (mine - others) & parts.keys():
        mac, surrogate = parts[number]
        macs.append(mac)
        plan.surrogates.setdefault(surrogate, redacted("PERSON").index)
    plan.macs = sorted(set(macs))
    plan.redacted = sorted({*plan.redacted, *rows.mentioning(own)} - {*plan.deleted})


def _survey_texts(rows: ErasureRows, plan: Plan, find: Find) -> None:
    deleted = set(plan.deleted)
    clear = {doc_id for doc_id, texts in rows.texts() if doc_id not in deleted and any(find(one) for one in texts)}
    plan.clear = sorted(clear)
    plan.redacted = sorted({*plan.redacted, *clear})
    plan.named = sorted({doc_id for doc_id, name in rows.native_ids() if doc_id in deleted or find_in_name(find, name)})


def find_in_name(find: Find, name: str) -> bool:
    """Whether a file name or path names the person, glued as such names are."""
    from ragkit.mask.fields import Field

    return any(find(reading.text) for reading in Field("name", name, glued=True).spellings())


def _all_numbers(vault: Vault, numbers: Iterable[int], items: Iterable[Item]) -> set[int]:
    return {*numbers, *(vault.value_number(item) for item in items)}
