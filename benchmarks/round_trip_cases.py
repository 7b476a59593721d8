"""What models and people do to placeholders: the adversarial cases of ``round_trip.py``, for any placeholder."""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from ragkit.mask.tokens import TOKEN, check_characters

KINDS = {
    "whole": "nothing: whole placeholders in a sentence",
    "split": "whole placeholders, the text cut anywhere",
    "glued": "letters and digits directly beside it",
    "adjacent": "two placeholders without a space",
    "case": "other case",
    "space": "spaces and line ends inside",
    "bracket": "a bracket or its last character lost",
    "look-alike": "look-alike letters, signs and digits, invisible characters",
    "escape": "Markdown, HTML, JSON and URL escapes inside",
    "character": "one character changed",
    "check": "one character changed, check characters made right",
    "swap": "two neighbouring characters swapped",
    "halves": "half of one and half of another",
    "foreign": "a placeholder of another collection or conversation",
    "invented": "a placeholder that a model made up",
    "planted": "a document that holds a placeholder as its own text",
    "nested": "one placeholder begun inside another",
    "cut": "cut off by a token limit",
}
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_SENTENCES = (
    "Please tell {} that the order is on its way.", "{} asked for a refund on Monday; we said yes.",
    "The contract of {} ends in spring, as agreed.", "I spoke with {}. They will call back.",
    "- customer: {}\n- state: open", "| {} | paid |", "Annual review of {}: annex 1 and annals.",
)  # fmt: skip
_ALIKE = {"A": "\u0391", "E": "\u0415", "O": "\u041e", "P": "\u0420", "S": "\u0405", "-": "\u2011", "_": "\uff3f",
          "[": "\uff3b", "]": "\uff3d", ":": "\uff1a", "0": "O", "1": "l", "a": "\u0430", "e": "\u0435",
          "o": "\u043e", " ": "\u2009"}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """One case.

    Attributes:
        kind: Of :data:`KINDS`.
        people: Whose placeholders it is made of.
        seed: Decides what is done to them.
    """

    kind: str
    people: tuple[int, int]
    seed: int


@dataclass
class System:
    """A way to restore placeholders.

    Attributes:
        marks: The placeholder of each person of the conversation.
        foreign: The placeholders of twelve people elsewhere; a tool that counts makes the same ones.
        restore: Pieces of a text to the whole text restored.
        through: How a document's own text gets into the conversation.
        names: Every name it could show.
    """

    name: str
    marks: Sequence[str]
    foreign: Sequence[str]
    restore: Callable[[Sequence[str]], str]
    through: Callable[[str], str]
    names: Sequence[str]


def names(count: int) -> list[str]:
    """Different invented names, none part of another."""
    heads = [a + b for a, b in product("BDFGHKLMNPRSTVZ", ("alo", "eri", "ivo", "ona", "uri", "ade", "eno", "ita"))]
    tails = [a + b + c for a, b, c in product("BCDFGHKLMNPRSTVWZ", ("ar", "el", "in", "os", "um", "ak"),
                                              ("dorf", "witz", "sson", "ley", "mann"))]  # fmt: skip
    every = [f"{head} {tail}" for head, tail in product(heads, tails)]
    return random.Random(1).sample(every, count) if count < len(every) else every[:count]


def cases(count: int, rng: random.Random) -> list[Case]:
    """So many cases, each kind as often."""
    kinds = list(KINDS)
    return [
        Case(kinds[number % len(kinds)], (one := rng.randrange(12), (one + rng.randrange(1, 12)) % 12), number)
        for number in range(count)
    ]


def judge(case: Case, system: System, people: Sequence[str]) -> str:
    """Which outcome a case has."""
    rng = random.Random(case.seed)
    one, other = (system.marks[number] for number in case.people)
    mine, theirs = (people[number] for number in case.people)
    before, after = rng.choice(_SENTENCES).split("{}")
    shown, allowed = _done(case.kind, one, other, mine, theirs, system, rng)
    text = system.through(f"{before}{shown}{after}") if case.kind == "planted" else f"{before}{shown}{after}"
    wanted = f"{before}{allowed if allowed is not None else shown}{after}"
    got = system.restore(_pieces(text, rng) if case.kind == "split" else [text])
    if got == wanted:
        return "as it should be"
    permitted = {mine} if case.kind not in {"foreign", "invented", "planted"} else set()
    permitted |= {theirs} if case.kind in {"adjacent", "halves", "nested"} else set()
    if any(name in got for name in system.names if name not in permitted):
        return "wrong person"
    if allowed is None and any(name in got for name in permitted):
        return "wrong person" if case.kind == "halves" else "guessed"
    if allowed is not None and any(name in wanted and name not in got for name in permitted):
        return "lost"
    return "damaged"


def _done(
    kind: str, one: str, other: str, mine: str, theirs: str, system: System, rng: random.Random
) -> tuple[str, str | None]:
    """What stands in the text, and what should be shown; ``None`` for just that."""
    at = rng.randrange(2, len(one) - 1)
    match kind:
        case "whole" | "split":
            return one, mine
        case "glued":
            left, right = rng.choice((("x", "y"), ("", "s"), ("re", ""), ("", "'s"), ("(", ")"), ("_", "_")))
            return f"{left}{one}{right}", f"{left}{mine}{right}"
        case "adjacent":
            return one + other, mine + theirs
        case "case":
            return _other(one, (one.lower(), one.swapcase(), one.title(), one[:at].lower() + one[at:]), rng), None
        case "space":
            return one[:at] + rng.choice((" ", "  ", "\n", "\t", "\u00a0")) + one[at:], None
        case "bracket":
            return _other(one, (one[:-1], one[1:], one[1:-1]), rng), None
        case "look-alike":
            return _alike(one, rng), None
        case "escape":
            ways = (_escaped(one), one.replace("_", "\\_").replace("-", "\\-"), _percent(one))
            inside = rng.choice(("**", "</b>", "\\u200b", "`"))
            return _other(one, (*ways, one[:at] + inside + one[at:]), rng), None
        case "character":
            signs = string.digits if one[at].isdigit() else string.ascii_uppercase
            return one[:at] + rng.choice(signs.replace(one[at], "")) + one[at + 1 :], None
        case "check":
            return _rechecked(one, rng), None
        case "swap":
            where = next((n for n in range(at, len(one) - 1) if one[n] != one[n + 1]), None)
            return (one[:-1], None) if where is None else (
                one[:where] + one[where + 1] + one[where] + one[where + 2 :], None)  # fmt: skip
        case "halves":
            half = one[: len(one) // 2] + other[len(other) // 2 :]
            return (half, None) if half not in {one, other} else (one[:-1] + other[:1], None)
        case "foreign":
            return rng.choice(system.foreign), None
        case "invented":
            return _invented(one, rng), None
        case "planted":
            return one, None
        case "nested":
            return one[:at] + other + one[at:], one[:at] + theirs + one[at:]
        case _:
            return one[:at], None


def _other(one: str, ways: Sequence[str], rng: random.Random) -> str:
    return rng.choice([way for way in ways if way != one] or [one[:-1]])


def _alike(one: str, rng: random.Random) -> str:
    places = [at for at, char in enumerate(one) if char in _ALIKE]
    if not places or rng.random() < 0.2:
        at = rng.randrange(1, len(one))
        return one[:at] + rng.choice(("\u200b", "\u200d", "\u00ad", "\u2060")) + one[at:]
    at = rng.choice(places)
    return one[:at] + _ALIKE[one[at]] + one[at + 1 :]


def _escaped(one: str) -> str:
    return one.replace("[", "\\[").replace("]", "\\]").replace(" ", "&nbsp;")


def _percent(one: str) -> str:
    return one.replace("[", "%5B").replace("]", "%5D").replace(" ", "%20")


def _rechecked(one: str, rng: random.Random) -> str:
    """Another id whose check characters fit; for placeholders without any, another number or letter."""
    found = TOKEN.fullmatch(one)
    if found is None:
        return _invented(one, rng)
    identity = found[2].partition("-")[0]
    at = rng.randrange(len(identity))
    changed = identity[:at] + rng.choice(_ALPHABET.replace(identity[at], "")) + identity[at + 1 :]
    return f"[{found[1]}:{changed}-{check_characters(found[1], changed)}]"


def _invented(one: str, rng: random.Random) -> str:
    """A placeholder of the same form that stands for nobody in the conversation."""
    found = TOKEN.fullmatch(one)
    if found is not None:
        identity = "".join(rng.choices(_ALPHABET, k=10))
        return f"[{found[1]}:{identity}-{check_characters(found[1], identity)}]"
    if one.startswith("["):
        return f"[REDACTED_PERSON_{rng.randrange(13, 99)}]"
    first, _, last = one.rpartition(" ")
    return f"{first} {last[:-1]}{rng.choice('aeiou')}x"


def _pieces(text: str, rng: random.Random) -> list[str]:
    cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(1, 12)))
    return [text[first:last] for first, last in zip([0, *cuts], [*cuts, len(text)])]
