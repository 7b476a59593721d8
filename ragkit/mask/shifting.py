"""The operator ``shift``: in the index view, the dates of one person moved by a number of days of that person's own.

Whose a date is cannot be told for certain, so it is the document's main subject: the person it mentions most, by
the fullest name it gives them; without a person, the document itself, by its URI or name. The number is keyed, between
one day and the policy's ``days``, forward or back. The record view keeps the token, so ``reveal`` stays exact.

Dates in a question move by the number of the person it names, and so meet those of the documents about that person.
Where it names several, that of the first; where the name may mean several people, those of each are tried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from ragkit.folding import fold
from ragkit.mask.people import fits, persons, read_name, same_words
from ragkit.mask.rows import Item
from ragkit.mask.shift import Style, shift_date, style_of
from ragkit.mask.sight import Sight
from ragkit.mask.standins import MOST_PERSONS, StandIn, people_meant
from ragkit.mask.vault import Vault
from ragkit.policy import Policy

DAYS = 182
"""How far a date moves at most, where the policy does not say: half a year."""

_MOST_NAMES = 64

Subject = tuple[str, str]
"""``("person", words of the name)`` or ``("document", what it is called)``."""


class DateShift:
    """Moves dates for one collection.

    Args:
        policy: Which types are shifted, and how far.
        vault: The collection's.
    """

    def __init__(self, policy: Policy, vault: Vault) -> None:
        self._policy = policy
        self._vault = vault
        self.active = any(rule.operator == "shift" for rule in policy.entities.values())
        """Whether the policy shifts anything."""

    def moved(
        self, items: Sequence[Item], found: Mapping[Item, tuple[str, str]], *, otherwise: str
    ) -> Mapping[Item, tuple[str, str]]:
        """Tokens and surrogates of one document, with the surrogates of its dates replaced.

        Args:
            items: Every value of the document, one for each mention, in order.
            found: Token and surrogate by value.
            otherwise: What stands for the subject where nobody is named.
        """
        if not self.active:
            return found
        subject = main_subject(items) or ("document", otherwise)
        new = dict(found)
        for item, style in self._dates(items):
            shifted = self._shifted(item, subject, style)
            if item in found and shifted is not None:
                new[item] = (found[item][0], shifted)
        return new

    def question(self, items: Sequence[Item], found: Mapping[Item, StandIn], sight: Sight) -> Mapping[Item, StandIn]:
        """The same for a question; where it names nobody, its dates are those that the vault gave."""
        person = next((value for entity_type, value in items if entity_type == "PERSON"), None)
        if not self.active or person is None:
            return found
        subjects = _meant(person, sight)
        moved = dict(found)
        for item, style in self._dates(items):
            dates = dict.fromkeys(
                new for subject in subjects if (new := self._shifted(item, subject, style)) is not None
            )
            if dates and item in found:
                first, *others = dates
                moved[item] = replace(found[item], surrogate=first, others=tuple(others))
        return moved

    def _dates(self, items: Sequence[Item]) -> Iterable[tuple[Item, Style]]:
        """The dates to be moved, with how dates are written here."""
        dates = list(dict.fromkeys(item for item in items if self._days(item[0])))
        style = style_of(value for _, value in dates)
        return [(item, style) for item in dates]

    def _days(self, entity_type: str) -> int:
        rule = self._policy.rule(entity_type)
        return (rule.days or DAYS) if rule is not None and rule.operator == "shift" else 0

    def _shifted(self, item: Item, subject: Subject, style: Style) -> str | None:
        return shift_date(item[1], shift_of(subject, self._days(item[0]), self._vault), style)


def shift_of(subject: Subject, most: int, vault: Vault) -> int:
    """A subject's number of days: 1 to ``most``, forward or back, never 0."""
    number = vault.offset("date shift", *subject) % (2 * most)
    return number - most if number < most else number - most + 1


def main_subject(items: Iterable[Item]) -> Subject | None:
    """The person that is mentioned most, the earlier of two; ``None`` where nobody is named."""
    names = Counter(value for entity_type, value in items if entity_type == "PERSON" and read_name(value).words)
    people = [
        (person, read_name(person))
        for person in persons([n for n, _ in names.most_common(_MOST_NAMES)], limit=_MOST_NAMES)
    ]
    mentions: Counter[str] = Counter()
    for name, count in names.items():
        mention = read_name(name)
        whose = next((person for person, words in people if fits(mention, words) is not None), name)
        mentions[whose] += count
    return _subject(mentions.most_common(1)[0][0]) if mentions else None


def _subject(name: str) -> Subject:
    """By the words of a name in any order, without title and initials: ``Yalman, Galip M.`` is Galip Yalman."""
    words = sorted(word.forms[0] for word in read_name(name).words)
    return ("person", " ".join(words) or fold(name))


def _meant(mention: str, sight: Sight) -> list[Subject]:
    """Whom a name in a question means, among those the asker may read about, each by every form of the name."""
    name = read_name(mention)
    known = [one.value for one in people_meant(name, sight)]
    exact = [value for value in known if len(name.words) > 1 and same_words(name, read_name(value))]
    fullest = persons(known, limit=MOST_PERSONS)
    return list(dict.fromkeys(map(_subject, [*exact, *fullest, mention])))[:MOST_PERSONS]
