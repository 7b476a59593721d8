"""When to ask back: several documents answer about equally well, and the question names none of what tells them apart.

"How do I light the stove?" with a manual of the Kestrel 2 and one of the Fellgate 3 asks which; "what does the return
label cost?" with a policy and a page of questions does not, since these are two papers on one thing. The difference is
taken from the titles: what they share must stand in the question ("stove"), and all that tells them apart must be
names, words that the found passages never use in lower case, or numbers ("Kestrel 2"), and none of it may stand in the
question. Asking costs the customer a turn, so any doubt answers instead.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re
from collections.abc import Sequence

from ragkit.folding import fold
from ragkit.types import Hit

CLOSE_SCORE = 0.45
"""Share of the best fused score from which a passage may answer about equally well: fused scores go by rank, so that
the second and the third found have about three quarters and 0.6 of the first, however alike they are …"""
CLOSE_COSINE = 0.08
"""… if it is also no further than this from the closest of all by meaning."""
MOST = 4
_TOKEN = re.compile(r"\[[A-Z][A-Z0-9_]*:[^\]]*\]")
_WORD = re.compile(r"[^\W_]+")
_SHORTEST = 3
_LONGEST_LABEL = 120
_STOP = frozenset(
    "the a an of for and or to in on with your our my how what which from by is are do does can i you it "
    "der die das ein eine und oder fur von zu im in mit ihr wie was welche le la les un une de du des et ou pour "
    "avec".split()
)
_PAPERS = frozenset(
    "faq faqs user manual guide policy handbook terms memo ticket notice sheet list letter page version handbuch "
    "anleitung richtlinie merkblatt manuel politique".split()
)
"""What a paper is, not what it is about: two papers on one thing are no choice."""


def ask_which(question: str, hits: Sequence[Hit], *, known: frozenset[str] = frozenset()) -> list[str]:
    """Return the titles to choose from, two to four; none where the question is clear enough.

    Args:
        question: As typed: a word for a thing may have been masked in it as a name. Only titles are returned.
        hits: What was found for it, best first.
        known: Ids of documents that the conversation is about already: none of them needs to be asked for.
    """
    close = _close(hits)
    if not 2 <= len(close) <= MOST or any(hit.doc_id in known for hit in hits if hit.chunk_id in close):
        return []
    words = [_stems(_TOKEN.sub(" ", title)) for title in close.values()]
    if len({frozenset(one) for one in words}) < len(words):
        return []
    shared = frozenset.intersection(*(frozenset(one) for one in words))
    asked = _stems(_TOKEN.sub(" ", question))
    if not shared & asked.keys():
        return []
    lower = {word for hit in hits for word in _WORD.findall(str(hit.chunk.record)) if word.islower()}
    lower_stems = {_stem(word) for word in lower}
    for own in words:
        apart = own.keys() - shared
        names = {stem for stem in apart if own[stem].isdigit() or _is_name(own[stem], stem, lower_stems)}
        if not names or names != apart or apart & asked.keys():
            return []
    return [title[:_LONGEST_LABEL] for title in close.values()]


def _close(hits: Sequence[Hit]) -> dict[int, str]:
    """Passages that answer about as well as the best of all, by number, with what they are called.

    Of several documents the best passage of each, by its title; where all are of one document, by the heading above.
    """
    if not hits:
        return {}
    best = hits[0].score
    closest = max((hit.dense for hit in hits if hit.dense is not None), default=0.0)
    near = [
        hit
        for hit in hits
        if hit.score >= CLOSE_SCORE * best and (hit.dense is None or hit.dense >= closest - CLOSE_COSINE)
    ]
    one = len({hit.doc_id for hit in near}) == 1
    found: dict[str, tuple[int, str]] = {}
    for hit in near:
        name = str(hit.chunk.heading).rpartition(" > ")[2] if one else str(hit.title)
        found.setdefault(name if one else hit.doc_id, (hit.chunk_id, name))
    return dict(found.values())


def _stems(text: str) -> dict[str, str]:
    """The words of a text by stem: those that say something, and numbers."""
    words = [word for word in _WORD.findall(text) if word.isdigit() or len(word) >= _SHORTEST]
    return {_stem(word): word for word in words if fold(word) not in _STOP | _PAPERS}


def _stem(word: str) -> str:
    folded = fold(word)
    return folded[:-1] if len(folded) > _SHORTEST and folded.endswith("s") else folded


def _is_name(word: str, stem: str, lower: set[str]) -> bool:
    return word[:1].isupper() and stem not in lower
