"""Twenty minutes of everything at once: questions over HTTP while documents change, syncs run and people are erased.

Run ``python benchmarks/serve_soak.py``; ``--minutes 1`` is a trial. ``ragkit serve`` is started as a person starts it.
Syncs are asked for over HTTP and on the command line in turn, erasures on the command line, which hands them to the
service by its control socket. Every reply is held to an oracle: after a sync ended, no request that begins later may
show an edition of a document before it; after a person was erased, none may show a token that stood for them. Printed
besides: error rate, resident memory, open files, write-ahead logs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from latency import percentile
from reporting import print_table, write_json
from serve_load import Started, free_port, started
from workspaces import make_workspace

from ragkit import open_workspace

MINUTES = 20.0
RULES, LETTERS = 200, 120
SEARCHES, ASKS = 4.0, 2.0
SYNC_EVERY, ERASE_EVERY, LOOK_EVERY = 20.0, 50.0, 5.0
MOST_ERRORS, MOST_GROWTH = 0.001, 0.05
RAGKIT = str(Path(sys.executable).parent / "ragkit")
_EDITION = re.compile(r"service number (\d+) is \d+ euros in edition (\d+)")
_TOKEN = re.compile(r"\[EMAIL_ADDRESS:[^\]]+\]")


def rule(number: int, edition: int) -> str:
    """A document that changes."""
    price = 100 + 7 * number + edition
    return f"# Service {number}\n\nThe fee of service number {number} is {price} euros in edition {edition}.\n"


def email(number: int) -> str:
    """The address of a person."""
    return f"person.{number:03d}.soak@example.org"


def letter(number: int) -> str:
    """A document about one person."""
    said = f"The lamp of order {number} flickers. Please write to {email(number)} about order {number}."
    return f"Letter {number}\n\n{said}\n"


@dataclass
class Soak:
    """One run: what was promised so far, and what was seen.

    Attributes:
        editions: The edition of each rule that a finished sync has taken in.
        gone: Tokens of people who were erased.
    """

    service: Started
    corpus: Path
    workspace: Path
    until: float
    editions: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(RULES), 1))
    written: dict[int, int] = field(default_factory=lambda: dict.fromkeys(range(RULES), 1))
    gone: set[str] = field(default_factory=set)
    left: list[int] = field(default_factory=lambda: list(range(LETTERS)))
    outcomes: dict[str, Counter[str]] = field(default_factory=dict)
    times: dict[str, list[float]] = field(default_factory=dict)
    wrong: Counter[str] = field(default_factory=Counter)
    looks: list[dict[str, float]] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(11))

    async def run(self) -> None:
        """Do everything until the time is over."""
        async with (
            httpx.AsyncClient(
                base_url=self.service.url, headers=self.service.headers, timeout=60, trust_env=False
            ) as client,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(self._steadily(SEARCHES, lambda: self._search(client), group))
            group.create_task(self._steadily(ASKS, lambda: self._ask(client), group))
            group.create_task(self._syncs(client))
            group.create_task(self._erasures(client))
            group.create_task(self._looks())

    def note(self, kind: str, outcome: str, seconds: float) -> None:
        """Count one thing that was done."""
        self.outcomes.setdefault(kind, Counter())[outcome] += 1
        self.times.setdefault(kind, []).append(seconds * 1000)

    # --- questions ---------------------------------------------------------------------------------------------------

    async def _steadily(self, rate: float, work: Any, group: asyncio.TaskGroup) -> None:
        while time.monotonic() < self.until:
            group.create_task(work())
            await asyncio.sleep(self.dice.expovariate(rate))

    async def _search(self, client: httpx.AsyncClient) -> None:
        question = self._question()
        await self._post(client, "search", "/v1/search", {"question": question, "k": 8})

    async def _ask(self, client: httpx.AsyncClient) -> None:
        await self._post(client, "ask", "/v1/ask", {"question": self._question()})

    def _question(self) -> str:
        if self.dice.random() < 0.5:
            return f"What is the fee of service number {self.dice.randrange(RULES)}?"
        number = self.dice.randrange(LETTERS)
        return self.dice.choice((f"Who wrote about the lamp of order {number}?", f"What did {email(number)} write?"))

    async def _post(self, client: httpx.AsyncClient, kind: str, path: str, body: dict[str, Any]) -> str:
        editions, gone = dict(self.editions), set(self.gone)  # what was promised before this request began
        begun = time.perf_counter()
        try:
            reply = await client.post(path, json=body)
            outcome = "ok" if reply.status_code == 200 else f"{reply.status_code} {reply.json()['error']['code']}"
        except httpx.HTTPError as failed:
            self.note(kind, type(failed).__name__, time.perf_counter() - begun)
            return ""
        self.note(kind, outcome, time.perf_counter() - begun)
        for number, edition in _EDITION.findall(reply.text):
            self.wrong["stale"] += int(edition) < editions.get(int(number), 0)
        self.wrong["erased"] += len(gone.intersection(_TOKEN.findall(reply.text)))
        return reply.text if outcome == "ok" else ""

    # --- what changes ------------------------------------------------------------------------------------------------

    async def _syncs(self, client: httpx.AsyncClient) -> None:
        for turn in range(1_000_000):
            await asyncio.sleep(SYNC_EVERY)
            if time.monotonic() >= self.until:
                return
            for number in self.dice.sample(range(RULES), 5):
                self.written[number] += 1
                (self.corpus / f"rule-{number}.md").write_text(rule(number, self.written[number]))
            wanted, begun = dict(self.written), time.perf_counter()
            outcome = await (self._sync_over_http(client) if turn % 2 == 0 else self._command("sync"))
            self.note("sync", outcome, time.perf_counter() - begun)
            if outcome == "ok":
                self.editions = wanted

    async def _sync_over_http(self, client: httpx.AsyncClient) -> str:
        try:
            job = (await client.post("/v1/sync", json={})).raise_for_status().json()
            while job["status"] not in ("done", "failed", "cancelled"):
                await asyncio.sleep(0.2)
                job = (await client.get(f"/v1/jobs/{job['id']}")).raise_for_status().json()
        except httpx.HTTPError as failed:
            return type(failed).__name__
        return "ok" if job["status"] == "done" else f"job {job['status']}"

    async def _erasures(self, client: httpx.AsyncClient) -> None:
        while True:
            await asyncio.sleep(ERASE_EVERY)
            if time.monotonic() >= self.until or not self.left:
                return
            number = self.left.pop(self.dice.randrange(len(self.left)))
            found = await self._post(client, "search", "/v1/search", {"question": f"lamp of order {number}", "k": 20})
            tokens = {
                token
                for hit in json.loads(found or '{"hits": []}')["hits"]
                if f"lamp of order {number} flickers" in hit["text"]
                for token in _TOKEN.findall(hit["text"])
            }
            self.wrong["not found before"] += len(tokens) != 1
            begun = time.perf_counter()
            outcome = await self._command("subject", "erase", email(number), "--purpose", "soak", "--yes", "--json")
            self.note("erase", outcome, time.perf_counter() - begun)
            if outcome == "ok":
                self.gone |= tokens

    async def _command(self, *arguments: str) -> str:
        process = await asyncio.create_subprocess_exec(
            RAGKIT, *arguments, "--workspace", str(self.workspace),
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        _, said = await process.communicate()
        if process.returncode:
            print(said.decode()[-500:], file=sys.stderr)
        return "ok" if process.returncode == 0 else f"exit {process.returncode}"

    # --- what the process takes --------------------------------------------------------------------------------------

    async def _looks(self) -> None:
        begun = time.monotonic()
        while time.monotonic() < self.until:
            data = self.workspace / ".ragkit"
            self.looks.append(
                {
                    "minute": (time.monotonic() - begun) / 60,
                    "rss_mib": self.service.rss_mib(),
                    "files": len(list(Path(f"/proc/{self.service.pid}/fd").iterdir())),
                    "wal_mib": sum(one.stat().st_size for one in data.rglob("*-wal")) / 1024**2,
                }
            )
            await asyncio.sleep(LOOK_EVERY)


def prepare(folder: Path) -> tuple[Path, Path, str]:
    """Write the documents, sync them, make a key; return corpus, workspace and key."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True)
    for number in range(RULES):
        (corpus / f"rule-{number}.md").write_text(rule(number, 1))
    for number in range(LETTERS):
        (corpus / f"letter-{number}.txt").write_text(letter(number))
    workspace = make_workspace(folder / "workspace", {"docs": corpus})
    file = workspace / "ragkit.toml"
    file.write_text(file.read_text().replace("reveal = [", 'officers = ["u:local|bench"]\nreveal = ['))
    with open_workspace(workspace) as here:
        here.sync()
        made = here.api_keys.create("local|bench", scopes=("search", "ask", "sync"))
    return corpus, workspace, made.key


def measure(folder: Path, minutes: float) -> dict[str, Any]:
    """Run it."""
    corpus, workspace, key = prepare(folder)
    port = free_port()
    file = workspace / "ragkit.toml"
    file.write_text(file.read_text() + f"\n[serve]\nport = {port}\n[serve.limits]\nper_caller = 64\n")
    command = [RAGKIT, "serve", "--workspace", str(workspace)]
    headers = {"Authorization": f"Bearer {key}"}
    with started(command, f"http://127.0.0.1:{port}", headers, folder / "serve.log") as service:
        soak = Soak(service, corpus, workspace, time.monotonic() + minutes * 60)
        asyncio.run(soak.run())
    asked = sum(sum(soak.outcomes[kind].values()) for kind in ("search", "ask"))
    failed = asked - sum(soak.outcomes[kind]["ok"] for kind in ("search", "ask"))
    return {
        "minutes": minutes,
        "outcomes": {kind: dict(counts) for kind, counts in soak.outcomes.items()},
        "ms": {
            kind: {"p50": percentile(all_, 0.5), "p95": percentile(all_, 0.95)} for kind, all_ in soak.times.items()
        },
        "asked": asked,
        "error_share": failed / asked,
        "wrong": dict(soak.wrong),
        "erased": len(soak.gone),
        **grown(soak.looks, minutes),
        "looks": soak.looks,
    }


def grown(looks: Sequence[dict[str, float]], minutes: float) -> dict[str, float]:
    """How memory, files and logs went from the end of the warm-up, a fifth of the time, to the end."""
    warm = [one for one in looks if one["minute"] >= minutes / 5]
    window = max(1, len(warm) // 6)
    first, last = warm[:window], warm[-window:]

    def mean(some: Sequence[dict[str, float]], key: str) -> float:
        return sum(one[key] for one in some) / len(some)

    return {
        "rss_mib": mean(last, "rss_mib"),
        "rss_growth": mean(last, "rss_mib") / mean(first, "rss_mib") - 1,
        "files_first": mean(first, "files"),
        "files_last": mean(last, "files"),
        "wal_most_mib": max(one["wal_mib"] for one in warm),
    }


def report(figures: dict[str, Any]) -> None:
    """Print the tables."""
    rows = [
        (kind, sum(counts.values()), counts.get("ok", 0), figures["ms"][kind]["p50"], figures["ms"][kind]["p95"])
        for kind, counts in figures["outcomes"].items()
    ]
    print_table(f"{figures['minutes']:g} minutes of everything", ("what", "times", "well", "p50 ms", "p95 ms"), rows)
    wrong = figures["wrong"]
    rows = [
        ("requests that failed", f"{figures['error_share']:.3%}", f"at most {MOST_ERRORS:.1%}"),
        ("hits of somebody erased", wrong.get("erased", 0), "0"),
        ("hits before a finished sync", wrong.get("stale", 0), "0"),
        ("growth of memory after warm-up", f"{figures['rss_growth']:.1%}", f"under {MOST_GROWTH:.0%}"),
        ("memory at the end, MiB", round(figures["rss_mib"]), ""),
        ("open files, first and last", f"{figures['files_first']:.0f}, {figures['files_last']:.0f}", "flat"),
        ("largest write-ahead logs, MiB", round(figures["wal_most_mib"], 1), "bounded"),
    ]
    failures = [
        (kind, *one) for kind, counts in figures["outcomes"].items() for one in counts.items() if one[0] != "ok"
    ]
    if failures:
        print_table("What failed", ("what", "how", "times"), failures)
    print_table("Held to", ("figure", "measured", "target"), rows)
    if wrong.get("not found before"):
        print(f"\n{wrong['not found before']} people were not found before their erasure: the oracle did not see them")


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        figures = measure(Path(place), options.minutes)
    report(figures)
    write_json("serve_soak", figures, trial=options.minutes < MINUTES)


if __name__ == "__main__":
    main()
