"""Measures what rulings cost the masker: characters a second with 1, 100 and 10,000 erased people, by processor time.

Run ``python benchmarks/rulings.py``. Two texts: ragkit's own pages, and letters full of names and numbers. The first
pass hashes each new word once; the second is what a long sync comes to.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from pathlib import Path

from reporting import print_table, write_json

from ragkit.crypto import CollectionKeys
from ragkit.lifecycle.erase_survey import These
from ragkit.mask.rulings import Rulings
from ragkit.mask.vault import Vault
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.types import RulingRow
from ragkit.wordlists import pool

_PART = 4_000


def values(number: int, dice: random.Random) -> list[tuple[str, str]]:
    """The values of an invented person."""
    name = f"{dice.choice(pool('given'))} {dice.choice(pool('family'))}"
    numbers = [("PHONE_NUMBER", f"+49 30 {900_000 + number}"), ("CUSTOMER_NUMBER", f"KD-{471_000 + number}")]
    address = ("ADDRESS", f"{number} Lindenweg, {10_000 + number} Berlin")
    return [("PERSON", name), ("EMAIL_ADDRESS", f"p{number}@mail.example"), *numbers, address]


def letters(dice: random.Random) -> str:
    """Six thousand lines full of names and numbers of others."""
    given, family = pool("given"), pool("family")
    return "\n".join(
        f"Dear {dice.choice(given)} {dice.choice(family)}, your order {dice.randint(10**6, 10**7)} went to "
        f"{dice.randint(1, 99)} Hauptstrasse, {dice.randint(10_000, 99_999)} Bonn; call 030 {dice.randint(1, 10**6)}."
        for _ in range(6_000)
    )


def speed(rulings: Rulings, text: str) -> list[int]:
    """Characters a second: the first time, and again."""
    parts = [text[start : start + _PART] for start in range(0, len(text), _PART)]
    found = []
    assert rulings.known
    for _ in range(2):
        began = time.process_time()
        for part in parts:
            rulings.erased_in(part)
        found.append(round(len(text) / (time.process_time() - began)))
    return found


def measure(people: int, texts: Sequence[str]) -> list[int]:
    """One row: people, rows, milliseconds to open them, then both speeds of each text."""
    dice, keys = random.Random(people), CollectionKeys(b"m" * 32)
    vault = Vault(keys, MemoryVaultTable(), "benchmark")
    none, rows = Rulings(keys, vault, These(())), list[RulingRow]()
    for number in range(people):
        rows += none.erasing(f"{number:032d}", own=values(number, dice), is_taken=lambda key: key[0] == "word")
    first = Rulings(keys, vault, These(tuple(rows)))
    began = time.process_time()
    opened = round((time.process_time() - began) * 1000) if first.known else 0  # once a process and change
    speeds = [one for text in texts for one in speed(Rulings(keys, vault, These(tuple(rows))), text)]
    return [people, len(rows), opened, *speeds]


if __name__ == "__main__":
    pages = "\n".join(page.read_text() for page in sorted(Path("docs").glob("*.md")))
    table = [measure(people, [pages, letters(random.Random(1))]) for people in (1, 100, 10_000)]
    heads = ["erased people", "rows", "opened (ms)", "pages, first", "pages, again", "letters, first", "letters, again"]
    print_table("What rulings cost (characters a second)", heads, table)
    write_json("rulings", {"rows": [dict(zip(heads, row)) for row in table]}, trial=False)
