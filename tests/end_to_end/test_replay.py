"""A workspace lives for a while, and every answer it gave is made again; where one is not, the cause is named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.audit.reading import read_events
from ragkit.compliance.events import EventLog
from ragkit.compliance.replay_log import Recorded, recorded
from ragkit.compliance.replay_report import Replay
from ragkit.errors import AccessDenied, EvidenceGone, NotReproducible, UnknownId
from ragkit.models.weights import find_model
from ragkit.testing import sockets
from ragkit.testing.lived import BEN, COLLECTION, Lived, without_graph
from ragkit.testing.lived_shop import RARE, answering
from ragkit.testing.model_servers import ModelServer
from ragkit.types import Conversation
from ragkit.workspace import Workspace

ANSWERS = 14
PERSON = f"{RARE}@example.org"


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """Fourteen answers, with updates, deletions, changed rights and a rebuilt index between and after them."""
    base = tmp_path_factory.mktemp("lived")
    (base / "keys").mkdir()
    with sockets.loopback(), ModelServer(answering) as server:
        lived = Lived(base / "workspace", base / "keys", server.url, seed=11, documents=10)
        with without_graph():
            lived.run(answers=ANSWERS, changes_every=4)
            yield lived


@pytest.fixture
def again(life: Lived, tmp_path: Path) -> Callable[..., Lived]:
    """Return a function that gives a copy of the life, with another configuration."""

    def copied(**changed: str) -> Lived:
        folder = tmp_path / "workspace"
        shutil.copytree(life.folder, folder)
        other = Lived.__new__(Lived)
        other.__dict__.update({**life.__dict__, "folder": folder})
        other.configure(**changed)
        return other

    return copied


def replays(lived: Lived) -> list[Replay]:
    """Every answer, replayed."""
    with open_workspace(lived.folder) as workspace:
        return list(workspace.audit.replays())


def verdicts(replay: Replay) -> dict[str, str]:
    """By part."""
    return {part.name: part.verdict for part in replay.parts}


def test_every_answer_is_made_again(life: Lived) -> None:
    """The same chunks in the same order with the same scores, and the same bytes of prompt, request and answer."""
    assert {"update", "shrink", "rights", "rebuild"} & set(life.done)
    found = replays(life)
    assert [one.request for one in found] == [one.request for one in life.answers]
    for one, asked in zip(found, life.answers, strict=True):
        told = dict.fromkeys(("evidence", "retrieval", "passages"), "same")
        if asked.generator == "house":
            told |= {"prompt": "same", "request_body": "same", "answer": "not-deterministic"}
        else:
            told |= {"answer": "same"}
        assert (one.whole, verdicts(one)) == ("same", told), asked
        assert all(abs(passage.score_now - passage.score_then) <= 2 for passage in one.passages)
        assert one.contents == {}
    assert any(passage.fate == "past" for one in found for passage in one.passages)
    assert any(change.what == "index" for change in found[0].changes)
    events = list(read_events(life.folder / ".ragkit" / "events", kind="replay.run"))
    assert [event["data"]["of"] for event in events[-ANSWERS:]] == [one.request for one in life.answers]
    assert all(event["data"]["same"] for event in events[-ANSWERS:])


def test_another_encoder_is_named(again: Callable[..., Lived], tmp_path: Path) -> None:
    """The question cannot be embedded as it was: the search is not run, and says why; the prompt is the same."""
    shutil.copytree(find_model().folder, tmp_path / "model")
    (tmp_path / "model" / "note.json").write_text("{}")
    for one in replays(again(tables=f'[embedder]\nmodel = "{tmp_path / "model"}"'))[:6]:
        assert (one.whole, one.exit_code) == ("differs", 1)
        assert one.part("retrieval").verdict == "not-run"
        assert one.causes == ("encoder",), [(p.name, p.verdict, p.causes, p.bytes_then, p.bytes_now) for p in one.parts]
        assert one.part("passages").verdict == "same"
        assert verdicts(one).get("prompt", "same") == "same"


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"policy": "default_threshold = 0.36"}, "policy"),
        ({"tables": "[chunker]\nmax_tokens = 128"}, "chunker"),
    ],
)
def test_what_made_everything_anew_is_named(again: Callable[..., Lived], changed: dict[str, str], cause: str) -> None:
    """Without a window of history the chunks of then are gone; the change that replaced them is the cause."""
    lived = again(audit="history = {days = 0}", **changed)
    with open_workspace(lived.folder) as workspace:
        workspace.remask() if cause == "policy" else workspace.sync()
        found = [workspace.audit.replay(asked.request) for asked in lived.answers[:4]]
    for one in found:
        assert (one.whole, one.exit_code) == ("cannot", 2)
        for name in ("retrieval", "passages"):
            assert one.part(name).verdict == "gone"
            assert {cause, "history"} >= set(one.part(name).causes) - {"purged"} >= {cause}
        assert {part.verdict for part in one.parts[3:]} <= {"gone", "not-deterministic"}
        assert any(change.what == cause for change in one.changes)


def test_with_a_window_of_history_they_are_the_same(again: Callable[..., Lived]) -> None:
    """Masked under another policy since, the answers of then are still made again from the chunks of then."""
    lived = again(policy="default_threshold = 0.36")
    with open_workspace(lived.folder) as workspace:
        workspace.remask()
        one = workspace.audit.replay(lived.answers[0].request)
    assert (one.whole, one.causes) == ("same", ())
    assert {"policy", "index", "documents"} <= {change.what for change in one.changes}


def test_another_model_is_named_in_the_request(again: Callable[..., Lived]) -> None:
    """The prompt is the same; the request names another model, and the generator is the cause."""
    lived = again()
    file = lived.folder / "ragkit.toml"
    file.write_text(file.read_text().replace('model = "tiny"', 'model = "larger"'))
    asked = next(one for one in lived.answers if one.generator == "house")
    with open_workspace(lived.folder) as workspace:
        one = workspace.audit.replay(asked.request)
    assert verdicts(one)["prompt"] == "same"
    assert (one.part("request_body").verdict, one.part("request_body").causes) == ("differs", ("generator",))


def test_settings_of_then_are_taken_for_the_prompt(again: Callable[..., Lived]) -> None:
    """Shorter answers and no history are configured now; the prompts of then are written as then."""
    lived = again(tables="[answers]\nmax_tokens = 64\nhistory = 0")
    asked = [one.request for one in lived.answers if one.generator == "house"]
    with open_workspace(lived.folder) as workspace:
        assert {workspace.audit.replay(one).whole for one in asked} == {"same"}


def test_what_was_erased_is_not_reproducible(again: Callable[..., Lived]) -> None:
    """Evidence that is destroyed gives no verdict but this one; what became of the passages is still told."""
    lived = again()
    request = lived.answers[0].request
    with open_workspace(lived.folder) as workspace:
        workspace.audit.forget(request=request, purpose="asked for")
        one = workspace.audit.replay(request)
    assert (one.whole, one.exit_code, one.reason) == ("cannot", 2, "request")
    assert one.parts == ()
    assert one.passages
    assert {passage.text for passage in one.passages} <= {"gone", "not-kept"}


def test_who_was_erased_is_in_no_replay(again: Callable[..., Lived]) -> None:
    """Answers that held a person go with them; those that never did are the same, and what is lost to them is named."""
    lived = again()
    with open_workspace(lived.folder) as workspace:
        held = lived.holding(workspace, PERSON)
        assert 0 < len(held) < len(lived.answers)
        report = workspace.subjects.erase(PERSON, purpose="request 9")
        assert (report.complete, report.destroyed, report.deleted) == (True, {"EMAIL_ADDRESS": 1}, ())
        found = {one.request: one for one in workspace.audit.replays()}
        assert {name for name, one in found.items() if one.reason} == held
        for one in (found.pop(request) for request in held):
            assert (one.whole, one.exit_code, one.reason, one.parts) == ("cannot", 2, "erasure", ())
            assert {passage.text for passage in one.passages} <= {"gone", "not-kept"}
        with pytest.raises(EvidenceGone):
            workspace.audit.replay(min(held), evidence=True, purpose="complaint 17")
    whole = [one for one in found.values() if all(passage.fate != "erased" for passage in one.passages)]
    assert whole
    for one in whole:
        assert {part.verdict for part in one.parts if part.name != "retrieval"} <= {"same", "not-deterministic"}
        assert (one.whole, one.causes) in (("same", ()), ("cannot", ("erased",)))
    for one in found.values():
        assert (one.exit_code, one.causes) in ((0, ()), (2, ("erased",)))


@pytest.mark.parametrize(("around", "cause"), [(timedelta(days=1), "moment"), (timedelta(0), "unknown")])
def test_what_nothing_explains_is_said(
    life: Lived, monkeypatch: pytest.MonkeyPatch, around: timedelta, cause: str
) -> None:
    """The log tells another order than is found: a change at that moment may be why, or nothing that is known."""
    monkeypatch.setattr("ragkit.compliance.replay_search.UNSHARP", around)
    monkeypatch.setattr("ragkit.compliance.replay.recorded", _upside_down)
    with open_workspace(life.folder) as workspace:
        one = workspace.audit.replay(life.answers[2].request)
    assert (one.whole, one.exit_code, one.causes) == ("differs", 1, (cause,))
    assert (one.part("retrieval").verdict, one.part("passages").verdict) == ("same-set", "same")


def test_an_altered_part_is_not_what_the_log_commits_to(again: Callable[..., Lived]) -> None:
    """Evidence that somebody changed is told apart from an answer that differs."""
    import sqlite3

    lived = again()
    with sqlite3.connect(lived.folder / ".ragkit" / "evidence.db") as database:
        database.execute("UPDATE parts SET sealed = zeroblob(400) WHERE role = 'question'")
    with open_workspace(lived.folder) as workspace:
        one = workspace.audit.replay(lived.answers[0].request)
    assert (one.whole, one.causes) == ("differs", ("evidence",))


def test_who_may(life: Lived) -> None:
    """An auditor is told verdicts; content is an officer's, who gives a purpose; what is no question is told."""
    request = next(one.request for one in life.answers if one.generator == "house")
    with open_workspace(life.folder) as workspace:
        with pytest.raises(AccessDenied):
            workspace.audit.replay(request, principal=BEN)
        with pytest.raises(AccessDenied):
            workspace.audit.replay(request, evidence=True)
        with pytest.raises(UnknownId):
            workspace.audit.replay("0" * 32)
        shown = workspace.audit.replay(request, evidence=True, purpose="complaint 17")
        then, now = shown.contents["prompt"]
        assert then == now
        assert b"BEGIN SOURCE" in then
        masked = next(iter(workspace.audit.log("text.masked", limit=1)), None)
        if masked is not None:
            with pytest.raises(NotReproducible):
                workspace.audit.replay(masked["request"])


def test_a_search_is_replayed(life: Lived) -> None:
    """A search without an answer has no prompt, and no text is kept of it; its chunks are compared."""
    with open_workspace(life.folder) as workspace:
        workspace.search("How long does the warranty of a tent last?", k=5)
        request = _last(workspace)
        one = workspace.audit.replay(request)
    assert (one.whole, verdicts(one)) == ("same", {"evidence": "same", "retrieval": "same"})


def test_a_conversation_that_is_long_is_replayed(life: Lived) -> None:
    """Each turn sees those before it, and the aliases given out in them."""
    with open_workspace(life.folder) as workspace:
        dialogue = Conversation()
        requests = [
            workspace.ask(question, generator="house", conversation=dialogue).request_id
            for question in (
                "Who repairs a tent?",
                "To whom do I write about a stove?",
                "And the rental?",
                "And a boot?",
            )
        ]
        assert {workspace.audit.replay(one).whole for one in requests} == {"same"}


def test_the_command_says_the_same(life: Lived) -> None:
    """One answer as JSON, without content; its blast radius by document."""
    asked = life.answers[0]
    done = _ragkit(life, "replay", asked.request, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["ragkit"], told["whole"], told["contents"]) == ("audit_replay/1", "same", {})
    passage = told["passages"][0]
    found = json.loads(_ragkit(life, "blast-radius", passage["doc"], "--json").stdout)
    assert asked.request in [use["request"] for use in found["uses"]]
    words = (min(life._texts["open"]), "--source", "open", "--purpose", "complaint", "-c", COLLECTION, "--json")
    named = _ragkit(life, "blast-radius", *words)
    assert named.returncode == bool(json.loads(named.stdout)["uses"])
    assert _ragkit(life, "replay").returncode == 2


def _ragkit(lived: Lived, verb: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ragkit", "audit", verb, *words, "--workspace", str(lived.folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _upside_down(log: EventLog, request: str) -> Recorded:
    found = recorded(log, request)
    return replace(found, found=found.found[::-1])


def _last(workspace: Workspace) -> str:
    (event,) = workspace.audit.log("retrieval.done", limit=1)
    return str(event["request"])
