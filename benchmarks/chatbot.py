"""hint3's real customer messages through the chatbot's whole dialogue, beside what people write by hand.

Run ``python benchmarks/chatbot.py``: the whole evaluation half (1,192 messages to three shops); ``--limit 60`` for a
trial. Each message begins a conversation of its own, as a customer does; nothing follows it, so a question back and a
first refusal are what they are, and no second one makes a hand-over.

A message in scope has an entry that answers it (its intent's document). It is right when an answer cites that entry,
wrong when it cites others only. What the chatbot does besides is told apart: it refuses, asks back, hands over to a
person, or takes it for small talk. Of a message out of scope all of these are right, and an answer is wrong.

The peers are those of :mod:`answers`, on the same chunks: ``top chunk`` answers with the first chunk, ``one
threshold`` refuses where the best cosine is below the number that had the best refusal F1 on the fitting half; and
``extractive`` alone, without the dialogue around it. Nothing of the dialogue was fitted on the evaluation half: its
words and thresholds were looked at on the fitting halves of hint3 and clapnq and on the example's questions.
"""

from __future__ import annotations

import argparse
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from answer_sets import AnswerPart, answer_sets
from answers import K, keep_key, shown, thresholds
from peers import TopChunk
from reporting import print_table, write_json
from workspaces import make_workspace, synced

from ragkit.config_serve import ChatSection
from ragkit.desk.records import Entry
from ragkit.evaluate.answer_bench import CollectionBench
from ragkit.evaluate.answer_questions import AnswerItem
from ragkit.evaluate.clusters import ClusterSums
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.helpdesk.spoken import Done
from ragkit.metrics import Estimate
from ragkit.protocols import Generator
from ragkit.workspace import Workspace

ALL = 100_000
OUTCOMES = ("right", "wrong", "refused", "asked back", "handed over", "small talk")
_BY_KIND = {"refusal": "refused", "clarify": "asked back", "handoff": "handed over", "said": "small talk"}
MEASURES: Mapping[str, tuple[str, tuple[str, ...], bool]] = {
    "answered from the right entry": ("in scope", ("right",), True),
    "… its first citation": ("in scope", ("first",), True),
    "answered from a wrong entry": ("in scope", ("wrong",), True),
    "not answered": ("in scope", OUTCOMES[2:], True),
    "… refused": ("in scope", ("refused",), True),
    "… asked back": ("in scope", ("asked back",), True),
    "… handed over": ("in scope", ("handed over",), True),
    "… small talk": ("in scope", ("small talk",), True),
    "out of scope: refused or handed over": ("out of scope", ("refused", "handed over"), False),
    "… or small talk, or asked back": ("out of scope", OUTCOMES[2:], False),
    "right entry, of all that was answered": ("answered", ("right",), True),
}


@dataclass(frozen=True)
class Row:
    """What became of one message."""

    message: str
    cluster: str
    answerable: bool
    outcome: str
    first: bool = False
    topic: str = ""


def through_chatbot(workspace: Workspace, part: AnswerPart, bench: CollectionBench) -> tuple[list[Row], list[float]]:
    """Ask each message in a conversation of its own; return what became of it, and seconds."""
    chat = ChatSection(collection=part.collection, messages_per_minute=600)
    helpdesk = Helpdesk(workspace, chat)
    visitor = workspace.config.workspace.principal
    rows, seconds = [], []
    for item in part.items:
        number = helpdesk.begin(principal=visitor, disclosure=chat.disclosure_version).id
        began = time.perf_counter()
        reply = [one for one in helpdesk.say(number, item.question, principal=visitor) if isinstance(one, Done)][-1]
        seconds.append(time.perf_counter() - began)
        helpdesk._pace._times.clear()  # a benchmark is one visitor who writes faster than anybody may
        rows.append(_row(item, reply.entry, bench))
        helpdesk._memory.forget(number)
    return rows, seconds


def _row(item: AnswerItem, entry: Entry, bench: CollectionBench) -> Row:
    if entry.kind != "answer":
        topic = str(entry.content.get("topic", ""))
        return Row(item.id, item.cluster, item.answerable, _BY_KIND[entry.kind], topic=topic)
    cited = [str(entry.content["cited"][str(source["marker"])]["doc"]) for source in entry.content["sources"]]
    return _judged(item, cited, bench)


def _judged(item: AnswerItem, cited: Sequence[str], bench: CollectionBench) -> Row:
    names = bench.names(cited)
    named = [names.get(doc, "") for doc in cited]
    right = any(name in item.evidence for name in named)
    first = bool(named) and named[0] in item.evidence
    return Row(item.id, item.cluster, item.answerable, "right" if right else "wrong", first=first)


def through_peers(peers: Mapping[str, Generator], part: AnswerPart, bench: CollectionBench) -> dict[str, list[Row]]:
    """Ask each message of each generator, on the same chunks."""
    rows: dict[str, list[Row]] = {name: [] for name in peers}
    for item in part.items:
        request = bench.request(item)
        for name, writer in peers.items():
            writer.load()
            made = writer.generate(request)
            if made.refused:
                rows[name].append(Row(item.id, item.cluster, item.answerable, "refused"))
            else:
                rows[name].append(_judged(item, [one.doc_id for one in made.citations], bench))
    return rows


def measured(rows: Sequence[Row], seed: int) -> dict[str, Estimate]:
    """The shares, with intervals over messages of the same words."""
    columns: dict[str, list[float]] = {
        "in scope": [float(row.answerable) for row in rows],
        "out of scope": [float(not row.answerable) for row in rows],
        "answered": [float(row.outcome in ("right", "wrong")) for row in rows],
    }
    for name, (_, outcomes, able) in MEASURES.items():
        hit = (lambda row: row.first) if outcomes == ("first",) else (lambda row, some=outcomes: row.outcome in some)
        columns[name] = [float(row.answerable == able and hit(row)) for row in rows]
    sums = ClusterSums([row.cluster for row in rows], columns, seed=seed)
    return {name: sums.share(name, whole) for name, (whole, _, _) in MEASURES.items()}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=0, help="messages in all, for a trial")
    parser.add_argument("--seed", type=int, default=0, help="of the intervals")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"chatbot-{secrets.token_hex(3)}-") as name:
        folder = Path(name)
        keep_key(folder)
        sets = answer_sets(folder / "sources", ["hint3"], options.limit or ALL)
        sources = {part.collection: part.source for part in sets["hint3"]}
        rows: dict[str, list[Row]] = {}
        seconds: list[float] = []
        with synced(make_workspace(folder / "workspace", sources)) as workspace:
            print(f"indexed after {time.monotonic() - began:.0f} s", flush=True)
            cut = thresholds(workspace, sets)["hint3"]
            for part in sets["hint3"]:
                bench = CollectionBench(workspace, collection=part.collection, k=K, purpose="benchmark")
                through, took = through_chatbot(workspace, part, bench)
                seconds += took
                rows.setdefault("chatbot", []).extend(through)
                peers = {
                    "extractive": bench.generator(),
                    "top chunk": TopChunk("top chunk"),
                    "one threshold": TopChunk("one threshold", cut),
                }
                for peer, some in through_peers(peers, part, bench).items():
                    rows.setdefault(peer, []).extend(some)
                done = time.monotonic() - began
                print(f"  {part.collection}: {len(part.items)} messages, {done:.0f} s", flush=True)
    report(rows, seconds, cut=cut, seed=options.seed, trial=bool(options.limit))
    print(f"\n{time.monotonic() - began:.0f} s in all; seed {options.seed}")


def report(rows: Mapping[str, Sequence[Row]], seconds: Sequence[float], *, cut: float, seed: int, trial: bool) -> None:
    """A table, systems side by side; why the chatbot handed over; and the file."""
    of = {name: measured(some, seed) for name, some in rows.items()}
    mine = rows["chatbot"]
    able = sum(row.answerable for row in mine)
    print_table(
        f"hint3, evaluation half: {able} messages in scope, {len(mine) - able} out of scope (95 % intervals)",
        ["share", *rows],
        [[name, *(shown(of[system][name]) for system in rows)] for name in MEASURES],
    )
    topics: dict[str, int] = {}
    for row in mine:
        if row.outcome in ("handed over", "small talk", "asked back"):
            key = f"{row.outcome}: {row.topic}, {'in' if row.answerable else 'out of'} scope"
            topics[key] = topics.get(key, 0) + 1
    print_table("What the dialogue did besides", ["what", "messages"], sorted(topics.items()))
    ordered = sorted(seconds)
    p50, p95 = (round(1000 * ordered[int(share * (len(ordered) - 1))]) for share in (0.5, 0.95))
    print(f"\nfrom message to whole reply: p50 {p50} ms, p95 {p95} ms; threshold {cut:.3f}")
    figures = {
        "seed": seed,
        "threshold": cut,
        "ms": {"p50": p50, "p95": p95},
        "in_scope": able,
        "out_of_scope": len(mine) - able,
        "besides": topics,
        "shares": {
            system: {name: [one.value, one.low, one.high] for name, one in measures.items()}
            for system, measures in of.items()
        },
    }
    write_json("chatbot", figures, trial=trial)


if __name__ == "__main__":
    main()
