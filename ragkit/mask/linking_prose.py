"""Values that a sentence gives to a person: ``his phone is …``, ``born on …``, ``my customer number is …``."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence

from ragkit.folding import fold
from ragkit.mask.linking_names import may_be_one
from ragkit.mask.linking_runs import CLOSING, Mention
from ragkit.mask.linking_shares import belongs_to_firm

_CUE = re.compile(
    r"\b(?:his|her|their|whose|born|lives?|living|resid(?:es|ing|ent)|phone|telephone|mobile|tel|e-?mails?|mail|"
    r"address|reached|reachable|numbers?|no|nr|account|iban|card|passport|licen[cs]e|plate|birth|birthday|dob|called "
    r"from|calls? from|writes? from|wrote from|"
    r"sein[em]?[nrs]?|ihre?[mnrs]?|geb(?:oren)?|wohn(?:t|haft)|telefon|handy|mobil|nummer|kundennummer|erreichbar|konto|"
    r"adresse|anschrift|geburtsdatum|"
    r"nee?|demeurant|domicilie|habite|numero|telephone|compte|naissance|nacid[oa]|vive|domicilio|telefono|correo|cuenta"
    r")\b[^.!?\n]{0,24}$"
)
_PRONOUN = re.compile(
    r"\b(?:his|her|their|he|she|they|sein[em]?[nrs]?|ihre?[mnrs]?|er|sie|il|elle|son|sa|su|sus|suo)\b"
)
_MINE = re.compile(
    r"\b(?:my|mine|i am|i'm|me at|me on|mein[em]?[nrs]?|mich|mir|mon|ma|mes|mi|mis|mio|mia|mijn|ich|je)\b"
)
_YOURS = re.compile(r"\b(?:your|ihre?[mnrs]?|dein[em]?[nrs]?|votre|vos|ton|ta|su|sus|tu|uw|jouw|vostro)\b")
_GREETING = re.compile(
    r"^\W*(?:dear|hi|hello|hey|good (?:morning|afternoon)|hallo|liebe[rs]?|sehr geehrte[rs]?|guten tag|bonjour|chere?|"
    r"estimad[oa]|hola|querid[oa]|gentile|car[oa]|beste|geachte|hoi|hej|prezad[oa]|ola)\b[^\n,:]{0,24}$"
)
_RENAMED = re.compile(
    r"\b(?:now (?:called|known|named|goes by)|(?:is|was|has) (?:now|renamed|changed)|changed (?:his|her|their) name|"
    r"formerly|previously|nee|born|maiden name|also known as|aka|a\.k\.a\.|alias|married|geb(?:orene?r?)?|"
    r"vormals|fruher|heisst (?:jetzt|nun)|jetzt|verheiratete?|anciennement|epouse|ex|desormais|antes|ahora|gia)\b"
)
_FOREIGN = re.compile(r"\b(?:pay(?:able|ment)? to|to our|transfer to|remit|our|company|payee|beneficiary|bank details|"
                      r"uberweis\w*|empfanger|unser\w*|notre|nuestr[ao])\b")  # fmt: skip
_STOP = re.compile(r"(?<![A-Z][a-z])(?<!\bNo)(?<!\bNr)(?<!\btel)[.!?…]\s+|\n\s*\n")
_FIELD = re.compile(r"[\s>*_#•|-]*[^:.!?]{1,40}[:：][\s*_]*$")
"""A field of a form, which is a run's and no sentence's."""
_REACH, _RENAME = 300, 60


class Prose:
    """The sentences around the values of one text.

    Args:
        text: The text.
        people: The mentions of names in it, in order.
    """

    def __init__(self, text: str, people: Sequence[Mention]) -> None:
        self._text = text
        self._people = people
        self._starts = [mention.start for mention in people]
        self._addressee: list[Mention] | None = None
        self._sender: list[Mention] | None = None

    def owner(self, value: Mention, full: Callable[[str], str | None]) -> Mention | None:
        """Whose a value is by its sentence; ``None`` where that is not said.

        Args:
            value: A value that stands alone.
            full: Gives one key to all names of one person, ``None`` to a name that several may have.
        """
        if belongs_to_firm(value):
            return None
        field = _FIELD.match(self._line_before(value)) is not None
        start, end = self._sentence(value)
        before = fold(self._text[start : value.start])
        here = self._between(start, end)
        if not field and _cued(before):
            one = _one(here, full)
            if one is not None:
                return one
        if not field and not here and _PRONOUN.search(before) and start > 0 and self._text[start - 2 : start] != "\n\n":
            earlier, _ = self._sentence_before(start)
            one = _one(self._between(earlier, start), full)
            if one is not None:
                return one
        near = before[-60:]
        if _MINE.search(near):
            return _one(self._senders(), full)
        if _YOURS.search(near):
            return _one(self._addressees(), full)
        return None

    def renamed(self) -> Iterator[tuple[Mention, Mention]]:
        """Two names that a sentence says are one person's: ``Anna Meier, née Schulz``, ``is now called``."""
        for one, other in zip(self._people, self._people[1:]):
            gap = self._text[one.end : other.start]
            if (
                len(gap) <= _RENAME
                and "\n" not in gap
                and _RENAMED.search(fold(gap))
                and may_be_one(one.value, other.value)
            ):
                yield one, other

    def to_firm(self, value: Mention) -> bool:
        """Whether a sentence says that an account is the writer's: ``please pay to …``, ``our account``."""
        start, _ = self._sentence_before(value.start)
        return _FOREIGN.search(fold(self._text[start : value.start])) is not None

    def _between(self, start: int, end: int) -> Sequence[Mention]:
        return self._people[bisect_left(self._starts, start) : bisect_left(self._starts, end)]

    def _sentence(self, value: Mention) -> tuple[int, int]:
        start, _ = self._sentence_before(value.start)
        stop = _STOP.search(self._text, value.end, value.end + _REACH)
        return start, stop.start() + 1 if stop else min(len(self._text), value.end + _REACH)

    def _sentence_before(self, position: int) -> tuple[int, int]:
        """The start of the sentence that ends at or holds a position."""
        first = max(0, position - _REACH)
        start = first
        for stop in _STOP.finditer(self._text, first, max(first, position - 2)):
            start = stop.end()
        return start, position

    def _addressees(self) -> list[Mention]:
        if self._addressee is None:
            self._addressee = [one for one in self._people if _GREETING.match(fold(self._line_before(one)))]
        return self._addressee

    def _senders(self) -> list[Mention]:
        if self._sender is None:
            found = [
                one for one in self._people if fold(self._line_before(one)).strip(" \"'*") in {"from:", "von:", "de:"}
            ]
            self._sender = found or list(self._signed())
        return self._sender

    def _line_before(self, mention: Mention) -> str:
        return self._text[self._text.rfind("\n", 0, mention.start) + 1 : mention.start]

    def _signed(self) -> Iterator[Mention]:
        for one in self._people:
            head = self._text[max(0, one.start - 60) : one.start]
            if "\n" in head and CLOSING.search(fold(head).rstrip()):
                yield one


def _cued(before: str) -> bool:
    return _CUE.search(before) is not None


def _one(mentions: Sequence[Mention], full: Callable[[str], str | None]) -> Mention | None:
    """The mention of the only person among these."""
    keys = {full(mention.value) for mention in mentions}
    return mentions[0] if len(keys) == 1 and None not in keys else None
