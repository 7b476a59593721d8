"""The detector that ships with ragkit: a small adapter on the encoder it already carries for embedding.

::

    detector = BuiltinDetector(["PERSON", "ADDRESS"])
    detector.load()
    detector.detect(["Please call Maria about it."])

English is what it learned; German, French and Spanish names are found less often (see ``assets/detector/README.md``,
by type and by source). Trained by ``benchmarks/detector``.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.resources import files
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from ragkit.detect.decode import LABELS, Decoder
from ragkit.detect.features import FEATURES_VERSION, WordReader, Words, flat_pieces, windows
from ragkit.detect.tagger import Cut, DetectorFiles, FewTagger, TorchTagger
from ragkit.errors import ModelError
from ragkit.models.processor import multiplies_bf16, single_threaded_pool
from ragkit.models.weights import find_model, go_offline
from ragkit.models.word_pieces import batch_rows, load_tokenizer
from ragkit.types import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WINDOW = 160
"""Word pieces in a window, as in training."""
_FEW = 320
"""Word pieces up to which texts are read without torch: a question and its history."""
_BATCH_TOKENS = 2048
_AT_ONCE = 2_000_000
"""Characters read before their windows are sorted and run: bounds memory, far above what sorting needs."""


class BuiltinDetector:
    """Finds people, places, addresses, organisations, groups, dates, ages, titles, quantities and codes.

    Args:
        entities: Entity types to look for; ``None`` for all of :data:`ENTITIES`.
        threads: Processor threads for bulk; ``None`` takes every processor this process may use.
        thresholds: Least score by type, in 0..1, where .5 stands for the type's own measured threshold: a lower one
            finds more, with more false alarms. Absent types take .5.
        name: Ends the recognizer names of its spans.

    Plain values only, so that a detector can be pickled before ``load``.
    """

    ENTITIES = LABELS

    def __init__(
        self,
        entities: Collection[str] | None = None,
        *,
        threads: int | None = None,
        thresholds: Mapping[str, float] | None = None,
        name: str = "minilm",
    ) -> None:
        wanted = LABELS if entities is None else tuple(label for label in LABELS if label in entities)
        self._thresholds = {label: (thresholds or {}).get(label, 0.5) for label in wanted}
        self._threads = threads
        self._name = name
        self._loaded: _Loaded | None = None

    @property
    def name(self) -> str:
        """Begins the recognizer names of its spans."""
        return f"learned:{self._name}"

    @property
    def fingerprint(self) -> str:
        """Changes with the weights, the features and the settings; not with dtype or threads.

        Raises:
            ModelError: The detector's files are absent.
        """
        digest = hashlib.sha256()
        try:
            for file in ("adapter_model.safetensors", "head.safetensors", "detector.json"):
                digest.update((_folder() / file).read_bytes())
        except OSError as error:
            raise ModelError("the shipped detector's files are absent", remedy="Reinstall ragkit.") from error
        settings = [find_model().digest, FEATURES_VERSION, _WINDOW, sorted(self._thresholds.items())]
        digest.update(repr(settings).encode())
        return f"{self.name}:{digest.hexdigest()[:24]}"

    def load(self) -> None:
        """Read the tokenizer, the description and the weights for short texts. Imports no torch.

        Raises:
            ModelError: The encoder or the detector is absent, or its files are not the right ones.
        """
        if self._loaded is None:
            self._loaded = _Loaded(self._thresholds, self.name, self._threads)

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Spans by text, in order, disjoint. Linear in the length of each text."""
        if not self._thresholds:
            return [[] for _ in texts]
        self.load()
        assert self._loaded is not None
        spans: list[list[Span]] = []
        some: list[str] = []
        size = 0
        for text in texts:
            some.append(text)
            size += len(text)
            if size > _AT_ONCE:
                spans += self._loaded.detect(some)
                some, size = [], 0
        return spans + self._loaded.detect(some)

    def __repr__(self) -> str:
        return f"BuiltinDetector({len(self._thresholds)} entities)"

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_loaded": None}


class _Loaded:
    """The parts that need files and libraries."""

    def __init__(self, thresholds: Mapping[str, float], name: str, threads: int | None) -> None:
        go_offline()
        self._encoder = find_model()
        verified = self._encoder.start_verifying()
        self._files = DetectorFiles(_folder())
        self._reader = WordReader(load_tokenizer(self._encoder.folder))
        self._decoder = Decoder(self._files.described["thresholds"], thresholds, recognizer=name)
        self._threads = threads or len(os.sched_getaffinity(0))
        self._few = FewTagger(self._encoder, self._files)
        verified()
        self._bulk: TorchTagger | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        words = [self._reader.read(text) for text in texts]
        owners: list[int] = []
        cuts: list[Cut] = []
        for number, one in enumerate(words):
            for window in windows(one, most=_WINDOW):
                owners.append(number)
                cuts.append(Cut(*flat_pieces(one, window)))
        found: list[list[NDArray[np.float32]]] = [[] for _ in texts]
        for owner, rows in zip(owners, self._probabilities(cuts), strict=True):
            found[owner].append(rows)
        return [self._spans(*one) for one in zip(texts, words, found, strict=True)]

    def _spans(self, text: str, words: Words, rows: list[NDArray[np.float32]]) -> list[Span]:
        import numpy as np

        return self._decoder.decode(np.concatenate(rows), words, text) if rows else []

    def _probabilities(self, cuts: Sequence[Cut]) -> list[NDArray[np.float32]]:
        if sum(len(cut.ids) for cut in cuts) <= _FEW:
            return self._few.probabilities(cuts) if cuts else []
        bulk, pool = self._large()
        rows: dict[int, NDArray[np.float32]] = {}

        def work(batch: list[int]) -> None:
            rows.update(zip(batch, bulk.probabilities([cuts[at] for at in batch]), strict=True))

        batches = batch_rows([len(cut.ids) + 2 for cut in cuts], batch_tokens=_BATCH_TOKENS)
        for done in [pool.submit(work, batch) for batch in batches]:
            done.result()
        return [rows[at] for at in range(len(cuts))]

    def _large(self) -> tuple[TorchTagger, ThreadPoolExecutor]:
        with self._lock:
            if self._bulk is None or self._pool is None:
                self._pool = single_threaded_pool(self._threads, name="ragkit-detect")
                dtype = "bf16" if multiplies_bf16() else "fp32"
                self._bulk = TorchTagger(self._encoder, self._files, dtype=dtype)
            return self._bulk, self._pool


def _folder() -> Path:
    return Path(str(files("ragkit").joinpath("assets", "detector")))
