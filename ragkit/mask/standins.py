"""What stands for a value in a question: that of the person meant, where only one can be meant.

``yalman`` gets the surrogate of that part of the name, which every mention of every Yalman in the documents has. An
initial has no such surrogate: ``G. Yalman`` is read as each person it may be, so that it finds ``Galip Yalman`` too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ragkit.folding import fold
from ragkit.mask.people import Name, fits, matched_text, narrowest_key, persons, read_name, same_words
from ragkit.mask.rows import Item, Opened
from ragkit.mask.sight import Sight

MOST_PERSONS = 4
"""People that a mention is read as, at most."""


@dataclass(frozen=True, slots=True)
class StandIn:
    """The replacement of one value.

    Attributes:
        token: For the record view.
        surrogate: For the index view.
        others: Index views of the people it may be instead, where the surrogate does not cover them.
        ambiguous: Whether it fits several values that the asker may read about.
    """

    token: str
    surrogate: str
    others: tuple[str, ...] = ()
    ambiguous: bool = False


def stand_ins(items: Iterable[Item], sight: Sight) -> dict[Item, StandIn]:
    """The replacements for the values of a question."""
    wanted = list(dict.fromkeys(items))
    plain = sight.stand_ins(wanted)
    found: dict[Item, StandIn] = {}
    for item in wanted:
        if item[0] == "PERSON":
            found[item] = _person(item, plain[item], sight)
        elif item[0] == "EMAIL_ADDRESS" and "@" not in item[1]:
            found[item] = _local_part(item, plain[item], sight)
        else:
            found[item] = StandIn(*plain[item])
    return found


def people_meant(mention: Name, sight: Sight) -> list[Opened]:
    """The values that a mention may be, among those the asker may read about; none where no word of it was seen."""
    key = narrowest_key(mention)
    words = [[sight.name(("word", form)) for form in word.forms] for word in mention.words]
    seen = sight.look(number for forms in words for number in forms)
    if key is None or not all(any(number in seen for number in forms) for forms in words):
        return []
    return [one for one in sight.named(key) if fits(mention, read_name(one.value)) is not None]


def _person(item: Item, plain: tuple[str, str], sight: Sight) -> StandIn:
    mention = read_name(item[1])
    candidates = {one.value: one for one in people_meant(mention, sight)}
    if not candidates:
        return StandIn(*plain)
    people = persons(candidates, limit=MOST_PERSONS + 1)
    exact = sight.value(item) in sight.look(())
    if len(people) > 1 and len(mention.words) > 1:  # a full name means who has just this name
        people = [person for person in people if same_words(mention, read_name(person))][:1] or people
    surrogates = _by_words(mention, people[:MOST_PERSONS], sight)
    if len(people) == 1:
        token = plain[0] if exact else candidates[people[0]].token
        return StandIn(token, surrogates[0])
    first, *others = dict.fromkeys([plain[1], *surrogates] if mention.initials else surrogates)
    return StandIn(plain[0], first, tuple(others), ambiguous=True)


def _by_words(mention: Name, people: list[str], sight: Sight) -> list[str]:
    """The index view of a mention as each of these people: their words that it names, in their order."""
    named: list[list[str]] = []
    for person in people:
        name = read_name(person)
        places = fits(mention, name) or []
        if mention.initials:  # the words that its initials stand for belong to it too
            letters = set(mention.initials)
            places = [n for n, word in enumerate(name.words) if n in places or word.forms[0][0] in letters]
        named.append(matched_text(person, places))
    words: list[Item] = [("PERSON", word) for some in named for word in some]
    single = sight.stand_ins(words)
    return [" ".join(single["PERSON", word][1] for word in some) for some in named]


def _local_part(item: Item, plain: tuple[str, str], sight: Sight) -> StandIn:
    """What stands before the sign of an e-mail address, asked for alone."""
    candidates = sight.named(("local", fold(item[1])))
    if len(candidates) != 1:
        return StandIn(*plain, ambiguous=len(candidates) > 1)
    return StandIn(candidates[0].token, candidates[0].surrogate.rpartition("@")[0])
