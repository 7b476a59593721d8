"""Values in a question that the vault already holds, found by the keyed hashes of its words and word n-grams.

A three-word question gives a detector nothing to go by ("yalman open invoices"). The vault knows Yalman: in any case,
with or without accents, possessive or initials, in either order, by given name or surname alone
(:mod:`ragkit.mask.people`). What the asker may not read is not recognised, see :mod:`ragkit.mask.sight`.

An everyday word that is also a name (``will``, ``may``, ``grace``) is read both ways, and so is a single word in lower
case that nothing but the vault takes for a name: some detector may have made a mistake in some document.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ragkit.folding import fold
from ragkit.mask.normalise import HONORIFICS, strip_possessive
from ragkit.mask.people import PARTICLES, Word, read_name
from ragkit.mask.rows import Item
from ragkit.mask.sight import Sight
from ragkit.mask.standins import people_meant
from ragkit.mask.surrogates import KEPT, SHARED
from ragkit.types import Span
from ragkit.wordlists import everyday, folded

_WORD = re.compile(r"[+(]?\w+(?:[-.'’/@+)(]\w+)*")
_NAME_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_BETWEEN = re.compile(r"(?:\.?,?[ \t\u00a0]{1,2}|\.|,)")
_LETTERS_ONLY = frozenset({"LOCATION", "ORGANIZATION", "NRP", "TITLE"})
"""Types whose values need no digit; the rest are looked up only where there is one, which is seldom. So are the
company's own types, which may have none."""
_NEVER = SHARED | {"PERSON", "QUANTITY", "URL", "PROFILE_URL", "POSTCODE"}
"""Too common in questions to be somebody's, or found by their form alone."""
_LONGEST = 4
_LONGEST_NUMBER = 6
_LEAST_DIGITS = 5
_MAX_WORDS = 400
"""Words of a question that are looked up; one who pastes a document asks nothing more precise by it."""
_GRAMMAR = frozenset(
    "i u ur you we he she it they me us him her them there this that these those the a an my your our his their its be "
    "not "
    "ich du wir sie er es ihr man je tu il elle nous vous ils elles yo ella nosotros who what which how when where "
    "why do does did is are was were have has had can could would should must for of in on at to".split()
)
_BEFORE_NAMES = frozenset(
    "for of to from by with about and or at did does has had is was von fur mit de par para".split()
)
SCORE = 0.9


@dataclass(slots=True)
class Recognised:
    """Spans of one text by how sure it is that they are meant so.

    Attributes:
        certain: Masked in every reading.
        likely: Masked; one more reading leaves them in clear.
        unlikely: In clear; one more reading masks them.
    """

    certain: list[Span] = field(default_factory=list)
    likely: list[Span] = field(default_factory=list)
    unlikely: list[Span] = field(default_factory=list)


@dataclass(frozen=True, slots=True, repr=False)
class _Token:
    """A word of the question that may be a name's."""

    start: int
    end: int
    word: Word
    seen: bool
    initial: bool

    @property
    def folded(self) -> str:
        return self.word.forms[0]


def recognise(text: str, sight: Sight, entity_types: Sequence[str]) -> Recognised:
    """What the asker may know of the values in a text.

    Args:
        text: The question.
        sight: What its asker may read about.
        entity_types: The types to look for.
    """
    grams = _grams(text, [one for one in entity_types if one not in _NEVER])
    locals_ = _local_parts(text) if "EMAIL_ADDRESS" in entity_types else {}
    words = [(match.start(), match.end()) for match in _NAME_WORD.finditer(text)][:_MAX_WORDS]
    named = [read_name(text[start:end]) for start, end in words] if "PERSON" in entity_types else []
    numbers = {item: sight.value(item) for item in grams}
    words_of = [[sight.name(("word", form)) for one in name.words for form in one.forms] for name in named]
    local_numbers = {local: sight.name(("local", local)) for local in locals_}
    every = [*numbers.values(), *(number for some in words_of for number in some), *local_numbers.values()]
    every += _around_names(text, words, sight) if named else []
    seen = sight.look(every)  # one look-up for all that may be asked of these words further on
    found = Recognised()
    for item, number in numbers.items():
        if number in seen:
            found.certain += (Span(start, end, item[0], SCORE, "dictionary:vault") for start, end in grams[item])
    for local, number in local_numbers.items():
        if number in seen:
            start, end = locals_[local]
            found.certain.append(Span(start, end, "EMAIL_ADDRESS", SCORE, "dictionary:vault"))
    if named:
        tokens = _tokens(text, words, [any(number in seen for number in some) for some in words_of])
        _find_names(text, tokens, sight, found)
    return found


def is_everyday(text: str, span: Span) -> bool:
    """Whether a detector took an everyday word for a name, which in lower case, or first in a sentence, is doubtful."""
    word = text[span.start : span.end]
    capital = word[:1].isupper() and _inside_sentence(text, span.start)
    return span.entity_type == "PERSON" and not capital and fold(strip_possessive(word)) in everyday()


# --- values of other types --------------------------------------------------------------------------------------------


def _grams(text: str, entity_types: Sequence[str]) -> dict[Item, list[tuple[int, int]]]:
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)][:_MAX_WORDS]
    lettered = [one for one in entity_types if one in _LETTERS_ONLY]
    found: dict[Item, list[tuple[int, int]]] = {}
    for first, (start, _) in enumerate(words):
        for length, (_, end) in enumerate(words[first : first + _LONGEST_NUMBER], 1):
            gram = text[start:end]
            digits = sum(char.isdigit() for char in gram)
            if digits:
                types = entity_types if digits >= _LEAST_DIGITS or _has_both(gram) else ()
            else:
                types = lettered if length <= _LONGEST and not _is_common(gram) else ()
            for entity_type in types:
                found.setdefault((entity_type, gram), []).append((start, end))
            if not digits and length >= _LONGEST:
                break
    return found


def _has_both(gram: str) -> bool:
    """``KD-12`` but not ``2024``, and not two words one of which has a digit (``in 30``)."""
    return " " not in gram and any(char.isalpha() for char in gram) and sum(char.isalnum() for char in gram) > 3


def _is_common(gram: str) -> bool:
    return " " not in gram and fold(strip_possessive(gram)) in everyday()


def _local_parts(text: str) -> dict[str, tuple[int, int]]:
    """Words that may be what stands before the sign of an e-mail address."""
    found = {}
    for match in _WORD.finditer(text):
        local = fold(match[0])
        if len(local) > 3 and "@" not in local and local not in KEPT and local not in everyday():
            found[local] = match.span()
    return found


# --- names ------------------------------------------------------------------------------------------------------------


def _around_names(text: str, words: Sequence[tuple[int, int]], sight: Sight) -> Iterable[int]:
    for first, (start, stop) in enumerate(words):
        yield from sight.around(("PERSON", text[start:stop]))
        for _, end in words[first + 1 : first + _LONGEST]:
            yield sight.value(("PERSON", text[start:end]))


def _tokens(text: str, words: Sequence[tuple[int, int]], seen: Sequence[bool]) -> list[_Token]:
    tokens = []
    for (start, end), known in zip(words, seen, strict=True):
        if len(possessive := strip_possessive(text[start:end])) < end - start:
            end = start + len(possessive)
        name = read_name(text[start:end])
        # "a" and "I" are words of a sentence more often than initials
        initial = end - start == 1 and (text[end : end + 1] == "." or text[start].lower() not in "aieyou")
        word = name.words[0] if name.words else Word(text[start:end], (fold(text[start:end]),))
        tokens.append(_Token(start, end, word, known and end - start > 1, initial))
    return tokens


def _find_names(text: str, tokens: Sequence[_Token], sight: Sight, found: Recognised) -> None:
    """Mentions from left to right, the longest that somebody is called first."""
    at = 0
    while at < len(tokens):
        if not (tokens[at].seen or tokens[at].initial):
            at += 1
            continue
        window = next((window for window in _windows(text, tokens, at) if _means_somebody(text, window, sight)), None)
        if window is not None:
            end = window[-1].end
            dot = window[-1].initial and text[end : end + 1] == "."
            found.certain.append(_span(window[0].start, end + dot))
            at += len(window)
            continue
        if tokens[at].seen:
            _single(text, tokens, at, found)
        at += 1


def _windows(text: str, tokens: Sequence[_Token], at: int) -> Iterable[Sequence[_Token]]:
    """Runs of two and more words from here on that could be one name, the longest first."""
    end = at + 1
    while end < len(tokens) and end - at < _LONGEST and _adjacent(text, tokens[end - 1], tokens[end]):
        one = tokens[end]
        if not (one.seen or one.initial or one.folded in PARTICLES):
            break
        end += 1
    for stop in range(end, at + 1, -1):
        window = tokens[at:stop]
        if any(one.seen for one in window) and (window[-1].seen or window[-1].initial):
            yield window


def _adjacent(text: str, one: _Token, other: _Token) -> bool:
    return _BETWEEN.fullmatch(text, one.end, other.start) is not None


def _means_somebody(text: str, window: Sequence[_Token], sight: Sight) -> bool:
    name = read_name(text[window[0].start : window[-1].end])
    return len(name.words) + len(name.initials) > 1 and bool(name.words) and bool(people_meant(name, sight))


def _single(text: str, tokens: Sequence[_Token], at: int, found: Recognised) -> None:
    """One word that is part of somebody's name: how likely is it meant so here?"""
    token = tokens[at]
    word, capital = token.folded, text[token.start].isupper() and not text[token.start : token.end].isupper()
    inside = _inside_sentence(text, token.start)
    listed = word in folded("given") or word in folded("family")
    span = _grown(text, tokens, at)
    if word in HONORIFICS:
        return
    if word in everyday():
        if capital and inside:
            found.likely.append(span)
        elif listed and not _grammatical(tokens, at):
            found.unlikely.append(span)
    elif (capital and inside) or span.end - span.start > token.end - token.start:
        found.certain.append(span)
    else:
        found.likely.append(span)


def _grown(text: str, tokens: Sequence[_Token], at: int) -> Span:
    """Over neighbours that are names by the lists, though nobody whom the asker may see has both: ``galip yalman``."""
    first = last = at
    while first > 0 and _adjacent(text, tokens[first - 1], tokens[first]) and _listed(tokens[first - 1]):
        first -= 1
    while last + 1 < len(tokens) and _adjacent(text, tokens[last], tokens[last + 1]) and _listed(tokens[last + 1]):
        last += 1
    return _span(tokens[first].start, tokens[last].end)


def _listed(token: _Token) -> bool:
    word = token.folded
    known = word in folded("given") or word in folded("family")
    return known and word not in everyday() and word not in _GRAMMAR and not token.seen and len(word) > 2


def _inside_sentence(text: str, start: int) -> bool:
    before = text[:start].rstrip(" \t\"'“„(")
    return bool(before) and before[-1] not in ".!?:\n"


def _grammatical(tokens: Sequence[_Token], at: int) -> bool:
    """Whether a word stands where the language needs it, as ``may`` before ``I``, and no name stands."""
    after = tokens[at + 1].folded if at + 1 < len(tokens) else ""
    before = tokens[at - 1].folded if at else ""
    return after in _GRAMMAR or (before in _GRAMMAR and before not in _BEFORE_NAMES)


def _span(start: int, end: int) -> Span:
    return Span(start, end, "PERSON", SCORE, "dictionary:vault")
