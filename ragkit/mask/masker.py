"""From raw to masked: the only way, for one collection.

::

    masker = build_masker(policy, keys, table, "support")
    masker.load()
    for result in masker.mask(documents):        # MaskedDocument, or the ItemError that refuses one
        ...
    masker.flush()                               # inside the transaction that stores the documents
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from ragkit.errors import EmptyPolicy, ItemError, MaskingError, RagkitError
from ragkit.mask.allowed import Allowed
from ragkit.mask.examination import Examiner, Resolved
from ragkit.mask.fields import Field, fields
from ragkit.mask.findings import findings_of, let_stand
from ragkit.mask.operators import irreversible, redacted
from ragkit.mask.questions import is_everyday, recognise
from ragkit.mask.readings import ReadQuestion, read_question
from ragkit.mask.ready import Ready, make_ready
from ragkit.mask.ruled_spans import NOT_RULED, RULED, Judged
from ragkit.mask.rulings import Rulings
from ragkit.mask.shifting import DateShift
from ragkit.mask.sight import Sight
from ragkit.mask.standins import stand_ins
from ragkit.mask.vault import Item, Vault
from ragkit.mask.views import Replacement, build_views
from ragkit.models.loaded import note_loaded
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.types import Document, MaskedDocument, MaskedQuestion, MaskedText, Principal, RawQuestion, Span


class CollectionMasker:
    """Masks documents and questions of one collection.

    Args:
        policy: What to mask.
        detectors: What finds it; their order does not matter.
        vault: The collection's tokens and surrogates.
        collection: Its name, for :class:`~ragkit.types.MaskedQuestion`.
        allowed: What is never personal; by default the policy's ``keep_terms`` and allow lists.
        key: A key of the collection, under which the policy's fingerprint tells nothing of its lists.
        rulings: What was erased or corrected; no part of the fingerprint.

    Raises:
        EmptyPolicy: There is no detector although the policy asks for entities.
        ConfigError: A list of the policy cannot be read.
    """

    def __init__(
        self,
        policy: Policy,
        detectors: Sequence[Detector],
        vault: Vault,
        *,
        collection: str,
        allowed: Allowed | None = None,
        key: bytes = b"",
        rulings: Rulings | None = None,
    ) -> None:
        if not detectors and not policy.unsafe_mask_nothing:
            raise EmptyPolicy(
                "no detector is configured for a policy that names entities",
                remedy="Use `build_masker`, which wires the detectors that a policy needs.",
            )
        self.rules = policy
        self.detectors = tuple(detectors)
        self.vault = vault
        self.collection = collection
        self.rulings = rulings
        self._allowed = allowed or Allowed(policy)
        self._examiner = Examiner(policy, self._allowed)
        self._dates = DateShift(policy, vault)
        self._loaded = False
        parts = [*(detector.fingerprint for detector in self.detectors), *self._allowed.fingerprints]
        self._policy = policy.fingerprint(parts, key=key)

    @property
    def policy(self) -> str:
        """Fingerprint of the policy and its detectors."""
        return self._policy

    def load(self) -> None:
        """Load every detector and list."""
        self._allowed.load()
        for detector in self.detectors:
            detector.load()
            if not self._loaded:
                note_loaded("detector", model=detector.name, digest=detector.fingerprint)
        self._loaded = True

    # --- documents -----------------------------------------------------------------------------------------------

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """All detectors over all texts: spans by text, overlapping as they come. Pure; touches no vault.

        Raises:
            MaskingError: A detector failed; the message is ours, since a library's may hold the text.
        """
        found: list[list[Span]] = [[] for _ in texts]
        for detector in self.detectors:
            for spans, more in zip(found, found_by(detector, texts), strict=True):
                spans += more
        return found

    def mask(self, documents: Sequence[Document]) -> list[MaskedDocument | ItemError]:
        """Mask a batch; one vault look-up for all of it.

        Raises:
            MaskingError: Masking could not be done; nothing was allocated for these documents.
        """
        readings = [reading for document in documents for part in fields(document) for reading in part.readings()]
        found = iter(self.detect([reading.text for reading in readings]))
        results: list[Resolved | ItemError] = [self._examiner.examine(document, found) for document in documents]
        ready = [make_ready(result, self.rulings) if isinstance(result, Resolved) else result for result in results]
        allocated = self.vault.allocate_many(
            item for r in ready if isinstance(r, Ready) for item in r.items(self._examiner)
        )
        return [self._render(r, allocated) if isinstance(r, Ready) else r for r in ready]

    def _render(self, ready: Ready, allocated: Mapping[Item, tuple[str, str]]) -> MaskedDocument:
        resolved, judged = ready.resolved, ready.judged
        itself = resolved.document.uri or resolved.document.name
        allocated = self._dates.moved(ready.mentioned(), allocated, otherwise=itself)
        views = {part.slot: self._views(part.text, spans, allocated, judged) for part, spans in resolved.parts}
        values = {item for item in ready.items(self._examiner) if item in allocated}
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
            mentions=self.vault.mentions(values),
            people=ready.linked(self.vault, values),
            erased=judged.requests,
            findings=findings_of((span for _, span in resolved.values()), resolved.kept),
        )

    def _views(
        self,
        text: str,
        spans: Sequence[Span],
        allocated: Mapping[Item, tuple[str, str]],
        judged: Judged = NOT_RULED,
    ) -> MaskedText:
        replacements = []
        for span in spans:
            item, kind = judged.item(text, span), span.entity_type
            fixed = redacted(kind) if span.recognizer == RULED else irreversible(self.rules.rule(kind), *item)
            replacements.append(fixed or Replacement(*allocated[item]))
        return build_views(text, spans, replacements)

    # --- questions and single texts --------------------------------------------------------------------------------

    def mask_question(self, question: RawQuestion, *, principal: Principal) -> MaskedQuestion:
        """Mask a question and its history; inserts nothing.

        What the vault holds is found without a detector, and only what stands in documents that the principal may
        read: see :mod:`ragkit.mask.sight`.
        """
        texts = [unicodedata.normalize("NFC", text) for text in (question.text, *question.history)]
        sight = Sight(self.vault, principal)
        detected = self.detect(texts)
        read = [self._read(text, found, sight) for text, found in zip(texts, detected, strict=True)]
        counts, ambiguous, kept = Counter[str](), Counter[str](), Counter[str]()
        for one, found in zip(read, detected, strict=True):
            kept += let_stand(found, one.spans)
            counts.update(one.counts)
            ambiguous.update(one.ambiguous)
        return MaskedQuestion(
            text=read[0].view,
            collection=self.collection,
            policy=self._policy,
            history=tuple(one.view for one in read[1:]),
            counts=dict(counts),
            readings=read[0].readings,
            ambiguous=dict(ambiguous),
            findings=findings_of((span for one in read for span in one.spans), kept),
        )

    def _read(self, text: str, found: Sequence[Span], sight: Sight) -> ReadQuestion:
        known = recognise(text, sight, self.rules.wanted)
        known.likely += (span for span in found if is_everyday(text, span))
        surely = [*(span for span in found if span not in known.likely), *known.certain]
        sets = [[*surely, *known.likely]]
        if known.unlikely:
            sets.append([*sets[0], *known.unlikely])
        if known.likely:
            sets.append(surely)
        examined = [self._examiner.examine_text(text, spans) for spans in sets]
        items = [
            (span.entity_type, text[span.start : span.end])
            for spans in examined
            for span in spans
            if self._examiner.operator(span) in {"token", "shift", "refuse"}
        ]
        found_items = self._dates.question(items, stand_ins(items, sight), sight)
        return read_question(text, examined, found_items, self._views)

    def mask_text(self, text: str, *, store: bool = False) -> tuple[list[Span], MaskedText]:
        """The spans of a text, disjoint and in order, and its masked views. Quarantines nothing.

        Secrets are masked here even when the policy would quarantine the document.

        Args:
            text: Any text.
            store: Allocate tokens for new values, pending until :meth:`flush`; else nothing is inserted.
        """
        return self._mask_text(text, self.detect([text])[0], store=store)

    def _mask_text(self, text: str, found: Sequence[Span], *, store: bool) -> tuple[list[Span], MaskedText]:
        examined = ((Field("text", text), self._examiner.examine_text(text, found)),)
        judged = self.rulings.judge(self.rulings.watch(examined)) if self.rulings else Judged(examined)
        spans = judged.parts[0][1]
        items = [
            judged.item(text, span)
            for span in spans
            if self._examiner.operator(span) in {"token", "shift", "refuse"} and span.recognizer != RULED
        ]
        found_items: Mapping[Item, tuple[str, str]]
        found_items = self.vault.allocate_many(items) if store else self.vault.lookup_many(items, exact=True)
        mentioned = [judged.item(text, span) for span in spans if span.recognizer != RULED]
        found_items = self._dates.moved(mentioned, found_items, otherwise=text)
        return spans, self._views(text, spans, found_items, judged)

    # --- the vault's pending rows ------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Insert pending vault rows, within the caller's transaction."""
        self.vault.flush()

    def discard(self) -> None:
        """Forget pending vault rows."""
        self.vault.discard()

    def __repr__(self) -> str:
        return f"CollectionMasker({self.rules!r}, {len(self.detectors)} detectors)"


def found_by(detector: Detector, texts: Sequence[str]) -> list[list[Span]]:
    """What a detector finds; another library's failure becomes ours, without its words."""
    try:
        return detector.detect(texts)
    except RagkitError:
        raise
    except Exception as bad:
        failed = f"the detector {detector.name} failed ({type(bad).__name__})"
    raise MaskingError(failed, remedy="Try it alone, on harmless text; leave it out of the policy's `detectors`.")
