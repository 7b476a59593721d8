"""`ragkit audit check`: what each check finds, what it says about it, and that it shows no text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ragkit import Principal, open_workspace
from ragkit.cli.main import app
from ragkit.compliance import checks
from ragkit.compliance.checks import ABOUT, Check, exit_code, run_checks
from ragkit.compliance.checks_residual import _is_label, upper_bound
from ragkit.errors import AccessDenied, ConfigError, StoreError
from ragkit.rootkey import create_key_file
from ragkit.testing.stages import FakeEmbedder
from ragkit.types import Evidence
from ragkit.workspace import Workspace

ANA, BEN = Principal("local|ana", kind="local"), Principal("local|ben")

CONFIG = """
[workspace]
name = "test"
id = "abc"
owner = "local|ana"
[keys]
source = "file"
path = "{folder}/root.key"
[roles]
ingesters = ["u:local|ana"]
operators = ["u:local|ana"]
auditors = ["u:local|ana"]
[[audit.anchors]]
name = "archive"
kind = "file"
path = "{folder}/archive.txt"
[destinations.near]
url = "https://near.example/v1"
location = "remote"
provider = "near-ai"
region = "eu-1"
contract = "DPA-1"
[generators.bare]
kind = "llama_index"
[collections.shop]
access = ["u:local|ana"]
officers = ["u:local|ana"]
"""

Make = Callable[..., Workspace]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Return a function that opens a workspace, its configuration changed by replacements."""
    create_key_file(tmp_path / "root.key")
    opened: list[Workspace] = []

    def made(*changes: tuple[str, str], more: str = "") -> Workspace:
        text = CONFIG.format(folder=tmp_path)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (tmp_path / "ragkit.toml").write_text(text + more)
        opened.append(open_workspace(tmp_path))
        return opened[-1]

    yield made
    for workspace in opened:
        workspace.close()


def record(workspace: Workspace, kind: str, *, actor: Principal = ANA, request: str = "", **data: Any) -> int:
    """Record an event; return its number."""
    recorder = workspace._handles.recorder
    recorder.record(kind, actor=actor, request=request, data=data)
    recorder.flush()
    lines = [line for path in segments(workspace) for line in path.read_bytes().splitlines()]
    return int(next(event["seq"] for event in map(json.loads, reversed(lines)) if event["type"] == kind))


def segments(workspace: Workspace) -> list[Path]:
    """The files of the log."""
    return sorted((workspace.config.data_folder / "events").glob("*.jsonl"))


def look(workspace: Workspace, name: str, **options: Any) -> list[Check]:
    """Run one check."""
    return run_checks(workspace._handles, [name], **options)


def codes(found: list[Check], level: str = "finding") -> list[str]:
    """The codes of a level."""
    return [one.code for one in found if one.level == level]


def only(found: list[Check], level: str = "finding") -> Check:
    """The one result of a level."""
    (one,) = [one for one in found if one.level == level]
    return one


# --- running ---------------------------------------------------------------------------------------------------------


def test_a_workspace_in_order_is_clean(make: Make) -> None:
    """Signed, anchored, written down: every check says ok, and the exit status is 0."""
    workspace = make()
    workspace.audit.anchor()
    found = workspace.audit.check()
    assert {one.name for one in found if one.level == "ok"} >= {*ABOUT} - {"residual"}
    assert [asdict(one) for one in found if one.level in ("finding", "unchecked")] == []
    assert exit_code(found) == 0


def test_checking_is_an_event_with_its_codes(make: Make) -> None:
    """What was found is in the log, by code."""
    workspace = make(("officers", "reveal"))
    look(workspace, "permissions")
    last = json.loads(segments(workspace)[-1].read_bytes().splitlines()[-1])
    assert (last["type"], last["outcome"]) == ("audit.checked", "error")
    assert last["data"]["codes"] == {"permissions.no-officer": 1}


def test_a_finding_outweighs_what_could_not_be_checked() -> None:
    """1 before 2 before 0; a notice counts as nothing."""
    made = {
        level: Check(name="log", level=level, code="x", detail="") for level in ("ok", "notice", "finding", "unchecked")
    }  # type: ignore[arg-type]
    assert exit_code([made["ok"], made["notice"]]) == 0
    assert exit_code([made["ok"], made["unchecked"]]) == 2
    assert exit_code([made["unchecked"], made["finding"]]) == 1
    assert exit_code([]) == 0


def test_a_check_that_fails_does_not_stop_the_others(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that it could not look, and why."""
    workspace = make()

    def broken(*_: object) -> None:
        raise StoreError("the record store is damaged", remedy="Restore it.")

    monkeypatch.setattr(type(workspace._handles), "known", broken)
    found = run_checks(workspace._handles, ["drift", "egress"])
    assert [(one.name, one.level) for one in found] == [("egress", "ok"), ("drift", "unchecked")]
    assert found[1].remedy == "Restore it."


def test_who_may_check_and_what_there_is(make: Make) -> None:
    """Auditors; and a name that is none is refused with those there are."""
    workspace = make()
    with pytest.raises(AccessDenied):
        workspace.audit.check("log", principal=BEN)
    with pytest.raises(ConfigError) as refused:
        workspace.audit.check("loq")
    assert "residual" in refused.value.remedy


# --- the record ------------------------------------------------------------------------------------------------------


def test_log_names_the_event_that_was_edited(make: Make, tmp_path: Path) -> None:
    """The finding of the verifier, with its place."""
    workspace = make()
    record(workspace, "auth.ok", verb="ask", via="local")
    workspace.audit.checkpoint()
    file = segments(workspace)[-1]
    file.write_bytes(file.read_bytes().replace(b'"verb":"ask"', b'"verb":"sak"'))
    found = look(workspace, "log")
    assert "tree" in codes(found)
    assert all(one.remedy for one in found if one.level == "finding")


def test_log_is_held_to_the_anchors_on_this_machine(make: Make, tmp_path: Path) -> None:
    """A file that an anchor wrote is a checkpoint from elsewhere."""
    workspace = make()
    workspace.audit.anchor()
    assert only(look(workspace, "log"), "ok").counts["anchored"] > 0
    archive = tmp_path / "archive.txt"
    raw = archive.read_text().split("\n")
    raw[2] = ("B" if raw[2][0] == "A" else "A") + raw[2][1:]
    archive.write_text("\n".join(raw))
    assert codes(look(workspace, "log")) == ["kept-signature"]


def test_anchors_want_a_place_and_a_fresh_checkpoint(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """None configured, never taken, taken today, taken too long ago, failing."""
    workspace = make()
    never = only(look(workspace, "anchors"))
    assert (never.code, "never" in never.detail) == ("overdue", True)
    workspace.audit.anchor()
    assert codes(look(workspace, "anchors"), "ok") == ["anchors"]
    failed = record(workspace, "anchor.failed", anchor="archive", size=4, code="timeout")
    failing = only(look(workspace, "anchors"))
    assert (failing.code, failing.counts["failed"]) == ("failing", 1)
    assert failed in failing.seqs
    workspace.audit.anchor()
    later(monkeypatch, days=2)
    assert codes(look(workspace, "anchors")) == ["overdue"]


def test_no_anchor_is_a_finding(make: Make) -> None:
    """Then nothing stops the holder of the key."""
    workspace = make(("[[audit.anchors]]", "[[audit.sinks]]"), ("archive.txt", "copy.jsonl"))
    assert codes(look(workspace, "anchors")) == ["none"]


def test_gaps_are_counted_by_kind(make: Make) -> None:
    """Lost events are a finding, a recovered line explains itself."""
    workspace = make()
    record(workspace, "log.dropped", events=3)
    found = look(workspace, "gaps")
    assert "dropped" in codes(found)
    assert only([one for one in found if one.code == "dropped"]).seqs


def later(monkeypatch: pytest.MonkeyPatch, **time: float) -> None:
    """Let the checks run at a later time."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime.now(UTC) + timedelta(**time)

    monkeypatch.setattr(checks, "datetime", Clock)


# --- what went out ---------------------------------------------------------------------------------------------------

NEAR = {"destination": "near", "provider": "near-ai", "location": "remote", "bytes": 10, "collection": "shop"}


def test_egress_finds_what_is_in_no_register(make: Make) -> None:
    """A destination that left ragkit.toml, with the events of each prompt."""
    workspace = make()
    seqs = []
    for number in range(3):
        request = f"{number:032x}"
        seqs.append(record(workspace, "egress.intent", request=request, **{**NEAR, "destination": "far"}))
        record(workspace, "egress.done", request=request, destination="far", status=200)
    found = only(look(workspace, "egress"))
    assert (found.code, found.seqs, found.counts["prompts"]) == ("unregistered", tuple(seqs), 3)
    assert "far" in found.detail


def test_egress_finds_what_went_past_the_gateway(make: Make) -> None:
    """By the generator."""
    workspace = make()
    seq = record(workspace, "egress.unsafe", request="1" * 32, generator="bare", collection="shop", location="remote")
    found = only(look(workspace, "egress"))
    assert (found.code, found.seqs) == ("unsafe", (seq,))


def test_egress_finds_what_may_have_left(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """An intent without an end, once it cannot be running any more."""
    workspace = make()
    seq = record(workspace, "egress.intent", request="1" * 32, **NEAR)
    assert codes(look(workspace, "egress")) == []
    later(monkeypatch, minutes=20)
    found = only(look(workspace, "egress"))
    assert (found.code, found.seqs) == ("open", (seq,))


def test_egress_wants_contract_and_region(make: Make) -> None:
    """Of whoever is not on the own premises."""
    found = only(look(make(('contract = "DPA-1"\n', "")), "egress"))
    assert (found.code, "contract" in found.detail, "region" in found.detail) == ("unnamed", True, False)
    assert codes(look(make(('contract = "DPA-1"\n', ""), ('"remote"', '"on-prem"')), "egress")) == []


def test_blocked_prompts_and_probes_are_no_findings(make: Make) -> None:
    """Nothing left."""
    workspace = make()
    record(workspace, "egress.blocked", request="1" * 32, destination="far", provider="x", location="remote")
    record(workspace, "egress.probed", destination="far", provider="x", location="remote")
    assert codes(look(workspace, "egress")) == []


def test_vault_finds_reveals_without_a_purpose(make: Make) -> None:
    """By whom, by name where ragkit.toml has one."""
    workspace = make()
    record(workspace, "pii.unmasked", collection="shop", tokens=2, purpose="h:" + "a" * 26)
    seq = record(workspace, "pii.unmasked", actor=BEN, collection="shop", tokens=4)
    found = only(look(workspace, "vault"))
    assert (found.code, found.seqs, found.counts) == ("no-purpose", (seq,), {"times": 1, "tokens": 4})
    assert found.detail.startswith("#")
    mine = record(workspace, "pii.unmasked", collection="shop", tokens=1)
    assert [one.seqs for one in look(workspace, "vault") if "local|ana" in one.detail] == [(mine,)]


def test_vault_tells_a_day_with_unusually_many(make: Make) -> None:
    """Many, and many times the usual."""
    workspace = make()
    purpose = "h:" + "a" * 26
    for number in range(3):
        actor = Principal(f"local|clerk-{number}")
        record(workspace, "pii.unmasked", actor=actor, collection="shop", tokens=2, purpose=purpose)
    seq = record(workspace, "pii.unmasked", actor=BEN, collection="shop", tokens=400, purpose=purpose)
    found = only(look(workspace, "vault"), "notice")
    assert (found.code, found.seqs, found.counts) == ("many", (seq,), {"tokens": 400})


def test_vault_looks_at_who_may_be_shown_values(make: Make) -> None:
    """Everybody is a finding, a group a notice."""
    found = look(make(("officers", 'reveal = ["pub", "g:crm|sales"]\nofficers')), "vault")
    assert codes(found) == ["everybody"]
    assert codes(found, "notice") == ["groups"]
    assert {one.collection for one in found} == {"shop"}


# --- who may ---------------------------------------------------------------------------------------------------------


def test_permissions_find_lists_that_are_open_or_absent(make: Make) -> None:
    """`pub` where the documents are not public, nobody to answer requests, roles that are not written."""
    workspace = make(('access = ["u:local|ana"]', 'access = ["pub"]'), ("officers =", "reveal ="), ("operators", "#"))
    found = look(workspace, "permissions")
    assert codes(found) == ["everybody", "no-officer"]
    assert codes(found, "notice") == ["roles"]
    assert "operators" in only(found, "notice").detail
    public = make(('access = ["u:local|ana"]', 'access = ["pub"]\ndata_class = "public"'))
    assert codes(look(public, "permissions")) == []


def test_roles_that_are_not_written_are_a_finding_in_the_compliance_mode(make: Make) -> None:
    """There they have to be."""
    assert codes(look(make(("operators", "#"), more='[audit]\nmode = "compliance"\n'), "permissions")) == ["roles"]


def test_permissions_are_to_be_looked_at_now_and_then(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not on the first day; later it is a finding, until somebody says that they looked."""
    workspace = make()
    assert codes(look(workspace, "permissions")) == []
    with monkeypatch.context() as patched:
        later(patched, days=91)
        assert codes(look(workspace, "permissions")) == ["review"]
        assert codes(look(workspace, "permissions", review_days=100)) == []
    shown = workspace.audit.review_permissions()
    assert shown["shop"]["access"] == ("u:local|ana",)
    assert shown["roles"]["two_person"] == ()
    assert codes(look(workspace, "permissions")) == []
    changed = make(("officers =", 'reveal = ["u:local|eve"]\nofficers ='))
    assert codes(look(changed, "permissions"), "notice") == ["changed"]
    later(monkeypatch, days=91)
    assert codes(look(changed, "permissions")) == ["review"]


def test_only_auditors_review(make: Make) -> None:
    """It is a reading of who may what."""
    with pytest.raises(AccessDenied):
        make().audit.review_permissions(principal=BEN)


# --- what is kept ----------------------------------------------------------------------------------------------------


def test_evidence_past_its_days_is_found(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as nobody let it go."""
    workspace = make(more='[audit]\nmode = "compliance"\n')
    with workspace._handles.writing("sync") as database:
        workspace._handles.collection("shop", database, create=True)
    evidence = Evidence(collection="shop", parts={"question": b"How long?"})
    workspace._handles.recorder.record(
        "query.received", request="1" * 32, actor=ANA, data={"collection": "shop"}, evidence=evidence
    )
    assert codes(look(workspace, "retention")) == []
    later(monkeypatch, days=200)
    found = only(look(workspace, "retention"))
    assert (found.code, found.collection, found.counts) == ("evidence", "shop", {"questions": 1})


def test_a_log_without_its_beginning_is_found(make: Make) -> None:
    """Nothing here ever removes events."""
    workspace = make()
    for _ in range(5):
        record(workspace, "auth.ok", verb="ask", via="local")
    file = segments(workspace)[0]
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[2:]))
    found = [one for one in look(workspace, "retention") if one.level == "finding"]
    assert [(one.code, one.seqs) for one in found] == [("log-cut", (3,))]


def test_a_changed_configuration_without_approval_is_a_notice(make: Make) -> None:
    """With one shortly before it is none."""
    make().audit.check("egress")
    found = only(make(("DPA-1", "DPA-2")).audit.check("drift"), "notice")
    assert (found.code, found.counts) == ("config", {"changes": 1})
    record(make(("DPA-1", "DPA-2")), "approval.used", verb="config", approval="a" * 32)
    assert only(make(("DPA-1", "DPA-3")).audit.check("drift"), "notice").counts == {"changes": 1}


# --- what stands in the store ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "drawn", "bound"), [(0, 59, 0.0495), (0, 300, 0.00994), (1, 100, 0.0466), (5, 50, 0.1988), (3, 3, 1.0)]
)
def test_the_upper_bound_is_that_of_clopper_and_pearson(found: int, drawn: int, bound: float) -> None:
    """One-sided, 95 %; with none found about three divided by how many were drawn."""
    assert upper_bound(found, drawn) == pytest.approx(bound, abs=2e-4)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synced workspace whose policy leaves e-mail addresses as they are, and clean documents beside."""
    folder = tmp_path_factory.mktemp("residual")
    (folder / "documents").mkdir()
    for number in range(6):
        (folder / "documents" / f"{number}.txt").write_text(
            f"Tent number {number}.\n\nIt is green and stands firmly.\n"
        )
    (folder / "documents" / "letter.txt").write_text("Write to galina.yalmanova@example.org about the zip.\n")
    create_key_file(folder / "root.key")
    (folder / "ragkit.toml").write_text(STORE.format(folder=folder, policy="lax"))
    with open_workspace(folder) as here:
        here._handles.__dict__["embedder"] = FakeEmbedder()  # what the vectors are is not looked at
        assert here.sync().exit_code == 0
    return folder


STORE = """
[workspace]
name = "test"
id = "abd"
owner = "local|ana"
[keys]
source = "file"
path = "{folder}/root.key"
[[retention]]
collection = "shop"
days = 30
[collections.shop]
access = ["u:local|ana"]
policy = "{policy}"
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
[policies.lax]
detectors = []
entities = {{ IBAN_CODE = "token" }}
[policies.forms]
detectors = []
"""


def opened_with(folder: Path, policy: str) -> Workspace:
    """Open it under a policy."""
    (folder / "ragkit.toml").write_text(STORE.format(folder=folder, policy=policy))
    return open_workspace(folder)


def test_residual_reads_under_the_policy_of_today(store: Path) -> None:
    """What a policy lets stand is none of its business; under a sharper one it is, until it is masked again."""
    with opened_with(store, "lax") as here:
        clean = only(look(here, "residual"), "ok")
        assert (clean.counts["passages"], clean.counts["with"]) == (7, 0)
        assert clean.counts["upper_u"] == pytest.approx(348_000, abs=1_000)
    with opened_with(store, "forms") as here:
        found = only(look(here, "residual"))
        assert (found.code, found.counts["EMAIL_ADDRESS"], found.counts["with"]) == ("residual", 1, 1)
        assert "galina" not in json.dumps(asdict(found))
        assert codes(look(here, "drift")) == ["policy", "index"]
        assert only([one for one in look(here, "drift") if one.code == "policy"]).counts == {"documents": 7}


def test_a_folder_that_some_name_of_the_vault_reads_like_is_no_certain_finding() -> None:
    """One word of letters is all of it; where more stands, the vault's word counts."""
    assert [_is_label(one) for one in ("docs", "Yalmanova", "Galina Yalmanova", "g@example.org", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_residual_draws_as_many_as_asked_and_the_same_with_a_seed(store: Path) -> None:
    """Of each collection."""
    with opened_with(store, "forms") as here:
        counts = [
            [one.counts for one in look(here, "residual", sample=3, seed=seed) if one.code == "residual"]
            for seed in (1, 1, 2, 3, 4, 5)
        ]
    assert counts[0] == counts[1]
    assert {one["passages"] for (one,) in counts} == {3}
    assert len({one["with"] for (one,) in counts}) == 2


def test_overdue_documents_are_found(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Past a rule and still here."""
    with opened_with(store, "lax") as here:
        assert codes(look(here, "retention")) == []
        from ragkit.lifecycle import retention

        class Clock(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return datetime.now(UTC) + timedelta(days=40)

        monkeypatch.setattr(retention, "datetime", Clock)
        found = only(look(here, "retention"))
        assert (found.code, found.counts["documents"]) == ("overdue", 7)


# --- the command -----------------------------------------------------------------------------------------------------


def test_the_command_prints_and_ends_with_the_status(make: Make, tmp_path: Path) -> None:
    """JSON in its shape; a table for people; 1 with findings."""
    make().close()
    run = CliRunner().invoke(app, ["audit", "check", "permissions", "egress", "-w", str(tmp_path), "--json"])
    assert run.exit_code == 0, run.output
    told = json.loads(run.stdout)
    assert (told["status"], [one["name"] for one in told["results"]]) == (0, ["egress", "permissions"])
    make(("officers", "reveal")).close()
    run = CliRunner().invoke(app, ["audit", "check", "permissions", "-w", str(tmp_path)])
    assert run.exit_code == 1
    assert "FOUND" in run.stdout
    run = CliRunner().invoke(app, ["audit", "review-permissions", "-w", str(tmp_path), "--json"])
    assert run.exit_code == 0
    lists = json.loads(run.stdout)["lists"]
    (operators,) = [one for one in lists if one["list"] == "operators"]
    assert (operators["where"], operators["tokens"]) == ("roles", ["u:local|ana"])
