"""Two people for one deed: asked for, granted by another, used once; and people who review, hand over and report."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ragkit import Principal, approvals, open_workspace
from ragkit.cli.main import app
from ragkit.errors import (
    AccessDenied,
    ApprovalNeeded,
    AuditUnavailable,
    ConfigError,
    HeldBack,
    SubjectUnclear,
    WriterBusy,
)
from ragkit.rootkey import create_key_file
from ragkit.store.lock import WriterLock
from ragkit.types import Evidence
from ragkit.workspace import Workspace

ANA, BEN, CLEO, EVE = (Principal(f"local|{name}") for name in ("ana", "ben", "cleo", "eve"))
TEXT = "Write to galina.yalmanova@example.org or call +44 20 7946 0999."
WHY: dict[str, Any] = {"purpose": "case 7"}


def make(folder: Path, *, more: str = "", two_person: str = '"reveal", "erase", "evidence"') -> Path:
    """Write a workspace of two collections, with officers Ana and Ben, of the second Cleo alone."""
    (folder / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{folder / "root.key"}"
[roles]
two_person = [{two_person}]
{more}
[policies.forms]
profile = "default"
detectors = []
[collections.shop]
policy = "forms"
access = ["u:local|ana"]
reveal = ["u:local|ana", "u:local|cleo"]
officers = ["u:local|ana", "u:local|ben"]
[collections.other]
policy = "forms"
access = ["u:local|ana"]
reveal = ["u:local|ana"]
officers = ["u:local|cleo"]
"""
    )
    create_key_file(folder / "root.key")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """The workspace, with a text masked in both collections."""
    with open_workspace(make(tmp_path)) as opened:
        for collection in ("shop", "other"):
            opened.mask_text(TEXT, collection=collection)
        yield opened


def events(workspace: Workspace, family: str) -> list[dict[str, Any]]:
    """Events of a family, oldest first."""
    files = sorted((workspace.config.data_folder / "events").glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    return [line for line in lines if line["type"].startswith(family)]


def asked(workspace: Workspace, text: str, who: Principal = ANA, **more: Any) -> str:
    """Ask for clear text, and return the id of the approval that it needs."""
    with pytest.raises(ApprovalNeeded) as caught:
        workspace.reveal(text, principal=who, **{"collection": "shop", **WHY, **more})
    number = str(caught.value).rsplit(" ", 1)[1]
    assert number in caught.value.remedy
    return number


def masked(workspace: Workspace) -> str:
    """The masked text."""
    return workspace.mask_text(TEXT, collection="shop")[0].record


def test_an_approval_is_asked_for_granted_and_used_once(workspace: Workspace) -> None:
    """The first officer is let through once, after the second approved; every step is in the log, durably."""
    text = masked(workspace)
    number = asked(workspace, text)
    assert asked(workspace, text) == number, "asking again asks for nothing new"
    assert not events(workspace, "pii.")
    granted = workspace.audit.approve(number, principal=BEN, **WHY)
    assert (granted.state, granted.verb, granted.collection) == ("granted", "reveal", "shop")
    assert workspace.reveal(text, collection="shop", **WHY) == TEXT
    assert [event["type"] for event in events(workspace, "approval.")] == [
        "approval.requested", "approval.granted", "approval.used",
    ]  # fmt: skip
    known = workspace._handles.recorder.known_as
    who = [event["actor"]["id"] for event in events(workspace, "approval.")]
    assert who == [known("local|ana"), known("local|ben"), known("local|ana")]
    assert asked(workspace, text) != number, "it is used up"


def test_the_one_who_asked_cannot_grant_nor_can_a_stranger(workspace: Workspace) -> None:
    """Four eyes are of two people: also of one who is an officer under two descriptions."""
    number = asked(workspace, masked(workspace))
    again = Principal("local|ana", groups=frozenset({"crm|officers"}))
    for who, purpose in ((ANA, "ok"), (again, "ok"), (EVE, "ok"), (BEN, "  ")):
        with pytest.raises(AccessDenied, match="may not approve"):
            workspace.audit.approve(number, principal=who, purpose=purpose)
    assert len(events(workspace, "auth.denied")) == 4
    assert [one.state for one in workspace.audit.approvals()] == ["requested"]
    workspace.audit.approve(number, principal=CLEO, **WHY)  # of `reveal`, so also for clear text


def test_it_fits_nothing_else(workspace: Workspace) -> None:
    """Another text, collection, person or deed needs an approval of its own."""
    text = masked(workspace)
    workspace.audit.approve(asked(workspace, text), principal=BEN, **WHY)
    asked(workspace, text + " ")
    asked(workspace, text, who=CLEO)
    asked(workspace, text, collection="other")
    with pytest.raises(ApprovalNeeded):
        workspace.quarantined(collection="shop", principal=ANA, **WHY)
    with pytest.raises(ApprovalNeeded):
        workspace.subjects.erase("galina.yalmanova@example.org", collection="shop", **WHY)
    assert workspace.reveal(text, collection="shop", **WHY) == TEXT


def test_the_name_of_one_item_is_approved_and_of_no_other(workspace: Workspace) -> None:
    """Nor those of a whole source."""
    one, other = "a" * 26, "b" * 26
    with pytest.raises(ApprovalNeeded) as caught:
        workspace.sources.name(one, collection="shop", **WHY)
    workspace.audit.approve(str(caught.value).rsplit(" ", 1)[1], principal=BEN, **WHY)
    with pytest.raises(ApprovalNeeded):
        workspace.sources.name(other, collection="shop", **WHY)
    with pytest.raises(ApprovalNeeded):
        workspace.sources.diff(collection="shop", **WHY)
    assert workspace.sources.name(one, collection="shop", **WHY) is None


def test_an_erasure_is_approved_with_all_its_choices(workspace: Workspace) -> None:
    """What is approved is exactly this erasure: not one that deletes more. A dry run needs nobody."""
    value = "galina.yalmanova@example.org"
    workspace.subjects.erase(value, collection="shop", dry_run=True, **WHY)
    with pytest.raises(ApprovalNeeded) as caught:
        workspace.subjects.erase(value, collection="shop", **WHY)
    workspace.audit.approve(str(caught.value).rsplit(" ", 1)[1], principal=BEN, **WHY)
    with pytest.raises(ApprovalNeeded):
        workspace.subjects.erase(value, collection="shop", keep_documents=True, **WHY)
    assert not events(workspace, "erasure.")
    assert workspace.subjects.erase(value, collection="shop", **WHY).request
    with pytest.raises((ApprovalNeeded, SubjectUnclear)):
        workspace.subjects.erase(value, collection="shop", **WHY)


def test_a_hold_uses_up_no_approval(tmp_path: Path) -> None:
    """Nor does another who writes: what cannot be done now is told before the approval is used, and done with it after.

    The same for an erasure and for evidence.
    """
    value, request = "galina.yalmanova@example.org", "a" * 32
    file = make(tmp_path, two_person='"erase"', more="[audit.evidence]\nkeep = true") / "ragkit.toml"
    file.write_text(
        file.read_text().replace('officers = ["u:local|cleo"]', 'officers = ["u:local|ana", "u:local|ben"]')
    )
    with open_workspace(tmp_path) as workspace:
        kept(workspace, request)
        erase = partial(workspace.subjects.erase, value, collection="shop", **WHY)
        forget = partial(workspace.audit.forget, request=request, **WHY)
        for deed in (erase, forget):
            with pytest.raises(ApprovalNeeded) as caught:
                deed()
            number = str(caught.value).rsplit(" ", 1)[1]
            workspace.audit.approve(number, principal=BEN, **WHY)
        with WriterLock(workspace.config.data_folder / "lock", command="test"):
            for deed in (erase, forget):
                with pytest.raises(WriterBusy):
                    deed()
        hold = workspace.keeping.place_hold(value=value, collection="shop", reason="case 7")
        for deed in (erase, forget):
            with pytest.raises(HeldBack):
                deed()
        assert not events(workspace, "approval.used")
        workspace.keeping.release_hold(hold.hold, reason="over", collection="shop")
        assert forget().turns == 1
        assert erase().request
        assert len(events(workspace, "approval.used")) == 2


def test_what_comes_in_pieces_is_approved_as_a_whole(workspace: Workspace) -> None:
    """A stream is read to its end, and shown in one piece when it is approved."""
    text = masked(workspace)
    number = asked(workspace, text)
    workspace.audit.approve(number, principal=BEN, **WHY)
    assert list(workspace.reveal_stream(iter([text[:9], text[9:]]), collection="shop", **WHY)) == [TEXT]
    with pytest.raises(ApprovalNeeded):
        list(workspace.reveal_stream(iter([text]), collection="shop", **WHY))


def kept(workspace: Workspace, request: str) -> str:
    """Keep the masked text as the evidence of a request, and return it."""
    text = masked(workspace)
    evidence = Evidence(collection="shop", parts={"answer": json.dumps({"text": text}).encode()})
    data = {"collection": "shop", "hits": 0, "policy": "p", "k": 1}
    workspace._handles.recorder.record("request.assembled", request=request, data=data, evidence=evidence)
    return text


def test_evidence_in_clear_needs_the_approval_of_clear_text(tmp_path: Path) -> None:
    """Though evidence as such needs none; masked it is shown, and an approval to reveal the same text is another's."""
    with open_workspace(make(tmp_path, two_person='"reveal"', more="[audit.evidence]\nkeep = true")) as workspace:
        text = kept(workspace, "a" * 32)
        workspace.audit.approve(asked(workspace, text), principal=BEN, **WHY)
        shown: Callable[..., Any] = partial(workspace.audit.evidence, "a" * 32, collection="shop", **WHY)
        assert "galina" not in shown().parts[0].text
        with pytest.raises(AccessDenied):
            shown(principal=BEN, reveal=True)
        with pytest.raises(ApprovalNeeded) as caught:
            shown(reveal=True)
        assert not events(workspace, "pii.")
        workspace.audit.approve(str(caught.value).rsplit(" ", 1)[1], principal=BEN, **WHY)
        assert TEXT in shown(reveal=True).parts[0].text
        with pytest.raises(ApprovalNeeded):
            shown(reveal=True)


def test_evidence_in_clear_needs_both_approvals_before_either_is_used(tmp_path: Path) -> None:
    """One to show masked evidence is none to show it in clear, and nothing is used up before all is granted."""
    more = "[audit.evidence]\nkeep = true"
    with open_workspace(make(tmp_path, two_person='"reveal", "evidence"', more=more)) as workspace:
        kept(workspace, "a" * 32)
        shown: Callable[..., Any] = partial(workspace.audit.evidence, "a" * 32, collection="shop", **WHY)
        with pytest.raises(ApprovalNeeded) as caught:
            shown()
        workspace.audit.approve(str(caught.value).rsplit(" ", 1)[1], principal=BEN, **WHY)
        with pytest.raises(ApprovalNeeded) as caught:
            shown(reveal=True)
        first, second = str(caught.value).rsplit(": ", 1)[1].split(", ")
        workspace.audit.approve(first, principal=BEN, **WHY)
        with pytest.raises(ApprovalNeeded):
            shown(reveal=True)
        assert not events(workspace, "approval.used")
        workspace.audit.approve(second, principal=BEN, **WHY)
        assert TEXT in shown(reveal=True).parts[0].text
        assert len(events(workspace, "approval.used")) == 2
        assert shown().parts, "the one for masked evidence is still there"


def test_time_runs_out_for_a_request_and_for_a_grant(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """After ``approval_hours`` nothing can be granted, and nothing that was granted be used."""
    text = masked(workspace)
    early, late = asked(workspace, text), asked(workspace, text + "!")
    workspace.audit.approve(early, principal=BEN, **WHY)

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(tz or UTC) + timedelta(hours=25)

    monkeypatch.setattr(approvals, "datetime", Later)
    assert {one.approval: one.state for one in workspace.audit.approvals()} == {early: "expired", late: "expired"}
    with pytest.raises(ConfigError, match="no such approval that waits"):
        workspace.audit.approve(late, principal=BEN, **WHY)
    assert asked(workspace, text) not in (early, late)


def test_an_unknown_approval_tells_a_stranger_nothing(workspace: Workspace) -> None:
    """An officer learns that there is none; who is no officer learns nothing."""
    with pytest.raises(ConfigError):
        workspace.audit.approve("0" * 32, principal=BEN, **WHY)
    with pytest.raises(AccessDenied):
        workspace.audit.approve("0" * 32, principal=EVE, **WHY)


def test_a_log_that_loses_the_use_lets_nothing_be_done(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """In best-effort mode a use that did not reach the log would be no use: then nothing is shown."""
    text = masked(workspace)
    workspace.audit.approve(asked(workspace, text), principal=BEN, **WHY)
    recorder = workspace._handles.recorder
    record: Callable[..., None] = recorder.record
    monkeypatch.setattr(
        recorder, "record", lambda kind, **more: None if kind == "approval.used" else record(kind, **more)
    )
    with pytest.raises(AuditUnavailable, match="used up"):
        workspace.reveal(text, collection="shop", **WHY)
    assert not events(workspace, "pii.")


def _try(folder: str, text: str, start: Any, results: Any) -> None:
    with open_workspace(folder) as here:
        here.reveal  # noqa: B018 - opened before the start
        start.wait(60)
        try:
            results.put(here.reveal(text, collection="shop", purpose="case 7") == TEXT)
        except ApprovalNeeded:
            results.put(False)


def test_two_processes_use_it_once(workspace: Workspace) -> None:
    """Of several that are granted the same thing once, one does it."""
    text = masked(workspace)
    workspace.audit.approve(asked(workspace, text), principal=BEN, **WHY)
    fork = multiprocessing.get_context("fork")
    start, results = fork.Barrier(4), fork.Queue()
    folder = str(workspace.config.folder)
    children = [fork.Process(target=_try, args=(folder, text, start, results)) for _ in range(4)]
    for child in children:
        child.start()
    done = [results.get(timeout=120) for _ in children]
    for child in children:
        child.join(60)
    assert sorted(done) == [False, False, False, True]
    assert len(events(workspace, "approval.used")) == 1


def test_the_command_line_names_who_acts(tmp_path: Path) -> None:
    """`audit approvals grant --as` is the second officer; a listing shows hashes and states."""
    with open_workspace(make(tmp_path)) as workspace:
        text = masked(workspace)
        number = asked(workspace, text)
    run = CliRunner().invoke
    where = ["--workspace", str(tmp_path)]
    done = run(app, ["audit", "approvals", "grant", number, "--purpose", "ok", *where])
    assert done.exit_code == 2
    assert "may not approve" in done.output
    done = run(app, ["audit", "approvals", "grant", number, "--purpose", "ok", "--as", "local|ben", "--json", *where])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["approval"]["state"] == "granted"
    shown = run(app, ["reveal", "--purpose", "call", "--collection", "shop", *where], input=text)
    assert shown.stdout == TEXT, shown.output
    listed = json.loads(run(app, ["audit", "approvals", "list", "--json", *where]).stdout)
    assert [one["state"] for one in listed["approvals"]] == ["used"]
    assert "ben" not in json.dumps(listed)
    assert "used" in run(app, ["audit", "approvals", "list", *where]).stdout
    assert run(app, ["audit", "approvals", "list", "--as", "ben", *where]).exit_code == 2


def test_incidents_are_reported_by_anybody_and_closed_once(tmp_path: Path) -> None:
    """The reason stays out of the log but for its keyed hash; closing tells how long it took."""
    with open_workspace(make(tmp_path, two_person="")) as workspace:
        masked(workspace)
        incident = workspace.audit.report_incident("serious", reason="Galina was named", principal=EVE)
        with pytest.raises(AccessDenied):
            workspace.audit.close_incident(incident, reason="done", principal=EVE)
        with pytest.raises(ConfigError, match="for a reason"):
            workspace.audit.close_incident(incident, reason=" ")
        workspace.audit.close_incident(incident, reason="done", principal=BEN)
        for number in (incident, "0" * 32):
            with pytest.raises(ConfigError, match="no such incident is open"):
                workspace.audit.close_incident(number, reason="done")
        with pytest.raises(ConfigError, match="no such severity"):
            workspace.audit.report_incident("awful")  # type: ignore[arg-type]
        reported, closed = events(workspace, "incident.")
        assert reported["data"]["severity"] == "serious"
        assert closed["data"]["incident"] == incident
        assert closed["data"]["ms"] >= 0
        assert "Galina" not in json.dumps([reported, closed])


def test_only_an_answer_is_reviewed(tmp_path: Path) -> None:
    """A review is of an answer that was given, with one of four verdicts; it says how long after."""
    with open_workspace(make(tmp_path, two_person="")) as workspace:
        masked(workspace)
        recorder, request = workspace._handles.recorder, "a" * 32
        for call in (
            lambda: workspace.audit.reviewed(request, "right"),
            lambda: workspace.audit.reviewed(request, "nice"),  # type: ignore[arg-type]
            lambda: workspace.audit.handed_off(request),
        ):
            with pytest.raises(ConfigError):
                call()
        recorder.record("query.received", request=request, session="b" * 32, data={"collection": "shop"})
        recorder.record("answer.released", request=request, data={"collection": "shop"})
        assert workspace.audit.reviewed(request, "corrected", principal=BEN) >= 0
        with pytest.raises(AccessDenied):
            workspace.audit.reviewed(request, "right", principal=EVE)
        workspace.audit.handed_off(request)
        workspace.audit.handed_off(request, taken=True, principal=BEN)
        workspace.audit.disclosed(collection="shop", text="2026-11", session="b" * 32, principal=EVE)
        reviewed, *handed = events(workspace, "human.")
        assert reviewed["data"] | {"ms": 0} == {"of": request, "verdict": "corrected", "ms": 0, "collection": "shop"}
        assert [one["data"]["taken"] for one in handed] == [False, True]
        assert {one["session"] for one in handed} == {"b" * 32}
        assert events(workspace, "disclosure.")[0]["actor"]["id"] == recorder.known_as("local|eve")


def test_people_act_by_the_command_line(tmp_path: Path) -> None:
    """`audit review` and `audit incident` print what they recorded."""
    with open_workspace(make(tmp_path, two_person="")) as workspace:
        masked(workspace)
        workspace._handles.recorder.record("answer.released", request="a" * 32, data={"collection": "shop"})
    run, where = CliRunner().invoke, ["--workspace", str(tmp_path)]
    done = run(app, ["audit", "review", "a" * 32, "--verdict", "wrong", "--json", *where])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["verdict"] == "wrong"
    assert "after the answer" in run(app, ["audit", "review", "a" * 32, "--verdict", "right", *where]).stdout
    told = json.loads(run(app, ["audit", "incident", "report", "--severity", "low", "--json", *where]).stdout)
    assert told["open"]
    done = run(app, ["audit", "incident", "close", told["incident"], "--reason", "seen", "--json", *where])
    assert not json.loads(done.stdout)["open"], done.output
    assert run(app, ["audit", "incident", "report", "--severity", "low", *where]).stdout.strip().isalnum()
