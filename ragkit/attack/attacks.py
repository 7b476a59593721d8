"""The attacks, each from loot and a list of people to a guess for each person.

===================  ==============================================================================================
``vectors``          Embed who is looked for, with the public encoder, and take the nearest chunks (what a vector tells:
                     Song and Raghunathan, "Information Leakage in Embedding Models", CCS 2020; Morris et al., "Text
                     Embeddings Reveal (Almost) As Much As Text", EMNLP 2023)
``words``            Look the name and the addresses up in the stolen terms: what no detector found stands there
``linkage``          Look up what is known besides: city, role, dates (Sweeney, "k-Anonymity", 2002)
``frequency``        Frequent stand-ins are frequent names (Naveed, Kamara, Wright 2015)
``cooccurrence``     Stand-ins keep the company of what they stand for (Islam et al. 2012; Cash et al. 2015), from
                     linkage and a few people whose documents the thief knows
``sizes``            The lengths of what is sealed in the vault, by document
``numbers``          Co-occurrence on the numbers of ``mentions`` instead of terms, with sizes
``together``         All of them, their evidence added up
===================  ==============================================================================================

What comes out is a lower bound: no model is trained to turn vectors back into text, and no thief stops at one evening.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ragkit.attack.cooccurrence import decode
from ragkit.attack.loot import Loot
from ragkit.attack.matching import Guess, evidence, guess
from ragkit.attack.people import DIRECT, KnownPerson, Terms, alternatives
from ragkit.attack.postings import Postings
from ragkit.attack.sealed import by_sizes, name_numbers, sizes_of_parts
from ragkit.folding import fold
from ragkit.wordlists import pool

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from ragkit.protocols import Vectors

ATTACKS = ("vectors", "words", "linkage", "frequency", "cooccurrence", "sizes", "numbers", "together")
_ADDED = {"words": 1.0, "cooccurrence": 1.0, "numbers": 1.0, "vectors": 0.01}
_CHUNKS_AT_ONCE = 4_000
_LONGEST = 300  # characters; more would not fit the encoder's window


class Encoder(Protocol):
    """The public encoder."""

    def embed(self, texts: Sequence[Any]) -> Vectors: ...


@dataclass(slots=True)
class Attempt:
    """One run of the attacks over one collection.

    Attributes:
        loot: What was stolen.
        people: The list.
        terms: Cuts a text as the stolen index does.
        encoder: ``None`` leaves ``vectors`` out.
        known: Documents, by position, of people whom the thief knows.
        seed: Of the lots that are drawn among equals.
    """

    loot: Loot
    people: Sequence[KnownPerson]
    terms: Terms
    encoder: Encoder | None = None
    known: Mapping[int, int] = field(default_factory=dict)
    seed: int = 0
    _made: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)

    def run(self, name: str) -> list[Guess]:
        """A guess for each person.

        Raises:
            KeyError: There is no such attack.
        """
        import numpy as np

        dice = np.random.default_rng(self.seed)
        return [guess(person, scores, dice) for person, scores in enumerate(self.scores(name))]

    def scores(self, name: str) -> list[NDArray[np.float32]]:
        """How well each document fits each person."""
        if name not in self._made:
            self._made[name] = _BY_NAME[name](self)
        return self._made[name]

    def names(self) -> tuple[str, ...]:
        """The attacks that this loot allows."""
        left_out = set()
        if self.encoder is None:
            left_out.add("vectors")
        if not len(self.loot.numbers):
            left_out |= {"sizes", "numbers"}
        if not len(self.loot.terms):
            left_out |= {"words", "linkage", "frequency", "cooccurrence"}
        return tuple(name for name in ATTACKS if name not in left_out)


def _vectors(attempt: Attempt) -> list[NDArray[np.float32]]:
    """The best chunk of each document, against the name alone and the name with what is known besides."""
    import numpy as np

    loot, encoder = attempt.loot, attempt.encoder
    assert encoder is not None
    described = [", ".join([one.name, *one.indirect.values()])[:_LONGEST] for one in attempt.people]
    found = np.zeros((len(attempt.people), len(loot.documents)), dtype=np.float32) - 1
    for texts in ([one.name for one in attempt.people], described):
        asked = np.asarray(encoder.embed(texts), dtype=np.float32)
        for at in range(0, len(loot.vectors), _CHUNKS_AT_ONCE):
            near = asked @ loot.vectors[at : at + _CHUNKS_AT_ONCE].T
            owners = loot.chunk_documents[at : at + _CHUNKS_AT_ONCE]
            for column, owner in enumerate(owners):
                np.maximum(found[:, owner], near[:, column], out=found[:, owner])
    return list(found)


def _words(attempt: Attempt) -> list[NDArray[np.float32]]:
    return _looked_up(attempt, [one.of(DIRECT) for one in attempt.people])


def _linkage(attempt: Attempt) -> list[NDArray[np.float32]]:
    return _looked_up(attempt, [one.indirect for one in attempt.people])


def _looked_up(attempt: Attempt, facts: Sequence[Mapping[str, str]]) -> list[NDArray[np.float32]]:
    return [evidence([alternatives(text, attempt.terms) for text in own.values()], attempt.loot.terms) for own in facts]


# --- stand-ins --------------------------------------------------------------------------------------------------------


def _stand_ins(attempt: Attempt) -> Postings[str]:
    """Terms that are in the public pools from which ragkit draws stand-ins for names."""
    drawn = {term for name in ("given", "family") for word in pool(name) for term in attempt.terms(word)}
    terms = attempt.loot.terms
    return Postings(
        ((term, int(document)) for term in terms.labels if term in drawn for document in terms.of(term)),
        documents=terms.documents,
    )


def _parts(attempt: Attempt) -> list[list[str]]:
    return [[fold(word) for word in one.name.split() if len(word) > 1] for one in attempt.people]


def _nothing(attempt: Attempt) -> list[NDArray[np.float32]]:
    import numpy as np

    none: NDArray[np.float32] = np.zeros(len(attempt.loot.documents), dtype=np.float32)
    return [none] * len(attempt.people)


def _frequency(attempt: Attempt) -> list[NDArray[np.float32]]:
    return decode(_parts(attempt), _stand_ins(attempt), _nothing(attempt), known={}, rounds=1)


def _cooccurrence(attempt: Attempt) -> list[NDArray[np.float32]]:
    return decode(_parts(attempt), _stand_ins(attempt), attempt.scores("linkage"), known=attempt.known)


def _sizes(attempt: Attempt) -> list[NDArray[np.float32]]:
    return by_sizes(attempt.loot, attempt.people)


def _numbers(attempt: Attempt) -> list[NDArray[np.float32]]:
    """Numbers of parts of names, each fitting a part of its length."""
    loot = attempt.loot
    sizes = sizes_of_parts(attempt.people)
    priors = attempt.scores("sizes")
    if len(loot.terms):
        priors = [sized + linked for sized, linked in zip(priors, attempt.scores("linkage"), strict=True)]

    def fits(part: str, number: int) -> bool:
        return loot.values[number].size in sizes[part]

    return decode(_parts(attempt), name_numbers(loot), priors, known=attempt.known, fits=fits)


def _together(attempt: Attempt) -> list[NDArray[np.float32]]:
    """All evidence added up, what two attacks share counted once; among equals the nearest vector comes first."""
    import numpy as np

    allowed = attempt.names()
    found: list[NDArray[np.float32]] = []
    for person in range(len(attempt.people)):
        scores: NDArray[np.float32] = np.zeros(len(attempt.loot.documents), dtype=np.float32)
        for name, weight in _ADDED.items():
            if name in allowed:
                scores += weight * attempt.scores(name)[person]
        if "numbers" in allowed and "linkage" in allowed:  # both hold what links the person
            scores -= attempt.scores("linkage")[person]
        found.append(scores)
    return found


_BY_NAME: Mapping[str, Callable[[Attempt], list[Any]]] = {
    "vectors": _vectors, "words": _words, "linkage": _linkage, "frequency": _frequency,
    "cooccurrence": _cooccurrence, "sizes": _sizes, "numbers": _numbers, "together": _together,
}  # fmt: skip
