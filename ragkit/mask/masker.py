"""From raw to masked: the only way, for one collection.

::

    masker = build_masker(policy, keys, table, "support")
    masker.load()
    for result in masker.mask(documents):        # MaskedDocument, or the ItemError that refuses one
        ...
    masker.flush()                               # inside the transaction that stores the documents

Detection is a pure function of text and can run in another process; what it found is handed in as ``detections``::

    found = worker.submit(masker.texts(documents)).result()
    masker.mask(documents, detections=found)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ragkit.errors import EmptyPolicy, ItemError, ItemRefused, MaskingError, SecretFound
from ragkit.mask.fields import Field, fields
from ragkit.mask.names import names_in_addresses
from ragkit.mask.operators import irreversible
from ragkit.mask.propagation import KnownNames, collect
from ragkit.mask.questions import vault_values
from ragkit.mask.resolver import resolve
from ragkit.mask.secrets import SecretDetector
from ragkit.mask.tokens import find_tokens
from ragkit.mask.vault import Item, Vault
from ragkit.mask.views import Replacement, build_views
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.types import Document, MaskedDocument, MaskedQuestion, MaskedText, RawQuestion, Span

LITERAL = "LITERAL"
"""Text that reads like one of our tokens. Masked like a value, so that nobody can plant a token to have it revealed."""

Detections = Sequence[Sequence[Span]]


@dataclass(frozen=True, slots=True, repr=False)
class _Resolved:
    """One document ready to be rendered: its fields with disjoint spans."""

    document: Document
    parts: tuple[tuple[Field, list[Span]], ...]

    def values(self) -> Iterator[tuple[Field, Span]]:
        for part, spans in self.parts:
            for span in spans:
                yield part, span


class CollectionMasker:
    """Masks documents and questions of one collection.

    Args:
        policy: What to mask.
        detectors: What finds it; their order does not matter.
        vault: The collection's tokens and surrogates.
        collection: Its name, for :class:`~ragkit.types.MaskedQuestion`.

    Raises:
        EmptyPolicy: There is no detector although the policy asks for entities.
    """

    def __init__(self, policy: Policy, detectors: Sequence[Detector], vault: Vault, *, collection: str) -> None:
        if not detectors and not policy.unsafe_mask_nothing:
            raise EmptyPolicy(
                "no detector is configured for a policy that names entities",
                remedy="Use `build_masker`, which wires the detectors that a policy needs.",
            )
        self.rules = policy
        self.detectors = tuple(detectors)
        self.vault = vault
        self.collection = collection
        self._always = SecretDetector.ENTITIES | {LITERAL} if policy.secrets == "mask" else frozenset({LITERAL})
        self._kept = frozenset(term.casefold() for term in policy.keep_terms)
        self._policy = policy.fingerprint([detector.fingerprint for detector in self.detectors])

    @property
    def policy(self) -> str:
        """Fingerprint of the policy and its detectors."""
        return self._policy

    def load(self) -> None:
        """Load every detector."""
        for detector in self.detectors:
            detector.load()

    # --- documents -----------------------------------------------------------------------------------------------

    def texts(self, documents: Sequence[Document]) -> list[str]:
        """What the detectors read of these documents, in the order in which ``detections`` are expected."""
        return [text for document in documents for part in fields(document) for text, _ in part.readings()]

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """All detectors over all texts: spans by text, overlapping as they come. Pure; touches no vault."""
        found: list[list[Span]] = [[] for _ in texts]
        for detector in self.detectors:
            for spans, more in zip(found, detector.detect(texts), strict=True):
                spans += more
        return found

    def mask(
        self, documents: Sequence[Document], detections: Detections | None = None
    ) -> list[MaskedDocument | ItemError]:
        """Mask a batch; one vault look-up for all of it.

        Args:
            documents: Parsed documents.
            detections: The result of ``detect(texts(documents))`` if it was made elsewhere.

        Raises:
            MaskingError: Masking could not be done; nothing was allocated for these documents.
        """
        found = iter(self.detect(self.texts(documents)) if detections is None else detections)
        results: list[_Resolved | ItemError] = [self._examine(document, found) for document in documents]
        ready = [result for result in results if isinstance(result, _Resolved)]
        allocated = self.vault.allocate_many(self._items(ready))
        return [self._render(r, allocated) if isinstance(r, _Resolved) else r for r in results]

    def _examine(self, document: Document, found: Iterator[Sequence[Span]]) -> _Resolved | ItemError:
        parts = [(part, self._read(part, found)) for part in fields(document)]
        secrets = Counter(s.entity_type for _, spans in parts for s in spans if s.recognizer.startswith("secrets:"))
        if secrets and self.rules.secrets == "quarantine":
            return _secret_found(secrets)
        resolved = self._resolve(parts)
        refused = Counter(s.entity_type for _, spans in resolved for s in spans if self._operator(s) == "refuse")
        if refused:
            return _refused(refused)
        return _Resolved(document, tuple(resolved))

    def _read(self, part: Field, found: Iterator[Sequence[Span]]) -> list[Span]:
        """The spans of one field out of those of its readings, moved to its positions."""
        spans: list[Span] = []
        try:
            for _, shift in part.readings():
                spans += (_shifted(span, shift) for span in next(found)) if shift else next(found)
        except StopIteration:
            raise MaskingError("fewer detections than texts", remedy="This is a defect: report it.") from None
        inside = [span for span in spans if 0 <= span.start < span.end <= len(part.text)]
        inside += (Span(start, end, LITERAL, 1.0, "literal:token") for start, end, _, _ in find_tokens(part.text))
        if self._kept:
            inside = [span for span in inside if part.text[span.start : span.end].casefold() not in self._kept]
        return inside

    def _resolve(self, parts: Sequence[tuple[Field, list[Span]]]) -> list[tuple[Field, list[Span]]]:
        first = [(part, resolve(part.text, spans, self.rules, always=self._always)) for part, spans in parts]
        if not (self.rules.propagate_names and self.rules.wants("PERSON")):
            return first
        known = _names_of(first)
        if not known:
            return first
        return [(part, self._propagate(part, spans, known)) for part, spans in first]

    def _propagate(self, part: Field, spans: list[Span], known: KnownNames) -> list[Span]:
        more = [
            span
            for span in known.find(part.text, separators="_" if part.glued else "")
            if part.text[span.start : span.end].casefold() not in self._kept
        ]
        return resolve(part.text, [*spans, *more], self.rules, always=self._always) if more else spans

    def _operator(self, span: Span) -> str:
        rule = self.rules.rule(span.entity_type)
        return "token" if rule is None else rule.operator

    def _items(self, ready: Sequence[_Resolved]) -> list[Item]:
        return [
            (span.entity_type, part.text[span.start : span.end])
            for resolved in ready
            for part, span in resolved.values()
            if self._operator(span) == "token"
        ]

    def _render(self, resolved: _Resolved, allocated: Mapping[Item, tuple[str, str]]) -> MaskedDocument:
        views = {part.slot: self._views(part.text, spans, allocated) for part, spans in resolved.parts}
        document = resolved.document
        return MaskedDocument(
            text=views["text"],
            blocks=document.blocks,
            title=views["title"],
            name=views["name"],
            media_type=document.media_type,
            policy=self._policy,
            uri=views.get("uri"),
            metadata={key: views[f"meta:{key}"] for key in document.metadata},
            notices=document.notices,
            counts=dict(Counter(span.entity_type for _, span in resolved.values())),
        )

    def _views(self, text: str, spans: Sequence[Span], allocated: Mapping[Item, tuple[str, str]]) -> MaskedText:
        replacements = []
        for span in spans:
            value = text[span.start : span.end]
            fixed = irreversible(self._operator(span), span.entity_type, value)  # type: ignore[arg-type]
            replacements.append(fixed or Replacement(*allocated[span.entity_type, value]))
        return build_views(text, spans, replacements)

    # --- questions and single texts --------------------------------------------------------------------------------

    def mask_question(self, question: RawQuestion) -> MaskedQuestion:
        """Mask a question and its history; what the vault holds is found without a detector. Inserts nothing."""
        texts = (question.text, *question.history)
        views, counts = [], Counter[str]()
        for text, found in zip(texts, self.detect(texts), strict=True):
            spans, masked = self._mask_text(text, [*found, *self._from_vault(text)], exact=False)
            views.append(masked)
            counts.update(span.entity_type for span in spans)
        return MaskedQuestion(
            text=views[0],
            collection=self.collection,
            policy=self._policy,
            history=tuple(views[1:]),
            counts=dict(counts),
        )

    def mask_text(self, text: str, *, store: bool = False) -> tuple[list[Span], MaskedText]:
        """The spans of a text, disjoint and in order, and its masked views. Quarantines nothing.

        Secrets are masked here even when the policy would quarantine the document.

        Args:
            text: Any text.
            store: Allocate tokens for new values, pending until :meth:`flush`; else nothing is inserted.
        """
        return self._mask_text(text, self.detect([text])[0], exact=True, store=store)

    def _mask_text(
        self, text: str, found: Sequence[Span], *, exact: bool, store: bool = False
    ) -> tuple[list[Span], MaskedText]:
        part = Field("text", text)
        always = self._always if self.rules.secrets == "unsafe_keep" else self._always | SecretDetector.ENTITIES
        spans = resolve(text, self._read(part, iter([found])), self.rules, always=always)
        if self.rules.propagate_names and self.rules.wants("PERSON") and (known := _names_of([(part, spans)])):
            spans = resolve(text, [*spans, *known.find(text)], self.rules, always=always)
        items = [(s.entity_type, text[s.start : s.end]) for s in spans if self._operator(s) in {"token", "refuse"}]
        found_items = self.vault.allocate_many(items) if store else self.vault.lookup_many(items, exact=exact)
        return spans, self._views(text, spans, found_items)

    def _from_vault(self, text: str) -> list[Span]:
        return vault_values(text, self.vault, [t for t in self._types() if self.rules.wants(t)])

    def _types(self) -> list[str]:
        return [*self.rules.entities, *(d.entity_type for d in self.rules.dictionaries.values())]

    # --- the vault's pending rows ------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Insert pending vault rows, within the caller's transaction."""
        self.vault.flush()

    def discard(self) -> None:
        """Forget pending vault rows."""
        self.vault.discard()

    def __repr__(self) -> str:
        return f"CollectionMasker({self.rules!r}, {len(self.detectors)} detectors)"


def _shifted(span: Span, by: int) -> Span:
    return replace(span, start=span.start - by, end=span.end - by)


def _names_of(parts: Sequence[tuple[Field, list[Span]]]) -> KnownNames:
    names = [part.text[s.start : s.end] for part, spans in parts for s in spans if s.entity_type == "PERSON"]
    for part, spans in parts:
        if any(span.entity_type == "EMAIL_ADDRESS" for span in spans):
            names += names_in_addresses(part.text)
    return collect(names)


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
