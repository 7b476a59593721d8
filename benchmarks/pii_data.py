"""The labelled sets for the detection of personal data: where they are, and what their labels mean in ragkit's types.

``RAGKIT_BENCH_DATA`` names the folder that holds ``pii/``; the default is ``../shared/data`` beside the repository.
``dev`` sets are for choosing thresholds; ``benchmark`` sets are read to report figures and for nothing else.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any

from data import ABSENT, read_lines

from ragkit.evaluate.labelled import Gold, Labelled, labelled

Labels = dict[str, str | None]

TAB: Labels = {
    "PERSON": "PERSON", "ORG": "ORGANIZATION", "LOC": "LOCATION", "DATETIME": "DATE_TIME", "CODE": "UNIQUE_ID",
    "DEM": "NRP", "QUANTITY": "QUANTITY", "MISC": "MISC",
}  # fmt: skip
"""``MISC`` (events, brands, other) has no type of ragkit; TAB's measures ask for no type, so it stays in."""
SYNTH: Labels = {
    "STREET_ADDRESS": "ADDRESS", "GPE": "LOCATION", "ZIP_CODE": "POSTCODE", "DOMAIN_NAME": "URL",
}  # fmt: skip
UNER: Labels = {"PER": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION"}
WNUT: Labels = {
    "person": "PERSON", "location": "LOCATION", "corporation": "ORGANIZATION", "group": "ORGANIZATION",
    "product": None, "creative-work": None,
}  # fmt: skip
ECHR: Labels = {
    "PER": "PERSON", "LEGAL_PROFESSIONAL": "PERSON", "LOC": "LOCATION", "ORG": "ORGANIZATION", "DATE": "DATE_TIME",
    "TIME": "DATE_TIME", "DATETIME": "DATE_TIME", "CODE": "UNIQUE_ID", "QUANTITY": "QUANTITY", "CURRENCY": "MONEY",
    "NATIONALITY": "NRP", "ETHNIC_CATEGORY": "NRP",
}  # fmt: skip
MEDDOCAN: Labels = {
    "NOMBRE_SUJETO_ASISTENCIA": "PERSON", "NOMBRE_PERSONAL_SANITARIO": "PERSON", "TERRITORIO": "LOCATION",
    "PAIS": "LOCATION", "CALLE": "ADDRESS", "FECHAS": "DATE_TIME", "EDAD_SUJETO_ASISTENCIA": "AGE",
    "ID_SUJETO_ASISTENCIA": "MEDICAL_RECORD_NUMBER", "ID_TITULACION_PERSONAL_SANITARIO": "LICENSE_NUMBER",
    "ID_ASEGURAMIENTO": "HEALTH_PLAN_NUMBER", "ID_CONTACTO_ASISTENCIAL": "UNIQUE_ID",
    "ID_EMPLEO_PERSONAL_SANITARIO": "UNIQUE_ID", "CORREO_ELECTRONICO": "EMAIL_ADDRESS",
    "NUMERO_TELEFONO": "PHONE_NUMBER", "NUMERO_FAX": "PHONE_NUMBER", "HOSPITAL": "ORGANIZATION",
    "INSTITUCION": "ORGANIZATION", "CENTRO_SALUD": "ORGANIZATION", "PROFESION": "TITLE",
    "SEXO_SUJETO_ASISTENCIA": None, "FAMILIARES_SUJETO_ASISTENCIA": None, "OTROS_SUJETO_ASISTENCIA": None,
}  # fmt: skip
LER: Labels = {
    "PER": "PERSON", "RR": "PERSON", "AN": "PERSON", "LD": "LOCATION", "ST": "LOCATION", "LDS": "LOCATION",
    "STR": "ADDRESS", "ORG": "ORGANIZATION", "UN": "ORGANIZATION", "INN": "ORGANIZATION", "GRT": "ORGANIZATION",
    **dict.fromkeys(("MRK", "GS", "VO", "EUN", "VS", "VT", "RS", "LIT")),
}  # fmt: skip

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)
LIGHT = {
    "en": frozenset(
        "mr mrs ms miss dr prof professor sir lord lady judge the a an of and or in on at by to for from with as into "
        "over under between that this these those his her its their our your my he she it they we i you who which what "
        "when where than then but not no nor so if is was are were be been being has had have do did does s".split()
    ),
    "de": frozenset(
        "herr herrn frau dr prof der die das des dem den ein eine eines einer und oder von vom zu zum zur in im am an "
        "auf bei mit aus nach jahr jahre jahren".split()
    ),
    "fr": frozenset(
        "m mm mme mmes mlle me dr pr le la les l un une des du de d et ou à au aux en dans sur par pour avec an ans "
        "année années jour jours mois".split()
    ),
    "es": frozenset(
        "sr sra srta sres don doña d dª dr dra el la los las un una unos unas de del al y e o u a en con por para año "
        "años mes meses día días".split()
    ),
}
"""Titles, closed-class words and units of age by language: words of a labelled span that tell nothing by themselves."""

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Set:
    """One labelled set: its file below ``pii/``, its labels, its language, and what must be said of it."""

    name: str
    file: str
    labels: Labels
    language: str = "en"
    note: str = ""


SETS = {
    one.name: one
    for one in (
        Set("synth_v2", "benchmark/presidio_synth_v2", SYNTH),
        Set("tab_test127", "benchmark/tab_test127_mentions", TAB, note="what need not be masked is not labelled"),
        Set("tab_test31", "benchmark/tab_test31", TAB),
        Set("tab_dev", "dev/tab_dev", TAB),
        Set("uner_en_ewt_dev", "dev/uner_en_ewt_dev", UNER),
        Set("wnut17_dev", "dev/wnut17_dev", WNUT),
        Set("ler_de_dev", "train/ler_de_dev", LER, "de", "in the training data: most names are initials"),
        Set("echr_fr_manual", "dev/echr_fr_manual", ECHR, "fr"),
        Set("echr_es_manual", "dev/echr_es_manual", ECHR, "es"),
        Set("meddocan_es_dev", "dev/meddocan_es_dev", MEDDOCAN, "es"),
    )
}


def pii_folder() -> Path:
    """Return the folder of the labelled sets, or end the script with status 3."""
    repository = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("RAGKIT_BENCH_DATA", repository.parent / "shared" / "data")) / "pii"
    if not folder.is_dir():
        print("RAGKIT_BENCH_DATA is absent: set it to the folder that holds `pii/`.", file=sys.stderr)
        raise SystemExit(ABSENT)
    return folder


def records(name: str, *, limit: int = 0, joined: bool = False) -> list[Labelled]:
    """Read a set.

    Args:
        name: Of the set.
        limit: Only the first so many lines.
        joined: Put lines of the same ``meta.doc`` together, a line end between.
    """
    chosen = SETS[name]
    lines: Iterable[dict[str, Any]] = read_lines(pii_folder() / f"{chosen.file}.jsonl")
    rows = list(islice(lines, limit or None))
    read = [labelled(row, chosen.labels) for row in rows]
    if not joined:
        return read
    documents = [row["meta"].get("doc") for row in rows]
    groups = groupby(zip(documents, read), key=lambda pair: pair[0])
    return [_together([one for _, one in group]) for _, group in groups]


def _together(lines: list[Labelled]) -> Labelled:
    """One text of several lines; entities keep their ids."""
    texts: list[str] = []
    gold: list[Gold] = []
    ignored: list[tuple[int, int]] = []
    kept: list[tuple[int, int]] = []
    at = 0
    for line in lines:
        gold += (replace(one, start=one.start + at, end=one.end + at) for one in line.gold)
        ignored += ((start + at, end + at) for start, end in line.ignored)
        kept += ((start + at, end + at) for start, end in line.kept)
        texts.append(line.text)
        at += len(line.text) + 1
    return Labelled("\n".join(texts), tuple(gold), tuple(ignored), tuple(kept))


def without(record: Labelled, entity_type: str) -> Labelled:
    """Leave one type out of the gold, neither right nor wrong."""
    return replace(record, gold=tuple(one for one in record.gold if one.entity_type != entity_type))


def words_covered(text: str, one: Gold, covered: bytearray, language: str = "en") -> bool:
    """Whether every word of a labelled span is masked but titles, closed-class words and units of age."""
    words = [match for match in _WORD.finditer(text, one.start, one.end) if match[0].lower() not in LIGHT[language]]
    return all(all(covered[match.start() : match.end()]) for match in words)
