"""Values in a question that the vault already holds, found by the keyed hash of its word n-grams.

A three-word question gives a detector nothing to go by ("yalman open invoices"). The vault knows Yalman.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from ragkit.mask.normalise import fold
from ragkit.mask.pools import everyday
from ragkit.mask.vault import Item, Vault
from ragkit.types import Span

_WORD = re.compile(r"\w+(?:[-.'’/@+]\w+)*")
_WITH_DIGITS = frozenset(
    {
        "PHONE_NUMBER",
        "ADDRESS",
        "DATE_OF_BIRTH",
        "AGE",
        "CREDIT_CARD",
        "IBAN_CODE",
        "CRYPTO",
        "IP_ADDRESS",
        "MAC_ADDRESS",
    }
    | {"UUID", "NATIONAL_ID", "CUSTOMER_NUMBER", "ACCOUNT_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER"}
)
"""Types whose values hold a digit: words without one need no look-up, which is most of them."""
_LONGEST = 4
_MAX_WORDS = 400
"""Words of a question that are looked up; one who pastes a document asks nothing more precise by it."""


def vault_values(text: str, vault: Vault, entity_types: Sequence[str]) -> list[Span]:
    """Spans of one to four words whose value the vault holds under one of the types."""
    words = [(match.start(), match.end()) for match in _WORD.finditer(text)][:_MAX_WORDS]
    grams: dict[Item, list[tuple[int, int]]] = {}
    for first, (start, _) in enumerate(words):
        for _, end in words[first : first + _LONGEST]:
            gram = text[start:end]
            for entity_type in entity_types:
                if _worth_asking(entity_type, gram, start):
                    grams.setdefault((entity_type, gram), []).append((start, end))
    known = vault.known(grams)
    return [Span(start, end, item[0], 0.9, "dictionary:vault") for item in known for start, end in grams[item]]


def _worth_asking(entity_type: str, gram: str, start: int) -> bool:
    """An everyday word is a name only when it is capitalised inside a sentence (``may I ask`` against ``ask May``)."""
    if entity_type in _WITH_DIGITS:
        return any(char.isdigit() for char in gram)
    if entity_type in {"EMAIL_ADDRESS", "PROFILE_URL", "URL"}:
        return "@" in gram or "/" in gram
    if entity_type != "PERSON" or " " in gram:
        return True
    return fold(gram) not in everyday() or (gram[0].isupper() and start > 0)
