"""The one split of clapnq and hint3 into a half that constants may be fitted on and a half that only judges.

::

    from halves import half, source
    judged = [one for one in queries("clapnq") if half("clapnq", one) == "eval"]

A question falls by a hash of what it shares with others, so that nothing of the judged half is seen in fitting: in
clapnq its passage (the one that answers it, or the one on its topic that does not), in hint3 its words, since
customers write the same message many times. For other sets it is the question's own id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

Half = Literal["fit", "eval"]
_SALT = "ragkit-halves-1"  # never to change: figures of all runs rest on it


def source(name: str, question: Mapping[str, Any]) -> str:
    """What the question shares with others: resampling draws these, and no two halves share one."""
    if name == "clapnq":
        return str(question.get("gold_doc") or question["distractor_doc"])
    if name == "hint3":
        return " ".join("".join(c if c.isalnum() else " " for c in str(question["text"]).casefold()).split())
    return str(question["id"])


def half(name: str, question: Mapping[str, Any]) -> Half:
    """``fit`` or ``eval``, the same for ever."""
    digest = hashlib.sha256(f"{_SALT}\0{name}\0{source(name, question)}".encode()).digest()
    return "eval" if digest[0] % 2 else "fit"
