"""Asks a service questions at a given rate, whether or not it keeps up; a process of its own, sharing no lock.

Run by ``serve_load.py``: a JSON object on standard input (``url``, ``headers``, ``rate``, ``seconds``, ``questions``,
``body``), one on standard output. Arrivals are a Poisson process; an answer's time counts from when it was due to be
asked, so that a service that stalls cannot hide it.
"""

from __future__ import annotations

import asyncio
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import httpx


async def drive(order: dict[str, Any]) -> dict[str, Any]:
    """Ask, and return what came of it."""
    dice, rate, seconds = random.Random(order.get("seed", 3)), float(order["rate"]), float(order["seconds"])
    due, when = [], 0.0
    while (when := when + dice.expovariate(rate)) < seconds:
        due.append(when)
    questions: Sequence[str] = order["questions"]
    if len(questions) < len(due):
        raise SystemExit(f"{len(due)} questions are needed and {len(questions)} are there")
    times: list[float] = []
    outcomes: Counter[str] = Counter()
    limits = httpx.Limits(max_connections=500, max_keepalive_connections=500)
    async with httpx.AsyncClient(timeout=30, limits=limits, headers=order["headers"], trust_env=False) as client:

        async def one(question: str, scheduled: float) -> None:
            try:
                reply = await client.post(order["url"], json={"question": question, **order["body"]})
                outcome = "ok" if reply.status_code == 200 and reply.json()["hits"] else str(reply.status_code)
            except httpx.HTTPError as failed:
                outcome = type(failed).__name__
            outcomes[outcome] += 1
            times.append(time.perf_counter() - scheduled)

        begun = time.perf_counter()
        running = []
        for question, offset in zip(questions, due, strict=False):
            await asyncio.sleep(max(0.0, begun + offset - time.perf_counter()))
            running.append(asyncio.create_task(one(question, begun + offset)))
        await asyncio.gather(*running)
        took = time.perf_counter() - begun
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "asked": len(due),
        "outcomes": dict(outcomes),
        "achieved": outcomes["ok"] / took,
        "ms": sorted(round(one * 1000, 2) for one in times),
        "client_cpu_s": used.ru_utime + used.ru_stime,
    }


if __name__ == "__main__":
    json.dump(asyncio.run(drive(json.load(sys.stdin))), sys.stdout)
