"""Make the pools that surrogates are drawn from, out of Faker's locale data (MIT).

Run once when Faker's data changes; the result is committed::

    python benchmarks/make_pools.py

Writes ``ragkit/assets/pools/{given,family,places,common}.txt.gz`` and their README. The files are sorted and
compressed without a time stamp, so that the same Faker gives the same bytes.
"""

from __future__ import annotations

import gzip
import importlib
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import faker
import faker.providers.address
import faker.providers.lorem
import faker.providers.person

POOLS = Path(__file__).resolve().parent.parent / "ragkit" / "assets" / "pools"
WORD = re.compile(r"[A-Z\u00c0-\u017f][a-z\u00c0-\u017f]{2,15}")
PLACE = re.compile(r"[A-Z\u00c0-\u017f][a-z\u00c0-\u017f]{2,17}")


def locale_values(package: object, prefixes: tuple[str, ...]) -> Iterator[str]:
    """Every text under attributes that begin with one of the prefixes, in every locale of a Faker provider."""
    for locale in pkgutil.iter_modules(package.__path__):  # type: ignore[attr-defined]
        provider = importlib.import_module(f"{package.__name__}.{locale.name}").Provider  # type: ignore[attr-defined]
        for attribute in dir(provider):
            value = getattr(provider, attribute)
            if attribute.startswith(prefixes) and isinstance(value, (list, tuple, dict, set)):
                yield from flatten(value)


def flatten(value: Iterable[object]) -> Iterator[str]:
    """Texts in nested lists, tuples and mapping keys."""
    for item in value:
        if isinstance(item, str):
            yield item
        elif isinstance(item, (list, tuple)):
            yield from flatten(item)


def write(name: str, words: set[str]) -> int:
    """Write one pool, a word a line, sorted; return how many."""
    payload = "\n".join(sorted(words)).encode()
    (POOLS / f"{name}.txt.gz").write_bytes(gzip.compress(payload, compresslevel=9, mtime=0))
    return len(words)


def main() -> None:
    """Collect, filter and write the pools."""
    common = {w.lower() for w in locale_values(faker.providers.lorem, ("word_list",)) if w.isalpha() and len(w) > 1}
    latin_common = {word for word in common if re.fullmatch(r"[a-z\u00df-\u017f]+", word)}
    given = {w for w in locale_values(faker.providers.person, ("first_name",)) if WORD.fullmatch(w)}
    family = {w for w in locale_values(faker.providers.person, ("last_name",)) if WORD.fullmatch(w)}
    places = {w for w in locale_values(faker.providers.address, ("cit", "street_names", "states", "provinces",
              "countr", "counties", "departments", "regions")) if PLACE.fullmatch(w)}  # fmt: skip
    counts = {"given": write("given", given), "family": write("family", family)}
    counts["places"] = write("places", places - given - family)
    counts["common"] = write("common", latin_common)
    lines = [f"| `{name}.txt.gz` | {count:,} |" for name, count in counts.items()]
    (POOLS / "README.md").write_text(
        "# Pools of names and places\n\n"
        "Surrogates of the index view are drawn from `given`, `family` and `places`; `common` "
        "and `ambiguous.txt` (written by hand) hold everyday words, which are not taken for names on their own.\n\n"
        "| file | words |\n|---|---|\n" + "\n".join(lines) + "\n\n"
        f"Made by `benchmarks/make_pools.py` from the locale data of Faker {faker.VERSION} "
        "(https://github.com/joke2k/faker, MIT licence, Copyright (c) 2012 Daniele Faraglia), filtered to single "
        "words in Latin script. No real person's data: lists of names, not of people.\n"
    )
    print(counts)


if __name__ == "__main__":
    main()
