"""Court judgments with labelled mentions, and what is asked about each: by whose case it is, and by what it is about.

The 127 test judgments of the Text Anonymization Benchmark (``tab_test127_mentions``; Pilán et al. 2022). Of 31 of
them another annotator's labels say which mentions identify directly (``tab_test31``, joined by equal text).

- *name*: the first mention labelled PERSON that has two words or more, titles left off: in these judgments the
  applicant. *entity*: "Which complaint did {name} bring before the Court?".
- *topical*: two statements a judgment, taken out of its text before anything is indexed, so that no copy can be found.
  A statement is a sentence of 60 to 300 characters without a labelled mention that stands in one judgment
  only; the two are those whose words are rarest on average (inverse document frequency over the judgments), so that
  they tell of this case and not of procedure.
"""

from __future__ import annotations

import math
import random
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from data import read_lines
from pii_data import LIGHT, TAB, pii_folder, records

from ragkit.evaluate.labelled import Gold, Labelled, labelled
from ragkit.parse.blocks import visible
from ragkit.parse.sandbox import SandboxedParser
from ragkit.testing.stages import text_item
from ragkit.types import Document

STATEMENTS = 2
ENTITY, NAME, TOPICAL = "entity", "name only", "topical"
KINDS = (ENTITY, NAME, TOPICAL)
_ENTITY = "Which complaint did {} bring before the Court?"
_SENTENCE = re.compile(r"(?:(?<=[.!?] )|(?<=\n))[A-Z][^.!?\n]{58,298}[.](?=[ \n])")
_WORD = re.compile(r"\w+")
_NAME_PART = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, repr=False)
class Case:
    """One judgment, as it is indexed.

    Attributes:
        id: The source's own id.
        text: Without its statements.
        people: Labelled mentions of people.
        direct: Mentions that identify directly; ``None`` where nobody said which do.
        name: Whose case it is.
        statements: What was taken out.
    """

    id: str
    text: str
    people: tuple[Gold, ...]
    direct: tuple[Gold, ...] | None
    name: str
    statements: tuple[str, ...]

    def questions(self, kind: str) -> tuple[str, ...]:
        """What is asked about it."""
        return {ENTITY: (_ENTITY.format(self.name),), NAME: (self.name,), TOPICAL: self.statements}[kind]


def cases(limit: int = 0, *, split: str = "test") -> list[Case]:
    """Read the judgments, take the statements out, and move the labels with the text.

    Args:
        limit: Only the first so many.
        split: ``test``, or ``dev`` for TAB's dev and train judgments, to find out why.
    """
    gold = records("tab_test127") if split == "test" else [*records("tab_dev"), *_train()]
    judged = {record.text: record.gold for record in records("tab_test31")}
    found = [_sentences(record, judged.get(record.text, ())) for record in gold]
    rare = _rarity(gold)
    shared = Counter(statement for sentences in found for statement in {match.group() for match in sentences})
    made = []
    for number, (record, sentences) in enumerate(zip(gold[: limit or None], found)):
        own = [match for match in sentences if shared[match.group()] == 1 and record.text.count(match.group()) == 1]
        best = sorted(own, key=lambda match: -_mean_rarity(match.group(), rare))[:STATEMENTS]
        made.append(_case(f"case-{number}", record, judged.get(record.text), sorted(best, key=lambda m: m.start())))
    return _parsed(made)


def _train() -> list[Labelled]:
    return [labelled(row, TAB) for row in read_lines(pii_folder() / "train" / "tab_train.jsonl")]


def _parsed(made: Sequence[Case]) -> list[Case]:
    """The judgments as ragkit's parser reads them, the labels moved: it takes blanks and signs of no alphabet away."""
    items = [text_item(case.id, case.text) for case in made]
    with SandboxedParser() as parser:
        documents = [document for _, document in parser.parse_all(items)]
    found = []
    for case, document in zip(made, documents, strict=True):
        letters = "".join(visible(case.text)[0].split())
        if not isinstance(document, Document) or "".join(document.text.split()) != letters:
            raise SystemExit("a judgment is not read as it is written")
        places = [at for at, letter in enumerate(document.text) if not letter.isspace()]
        before = [0]
        for letter in case.text:
            before.append(before[-1] + bool(visible(letter)[0].strip()))

        def move(gold: Sequence[Gold], places: list[int] = places, before: list[int] = before) -> tuple[Gold, ...]:
            return tuple(
                replace(one, start=places[before[one.start]], end=places[before[one.end] - 1] + 1) for one in gold
            )

        direct = None if case.direct is None else move(case.direct)
        found.append(replace(case, text=document.text, people=move(case.people), direct=direct))
    return found


def shuffled(judgments: Sequence[Case], seed: int) -> list[Case]:
    """The judgments with their applicants' names passed around, consistently within each; without labels.

    A name tells where somebody is from, and so does the text, which an encoder puts together: unmasked, it finds a case
    by that alone. This is what real names are worth without it.
    """
    order = list(range(len(judgments)))
    random.Random(seed).shuffle(order)
    made = []
    for case, other in zip(judgments, order):
        own, new = _NAME_PART.findall(case.name), _NAME_PART.findall(judgments[other].name)
        swap = {part: new[min(place, len(new) - 1)] for place, part in enumerate(own)} | {own[-1]: new[-1]}

        def swapped(text: str, swap: dict[str, str] = swap) -> str:
            return _NAME_PART.sub(lambda match: swap.get(match[0], match[0]), text)

        made.append(replace(case, text=swapped(case.text), name=swapped(case.name), people=(), direct=None))
    return made


def _case(name: str, record: Labelled, judged: Sequence[Gold] | None, out: Sequence[re.Match[str]]) -> Case:
    text, pieces, at = record.text, list[str](), 0
    for match in out:
        pieces.append(text[at : match.start()])
        at = match.end()
    people = [one for one in record.gold if one.entity_type == "PERSON"]
    direct = None if judged is None else [one for one in judged if one.identifier == "DIRECT"]
    return Case(
        name,
        "".join([*pieces, text[at:]]),
        tuple(_moved(people, out)),
        None if direct is None else tuple(_moved(direct, out)),
        _name(text, people),
        tuple(match.group() for match in out),
    )


def _moved(gold: Sequence[Gold], out: Sequence[re.Match[str]]) -> Iterator[Gold]:
    for one in gold:
        shift = sum(match.end() - match.start() for match in out if match.end() <= one.start)
        yield replace(one, start=one.start - shift, end=one.end - shift)


def _name(text: str, people: Sequence[Gold]) -> str:
    for one in sorted(people, key=lambda one: one.start):
        words = text[one.start : one.end].split()
        while words and words[0].rstrip(".").lower() in LIGHT["en"]:
            words = words[1:]
        if len(words) > 1:
            return " ".join(words)
    return text[people[0].start : people[0].end]


def _sentences(record: Labelled, judged: Sequence[Gold]) -> list[re.Match[str]]:
    labelled = [(one.start, one.end) for one in (*record.gold, *judged)] + list(record.kept)
    return [
        match
        for match in _SENTENCE.finditer(record.text)
        if not any(start < match.end() and end > match.start() for start, end in labelled)
    ]


def _rarity(gold: Sequence[Labelled]) -> dict[str, float]:
    """Inverse document frequency by word."""
    holding = Counter(word for record in gold for word in {word.lower() for word in _WORD.findall(record.text)})
    return {word: math.log(len(gold) / count) for word, count in holding.items()}


def _mean_rarity(sentence: str, rare: dict[str, float]) -> float:
    words = _WORD.findall(sentence.lower())
    return sum(rare[word] for word in words) / len(words)
