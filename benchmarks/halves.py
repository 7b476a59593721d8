"""Which half of a set may be fitted on, and which only judges: the one split that all scripts share.

It is by a hash, so it is the same on every machine and in every order. clapnq is split by passage, that no passage
stands on both sides with two of its questions; hint3 by shop and message, since people type the same message twice;
every other set by question id.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Literal

Half = Literal["fit", "eval"]


def half(set_name: str, question: Mapping[str, Any]) -> Half:
    """Return the half of a question as ``data.queries`` gives it."""
    text = f"{set_name}\0{_key(set_name, question)}"
    return "eval" if sha256(text.encode()).digest()[0] % 2 else "fit"


def _key(set_name: str, question: Mapping[str, Any]) -> str:
    if set_name == "clapnq":
        return str(question.get("gold_doc") or question.get("distractor_doc") or question["id"])
    if set_name == "hint3":
        return f"{question['type']}\0{' '.join(str(question['text']).casefold().split())}"
    return str(question["id"])
