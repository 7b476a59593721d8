"""What the record store tells beside the text: the lengths of what is sealed, and which documents hold the same value.

AES-GCM hides content and not size. Since the vault fills its values up to whole blocks, their sizes tell next to
nothing; this is how that is shown, and what a workspace made before that still gives away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from ragkit.attack.loot import FILLED_TO, Loot, SealedValue
from ragkit.attack.matching import evidence
from ragkit.attack.people import DIRECT, INDIRECT, KnownPerson
from ragkit.attack.postings import Postings
from ragkit.folding import fold

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Size = tuple[str, str, int]


def by_sizes(loot: Loot, people: Sequence[KnownPerson]) -> list[NDArray[np.float32]]:
    """Each value of a type and length, within the whole document and, where values are linked, within one person's."""
    import numpy as np

    within = [
        (_label(loot.values[number]), int(document))
        for number in loot.numbers.labels
        if number in loot.values
        for document in loot.numbers.of(number)
    ]
    whole = Postings(within, documents=len(loot.documents))
    linked = Postings(
        (
            (_label(loot.values[number]), place)
            for place, (_, numbers) in enumerate(loot.groups)
            for number in numbers
            if number in loot.values
        ),
        documents=max(1, len(loot.groups)),
    )
    owners = np.array([document for document, _ in loot.groups], dtype=np.int64)
    found = []
    for one in people:
        facts = [_sized(column, text) for column, text in one.of({**DIRECT, **INDIRECT}).items()]
        facts += [_as_stored("component", "NAME", word) for word in one.name.split()]
        scores = evidence(facts, whole)
        if len(owners):
            best: NDArray[np.float32] = np.zeros(len(scores), dtype=np.float32)
            np.maximum.at(best, owners, evidence(facts, linked))
            scores += best
        found.append(scores)
    return found


def _label(value: SealedValue) -> _Size:
    return value.kind, value.entity_type, value.size


def _sized(column: str, text: str) -> list[list[_Size]]:
    kind = {**DIRECT, **INDIRECT}[column.rstrip("0123456789")]
    return _as_stored("value", kind, text)


def _as_stored(row: str, kind: str, text: str) -> list[list[_Size]]:
    """The sizes that a value may have in the vault: its own, or filled up as this version of ragkit does."""
    return [[(row, kind, size)] for size in _stored_sizes(text)]


def _stored_sizes(text: str) -> tuple[int, int]:
    size = len(text.encode())
    return size, -(-size // FILLED_TO) * FILLED_TO


def name_numbers(loot: Loot) -> Postings[int]:
    """Documents by the number of a part of a name."""
    return Postings(
        (
            (number, int(document))
            for number in loot.numbers.labels
            if number in loot.values and loot.values[number][:2] == ("component", "NAME")
            for document in loot.numbers.of(number)
        ),
        documents=len(loot.documents),
    )


def sizes_of_parts(people: Iterable[KnownPerson]) -> Mapping[str, tuple[int, int]]:
    """The sizes that each part of a name may have, by the folded part."""
    return {fold(word): _stored_sizes(word) for one in people for word in one.name.split()}
