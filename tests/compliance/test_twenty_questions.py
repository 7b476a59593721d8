"""The twenty questions of an auditor, each asked on the command line about a history whose every fact is known."""

from __future__ import annotations

import fcntl
import json
import os
import pickle
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from typer.testing import CliRunner

from ragkit import open_workspace
from ragkit.audit.evidence import EvidenceStore
from ragkit.audit.evidence_reading import gone
from ragkit.cli.main import app
from ragkit.testing import sockets
from ragkit.testing.audit_history import JUMP_MS, History, make_history
from ragkit.testing.leak_servers import Provider

ENCODER = "sha256:53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEAVY = {"torch", "transformers", "spacy", "presidio_analyzer", "llama_index", "chromadb", "sentence_transformers"}
_VERBS = [
    ["log"], ["show", "50"], ["egress"], ["access"], ["diff", "2020-01-01", "2040-01-01"], ["gaps"], ["retention"],
    ["guards"], ["oversight"], ["export", "--format", "csv"],
]  # fmt: skip
Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> History:
    """A workspace that lived through a sync, questions, changes, a purge, an erasure and reviews.

    It takes a while, so that of several processes of one run the first makes it, and each has a copy of its own.
    """
    own = tmp_path_factory.mktemp("history")
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "audit-history"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "made").exists():
            (shared / "workspace").mkdir()
            with sockets.loopback(), Provider() as far, Provider(model="near-1") as near:
                (shared / "made").write_bytes(pickle.dumps(make_history(shared / "workspace", far, near)))
    shutil.copytree(shared / "workspace", own / "workspace")
    made: History = pickle.loads((shared / "made").read_bytes())
    return replace(made, folder=own / "workspace" / made.folder.name)


@pytest.fixture
def ask(history: History) -> Ask:
    """Run a verb of ``ragkit audit`` and read its JSON."""

    def verb(*arguments: str, code: int = 0) -> dict[str, Any]:
        done = CliRunner().invoke(app, ["audit", *arguments, "--json", "--workspace", str(history.folder)])
        assert done.exit_code == code, done.output
        return dict(json.loads(done.stdout))

    return verb


def story(ask: Ask, history: History, name: str) -> dict[str, Any]:
    """The story of one question."""
    shown = ask("show", history.requests[name])
    assert shown["kind"] == "question"
    (question,) = shown["questions"]
    return dict(question)


def test_01_who_asked_what_when_under_which_login_and_groups(ask: Ask, history: History) -> None:
    """Ben of support asked the shop, vouched for by the caller; who is not in ragkit.toml stays a hash."""
    plain = story(ask, history, "plain")
    assert (plain["collection"], plain["who"]["kind"], plain["who"]["auth"]) == ("shop", "user", "caller")
    assert {"g:crm|support", "pub"} < set(plain["who"]["tokens"])
    assert history.marks["synced"] < plain["asked"].replace("Z", "+00:00") < history.marks["asked"]
    assert plain["question"]["characters"] == len("How long does the warranty on a tent last?")
    owner = story(ask, history, "person")["who"]
    assert (owner["name"], owner["auth"]) == ("local|ana", "local")
    turns = ask("show", story(ask, history, "turn 1")["session"])
    assert turns["kind"] == "dialogue"
    assert [one["request"] for one in turns["questions"]] == [history.requests["turn 1"], history.requests["turn 2"]]


def test_02_which_chunks_from_which_version_ingested_by_whom_from_where(ask: Ask, history: History) -> None:
    """One of six candidates stood in the prompt: version 1 of the warranty, read by Ana from her folder."""
    plain = story(ask, history, "plain")
    assert (plain["search"]["candidates"], plain["search"]["dropped"], plain["search"]["returned"]) == (6, 0, 1)
    (chunk,) = plain["chunks"]
    assert (chunk["doc"], chunk["version"], chunk["rank"]) == (history.docs["warranty.md"], 1, 1)
    assert (chunk["placed"], chunk["cited"]) == (True, True)
    (origin,) = plain["documents"]
    assert (origin["source"], origin["connector"], origin["type"]) == ("folder", "files", "doc.added")
    assert (origin["by"]["name"], origin["later"]) == ("local|ana", "updated")
    run = ask("show", origin["run"])["run"]
    assert (run["documents"], run["source"], run["outcome"]) == ({"added": 5}, "folder", "ok")


def test_03_what_exact_bytes_left_to_whom_and_what_came_back(ask: Ask, history: History) -> None:
    """As many bytes as the provider received, to its host, under its contract; the evidence holds the same."""
    plain = story(ask, history, "plain")
    (left,) = plain["left"]
    received = history.bodies["far"][0]
    assert (left["destination"], left["provider"], left["region"]) == ("far", "acme-ai", "eu-1")
    assert (left["contract"], left["location"], left["host"], left["peer"]) == (
        "DPA-7",
        "remote",
        "127.0.0.1",
        "127.0.0.1",
    )
    assert (left["bytes"], left["state"], left["status"]) == (len(received), "done", 200)
    assert left["received"] > 0
    assert left["body"].startswith("hmac-sha256:")
    kept = {one["role"]: one["len"] for one in plain["evidence"]}
    assert (kept["request_body"], kept["response_body"]) == (len(received), left["received"])
    report = ask("egress", "--request", history.requests["plain"])
    assert [(one["destination"], one["bytes"]) for one in report["destinations"]] == [("far", len(received))]


def test_04_what_was_masked_and_what_was_shown_in_clear(ask: Ask, history: History) -> None:
    """A person in the question, by the vault; a letter with an address; Ana saw it in clear and said why."""
    person = story(ask, history, "person")
    assert person["question"]["entities"] == {"PERSON": 1}
    assert sum(person["question"]["by"].values()) == 1
    (origin,) = person["documents"]
    assert origin["doc"] == history.docs["tickets/1043.txt"]
    assert origin["masked"]["EMAIL_ADDRESS"] == 1
    assert sum(origin["detectors"].values()) == sum(origin["masked"].values())
    assert 0 < origin["lowest_u"] <= 1_000_000
    (shown,) = ask("access", "--of", "vault", "--to", history.marks["asked"])["readings"]
    assert (shown["type"], shown["who"]["name"], shown["collection"]) == ("pii.unmasked", "local|ana", "shop")
    assert shown["purpose"].startswith("h:")
    assert shown["entities"]["PERSON"] == 1


def test_05_under_which_policy_prompt_and_configuration(ask: Ask, history: History) -> None:
    """The versions of then, not those of today."""
    plain, after = story(ask, history, "plain"), ask("log", "--type", "policy.changed")["events"][-1]
    assert plain["versions"]["policy"] == after["data"]["previous"]
    assert plain["versions"]["prompt"].startswith("answer-1:")
    config = ask("show", str(plain["versions"]["config"]))["events"][0]
    assert config["type"] == "config.changed"
    assert config["data"]["config"] == plain["versions"]["cfg"]
    assert {"ragkit", "encoder", "chunker"} <= plain["versions"].keys()


def test_06_which_generator_and_encoder_with_which_parameters(ask: Ask, history: History) -> None:
    """The model by the provider's name for it, the encoder by the hash of its weights."""
    plain = story(ask, history, "plain")
    (attempt,) = plain["attempts"]
    assert (attempt["generator"], attempt["asked"], attempt["model"]) == ("large", "far-1", "far-1")
    assert attempt["parameters"] == {"temperature_u": 0, "max_tokens": 512}
    assert ENCODER in {one["hash"] for one in plain["models"] if one["part"] == "embedder"}


def test_07_whether_it_can_be_reproduced(ask: Ask, history: History) -> None:
    """The same search, as of then; what is another one now is named; an erased person's answer is gone for good."""
    found = ask("replay", history.requests["plain"])
    verdicts = {one["name"]: one["verdict"] for one in found["parts"]}
    same = ("retrieval", "passages", "prompt", "request_body")
    assert {verdicts[name] for name in same} == {"same"}
    assert verdicts["answer"] == "not-deterministic"
    assert {"policy", "index", "config"} <= {one["what"] for one in found["changes"]}
    erased = CliRunner().invoke(app, ["audit", "replay", history.requests["person"], "-w", str(history.folder)])
    assert erased.exit_code != 0
    assert "erased" in erased.output


def test_08_what_was_refused_retried_or_sent_elsewhere(ask: Ask, history: History) -> None:
    """The provider was down; our own machine answered, which is a narrower boundary. A secret was kept back."""
    fallback = story(ask, history, "fallback")
    assert fallback["fell_back"]
    assert (fallback["boundary"], fallback["locations"]) == ("narrower", ["remote", "on-prem"])
    assert [(one["destination"], one["state"]) for one in fallback["left"]] == [("far", "failed"), ("near", "done")]
    assert (fallback["route"]["tried"], fallback["route"]["route"]) == (["large", "house"], "fallback")
    blocked = story(ask, history, "blocked")
    (kept,) = blocked["left"]
    assert (kept["state"], kept["reason"], kept["data_class"], kept["ceiling"]) == (
        "blocked", "data-class", "confidential", "internal",
    )  # fmt: skip
    assert blocked["ended"] == "denied"
    denied = ask("log", "--outcome", "denied", "--type", "egress.")["events"]
    assert [one["request"] for one in denied] == [history.requests["blocked"]]


def test_09_whether_a_person_was_erased_everywhere(ask: Ask, history: History) -> None:
    """Every step, every level, the keys; and the receipt says what is out of reach."""
    found = ask("show", history.erasure)
    erasure = found["erasure"]
    assert (found["kind"], erasure["who"]["name"], erasure["complete"]) == ("erasure", "local|ana", True)
    assert erasure["levels"] == {"l0": "true", "l1": "true", "l2": "true", "l3": "true"}
    steps = [one["step"] for one in erasure["steps"]]
    assert (steps[0], steps[-1]) == ("freeze", "verify")
    assert {"keys", "rows", "evidence", "indexes", "bytes"} < set(steps)
    assert erasure["keys"]["value"] > 0
    assert "OUT_OF_SCOPE" in erasure["receipt"].upper()


def test_10_that_no_record_was_altered(ask: Ask, history: History) -> None:
    """Every line is under a signed root, but for those since the last; one changed byte is found."""
    found = ask("verify")
    assert (found["status"], found["findings"]) == (0, [])
    assert found["signed"] > 200
    segment = history.folder / ".ragkit/events/00000001.jsonl"
    before = segment.read_bytes()
    try:
        segment.write_bytes(before.replace(b'"citations":1', b'"citations":2', 1))
        assert ask("verify", code=1)["findings"]
    finally:
        segment.write_bytes(before + segment.read_bytes()[len(before) :])
    assert ask("verify")["findings"] == []


def test_11_that_nothing_left_unlogged(ask: Ask, history: History) -> None:
    """The call past the gateway shows: one more at the sockets than in the log. And one intent has no end."""
    found = ask("gaps", "--to", history.marks["end"], code=1)["gaps"]
    (unlogged,) = [one for one in found if one["kind"] == "unlogged-egress"]
    assert unlogged["counts"] == {"calls": 1, "logged": 0}
    (open_,) = [one for one in found if one["kind"] == "open-egress"]
    assert open_["about"] == history.requests["open"]
    report = ask("egress", code=1)
    assert [one["request"] for one in report["open"]] == [history.requests["open"]]
    assert report["unregistered"] == ["near"]
    sent = {one["destination"]: one["intents"] for one in report["destinations"]}
    assert sent == {"far": len(history.bodies["far"]) - 1 + 1, "near": len(history.bodies["near"])}


def test_12_who_read_the_log_the_vault_and_the_evidence(ask: Ask, history: History) -> None:
    """Ana read evidence of one answer; Ben tried the log and was refused; and this question is an answer to itself."""
    (evidence,) = ask("access", "--of", "evidence")["readings"]
    assert (evidence["who"]["name"], evidence["about"]) == ("local|ana", history.requests["plain"])
    assert evidence["purpose"].startswith("h:")
    audit = ask("access", "--of", "audit")["readings"]
    refused = [one for one in audit if one["outcome"] == "denied"]
    assert [(one["verb"], one["who"]["name"]) for one in refused] == [("audit.log", "")]
    assert refused[0]["who"]["actor"] == story(ask, history, "plain")["who"]["actor"]
    assert (audit[-1]["type"], audit[-1]["verb"]) == ("access.audit", "access")


def test_13_what_changed_between_two_dates(ask: Ask, history: History) -> None:
    """Between the questions and the end of the changes: access, policy, retention, keys; nothing else."""
    found = ask("diff", history.marks["asked"], history.marks["changed"])
    changed = {(one["area"], one["name"]) for one in found["changes"]}
    assert {
        ("permissions", "collections.shop.access"), ("policies", "collections.shop.policy"),
        ("policies", "policies.strict"), ("policies", "shop"), ("retention", "retention"),
    } < changed  # fmt: skip
    assert {area for area, _ in changed} == {"permissions", "policies", "retention", "models", "index"}
    assert {(one["type"], one["detail"]) for one in found["deeds"]} >= {
        ("key.rotated", "wrapping"),
        ("acl.class", "shop"),
    }
    assert found["documents"] == {"updated": 6, "rewritten": 1}
    later = ask("diff", history.marks["changed"], history.marks["end"])
    assert {(one["area"], one["name"], bool(one["after"])) for one in later["changes"]} == {
        ("destinations", "destinations.near", False), ("generators", "generators.house", False),
        ("retention", "retention", True), ("routing", "routing.fallback", True),
    }  # fmt: skip


def test_14_which_answers_used_a_document(ask: Ask, history: History) -> None:
    """Both answers on the warranty cite it; one was reviewed and corrected, and where its prompts went."""
    found = ask("blast-radius", history.docs["warranty.md"], "--to", history.marks["asked"], code=1)
    uses = {one["request"]: one for one in found["uses"] if one["by"] == "cited"}
    assert set(uses) == {history.requests["plain"], history.requests["fallback"]}
    assert uses[history.requests["plain"]]["reviews"] == ["corrected"]
    assert {one["destination"] for one in uses[history.requests["fallback"]]["left"]} == {"far", "near"}


def test_15_who_could_see_a_document_and_who_did(ask: Ask, history: History) -> None:
    """Then support, sales and Ana could, and support did; sales lost it since."""
    doc = history.docs["warranty.md"]
    then = ask("access", "--doc", doc, "--at", history.marks["asked"])
    assert (then["there"], then["version"], then["collection"], then["missing"]) == (True, 1, "shop", [])
    could = {tuple(one["who"]["tokens"]) for one in then["viewers"] if one["could"]}
    assert len(could) == 3
    assert {("g:crm|support",), ("u:local|ana",)} < could
    ben = story(ask, history, "plain")["who"]["actor"]
    (did,) = [one for one in then["viewers"] if one["who"]["actor"] == ben]
    assert (did["could"], did["cited"]) == (True, 2)
    assert {history.requests["plain"], history.requests["fallback"]} <= set(did["requests"])
    now = ask("access", "--doc", doc)
    assert (now["version"], now["tokens"]) == (2, ["g:crm|support", "u:local|ana"])
    assert not any("sales" in token for one in now["viewers"] if one["could"] for token in one["who"]["tokens"])
    before = ask("access", "--doc", doc, "--at", "2020-01-01")
    assert (before["there"], [one for one in before["viewers"] if one["could"]]) == (False, [])
    first = ask("access", "--doc", doc, "--at", "#1")
    assert (first["there"], first["version"]) == (False, 0)


def test_16_which_sessions_show_injections(ask: Ask, history: History) -> None:
    """The poisoned page told the model to ignore its instructions; it was noticed, and the answer was still given."""
    found = ask("guards")
    (one,) = [one for one in found["questions"] if one["request"] == history.requests["poisoned"]]
    assert one["signs"] == {"instructions/override": 1}
    assert (one["documents"], one["ended"]) == ([history.docs["poison.md"]], "released")
    assert found["blocked"] == {"data-class": 1}
    assert story(ask, history, "poisoned")["guards"][0]["doc"] == history.docs["poison.md"]


def test_17_where_clocks_jump_gaps_appear_writers_overlap(ask: Ask, history: History) -> None:
    """An hour ahead and back again; no number is missing, no line is torn, every process closed its log."""
    found = ask("gaps", "--to", history.marks["end"], code=1)
    jumps = [one["counts"]["ms"] for one in found["gaps"] if one["kind"] == "clock-jump"]
    later = [one for one in ask("gaps", code=1)["gaps"] if one["kind"] == "clock-jump"]
    assert len(later) == 2
    assert [round(one["counts"]["ms"] / JUMP_MS) for one in later] == [1, -1]
    assert set(found["kinds"]) == {"clock-jump", "open-egress", "unlogged-egress"} - (
        {"clock-jump"} if not jumps else set()
    )


def test_18_what_is_past_retention_and_what_was_purged(ask: Ask, history: History) -> None:
    """One page of 2020 is still here by a new rule; another was purged by the first."""
    found = ask("retention", code=1)
    (overdue,) = found["overdue"]
    assert (overdue["rule"], overdue["source"], overdue["documents"]) == (2, "folder", 1)
    assert overdue["oldest"].startswith("2020-01-01")
    assert found["satisfied"] == 1
    (purge,) = [one for one in found["purges"] if one["type"] == "retention.purged"]
    assert (purge["rule"], purge["days"], purge["counts"]["documents"], purge["dry_run"]) == (1, 365, 1, False)
    assert found["last_run"] == purge["ts"]


def test_19_which_processors_got_data_of_a_category(ask: Ask, history: History) -> None:
    """E-mail addresses stood, masked, in one prompt, for one processor, under its contract."""
    asked = ("--entity", "EMAIL_ADDRESS", "--from", history.marks["synced"], "--to", history.marks["asked"])
    (far,) = ask("egress", *asked)["destinations"]
    assert (far["destination"], far["provider"], far["contract"]) == ("far", "acme-ai", "DPA-7")
    assert (far["requests"], far["data_classes"], far["masked"]["EMAIL_ADDRESS"]) == (1, {"internal": 1}, 1)
    assert far["found"] == {}
    assert ask("egress", "--provider", "somebody")["destinations"] == []
    nobody = ask("egress", "--entity", "EMAIL_ADDRESS", "--to", history.marks["synced"])
    assert nobody["destinations"] == []


def test_20_which_answers_people_reviewed_and_how_fast(ask: Ask, history: History) -> None:
    """Two of six, one of them corrected; one dialogue was taken over by a person."""
    found = ask("oversight", "--to", history.marks["end"])
    assert (found["answers"], found["reviewed"], found["handoffs"]) == (6, 2, 1)
    assert found["verdicts"] == {"corrected": 1, "right": 1}
    assert 0 <= found["median_ms"] <= found["slowest_ms"]
    assert (found["incidents"], found["open_incidents"]) == (1, 1)
    assert [one["of"] for one in found["reviews"] if one["verdict"] == "taken"] == [history.requests["turn 2"]]
    (later, *_) = story(ask, history, "plain")["later"]
    assert (later["type"], later["verdict"], later["who"]["name"]) == ("human.reviewed", "corrected", "local|ana")


def test_an_unknown_id_tells_nothing_more(history: History) -> None:
    """Whether it was never there or is of another kind, the answer is the same."""
    verbs = (("show", "0" * 32), ("show", "no id"), ("show", "99999999"))
    said = {CliRunner().invoke(app, ["audit", *one, "--workspace", str(history.folder)]).stderr for one in verbs}
    assert len(said) == 1
    assert "nothing in the log has this id" in said.pop()


def test_the_log_names_nobody(history: History) -> None:
    """After all of it, no name, address, question or file name stands in an event."""
    whole = b"".join(path.read_bytes() for path in (history.folder / ".ragkit/events").glob("*.jsonl")).lower()
    for word in (
        b"thorvald",
        b"yalmanova",
        b"example.",
        b"ana",
        b"crm|",
        b"warranty",
        b"tickets",
        b"bicycle",
        b"ridge",
    ):
        assert word not in whole.replace(b"analy", b"")


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (["log", "--type", "egress.", "--limit", "0"], ["egress.blocked", "data-class", "destination=near"]),
        (["egress"], ["acme-ai", "DPA-7", "may have left: event", "not in today's ragkit.toml: near"]),
        (["access"], ["pii.unmasked", "access.evidence", "local|ana"]),
        (["diff", "2020-01-01", "2040-01-01"], ["collections.shop.access", "key.rotated", "The log begins"]),
        (["gaps"], ["open-egress", "unlogged-egress", "calls 1, logged 0", "clock-jump"]),
        (["retention"], ["rule 2 (shop/folder, 365 days by modified): 1 still here", "retention.purged"]),
        (["guards"], ["instructions/override 1", "Kept from leaving: data-class 1."]),
        (["oversight"], ["Reviewed: 2 of 6 answers", "corrected", "Handed to a person: 1 conversation."]),
    ],
)
def test_people_can_read_the_answers(history: History, verb: list[str], said: list[str]) -> None:
    """Without --json each verb prints what matters."""
    done = CliRunner(env={"COLUMNS": "240"}).invoke(app, ["audit", *verb, "--workspace", str(history.folder)])
    assert done.exit_code in (0, 1), done.output
    assert not [word for word in said if word not in done.output], done.output


def test_people_can_read_a_story(history: History) -> None:
    """Of a question, an erasure, a run and a single event."""

    def shown(wanted: str) -> str:
        done = CliRunner(env={"COLUMNS": "240"}).invoke(app, ["audit", "show", wanted, "-w", str(history.folder)])
        assert done.exit_code == 0, done.output
        return done.output

    fallback = shown(history.requests["fallback"])
    for said in (
        "asked `shop` with g:crm|support",
        "remote → on-prem",
        "left for near (own-machines",
        "in the prompt, cited",
    ):
        assert said in fallback
    assert "blocked data-class" in shown(history.requests["blocked"])
    erasure = shown(history.erasure)
    assert "complete: yes" in erasure
    assert "letter of 3 May" not in erasure
    assert shown("1").startswith("event 1")


def test_a_story_says_which_evidence_is_destroyed(ask: Ask, history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log commits to it for good; that it cannot be shown any more is told beside, with the reason."""
    kept = story(ask, history, "plain")["evidence"]
    assert kept
    assert {one["gone"] for one in kept} == {""}

    def erased(*_: object) -> None:
        raise gone("erasure")

    monkeypatch.setattr(EvidenceStore, "documents", erased)
    assert {one["gone"] for one in story(ask, history, "plain")["evidence"]} == {"erasure"}
    wanted = ["audit", "show", history.requests["plain"], "-w", str(history.folder)]
    assert "destroyed: erased" in CliRunner(env={"COLUMNS": "240"}).invoke(app, wanted).output


def test_who_is_no_auditor_is_refused(history: History) -> None:
    """An auditor who is named may ask; somebody else may not, and that is recorded."""
    asked = ["audit", "gaps", "-w", str(history.folder)]
    assert CliRunner().invoke(app, [*asked, "--as", "audit|eve"]).exit_code == 1
    refused = CliRunner().invoke(app, [*asked, "--as", "crm|ben"])
    assert refused.exit_code == 2
    assert "no auditor" in refused.stderr


@pytest.mark.parametrize("form", ["ocsf", "csv", "jsonl"])
def test_an_export_is_private_whole_and_recorded(ask: Ask, history: History, form: str) -> None:
    """Mode 0600, as many lines as events, and an event that says so."""
    out = history.folder / f"export.{form}"
    told = ask("export", "--format", form, "--from", "#5", "--to", "#14", "--out", str(out))
    assert (told["events"], told["from_seq"], told["to_seq"]) == (10, 5, 14)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert len(out.read_bytes().splitlines()) == 10 + (form == "csv")
    (event,) = ask("log", "--type", "audit.exported", "--limit", "1")["events"]
    assert event["data"] == {"events": 10, "format": form, "from_seq": 5, "to_seq": 14}


def test_an_export_that_cannot_be_written_leaves_nothing(history: History) -> None:
    """No half a file, and a remedy."""
    out = history.folder / "nowhere" / "events.csv"
    done = CliRunner().invoke(app, ["audit", "export", "--format", "csv", "--out", str(out), "-w", str(history.folder)])
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    assert not out.parent.exists()


def test_the_log_can_be_followed(history: History) -> None:
    """Events come as they are written, by whoever writes them."""
    with open_workspace(history.folder) as reader, open_workspace(history.folder) as writer:
        following = reader.audit.log("incident.", follow=True, limit=0)
        seen: list[str] = []
        thread = threading.Thread(target=lambda: seen.append(str(next(following)["type"])), daemon=True)
        thread.start()
        for _ in range(50):
            writer.audit.report_incident("low")
            thread.join(timeout=0.2)
            if seen:
                break
    assert seen == ["incident.reported"]


def test_asking_imports_nothing_heavy(history: History) -> None:
    """The verbs are for machines without models; an auditor waits for no library."""
    program = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from ragkit.cli.main import app\n"
        f"for verb in {_VERBS!r}:\n"
        f"    done = CliRunner().invoke(app, ['audit', *verb, '-w', {str(history.folder)!r}])\n"
        "    assert done.exit_code in (0, 1), done.output\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert not {name.partition(".")[0] for name in done.stdout.split()} & HEAVY
