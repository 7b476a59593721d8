"""The sensor for orders in documents, on prompts of which its rules were written without knowing, and on real pages.

Its families follow the categories of BIPIA's training attacks, so what it finds of those is no test of it; half of
PIGuard's 48 injections are BIPIA's *test* attacks, by the same authors.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from typing import Any

from data import corpus, data_folder, read_lines
from reporting import print_table

from ragkit.generate.injection_guard import instruction_signs
from ragkit.metrics import wilson

PAGES = ("clapnq", "hint3", "injection_bipia")


def sensor() -> dict[str, Any]:
    """Share of each set in which there is a sign, with its interval, and the time a page takes."""
    bipia = data_folder() / "injection_bipia"
    attacks = json.loads((bipia / "attacks.json").read_text(encoding="utf-8"))
    prompts = list(read_lines(data_folder() / "injection_guard" / "prompts.jsonl"))
    sets = {
        "injections (injection_guard)": [row["text"] for row in prompts if row["label"] == 1],
        "benign prompts (injection_guard)": [row["text"] for row in prompts if row["label"] == 0],
        "of these, valid": [row["text"] for row in prompts if row["label"] == 0 and row["meta"]["set"] == "valid"],
        "poisoned documents (seen)": [row["text"] for row in read_lines(bipia / "poisoned.jsonl")],
        "attacks in code (seen)": [one for some in attacks["code"].values() for one in some],
        **{f"clean documents of {name}": [row["text"] for row in corpus(name)] for name in PAGES},
    }
    return {name: _measured(texts) for name, texts in sets.items()}


def _measured(texts: Sequence[str]) -> dict[str, Any]:
    began = time.perf_counter()
    signs = [instruction_signs(text) for text in texts]
    spent = (time.perf_counter() - began) * 1000 / len(texts)
    share = wilson(sum(map(bool, signs)), len(texts))
    families: dict[str, int] = {}
    for one in signs:
        for family in one:
            families[family] = families.get(family, 0) + 1
    return {
        "texts": len(texts),
        "with a sign": sum(map(bool, signs)),
        "share": round(share.value, 4),
        "interval": [round(share.low, 4), round(share.high, 4)],
        "families": families,
        "milliseconds a text": round(spent, 3),
    }


def show_sensor(figures: dict[str, Any]) -> None:
    """Print a row a set."""
    columns = ("texts", "with a sign", "share", "interval", "families", "milliseconds a text")
    rows = [[name, *(one[column] for column in columns)] for name, one in figures.items()]
    print_table("Signs of orders in texts", ("set", *columns), rows)


if __name__ == "__main__":
    show_sensor(sensor())
