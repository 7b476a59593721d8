"""What ragkit adds around a generator that answers at once: p50 and p95, by stage, and to the first token of a stream.

Run ``python benchmarks/overhead.py``; ``--count 20`` for a trial. A server in another process speaks the OpenAI API and
answers with fixed bytes. In turn, question by question, in one run:

- ``ask`` over that server; the question's masking and the search are taken off.
- the gateway alone, with the very bytes of that prompt;
- bare ``httpx`` with the same bytes to the same server, connection kept.

Overhead is the first less the last. The gateway's target is under 20 ms added to the first token (`features.md`).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from data import aws_docs, write_lines
from reporting import print_table, write_json
from workspaces import make_workspace

from ragkit import open_workspace
from ragkit.workspace import Workspace

COUNT, WARM, DOCUMENTS, K = 300, 20, 300, 8
TARGET_MS = 20.0
ANSWER = "The documents say so [1]. It takes three steps [2]."
CONFIG = """
[generator]
use = "instant"
[generators.instant]
kind = "openai_compatible"
model = "instant"
destination = "here"
[destinations.here]
url = "{url}/v1"
location = "remote"
provider = "instant"
max_data_class = "internal"
"""


def serve() -> None:
    """Answer at once until killed; the port is the first line on standard output."""
    from injection_server import completed, streamed

    from ragkit.testing.recording_server import RecordingServer

    whole, pieces = completed(ANSWER), streamed(ANSWER, piece=4)

    class Instant(RecordingServer):
        def handle(self, connection: Any, request: bytes) -> bool:
            self.requests.clear()
            connection.sendall(pieces if b'"stream":true' in request.replace(b" ", b"") else whole)
            return True

    with Instant() as server:
        print(server.url, flush=True)
        sys.stdin.read()


@contextmanager
def server() -> Iterator[str]:
    """The URL of the server in its own process."""
    child = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    try:
        yield child.stdout.readline().strip()
    finally:
        child.communicate(timeout=10)


class Laps:
    """Milliseconds by name, one value a question."""

    def __init__(self) -> None:
        self.laps: dict[str, list[float]] = {}
        self._now: dict[str, float] = {}

    def wrap(self, owner: Any, method: str, stage: str) -> None:
        """Count the time of ``owner.method`` towards a stage of the question under way."""
        inner = getattr(owner, method)

        def timed(*args: Any, **options: Any) -> Any:
            began = time.perf_counter()
            try:
                return inner(*args, **options)
            finally:
                self._now[stage] = self._now.get(stage, 0.0) + (time.perf_counter() - began) * 1000

        setattr(owner, method, timed)

    def take(self, name: str, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Time a piece of work, and what was wrapped within it; return what it returns."""
        self._now = {}
        began = time.perf_counter()
        made = work(*args, **options)
        self.add(name, (time.perf_counter() - began) * 1000)
        for stage, spent in self._now.items():
            self.add(f"{name}: {stage}", spent)
        return made

    def add(self, name: str, milliseconds: float) -> None:
        """Keep a value."""
        self.laps.setdefault(name, []).append(milliseconds)

    def table(self) -> list[list[object]]:
        """Name, p50 and p95 of each."""
        return [
            [name, round(percentile(some, 0.5), 2), round(percentile(some, 0.95), 2)]
            for name, some in self.laps.items()
        ]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# --- what is timed ----------------------------------------------------------------------------------------------------


class Caught:
    """The last call of a gateway, how long it took to the first byte, and to be sent again as it was."""

    def __init__(self, door: Any) -> None:
        self.path, self.body, self.headers, self.first_ms = "", b"", {}, 0.0
        post, stream = door.post, door.stream

        def posted(path: str, body: bytes, *, headers: Any, call: Any) -> Any:
            self.path, self.body, self.headers = path, body, dict(headers)
            return post(path, body, headers=headers, call=call)

        @contextmanager
        def streamed(path: str, body: bytes, *, headers: Any, call: Any) -> Iterator[Any]:
            self.path, self.body, self.headers = path, body, dict(headers)
            began = time.perf_counter()
            with stream(path, body, headers=headers, call=call) as reply:
                yield _Clocked(reply, lambda: setattr(self, "first_ms", (time.perf_counter() - began) * 1000))

        door.post, door.stream = posted, streamed


class _Clocked:
    """A reply that tells when its first piece is there."""

    def __init__(self, reply: Any, first: Callable[[], None]) -> None:
        self._reply, self._first = reply, first

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reply, name)

    def pieces(self) -> Iterator[bytes]:
        for number, piece in enumerate(self._reply.pieces()):
            if not number:
                self._first()
            yield piece


def measure(workspace: Workspace, url: str, asked: Sequence[str]) -> dict[str, Laps]:
    """Time each question in turn by every way; the first few are not counted."""
    import httpx

    part = workspace._handles.reader(None)
    door = part.answering.door("here")
    whole, streamed = Laps(), Laps()
    whole.wrap(door, "judge", "  of it boundary and re-scan")
    caught = Caught(door)
    whole.wrap(door, "post", "gateway")
    generator = prompted(part.assistant.generator)
    whole.wrap(generator._prompts, "prepare", "prompt, packing, aliases")
    whole.wrap(part.recorder, "record", "events, with fsync")
    with httpx.Client(trust_env=False) as client:
        for number, question in enumerate(asked):
            if number == WARM:
                whole.laps.clear()
                streamed.laps.clear()
            answer = whole.take("ask", workspace.ask, question, k=K)
            for stage in ("mask", "retrieve", "generate"):
                whole.add(stage, answer.timings_ms[stage])
            target = f"{url}/v1{caught.path}"
            whole.take("bare httpx", client.post, target, content=caught.body, headers=caught.headers)
            bare = whole.laps["bare httpx"][-1]
            gateway = whole.laps["ask: gateway"][-1]
            whole.add("overhead of the gateway", gateway - bare)
            parts = ("gateway", "prompt, packing, aliases")
            known = sum(whole.laps[f"ask: {one}"][-1] for one in parts)
            whole.add("checks and the rest", whole.laps["generate"][-1] - known)
            whole.add("overhead of the answer", whole.laps["generate"][-1] - bare)
            _stream(streamed, workspace, question, caught, client, url)
    return {"whole": whole, "streamed": streamed}


def prompted(generator: Any) -> Any:
    """The generator with the prompt, below meter and router."""
    while not hasattr(generator, "_prompts"):
        generator = next(one for one in vars(generator).values() if hasattr(one, "generate"))
    return generator


def _stream(laps: Laps, workspace: Workspace, question: str, caught: Caught, client: Any, url: str) -> None:
    began = time.perf_counter()
    pieces = workspace.ask_stream(question, k=K)
    given: list[Any] = [next(pieces)]
    first = time.perf_counter()
    given.extend(pieces)
    ended = time.perf_counter()
    before = given[-1].timings_ms["mask"] + given[-1].timings_ms["retrieve"]
    laps.add("gateway: first byte", caught.first_ms)
    to_first = (first - began) * 1000 - before
    laps.add("ask: first piece, without masking and search", to_first)
    laps.add("ask: whole stream, without masking and search", (ended - began) * 1000 - before)
    began = time.perf_counter()
    with client.stream("POST", f"{url}/v1{caught.path}", content=caught.body, headers=caught.headers) as reply:
        raw = reply.iter_raw()
        next(raw)
        first = time.perf_counter()
        for _ in raw:
            pass
    alone = (first - began) * 1000
    laps.add("bare httpx: first byte", alone)
    laps.add("added to the first byte at the gateway", caught.first_ms - alone)
    laps.add(
        "added to the first piece by all of ragkit",
        to_first - alone,
    )


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="questions")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    with tempfile.TemporaryDirectory() as name, server() as url:
        folder = Path(name)
        rows = [row for _, row in zip(range(DOCUMENTS), aws_docs(27))]
        source = write_lines(folder / "docs.jsonl", rows)
        config = CONFIG.format(url=url)
        workspace_folder = make_workspace(folder / "workspace", {"docs": source}, extra=config)
        with open_workspace(workspace_folder) as workspace:
            workspace.sync()
            titles = [f"What is {row['title']}?" for row in rows]
            asked = [titles[at % len(titles)] for at in range(options.count + WARM)]
            found = measure(workspace, url, asked)
    for kind, laps in found.items():
        print_table(f"Milliseconds, {kind}", ("", "p50", "p95"), laps.table())
    added = percentile(found["streamed"].laps["added to the first byte at the gateway"], 0.95)
    print(
        f"\nadded to the first byte at the gateway, p95: {added:.1f} ms; target {TARGET_MS} ms: "
        f"{'met' if added < TARGET_MS else 'missed'}"
    )
    figures = {kind: {row[0]: row[1:] for row in laps.table()} for kind, laps in found.items()}
    write_json("overhead", {"count": options.count, "p50_p95_ms": figures}, trial=options.count != COUNT)


if __name__ == "__main__":
    main()
