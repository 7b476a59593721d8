"""Decoding stand-ins by who stands with whom: words that always stand for the same word keep its company.

A deterministic stand-in keeps frequency and company of what it stands for. That is what broke property-preserving
encryption (Naveed, Kamara, Wright, "Inference Attacks on Property-Preserving Encrypted Databases", CCS 2015: frequency)
and searchable encryption (Islam, Kuzu, Kantarcioglu, "Access Pattern Disclosure on Searchable Encryption", NDSS 2012;
Cash, Grubbs, Perry, Ristenpart, "Leakage-Abuse Attacks Against Searchable Encryption", CCS 2015: co-occurrence, the
latter from known documents). Here both at once, by expectation and maximisation as words are aligned with their
translation (Brown et al., "The Mathematics of Statistical Machine Translation", 1993, model 1): which stand-in is which
part of a name, and which document is which person's, each from what is believed of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ragkit.attack.postings import Postings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROUNDS = 6
_KEPT = 20
"""So many documents of each person are believed in at once."""
_BELIEVED = 3
"""So many stand-ins of each part are."""
_RANKED = 40
"""So many of the most frequent parts are matched by frequency alone at first."""

Priors = Sequence["NDArray[np.float32]"]
"""How well each document fits each person by other evidence."""

Fits = Callable[[str, Any], bool]
"""Whether a stand-in may stand for a part at all: of the same pool, or of the same length."""


def decode(
    parts: Sequence[Sequence[str]],
    stand_ins: Postings[Any],
    priors: Priors,
    *,
    known: Mapping[int, int],
    fits: Fits | None = None,
    rounds: int = ROUNDS,
) -> list[NDArray[np.float32]]:
    """Score every document for every person by the stand-ins of the parts of their names.

    Args:
        parts: Parts of each person's name.
        stand_ins: Documents by stand-in.
        priors: By person; zeros where nothing is known.
        known: Documents of a few people whom the thief knows, by person.
        fits: By default any stand-in may stand for any part.
        rounds: 1 matches frequencies only.

    Returns:
        By person, the prior and what the names add.
    """
    state = _Decoding(parts, stand_ins, priors, known, fits)
    meanings = state.by_frequency()
    for _ in range(rounds - 1):
        meanings = state.meanings(state.scores(meanings))
    return state.scores(meanings)


_Meanings = dict[int, list[tuple[int, float]]]
"""By part, the stand-ins it is believed to have, each with how surely."""


class _Decoding:
    def __init__(
        self,
        parts: Sequence[Sequence[str]],
        stand_ins: Postings[Any],
        priors: Priors,
        known: Mapping[int, int],
        fits: Fits | None,
    ) -> None:
        import numpy as np

        self._numbers: dict[str, int] = {}
        self._parts = [
            [self._numbers.setdefault(part, len(self._numbers)) for part in dict.fromkeys(own)] for own in parts
        ]
        self._names = list(self._numbers)
        self._stand_ins, self._priors, self._known = stand_ins, priors, known
        self._fits = fits or (lambda _part, _stand_in: True)
        self._holding = np.array([len(stand_ins.of(label)) for label in stand_ins.labels], dtype=np.float64)
        self._people = np.bincount(
            [part for own in self._parts for part in own] or [0], minlength=len(self._names)
        ).astype(np.float64)
        found: list[list[int]] = [[] for _ in range(stand_ins.documents)]
        for place, label in enumerate(stand_ins.labels):
            for document in stand_ins.of(label):
                found[document].append(place)
        self._within = [np.array(places, dtype=np.int64) for places in found]

    def by_frequency(self) -> _Meanings:
        """Match the most frequent parts with the most frequent stand-ins, rank by rank (Naveed et al.)."""
        import numpy as np

        meanings: _Meanings = {}
        free = [int(place) for place in np.argsort(-self._holding, kind="stable")]
        for part in np.argsort(-self._people, kind="stable")[:_RANKED]:
            label = next((p for p in free if self._fits(self._names[part], self._stand_ins.labels[p])), None)
            if label is not None:
                free.remove(label)
                meanings[int(part)] = [(label, 0.2)]
        return meanings

    def scores(self, meanings: _Meanings) -> list[NDArray[np.float32]]:
        """How well each document fits each person, the names' stand-ins being what they are believed to be."""
        found = []
        for person, own in enumerate(self._parts):
            scores = self._priors[person].astype("float32", copy=True)
            for part in own:
                for place, belief in meanings.get(part, ()):
                    holding = self._stand_ins.of(self._stand_ins.labels[place])
                    scores[holding] += belief * self._stand_ins.weight(len(holding))
            found.append(scores)
        return found

    def meanings(self, scores: Sequence[NDArray[np.float32]]) -> _Meanings:
        """Which stand-ins the parts have, the documents being whose they are believed to be.

        A stand-in is believed by the cosine of two sets of documents: those of the people who have the part, and those
        that hold the stand-in. Each stand-in stands for one part only.
        """
        import numpy as np

        width = len(self._stand_ins)
        keys, amounts = [], []
        for person, own in enumerate(self._parts):
            for document, belief in self._believed(person, scores[person]):
                places = self._within[document]
                for part in own:
                    keys.append(part * width + places)
                    amounts.append(np.full(len(places), belief))
        if not keys:
            return {}
        pairs, where = np.unique(np.concatenate(keys), return_inverse=True)
        together = np.bincount(where, weights=np.concatenate(amounts))
        owners, labels = pairs // width, pairs % width
        cosine = together / np.sqrt(self._people[owners] * self._holding[labels])
        return self._one_each(owners, labels, cosine)

    def _one_each(self, part: NDArray[np.int64], place: NDArray[np.int64], cosine: NDArray[np.float64]) -> _Meanings:
        import numpy as np

        taken: dict[int, int] = {}
        meanings: _Meanings = {}
        for at in np.argsort(-cosine, kind="stable"):
            own, label = int(part[at]), int(place[at])
            chosen = meanings.get(own, [])
            if cosine[at] < 0.02:
                break
            if label in taken or len(chosen) >= _BELIEVED:
                continue
            if self._fits(self._names[own], self._stand_ins.labels[label]):
                taken[label] = own
                meanings.setdefault(own, []).append((label, min(1.0, float(cosine[at]))))
        return meanings

    def _believed(self, person: int, scores: NDArray[np.float32]) -> list[tuple[int, float]]:
        """The documents that are believed to be a person's, with shares that come to one; few, or none if all alike."""
        import numpy as np

        if person in self._known:
            return [(self._known[person], 1.0)]
        count = min(_KEPT, len(scores) - 1)
        if count < 1:
            return []
        best = np.argpartition(-scores, count)[:count]
        best = best[scores[best] > 1e-6]
        if not len(best):
            return []
        shares = np.exp(scores[best] - scores[best].max())
        shares /= shares.sum()
        return [(int(document), float(share)) for document, share in zip(best, shares) if share > 1e-3]
