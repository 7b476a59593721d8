"""What in a document is personal: readings to detectors, their findings back to fields, names looked for everywhere.

Between detection and rendering. Nothing here touches the vault.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ragkit.errors import ItemError, ItemRefused, MaskingError, SecretFound
from ragkit.mask.allowed import Allowed
from ragkit.mask.fields import Field, fields
from ragkit.mask.findings import let_stand
from ragkit.mask.glued import Reading, words_of_name
from ragkit.mask.names import names_in_addresses
from ragkit.mask.propagation import KnownNames, KnownValues, collect
from ragkit.mask.resolver import resolve
from ragkit.mask.secrets import SecretDetector
from ragkit.mask.tokens import find_tokens
from ragkit.policy import Operator, Policy
from ragkit.types import Document, Span

LITERAL = "LITERAL"
"""Text that reads like one of our tokens. Masked like a value, so that nobody can plant a token to have it revealed."""

_SURE, _VERY_SURE = 0.7, 0.9
"""From this score on, a name that a learned detector found is looked for in the whole document; from the second on,
a single unknown word too."""

Parts = Sequence[tuple[Field, list[Span]]]
"""Fields with their spans."""


@dataclass(frozen=True, slots=True, repr=False)
class Resolved:
    """One document ready to be rendered: its fields with disjoint spans; ``kept`` counts what was found and left."""

    document: Document
    parts: tuple[tuple[Field, list[Span]], ...]
    kept: Mapping[str, int] = field(default_factory=dict)

    def values(self) -> Iterator[tuple[Field, Span]]:
        """Every span with the field it stands in."""
        for part, spans in self.parts:
            for span in spans:
                yield part, span


class Examiner:
    """Turns findings into disjoint spans of a document's fields, as the policy says.

    Args:
        rules: The policy.
        allowed: What is never personal; by default the policy's ``keep_terms`` and allow lists.
    """

    def __init__(self, rules: Policy, allowed: Allowed | None = None) -> None:
        self._rules = rules
        self._always = SecretDetector.ENTITIES | {LITERAL} if rules.secrets == "mask" else frozenset({LITERAL})
        self._allowed = allowed or Allowed(rules)

    def operator(self, span: Span) -> Operator:
        """What happens to a span; a secret or a literal token has no rule of its own."""
        rule = self._rules.rule(span.entity_type)
        return "token" if rule is None else rule.operator

    def examine(self, document: Document, found: Iterator[Sequence[Span]]) -> Resolved | ItemError:
        """The spans of a document, or why it is refused.

        Args:
            document: The document.
            found: What the detectors found on each reading of its fields, in order; as many are taken as it has.

        Raises:
            MaskingError: There are fewer findings than readings.
        """
        raw = [(part, self._placed(part, found)) for part in fields(document)]
        parts = [(part, self._allowed.without(part.text, spans)) for part, spans in raw]
        secrets = Counter(s.entity_type for _, spans in parts for s in spans if s.recognizer.startswith("secrets:"))
        if secrets and self._rules.secrets == "quarantine":
            return _secret_found(secrets)
        resolved = self._resolve(parts, self._always)
        refused = Counter(s.entity_type for _, spans in resolved for s in spans if self.operator(s) == "refuse")
        if refused:
            return _refused(refused)
        kept: Counter[str] = Counter()
        for (_, every), (_, masked) in zip(raw, resolved, strict=True):
            kept += let_stand(every, masked)
        return Resolved(document, tuple(resolved), kept)

    def examine_text(self, text: str, found: Sequence[Span]) -> list[Span]:
        """The spans of a text that is no document. Its secrets are masked whatever the policy does with documents."""
        always = self._always if self._rules.secrets == "unsafe_keep" else self._always | SecretDetector.ENTITIES
        part = Field("text", text)
        spans = self._allowed.without(text, self._placed(part, iter([found])))
        return self._resolve([(part, spans)], always)[0][1]

    def _placed(self, part: Field, found: Iterator[Sequence[Span]]) -> list[Span]:
        """The spans of one field out of those of its readings, moved to its positions."""
        spans: list[Span] = []
        try:
            for reading in part.readings():
                spans += (placed for span in next(found) if (placed := reading.place(span)) is not None)
        except StopIteration:
            raise MaskingError("fewer detections than texts", remedy="This is a defect: report it.") from None
        inside = [span for span in spans if 0 <= span.start < span.end <= len(part.text)]
        inside += (Span(start, end, LITERAL, 1.0, "literal:token") for start, end, _, _ in find_tokens(part.text))
        return inside

    def _resolve(self, parts: Parts, always: frozenset[str]) -> list[tuple[Field, list[Span]]]:
        first = [(part, resolve(part.text, spans, self._rules, always=always)) for part, spans in parts]
        if not self._rules.propagate_names:
            return first
        names = _names_of(parts, first) if self._rules.wants("PERSON") else KnownNames()
        values = _values_of(first)
        if not names and not values:
            return first
        again = []
        for part, spans in first:
            more = self._allowed.without(part.text, list(_mentions(part, names, values)))
            again.append((part, resolve(part.text, [*spans, *more], self._rules, always=always) if more else spans))
        return again


def _mentions(part: Field, names: KnownNames, values: KnownValues) -> Iterator[Span]:
    for reading in part.spellings():
        if names:
            yield from _placed(reading, names.find(reading.text, glued=part.slot != "text" and part.glued))
        if values:
            yield from _placed(reading, values.find(reading.text))


def _placed(reading: Reading, spans: Iterator[Span]) -> Iterator[Span]:
    for span in spans:
        if (placed := reading.place(span)) is not None:
            yield placed


def _names_of(raw: Parts, parts: Parts) -> KnownNames:
    """The names to look for, with what only a learned detector found marked as such; ``raw`` is before resolving."""
    names: list[tuple[str, bool]] = []
    for (part, spans), (_, findings) in zip(parts, raw, strict=True):
        ruled = sorted(s.start for s in findings if s.entity_type == "PERSON" and not _is_learned(s))
        for span in spans:
            if span.entity_type != "PERSON":
                continue
            learned = _is_learned(span) and bisect_left(ruled, span.start) == bisect_left(ruled, span.end)
            if not learned or span.score >= _SURE:
                name = (words_of_name(part.text[span.start : span.end]), learned)
                names += [name, name] if span.score >= _VERY_SURE else [name]
        if any(span.entity_type == "EMAIL_ADDRESS" for span in spans):
            names += ((name, False) for name in names_in_addresses(part.text))
    return collect(names)


def _is_learned(span: Span) -> bool:
    return span.recognizer.startswith("learned:")


def _values_of(parts: Parts) -> KnownValues:
    return KnownValues((s.entity_type, part.text[s.start : s.end]) for part, spans in parts for s in spans)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{entity_type} {count}" for entity_type, count in sorted(counts.items()))


def _secret_found(counts: Counter[str]) -> SecretFound:
    return SecretFound(
        f"credentials in the document: {_listed(counts)}",
        code="secret-found",
        remedy='Revoke them and take them out of the document, or set `secrets = "mask"` in the policy.',
    )


def _refused(counts: Counter[str]) -> ItemRefused:
    return ItemRefused(
        f"the policy refuses documents that hold: {_listed(counts)}",
        code="policy-refused",
        remedy="Take the data out of the document, or give the type another operator in the policy.",
    )
