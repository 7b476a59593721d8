"""What an answer was made of, in a real workspace: kept whole, shown to officers, gone with a person or its age."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ragkit import open_workspace
from ragkit.audit.evidence_forms import from_bytes, read_conversation, read_question
from ragkit.audit.reading import read_events
from ragkit.cli.main import app
from ragkit.config import load_config
from ragkit.errors import AccessDenied, ApprovalNeeded, ConfigError, EvidenceGone, HeldBack
from ragkit.lifecycle.bytescan import PatternScanner, spellings
from ragkit.lifecycle.evidence import end_evidence
from ragkit.lifecycle.holds import Holds
from ragkit.store.rotation import admit
from ragkit.testing import sockets
from ragkit.testing.recording_server import RecordingServer
from ragkit.types import Conversation, Principal
from ragkit.workspace import Workspace

from .conftest import DOCUMENTS, MakeWorkspace

NAME, MAIL, OTHER = "Galina Yalmanova", "galina.yalmanova@example.org", "Henrik Thorvald"
HERS, HIS, NOBODYS = (
    "What was repaired for Galina Yalmanova?",
    "Whose burner broke, Mr Thorvald's?",
    "How long are tents covered?",
)
EXTRA = """
[policies.default]
detectors = []
[audit.evidence]
keep = true
[generators.far]
kind = "openai_compatible"
model = "large"
destination = "far"
[destinations.far]
url = "http://127.0.0.1:{port}/v1"
location = "on-prem"
provider = "ours"
max_data_class = "confidential"
"""

FILTERED = '[collections.shop]\nfilter_keys = ["customer"]\n'


@pytest.fixture(scope="module")
def server() -> Iterator[RecordingServer]:
    """A provider that keeps every byte."""
    reply = {"model": "large", "choices": [{"message": {"content": "It will be repaired. [1]"}}]}
    with sockets.loopback(), RecordingServer(reply=json.dumps(reply).encode()) as running:
        yield running


@pytest.fixture(scope="module")
def synced(make_workspace: MakeWorkspace, server: RecordingServer) -> Path:
    """A synced workspace that is to keep evidence."""
    folder = make_workspace(DOCUMENTS, collection='officers = ["u:local|ana"]', extra=EXTRA.format(port=server.port))
    with open_workspace(folder) as here:
        here.sync()
    return folder


@pytest.fixture
def shop(synced: Path, tmp_path: Path) -> Iterator[Workspace]:
    """A copy of it, open."""
    with open_workspace(shutil.copytree(synced, tmp_path / "shop")) as here:
        yield here


def changed(synced: Path, to: Path, old: str, new: str) -> Path:
    """A copy that is configured otherwise."""
    shutil.copytree(synced, to)
    file = to / "ragkit.toml"
    assert old in file.read_text()
    file.write_text(file.read_text().replace(old, new))
    return to


def events(here: Workspace, kind: str) -> list[dict[str, Any]]:
    """The events of a type."""
    return list(read_events(here.config.data_folder / "events", kind=kind))


def cause(here: Workspace, request: str) -> str:
    """Why there is no evidence."""
    with pytest.raises(EvidenceGone) as gone:
        here.audit.evidence(request, purpose="test")
    return gone.value.cause


def test_an_answer_is_kept_whole_and_fits_the_record(shop: Workspace) -> None:
    """Question, passages and answer, masked, each as its event committed to it; the log holds no word of them."""
    conversation = Conversation()
    shop.ask(NOBODYS, conversation=conversation)
    answer = shop.ask(HERS, conversation=conversation, k=4)
    shown = shop.audit.evidence(answer.request_id, purpose="complaint 17")
    assert [part.role for part in shown.parts] == ["question", "retrieved", "answer"]
    assert shown.matches
    assert [part.kind for part in shown.parts] == ["request.assembled", "request.assembled", "answer.released"]
    asked = read_question(shown.parts[0].content)
    assert asked.question.text == answer.question
    assert (asked.k, asked.filters) == (4, None)
    assert [turn.question.record for turn in asked.turns] == [NOBODYS]
    found = shown.parts[1].value()
    assert [one["chunk_id"] for one in found] == [hit.chunk_id for hit in answer.hits]
    assert [one["record"] for one in found] == [hit.chunk.record for hit in answer.hits]
    assert shown.parts[2].value()["text"] == answer.text
    assert set(shown.documents) == {(hit.doc_id, hit.version) for hit in answer.hits}
    log = b"".join(path.read_bytes() for path in (shop.config.data_folder / "events").glob("*.jsonl"))
    assert b"repaired" not in log
    assert {event["session"] for event in events(shop, "request.assembled")} == {conversation.id}
    (seen,) = events(shop, "access.evidence")
    assert (seen["data"]["of"], seen["data"]["parts"]) == (answer.request_id, 3)


def test_clear_text_is_for_whom_reveal_names(shop: Workspace) -> None:
    """Masked by default; revealed, the name stands where its token stood, and the log says so."""
    request = shop.ask(HERS).request_id
    assert not any(NAME in part.text for part in shop.audit.evidence(request, purpose="test").parts)
    shown = shop.audit.evidence(request, purpose="test", reveal=True)
    assert NAME in shown.parts[0].text
    assert shown.matches
    assert events(shop, "pii.unmasked")


def test_what_leaves_is_kept_byte_by_byte(shop: Workspace, server: RecordingServer) -> None:
    """The prompt with what was drawn for it, the body that was sent, the reply that came."""
    conversation = Conversation()
    answer = shop.ask(HERS, generator="far", conversation=conversation)
    kept = shop._handles.evidence.read(answer.request_id)
    assert list(kept) == ["question", "retrieved", "prompt", "request_body", "response_body", "answer"]
    prompt, body = from_bytes(kept["prompt"]), json.loads(kept["request_body"])
    assert [one["content"] for one in prompt["messages"]] == [one["content"] for one in body["messages"]]
    assert prompt["code"] in body["messages"][1]["content"]
    assert kept["request_body"] in bytes(server.received)
    assert json.loads(kept["response_body"])
    again = read_conversation(kept["prompt"])
    assert (again.id, again.secret, again.aliases) == (conversation.id, conversation.secret, conversation.aliases)
    assert shop.audit.evidence(answer.request_id, purpose="test").matches
    assert {event["session"] for event in events(shop, "egress.")} == {conversation.id}


def test_a_stream_that_is_left_keeps_what_was_shown(shop: Workspace) -> None:
    """The text that had been given by then, and that no more was."""
    pieces = shop.ask_stream(NOBODYS)
    shown = str(next(pieces))
    pieces.close()  # type: ignore[attr-defined]
    (left,) = events(shop, "answer.abandoned")
    kept = from_bytes(shop._handles.evidence.read(left["request"])["answer"])
    assert kept == {"text": shown, "abandoned": True}


def test_searches_keep_question_and_numbers_without_text(shop: Workspace) -> None:
    """One alone and several together; what was found can be compared and is not copied."""
    hits = shop.search(NOBODYS)
    shop.search_many([NOBODYS, HERS], k=3)
    one, many = (event["request"] for event in events(shop, "request.assembled"))
    kept = shop._handles.evidence.read(one)
    assert [[hit["chunk_id"] for hit in found] for found in from_bytes(kept["retrieved"])] == [
        [hit.chunk_id for hit in hits]
    ]
    assert len(from_bytes(shop._handles.evidence.read(many)["question"])) == 2
    assert b"record" not in kept["retrieved"]


def test_what_was_filtered_by_is_not_kept_in_clear(synced: Path, tmp_path: Path) -> None:
    """Nothing masks a filter's value: its keyed hash is kept, and finds the same again."""
    with open_workspace(changed(synced, tmp_path / "shop", "[collections.shop]\n", FILTERED)) as here:
        here.sync()
        request = here.ask(NOBODYS, filters={"customer": NAME}).request_id
        here.search(NOBODYS, filters={"customer": NAME})
        here.search_many([NOBODYS], filters={"customer": NAME})
        for one in (event["request"] for event in events(here, "request.assembled")):
            kept = b"".join(here._handles.evidence.read(one).values()).decode().casefold()
            assert not [word for word in NAME.casefold().split() if word in kept]
        asked = read_question(here._handles.evidence.read(request)["question"])
        mac = here._handles.reader("shop").store.filter_mac("customer", NAME)
        assert asked.filters == {"customer": mac.hex()}
        assert here.audit.replay(request).whole == "same"


def test_nothing_is_kept_where_it_is_not_asked_for(synced: Path, tmp_path: Path) -> None:
    """No file, no event, and a request that says why there is nothing."""
    with open_workspace(changed(synced, tmp_path / "shop", "keep = true", "keep = false")) as here:
        request = here.ask(NOBODYS).request_id
        assert cause(here, request) == "missing"
        assert not events(here, "request.assembled")
        assert not list(here.config.data_folder.glob("evidence.db*"))


def test_who_is_no_officer_sees_nothing(shop: Workspace) -> None:
    """The same refusal whether or not something is there; also without a purpose."""
    request = shop.ask(NOBODYS).request_id
    for asked, purpose, who in ((request, "test", Principal("local|ben")), ("0" * 32, " ", None)):
        with pytest.raises(AccessDenied):
            shop.audit.evidence(asked, purpose=purpose, principal=who)
    assert not events(shop, "access.evidence")


def test_a_part_that_somebody_removed_is_named(shop: Workspace) -> None:
    """The record commits to it, so its absence is seen."""
    request = shop.ask(NOBODYS).request_id
    with shop._handles.evidence._file.writing() as database:
        database.execute("DELETE FROM parts WHERE role = 'retrieved'")
    shown = shop.audit.evidence(request, purpose="test")
    assert shown.missing == ("retrieved",)
    assert not shown.matches


def test_erasing_a_person_takes_their_evidence(shop: Workspace) -> None:
    """At every level, in files and receipt; what others asked about others stays, and she is in no byte."""
    conversation = Conversation()
    hers = shop.ask(HERS, conversation=conversation).request_id
    after = shop.ask(NOBODYS, conversation=conversation).request_id
    undetected = shop.ask("is the zip of yalmanova mended", k=1).request_id
    his = shop.ask(HIS, k=1, filters=None).request_id
    held = shop.subjects.export(MAIL, purpose="test")["evidence"]
    assert held["questions"] >= 2
    report = shop.subjects.erase(MAIL, purpose="request 9")
    assert report.complete
    assert set(report.levels.values()) == {"true"}
    step = json.loads(report.receipt)
    assert "evidence" in json.dumps(step)
    assert cause(shop, hers) == cause(shop, after) == cause(shop, undetected) == "erasure"
    texts = [text.decode() for _, parts in shop._handles.evidence.contents("shop") for text in parts]
    assert not [text for text in texts if "yalmanova" in text.lower()]
    (gone,) = events(shop, "evidence.destroyed")
    assert gone["data"]["cause"] == "erasure"
    assert gone["data"]["turns"] >= 3
    patterns = [one for number, value in enumerate((NAME, MAIL)) for one in spellings(value, number)]
    assert not PatternScanner(patterns).scan_tree(shop.config.data_folder)
    assert his in shop._handles.evidence.requests("shop") or cause(shop, his) == "erasure"


def test_a_correction_leaves_evidence_readable(shop: Workspace) -> None:
    """The old value's key is destroyed, though nobody is erased: what it sealed is bound to the new value's."""
    request = shop.ask(HERS).request_id
    before = shop.audit.evidence(request, purpose="test").parts
    shop.subjects.correct(NAME, "Galina Yalmanowa", purpose="request 3")
    after = shop.audit.evidence(request, purpose="test")
    assert [part.content for part in after.parts] == [part.content for part in before]
    assert after.matches
    shop.subjects.erase(MAIL, purpose="request 9")
    assert cause(shop, request) == "erasure"


def test_evidence_ends_at_its_age_unless_a_hold_keeps_it(shop: Workspace) -> None:
    """A document under hold, or a value under one, keeps what was answered about it."""
    about_her = shop.ask(HERS, k=1).request_id
    about_nobody = shop.ask(NOBODYS, k=1).request_id
    store, part = shop._handles.evidence, shop._handles.reader("shop")
    shop.keeping.place_hold(value=MAIL, reason="case 7")
    later = datetime.now(UTC) + timedelta(days=184)
    holds = Holds(part.store.database, part.collection)
    gone = end_evidence(store, "shop", holds, shop._handles.recorder, days=183, now=later)
    assert gone.turns == 1
    assert cause(shop, about_nobody) == "age"
    assert shop.audit.evidence(about_her, purpose="test").matches
    with pytest.raises(HeldBack):
        shop.audit.forget(request=about_her, purpose="test")


def test_an_officer_lets_evidence_go(shop: Workspace) -> None:
    """By request, by dialogue, by who asked; exactly one of them, and the log says so."""
    conversation, ben = Conversation(), Principal("local|ben")
    first = shop.ask(NOBODYS).request_id
    second = shop.ask(NOBODYS, conversation=conversation).request_id
    third = shop.ask(NOBODYS, principal=ben).request_id
    with pytest.raises(ConfigError):
        shop.audit.forget(purpose="test", request=first, asker="local|ben")
    for wanted in ({"request": first}, {"conversation": conversation.id}, {"asker": "local|ben"}):
        assert shop.audit.forget(purpose="test", **wanted).turns == 1
    assert {cause(shop, one) for one in (first, second, third)} == {"request"}
    assert [event["data"]["cause"] for event in events(shop, "evidence.destroyed")] == ["request"] * 3


def test_what_is_not_gone_yet_is_told(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader in the way keeps what was destroyed in the log: the result says so, and the command fails."""
    monkeypatch.setattr("ragkit.lifecycle.evidence.WAIT_SECONDS", 0.2)
    first, second = shop.ask(NOBODYS).request_id, shop.ask(NOBODYS).request_id
    (trace,) = shop._handles.evidence.traces([first])
    file = shop.config.data_folder / "evidence.db"
    held = [file, file.with_name("evidence.db-wal")]
    with closing(sqlite3.connect(file, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM turns").fetchone()
        gone = shop.audit.forget(request=first, purpose="test")
        assert (gone.turns, gone.emptied) == (1, False)
        assert any(trace in path.read_bytes() for path in held)
        where = ["--workspace", str(shop.config.folder), "--purpose", "test"]
        told = CliRunner().invoke(app, ["audit", "forget", "--request", second, "--json", *where])
        assert (told.exit_code, json.loads(told.stdout)["emptied"]) == (1, False)
    assert shop.audit.forget(request=first, purpose="test").emptied
    assert not any(trace in path.read_bytes() for path in held)


def test_a_second_officer_may_be_needed(synced: Path, tmp_path: Path) -> None:
    """Where the configuration says so, nothing is shown before another officer approved."""
    two = '[roles]\ntwo_person = ["evidence"]\n[audit.evidence]'
    with open_workspace(changed(synced, tmp_path / "shop", "[audit.evidence]", two)) as here:
        request = here.ask(NOBODYS).request_id
        with pytest.raises(ApprovalNeeded):
            here.audit.evidence(request, purpose="test")
        assert not events(here, "access.evidence")


def test_the_command_shows_and_judges(shop: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Masked in the terminal and as JSON; exit code 1 where it is not what was recorded."""
    request = shop.ask(HERS).request_id
    monkeypatch.setenv("RAGKIT_WORKSPACE", str(shop.config.folder))
    run: Callable[..., Any] = CliRunner().invoke
    told = run(app, ["audit", "evidence", request, "--purpose", "test"])
    assert told.exit_code == 0, told.output
    assert "as recorded in event" in told.stdout
    assert NAME not in told.stdout
    found = json.loads(run(app, ["audit", "evidence", request, "--purpose", "test", "--json"]).stdout)
    assert found["matches"]
    assert [part["role"] for part in found["parts"]] == ["question", "retrieved", "answer"]
    assert NAME in run(app, ["audit", "evidence", request, "--purpose", "test", "--reveal", "--whole"]).stdout
    assert run(app, ["audit", "evidence", request]).exit_code != 0
    gone = run(app, ["audit", "forget", "--request", request, "--purpose", "test"])
    assert "1 question(s)" in gone.stdout
    refused = run(app, ["audit", "evidence", request, "--purpose", "test"])
    assert refused.exit_code != 0
    assert "destroyed by an officer" in refused.output


def test_a_backup_has_no_evidence(shop: Workspace, tmp_path: Path) -> None:
    """A copy would be kept for another time than the evidence itself."""
    shop.ask(HERS)
    assert (shop.config.data_folder / "evidence.db").exists()
    shop.keeping.backup(tmp_path / "copy", keys=tmp_path / "keys")
    copied = [path.name for place in ("copy", "keys") for path in (tmp_path / place).rglob("*")]
    assert "records.db" in copied
    assert not [name for name in copied if "evidence" in name]


def test_another_root_key_opens_what_was_kept_before(shop: Workspace) -> None:
    """The secret that wraps evidence stays the same when the root key is changed."""
    request = shop.ask(NOBODYS).request_id
    with shop._handles.writing("test") as database:
        admit(database, shop._handles.root_key, bytes(range(32)))
    config = load_config(shop.config.folder)
    with Workspace(config, root_key=bytes(range(32))) as other:
        assert other.audit.evidence(request, purpose="test").matches
