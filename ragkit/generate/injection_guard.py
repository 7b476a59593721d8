"""A sensor for text in retrieved chunks that speaks to whoever writes the answer instead of to a reader.

::

    signs = instruction_signs(hit.chunk.record)          # {"steer": 1, "carry": 1}
    seen = report_signs(hits, recorder=recorder, collection="files", request=request, actor=principal)

It counts and says so in ``guard.triggered``; it stops nothing. Published detectors of this kind are broken by whoever
tries ("The Attacker Moves Second", 2025), so what protects is that an answer can reach no tool, no link and no image;
this tells an operator which documents to look at. The families follow the categories of BIPIA's training attacks
(arXiv:2312.14197) and the usual forms of overriding; what they find and miss is measured in
``benchmarks/injection.py``. A document that merely asks something (*"Explain the theory of relativity."*) has no sign:
help pages are full of such sentences.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from ragkit.protocols import Recorder
from ragkit.types import Hit, Principal

GUARD = "instructions"
"""The guard's name in events."""

_OUTPUT = r"(?:answers?|responses?|repl(?:y|ies)|outputs?|messages?|completions?|summar(?:y|ies))"
_DO = (
    r"(?:add|adjust|adopt|anagram|append|appeal|apply|augment|begin|change|combine|compose|conclude|convert|encode|"
    r"embed|end|enhance|enrich|extend|finish|format|give|group|hide|hint|include|incorporate|insert|integrate|"
    r"introduce|jumble|make|mention|misspell|modify|phrase|place|prefix|prepend|present|promote|provide|put|rearrange|"
    r"recommend|remove|render|repeat|replace|reverse|rewrite|scramble|spell|start|state|substitute|suggest|tease|"
    r"translate|use|weave|write)"
)
_ON = r"(?:[^.!?\n]|[.!?](?=[\w\"'”]))"  # within a sentence; hosts and quotes have dots too
_CODE = r"(?:code|script|program|function|snippet|excerpt|command|codebase|algorithm)"

_FAMILIES: Mapping[str, re.Pattern[str]] = {
    # It is told what to do with its own words: BIPIA's substitution, misspelling, grouping, persuasion, clickbait.
    "steer": re.compile(
        rf"(?:^|[.!?:;]\s+|[\"'“]\s*|\bplease\s+|\b(?:must|should|always|also|then)\s+){_DO}\b{_ON}{{0,160}}?"
        rf"\b(?:your|the|this|each|every)\s+(?:\w+\s+){{0,2}}{_OUTPUT}\b"
        rf"|\bin\s+your\s+(?:\w+\s+)?{_OUTPUT}\s*,\s*{_DO}\b",
        re.IGNORECASE | re.MULTILINE,
    ),
    # BIPIA's code attacks: a stretch of program to be taken over.
    "code": re.compile(
        rf"\b(?:following|subsequent|below)\s+(?:\w+\s+){{0,2}}{_CODE}\b[^\n]{{0,120}}\n+\s*```"
        rf"|\b(?:into|with|to|of|in)\s+(?:your|the)\s+(?:\w+\s+){{0,4}}{_CODE}\b[^\n]{{0,80}}\n+\s*```",
        re.IGNORECASE,
    ),
    # Something is to be carried out: an address with room for data, or the order to send.
    "carry": re.compile(
        r"!\[[^\]]*\]\(\s*[a-z]+://"
        r"|\]\(\s*https?://[^)\s]*[?&][^)\s]*="
        r"|\b(?:send|post|upload|forward|transmit|submit|leak|exfiltrate)\b[^.!?\n]{0,80}?\bto\s+"
        r"(?:https?://|www\.|\S+@\S+\.\w)",
        re.IGNORECASE,
    ),
    "override": re.compile(
        r"\b(?:ignore|disregard|forget|override|bypass|overlook|do\s+not\s+follow|stop\s+following)\b[^.!?\n]{0,40}?"
        r"\b(?:previous|prior|above|preceding|earlier|former|existing|initial|original|all|any|your)\b[^.!?\n]{0,30}?"
        r"\b(?:instructions?|prompts?|directions?|directives?|commands?|rules|guidelines|context|text|messages?|"
        r"constraints|restrictions|tasks?)\b"
        r"|\b(?:new|updated|real|actual|hidden|secret)\s+(?:system\s+)?(?:instructions?|prompt|task)\s*:",
        re.IGNORECASE,
    ),
    "role": re.compile(
        r"\bfrom\s+now\s+on,?\s+(?:you|respond|answer|reply|act)\b|\byou\s+are\s+(?:now|no\s+longer)\b"
        r"|\b(?:developer|god|dan|jailbreak|unrestricted|debug|admin)\s+mode\b|\bjailbroken\b"
        r"|\bdo\s+anything\s+now\b",
        re.IGNORECASE,
    ),
    "probe": re.compile(
        r"\b(?:reveal|print|repeat|show|output|display|tell\s+me|leak|disclose|give\s+me|what\s+(?:is|are|was|were))\b"
        r"[^.!?\n]{0,40}?\b(?:system\s+prompt|system\s+message|hidden\s+prompt|"
        r"(?:your|the)\s+(?:initial|original|secret|hidden|system)\s+(?:instructions?|prompt))\b"
        r"|\b(?:repeat|print|output)\b[^.!?\n]{0,20}\b(?:text|words|everything|all)\s+above\b",
        re.IGNORECASE,
    ),
    # Marks with which chat templates tell who speaks.
    "marks": re.compile(
        r"<\|[a-z_]{2,24}\|>|\[/?INST\]|<</?SYS>>|</?(?:system|assistant|instructions?)>"
        r"|^\s*#{2,4}\s*(?:system|assistant|instructions?|new\s+instructions?)\s*:?\s*$"
        r"|^\s*(?:system|assistant)\s*:\s*\S",
        re.IGNORECASE | re.MULTILINE,
    ),
    # Characters nobody sees: tags, zero width, direction. Joiners between letters are ordinary in some scripts.
    "hidden": re.compile("[\U000e0000-\U000e007f]|[\u200b\u2060\ufeff]{2,}|[\u202a-\u202e\u2066-\u2069]{2,}"),
}

_HINTS: Mapping[str, tuple[str, ...]] = {
    "steer": ("answer", "respon", "reply", "replie", "output", "message", "completion", "summar"),
    "code": ("```",),
    "carry": ("http", "www.", "@", "!["),
    "override": (
        "ignor",
        "disregard",
        "forget",
        "overrid",
        "bypass",
        "overlook",
        "follow",
        "prompt",
        "task",
        "instruc",
    ),
    "role": ("from", "you", "mode", "jailbroken", "anything"),
    "probe": ("prompt", "message", "instruction", "above"),
    "marks": ("<", "inst]", "#", "system", "assistant"),
}
"""One of these stands, in small letters, in every text with a sign: most pages are told by them alone."""

FAMILIES = tuple(_FAMILIES)
"""The kinds of signs, as they stand in events."""


def instruction_signs(text: str) -> dict[str, int]:
    """Count the signs in a text by family; nothing for most documents. Time grows with the length of the text."""
    small = text.lower()
    likely = [family for family, hints in _HINTS.items() if any(hint in small for hint in hints)]
    likely += [] if text.isascii() else ["hidden"]
    counts = {family: sum(1 for _ in _FAMILIES[family].finditer(text)) for family in likely}
    return {family: count for family, count in counts.items() if count}


def report_signs(
    hits: Sequence[Hit],
    *,
    recorder: Recorder,
    collection: str,
    request: str | None = None,
    actor: Principal | None = None,
    session: str = "",
) -> int:
    """Count the signs of all hits, titles included, and record them by document and family.

    Returns:
        How many documents have any.

    Raises:
        AuditUnavailable: In ``required`` mode, when an event could not be recorded.
    """
    found: dict[str, Counter[str]] = {}
    for hit in hits:
        signs = instruction_signs(f"{hit.title}\n{hit.chunk.record}")
        if signs:
            found.setdefault(hit.doc_id, Counter()).update(signs)
    for doc, counts in found.items():
        for family, count in sorted(counts.items()):
            recorder.record(
                "guard.triggered",
                reason="instructions",
                request=request,
                actor=actor,
                session=session,
                data={"guard": GUARD, "code": family, "count": count, "collection": collection, "doc": doc},
            )
    return len(found)
