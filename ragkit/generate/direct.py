"""The value to put in front of an answer: ``five years`` before the sentence that says so.

Only where it is safe: the question names the kind of value (how long, how much, how many, when, which column, whose
telephone number), and exactly one value of that kind stands in the best piece that the question did not bring along.
The value is a verbatim part of the piece; nothing is computed, and a masked value is taken with its whole token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from ragkit.generate.pieces import cells, index_text
from ragkit.generate.ranking import RankedPiece
from ragkit.generate.terms import QuestionTerms
from ragkit.types import Masked

_LEAST_WORDS = 0.5  # share of the question's words that a piece needs before a value of it is put in front

_NUMBER = (
    r"(?:\d+(?:[.,]\d+)*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty"
    r"|forty|fifty|sixty|ninety|hundred|ein(?:e[nmrs]?)?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|elf|zwölf"
    r"|zwanzig|dreißig|deux|trois|quatre|cinq|dix|dos|tres|cuatro|cinco|diez)\b)"
)
_RANGE = rf"(?<![\w.,]){_NUMBER}(?:\s*(?:-|–|to|or|and|bis|oder|à|a)\s*{_NUMBER})?"
_TIME_UNIT = (
    r"(?:(?:business|working|calendar|full)\s+)?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    r"|Sekunden?|Minuten?|Stunden?|(?:Werk|Arbeits|Kalender)?[Tt]agen?|Tag|Wochen?|Monat(?:en?)?|Jahr(?:en?)?"
    r"|secondes?|heures?|jours?|semaines?|mois|ans?|segundos?|horas?|días?|semanas?|mes(?:es)?|años?)\b"
)
_MONTH = (
    r"(?:Jan(?:uary|uar)?|Feb(?:ruary|ruar)?|Mar(?:ch)?|März|Apr(?:il)?|May|Mai|June?|Juni|July?|Juli|Aug(?:ust)?"
    r"|Sept?(?:ember)?|O[ck]t(?:ober)?|Nov(?:ember)?|De[cz](?:ember)?)\b\.?"
)
_DATE = (
    rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?\s+(?:of\s+)?{_MONTH}(?:,?\s+\d{{4}}\b)?"
    rf"|\b{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?\b(?:\s*,?\s+\d{{4}}\b)?|\b{_MONTH}\s+\d{{4}}\b"
    r"|\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}\.\d{1,2}\.\d{4}\b"
)
_YEAR = r"(?<![\w.,])(?:1\d{3}|20\d{2})(?![\w%]|[.,]\d)"
_MONEY = (
    r"(?:US\$|[€$£¥])\s?\d+(?:[.,]\d+)*(?:\s(?:thousand|million|billion)\b)?"
    r"|(?<![\w.,])\d+(?:[.,]\d+)*(?:\s(?:thousand|million|billion|Millionen|Milliarden))?"
    r"\s?(?:€|£|EUR\b|USD\b|GBP\b|CHF\b|euros?\b|Euro\b|dollars?\b|pounds?\b)"
)
_DURATION = rf"{_RANGE}[\s-]+{_TIME_UNIT}"
_ASKS_PRICE = (
    r"\bhow much (?:does|do|did|is|are|was|were|money)\b|\bcosts?\b|\bprices?\b|\bfees?\b|\bwas kostet\b"
    r"|\bkosten\b|\bwie teuer\b|\bcombien coûte|\bcuánto cuesta|\bquanto costa"
)
_PERCENT = r"(?<![\w.,])\d+(?:[.,]\d+)*\s?(?:%|per\s?cent\b|Prozent\b|pour\s?cent\b|por\s?ciento\b)"

_KINDS: tuple[tuple[re.Pattern[str], tuple[re.Pattern[str], ...]], ...] = tuple(
    (re.compile(asked, re.IGNORECASE), tuple(re.compile(value, re.IGNORECASE) for value in values))
    for asked, *values in (
        (r"\b(?:what|how many|which|wie ?viel|welcher) (?:per ?cent|percentage|prozent)", _PERCENT),
        (r"\bhow long\b|\bwie lange\b|\bcombien de temps\b|\bcuánto tiempo\b|\bquanto tempo\b", _DURATION),
        (_ASKS_PRICE, _MONEY),
        (r"\b(?:what|which) year\b|\bin welchem jahr\b|\bqué año\b|\bquelle année\b", _YEAR),
        (r"^\W*(?:when|wann|quand|cuándo|quando)\b|\bwhat date\b|\bwhich day\b", _DATE, _YEAR),
    )
)
"""What a question asks for, and what such a value looks like; a later pattern counts where the first finds nothing."""

_COUNTED = re.compile(r"\b(?:how many|wie viele|combien de|cuánt[oa]s|quant[ei])\s+([^\W\d_]{3,})", re.IGNORECASE)
_TOKENS = (
    (
        re.compile(
            r"\bphone (?:number|no\b)|\btelefonnummer|\b(?:número de teléfono|numéro de téléphone)", re.IGNORECASE
        ),
        "PHONE_NUMBER",
    ),
    (re.compile(r"\be-?mail[ -]?adress?e?|\be-?mail address|\badresse e-?mail", re.IGNORECASE), "EMAIL_ADDRESS"),
    (re.compile(r"^\W*(?:who|whose|wer|wem|wessen|quién|qui)\b", re.IGNORECASE), "PERSON"),
    (re.compile(r"^\W*(?:when|wann|quand|cuándo|quando)\b", re.IGNORECASE), "DATE_TIME"),
)


def value_in_front(question: Masked, terms: QuestionTerms, ranked: Sequence[RankedPiece]) -> str | None:
    """Return the value that answers the question, as it stands in the record view of the best piece, or ``None``.

    Args:
        question: In the index view.
        terms: Its words.
        ranked: Pieces, best first; not empty.
    """
    best = ranked[0]
    if best.words < _LEAST_WORDS or best.piece.kind not in ("sentence", "line", "item", "row"):
        return None
    if best.piece.kind == "row":
        return None if _COUNTED.search(question) else _cell(terms, ranked)
    found = _token(question, terms, best) or _typed(question, best)
    return found if found and len(found) < len(best.quote.strip(" .")) else None


def _cell(terms: QuestionTerms, ranked: Sequence[RankedPiece]) -> str | None:
    """The one cell whose column the question names, in the one row that has most of the question."""
    best = ranked[0]
    values = cells(best.quote)
    if len(values) != len(best.piece.header) or any(_rivals(other, best) for other in ranked[1:]):
        return None
    known = [bool(terms.matched(text)) for text in _in_index_view(values, best)]
    columns = zip(values, best.piece.header, known)
    asked = [value for value, name, brought in columns if value and not brought and _names(terms, name)]
    return asked[0] if len(asked) == 1 and any(known) else None


def _names(terms: QuestionTerms, column: str) -> bool:
    """Whether the question has every word of a column's name: one of several may name something else."""
    words = re.findall(r"[^\W_]{4,}", column) or [column]
    return all(terms.matched(word) for word in words)


def _rivals(other: RankedPiece, best: RankedPiece) -> bool:
    """Whether another row of the same table has as much of the question."""
    same = other.hit.doc_id == best.hit.doc_id and other.piece.header == best.piece.header
    return same and other.matched >= best.matched


def _in_index_view(values: Sequence[str], row: RankedPiece) -> Iterator[Masked]:
    at = 0
    for value in values:
        start = row.quote.index(value, at)
        at = start + len(value)
        yield index_text(row.hit.chunk, row.piece.start + start, row.piece.start + at)


def _token(question: Masked, terms: QuestionTerms, best: RankedPiece) -> str | None:
    """The token of the one masked value of the kind asked for."""
    kinds = {kind for asked, kind in _TOKENS if asked.search(question)}
    chunk = best.hit.chunk
    found = {
        chunk.record[span.record_start : span.record_end]
        for span in chunk.spans
        if span.entity_type in kinds
        and best.piece.start <= span.record_start
        and span.record_end <= best.piece.end
        and not terms.matched(index_text(chunk, span.record_start, span.record_end))
    }
    return found.pop() if len(found) == 1 else None


def _typed(question: Masked, best: RankedPiece) -> str | None:
    text = _without_tokens(best)
    known = " ".join(question.casefold().split())
    for values in _patterns(question):
        found = {" ".join(match.group().casefold().split()): match.group() for match in values.finditer(text)}
        new = [value for folded, value in found.items() if folded not in known]
        if new:
            return new[0] if len(found) == 1 else None
    return None


def _patterns(question: Masked) -> Iterator[re.Pattern[str]]:
    """What the value may look like, in the order of preference; nothing where the question asks for several kinds."""
    counted = _COUNTED.search(question)
    kinds = [values for asked, values in _KINDS if asked.search(question)]
    if counted and not kinds:
        stem = re.escape(counted.group(1)[: max(4, len(counted.group(1)) - 3)])
        yield re.compile(rf"{_RANGE}(?:\s+(?!and\b|und\b|or\b)[^\W\d_]+)?\s+{stem}[^\W\d_]*", re.IGNORECASE)
    elif len(kinds) == 1 or (kinds and kinds[0] is _KINDS[0][1]):  # a percentage of a price is one question
        yield from kinds[0]


def _without_tokens(best: RankedPiece) -> str:
    """The piece in the record view with masked values blotted out: their letters and digits mean nothing."""
    text, start = str(best.quote), best.piece.start
    for span in best.hit.chunk.spans:
        first, last = span.record_start - start, span.record_end - start
        if last > 0 and first < len(text):
            text = text[: max(first, 0)] + "\0" * (min(last, len(text)) - max(first, 0)) + text[last:]
    return text
