"""Tokens and surrogates of 100,000 people: collisions, what happens when the pools run out, and what one costs.

Run ``python benchmarks/surrogates.py``; ``--people 5000`` for a trial. ``--json`` prints what is written to
``results/surrogates.json``.

The people are drawn, not real: given and family names from the package's own lists, which is the worst case, since
these are the lists that surrogates come from; three in ten family names are in no list; few names are frequent and
many rare (Zipf's law, exponent 0.8, as in the census). A tenth has a middle name, a twentieth a double family name.
Each has an e-mail address, a telephone number and a customer number. Values go through the vault into a real record
store in batches of 500, as documents bring them.

Counted are: tokens that two values share; surrogates that two parts of a kind share; surrogates that are a real value
which the vault held already, and which came to it *later* (today's rule refuses the first kind only: a surrogate that
was given out stays); surrogates made of syllables, and the pool's words left; telephone numbers that a numbering plan
allows (``phonenumbers``) outside the ranges kept for fiction; microseconds a value for each tenth of the run.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import Counter
from itertools import accumulate
from pathlib import Path
from typing import Any

import phonenumbers
from reporting import print_table, write_json

from ragkit.crypto import keyed_hash
from ragkit.folding import fold
from ragkit.mask.surrogate_names import blend
from ragkit.mask.surrogate_phones import _DRAWN, _RANGES
from ragkit.mask.surrogates import _drawable, split
from ragkit.mask.vault import Vault
from ragkit.store.catalog import open_collection
from ragkit.store.database import open_database
from ragkit.store.records import RecordStore
from ragkit.wordlists import pool

SEED = 4
BATCH = 500
ZIPF = 0.8
UNLISTED = 0.3
ROOT_KEY = bytes(range(32))
PLANS = (("+1", "US", "2125550000"), ("+44", "GB", "2070000000"), ("+49", "DE", "3090000000"),
         ("+33", "FR", "140000000"), ("+34", "ES", "910000000"), ("+39", "IT", "0660000000"))  # fmt: skip

Item = tuple[str, str]


def frequencies(names: list[str], rng: random.Random) -> tuple[list[str], list[float]]:
    """The names in an order of their own, and how often each is given, added up."""
    rng.shuffle(names)
    return names, list(accumulate(1 / (place + 10) ** ZIPF for place in range(len(names))))


def population(count: int) -> list[list[Item]]:
    """The values of each person."""
    rng = random.Random(SEED)
    listed = list(pool("family"))
    unlisted = {blend(listed, keyed_hash(b"unlisted", str(n))) for n in range(int(len(listed) * UNLISTED / 0.7))}
    family = frequencies([*listed, *sorted(unlisted)], rng)
    given = frequencies(list(pool("given")), rng)

    def one(names: tuple[list[str], list[float]]) -> str:
        return rng.choices(names[0], cum_weights=names[1])[0]

    people = []
    for number in range(count):
        first, last = one(given), one(family)
        name = f"{first} {one(given)} {last}" if rng.random() < 0.1 else f"{first} {last}"
        if rng.random() < 0.05:
            name += f"-{one(family)}"
        code, _, least = rng.choice(PLANS)
        phone = f"{code} {int(least) + rng.randrange(10 ** (len(least) - 2)):0{len(least)}}"
        mail = f"{fold(first)}.{fold(last)}{number}@{fold(one(family))}-mail.com"
        people.append(
            [("PERSON", name), ("EMAIL_ADDRESS", mail), ("PHONE_NUMBER", phone), ("CUSTOMER_NUMBER", f"KD-{number:07}")]
        )
    return people


def fill(vault: Vault, database: Any, people: list[list[Item]]) -> tuple[dict[Item, tuple[str, str]], list[float]]:
    """Allocate everything, a batch a transaction; what was found, and microseconds a value by tenth."""
    found: dict[Item, tuple[str, str]] = {}
    tenths: list[float] = []
    size = max(1, len(people) // 10)
    for start in range(0, len(people), size):
        values = [item for person in people[start : start + size] for item in person]
        began = time.process_time()
        for at in range(0, len(values), BATCH):
            found.update(vault.allocate_many(values[at : at + BATCH]))
            with database.write():
                vault.flush()
        tenths.append((time.process_time() - began) / len(values) * 1e6)
        print(f"  {start + size:,} people, {tenths[-1]:.0f} µs a value", flush=True)
    return found, tenths


def parts_of(vault: Vault, items: list[Item]) -> dict[tuple[str, str], tuple[int, str]]:
    """For each part of a name or domain, in which order it came and its surrogate, by kind and folded text."""
    order: dict[tuple[str, str], int] = {}
    for item in items:
        if item[0] in {"PERSON", "EMAIL_ADDRESS"}:
            for part in split(*item):
                if part.kind not in {"keep", "draw"}:
                    order.setdefault((part.kind, fold(part.text)), len(order))
    rows = vault._rows
    macs = {rows.part_mac(*key): key for key in order}
    surrogates: dict[tuple[str, str], tuple[int, str]] = {}
    wanted = list(macs)
    for at in range(0, len(wanted), 5_000):
        for mac, row in rows.rows(wanted[at : at + 5_000]).items():
            key = macs[mac]
            surrogates[key] = (order[key], rows.open(row).surrogate)
    return surrogates


def measure_parts(parts: dict[tuple[str, str], tuple[int, str]]) -> dict[str, dict[str, int]]:
    """Uniqueness, collisions with real parts, and where the surrogates come from, by kind."""
    pools = {"name": {fold(word) for name in ("given", "family") for word in _drawable(name)}}
    figures: dict[str, dict[str, int]] = {}
    for kind in ("name", "domain"):
        mine = {key[1]: found for key, found in parts.items() if key[0] == kind}
        given = {fold(surrogate): order for order, surrogate in mine.values()}
        bare = {one.removesuffix(".example") for one in given}
        figures[kind] = {
            "parts": len(mine),
            "surrogates shared by two": len(mine) - len(given),
            "real before the surrogate": sum(one in mine and mine[one][0] < order for one, order in given.items()),
            "real later": sum(one in mine and mine[one][0] > order for one, order in given.items()),
            "from the pool": len(bare & pools["name"]),
            "of syllables": sum(bool(re.fullmatch("[a-z]{5,11}", one)) for one in bare - pools["name"]),
            "joined whole": sum(not re.fullmatch("[a-z]{5,11}", one) for one in bare - pools["name"]),
        }
    return figures


def measure_values(found: dict[Item, tuple[str, str]]) -> dict[str, int]:
    """Tokens and whole surrogates."""
    tokens = [token for token, _ in found.values()]
    people = {fold(value): fold(surrogate) for (kind, value), (_, surrogate) in found.items() if kind == "PERSON"}
    by_type = {
        kind: [surrogate for (other, _), (_, surrogate) in found.items() if other == kind]
        for kind in ("EMAIL_ADDRESS", "PHONE_NUMBER", "CUSTOMER_NUMBER")
    }
    return {
        "values": len(found),
        "tokens that two values share": len(tokens) - len(set(tokens)),
        "full names": len(people),
        "full surrogates that are a full name of the people": len(set(people.values()) & set(people)),
        **{f"{kind}: surrogates that two share": len(made) - len(set(made)) for kind, made in by_type.items()},
        **{
            f"{kind}: surrogates that are a real value": len(
                set(made) & {value for other, value in found if other == kind}
            )
            for kind, made in by_type.items()
        },
    }


def measure_phones(found: dict[Item, tuple[str, str]]) -> dict[str, dict[str, int]]:
    """By country: numbers in a range for fiction, others that a numbering plan allows, and others."""
    figures: dict[str, Counter[str]] = {region: Counter() for _, region, _ in PLANS}
    for (kind, value), (_, surrogate) in found.items():
        if kind != "PHONE_NUMBER":
            continue
        code, region, _ = next(plan for plan in PLANS if value.startswith(plan[0] + " "))
        digits = re.sub(r"\D", "", surrogate)[len(code) - 1 :]
        if _is_fiction(code[1:], digits):
            figures[region]["in a range for fiction"] += 1
        else:
            allowed = phonenumbers.is_valid_number(phonenumbers.parse(surrogate, None))
            figures[region]["allowed by the plan" if allowed else "no number at all"] += 1
    return {region: dict(counts) for region, counts in figures.items()}


def _is_fiction(code: str, digits: str) -> bool:
    if code == "1":
        return digits[3:8] == "55501"
    ranges = _RANGES.get(code, ())
    return any(digits.lstrip("0").startswith(one[: -_DRAWN[code]]) for one in ranges)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON too")
    options = parser.parse_args()
    people = population(options.people)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(Path(folder) / "records.db", writable=True)
        collection = open_collection(database, ROOT_KEY, "people", create=True)
        vault = Vault(collection.keys, RecordStore(database, collection).vault(), "people")
        found, tenths = fill(vault, database, people)
        values = measure_values(found)
        parts = measure_parts(parts_of(vault, [item for person in people for item in person]))
        phones = measure_phones(found)
        made = [blend(_drawable("family"), keyed_hash(b"shown", str(n))) for n in range(12)]
        database.close()
    print_table(f"{options.people:,} people: values", ("counted", "number"), list(values.items()))
    print_table("Parts of names and domains", ("counted", *parts), [
        (name, *(parts[kind][name] for kind in parts)) for name in parts["name"]
    ])  # fmt: skip
    columns = ("in a range for fiction", "allowed by the plan", "no number at all")
    print_table("Telephone numbers", ("region", *columns), [
        (region, *(counts.get(name, 0) for name in columns)) for region, counts in phones.items()
    ])  # fmt: skip
    print_table(
        "Processor time a value, µs, by tenth of the run", [str(n) for n in range(1, len(tenths) + 1)], [tenths]
    )
    print(f"\nnames of syllables, for the eye: {', '.join(made)}")
    figures: dict[str, Any] = {
        "people": options.people, "values": values, "parts": parts, "phones": phones, "microseconds": tenths,
        "pools": {name: len(_drawable(name)) for name in ("given", "family", "places")}, "examples": made,
    }  # fmt: skip
    if options.json:
        print(json.dumps(figures, indent=1))
    write_json("surrogates", figures, trial=options.people < 100_000)


if __name__ == "__main__":
    main()
