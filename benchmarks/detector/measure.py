"""What the weights being trained do on the dev sets, on their own: no rules, no propagation."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.detector.corpora import ALL, Labelled
from benchmarks.detector.data import collate, items
from benchmarks.detector.model import Tagger
from ragkit.detect.decode import LABELS, Decoder
from ragkit.detect.features import WordReader
from ragkit.types import Span


def predict(model: Tagger, reader: WordReader, texts: Sequence[str], *, most: int) -> list[np.ndarray[Any, Any]]:
    """Label probabilities of each text's words."""
    model.eval()
    made = [
        (number, item)
        for number, text in enumerate(texts)
        for item in items([Labelled(text, (), ALL, "")], reader, most=most)
    ]
    order = sorted(range(len(made)), key=lambda at: len(made[at][1].ids))
    rows: dict[int, np.ndarray[Any, Any]] = {}
    with torch.inference_mode():
        for at in range(0, len(order), 32):
            some = order[at : at + 32]
            batch = collate([made[one][1] for one in some], drop_lists=0, dice=random.Random(0))
            out = torch.softmax(model(batch.ids, batch.kept, batch.codes, batch.words), dim=1).numpy()
            position = 0
            for one in some:
                size = len(made[one][1].firsts)
                rows[one] = out[position : position + size]
                position += size
    found: list[list[np.ndarray[Any, Any]]] = [[] for _ in texts]
    for at, (number, _) in enumerate(made):
        found[number].append(rows[at])
    return [np.concatenate(parts) if parts else np.zeros((0, 1 + 2 * len(LABELS)), np.float32) for parts in found]


def report(model: Tagger, reader: WordReader, folder: Path, *, most: int) -> None:
    """Print name coverage against precision on EWT and WNUT dev, and character F1 on TAB dev."""
    for name, label in (("uner_en_ewt_dev", "PER"), ("wnut17_dev", "person")):
        rows = [json.loads(line) for line in (folder / f"{name}.jsonl").open()]
        texts = [row["text"] for row in rows]
        gold = [[(s["start"], s["end"]) for s in row["spans"] if s["label"] == label] for row in rows]
        found = predict(model, reader, texts, most=most)
        line = []
        for threshold in (0.1, 0.2, 0.3, 0.4, 0.5):
            spans = _decode(reader, texts, found, {"PERSON": threshold})
            line.append(f"{threshold}: " + "/".join(f"{value:.3f}" for value in _coverage(texts, gold, spans)))
        print(f"  {name} covered/touch-precision/exact-precision  " + "  ".join(line), flush=True)
    rows = [json.loads(line) for line in (folder / "tab_dev.jsonl").open()]
    texts = [row["text"] for row in rows]
    gold = [[(s["start"], s["end"]) for s in row["spans"] if s["identifier_type"] != "NO_MASK"] for row in rows]
    found = predict(model, reader, texts, most=most)
    line = []
    for threshold in (0.2, 0.3, 0.4, 0.5, 0.6):
        spans = _decode(reader, texts, found, dict.fromkeys(LABELS, threshold))
        line.append(f"{threshold}: " + "/".join(f"{value:.3f}" for value in _characters(gold, spans)))
    print("  tab_dev character P/R/F1  " + "  ".join(line), flush=True)


def _decode(
    reader: WordReader, texts: Sequence[str], found: Sequence[Any], thresholds: dict[str, float]
) -> list[list[Span]]:
    decoder = Decoder(thresholds, dict.fromkeys(thresholds, 0.5), recognizer="learned:trial")
    spans = []
    for text, probabilities in zip(texts, found, strict=True):
        words = reader.read(text)
        spans.append(decoder.decode(probabilities, words, text))
    return spans


def _coverage(
    texts: Sequence[str], gold: Sequence[Sequence[tuple[int, int]]], spans: Sequence[Sequence[Span]]
) -> tuple[float, float, float]:
    covered = total = touching = exact = predicted = 0
    for text, wanted, got in zip(texts, gold, spans, strict=True):
        hidden = {at for span in got for at in range(span.start, span.end)}
        total += len(wanted)
        covered += sum(all(at in hidden or not text[at].isalnum() for at in range(*one)) for one in wanted)
        predicted += len(got)
        touching += sum(any(span.start < end and start < span.end for start, end in wanted) for span in got)
        exact += sum((span.start, span.end) in wanted for span in got)
    return covered / total, touching / max(1, predicted), exact / max(1, predicted)


def _characters(
    gold: Sequence[Sequence[tuple[int, int]]], spans: Sequence[Sequence[Span]]
) -> tuple[float, float, float]:
    right = wanted = got = 0
    for one, found in zip(gold, spans, strict=True):
        truth = {at for start, end in one for at in range(start, end)}
        hidden = {at for span in found for at in range(span.start, span.end)}
        right, wanted, got = right + len(truth & hidden), wanted + len(truth), got + len(hidden)
    precision, recall = right / max(1, got), right / wanted
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)
