"""Cost is linear in length: one long document takes what its pieces take."""

from __future__ import annotations

import pytest

from ragkit.mask.build import build_masker
from ragkit.policy import Policy
from ragkit.testing.clock import cpu_seconds
from ragkit.testing.fakes import MemoryVaultTable

PARAGRAPH = (
    "The service returns the configuration of each queue and the time of its last change. For customer {n} the "
    "account number is 12{n:06} and the contact is person{n}@example.com, phone +49 30 90{n:04}. See section 4.2.\n\n"
    "| Key | Value |\n|---|---|\n| region | eu-west-{n} |\n\nDear Ms Yalman{n}, thank you. `GET /v1/items/{n}`\n\n"
)


def text_of(size: int) -> str:
    """A text with findings all along, of about this many characters."""
    return "".join(PARAGRAPH.format(n=n) for n in range(size // 390))


def seconds_per_character(masker, documents) -> float:
    """CPU seconds a character, better of two."""
    return cpu_seconds(lambda: masker.mask(documents)) / sum(len(document.text) for document in documents)


def test_a_megabyte_costs_what_its_pieces_cost(keys, document):
    """The same text, as one document and as fifteen: the cost a character is the same within half.

    The vault is warm for both, since new values cost by value and not by length. ``benchmarks`` hold it to a fifth;
    here other processes disturb the clock.
    """
    masker = build_masker(Policy.default(), keys, MemoryVaultTable(), "c")
    masker.load()
    text = text_of(150_000)
    pieces = [document(text[start : start + 10_000]) for start in range(0, len(text), 10_000)]
    masker.mask([*pieces, document(text)])
    masker.flush()
    small, large = seconds_per_character(masker, pieces), seconds_per_character(masker, [document(text)])
    assert large < 1.5 * small, f"{large / small:.2f} times as slow a character"


@pytest.mark.parametrize("size", [200_000])
def test_plain_prose_is_fast(keys, document, size):
    """Well above 400,000 characters a second where there is little to find; a tenth of it even on a loaded machine."""
    masker = build_masker(Policy.default(), keys, MemoryVaultTable(), "c")
    masker.load()
    text = (
        "Amazon services return a list of items in pages; each page names the next. Use `--max-items` to end. " * 3000
    )[:size]
    assert size / cpu_seconds(lambda: masker.mask([document(text)])) > 100_000
