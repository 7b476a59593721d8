"""Numbers that are personal by what they are called (customer, order, account, ticket, case), and profile pages."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ragkit.types import Span

_LABELS: dict[str, str] = {
    "CUSTOMER_NUMBER": (
        r"customer|client|member(?:ship)?|patient|employee|personnel|student|subscriber|policy|loyalty|insurance|"
        r"kunden|mitglieds|mitglied|personal|versicherten|versicherungs|patienten|police|adhérent|assuré|cliente|"
        r"socio|póliza|polizza|klant|kund|klienta"
    ),
    "ACCOUNT_NUMBER": r"account|acct|a/c|konto|compte|cuenta|conto|rekening|conta|routing|sort code",
    "ORDER_NUMBER": (
        r"order|invoice|booking|reservation|purchase order|shipment|tracking|delivery|receipt|bestell|auftrags|"
        r"rechnungs|"
        r"buchungs|sendungs|liefer|commande|facture|réservation|pedido|factura|reserva|ordine|fattura|"
        r"prenotazione|bestelling|factuur|"
        r"encomenda|fatura|zamówienia|faktury"
    ),
    "TICKET_NUMBER": r"ticket|incident|support request|service request|vorgangs|anfrage|demande|incidencia|zgłoszenia",
    "CASE_NUMBER": (
        r"case|file|docket|claim|application|contract|matter|aktenzeichen|akten|fall|schaden|schadens|vertrags|dossier|"
        r"sinistre|contrat|expediente|siniestro|contrato|pratica|sinistro|contratto|zaak|dossiernummer|processo|"
        r"sprawy|umowy"
    ),
}
_NUMBER_WORD = r"(?:numbers?|no|nos|nr|num|id|ref(?:erence)?|code|nummer|numéro|número|numero|numer|n[°º]|\#|№)"
_TYPE_BY_GROUP = {f"g{i}": entity_type for i, entity_type in enumerate(_LABELS)}
_WORDS = "|".join(f"(?P<g{i}>{words})" for i, words in enumerate(_LABELS.values()))
_VALUE = r"(?P<value>(?=[A-Za-z0-9./\-]*\d)[A-Z0-9a-z]+(?:[\-/.][A-Za-z0-9]+)*(?:[ \u00a0](?=\d{2,}\b)\d+){0,4})"
_AFTER = re.compile(
    rf"\b(?:{_WORDS})(?:s|'s)?[ \t_\-]?(?:{_NUMBER_WORD}\b\.?|[#№](?=[ \t]?\w))[ \t*_]*(?:(?:is|was|ist|lautet|est|"
    rf"es|è)\b)?[ \t]*[:=#|]?[*_ \t]*{_VALUE}",
    re.IGNORECASE,
)
_NUMBER_FIRST = re.compile(
    rf"\b(?:n[°º]\.?|numéro|número|numero|nummer|numer|no\.?)[ \t]*(?:(?:de|di|der|des|do|du|d'|del|van|von)"
    rf"[ \t]?)?(?:la[ \t])?(?:{_WORDS})[ \t]*[:=]?[ \t]*{_VALUE}",
    re.IGNORECASE,
)
_THREE_DIGITS = re.compile(r"\d(?:[^\d\n]{0,3}\d){2}")
_PROFILE_HOSTS = (
    "linkedin.com/", "facebook.com/", "instagram.com/", "x.com/", "twitter.com/", "t.me/", "xing.com/", "tiktok.com/",
    "orcid.org/",
)  # fmt: skip
_FILE = r"\d{1,6}(?:[ ]?/[ ]?\d{2,6}){1,3}(?![\w/])"
_NUMBERS = r"(?:nos?|nrs?|núms?|n\.?[°ºo]s?|n[°º]s?|№)\.?"
_APPLICATION = re.compile(
    rf"\b(?:(?:applications?|cases?|appeals?|claims?|dockets?|files?|requêtes?|affaires?|demandas?|asuntos?|"
    rf"expedientes?|"
    rf"causas?|ricors[oi]|zaak|processos?|Beschwerden?|Verfahren|Rechtssachen?|parcels?|plots?|registration)[ \t]+"
    rf"\(?{_NUMBERS}[ \t]*(?=\d|[A-Z]{{1,3}}-\d)|\(?(?:{_NUMBERS})[ "
    rf"\t]+(?={_FILE}))(?P<value>[A-Z\d][\d/\-.A-Z]{{0,20}}"
    rf"(?:[ ]/[ ]\d{{2,6}}){{0,3}}(?<![.\-]))",
    re.IGNORECASE,
)
_MORE_FILES = re.compile(
    r"(?:,[ \n]?(?:and[ ]|et[ ]|y[ ])?|[ \n](?:and|et|y|und|e|to|or|&)[ \n]|;[ ])(?:nos?\.?[ ])?"
    r"(?P<value>\d{1,6}(?:[ ]?[/.\-][ ]?\d{1,6}){0,3})(?![\w/]|[.,]\d|[ ](?:of|to|and[ ](?!\d)|[a-z]{4,}))"
)
_MOST_FILES = 500
_CASE_FORM = re.compile(r"\b\d{1,3}[ ][A-Z][a-z]{0,3}[ ]\d{1,6}/\d{2,4}\b")  # German court files: 5 O 123/24
_PROFILE = re.compile(
    r"(?:https?://)?(?:[a-z]{2,3}\.)?(?:linkedin\.com/(?:in|pub)|facebook\.com|instagram\.com|x\.com|twitter\.com|"
    r"t\.me|"
    r"xing\.com/profile|tiktok\.com/@?|orcid\.org)/@?[\w.\-%]{3,}(?:/[\w.\-%/]*)?(?<![.\-])(?![\w/])",
    re.IGNORECASE,
)


def find_labelled(text: str, lowered: str, wanted: Collection[str]) -> Iterator[Span]:
    """Reference numbers and profile pages, each only when wanted; ``lowered`` is the lower case."""
    if any(entity_type in wanted for entity_type in _LABELS):
        listed = 0  # where the last list of file numbers ended: it may go beyond its stretch, and is read once
        for start, end in _numbered_stretches(text):
            yield from _references(text, start, end, wanted)
            if "CASE_NUMBER" in wanted:
                while (match := _APPLICATION.search(text, max(start, listed), end)) is not None:
                    files = _files(text, match)
                    listed = max([match.end(), *(span.end for span in files)])
                    yield from files
    if "PROFILE_URL" in wanted and any(host in lowered for host in _PROFILE_HOSTS):
        for match in _PROFILE.finditer(text):
            yield Span(*match.span(), "PROFILE_URL", 0.8, "rules:profile")


def _numbered_stretches(text: str) -> Iterator[tuple[int, int]]:
    """From 80 characters before three digits to the end of what may belong to them; a line is left only by its end."""
    position = 0
    while (match := _THREE_DIGITS.search(text, position)) is not None:
        start = max(position, text.rfind("\n", max(0, match.start() - 80), match.start()) + 1, match.start() - 80)
        line_end = text.find("\n", match.end(), match.end() + 160)
        end = line_end if line_end >= 0 else min(len(text), match.end() + 160)
        yield start, end
        position = max(end, match.end())


def _references(text: str, start: int, end: int, wanted: Collection[str]) -> Iterator[Span]:
    for pattern in (_AFTER, _NUMBER_FIRST):
        for match in pattern.finditer(text, start, end):
            entity_type = next(_TYPE_BY_GROUP[name] for name in _TYPE_BY_GROUP if match[name])
            if entity_type in wanted and sum(char.isdigit() for char in match["value"]) >= 3:
                yield Span(*match.span("value"), entity_type, 0.7, "rules:label")
    if "CASE_NUMBER" in wanted:
        for match in _CASE_FORM.finditer(text, start, end):
            yield Span(*match.span(), "CASE_NUMBER", 0.5, "rules:case-number")


def _files(text: str, first: re.Match[str]) -> list[Span]:
    """A file number and those that follow it in a list, as far as the list goes."""
    if sum(char.isdigit() for char in first["value"]) < 3 and "," not in text[first.end() : first.end() + 1]:
        return []
    found = [Span(*first.span("value"), "CASE_NUMBER", 0.8, "rules:case-number")]
    slashed = "/" in first["value"]
    while len(found) < _MOST_FILES:
        more = _MORE_FILES.match(text, found[-1].end)
        if more is None or (slashed and "/" not in more["value"]):
            break
        found.append(Span(*more.span("value"), "CASE_NUMBER", 0.75, "rules:case-number"))
    return found
