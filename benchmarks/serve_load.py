"""Search over HTTP as shipped, under load: masking on, audit ``required``, API keys; beside a plain service.

Run ``python benchmarks/serve_load.py``; ``--keep FOLDER`` keeps the corpus (20,000 chunks of the AWS documentation, six
minutes to build) for the next run, and ``--seconds 10 --chunks 2000`` is a trial. The client is a process of its own
and asks by a clock, whether or not the service keeps up; no question is asked twice. ``ragkit serve`` is started as a
person starts it. The plain service (``plain_service.py``) masks nothing, checks nobody and records nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from data import read_lines
from latency import build, percentile
from reporting import print_table, write_json

from ragkit import open_workspace

CHUNKS, K = 20_000, 10
RATE, SECONDS, LADDER_SECONDS = 40, 60, 20
LADDER = (20, 30, 40, 50, 60, 80)
TARGET_P95_MS = 200.0
HERE = Path(__file__).resolve().parent
FORMS = ("How do I use {}?", "What is {}?", "{}", "Which limits does {} have?")


@dataclass(frozen=True, slots=True)
class Started:
    """A service that runs as a process."""

    url: str
    headers: dict[str, str]
    pid: int

    def cpu_seconds(self) -> float:
        """Processor time of it and of its children so far."""
        return _cpu_of(self.pid) + sum(map(_cpu_of, _children(self.pid)))

    def rss_mib(self) -> float:
        """Resident memory of it and of its children."""
        return sum(map(_rss_of, (self.pid, *_children(self.pid))))


def _cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _rss_of(pid: int) -> float:
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmRSS:")[2].split()[0]) / 1024


def _children(pid: int) -> list[int]:
    """A child belongs to the thread that started it."""
    return [int(one) for path in Path(f"/proc/{pid}/task").glob("*/children") for one in path.read_text().split()]


# --- the services -----------------------------------------------------------------------------------------------------


@contextmanager
def started(command: Sequence[str], url: str, headers: dict[str, str], log: Path) -> Iterator[Started]:
    """Start a service, wait until it answers, and end it afterwards."""
    with log.open("wb") as lines:
        process = subprocess.Popen(command, stdout=lines, stderr=lines)
    try:
        for _ in range(1200):
            if process.poll() is not None:
                raise SystemExit(f"the service ended:\n{log.read_text()[-2000:]}")
            try:
                if httpx.get(f"{url}/healthz", trust_env=False, timeout=5).status_code == 200:
                    break
            except httpx.HTTPError:
                time.sleep(0.1)
        yield Started(url, headers, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def ragkit_service(workspace: Path, log: Path) -> Iterator[Started]:
    """``ragkit serve`` with a key that may search, on a workspace whose other configuration is the default."""
    port = free_port()
    file = workspace / "ragkit.toml"
    # One key stands for many callers here, so that it may have as many questions as all of them together.
    tables = f"\n[serve]\nport = {port}\n[serve.limits]\nper_caller = 68\n"
    file.write_text(file.read_text().partition("\n[serve]")[0] + tables)
    headers = {"Authorization": f"Bearer {make_key(workspace)}"}
    command = [str(Path(sys.executable).parent / "ragkit"), "serve", "--workspace", str(workspace)]
    with started(command, f"http://127.0.0.1:{port}", headers, log) as service:
        yield service


def make_key(workspace: Path) -> str:
    """Return a new API key of the owner."""
    with open_workspace(workspace) as here:
        return here.api_keys.create("local|bench", scopes=("search", "ask")).key


@contextmanager
def plain_service(folder: Path, workspace: Path, log: Path) -> Iterator[Started]:
    """The peer, with the same texts and vectors."""
    if not folder.exists():
        fill_peer(workspace, folder)
    port = free_port()
    command = [sys.executable, str(HERE / "plain_service.py"), str(folder), str(port)]
    with started(command, f"http://127.0.0.1:{port}", {}, log) as service:
        yield service


def fill_peer(workspace_folder: Path, folder: Path) -> None:
    """Give the plain service's store the same chunks and vectors."""
    import chromadb
    from chromadb.config import Settings

    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    collection = client.get_or_create_collection("peer", metadata={"hnsw:space": "cosine"})
    with open_workspace(workspace_folder) as workspace:
        rows = iter(workspace._handles.reader(None).index._source.rows())
        while batch := list(islice(rows, 2000)):
            collection.add(
                ids=[str(row.chunk_id) for row in batch],
                documents=[str(row.text) for row in batch],
                embeddings=[row.vector.tolist() for row in batch],
            )


# --- the load ---------------------------------------------------------------------------------------------------------


def questions(corpus: Path) -> Iterator[str]:
    """Every title in every form, in the same order each time; none twice."""
    titles = dict.fromkeys(str(row["title"]) for row in read_lines(corpus))
    asked = [form.format(title) for title in titles for form in FORMS]
    random.Random(9).shuffle(asked)
    return iter(asked)


def drive(service: Started, asked: Iterator[str], *, rate: float, seconds: float) -> dict[str, Any]:
    """Load a service for a while; return what came of it."""
    count = int(rate * seconds * 1.3) + 30  # more than a Poisson process needs
    order = {
        "url": f"{service.url}/v1/search",
        "headers": service.headers,
        "rate": rate,
        "seconds": seconds,
        "questions": list(islice(asked, count)),
        "body": {"k": K},
    }
    cpu, begun = service.cpu_seconds(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, str(HERE / "load_client.py")],
        input=json.dumps(order),
        capture_output=True,
        text=True,
        check=True,
    )
    took = time.perf_counter() - begun
    told = json.loads(done.stdout)
    times = told.pop("ms")
    return {
        "rate": rate,
        **told,
        "errors": told["asked"] - told["outcomes"].get("ok", 0),
        "p50": percentile(times, 0.50),
        "p95": percentile(times, 0.95),
        "p99": percentile(times, 0.99),
        "cpu_cores": (service.cpu_seconds() - cpu) / took,
        "cpu_ms_each": 1000 * (service.cpu_seconds() - cpu) / max(1, told["asked"]),
        "rss_mib": service.rss_mib(),
    }


def measure(service: Started, asked: Iterator[str], options: argparse.Namespace) -> dict[str, Any]:
    """Warm up, the long run, the ladder."""
    drive(service, asked, rate=10, seconds=min(5, options.seconds))
    held = drive(service, asked, rate=options.rate, seconds=options.seconds)
    ladder = []
    for rate in options.ladder:
        ladder.append(drive(service, asked, rate=rate, seconds=options.ladder_seconds))
        if ladder[-1]["p95"] > 10 * TARGET_P95_MS:
            break  # it has broken down; a higher rate only takes longer
    return {"held": held, "ladder": ladder}


def main() -> None:
    """Build, measure both, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--ladder", type=float, nargs="*", default=LADDER)
    parser.add_argument("--ladder-seconds", type=float, default=LADDER_SECONDS)
    parser.add_argument("--keep", type=Path, help="folder for the corpus, used again when it is there")
    parser.add_argument("--no-plain", action="store_true", help="leave the plain service out")
    options = parser.parse_args()
    trial = (options.chunks, options.rate, options.seconds) != (CHUNKS, RATE, SECONDS) or options.no_plain
    folder = options.keep or Path(tempfile.mkdtemp())
    folder.mkdir(parents=True, exist_ok=True)
    try:
        workspace = build(folder, options.chunks)
        figures: dict[str, Any] = {"chunks": options.chunks, "k": K}
        with ragkit_service(workspace, folder / "ragkit.log") as service:
            figures["ragkit"] = measure(service, questions(folder / "corpus.jsonl"), options)
        if not options.no_plain:
            with plain_service(folder / "peer", workspace, folder / "plain.log") as service:
                figures["plain"] = measure(service, questions(folder / "corpus.jsonl"), options)
    finally:
        if options.keep is None:
            shutil.rmtree(folder)
    report(figures)
    write_json("serve_load", figures, trial=trial)


def report(figures: dict[str, Any]) -> None:
    """Print the tables."""
    columns = (
        "service",
        "asked/s",
        "answered/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "errors",
        "cores",
        "CPU ms each",
        "MiB",
    )
    keys = ("rate", "achieved", "p50", "p95", "p99", "errors", "cpu_cores", "cpu_ms_each", "rss_mib")
    names = [name for name in ("ragkit", "plain") if name in figures]

    def row(name: str, one: dict[str, Any]) -> tuple[object, ...]:
        return (name, *(one[key] if key == "errors" else round(one[key], 2) for key in keys))

    print_table(
        f"Search over HTTP on {figures['chunks']:,} chunks, {RATE} questions a second asked by the clock",
        columns,
        [row(name, figures[name]["held"]) for name in names],
    )
    print_table("The ladder", columns, [row(name, one) for name in names for one in figures[name]["ladder"]])
    held = figures["ragkit"]["held"]
    print(f"\nragkit p95 at {held['rate']:.0f}/s: {held['p95']:.0f} ms (target: at most {TARGET_P95_MS:.0f})")


if __name__ == "__main__":
    main()
