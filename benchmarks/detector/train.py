"""Train the detector that ragkit ships.

::

    python -m benchmarks.detector.train --out ragkit/assets/detector

Reads ``pii/train`` under RAGKIT_BENCH_DATA (MIT and CC BY only) and the synthetic texts of ``generate``; prints what the
weights do on ``pii/dev`` after each epoch. Two cores of an AMX processor need about half an hour.
"""

from __future__ import annotations

import argparse
import ctypes
import random
import time
from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.data import data_folder
from benchmarks.detector import corpora, measure
from benchmarks.detector.corpora import Labelled
from benchmarks.detector.data import batches, collate, items
from benchmarks.detector.model import Tagger, loss
from ragkit.detect.features import WordReader
from ragkit.models.weights import find_model, go_offline
from ragkit.models.word_pieces import load_tokenizer

MIX = {"tab": 3.0, "btc": 1.0, "wnut": 2.0, "wikigold": 1.5, "meddocan": 0.2, "ler": 0.25}
"""How often each source is read in an epoch."""


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
    fast = [p for name, p in model.named_parameters() if p.requires_grad and "lora" not in name]
    slow = [p for name, p in model.named_parameters() if p.requires_grad and "lora" in name]
    print(f"{sum(p.numel() for p in fast + slow):,} trained parameters", flush=True)
    optimizer = torch.optim.AdamW(
        [{"params": fast, "lr": 2 * asked.rate}, {"params": slow, "lr": asked.rate}], weight_decay=0.01
    )
    step, began = 0, time.monotonic()
    schedule = None
    for epoch in range(asked.epochs):
        made = list(items(_epoch(texts, asked, epoch, dice), reader, most=asked.window))
        cut = list(batches(made, pieces=asked.batch, dice=dice))
        if schedule is None:
            total = len(cut) * asked.epochs
            schedule = torch.optim.lr_scheduler.LambdaLR(
                optimizer, lambda s: min((s + 1) / (0.05 * total), max(0.02, 1 - s / total))
            )
        model.train()
        summed = 0.0
        for number, batch in enumerate(cut, 1):
            made_of = collate(batch, drop_lists=0.15, dice=dice)
            value = loss(model(made_of.ids, made_of.kept, made_of.codes, made_of.words), made_of.gold, made_of.allowed)
            optimizer.zero_grad()
            value.backward()
            torch.nn.utils.clip_grad_norm_(fast + slow, 1.0)
            optimizer.step()
            schedule.step()
            step += 1
            summed += value.item()
            if number % 100 == 0:
                print(
                    f"epoch {epoch} {number}/{len(cut)} loss {summed / number:.4f} {time.monotonic() - began:.0f} s",
                    flush=True,
                )
        print(f"epoch {epoch} loss {summed / len(cut):.4f} {time.monotonic() - began:.0f} s", flush=True)
        model.save(
            asked.out,
            source={"rank": asked.rank, "epochs": epoch + 1, "synthetic": asked.synthetic, "seed": asked.seed},
        )
        measure.report(model, reader, data_folder().parent / "pii" / "dev", most=asked.window)


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
