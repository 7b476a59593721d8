"""Names of people by what stands around them: honorifics, labels, greetings, signatures, mail headers, name pairs.

A list of names alone floods the precision (May, Will, Reading), so a bare pair counts only when its first word is a
known
given name, its last a known family name, and neither is an everyday word.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterator

from ragkit.mask.normalise import HONORIFICS, fold
from ragkit.mask.pools import everyday, folded
from ragkit.types import Span

_UPPER = (
    "A-Z\u00c0-\u00d6\u00d8-\u00de\u0100\u0102\u0104\u0106\u010c\u010e\u0110\u0118\u011a\u011e\u0130\u0139\u013d\u0141\u0143\u0147"
    "\u0150\u0152\u0158\u015a\u015e\u0160\u0162\u0164\u016e\u0170\u0178\u0179\u017b\u017d\u0386-\u03ab\u0400-\u042f"
)
CAPITALISED = rf"[{_UPPER}](?:\w|['’](?=\w)|-(?=\w)){{0,39}}"
"""At most 40 characters: an unlimited word makes every search below quadratic in a text without spaces."""
_START = r"(?<![\w'’\-])"
_INITIAL = rf"[{_UPPER}]\."
_PARTICLE = r"(?:von|van|vom|zu|zur|der|den|de|del|della|di|da|das|dos|du|des|la|le|el|al|bin|ibn|ben|ter|ten|af|y|e)"
_GAP = r"(?:[ \t\u00a0]|\n(?![ \t]*\n))"
NAME = (
    rf"(?:{_INITIAL}{_GAP}?){{0,3}}{CAPITALISED}"
    rf"(?:{_GAP}{{1,2}}(?:(?:{_PARTICLE}{_GAP}){{1,2}})?(?:{_INITIAL}|{CAPITALISED})){{0,3}}"
)
_NAME_ON_LINE = NAME.replace(_GAP, r"[ \t\u00a0]")

_HONORIFIC = re.compile(
    r"(?:Mrs|Mr|Ms|Miss|Mx|Dr|Prof|Professor|Doctor|Sir|Madam|Lady|Rev|Judge|Justice|"
    r"Herrn|Herr|Frau|Hr|Fr|Monsieur|Madame|Mademoiselle|Mme|Mlle|M|Maître|Señora|Señor|Señorita|Sra|Sr|Srta|Doña|Don|"
    r"Signora|Signorina|Signor|Sig\.ra|Sig|Dott\.ssa|Dott|Avv|Mevrouw|Meneer|Dhr|Mw|Senhora|Senhor|Dona|Pani|Pan|Fru|Bay|Bayan)"
    rf"(?:\.[ \t]?|[ \t\u00a0])[ \t\u00a0]*\n?(?:(?:Dr|Prof|med|h\.c|Ing|Dipl)\.?[ \t-]*){{0,3}}({NAME})"
)
_NEEDS_DOT = frozenset({"M", "Sr", "Sig", "Fr", "Hr", "Rev", "Avv"})
_DOUBTFUL = frozenset({"Don", "Pan", "Bay", "Pani", "Lady", "Sir", "Madam", "Judge", "Justice", "Doctor", "Dona"})

_STRONG_LABELS = (
    r"full[ _]?name|customer[ _]?name|client[ _]?name|contact[ _]?(?:person|name)|patient(?:[ _]?name)?|"
    r"employee(?:[ _]?name)?|"
    r"account[ _]?holder|card[ _]?holder|beneficiary|first[ _]?name|last[ _]?name|surname|family[ _]?name|"
    r"given[ _]?name|"
    r"middle[ _]?name|maiden[ _]?name|recipient|sender|signed by|signatory|passenger|applicant|insured|tenant|landlord|"
    r"kunde|kundin|kundenname|ansprechpartner(?:in)?|patientin|vorname|nachname|familienname|kontoinhaber(?:in)?|"
    r"sachbearbeiter(?:in)?|mitarbeiter(?:in)?|empfänger(?:in)?|absender(?:in)?|versicherte[rn]?|antragsteller(?:in)?|"
    r"nom(?: complet)?|prénom|client|cliente|interlocuteur|titulaire|nombre(?: completo)?|apellidos?|titular|paciente|"
    r"cognome|nome(?: completo)?|paziente|intestatario|naam|voornaam|achternaam|klant|contactpersoon|sobrenome|"
    r"namn|förnamn|efternamn|kund|navn|fornavn|etternavn|imię(?: i nazwisko)?|nazwisko|klient|adı|soyadı"
)
_WEAK_LABELS = (
    r"name|customer|contact|author|owner|attn|attention|assignee|reporter|manager|agent|from|to|cc|bcc|"
    r"von|an|de|para|van|aan|reply-to"
)
_LABEL = re.compile(
    rf"[\n|*_>\-\u2022\t;(][ \t]*[*_]{{0,2}}(?:(?P<strong>{_STRONG_LABELS})|(?P<weak>{_WEAK_LABELS}))[*_]{{0,2}}[ \t]*"
    rf"(?::|\uff1a|[ \t]*\|)[*_]{{0,2}}[ \t]*\"?",
    re.IGNORECASE,
)
_VALUE = re.compile(rf"(?:(?:Mr|Mrs|Ms|Dr|Prof|Herrn?|Frau|Mme|M|Sra?)\.?[ \t]+)?({_NAME_ON_LINE})")
_LAST_FIRST = re.compile(rf"({CAPITALISED}),[ \t]({CAPITALISED})(?=[ \t]*(?:[<;\n\"|]|$))")

_GREETING = re.compile(
    r"(?:^|(?<=\n))[> \t]*(?:Dear|Hi|Hello|Hey|Good morning|Good afternoon|Hallo|Liebe[rs]?|Sehr geehrte[rs]?|"
    r"Guten Tag|Bonjour|"
    r"Ch[eè]re?|Estimad[oa]|Hola|Querid[oa]|Car[oa]|Gentile|Ciao|Beste|Geachte|Hoi|Kära|Hej|Kjære|Olá|Prezad[oa]|Cześć|Szanown[ya]|Sayın)"
    rf"[ \t]+(?:(?:Mr|Mrs|Ms|Miss|Dr|Prof|Herrn?|Frau|Monsieur|Madame|Señora?|Signora?|heer|mevrouw)"
    rf"\.?[ \t]+){{0,2}}({_NAME_ON_LINE})"
    r"(?=[ \t]*(?:[,!:.;\n]|$|[ \t][-\u2013\u2014]))"
)
_CLOSINGS = frozenset(
    "regards sincerely faithfully wishes cheers thanks again lot advance you best truly cordially grüßen grüssen gruß "
    "grüße grüsse mfg lg vg cordialement salutations saludos saludo atentamente saluti groeten groet atenciosamente "
    "hälsningar hilsen pozdrawiam poważaniem saygılarımla".split()
)
"""Last words of the line above a signature."""
_SIGNATURE = re.compile(
    rf"\s{{0,4}}(?:--?[ \t]*\n)?[ \t>*_\u2013\u2014-]*((?:{_INITIAL}[ \t])?{_NAME_ON_LINE})"
    rf"[*_]{{0,2}}[ \t]*(?=[,\n|]|$)"
)
_MAIL_NAME = re.compile(rf"{_START}({_NAME_ON_LINE})\"?[ \t]+[<(\[](?:mailto:)?[^\s<>@]{{1,64}}@")
_PAIR = re.compile(
    rf"{_START}({CAPITALISED})(,?)[ \t\u00a0](?:(?:{_INITIAL}[ \t])?(?:{_PARTICLE}[ \t])?)({CAPITALISED})"
)
_LOCAL_PART = re.compile(r"\b([^\W\d_]{2,20})[._]([^\W\d_]{2,20})\d{0,4}@")
_ROLE_WORDS = frozenset(
    "team support service customer care sales department office ltd inc gmbh llc group company bank "
    "university the a an and your our sir madam all everyone colleague colleagues desk press legal billing".split()
)


def find_names(text: str) -> Iterator[Span]:
    """Every name the rules find; overlaps are the resolver's."""
    yield from _by_honorific(text)
    yield from _by_label(text)
    for match in _GREETING.finditer(text):
        yield from _person(text, match, 0.75, "greeting")
    yield from _by_signature(text)
    yield from _by_mail_address(text)
    yield from _pairs(text)


def _by_honorific(text: str) -> Iterator[Span]:
    for match in _HONORIFIC.finditer(text):
        start = match.start()
        if start and (text[start - 1].isalnum() or text[start - 1] in "_-."):
            continue
        title = re.match(r"\w+", match[0])
        word = title[0] if title else ""
        if word in _NEEDS_DOT and text[start + len(word) : start + len(word) + 1] != ".":
            continue
        if word in _DOUBTFUL and not _known(match[1]):
            continue
        yield from _person(text, match, 0.85, "honorific")


def _by_signature(text: str) -> Iterator[Span]:
    """The line after one that ends with a closing word. Found by line ends, which is ten times as fast as by words."""
    position = text.find("\n")
    while position >= 0:
        closing = text[max(0, position - 24) : position].rstrip(" \t,.!*_").rpartition(" ")[2].rpartition("\n")[2]
        if closing.lower() in _CLOSINGS:
            match = _SIGNATURE.match(text, position + 1)
            if match is not None:
                yield from _person(text, match, 0.7, "signature")
        position = text.find("\n", position + 1)


def _by_mail_address(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        for match in _MAIL_NAME.finditer(text, max(0, at - 160), at + 1):
            yield from _person(text, match, 0.8, "mail-name")
        at = text.find("@", at + 1)


def _by_label(text: str) -> Iterator[Span]:
    if ":" not in text and "|" not in text and "\uff1a" not in text:
        return
    labels = _LABEL.finditer(text)
    if (first := _LABEL.match("\n" + text[:80])) is not None:  # a label that begins the text
        yield from _value_of(text, first, first.end() - 1)
    for label in labels:
        yield from _value_of(text, label, label.end())


def _value_of(text: str, label: re.Match[str], position: int) -> Iterator[Span]:
    reversed_name = _LAST_FIRST.match(text, position)
    value = _VALUE.match(text, position)
    if reversed_name is not None and (label["strong"] or _any_known(reversed_name[0])):
        yield _span(reversed_name.start(), reversed_name.end(), 0.8, "label")
    elif value is not None and (label["strong"] or _looks_like_name(value[1])):
        yield from _person(text, value, 0.8 if label["strong"] else 0.6, "label")


def _pairs(text: str) -> Iterator[Span]:
    """Given name and family name side by side, both known, neither an everyday word."""
    given, family, common = folded("given"), folded("family"), everyday()
    position = 0
    while (match := _PAIR.search(text, position)) is not None:
        position = match.start(3)  # the last word of one pair may be the first of the next
        first, last = fold(match[1]), fold(match[3])
        forward = first in given and last in family and not match[2]
        if (forward or (first in family and last in given)) and first not in common and last not in common:
            yield _span(match.start(), match.end(), 0.6, "name-pair")
            position = match.end()


def names_in_addresses(text: str) -> Iterator[str]:
    """Names told by e-mail addresses, to be looked for elsewhere: ``galip.yalman@…`` gives ``Galip Yalman``."""
    for match in _LOCAL_PART.finditer(text):
        first, last = match[1], match[2]
        if fold(first) in folded("given") or fold(last) in folded("family"):
            yield f"{first.title()} {last.title()}"


def looks_like_name(value: str) -> bool:
    """Whether a whole table cell reads like a person's name: one to four capitalised words."""
    return bool(re.fullmatch(rf"{_NAME_ON_LINE}", value.strip())) and not _is_role(value)


def _person(text: str, match: re.Match[str], score: float, rule: str) -> Iterator[Span]:
    start, end = match.span(1)
    start, end = _without_edges(text, start, end)
    if start < end and not _is_role(text[start:end]):
        yield _span(start, end, score, rule)


def _without_edges(text: str, start: int, end: int) -> tuple[int, int]:
    """Drop leading honorifics and what a sentence's next line or word added at the end."""
    words = [(m.start() + start, m.end() + start) for m in re.finditer(r"\S+", text[start:end])]
    while words and fold(text[words[0][0] : words[0][1]].rstrip(".")) in HONORIFICS | {"herrn"} and len(words) > 1:
        words.pop(0)
    while len(words) > 1 and fold(text[words[-1][0] : words[-1][1]]) in _AFTER_NAME:
        words.pop()
    if not words:
        return start, start
    end = words[-1][1]
    for mark in ("'s", "’s"):
        if text[words[0][0] : end].endswith(mark):
            end -= 2
    return words[0][0], end


_AFTER_NAME = frozenset(
    "the a an and i we you he she it they my our your this that these please thank thanks as in on at of for "
    "from is was has have had said his her ich wir sie der die das und bitte je nous vous il elle le la les "
    "el los las su sus email phone tel telephone address date subject dear hi hello order invoice customer "
    "account street re regards best kind".split()
)


def _is_role(value: str) -> bool:
    words = [fold(word.strip(".,'’")) for word in value.split()]
    if any(word in _ROLE_WORDS for word in words):
        return True
    return len(words) == 1 and (len(words[0]) < 2 or (words[0] in everyday() and words[0] not in _single_names()))


def _single_names() -> frozenset[str]:
    """Everyday words that still are names after a greeting or label (``Dear Grace,``)."""
    return folded("given") - _ROLE_WORDS - folded("common")


def _looks_like_name(value: str) -> bool:
    """Evidence in the words themselves, for labels that often introduce something else (``Name: MyBucket``)."""
    words = value.split()
    if any(not re.fullmatch(rf"(?:{_INITIAL}|{_PARTICLE}|[{_UPPER}][\w'’\-]*)", word) for word in words):
        return False
    return _known(value)


def _known(value: str) -> bool:
    words = [fold(word.strip(",.")) for word in value.split()]
    given, family = folded("given"), folded("family")
    if len(words) == 1:
        return words[0] in given and words[0] not in folded("common")
    return words[0] in given or words[-1] in family or words[0] in family


def _any_known(value: str) -> bool:
    words = {fold(word.strip(",.")) for word in value.split()}
    return bool(words & folded("given") or words & folded("family"))


def _span(start: int, end: int, score: float, rule: str) -> Span:
    return Span(start, end, "PERSON", score, f"rules:{rule}")
