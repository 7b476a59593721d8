"""The ways out that are processes: every command on planted documents and lists, and a detector's worker.

What they say is kept under ``world.said``, where :func:`ragkit.testing.leaks.scan` looks.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ragkit.evaluate.labelled import NATIONAL, VOCABULARY
from ragkit.testing.canaries import Canary
from ragkit.testing.leaks import World, keep_error
from ragkit.testing.planting import Planting

_LABELLED = 70
_BROKEN = """\
[workspace]
name = "broken"
owner = "local|leaks"
[keys]
source = "env"
[policies.ours]
profile = "default"
[policies.ours.deny.letters]
entity_type = "PERSON"
file = {letters}
[policies.ours.deny.table]
entity_type = "PERSON"
sql = {{url = {{env = "RAGKIT_LEAKS_CRM"}}, query = {query}}}
[policies.ours.allow.driver]
sql = {{url = {{env = "RAGKIT_LEAKS_BROKEN"}}, query = "select name from customers"}}
[collections.files]
access = ["u:local|leaks"]
policy = "ours"
[[collections.files.sources]]
connector = "files"
name = "folder"
path = {files}
"""
_WORKER = """\
import json, os, struct, sys
requests, answers = sys.stdin.buffer, sys.stdout.buffer
while len(prefix := requests.read(4)) == 4:
    request = json.loads(requests.read(struct.unpack(">I", prefix)[0]))
    answer = json.dumps({{"ready": 9}} if "load" in request else {{"failed": request["texts"][0]}}).encode()
    with open({told!r}, "ab") as told:
        told.write(open("/proc/self/cmdline", "rb").read() + open("/proc/self/environ", "rb").read())
    answers.write(struct.pack(">I", len(answer)) + answer)
    answers.flush()
"""


def run_commands(world: World, planting: Planting, people: Sequence[Canary] = ()) -> None:
    """Run the command line on what was planted and keep both its outputs.

    Args:
        world: Lived in.
        planting: What was planted.
        people: Who stands in the lists, for lists that cannot be read.
    """
    question, labelled = planting.questions[0], str(write_labelled(world, planting))
    files = ["--collection", "files"]
    reading = {
        "ask-json": ["ask", question, "--collection", "lines", "--json"],
        "search": ["search", question, *files, "--json"],
        "status": ["status"],
        "doctor": ["doctor", "--json"],
        "policy": ["policy", "show", "ours", "--json"],
        "wrong-filter": ["ask", question, *files, "--filter", f"unknown={question}"],
        "wrong-file": ["eval", "retrieval", "--queries", question, "--qrels", question, *files],
        "wrong-labelled": ["eval", "pii", question, *files],
        "misses": ["eval", "pii", labelled, "--misses", "100", "--limit", "20", *files],
        "misses-json": ["eval", "pii", labelled, "--misses", "100", *files, "--json"],
    }
    _run(world, "sync", ["sync"], world.workspace)
    with ThreadPoolExecutor(2) as pool:
        done = [pool.submit(_run, world, name, command, world.workspace) for name, command in reading.items()]
        if people:
            _break(world, people)
            done += [
                pool.submit(_run, world, f"broken {command}", command.split(), world.broken, _secret(people))
                for command in ("sync", "doctor", "policy show ours")
            ]
        for one in done:
            one.result()
    world.make(profile="strict")
    changing = {
        "remask-dry": ["remask", "--dry-run", "--json"],
        "remask": ["remask", "--json"],
        "ask": ["ask", question, *files],
    }
    for name, command in changing.items():
        _run(world, name, command, world.workspace)


def write_labelled(world: World, planting: Planting) -> Path:
    """Labelled text of the planted canaries: some labels cover what is found, some what is missed."""
    path = world.sources / "labelled.jsonl"
    with path.open("w", encoding="utf-8") as lines:
        for number, canary in enumerate(planting.canaries[:_LABELLED]):
            known = canary.entity_type in VOCABULARY or NATIONAL.fullmatch(canary.entity_type)
            kind = canary.entity_type if known else "UNIQUE_ID"
            # Nobody looks for these words alone; the next canary stands beside them, found or labelled elsewhere.
            hidden = f"for {canary.value.lower()} and".replace("@", " at ")
            other = planting.canaries[number - 1].sentence
            text = f"{canary.sentence} Packed {hidden} the rest. {other}"
            at = text.index(hidden)
            first = text.index(canary.value)
            spans = [
                {"start": first, "end": first + len(canary.value), "label": kind},
                {"start": at + 4, "end": at + len(hidden) - 4, "label": "PERSON"},
            ]
            lines.write(json.dumps({"text": text, "spans": spans}) + "\n")
    return path


def ask_worker(world: World, questions: Sequence[str]) -> None:
    """Let GLiNER's worker process be one that tells its arguments and environment, and fails with the text it got."""
    from ragkit.detect.gliner import GlinerDetector

    model, python = world.sources / "model", world.sources / "python"
    model.mkdir(exist_ok=True)
    for name in ("gliner_config.json", "tokenizer_config.json"):
        (model / name).write_text("{}")
    (model / "model.safetensors").write_bytes(b"")
    worker = world.sources / "worker.py"
    worker.write_text(_WORKER.format(told=str(world.said / "worker.txt")))
    arguments = world.said / "worker-arguments.txt"
    python.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > "{arguments}"\nexec "{sys.executable}" -I "{worker}"\n')
    python.chmod(python.stat().st_mode | stat.S_IXUSR)
    detector = GlinerDetector(str(model), python=str(python), threads=1)
    try:
        detector.load()
        for number, question in enumerate(questions):
            keep_error(world.said / f"error-worker-{number}.txt", lambda text=question: detector.detect([text]))  # type: ignore[misc]
    finally:
        detector.close()


def _run(world: World, name: str, command: Sequence[str], workspace: Path, more: dict[str, str] | None = None) -> None:
    environment = {**os.environ, **world.environment(), **(more or {})}
    whole = [sys.executable, "-m", "ragkit", *command, "--workspace", str(workspace)]
    done = subprocess.run(whole, capture_output=True, env=environment, check=False)  # noqa: S603 (our own command)
    told = b"\n---\n".join((done.stdout, done.stderr, f"status {done.returncode}".encode()))
    (world.said / f"command-{name.replace(' ', '-')}.txt").write_bytes(told)


def _break(world: World, people: Sequence[Canary]) -> None:
    """Make the workspace whose lists cannot be read: no text, no such column, no driver. Each could say a name."""
    letters = world.sources / "lists" / "letters.txt"
    letters.write_bytes(f"{people[0].value}\n".encode() + b"\xff\xfe\n" + people[1].value.encode())
    config = _BROKEN.format(
        letters=json.dumps(str(letters)),
        query=json.dumps(f'select "{people[2].value}", nothing from customers'),  # noqa: S608 (it has to fail)
        files=json.dumps(str(world.sources / "files")),
    )
    (world.broken / "ragkit.toml").write_text(config)


def _secret(people: Sequence[Canary]) -> dict[str, str]:
    (name,) = people[3].needles
    return {"RAGKIT_LEAKS_BROKEN": f"nodriver://{name}:{name}@db.example.com/{name}"}
