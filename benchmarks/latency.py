"""How long a question takes: warm, by stage, on a fixed number of chunks; and cold, from the shell.

Run ``python benchmarks/latency.py``; the corpus is 90,000 chunks of the AWS documentation. Building it takes a quarter
of an hour, so ``--keep FOLDER`` keeps it for the next run. ``--chunks 500`` for a trial.

The plain pipeline gets the same texts and the same vectors, so that only the way to the answer differs: its question
goes through Presidio, ``HuggingFaceEmbedding`` and ``ChromaVectorStore.query``. No generator on either side.
"""

from __future__ import annotations

import argparse
import base64
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from data import aws_docs, write_lines
from reporting import print_table, write_json
from workspaces import KEY_VARIABLE, make_workspace

from ragkit import open_workspace
from ragkit.workspace import Workspace

CHUNKS = 90_000
K = 8
TARGET_P95_MS, TARGET_COLD, TARGET_HELP_S = 35.0, 0.40, 0.30
HERE = Path(__file__).resolve().parent


# --- the corpus -------------------------------------------------------------------------------------------------------


def build(folder: Path, chunks: int) -> Path:
    """Make a workspace of ``chunks`` chunks, or a little more, of whole documents; return its folder."""
    os.environ[KEY_VARIABLE] = base64.b64encode(b"latency benchmark, no secret....").decode()
    corpus = folder / "corpus.jsonl"
    workspace_folder = make_workspace(folder / "workspace", {"docs": corpus})
    documents = aws_docs(1)
    taken: list[dict[str, Any]] = []
    if (workspace_folder / ".ragkit" / "records.db").exists():  # kept from an earlier run
        return workspace_folder
    while (count := _chunks_in(workspace_folder)) < chunks:
        # A few documents tell how many chunks one has; then nearly all, and the rest in small steps.
        missing = int(0.97 * (chunks - count) * len(taken) / count) if count else min(300, chunks // 10)
        missing = max(missing, 1)
        more = list(islice(documents, missing))
        if not more:
            break
        taken += more
        write_lines(corpus, taken)
        with open_workspace(workspace_folder) as workspace:
            workspace.sync()
        print(f"{len(taken):,} documents, {_chunks_in(workspace_folder):,} chunks", file=sys.stderr)
    return workspace_folder


def _chunks_in(folder: Path) -> int:
    if not (folder / ".ragkit" / "records.db").exists():
        return 0
    with open_workspace(folder) as workspace:
        return int(workspace._handles.reader(None).index._source.count_live())


def fill_plain(workspace: Workspace, folder: Path) -> None:
    """Give the plain pipeline's store the same chunks and vectors, through its own ``add``."""
    import chromadb
    from chromadb.config import Settings
    from llama_index.core.schema import NodeRelationship, RelatedNodeInfo, TextNode
    from llama_index.vector_stores.chroma import ChromaVectorStore

    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    store = ChromaVectorStore(chroma_collection=client.get_or_create_collection("plain"))
    rows = iter(workspace._handles.reader(None).index._source.rows())
    while batch := list(islice(rows, 2000)):
        nodes = []
        for row in batch:
            node = TextNode(text=str(row.text), id_=str(row.chunk_id), embedding=row.vector.tolist())
            node.relationships[NodeRelationship.SOURCE] = RelatedNodeInfo(node_id=str(row.chunk_id))
            nodes.append(node)
        store.add(nodes)


def questions(workspace_folder: Path, count: int) -> list[str]:
    """Titles of documents, put as questions; the same for the same corpus."""
    from data import read_lines

    titles = [str(row["title"]) for row in read_lines(workspace_folder.parent / "corpus.jsonl")]
    dice = random.Random(9)
    forms = ("How do I use {}?", "What is {}?", "{}", "Which limits does {} have?")
    return [dice.choice(forms).format(title) for title in dice.sample(titles, min(count, len(titles)))]


# --- warm -------------------------------------------------------------------------------------------------------------


class Stopwatch:
    """Adds up the milliseconds spent in calls it wraps, question by question."""

    def __init__(self) -> None:
        self.laps: dict[str, list[float]] = {}
        self._now: dict[str, float] = {}

    def wrap(self, owner: Any, method: str, stage: str) -> None:
        """Count the time of ``owner.method`` towards a stage."""
        inner = getattr(owner, method)

        def timed(*args: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return inner(*args, **options)
            finally:
                self._now[stage] = self._now.get(stage, 0.0) + (time.perf_counter() - started) * 1000

        setattr(owner, method, timed)

    def question(self, work: Callable[[], object]) -> None:
        """Time one question as a whole and by stage."""
        self._now = {}
        started = time.perf_counter()
        work()
        total = (time.perf_counter() - started) * 1000
        staged = sum(self._now.values())
        for stage, spent in {**self._now, "rest": total - staged, "total": total}.items():
            self.laps.setdefault(stage, []).append(spent)


def time_ragkit(workspace: Workspace, asked: Sequence[str]) -> Stopwatch:
    """Mask, embed, both rankers, re-check; fusion and the event are the rest."""
    watch = Stopwatch()
    workspace.search(asked[0], k=K)
    part = workspace._handles.reader(None)
    retriever = part.retriever
    watch.wrap(part.masker, "mask_question", "mask")
    watch.wrap(part.embedder, "embed_question", "embed")
    watch.wrap(retriever._index, "search_dense", "dense")
    watch.wrap(retriever._index, "search_lexical", "lexical")
    watch.wrap(retriever._hits, "hits", "re-check")
    for question in asked[:20]:
        workspace.search(question, k=K)
    for question in asked:
        watch.question(lambda one=question: workspace.search(one, k=K))
    return watch


def time_plain(folder: Path, asked: Sequence[str]) -> Stopwatch:
    """Mask, embed, ``ChromaVectorStore.query``."""
    from llama_index.core.vector_stores.types import VectorStoreQuery
    from plain import PlainPipeline, mask

    watch = Stopwatch()
    pipeline = PlainPipeline(folder)

    class Steps:
        @staticmethod
        def mask(text: str) -> str:
            return mask(text, *(pipeline.masker or ()))

        @staticmethod
        def embed(text: str) -> list[float]:
            return pipeline.embedding.get_query_embedding(text)

        @staticmethod
        def query(vector: list[float]) -> object:
            return pipeline.store.query(VectorStoreQuery(query_embedding=vector, similarity_top_k=K))

    steps = Steps()
    for question in asked[:20]:
        steps.query(steps.embed(steps.mask(question)))
    for method, stage in (("mask", "mask"), ("embed", "embed"), ("query", "dense")):
        watch.wrap(steps, method, stage)
    for question in asked:
        watch.question(lambda one=question: steps.query(steps.embed(steps.mask(one))))
    return watch


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# --- cold -------------------------------------------------------------------------------------------------------------


def cold_start(workspace_folder: Path, plain_folder: Path, question: str, rounds: int = 5) -> dict[str, list[float]]:
    """Seconds from the shell to the answer, in turn: ``ragkit ask``, ``ragkit search`` and the plain script."""
    ragkit = Path(sys.executable).parent / "ragkit"
    commands = {
        "ragkit ask": [str(ragkit), "ask", question, "--workspace", str(workspace_folder)],
        "ragkit search": [str(ragkit), "search", question, "--workspace", str(workspace_folder)],
        "plain": [sys.executable, str(HERE / "plain_ask.py"), str(plain_folder), question],
    }
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            started = time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            seconds[name].append(time.perf_counter() - started)
            if done.returncode or not done.stdout.strip():
                raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
    return seconds


def help_cpu(rounds: int = 5) -> float:
    """CPU seconds of ``ragkit --help``, best of some."""
    command = [str(Path(sys.executable).parent / "ragkit"), "--help"]
    return min(_cpu(command) for _ in range(rounds))


def _cpu(command: list[str]) -> float:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


# --- together ---------------------------------------------------------------------------------------------------------


def main() -> None:
    """Build, measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--keep", type=Path, help="folder for the corpus, used again when it is there")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        figures = measure(folder, options.chunks, options.questions)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)
    write_json("latency", figures, trial=options.chunks != CHUNKS)


def measure(folder: Path, chunks: int, count: int) -> dict[str, Any]:
    """Warm latency of both, cold start of both, and the cost of help."""
    workspace_folder, plain_folder = build(folder, chunks), folder / "plain"
    asked = questions(workspace_folder, count)
    with open_workspace(workspace_folder) as workspace:
        if not plain_folder.exists():
            fill_plain(workspace, plain_folder)
        watches = {"ragkit": time_ragkit(workspace, asked)}
    watches["plain"] = time_plain(plain_folder, asked)
    warm = {name: dict(_percentiles(watch)) for name, watch in watches.items()}
    total = _chunks_in(workspace_folder)
    rows = [
        (
            stage,
            *(
                f"{warm[name][stage][key]:.1f}" if stage in warm[name] else ""
                for name in warm
                for key in ("p50", "p95")
            ),
        )
        for stage in warm["ragkit"]
    ]
    columns = ("stage", "ragkit p50", "ragkit p95", "plain p50", "plain p95")
    print_table(f"Query latency in ms on {total:,} chunks, {len(asked)} questions", columns, rows)
    print(f"\nragkit p95: {warm['ragkit']['total']['p95']:.1f} ms (target: at most {TARGET_P95_MS:.0f})")
    cold = cold_start(workspace_folder, plain_folder, asked[0])
    best = {name: min(seconds) for name, seconds in cold.items()}
    print_table("Cold start from the shell, best of 5", ("command", "seconds"), list(best.items()))
    share, cpu = best["ragkit ask"] / best["plain"], help_cpu()
    print(f"\nragkit ask / plain: {share:.0%} (target: at most {TARGET_COLD:.0%})")
    print(f"ragkit --help: {cpu:.2f} s of CPU (target: under {TARGET_HELP_S:.2f})")
    return {
        "chunks": total,
        "questions": len(asked),
        "warm_ms": warm,
        "cold_s": cold,
        "cold_share": share,
        "help_cpu_s": cpu,
    }


def _percentiles(watch: Stopwatch) -> Iterator[tuple[str, dict[str, float]]]:
    for stage, laps in watch.laps.items():
        yield stage, {"p50": percentile(laps, 0.50), "p95": percentile(laps, 0.95)}


if __name__ == "__main__":
    main()
