"""Names behind a label of a form or a message: ``Patient:``, ``Apellidos:``, ``Dear …``, signatures."""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ragkit.mask.form_labels import Label
from ragkit.mask.name_shapes import (
    CAPITALISED,
    INITIAL,
    LONG_NAME_ON_LINE,
    NAME_ON_LINE,
    any_known,
    is_known_name,
    is_role,
    person,
    trimmed,
)
from ragkit.types import Span

_ADDRESSED = (
    r"(?:(?:Mr|Mrs|Ms|Miss|Dra?|Prof|Herrn?|Frau|Mme|Mlle|M|Sra?|Don|Doña|D|Dña|Dott|Sig|Sig\.ra)(?:\.|:|(?=[ "
    r"]))[ \t]*){0,2}"
)
_VALUE = re.compile(rf"{_ADDRESSED}({LONG_NAME_ON_LINE})")
_LAST_FIRST = re.compile(
    rf"({CAPITALISED}(?:[ \-]{CAPITALISED})?),[ \t]({CAPITALISED}(?:[ \-]{CAPITALISED})?)(?=[ \t]*(?:[<;\n\"|.]|$))"
)

_GREETING = re.compile(
    r"(?:^|(?<=\n))[> \t]*(?:Dear|Hi|Hello|Hey|Good morning|Good afternoon|Hallo|Liebe[rs]?|Sehr geehrte[rs]?|"
    r"Guten Tag|Bonjour|"
    r"Ch[eè]re?|Estimad[oa]|Hola|Querid[oa]|Car[oa]|Gentile|Ciao|Beste|Geachte|Hoi|Kära|Hej|Kjære|Olá|Prezad[oa]|"
    r"Cześć|Szanown[ya]|Sayın)"
    rf"[ \t]+(?:(?:Mr|Mrs|Ms|Miss|Dra?|Prof|Herrn?|Frau|Monsieur|Madame|Señora?|Sra?|Signora?|heer|mevrouw)"
    rf"\.?[ \t]+){{0,2}}({NAME_ON_LINE})"
    r"(?=[ \t]*(?:[,!:.;\n]|$|[ \t][-\u2013\u2014]))"
)
_CLOSINGS = frozenset(
    "regards sincerely faithfully wishes cheers thanks again lot advance you best truly cordially respectfully yours "
    "grüßen grüssen gruß grüße grüsse mfg lg vg hochachtungsvoll cordialement sincères distinguées distingués amitiés "
    "bientôt salutations saludos saludo atentamente cordialmente abrazo saluti distinti groeten groet groetjes "
    "atenciosamente cumprimentos abraços hälsningar hälsning hilsen hilsener mvh pozdrawiam poważaniem "
    "saygılarımla".split()
)
"""Last words of the line above a signature."""
_SIGNATURE = re.compile(
    rf"\s{{0,4}}(?:--?[ \t]*\n)?[ \t>*_\u2013\u2014-]*{_ADDRESSED}((?:{INITIAL}[ \t])?{NAME_ON_LINE})"
    rf"[*_]{{0,2}}[ \t]*(?=[,\n|]|$)"
)
_SIGNED = re.compile(
    rf"(?:(?<=\n)|^)[ \t]*(?:/s/[ \t]?|s/[ ]|[Gg]ez\.[ ]|Signé ?:[ ]?|Fdo\.?:?[ ]|Firmato:?[ ]|Signed(?:[ ]by)?:[ "
    rf"]?)[ \t]*{_ADDRESSED}({NAME_ON_LINE})"
)
_SIGNED_HINTS = ("/s/", "s/ ", "gez.", "signé", "fdo", "firmato", "signed")


def by_label(text: str, labels: Iterable[Label]) -> Iterator[Span]:
    """Values of the fields that these labels introduce."""
    for label in labels:
        if label.kind in {"PERSON", "name"}:
            yield from _value_of(text, label.value, strong=label.kind == "PERSON")


def _value_of(text: str, position: int, *, strong: bool) -> Iterator[Span]:
    reversed_name = _LAST_FIRST.match(text, position)
    value = _VALUE.match(text, position)
    if reversed_name is not None and (strong or any_known(reversed_name[0])):
        yield person(reversed_name.start(), reversed_name.end(), 0.8, "label")
    elif value is not None and (strong or is_known_name(value[1])):
        start, end = trimmed(text, *value.span(1), form=True)
        if start < end and not is_role(text[start:end], addressed=strong):
            yield person(start, end, 0.8 if strong else 0.6, "label")


def by_greeting(text: str) -> Iterator[Span]:
    """``Dear Anna,``, ``Sehr geehrte Frau Dr. Weißmüller,``."""
    for match in _GREETING.finditer(text):
        yield from _person(text, match, 0.75, "greeting")


def by_signature(text: str, lowered: str) -> Iterator[Span]:
    """The line after one that ends with a closing word. Found by line ends, which is ten times as fast as by words."""
    position = text.find("\n")
    while position >= 0:
        closing = text[max(0, position - 24) : position].rstrip(" \t,.!*_").rpartition(" ")[2].rpartition("\n")[2]
        if closing.lower() in _CLOSINGS:
            match = _SIGNATURE.match(text, position + 1)
            if match is not None:
                yield from _person(text, match, 0.7, "signature")
        position = text.find("\n", position + 1)
    if any(hint in lowered for hint in _SIGNED_HINTS):
        for match in _SIGNED.finditer(text):
            yield from _person(text, match, 0.75, "signature")


def _person(text: str, match: re.Match[str], score: float, rule: str) -> Iterator[Span]:
    start, end = trimmed(text, *match.span(1))
    if start < end and not is_role(text[start:end]):
        yield person(start, end, score, rule)
