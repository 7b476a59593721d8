"""What slow and greedy clients do to the others: p95 of normal searchers, idle and beside 500 that attack.

Run ``python benchmarks/serve_slow.py``; ``--count 60 --seconds 5`` is a trial. ``ragkit serve`` as shipped (API keys,
masking, audit) and, in the same run, the same search behind uvicorn and FastAPI without our limits. Searchers come by
a clock, and their times count from when they were due. Attackers: headers that never end, bodies that never end,
replies that nobody reads, 10,000 headers, bodies as long as they are let (``slow_clients.py``).
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from latency import percentile
from reporting import print_table, write_json
from serve_load import Started, free_port, make_key, started

from ragkit.testing.service import KEYED, make_shop

COUNT, SECONDS, RATE = 500, 60, 10
TARGET = 2.0
HERE = Path(__file__).resolve().parent
QUESTIONS = ("How long is the warranty on a {}?", "Can a {} be returned?", "What does the {} cost?")
THINGS = ("tent", "stove", "backpack", "burner", "zip", "pole", "mat", "lamp")


@contextmanager
def attacked(service: Started, *, count: int) -> Iterator[dict[str, Any]]:
    """Attack a service for as long as the block lasts; gives what became of it at the end."""
    host, port = service.url.removeprefix("http://").split(":")
    header = "".join(f"{name}: {value}\r\n" for name, value in service.headers.items())
    order = {"host": host, "port": int(port), "count": count, "header": header}
    told: dict[str, Any] = {}
    with subprocess.Popen(
        [sys.executable, str(HERE / "slow_clients.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        try:
            yield told
        finally:
            process.send_signal(signal.SIGTERM)
            said, _ = process.communicate(timeout=60)
            told |= json.loads(said or "{}")


def searched(service: Started, *, seconds: float, rate: float, seed: int) -> dict[str, Any]:
    """Search at a rate for a while, from a process of its own."""
    wanted = int(seconds * rate * 2) + 20
    questions = [
        f"{QUESTIONS[n % 3].format(THINGS[n % len(THINGS)])} ({n})" for n in range(seed * wanted, (seed + 1) * wanted)
    ]
    order = {
        "url": f"{service.url}/v1/search",
        "headers": service.headers,
        "rate": rate,
        "seconds": seconds,
        "questions": questions,
        "body": {},
        "seed": seed,
    }
    done = subprocess.run(
        [sys.executable, str(HERE / "load_client.py")], input=json.dumps(order), capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout))


def measured(name: str, service: Started, arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure one service, idle and attacked."""
    seconds, rate = arguments.seconds, arguments.rate
    searched(service, seconds=min(5, seconds), rate=rate, seed=0)  # everything is loaded
    print(f"{name}: idle", file=sys.stderr)
    idle = searched(service, seconds=seconds, rate=rate, seed=1)
    print(f"{name}: {arguments.count} slow clients", file=sys.stderr)
    with attacked(service, count=arguments.count) as told:
        searched(service, seconds=min(15, seconds), rate=rate, seed=2)  # until the first were cut and are back
        beside = searched(service, seconds=seconds, rate=rate, seed=3)
        rss = service.rss_mib()
    row: dict[str, Any] = {"service": name, "rss_mib": rss, "attackers": told}
    for phase, found in (("idle", idle), ("attacked", beside)):
        row[phase] = {
            "asked": found["asked"],
            "failed": found["asked"] - found["outcomes"].get("ok", 0),
            "outcomes": found["outcomes"],
            "p50_ms": percentile(found["ms"], 0.5),
            "p95_ms": percentile(found["ms"], 0.95),
        }
    row["ratio"] = row["attacked"]["p95_ms"] / row["idle"]["p95_ms"]
    return row


def ragkit_on(shop: Path, log: Path) -> AbstractContextManager[Started]:
    """``ragkit serve``, as a person starts it."""
    port = free_port()
    headers = {"Authorization": f"Bearer {make_key(shop)}"}
    command = [str(Path(sys.executable).parent / "ragkit"), "serve", "-w", str(shop), "--port", str(port)]
    return started(command, f"http://127.0.0.1:{port}", headers, log)


def bare_on(shop: Path, log: Path) -> AbstractContextManager[Started]:
    """Uvicorn and FastAPI as they come."""
    port = free_port()
    command = [sys.executable, str(HERE / "bare_service.py"), str(shop), str(port)]
    return started(command, f"http://127.0.0.1:{port}", {}, log)


def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=COUNT, help="slow clients")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--rate", type=float, default=RATE, help="normal searches a second")
    parser.add_argument("--only", choices=("ragkit", "bare"), help="measure one of the two")
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        shop = make_shop(Path(folder), extra=KEYED)
        for name, start in (("ragkit", ragkit_on), ("bare", bare_on)):
            if arguments.only in (None, name):
                with start(shop, Path(folder) / f"{name}.log") as service:
                    rows.append(measured(name, service, arguments))
    print_table(
        f"{arguments.count} slow clients, {arguments.rate:g} normal searches a second",
        ("service", "p50 idle ms", "p95 idle ms", "p50 beside ms", "p95 beside ms", "ratio", "failed", "RSS MiB"),
        [
            (
                row["service"],
                row["idle"]["p50_ms"],
                row["idle"]["p95_ms"],
                row["attacked"]["p50_ms"],
                row["attacked"]["p95_ms"],
                row["ratio"],
                f"{row['attacked']['failed']} of {row['attacked']['asked']}",
                row["rss_mib"],
            )
            for row in rows
        ],
    )
    for row in rows:
        print(f"{row['service']}: attackers {row['attackers']}; searchers {row['attacked']['outcomes']}")
    print(f"target: ratio at most {TARGET:g} for ragkit")
    trial = arguments.count < COUNT or arguments.seconds < SECONDS or arguments.only is not None
    write_json("serve_slow", {"rows": rows, "target": TARGET}, trial=trial)


if __name__ == "__main__":
    main()
