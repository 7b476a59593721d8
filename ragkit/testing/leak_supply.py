"""Hands out planted values one by one and remembers where each went: for leak tests of many small places.

::

    supply = Supply(seed=81)
    supply.say("pptx title")        # "IBAN: DE68…": a sentence that has to be masked
    supply.mention("rst text")      # a person in running prose, whom the detector may miss
    supply.hide("pptx comment")     # a word that nothing would mask, and that therefore may be nowhere at all
"""

from __future__ import annotations

from collections.abc import Iterable

from ragkit.testing.canaries import Canary, make_canaries, make_people

_SAID, _NAMED, _MENTIONED, _HIDDEN = 500, 100, 60, 500


class Supply:
    """What is left to plant, and what was.

    Attributes:
        canaries: What was handed out, in order.
        places: Where each of them went.
        hidden: The positions of those that nothing masks.
    """

    def __init__(self, *, seed: int) -> None:
        self._cued = make_canaries(_SAID, seed=seed)
        kinds = ("PERSON", "EMAIL_ADDRESS")
        self._cued += make_canaries(_NAMED, seed=seed + 2, entity_types=kinds, avoid=self._cued)
        self._people = make_people(_MENTIONED, seed=seed, avoid=self._cued)
        self._hidden = make_people(_HIDDEN, seed=seed + 1, avoid=[*self._cued, *self._people])
        self.canaries: list[Canary] = []
        self.places: list[str] = []
        self.hidden: set[int] = set()

    def __repr__(self) -> str:
        return f"Supply({len(self.canaries)} canaries)"

    def say(self, place: str, *, plain: bool = False, kind: str = "") -> str:
        """Return a sentence with a value that rules or cues find.

        Args:
            place: Where it goes.
            plain: In characters that names of files and folders may have everywhere.
            kind: An entity type; then only the value is returned.
        """
        fitting = (
            one for one in self._cued if kind in ("", one.entity_type) and (not plain or _is_plain(one.sentence))
        )
        canary = self._take(place, self._cued, fitting)
        return canary.value if kind else canary.sentence

    def mention(self, place: str) -> str:
        """Return a sentence that names somebody without any cue, whom a learned detector finds or misses."""
        return self._take(place, self._people, self._people).sentence

    def hide(self, place: str) -> str:
        """Return a word in ASCII that stands for what must not be taken in, or not be told: nobody would mask it."""
        self.hidden.add(len(self.canaries))
        fitting = (one for one in self._hidden if one.needles[0].isascii())
        return self._take(place, self._hidden, fitting).needles[0]

    def _take(self, place: str, pool: list[Canary], fitting: Iterable[Canary]) -> Canary:
        canary = next(iter(fitting))
        pool.remove(canary)
        self.canaries.append(canary)
        self.places.append(place)
        return canary


def _is_plain(sentence: str) -> bool:
    return sentence.isascii() and not set(sentence) & set("/\\%?#&")
