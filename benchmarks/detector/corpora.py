"""Labelled texts that may train what ragkit ships (MIT, CC BY), in the detector's labels.

Each source annotates some types only. A word without annotation then means "none of those", not "nothing": its loss
lets the other types keep their probability (see ``model.loss``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragkit.detect.decode import LABELS
from ragkit.folding import fold
from ragkit.mask.normalise import HONORIFICS

IGNORE = "?"
"""Label of a stretch that teaches nothing."""

NAMES = frozenset({"PERSON", "LOCATION", "ORGANIZATION"})
ALL = frozenset(LABELS)


@dataclass(frozen=True, slots=True)
class Labelled:
    """A text with exact spans; ``known`` are the types its source annotates."""

    text: str
    spans: tuple[tuple[int, int, str], ...]
    known: frozenset[str]
    source: str


def read(
    path: Path, source: str, known: frozenset[str], convert: Callable[[str, dict[str, Any]], str | None]
) -> Iterator[Labelled]:
    """Texts of one file; ``convert`` gives a span's label, :data:`IGNORE`, or ``None`` for no span."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            spans = []
            for span in row["spans"]:
                label = convert(row["text"][max(0, span["start"] - 1) : span["end"]].lstrip(" \n\"'("), span)
                if label is not None:
                    spans += _with_title(row["text"], span["start"], span["end"], label, known)
            yield Labelled(row["text"], tuple(sorted(spans)), known, source)


def _with_title(text: str, start: int, end: int, label: str, known: frozenset[str]) -> Iterator[tuple[int, int, str]]:
    """A person's span without its honorific, which is a span of its own where titles are annotated."""
    if (
        label == "PERSON"
        and (match := re.match(r"([^\W\d_]+)\.?\s+(?=\S)", text[start:end]))
        and fold(match[1]) in HONORIFICS
    ):
        if "TITLE" in known:
            yield start, start + len(match[0].rstrip()), "TITLE"
        start += match.end()
    yield start, end, label


def _table(table: dict[str, str]) -> Callable[[str, dict[str, Any]], str | None]:
    return lambda _text, span: table.get(span["label"])


def _btc(text: str, span: dict[str, Any]) -> str | None:
    if text.startswith(("@", "#")):
        return IGNORE
    return {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}[span["label"]]


def _wnut(text: str, span: dict[str, Any]) -> str | None:
    if text.startswith(("@", "#")):
        return IGNORE
    return {"person": "PERSON", "location": "LOCATION", "group": "ORGANIZATION", "corporation": "ORGANIZATION"}.get(
        span["label"]
    )


_TAB = {
    "DATETIME": "DATE_TIME",
    "ORG": "ORGANIZATION",
    "LOC": "LOCATION",
    "PERSON": "PERSON",
    "CODE": "UNIQUE_ID",
    "QUANTITY": "QUANTITY",
}


def _tab(text: str, span: dict[str, Any]) -> str | None:
    """What the annotators would mask. Courts and governments named without need to be masked teach "nothing"."""
    label = str(span["label"])
    if label == "MISC":
        return IGNORE
    if label == "DEM":
        capital = any(word[:1].isupper() for word in text.split())
        return ("NRP" if capital else "TITLE") if span["identifier_type"] != "NO_MASK" else IGNORE
    if span["identifier_type"] == "NO_MASK" and label != "PERSON":
        return None
    return _TAB[label]


_MEDDOCAN = {
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON", "NOMBRE_PERSONAL_SANITARIO": "PERSON", "PAIS": "LOCATION",
    "FECHAS": "DATE_TIME", "EDAD_SUJETO_ASISTENCIA": "AGE", "CALLE": "ADDRESS", "HOSPITAL": "ORGANIZATION",
    "INSTITUCION": "ORGANIZATION", "CENTRO_SALUD": "ORGANIZATION", "PROFESION": "TITLE",
    "ID_SUJETO_ASISTENCIA": "UNIQUE_ID", "ID_TITULACION_PERSONAL_SANITARIO": "UNIQUE_ID",
    "ID_ASEGURAMIENTO": "UNIQUE_ID",
    "ID_CONTACTO_ASISTENCIAL": "UNIQUE_ID", "NUMERO_TELEFONO": "PHONE_NUMBER", "NUMERO_FAX": "PHONE_NUMBER",
}  # fmt: skip


def _meddocan(text: str, span: dict[str, Any]) -> str | None:
    if span["label"] == "TERRITORIO":
        return "POSTCODE" if text.strip().isdigit() else "LOCATION"
    return _MEDDOCAN.get(span["label"], IGNORE)


_LER = {
    "PER": "PERSON", "RR": "PERSON", "AN": "PERSON", "LD": "LOCATION", "ST": "LOCATION", "STR": "LOCATION",
    "LDS": "LOCATION", "ORG": "ORGANIZATION", "UN": "ORGANIZATION", "INN": "ORGANIZATION", "GRT": "ORGANIZATION",
}  # fmt: skip
_TAB_KNOWN = ALL - {"ADDRESS", "POSTCODE", "PHONE_NUMBER", "AGE"}


def training(folder: Path) -> dict[str, list[Labelled]]:
    """Texts by source, from ``pii/train``."""
    names = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
    return {
        "tab": list(read(folder / "tab_train.jsonl", "tab", _TAB_KNOWN, _tab)),
        "btc": list(read(folder / "btc.jsonl", "btc", NAMES, _btc)),
        "wnut": list(read(folder / "wnut17_train.jsonl", "wnut", NAMES, _wnut)),
        "wikigold": list(read(folder / "wikigold.jsonl", "wikigold", NAMES, _table(names))),
        "meddocan": list(read(folder / "meddocan_es_train.jsonl", "meddocan", ALL - {"NRP"}, _meddocan)),
        "ler": list(read(folder / "ler_de_dev.jsonl", "ler", NAMES, _table(_LER))),
    }
