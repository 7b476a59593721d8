"""Replays the answers of a workspace that lived: the same chunks, the same bytes of prompts? And what is named if not?

Run ``python benchmarks/replay.py``; ``--answers 20`` for a trial. A workspace over 80 invented documents gives 100
answers, half of them extractive and half by a model behind the gateway (a server of our own that keeps nothing), alone,
streamed, in conversations and with filters, by two people. Every four answers something happens, and twice after the
last: documents are changed, added or deleted, rights change, the index is built anew, the process ends and another
begins. Then all answers are replayed.

After that, on copies, something else is changed, and all are replayed again: another encoder, policy, chunker, stemming
language, model and settings; policy and chunker also without a window of history, so that the chunks of then are gone.
What is not the same must have the change among its named causes.

At last a person is erased who stands in some answers. Those must be "not reproducible: erased", without any part. All
others must be the same to the byte, unless a passage of theirs was in a document that had to be written anew without
the person; the search may rank otherwise, since the words that were erased counted in its statistics. All of that must
be named as erased, too.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporting import print_table, write_json

from ragkit import open_workspace
from ragkit.compliance.replay_report import Replay
from ragkit.models.weights import find_model
from ragkit.testing import sockets
from ragkit.testing.lived import Lived
from ragkit.testing.lived_shop import RARE, answering
from ragkit.testing.model_servers import ModelServer
from ragkit.workspace import Workspace

ANSWERS, DOCUMENTS, SEED = 100, 40, 2026
PARTS = ("retrieval", "passages", "prompt", "request_body", "answer")
NO_WINDOW = "history = {days = 0}"


@dataclass(frozen=True)
class Case:
    """One thing that is changed before the answers are replayed.

    Attributes:
        cause: What has to be among the causes of what is not the same; empty where all must be the same.
        configured: Of :meth:`ragkit.testing.lived.Lived.configure`.
        act: Done after that.
        erased: An address of somebody who is erased; all is well only if somebody was, and stood in some answers.
    """

    name: str
    cause: str = ""
    configured: tuple[tuple[str, str], ...] = ()
    act: Callable[[Workspace], object] | None = None
    edit: tuple[str, str] = ("", "")
    erased: str = ""


def cases(model: Path) -> list[Case]:
    """All of them; ``model`` is an encoder of another fingerprint."""
    policy, chunker = ("policy", "default_threshold = 0.36"), ("tables", "[chunker]\nmax_tokens = 128")
    gone = ("audit", NO_WINDOW)
    return [
        Case("nothing"),
        Case("policy, kept", configured=(policy,), act=Workspace.remask),
        Case("policy, not kept", "policy", configured=(policy, gone), act=Workspace.remask),
        Case("chunker, kept", configured=(chunker,), act=Workspace.sync),
        Case("chunker, not kept", "chunker", configured=(chunker, gone), act=Workspace.sync),
        Case("encoder", "encoder", configured=(("tables", f'[embedder]\nmodel = "{model}"'),)),
        Case(
            "language",
            act=Workspace.rebuild,
            edit=("max_delete_share = 1.0", 'max_delete_share = 1.0\nlanguage = "de"'),
        ),
        Case("model", "generator", edit=('model = "tiny"', 'model = "larger"')),
        Case("settings", configured=(("tables", "[answers]\nmax_tokens = 64\nhistory = 0"),)),
        Case("person", "erased", erased=f"{RARE}@example.org"),
    ]


def copied(lived: Lived, folder: Path, case: Case) -> Lived:
    """Return the same life in another folder, with the change made."""
    shutil.copytree(lived.folder, folder)
    other = Lived.__new__(Lived)
    other.__dict__.update({**lived.__dict__, "folder": folder})
    other.configure(**dict(case.configured))
    file = folder / "ragkit.toml"
    file.write_text(file.read_text().replace(*case.edit, 1))
    return other


def replayed(lived: Lived, case: Case) -> tuple[list[Replay], frozenset[str], float]:
    """Make the change, and replay all; with the requests that held who was erased. The seconds are of the replays."""
    with open_workspace(lived.folder) as workspace:
        if case.act is not None:
            case.act(workspace)
        held = erase(lived, workspace, case.erased) if case.erased else frozenset[str]()
        began = time.perf_counter()
        return list(workspace.audit.replays()), held, time.perf_counter() - began


def erase(lived: Lived, workspace: Workspace, address: str) -> frozenset[str]:
    """Erase somebody; return the requests that held them.

    Raises:
        RuntimeError: Nobody was erased, or it would show nothing: they stood in no answer, or in all.
    """
    held = lived.holding(workspace, address)
    if not 0 < len(held) < len(lived.answers):
        raise RuntimeError(f"who is erased stands in {len(held)} of {len(lived.answers)} answers: another seed")
    report = workspace.subjects.erase(address, purpose="asked for")
    if not report.complete or not sum(report.destroyed.values()):
        raise RuntimeError(f"nobody was erased: complete {report.complete}, destroyed {dict(report.destroyed)}")
    print(f"erased: {len(held)} answers held them, {len(report.redacted)} documents redacted", flush=True)
    return held


def wrongly(found: Sequence[Replay], held: frozenset[str]) -> int:
    """Count answers that held somebody erased and are replayed, and others that are not the same for no such reason."""
    wrong = 0
    for one in found:
        if one.request in held:
            well = (one.reason, one.exit_code, one.parts, one.contents) == ("erasure", 2, (), {})
        elif any(passage.fate == "erased" for passage in one.passages if passage.rank_then):
            # A document that is about the person alone goes as a whole, and takes what quotes it along.
            well = one.exit_code == 2 and (one.reason, one.causes) in (("", ("erased",)), ("erasure", ()))
        else:
            others = {part.verdict for part in one.parts if part.name != "retrieval"}
            well = not one.reason and others <= {"same", "not-deterministic"} and one.causes in ((), ("erased",))
            well = well and one.exit_code == (2 if one.causes else 0)
        wrong += not well
    return wrong


def figures(case: Case, found: Sequence[Replay], held: frozenset[str], seconds: float) -> dict[str, Any]:
    """Count verdicts by part, causes, and what is not the same without the change among its causes."""
    unnamed = [one for one in found if one.parts and one.whole != "same" and case.cause not in one.causes]
    return {
        "case": case.name,
        "answers": len(found),
        "whole": dict(Counter(one.whole for one in found)),
        "reasons": dict(Counter(one.reason for one in found if one.reason)),
        "parts": {
            name: dict(Counter(part.verdict for one in found for part in one.parts if part.name == name))
            for name in PARTS
        },
        "causes": dict(Counter(cause for one in found for cause in one.causes)),
        "unnamed": len(unnamed),
        "held": len(held),
        "wrong": wrongly(found, held) if case.erased else 0,
        "scores": sum(
            abs(passage.score_now - passage.score_then) > 2
            for one in found
            for passage in one.passages
            if passage.rank_then and passage.rank_now
        ),
        "seconds": round(seconds, 2),
    }


def show(rows: Sequence[dict[str, Any]]) -> None:
    """Print one line a case."""
    columns = ("changed", "answers", "same", *(f"{name.replace('_', ' ')} same" for name in PARTS))
    columns += ("other scores", "named causes", "unnamed", "wrong", "s an answer")
    table = []
    for row in rows:
        parts = [_share(row["parts"][name]) for name in PARTS]
        causes = ", ".join(f"{name} {count}" for name, count in {**row["causes"], **row["reasons"]}.items())
        each = round(row["seconds"] / max(1, row["answers"]), 2)
        whole = row["whole"].get("same", 0)
        table.append(
            (row["case"], row["answers"], whole, *parts, row["scores"], causes, row["unnamed"], row["wrong"], each)
        )
    print_table("Answers replayed", columns, table)


def _share(verdicts: Mapping[str, int]) -> str:
    """How many are the same, of those that can be: a model may write another text each time."""
    return f"{verdicts.get('same', 0)} of {sum(verdicts.values()) - verdicts.get('not-deterministic', 0)}"


def main() -> int:
    """Run it; 1 where something that must be the same is not, or a cause is not named."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--answers", type=int, default=ANSWERS)
    parser.add_argument("--documents", type=int, default=DOCUMENTS)
    parser.add_argument("--seed", type=int, default=SEED)
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place, sockets.loopback(), ModelServer(answering) as server:
        base = Path(place)
        (base / "keys").mkdir()
        shutil.copytree(find_model().folder, base / "model")
        (base / "model" / "note.json").write_text("{}")
        lived = Lived(base / "life", base / "keys", server.url, seed=asked.seed, documents=asked.documents)
        began = time.perf_counter()
        lived.run(answers=asked.answers, changes_every=4)
        print(f"lived {time.perf_counter() - began:.0f} s: {dict(Counter(lived.done))}", flush=True)
        for number, case in enumerate(cases(base / "model")):
            other = copied(lived, base / str(number), case)
            found, held, seconds = replayed(other, case)
            rows.append(figures(case, found, held, seconds))
            print(f"{case.name}: {rows[-1]['whole']}, {rows[-1]['causes']}", flush=True)
            shutil.rmtree(other.folder)
    show(rows)
    bad = [row for row in rows if row["unnamed"] or row["wrong"]]
    write_json("replay", {"changes": lived.done, "cases": rows}, trial=asked.answers < ANSWERS)
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
