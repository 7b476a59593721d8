"""``sync`` that goes on: what is due by which interval, a line a run, errors passed, an end in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit.cli.scheduled import Plan, Rounds, tasks_of
from ragkit.cli.shapes import SHAPES
from ragkit.errors import ConfigError, SourceError, WriterBusy
from ragkit.ingest.report import SyncReport
from ragkit.scheduling import Round, Task
from ragkit.testing.service import copy_shop


def plan(**given: Any) -> Plan:
    """A plan with nothing but this."""
    return Plan(**{"every": None, "permissions_every": None, "scheduled": False, "watch": False, **given})


INTERVALS = {"a/x": ("5m", "1m"), "a/y": (None, None)}


@pytest.mark.parametrize(
    ("given", "tasks"),
    [
        ({"every": "15m"}, [("a/x", "sync", 300), ("a/x", "permissions", 60), ("a/y", "sync", 900)]),
        ({"scheduled": True}, [("a/x", "sync", 300), ("a/x", "permissions", 60)]),
        (
            {"permissions_every": "2m"},
            [("a/x", "sync", 300), ("a/x", "permissions", 60), ("a/y", "permissions", 120)],
        ),
        ({"watch": True}, []),
    ],
)
def test_a_source_keeps_its_own_interval(given: dict[str, Any], tasks: list[tuple[str, str, int]]) -> None:
    """What ragkit.toml says of a source comes before the command line; watching alone sets no beat."""
    assert tasks_of(INTERVALS, plan(**given)) == [Task(*one) for one in tasks]  # type: ignore[arg-type]


def test_no_interval_is_no_schedule() -> None:
    """A duration that is none is refused; what goes on is known."""
    with pytest.raises(ConfigError, match="not a duration"):
        tasks_of(INTERVALS, plan(every="often"))
    assert [plan().goes_on, plan(watch=True).goes_on, plan(every="1h").goes_on] == [False, True, True]


def report(**sources: str) -> SyncReport:
    """What a sync of these sources of `a` came to; a name of an error for each that failed."""
    return SyncReport.together(
        SyncReport(collection="a", source=name, added=1, failed=failed, message="it is away" if failed else "")
        for name, failed in sources.items()
    )


def test_a_line_a_run_and_past_what_fails(capsys: pytest.CaptureFixture[str]) -> None:
    """Errors of sources, of the writer and of the program are each told, without their text where it may hold some."""
    script: list[Any] = [
        report(x="", y="SourceError"),
        WriterBusy("the service is writing", remedy="Wait."),
        SourceError("x is away", remedy="Look."),
        ValueError("Ana Kovač wrote this"),
        report(x=""),
    ]
    asked: list[dict[str, Any]] = []

    def sync(**options: Any) -> SyncReport:
        asked.append(options)
        step = script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step  # type: ignore[no-any-return]

    rounds = Rounds(sync, as_json=True)
    assert rounds(Round(("a/x", "a/y"))) == ["a/y"]
    assert rounds.exit_code == 2
    for _ in range(3):
        assert rounds(Round(("a/x",))) == ["a/x"]
        assert rounds.exit_code == 2
    rounds(Round((), ("a/x",)))
    printed = capsys.readouterr().out
    assert "Kovač" not in printed
    lines = [json.loads(line) for line in printed.splitlines()]
    assert all(line.keys() == {"ragkit", *SHAPES["sync_run"].fields} for line in lines)
    assert [line["failed"] for line in lines] == ["SourceError", "WriterBusy", "SourceError", "ValueError", ""]
    assert [line["kind"] for line in lines] == ["sync"] * 4 + ["permissions"]
    assert asked[0] == {"only": ("a/x", "a/y"), "permissions": False}
    assert asked[4] == {"only": ("a/x",), "permissions": True}


def test_the_status_is_that_of_each_sources_last_run() -> None:
    """One that failed once and is well again counts as well; one that did not come again still counts as failed."""
    came = iter([report(x="SourceError", y="SourceError"), report(x="")])
    rounds = Rounds(lambda **_: next(came), as_json=True)
    rounds(Round(("a/x", "a/y")))
    rounds(Round(("a/x",)))
    assert rounds.ended == {("a/x", "sync"): 0, ("a/y", "sync"): 2}
    assert rounds.exit_code == 2


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--every", "15m", "--dry-run"], "does not go with a schedule"),
        (["--watch", "--allow-mass-delete"], "does not go with a schedule"),
    ],
)
def test_what_is_done_once_is_not_scheduled(ragkit_cli: Any, standin: Any, options: list[str], says: str) -> None:
    """A mass deletion let pass again and again, or a dry run for ever, is a mistake."""
    done = ragkit_cli("sync", *options)
    assert (done.exit_code, says in done.stderr) == (2, True)
    assert standin.calls == []


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_a_real_one_syncs_on_its_beat_and_on_news_and_ends_in_order(
    synced_shop: Path, tmp_path: Path, number: signal.Signals
) -> None:
    """A process with both: it takes in what a beat and what a change bring, and ends with 0 when it is told to."""
    shop = copy_shop(synced_shop, tmp_path / "shop", extra="[serve]\nport = 0\n")
    command = [sys.executable, "-m", "ragkit", "sync", "--watch", "--json", "--workspace", str(shop)]
    command += ["--every", "2s"] if number == signal.SIGTERM else []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ}) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = json.loads(process.stdout.readline())
        assert (first["places"], first["failed"]) == (["shop/open", "shop/staff"], "")
        (shop / "staff" / "kayak.md").write_text("# Kayaks\n\nThe Ottermere kayak floats.\n")
        until, added = time.monotonic() + 60, 0
        while not added and time.monotonic() < until:
            line = json.loads(process.stdout.readline())
            added = line["report"]["added"]
        assert added == 1
        process.send_signal(number)
        assert process.wait(60) == 0
        assert process.stderr.read().endswith(b"Stopped.\n")
