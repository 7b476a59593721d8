"""What a long right answer requires, by a rule: its amounts, dates and names, else its own words.

In order, of the gold answer without its lists of sources, its list numbers and the names of files:

1. dates of day, month and year; then amounts: numbers with a currency or percent sign, thousands or decimals, and
   other numbers of two digits and more that are no year;
2. names: two or more capitalised words in a row (``of``, ``the``, ``and`` may stand between), a sentence's first word
   not among them, and no name that shares a word with the question;
3. where there is none of these, each word of four letters and more that is no common one.

What stands in the question is no fact. A fact is said when it stands in the answer word by word, spelled as in
:mod:`ragkit.evaluate.answer_text`; ``$82,959 million`` is said by a table's ``82,959``.
"""

from __future__ import annotations

import re

from ragkit.evaluate.answer_text import normal, says

_SOURCES = re.compile(r"\(?\**\bSOURCES?\b(?:\(S\))?:?\**[^\n)]*\)?", re.IGNORECASE)
_FILES = re.compile(r"\"?\d{4} Q\d \w+\.pdf\"?")
_NUMBERING = re.compile(r"(?m)^\s*(?:\d{1,2}[.)]|[-*])\s+")
_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(rf"\b(?:{_MONTH}) \d{{1,2}}, \d{{4}}\b|\b\d{{1,2}} (?:{_MONTH}) \d{{4}}\b")
_AMOUNT = re.compile(
    r"[$€£]\s?\d[\d,]*(?:\.\d+)?|\b\d[\d,]*(?:\.\d+)?\s?%|\b\d{1,3}(?:,\d{3})+(?:\.\d+)?|\b\d+\.\d+|\b\d{2,}\b(?!-[QK])"
)
_YEAR = re.compile(r"(?:19|20)\d\d")
_NAME = re.compile(r"\b[A-Z][\w&'’-]*(?:\.? (?:(?:of|the|and|for) ){0,2}[A-Z][\w&'’-]*)+")
_SENTENCE_START = re.compile(r"(?:^|[.!?:;\n]\s*|[\"“])$")
_COMMON = frozenset(
    """
    about above after also among another because been before being between both called could does during each
    either even every first from have having here however into itself known like made many more most much must
    often only other over same should since some such than that their them then there these they this those
    through thus under until upon used using usually very well were what when where whether which while with
    within would your
    """.split()  # noqa: SIM905 (a list of words reads as words)
)
_LONGEST = 40


def required_facts(answer: str, question: str) -> list[list[str]]:
    """The facts of a gold answer that its question does not give away, each with its accepted strings."""
    text = _NUMBERING.sub("", _FILES.sub(" ", _SOURCES.sub(" ", answer)))
    dates = _DATE.findall(text)
    rest = _DATE.sub(" ", text)
    amounts = [one for one in _AMOUNT.findall(rest) if not _YEAR.fullmatch(one)]
    facts = [*dates, *amounts, *_names(rest, question)]
    if not _fresh(facts, question):
        facts = [word for word in re.findall(r"[^\W\d_]{4,}", text) if word.casefold() not in _COMMON]
    return [[fact] for fact in _fresh(facts, question)][:_LONGEST]


def _names(text: str, question: str) -> list[str]:
    found = []
    for match in _NAME.finditer(text):
        name = match.group()
        if _SENTENCE_START.search(text[: match.start()]):
            name = name.partition(" ")[2]
        name = re.sub(r"^(?:of|the|and|for) ", "", name)
        if " " in name and not any(says(question, [word]) for word in name.split() if word[0].isupper()):
            found.append(name)
    return found


def _fresh(facts: list[str], question: str) -> list[str]:
    """Each once, as it is compared, without those of the question."""
    once = {normal(fact): fact for fact in reversed(facts) if normal(fact)}
    return [fact for key, fact in reversed(once.items()) if not says(question, [key])]
