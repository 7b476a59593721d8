"""From labelled texts to batches: windows of words with their gold labels and the labels that agree with them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.detector.corpora import IGNORE, Labelled
from benchmarks.detector.model import OUTPUTS
from ragkit.detect.decode import LABELS
from ragkit.detect.features import WordReader, Words, flat_pieces, windows

CLS, SEP = 101, 102
_AT = {label: number for number, label in enumerate(LABELS)}


@dataclass(slots=True)
class Item:
    """One window."""

    ids: list[int]
    codes: list[int]
    firsts: list[int]
    gold: list[int]
    known: frozenset[str]


@dataclass(slots=True)
class Batch:
    """Tensors of one step; see :meth:`Tagger.forward` and :func:`model.loss`."""

    ids: Tensor
    kept: Tensor
    codes: Tensor
    words: Tensor
    gold: Tensor
    allowed: Tensor


def gold_labels(words: Words, spans: Sequence[tuple[int, int, str]]) -> list[int]:
    """A label a word: 0 none, 1 + 2i begins, 2 + 2i goes on, -1 teaches nothing."""
    gold = [0] * len(words)
    at = 0
    for start, end, label in sorted(spans):
        while at < len(words) and words.ends[at] <= start:
            at += 1
        word, begun = at, False
        while word < len(words) and words.starts[word] < end:
            if label == IGNORE or label not in _AT:
                gold[word] = -1
            else:
                gold[word] = (2 if begun else 1) + 2 * _AT[label]
            begun = True
            word += 1
    return gold


def items(texts: Sequence[Labelled], reader: WordReader, *, most: int) -> Iterator[Item]:
    """The windows of some texts."""
    for one in texts:
        words = reader.read(one.text)
        gold = gold_labels(words, one.spans)
        for window in windows(words, most=most):
            ids, codes, firsts = flat_pieces(words, window)
            yield Item(ids, codes, firsts, gold[window.first : window.last], one.known)


def batches(made: list[Item], *, pieces: int, dice: random.Random) -> Iterator[list[Item]]:
    """Shuffled batches of windows of like length, at most ``pieces`` padded pieces each."""
    dice.shuffle(made)
    pools = [sorted(made[at : at + 2048], key=lambda item: len(item.ids)) for at in range(0, len(made), 2048)]
    cut: list[list[Item]] = []
    for pool in pools:
        batch: list[Item] = []
        for item in pool:
            if batch and (len(batch) + 1) * (len(item.ids) + 2) > pieces:
                cut.append(batch)
                batch = []
            batch.append(item)
        cut.append(batch)
    dice.shuffle(cut)
    yield from cut


def collate(batch: Sequence[Item], *, drop_lists: float, dice: random.Random) -> Batch:
    """Pad a batch; ``drop_lists`` is the share of windows whose name-list observations are hidden."""
    length = -(-max(len(item.ids) + 2 for item in batch) // 16) * 16
    ids = torch.zeros(len(batch), length, dtype=torch.long)
    kept = torch.zeros(len(batch), length, dtype=torch.bool)
    codes = torch.zeros(len(batch), length, dtype=torch.long)
    words: list[int] = []
    gold: list[int] = []
    allowed: list[Tensor] = []
    for row, item in enumerate(batch):
        size = len(item.ids)
        ids[row, : size + 2] = torch.tensor([CLS, *item.ids, SEP])
        kept[row, : size + 2] = True
        codes[row, 1 : size + 1] = torch.tensor(item.codes)
        if dice.random() < drop_lists:
            codes[row] -= codes[row] % 32 - codes[row] % 2
        words += [row * length + 1 + first for first in item.firsts]
        gold += item.gold
        allowed.append(_none_of(item.known)[torch.tensor(item.gold).clamp(min=0)])
    return Batch(ids, kept, codes, torch.tensor(words), torch.tensor(gold), torch.cat(allowed))


_ALLOWED: dict[frozenset[str], Tensor] = {}


def _none_of(known: frozenset[str]) -> Tensor:
    """For each gold label, the outputs it allows: itself; and for "none", every type the source does not annotate."""
    if known not in _ALLOWED:
        table = torch.eye(OUTPUTS, dtype=torch.bool)
        for label, number in _AT.items():
            if label not in known:
                table[0, 1 + 2 * number : 3 + 2 * number] = True
        _ALLOWED[known] = table
    return _ALLOWED[known]
