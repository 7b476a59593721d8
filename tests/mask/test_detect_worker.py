"""Detection in a child process: the same findings, in order, and nothing unmasked when it dies."""

from __future__ import annotations

import pytest

from ragkit.errors import MaskingError
from ragkit.mask.build import build_detectors
from ragkit.mask.detect_worker import DetectionWorker
from ragkit.mask.dictionary import DictionaryDetector
from ragkit.policy import Dictionary, Policy

TEXTS = ["Ms Yalman, 212-555-0192", "nothing", "a.b@acme.de"]


def test_it_finds_what_the_detectors_find_and_dies_loudly():
    """Batches are answered in order; after the child's death every batch fails with a remedy."""
    detectors = build_detectors(Policy.default())
    expected = [[] for _ in TEXTS]
    for detector in detectors:
        for spans, more in zip(expected, detector.detect(TEXTS), strict=True):
            spans += more
    with DetectionWorker(detectors) as worker:
        futures = [worker.submit(TEXTS), worker.submit(TEXTS[:1])]
        assert futures[0].result(timeout=120) == expected
        assert futures[1].result() == expected[:1]
        worker._process.kill()
        with pytest.raises(MaskingError) as caught:
            worker.detect(TEXTS)
        assert "Yalman" not in str(caught.value)
        assert caught.value.remedy


def test_errors_cross_the_process_without_text():
    """A detector's own error arrives; the worker goes on."""
    patterns = Dictionary(entity_type="PROJECT", patterns=(r"(?:a|a)+b|(a+)+$", "Falcon"))
    with DetectionWorker([DictionaryDetector({"d": patterns})]) as worker:
        with pytest.raises(MaskingError, match="took over"):
            worker.detect(["a" * 60 + "!"])
        assert [span.entity_type for span in worker.detect(["Falcon"])[0]] == ["PROJECT"]


def test_closing_twice_and_never_starting():
    """A worker that was never used closes at once; repr names detectors only."""
    worker = DetectionWorker([DictionaryDetector({})])
    worker.close()
    worker.close()
    assert repr(worker) == "DetectionWorker(dictionary)"
