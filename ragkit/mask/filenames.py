"""Names that a file name or path gives away although one of their words is in no list of names.

``customers/galina-yalmanova`` and ``2024-05-01_Yalmanova_Galina_invoice`` hold a given name, and beside it a word that
no document kind and no everyday language has. In prose that is too little; in a file name that says nothing else it
is nearly always a person.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from ragkit.folding import fold
from ragkit.mask.glued import Reading
from ragkit.mask.normalise import HONORIFICS
from ragkit.wordlists import everyday, folded

_SEGMENT = re.compile(r"[^\n]+")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PEOPLE = frozenset(
    "customer customers client clients patient patients employee employees people person persons member members "
    "staff contact contacts applicant applicants candidate candidates tenant tenants guest guests student students "
    "kunde kunden patienten mitarbeiter personal personen mieter clientes pacientes empleados personas clienti "
    "pazienti dipendenti klanten medewerkers personeel patienten".split()
)
"""Folders whose entries are people."""
_DOCUMENTS = frozenset(
    "dear letter letters mail email message reply invoice receipt bill order orders ticket case claim complaint "
    "complaints contract agreement offer quote quotation reminder statement application cv resume lebenslauf passport "
    "id visa licence license photo scan scanned signed final draft copy new old version file record records "
    "report notes note minutes call interview payslip salary certificate reference feedback refund return returns "
    "warranty delivery repair account medical from to for of re and the my our hi hello "
    "rechnung brief vertrag angebot mahnung bewerbung anschreiben beschwerde auftrag kuendigung unterschrieben "
    "facture lettre contrat devis reclamation commande factura carta contrato presupuesto reclamacion pedido "
    "fattura lettera contratto preventivo reclamo ordine factuur contract offerte klacht "
    "jan feb mar apr may jun jul aug sep sept oct nov dec january february march april june july august september "
    "october november december".split()
)
"""Words beside a name in a file name: the kind of document, or a date."""

_TECHNICAL = frozenset(
    "api arch cassandra ceil classic config configs configure conn demo deregister docs edit fleet fleets function "
    "functions guide howto index intro kafka link manual math okta overview phoenix raid readme setup spot tutorial "
    "athena".split()
)
"""Words of manuals and programs; some are given names, all speak against a person."""


def likely_names(reading: Reading) -> Iterator[Reading]:
    """The stretches of a path, read as capitalised words, that are a given name with a word of no known meaning."""
    above = ""
    for segment in _SEGMENT.finditer(reading.text):
        words = [match for match in _WORD.finditer(reading.text, *segment.span()) if not match[0].isdigit()]
        rest = [word for word in words if fold(word[0]) not in _DOCUMENTS and fold(word[0]) not in HONORIFICS]
        if _is_name([fold(word[0]) for word in rest], among_people=above in _PEOPLE) and _adjacent(reading.text, rest):
            yield reading.cut(rest[0].start(), rest[-1].end())
        above = fold(segment[0].strip())


def _is_name(words: list[str], *, among_people: bool) -> bool:
    """Two or three words, one of them a given name, none of them everyday; among people, a known name will do."""
    if not 1 <= len(words) <= 3 or any(len(word) < 2 for word in words):
        return False
    everyday_words = everyday() - folded("given") - folded("family") if among_people else everyday()
    if any(word in everyday_words for word in words):
        return False
    if among_people:
        return any(word in folded("given") or word in folded("family") for word in words)
    if len(words) == 1 or any(word in _TECHNICAL for word in words):
        return False
    return any(word in folded("given") and len(word) > 3 for word in words)


def _adjacent(text: str, words: list[re.Match[str]]) -> bool:
    return all(text[left.end() : right.start()].strip(" ,") == "" for left, right in pairwise(words))
