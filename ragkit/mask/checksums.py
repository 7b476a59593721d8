"""National numbers and VAT numbers by form and check digit, validated by the library python-stdnum.

A check digit that one number in ten passes tells nothing by itself: such a number (``sure=False``) counts only in the
groups it is written in on paper, or behind a word that says what it is. A number with a birth date and two check
digits stands alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import MappingProxyType

from ragkit.mask.numbered import Cues, NumberedLines
from ragkit.types import Span

_BEFORE = 60


@dataclass(frozen=True, slots=True)
class Number:
    """One kind of number.

    Attributes:
        entity_type: Its type, such as ``NL_BSN``.
        module: Its validator, a module of ``stdnum``.
        pattern: How it is written, in lower case and without the edges of the word.
        words: What it is called; see :class:`~ragkit.mask.numbered.Cues`.
        sure: Its check digits tell enough by themselves.
        grouped: How it is written on paper, where that tells enough together with the check digit.
    """

    entity_type: str
    module: str
    pattern: str
    words: str
    sure: bool = False
    grouped: str = ""


NATIONAL: Mapping[str, tuple[Number, ...]] = MappingProxyType({
    "fr": (
        Number("FR_NIR", "fr.nir",
                r"[1278][ ]?\d\d[ ]?(?:0[1-9]|1[0-2]|[2-9]\d)[ ]?(?:\d\d|2[ab])[ ]?\d{3}[ ]?\d{3}[ ]?\d\d",
                "sécurité sécu. nir. insee",
               sure=True),
        Number("FR_SPI", "fr.nif", r"[0-3]\d[ ]?\d\d[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}", "fiscal spi. impôt impot"),
    ),
    "nl": (Number("NL_BSN", "nl.bsn", r"\d{4}\.\d\d\.\d{3}|\d{9}", "bsn. burgerservice sofi",
            grouped=r"\d{4}\.\d\d\.\d{3}"), ),
    "at": (
        Number("AT_SVNR", "at.vnr", r"[1-9]\d{3}[ -]?\d{6}", "svnr sozialversicherung versicherungsnummer sv-n e-card",
               grouped=r"\d{4} (?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d"),
        Number("AT_TIN", "at.tin", r"\d\d-?\d{3}/?\d{4}", "steuernummer abgabenkonto", grouped=r"\d\d-\d{3}/\d{4}"),
    ),
    "be": (Number("BE_NN", "be.nn", r"\d\d[. ]?\d\d[. ]?\d\d[ .-]?\d{3}[ .-]?\d\d",
            "rijksregister registre_national niss insz national_number",
            grouped=r"\d\d\.\d\d\.\d\d[ .-]\d{3}[ .-]\d\d"),),
    "ch": (Number("CH_AHV", "ch.ssn", r"756[. ]?\d{4}[. ]?\d{4}[. ]?\d\d", "ahv avs.", sure=True),),
    "pt": (
        Number("PT_NIF", "pt.nif", r"[1-35689]\d\d[ ]?\d{3}[ ]?\d{3}", "nif. contribuinte fiscal"),
        Number("PT_CC", "pt.cc", r"\d{8}[ ]?\d[ ]?[a-z0-9]{2}\d", "cartão cidadão cc.",
                grouped=r"\d{8} \d [a-z]{2}\d"),
    ),
    "ie": (Number("IE_PPS", "ie.pps", r"\d{7}[ ]?[a-w][abwtx]?", "pps. ppsn. personal_public revenue",
            grouped=r"\d{7}[a-w][abwtx]"), ),
    "dk": (Number("DK_CPR", "dk.cpr", r"[0-3]\d[01]\d\d\d[- ]?\d{4}", "cpr personnummer"),),
    "no": (Number("NO_FNR", "no.fodselsnummer", r"[0-7]\d[0-9]\d{3}[ ]?\d{5}",
            "fødselsnummer personnummer fnr. d-nummer", grouped=r"\d{6} \d{5}"), ),
    "gr": (
        Number("GR_AMKA", "gr.amka", r"[0-3]\d[01]\d{3}\d{5}", "amka αμκα"),
        Number("GR_AFM", "gr.vat", r"\d{9}", "αφμ afm."),
    ),
    "br": (
        Number("BR_CPF", "br.cpf", r"\d{3}\.?\d{3}\.?\d{3}-?\d\d", "cpf.", grouped=r"\d{3}\.\d{3}\.\d{3}-\d\d"),
        Number("BR_CNPJ", "br.cnpj", r"\d\d\.?\d{3}\.?\d{3}/?\d{4}-?\d\d", "cnpj",
                grouped=r"\d\d\.\d{3}\.\d{3}/\d{4}-\d\d"),
    ),
    "mx": (
        Number("MX_CURP", "mx.curp", r"[a-z]{4}\d{6}[hmx][a-z]{5}[a-z0-9]\d", "curp", sure=True),
        Number("MX_RFC", "mx.rfc", r"[a-zñ&]{3,4}[ -]?\d{6}[ -]?[a-z0-9]{3}", "rfc. contribuyente"),
    ),
    "jp": (Number("JP_MY_NUMBER", "jp.in_", r"\d{4}[ -]?\d{4}[ -]?\d{4}", "my_number mynumber マイナンバー 個人番号"),),
    "cz": (Number("CZ_RC", "cz.rc", r"\d{6}/?\d{3,4}", "rodné rč. r.č", grouped=r"\d{6}/\d{4}"),),
    "sk": (Number("SK_RC", "sk.rc", r"\d{6}/?\d{3,4}", "rodné rč. r.č", grouped=r"\d{6}/\d{4}"),),
    "ro": (Number("RO_CNP", "ro.cnp", r"[1-8]\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{6}",
            "cnp. cod_numeric"), ),
    "hr": (Number("HR_OIB", "hr.oib", r"\d{11}", "oib."),),
    "bg": (Number("BG_EGN", "bg.egn", r"\d{10}", "егн egn."),),
    "ee": (Number("EE_IK", "ee.ik", r"[1-6]\d{10}", "isikukood"),),
    "lt": (Number("LT_ASMENS_KODAS", "lt.asmens", r"[1-6]\d{10}", "asmens_kodas"),),
    "cl": (Number("CL_RUT", "cl.rut", r"\d{1,2}\.?\d{3}\.?\d{3}-[\dk]", "rut. run.",
            grouped=r"\d{1,2}\.\d{3}\.\d{3}-[\dk]"), ),
    "cn": (Number("CN_RIC", "cn.ric", r"[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dx]",
            "身份证", sure=True), ),
    "uk": (Number("UK_UTR", "gb.utr", r"k?\d{5}[ ]?\d{5}k?", "utr. taxpayer_reference"),),
    "de": (Number("DE_STEUERNUMMER", "de.stnr", r"\d{2,3}[/ ]?\d{3}[/ ]?\d{4,5}|\d{13}",
            "steuernummer steuer-nr stnr st.-nr"), ),
    "it": (Number("IT_PARTITA_IVA", "it.iva", r"\d{11}", "partita_iva p.iva p._iva piva"),),
    "es": (Number("ES_CIF", "es.cif", r"[abcdefghjnpqrsuvw]-?\d{7}-?[\da-j]", "cif. nif.", sure=False),),
})  # fmt: skip
"""Kinds of number by country. Those that Presidio recognizes are in :mod:`ragkit.mask.recognizers`."""

_VAT = (
    Number("VAT_NUMBER", "eu.vat", (
        r"(?:at[ ]?u|be|bg|cy|cz|de|dk|ee|el|es|fi|fr|hr|hu|ie|it|lt|lu|lv|mt|nl|pl|pt|ro|se|si|sk|xi)"
        r"[ -]?[0-9a-z](?:[ .-]?\d|[a-z]|[ .-]b(?=\d\d\b)){6,12}"
    ), "vat.", sure=True),
    Number("VAT_NUMBER", "gb.vat", r"gb[ ]?\d{3}[ ]?\d{4}[ ]?\d\d(?:[ ]?\d{3})?|gb(?:gd|ha)\d{3}", "vat.",
            sure=True),
    Number("VAT_NUMBER", "gb.vat", r"\d{3}[ ]?\d{4}[ ]?\d\d", "vat."),
    Number("VAT_NUMBER", "ch.uid", r"che[- ]?\d{3}[. ]?\d{3}[. ]?\d{3}(?:[ ](?:mwst|tva|iva|tpv))?",
            "uid.", sure=True),
    Number("VAT_NUMBER", "no.mva", r"(?:no[ ]?)?\d{3}[ ]?\d{3}[ ]?\d{3}[ ]?mva", "mva.", sure=True),
)  # fmt: skip


def numbers(countries: Sequence[str]) -> tuple[Number, ...]:
    """VAT numbers, and the national numbers of these countries."""
    return (*_VAT, *(number for country in countries for number in NATIONAL.get(country, ())))


def find_numbers(lines: NumberedLines, number: Number) -> Iterator[Span]:
    """Valid numbers of one kind; a weak one only in its written groups or behind its name."""
    pattern, cues, grouped = _compiled(number)
    named = cues.may_be_in(lines)
    if not (number.sure or number.grouped or named):
        return
    for match in pattern.finditer(lines.text):
        known = named and cues.precede(lines, match.start(), _BEFORE)
        if not (number.sure or known or (grouped is not None and grouped.fullmatch(match[0]))):
            continue
        start, end = lines.source(*match.span())
        written = lines.whole[start:end]
        if (known or written.upper() == written) and _is_valid(number.module)(written):
            yield Span(start, end, number.entity_type, 1.0, f"identifiers:checksum:{number.entity_type}")


@cache
def _compiled(number: Number) -> tuple[re.Pattern[str], Cues, re.Pattern[str] | None]:
    pattern = re.compile(rf"(?<![\w.\-/])(?:{number.pattern})(?!\w|[.\-/]\w)")
    return pattern, Cues(number.words), re.compile(number.grouped) if number.grouped else None


@cache
def _is_valid(module: str) -> Callable[[str], bool]:
    check: Callable[[str], bool] = import_module(f"stdnum.{module}").is_valid
    return check
