"""Bulk embedding: chunks a second of the plain libraries and of ragkit, in one run on the same passages.

::

    python benchmarks/embed.py [--passages 256] [--repeats 3] [--json FILE]

Reads ``$RAGKIT_BENCH_DATA/rag/clapnq`` (default ``../shared/data``). The rows are taken in turn and the best of the
repeats counts, since other programs share the machine; on a busy one compare the chunks by processor second. ``share``
is the part of the processors' matrix-product rate that the encoder's own products reach: the rate is measured beside
it, as the sum over threads that multiply side by side (the best any program could do).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from ragkit.index.embedder import MiniLMEmbedder
from ragkit.models.weights import find_model, go_offline
from ragkit.types import Masked

Encode = Callable[[list[str]], Any]


def read_passages(count: int) -> list[str]:
    """The first passages of clapnq, shortened at a word where they pass the encoder's window."""
    data = Path(os.environ.get("RAGKIT_BENCH_DATA", "../shared/data")) / "rag" / "clapnq" / "corpus.jsonl"
    if not data.is_file():
        sys.exit(f"no benchmark data: set RAGKIT_BENCH_DATA to the folder that holds {Path(*data.parts[-3:])}")
    embedder = MiniLMEmbedder()
    passages = []
    for line in data.read_text(encoding="utf-8").splitlines()[:count]:
        text = json.loads(line)["text"]
        while embedder.count_tokens([Masked(text)])[0] > embedder.max_tokens:
            text = text.rsplit(" ", 8)[0]
        passages.append(text)
    return passages


def products_per_second(dtype: str, threads: int) -> float:
    """Floating-point operations a second in the encoder's largest product, all threads together, best of ten."""
    import torch

    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    rows, inner, outer = 2048, 384, 1536

    def work(_: int) -> float:
        torch.set_num_threads(1)
        x, weight = torch.randn(rows, inner).to(kind), torch.randn(outer, inner).to(kind)
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, None)
        best = 0.0
        for _turn in range(60):
            begin = time.perf_counter()
            torch.ops.mkldnn._linear_pointwise(x, packed, None, "none", [], "")
            best = max(best, 2 * rows * inner * outer / (time.perf_counter() - begin))
        return best

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(work, range(threads)))


def operations(counts: Sequence[int]) -> float:
    """Multiplications and additions of six MiniLM layers over texts of these many word pieces, padding not counted."""
    return float(sum(6 * (2 * n * (4 * 384 * 384 + 2 * 384 * 1536) + 4 * n * n * 384) for n in counts))


def systems(folder: str) -> dict[str, Encode]:
    """The three rows."""
    from sentence_transformers import SentenceTransformer

    library = SentenceTransformer(folder, device="cpu")
    ours = MiniLMEmbedder()
    ours.load_bulk()
    rows: dict[str, Encode] = {
        "sentence-transformers fp32": lambda texts: library.encode(texts, normalize_embeddings=True),
        f"ragkit {ours.precision}": lambda texts: ours.embed([Masked(text) for text in texts]),
    }
    try:
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
    except ImportError:
        print("llama-index-embeddings-huggingface is not installed: pip install 'ragkit[bench]'", file=sys.stderr)
        return rows
    plain = HuggingFaceEmbedding(model_name=folder, device="cpu")
    return {"llama-index HuggingFaceEmbedding": plain.get_text_embedding_batch, **rows}


def measure(rows: dict[str, Encode], passages: list[str], repeats: int) -> dict[str, dict[str, Any]]:
    """Best wall time of each row, with the processor time of that repeat and the vectors."""
    best: dict[str, dict[str, Any]] = {}
    for encode in rows.values():
        encode(passages[:32])
    for _ in range(repeats):
        for name, encode in rows.items():
            begin, cpu = time.perf_counter(), time.process_time()
            vectors = np.asarray(encode(passages), dtype=np.float32)
            wall, cpu = time.perf_counter() - begin, time.process_time() - cpu
            if name not in best or wall < best[name]["wall"]:
                best[name] = {"wall": wall, "cpu": cpu, "vectors": vectors}
    return best


def main() -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--passages", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    go_offline()
    passages = read_passages(arguments.passages)
    counts = MiniLMEmbedder().count_tokens([Masked(text) for text in passages])
    rows = systems(str(find_model().folder))
    threads = len(os.sched_getaffinity(0))
    rates = {dtype: products_per_second(dtype, threads) for dtype in ("bf16", "fp32")}
    measured = measure(rows, passages, arguments.repeats)
    for dtype in rates:  # before and after, the better counts: the rate must not be flattered by a busy moment
        rates[dtype] = max(rates[dtype], products_per_second(dtype, threads))
    exact = measured["sentence-transformers fp32"]["vectors"]
    report: dict[str, Any] = {
        "passages": len(passages),
        "mean_pieces": float(np.mean(counts)),
        "threads": threads,
        "products_gflops": {dtype: rate / 1e9 for dtype, rate in rates.items()},
        "load_average": os.getloadavg()[0],
        "rows": {},
    }
    print(f"{len(passages)} passages, mean {np.mean(counts):.0f} word pieces")
    print(f"{threads} threads, load average {os.getloadavg()[0]:.1f}")
    print("matrix products: " + ", ".join(f"{dtype} {rate / 1e9:,.0f} GFLOP/s" for dtype, rate in rates.items()))
    print(f"{'':34}{'chunks/s':>10}{'chunks/cpu-s':>14}{'share':>8}{'cosine min':>12}{'mean':>10}")
    for name, one in measured.items():
        cosine = (one["vectors"] * exact).sum(axis=1)
        rate = rates["bf16" if name.endswith("bf16") else "fp32"]
        row = {
            "chunks_per_second": len(passages) / one["wall"],
            "chunks_per_cpu_second": len(passages) / one["cpu"],
            "share_of_products": operations(counts) / one["wall"] / rate,
            "cosine_min": float(cosine.min()),
            "cosine_mean": float(cosine.mean()),
        }
        report["rows"][name] = row
        print(
            f"{name:34}{row['chunks_per_second']:>10.1f}{row['chunks_per_cpu_second']:>14.1f}"
            f"{row['share_of_products']:>8.0%}{row['cosine_min']:>12.5f}{row['cosine_mean']:>10.5f}"
        )
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
