"""Every verb that writes: done in the service where one runs, with the same outcome as without."""

from __future__ import annotations

import inspect
import json
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
import typer
from typer.testing import CliRunner

import ragkit
from ragkit.cli.main import app
from ragkit.control.deeds import DEEDS, argument, result
from ragkit.errors import WriterBusy
from ragkit.testing import sockets
from ragkit.testing.service import copy_shop
from ragkit.workspace import Workspace
from ragkit.workspace_parts import WorkspaceParts

MAIL, OTHER, NEW, NAME = (
    "galina.yalmanova@example.org",
    "Henrik Thorvald",
    "Henrik Thorwaldsen",
    "Ottokar Brandstetter",
)
PASSPHRASE = "correct horse battery staple and some more of it"
WHY = ["--purpose", "case 7 of Brandstetter"]
PONCHO = "Ponchos are waterproof up to the knee."

WRITES: Mapping[str, Sequence[str] | str] = {
    "sync": ["sync"],
    "rebuild": ["rebuild"],
    "remask": ["remask"],
    "mask": ["mask_text"],
    "subject correct": ["subjects.correct"],
    "subject restrict": ["subjects.restrict"],
    "subject lift": ["subjects.lift"],
    "subject erase": ["subjects.erase"],
    "subject resume": ["subjects.resume"],
    "retention run": ["keeping.retain"],
    "hold place": ["keeping.place_hold"],
    "hold release": ["keeping.release_hold"],
    "key rotate": ["keys.rotate", "keys.rotate_wrapping", "keys.finish"],
    "key escrow": ["keys.escrow_to_passphrase", "keys.escrow_to_officer", "keys.escrow_in_shares"],
    "audit forget": ["audit.forget"],
    "quarantine retry": ["sources.retry"],
    "documents add": ["documents.take_in"],
    "documents delete": ["documents.clear_away"],
    "restore": "puts other files in the place of those that the service has open: the service is stopped first",
}
"""What takes the writer's lock: the methods that the service does for it, or why it needs the service stopped."""

BY_ITSELF = {
    "backup": "reads a snapshot while others write; its entry in the key file is one transaction of SQLite",
    "key recover": "writes a key file outside the data directory, where nothing opens the workspace",
    "sources add": "writes ragkit.toml; a service reads that at its start",
    "init": "there is nothing yet that a service could serve",
}
"""What writes and is nobody's business but its own."""


def _verbs(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _verbs(inner, (*path, name))
    else:
        yield " ".join(path), command


def test_every_verb_that_writes_has_a_decision() -> None:
    """A verb that calls what takes the lock stands in the table, and calls it on the workspace that `opened` gives."""
    verbs = dict(_verbs(typer.main.get_command(app)))
    calls = {
        verb: {
            method
            for method in re.findall(r"here\.([a-z_.]+)\(", inspect.getsource(inspect.unwrap(command.callback)))
            if method in DEEDS
        }
        for verb, command in verbs.items()
    }
    through = {verb: set(methods) for verb, methods in WRITES.items() if not isinstance(methods, str)}
    assert {verb: methods for verb, methods in calls.items() if methods} == through
    assert set(WRITES) | set(BY_ITSELF) <= set(verbs)
    used = {method for methods in through.values() for method in methods}
    assert set(DEEDS) - used == {"subjects.finish_corrections"}, "for libraries; `subject resume` does it"


def test_no_verb_writes_past_the_service() -> None:
    """No module of the command line opens a workspace by itself, and none but these take a lock of their own."""
    package = Path(ragkit.__file__).parent
    opening = [path.name for path in (package / "cli").glob("*.py") if "open_workspace(" in path.read_text()]
    assert opening == ["session.py"]
    locking = [
        path.relative_to(package).as_posix() for path in package.rglob("*.py") if "WriterLock(" in path.read_text()
    ]
    assert sorted(locking) == ["lifecycle/backup.py", "restoring.py", "store/turns.py"]


def _module(made: Any) -> str:
    """The module from which a room is imported."""
    (place,) = re.findall(r"from (ragkit\.[a-z_.]+) import", inspect.getsource(made))
    return str(place)


@pytest.mark.parametrize("method", DEEDS)
def test_every_method_has_arguments_and_a_result_that_travel(method: str) -> None:
    """Each argument and each result has a form; who asks and the progress are told in forms of their own."""
    of: Any = Workspace
    room, _, name = method.rpartition(".")
    if room:
        found = getattr(WorkspaceParts, room)
        made = getattr(found, "func", None) or found.fget
        of = getattr(import_module(_module(made)), made.__annotations__["return"])
    taken = inspect.signature(getattr(of, name)).parameters
    assert "principal" in taken
    for one in taken.keys() - {"self", "principal", "progress"}:
        assert argument(one)
    assert result(method)
    reads = DEEDS[method].reads_with
    assert reads is None or reads[0] in taken


# --- the same outcome ---------------------------------------------------------------------------------------------


@dataclass
class Shop:
    """A copy of the shop, and what its verbs gave.

    Attributes:
        folder: Where it is.
        beside: A folder outside, for what verbs write.
        kept: Ids that later verbs need.
    """

    folder: Path
    beside: Path
    kept: dict[str, str] = field(default_factory=dict)

    def events(self) -> list[dict[str, Any]]:
        """All events so far."""
        files = sorted((self.folder / ".ragkit" / "events").glob("*.jsonl"))
        return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]

    def run(self, *command: str, stdin: str | None = None) -> tuple[int, str, str]:
        """Run a verb of the command line."""
        done = CliRunner().invoke(app, [*command, "--workspace", str(self.folder)], input=stdin)
        return done.exit_code, done.stdout, done.stderr


Act = Callable[[Shop], tuple[int, str, str]]


def _hold(shop: Shop) -> tuple[int, str, str]:
    done = shop.run("hold", "place", "--source", "open", "--reason", NAME, "--json")
    shop.kept["hold"] = json.loads(done[1])["hold"]
    return done


def _restrict(shop: Shop) -> tuple[int, str, str]:
    done = shop.run("subject", "restrict", MAIL, *WHY, "--reason", NAME, "--json")
    shop.kept["restriction"] = json.loads(done[1])["request"]
    return done


def _sync(shop: Shop) -> tuple[int, str, str]:
    (shop.folder / "open" / "ponchos.md").write_text(f"# Ponchos\n\n{PONCHO}\n")
    return shop.run("sync", "--json")


def _retry(shop: Shop) -> tuple[int, str, str]:
    bad = shop.folder / "open" / "bad.pdf"
    bad.write_bytes(b"%PDF-1.7 no")
    assert shop.run("sync", "--source", "open")[0] == 1
    bad.unlink()
    return shop.run("quarantine", "retry", "--source", "open", "--json")


def _escrow(shop: Shop) -> tuple[int, str, str]:
    (shop.beside / "shares").mkdir()
    secret = shop.beside / "passphrase"
    secret.touch(mode=0o600)
    secret.write_text(PASSPHRASE)
    first = shop.run("key", "escrow", str(shop.beside / "a.key"), "--passphrase-file", str(secret))
    assert first[0] == 0, first
    assert (shop.beside / "a.key").stat().st_mode & 0o777 == 0o600
    return shop.run("key", "escrow", str(shop.beside / "shares"), "--shares", "2/3", "--json")


def _add(shop: Shop) -> tuple[int, str, str]:
    (shop.beside / "kayak.md").write_text(f"# Kayaks\n\n{NAME} owns the Ottermere kayak.\n")
    done = shop.run("documents", "add", str(shop.beside / "kayak.md"), "--metadata", "topic=boats", "--json")
    shop.kept["document"] = json.loads(done[1])["doc_id"]
    return done


STEPS: Mapping[str, Act] = {
    "sync": _sync,
    "sync --dry-run": lambda s: s.run("sync", "--dry-run", "--json"),
    "sync --permissions": lambda s: s.run("sync", "--permissions", "--json"),
    "quarantine retry": _retry,
    "mask": lambda s: s.run("mask", "--json", stdin=f"Write to {NAME}, ottokar.brandstetter@example.org."),
    "documents add": _add,
    "documents delete": lambda s: s.run("documents", "delete", s.kept["document"], "--json"),
    "hold place": _hold,
    "hold release": lambda s: s.run("hold", "release", s.kept["hold"], "--reason", NAME, "--json"),
    "subject correct": lambda s: s.run("subject", "correct", OTHER, "--to", NEW, *WHY, "--json"),
    "subject restrict": _restrict,
    "subject lift": lambda s: s.run("subject", "lift", s.kept["restriction"], *WHY, "--reason", NAME),
    "retention run": lambda s: s.run("retention", "run", "--yes", "--json"),
    "rebuild": lambda s: s.run("rebuild"),
    "key rotate --wrapping": lambda s: s.run("key", "rotate", "--wrapping", "--json"),
    "key rotate": lambda s: s.run("key", "rotate", "--keep-old", str(s.beside / "old.key"), "--json"),
    "key rotate --finish": lambda s: s.run("key", "rotate", "--finish", "--json"),
    "key escrow": _escrow,
    "remask": lambda s: s.run("remask", "--json"),
    "audit forget": lambda s: s.run("audit", "forget", "--asker", "local|ana", *WHY, "--json"),
    "subject erase, nobody": lambda s: s.run("subject", "erase", "nobody@example.org", *WHY, "--yes"),
    "subject erase": lambda s: s.run("subject", "erase", MAIL, *WHY, "--yes", "--json"),
    "subject resume": lambda s: s.run("subject", "resume", "--json"),
}
SLOW = {
    "rebuild": {"index.generation.built", "index.generation.activated"},
    "remask": {"ingest.run.started", "ingest.run.finished"},
    "subject erase": {"erasure.receipt", "key.destroyed"},
}
"""Steps that are not gone through without a service, too, with events that they must leave."""
_ANYWHERE = {"model.loaded", "log.opened", "log.closed", "workspace.opened", "config.changed", "principal.seen"}
"""What a process leaves, whatever it is asked."""
_ASKED = {"query.received", "retrieval.done", "auth.ok", "checkpoint", "service.started"}
"""What the questions leave that are asked over HTTP meanwhile, what is signed now and then, and the service's own."""


def _told(events: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """Types, actors and outcomes, each once, of what the verb itself did."""
    return sorted(
        {(one["type"], one["actor"]["id"], one["outcome"]) for one in events if one["type"] not in _ANYWHERE | _ASKED}
    )


def _shape(done: tuple[int, str, str]) -> Any:
    """What must be the same: the exit status, the errors, the keys and the plain counts; times and ids are others."""
    code, out, err = done
    try:
        payload = json.loads(out)
    except ValueError:
        return code, re.sub(r"[0-9a-f]{32}|\d+\.\d+", "…", out), err
    counts = {key: value for key, value in payload.items() if isinstance(value, int | bool) and "ms" not in key}
    return code, sorted(payload), counts, err


@pytest.fixture(scope="module")
def compared(
    synced_shop: Path,
    tmp_path_factory: pytest.TempPathFactory,
    serve: Callable[..., AbstractContextManager[Any]],
    home: Callable[..., AbstractContextManager[None]],
) -> Iterator[tuple[dict[str, Any], dict[str, Any], Shop, Any, list[Any]]]:
    """All steps without a service and then with one, which is asked over HTTP all the time."""
    place = tmp_path_factory.mktemp("verbs")
    for name in ("alone", "served"):  # what they sign goes apart
        shutil.copytree(synced_shop.parent / "config" / "ragkit", place / f"{name}-home" / ".config" / "ragkit")
    with home(place / "alone-home"):
        alone = _one(synced_shop, place / "alone", port=0)
        without = {step: _step(alone, act) for step, act in STEPS.items() if step not in SLOW}
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with home(place / "served-home"), sockets.loopback():
        shop = _one(synced_shop, place / "served", port=port)
        with serve(shop.folder, place / "service.log") as service:
            asked: list[Any] = []
            over = threading.Event()
            while not _answers(port):
                time.sleep(0.05)
            asker = threading.Thread(target=_ask, args=(f"http://127.0.0.1:{port}", over, asked))
            asker.start()
            try:
                through = {step: _step(shop, act) for step, act in STEPS.items()}
            finally:
                over.set()
                asker.join(60)
            yield without, through, shop, service, asked


def _one(synced_shop: Path, folder: Path, *, port: int) -> Shop:
    folder.mkdir()
    extra = '[[collections.shop.sources]]\nconnector = "uploads"\nname = "uploads"\n'
    extra += (
        f'[serve]\nauthentication = "unsafe_none"\nport = {port}\n[[retention]]\ncollection = "shop"\ndays = 1000\n'
    )
    copied = copy_shop(synced_shop, folder / "shop", extra=extra)
    key = folder / "root.key"  # the copies change it
    key.write_bytes((synced_shop.parent / "shop.key").read_bytes())
    key.chmod(0o600)
    text = (copied / "ragkit.toml").read_text()
    (copied / "ragkit.toml").write_text(text.replace(str(synced_shop.parent / "shop.key"), str(key)))
    return Shop(copied, folder)


def _step(shop: Shop, act: Act) -> dict[str, Any]:
    before = len(shop.events())
    done = act(shop)
    left = shop.events()[before:]
    return {"done": done, "events": left}


def _answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def _ask(url: str, over: threading.Event, asked: list[Any]) -> None:
    """Ask all the time; keep what is wrong."""
    with httpx.Client(base_url=url, timeout=60) as client:
        while True:
            try:
                found = client.post("/v1/search", json={"question": "waterproof ponchos up to the knee", "k": 3})
                asked.append((found.status_code, found.text))
            except httpx.HTTPError as bad:
                asked.append((0, type(bad).__name__))
            if over.wait(0.4):
                return


@pytest.mark.parametrize("step", STEPS)
def test_a_verb_does_the_same_with_and_without_a_service(compared: Any, step: str) -> None:
    """Exit status, output, counts, errors, and the events with their actors are the same."""
    without, through, *_ = compared
    if step in SLOW:
        assert through[step]["done"][0] == 0
        assert SLOW[step] <= {event["type"] for event in through[step]["events"]}
        return
    assert _shape(through[step]["done"]) == _shape(without[step]["done"])
    assert _told(through[step]["events"]) == _told(without[step]["events"])


def test_the_service_did_it(compared: Any) -> None:
    """Every event of every step was written by one process, the service; nothing was written by the command line.

    But for handing a document in and taking it back, which need no lock: only what follows goes to the service.
    """
    _, through, _shop, _service, _ = compared
    ours = {"upload.received", "upload.destroyed", "checkpoint"}
    told = {event["type"] for step in STEPS for event in through[step]["events"]}
    assert ours <= told
    events = [
        event
        for step in STEPS
        for event in through[step]["events"]
        if not (step.startswith("documents ") and event["type"] in ours | _ANYWHERE)
    ]
    assert {step for step in STEPS if not through[step]["events"]} <= {"subject erase, nobody", "subject resume"}
    assert len({event["writer"] for event in events}) == 1


def test_questions_were_answered_all_the_time(compared: Any) -> None:
    """No question over HTTP failed while keys, masks and people changed; after the sync, what it brought was found."""
    *_, asked = compared
    assert len(asked) > 20
    assert {status for status, _ in asked} == {200}, [text for status, text in asked if status != 200][:3]
    assert "waterproof up to the knee" in asked[-1][1]


def test_every_verb_of_the_table_was_gone_through() -> None:
    """A verb that is new in the table needs a step here."""
    through = {verb for verb, methods in WRITES.items() if not isinstance(methods, str)}
    assert {verb for verb in through if not any(step.startswith(verb) for step in STEPS)} == set()


def test_nothing_in_clear_is_left_of_it(compared: Any) -> None:
    """What went over the socket is in no file of the data directory and in nothing that the service printed."""
    _, _, shop, service, _ = compared
    clear = [one.encode() for one in (MAIL, OTHER, NEW, NAME, PASSPHRASE, "ottokar.brandstetter", "case 7")]
    files = [path for path in (shop.folder / ".ragkit").rglob("*") if path.is_file()]
    assert len(files) > 10
    for path in [*files, service.log]:
        held = path.read_bytes()
        assert not [one for one in clear if one in held], path.name


def test_others_are_told_who_has_it(compared: Any) -> None:
    """A library, `ragkit restore` and a second `ragkit serve` are refused at once, by its name, and do no damage."""
    _, _, shop, service, _ = compared
    named = f"process {service.process.pid} on"
    with ragkit.open_workspace(shop.folder) as workspace, pytest.raises(WriterBusy, match=named) as busy:
        workspace.sync()
    assert "Write through it" in busy.value.remedy
    before = {path: path.stat().st_mtime_ns for path in shop.folder.rglob("records*.db")}
    code, _, err = shop.run("restore", str(shop.beside / "nothing"), "--yes")
    assert (code, named in err, "stop it first" in err) == (2, True, True)
    assert before == {path: path.stat().st_mtime_ns for path in shop.folder.rglob("records*.db")}
    second = subprocess.run(
        [sys.executable, "-m", "ragkit", "serve", "--workspace", str(shop.folder)],
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert (second.returncode, named in second.stderr) == (2, True), second.stderr
    assert service.process.poll() is None
