"""Train the detector that ragkit ships.

::

    python -m benchmarks.detector.train --out ragkit/assets/detector

Reads ``pii/train`` under RAGKIT_BENCH_DATA (MIT and CC BY only) and the synthetic texts of ``generate``; prints what
the weights do on ``pii/dev`` after each epoch. Two idle cores of an AMX processor need about twenty minutes; the
shipped weights took 33 on busy ones.
"""

from __future__ import annotations

import argparse
import ctypes
import random
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.data import data_folder
from benchmarks.detector import corpora, measure
from benchmarks.detector.corpora import Labelled
from benchmarks.detector.data import Item, batches, collate, items
from benchmarks.detector.model import Tagger, loss
from ragkit.detect.decode import LABELS
from ragkit.detect.features import WordReader
from ragkit.models.weights import find_model, go_offline
from ragkit.models.word_pieces import load_tokenizer

MIX = {"tab": 3.0, "btc": 1.0, "wnut": 2.0, "wikigold": 1.5, "meddocan": 0.2, "ler": 0.25}
"""How often each source is read in an epoch."""


AVERAGED = 3
"""Epochs whose weights are averaged at the end (Izmailov et al. 2018): neighbours differ more than they should."""

THRESHOLDS = dict.fromkeys(LABELS, 0.5) | {"PERSON": 0.25, "PHONE_NUMBER": 0.7, "POSTCODE": 0.7, "UNIQUE_ID": 0.6}
"""Probability from which on a word counts, chosen on ``pii/dev``: names weigh recall more than precision;
numbers have patterns of their own, and many are nobody's."""


def main() -> None:
    """Train, measure, save."""
    asked = _arguments()
    go_offline()
    _keep_memory()
    torch.manual_seed(asked.seed)
    torch.set_num_threads(asked.threads)
    dice = random.Random(asked.seed)
    reader = WordReader(load_tokenizer(find_model().folder))
    texts = corpora.training(data_folder().parent / "pii" / "train")
    model = Tagger(rank=asked.rank, alpha=2 * asked.rank, dropout=0.1)
    training = _Training(model, asked.rate)
    print(f"{sum(one.numel() for one in training.trained):,} trained parameters", flush=True)
    kept: list[dict[str, Tensor]] = []
    for epoch in range(asked.epochs):
        made = list(items(_epoch(texts, asked, epoch, dice), reader, most=asked.window))
        cut = list(batches(made, pieces=asked.batch, dice=dice))
        training.plan(len(cut) * asked.epochs)
        training.epoch(epoch, cut, dice)
        kept = [*kept, training.state()][-AVERAGED:]
        measure.report(model, reader, data_folder().parent / "pii" / "dev", most=asked.window)
    training.restore({name: torch.stack([one[name] for one in kept]).mean(0) for name in kept[0]})
    print(f"average of the last {len(kept)} epochs", flush=True)
    measure.report(model, reader, data_folder().parent / "pii" / "dev", most=asked.window)
    settings = {name: getattr(asked, name) for name in ("rank", "epochs", "synthetic", "seed")}
    model.save(asked.out, source={"thresholds": THRESHOLDS, "averaged": len(kept), **settings})


class _Training:
    """Optimiser and schedule; the head and the observations learn twice as fast as the adapter."""

    def __init__(self, model: Tagger, rate: float) -> None:
        named = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
        self.trained = [weight for _, weight in named]
        self._model, self._named = model, dict(named)
        slow = [weight for name, weight in named if "lora" in name]
        fast = [weight for name, weight in named if "lora" not in name]
        groups = [{"params": fast, "lr": 2 * rate}, {"params": slow, "lr": rate}]
        self._optimizer = torch.optim.AdamW(groups, weight_decay=0.01)
        self._schedule: torch.optim.lr_scheduler.LambdaLR | None = None
        self._began = time.monotonic()

    def plan(self, steps: int) -> None:
        """Warm up over a twentieth of the steps, then fall to a fiftieth of the rate. Later calls change nothing."""
        if self._schedule is None:
            self._schedule = torch.optim.lr_scheduler.LambdaLR(
                self._optimizer, lambda step: min((step + 1) / (0.05 * steps), max(0.02, 1 - step / steps))
            )

    def epoch(self, number: int, cut: list[list[Item]], dice: random.Random) -> None:
        """One pass over the batches."""
        assert self._schedule is not None
        self._model.train()
        summed = 0.0
        for step, batch in enumerate(cut, 1):
            made = collate(batch, drop_lists=0.15, dice=dice)
            value = loss(self._model(made.ids, made.kept, made.codes, made.words), made.gold, made.allowed)
            self._optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
            self._optimizer.step()
            self._schedule.step()
            summed += value.item()
            if step % 100 == 0 or step == len(cut):
                spent = time.monotonic() - self._began
                print(f"epoch {number} {step}/{len(cut)} loss {summed / step:.4f} {spent:.0f} s", flush=True)

    def state(self) -> dict[str, Tensor]:
        """A copy of the trained weights."""
        return {name: weight.detach().clone() for name, weight in self._named.items()}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Put weights back."""
        with torch.no_grad():
            for name, weight in self._named.items():
                weight.copy_(state[name])


def _keep_memory() -> None:
    """Let glibc keep freed tensors instead of mapping them anew: page faults took half of each step."""
    library = ctypes.CDLL(None)
    for option, value in ((-3, 1 << 30), (-1, 1 << 30), (-2, 1 << 28)):  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
        library.mallopt(option, value)


def _epoch(
    texts: dict[str, list[Labelled]], asked: argparse.Namespace, epoch: int, dice: random.Random
) -> list[Labelled]:
    """One epoch's texts: each source by its weight, fresh synthetic ones, some joined, some without case."""
    chosen: list[Labelled] = []
    for source, weight in MIX.items():
        pool = texts[source]
        whole, part = divmod(weight, 1)
        chosen += pool * int(whole) + dice.sample(pool, int(part * len(pool)))
    chosen = _joined(chosen, dice)
    if asked.synthetic:
        from benchmarks.detector.generate import examples

        for made in examples(seed=asked.seed * 1000 + epoch, count=asked.synthetic):
            chosen.append(Labelled(made.text, tuple(_known(span) for span in made.spans), corpora.ALL, "synthetic"))
    return [_recased(one, dice) for one in chosen]


def _known(span: tuple[int, int, str]) -> tuple[int, int, str]:
    names = {"PHONE": "PHONE_NUMBER", "ID": "UNIQUE_ID", "MONEY": "QUANTITY"}
    return span[0], span[1], names.get(span[2], span[2])


def _joined(texts: list[Labelled], dice: random.Random) -> list[Labelled]:
    """A third of the short texts in pairs, so that one window holds several sentences."""
    out: list[Labelled] = []
    dice.shuffle(texts)
    for one in texts:
        last = out[-1] if out else None
        if last and last.known == one.known and len(last.text) < 300 and len(one.text) < 300 and dice.random() < 0.33:
            mark = dice.choice([" ", "\n", "\n\n"])
            offset = len(last.text) + len(mark)
            moved = tuple((start + offset, end + offset, label) for start, end, label in one.spans)
            out[-1] = replace(last, text=last.text + mark + one.text, spans=last.spans + moved)
        else:
            out.append(one)
    return out


def _recased(one: Labelled, dice: random.Random) -> Labelled:
    """Six in a hundred in lower case, three in capitals; positions stay."""
    luck = dice.random()
    changed = one.text.lower() if luck < 0.06 else one.text.upper() if luck < 0.09 else one.text
    return replace(one, text=changed) if len(changed) == len(one.text) else one


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--synthetic", type=int, default=20_000, help="synthetic texts an epoch")
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate of the adapter; twice it for the rest")
    parser.add_argument("--window", type=int, default=160, help="word pieces in a window")
    parser.add_argument("--batch", type=int, default=4096, help="padded word pieces a step")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
