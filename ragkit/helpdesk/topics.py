"""What a chatbot should not handle: topics by words and phrases, in English, German and French, whoever writes.

A phrase matches what somebody says of themselves ("I want to complain", "my lawyer"), not what they ask about ("what is
your complaints procedure?"), since that stands in the documents. Precision first: a hand-over that nobody needed keeps
the customer waiting and a person busy. Why a message matched can be said in a word; no model decides here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from ragkit.folding import fold_text
from ragkit.helpdesk.topic_phrases import BUILT_IN, PERSON, URGENT

_NOT = re.compile(
    r"(?:\bno need to|\b(?:don t|do not|didn t|won t|not) (?:want|need|wish|like)?(?: to)?|\bwithout (?:having to )?|"
    r"\bnicht|\bkein\w*|\bne (?:veux|souhaite) pas)(?: \w+)?\s*$"
)
_WORDS = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a message is for a person.

    Attributes:
        topic: One of the built-in ones, of the configuration's, or ``no-answer``, ``repeated``.
    """

    topic: str


class Topics:
    """Finds what a person is to deal with.

    Args:
        further: Words and phrases by topic, besides those that are built in.
        without: Built-in topics that are not looked for. A request for a person always is.
    """

    def __init__(self, further: Mapping[str, Sequence[str]], without: Collection[str] = ()) -> None:
        self._patterns = {
            topic: re.compile(rf"\b(?:{'|'.join(some)})", re.NOFLAG)
            for topic, some in BUILT_IN.items()
            if topic == PERSON or topic not in without
        }
        self._further = {
            topic: re.compile(rf"\b(?:{'|'.join(re.escape(one) for one in listed)})\b")
            for topic, phrases in further.items()
            if (listed := [made for phrase in phrases if (made := plain(phrase))])
        }

    def find(self, text: str) -> Reason | None:
        """Return why a person is to deal with a message, or ``None``. Urgent topics come first."""
        said = plain(text)
        for topic in (*URGENT, *self._further, *self._patterns):
            pattern = self._further.get(topic) or self._patterns.get(topic)
            if pattern is not None and any(not _NOT.search(said[: one.start()]) for one in pattern.finditer(said)):
                return Reason(topic)
        return None


def plain(text: str) -> str:
    """Return a text in lower case, without accents and marks, words one blank apart."""
    return " ".join(_WORDS.findall(fold_text(text)))
