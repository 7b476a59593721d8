"""The last look over text that is about to leave: what the collection's masker would mask in it and did not.

Running the detectors once more over a whole prompt is the plain way, and it is wrong in both directions. A chunk is
read there without the document around it, so that the learned detector sees people where it saw none before, and a
prompt of eight chunks is blocked though nothing in it is new; and a value that only the vault knows is passed over.
``benchmarks/rescan.py`` prints both rates. So three things look:

1. *Patterns*, check digits, lists and secrets of the policy, over all of the text: what they find has its own form.
2. *Rules* that go by the words around, and *the learned detectors* of the policy.
3. *The vault*, by keyed hashes: every value it holds, for whoever.

The second and third count for stray words only: those that did not come out of the masker as they stand here. What did
come out of it (:meth:`CollectionScanner.vouch`: the record store's chunks, the masked question, earlier turns) had the
same detectors over it with its whole document around, and the same vault; what they then let stand under the policy is
no leak now. The words are compared five in a row (:mod:`ragkit.mask.vouching`), with each token as its type, so a value
in the place of its token is a stray. Of whom nobody vouches, everything is looked at: that is slower, and false alarms
are as many as in the plain way, but nothing passes that would not otherwise.

Text that is written in another way (base64, hex, percent, escapes) is decoded and looked at in its place.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock

from ragkit.crypto import keyed_hash, new_key
from ragkit.folding import fold
from ragkit.mask.allowed import Allowed
from ragkit.mask.encodings import hidden
from ragkit.mask.examination import LITERAL, Examiner
from ragkit.mask.masker import found_by
from ragkit.mask.questions import recognise
from ragkit.mask.stretches import is_plain_word, meets, standing_alone, windows
from ragkit.mask.vault import Vault
from ragkit.mask.vouching import LONGEST_VEIL, VEIL, Stretch, Vouched, veiled
from ragkit.mask.whole_vault import WholeVault
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.types import GenerationRequest, Hit, MaskedQuestion, Span
from ragkit.wordlists import everyday

_AROUND = 240
"""Characters on each side of a stray word that a learned detector is given to read."""
_NEAR = 48
"""The same for the vault, whose names have up to four words."""
_KEPT = 4096
_BY_WHAT_IS_AROUND = ("rules:", "identifiers:label", "identifiers:column")
"""Recognizers that go by a word before, a heading above or a title: what they say of a piece is not what they said of
the whole. Where "Rev. Dr Hume" became "Rev. Dr [PERSON]", they take "Dr" for the name."""


class CollectionScanner:
    """Implements :class:`ragkit.protocols.Scanner` for one collection.

    Args:
        policy: The collection's.
        detectors: The masker's own.
        vault: The collection's.
        folder: What relative paths of the policy's lists count from.
    """

    def __init__(self, policy: Policy, detectors: Sequence[Detector], vault: Vault, *, folder: Path = Path()) -> None:
        self._policy = policy
        self._forms = [one for one in detectors if not one.name.startswith(("learned:", "rules"))]
        self._rules = [one for one in detectors if one.name == "rules"]
        self._learned = [one for one in detectors if _is_learned(one.name)]
        self._vault = vault
        self._allowed = Allowed(policy, folder)
        self._examiner = Examiner(policy, self._allowed)
        self._vouched = Vouched()
        self._key = new_key()
        self._lock = Lock()
        self._results: OrderedDict[bytes, list[Span]] = OrderedDict()
        self._loaded = False

    def __repr__(self) -> str:
        return f"CollectionScanner({len(self._forms) + len(self._rules)} rules, {len(self._learned)} learned)"

    # --- what has been masked ------------------------------------------------------------------------------------

    def vouch(self, texts: Iterable[str], *, always: bool = False) -> None:
        """Remember texts that came out of the masker; ``always`` for ragkit's own words around them."""
        self._vouched.add(texts, always=always)

    def vouch_request(self, request: GenerationRequest) -> None:
        """The same for all that a prompt is made of: the question, the chunks, the earlier turns."""
        self.vouch_question(request.question)
        self.vouch_hits(request.hits)
        for turn in request.conversation.turns:
            self._vouched.add([turn.question.record, turn.answer])

    def vouch_hits(self, hits: Iterable[Hit]) -> None:
        """The same for what the record store returned."""
        for hit in hits:
            chunk = hit.chunk
            several = [chunk.record, chunk.heading, chunk.context_record, hit.title, hit.before, hit.after]
            several += [path for _, path in chunk.headings]
            several += [*hit.metadata.values(), *([hit.uri] if hit.uri else [])]
            self._vouched.add(several)

    def vouch_question(self, question: MaskedQuestion) -> None:
        """The same for a question and its history."""
        self._vouched.add([question.text.record, *(turn.record for turn in question.history)])

    # --- what is to leave ----------------------------------------------------------------------------------------

    def scan(self, text: str) -> Mapping[str, int]:
        """Findings by entity type; empty for a text that may leave.

        Raises:
            MaskingError: A detector failed.
        """
        self._load()
        shown = veiled(text)
        strays = self._vouched.strays(shown)
        counts = Counter(span.entity_type for span in self._look(shown, strays))
        for start, end, plain in hidden(shown):
            if any(first < end and start < last for first, last in strays):
                found = self._look(plain, self._vouched.strays(plain))
                counts.update(span.entity_type for span in found)
        return dict(counts)

    def _look(self, shown: str, strays: Sequence[Stretch]) -> list[Span]:
        found = [one for one in self._by(self._forms, shown) if _stands_alone(one) or meets(one, strays)]
        if strays:  # all of the text, since a heading or a label may stand far above
            found += (one for one in self._by(self._rules, shown) if meets(one, strays))
        unusual = [one for one in strays if not is_plain_word(shown, one)]
        found += self._among(strays, shown, windows(shown, unusual, _NEAR), self._known)
        lettered = [(start, end) for start, end in unusual if shown[start:end].isalpha()]
        places = [*windows(shown, lettered, _AROUND), *standing_alone(lettered, strays)]
        found += self._among(strays, shown, places, lambda one: self._by(self._learned, one))
        return [span for span in self._examiner.examine_text(shown, found) if not _is_veil(shown, span)]

    @staticmethod
    def _among(
        strays: Sequence[Stretch], shown: str, windows: Iterable[Stretch], look: Callable[[str], list[Span]]
    ) -> list[Span]:
        """What is found in these windows and touches a stray word."""
        found: list[Span] = []
        for start, end in windows:
            inside = [(first - start, last - start) for first, last in strays if first < end and start < last]
            found += (
                replace(span, start=span.start + start, end=span.end + start)
                for span in look(shown[start:end])
                if meets(span, inside)
            )
        return found

    def _by(self, detectors: Sequence[Detector], text: str) -> list[Span]:
        """What these detectors find, remembered by keyed hash: the chunks and the words around them come again."""
        if not detectors:
            return []
        place = keyed_hash(self._key, detectors[0].name, text)
        with self._lock:
            if place in self._results:
                self._results.move_to_end(place)
                return list(self._results[place])
        spans = [span for detector in detectors for span in found_by(detector, [text])[0]]
        with self._lock:
            self._results[place] = spans
            while len(self._results) > _KEPT:
                self._results.popitem(last=False)
        return list(spans)

    def _known(self, window: str) -> list[Span]:
        """Values of the vault. An everyday word alone is none, whatever somebody is called."""
        known = recognise(window, WholeVault(self._vault), self._policy.wanted)
        likely = [span for span in known.likely if fold(window[span.start : span.end]) not in everyday()]
        return [*known.certain, *likely]

    def _load(self) -> None:
        with self._lock:
            if not self._loaded:
                self._allowed.load()
                for detector in (*self._forms, *self._rules, *self._learned):
                    detector.load()
                self._loaded = True


def _stands_alone(span: Span) -> bool:
    """Whether a finding is one by its own form, whatever stands around it."""
    return not span.recognizer.startswith(_BY_WHAT_IS_AROUND)


def _is_learned(name: str) -> bool:
    return name.startswith("learned:")


def _is_veil(shown: str, span: Span) -> bool:
    """Whether nothing is left of a finding without the tokens in it, or it is one of ours in full."""
    if span.entity_type == LITERAL:
        return True
    left = set(range(span.start, span.end))
    for match in VEIL.finditer(shown, max(0, span.start - LONGEST_VEIL)):
        if match.start() >= span.end:
            break
        left -= set(range(*match.span()))
    return not any(shown[at].isalnum() for at in left)
