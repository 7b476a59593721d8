"""Values that a question must not find, because nobody is to be shown them: see :mod:`ragkit.store.denials`.

A question that names such a person is masked as one that names a stranger: what the vault holds of them counts as not
seen. A word of their name that another living value has ("Byron" of two Byrons) stays known for the other's sake.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping

from ragkit.mask.people import name_keys
from ragkit.mask.rows import Item, VaultRows

_MOST = 64
"""Values looked at under one word of a name."""

Held = Callable[[Collection[str]], Mapping[str, tuple[Item, int]]]
"""Token ids to what they stand for, with the number of each."""

Numbers = Callable[[Iterable[Item]], frozenset[int]]


class Withheld:
    """The numbers that count as unseen, kept until what is denied changes.

    Args:
        rows: The vault's rows.
        held: What tokens stand for.
        values: The numbers of values.
        mentions: The numbers of values, their parts and words, under which a document notes them.
    """

    def __init__(self, rows: VaultRows, *, held: Held, values: Numbers, mentions: Numbers) -> None:
        self._rows = rows
        self._held = held
        self._values = values
        self._mentions = mentions
        self._known: tuple[frozenset[str], frozenset[int]] = (frozenset(), frozenset())

    def tokens(self) -> frozenset[str]:
        """The ids of the tokens that nobody is shown."""
        return self._rows.table.denied()

    def numbers(self) -> frozenset[int]:
        """The numbers of their values, and of the words of their names that nobody else has."""
        tokens = self.tokens()
        if tokens != self._known[0]:
            self._known = (tokens, self._found(tokens) if tokens else frozenset())
        return self._known[1]

    def _found(self, tokens: frozenset[str]) -> frozenset[int]:
        held = self._held(tokens).values()
        names = [item for item, _ in held if item[0] == "PERSON"]
        numbers = {number for _, number in held} | self._values(item for item, _ in held) | self._mentions(names)
        others = {
            ("PERSON", opened.value)
            for item in names
            for key in name_keys(*item)
            if key[0] == "word"
            for opened in self._rows.named(key, _MOST).values()
            if opened.token.startswith("[PERSON:") and opened.token[len("[PERSON:") : -1] not in tokens
        }
        return frozenset(numbers - self._mentions(others))
