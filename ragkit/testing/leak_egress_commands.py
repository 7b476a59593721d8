"""The commands that prepare, send or count a prompt, on planted documents and with planted values in their arguments.

::

    codes = run_egress_commands(world, planting)     # after ragkit.testing.leak_egress.exercise_egress

What they say is kept under ``world.said``, where :func:`ragkit.testing.leak_egress.scan_egress` looks. They run in this
process, whose environment is the world's.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ragkit.testing.leak_egress import EgressWorld
from ragkit.testing.planting import Planting


def run_egress_commands(world: EgressWorld, planting: Planting) -> dict[str, int]:
    """Run every command that prepares, sends or counts a prompt, in this process; return their exit codes."""
    question = planting.questions[0]
    asked = world.sources / "asked.jsonl"
    row = {"id": "q1", "text": question, "answer": planting.canaries[0].value, "answerable": True}
    asked.write_text(json.dumps(row) + "\n", encoding="utf-8")
    here = ["--collection", "files"]
    commands = {
        "ask-json": ["ask", question, *here, "--json"],
        "explain-json": ["egress", "explain", question, *here, "--json"],
        "explain-sealed": ["egress", "explain", question, "--collection", "sealed"],
        "list": ["generators", "list", "--json"],
        "test": ["generators", "test", "far", "--json"],
        "test-wrong": ["generators", "test", question],
        "answers": ["eval", "answers", "--questions", str(asked), *here, "--json"],
        "answers-wrong": ["eval", "answers", "--questions", question, *here],
        "usage": ["usage", "--json"],
    }
    return {name: _command(world, name, command) for name, command in commands.items()}


def _command(world: EgressWorld, name: str, command: Sequence[str]) -> int:
    from typer.testing import CliRunner

    from ragkit.cli.main import app

    done = CliRunner().invoke(app, [*command, "--workspace", str(world.workspace)])
    lines = (
        done.stdout,
        done.stderr,
        "" if done.exception is None else repr(done.exception),
        f"status {done.exit_code}",
    )
    (world.said / f"command-{name}.txt").write_text("\n---\n".join(lines), encoding="utf-8")
    return done.exit_code
