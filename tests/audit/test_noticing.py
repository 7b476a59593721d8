"""What stands before a process's own events: who acts, what was opened, what is configured otherwise; its counts."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ragkit import net_counts
from ragkit.audit.noticing import NoticingRecorder
from ragkit.config import Config, parse_config
from ragkit.config_parts import parts_of
from ragkit.mask.findings import findings_of, let_stand, recognizer_word
from ragkit.models.loaded import loaded, note_loaded
from ragkit.opening import note_opening
from ragkit.testing.light import LightIngest
from ragkit.types import Principal, Span

KEY = bytes(range(32))
ANA = Principal("local|ana", kind="local")


def make(folder: Path, **options: Any) -> NoticingRecorder:
    """A recorder in a folder."""
    return NoticingRecorder(folder / "events", mode="required", software={"ragkit": "0"}, actor_key=KEY, **options)


def events(folder: Path) -> list[dict[str, Any]]:
    """All events, oldest first, without those on models, which belong to the whole test process."""
    files = sorted((folder / "events").glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    return [line for line in lines if line["type"] != "model.loaded"]


def kinds(folder: Path) -> list[str]:
    """Their types."""
    return [event["type"] for event in events(folder)]


def config(folder: Path, **collection: Any) -> Config:
    """A configuration whose data folder is there."""
    (folder / ".ragkit").mkdir(exist_ok=True)
    source = {"connector": "files", "name": "folder", "path": "documents"}
    shop = {"access": ["u:local|ana"], "sources": [source], **collection}
    raw: Mapping[str, Any] = {"workspace": {"name": "w", "owner": "local|ana"}, "collections": {"shop": shop}}
    return parse_config(raw, folder=folder)


def opened(config: Config, mark: str) -> NoticingRecorder:
    """A recorder that notes what is opened."""
    return make(config.data_folder, opening=partial(note_opening, config=config, mark=mark))


def test_a_principal_is_seen_once_with_these_tokens(tmp_path: Path) -> None:
    """Before its first event; with other groups it is seen again; nobody's name is in the log."""
    recorder = make(tmp_path)
    more = Principal("local|ana", groups=frozenset({"crm|sales"}))
    for who in (ANA, ANA, more, None, more):
        recorder.record("auth.ok", actor=who, data={"verb": "usage"})
    assert kinds(tmp_path)[1:] == ["principal.seen", "auth.ok", "auth.ok", "principal.seen", *["auth.ok"] * 3]
    first, second = (event for event in events(tmp_path) if event["type"] == "principal.seen")
    assert (first["data"]["via"], second["data"]["via"]) == ("local", "caller")
    assert first["data"]["groups"] == first["actor"]["groups"] != second["data"]["groups"]
    assert set(first["data"]["tokens"]) < set(second["data"]["tokens"])
    assert recorder.token("g:crm|sales") in second["data"]["tokens"]
    recorder.close()
    recorder.record("auth.ok", actor=ANA, data={"verb": "usage"})
    assert kinds(tmp_path)[-3:] == ["log.opened", "principal.seen", "auth.ok"], "a new writer sees anew"
    assert "ana" not in (tmp_path / "events" / "00000001.jsonl").read_text()


def test_who_is_in_very_many_groups_is_told_in_several_events(tmp_path: Path) -> None:
    """No line grows long; the pieces have the same ``groups``."""
    many = Principal("crm|ben", groups=frozenset(f"crm|g{number}" for number in range(1_300)))
    make(tmp_path).record("auth.ok", actor=many, data={"verb": "usage"})
    seen = [event["data"] for event in events(tmp_path) if event["type"] == "principal.seen"]
    assert [len(one["tokens"]) for one in seen] == [500, 500, 302]
    assert len({one["groups"] for one in seen}) == 1


def test_what_cannot_be_noted_is_noted_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A failed event does not count as written."""
    failing = [True]

    def opening(recorder: Any) -> None:
        if failing.pop() if failing else False:
            raise OSError(28, "full")
        recorder.record("workspace.opened", data={"collections": 1})

    recorder = make(tmp_path, opening=opening)
    with pytest.raises(OSError, match="full"):
        recorder.record("auth.ok", actor=ANA, data={"verb": "usage"})
    recorder.record("auth.ok", actor=ANA, data={"verb": "usage"})
    assert kinds(tmp_path) == ["log.opened", "workspace.opened", "principal.seen", "auth.ok"]


def test_a_configuration_is_told_when_it_differs(tmp_path: Path) -> None:
    """Once for the same, again for another; the parts that differ are those that were changed."""
    first = config(tmp_path)
    for _ in range(2):
        recorder = opened(first, "h:" + "a" * 26)
        recorder.record("auth.ok", data={"verb": "usage"})
        recorder.close()
    assert kinds(first.data_folder).count("config.changed") == 1
    other = config(tmp_path, access=["u:local|ana", "g:crm|sales"])
    recorder = opened(other, "h:" + "b" * 26)
    recorder.record("auth.ok", data={"verb": "usage"})
    old, new = (event["data"] for event in events(first.data_folder) if event["type"] == "config.changed")
    assert (new["previous"], new["config"]) == (old["config"], "h:" + "b" * 26)
    assert "previous" not in old
    assert {name for name in new["parts"] if new["parts"][name] != old["parts"].get(name)} == {
        "collections.shop.access"
    }
    assert {"policies.default", "embedder", "collections.shop.sources.folder", "roles.auditors"} <= set(old["parts"])


def test_a_log_that_begins_anew_gets_the_configuration_too(tmp_path: Path) -> None:
    """What was recorded in a log that is gone is not recorded in this one."""
    first = config(tmp_path)
    opened(first, "h:" + "a" * 26).record("auth.ok", data={"verb": "usage"})
    (first.data_folder / "events" / "00000001.jsonl").unlink()
    recorder = opened(first, "h:" + "a" * 26)
    recorder.record("auth.ok", data={"verb": "usage"})
    told = [event["data"] for event in events(first.data_folder) if event["type"] == "config.changed"]
    assert len(told) == 1
    assert "previous" not in told[0]


def test_many_parts_come_in_pieces_and_hold_no_value(tmp_path: Path) -> None:
    """A line stays short, and the log tells what changed and not what it is."""
    sources = [{"connector": "files", "name": f"s{number}", "path": f"secret-{number}"} for number in range(900)]
    many = config(tmp_path, sources=sources)
    opened(many, "h:" + "a" * 26).record("auth.ok", data={"verb": "usage"})
    told = [event["data"] for event in events(many.data_folder) if event["type"] == "config.changed"]
    assert [one["piece"] for one in told] == [1, 2, 3]
    together = {name for one in told for name in one["parts"]}
    assert together == set(parts_of(many))
    text = (many.data_folder / "events" / "00000001.jsonl").read_text()
    assert max(map(len, text.splitlines())) < 60_000
    assert "secret-" not in text
    assert "local|ana" not in text


def test_the_state_says_nothing_and_is_private(tmp_path: Path) -> None:
    """Beside the log lies a keyed hash, readable by the owner; a broken one only means one event more."""
    first = config(tmp_path)
    opened(first, "h:" + "a" * 26).record("auth.ok", data={"verb": "usage"})
    state = first.data_folder / "config.seen"
    assert state.stat().st_mode & 0o777 == 0o600
    assert state.read_text().startswith("h:aaa")
    state.write_bytes(b"\xff\xfe")
    opened(first, "h:" + "a" * 26).record("auth.ok", data={"verb": "usage"})
    assert kinds(first.data_folder).count("config.changed") == 2


def test_the_end_tells_what_was_sent_since_the_beginning(tmp_path: Path) -> None:
    """Counts are of this writer's time, by purpose, and none where nothing was sent."""
    net_counts.count("calls", "generate")
    recorder = make(tmp_path, closing=net_counts.begin)
    recorder.record("auth.ok", data={"verb": "usage"})
    net_counts.count("calls", "generate")
    net_counts.count("sent", "generate", 700)
    recorder.close()
    recorder.record("auth.ok", data={"verb": "usage"})
    recorder.close()
    first, second = (event["data"] for event in events(tmp_path) if event["type"] == "log.closed")
    assert (first["calls"], first["sent"]) == ({"generate": 1}, {"generate": 700})
    assert "calls" not in second


def test_a_forked_child_counts_from_nothing() -> None:
    """What the parent sent is not the child's."""
    since = net_counts.begin()
    net_counts.count("connections", "test")
    told, tell = os.pipe()
    child = os.fork()
    if not child:
        net_counts.count("connections", "test")
        os.write(tell, json.dumps(net_counts._now()["connections"]["test"]).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(told, 9) == b"1"
    assert since() == {"connections": {"test": 1}}


def test_a_loaded_model_is_told_by_its_weights(tmp_path: Path) -> None:
    """Once, with the hash of the file itself; at the latest when the log is closed."""
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(b"weights")
    recorder = make(tmp_path)
    recorder.record("auth.ok", data={"verb": "usage"})
    for _ in range(2):
        note_loaded("generator", model="local/x y", weights=[weights])
    note_loaded("detector", model="only-here", digest="fingerprint-1")
    recorder.close()
    lines = (tmp_path / "events" / "00000001.jsonl").read_bytes().splitlines()
    told = [event["data"] for event in map(json.loads, lines) if event["type"] == "model.loaded"]
    mine = [one for one in told if one["model"] in ("local_x_y", "only-here")]
    assert [one["part"] for one in mine] == ["generator", "detector"]
    assert mine[0]["hash"] == f"sha256:{sha256(b'weights').hexdigest()}"
    assert len({(one["part"], one["model"], one["hash"]) for one in told}) == len(told) <= len(loaded())


def test_an_access_class_and_a_principal_meet_in_their_tokens(tmp_path: Path) -> None:
    """Who may see a document at a time is told by intersecting two events; the store knows none of these hashes."""
    recorder = make(tmp_path)
    light = LightIngest(tmp_path, access={"u:local|ana", "g:crm|sales"}, token_hash=recorder.token, actor=ANA)
    light.recorder = recorder  # type: ignore[assignment]
    light.sync({"a.txt": "One.", "b.txt": "Two."})
    made = [event for event in events(tmp_path) if event["type"] == "acl.class"]
    assert len(made) == 1, "once a run"
    added = [event for event in events(tmp_path) if event["type"] == "doc.added"]
    assert {event["data"]["access_class"] for event in added} == {made[0]["data"]["access_class"]}
    assert {event["actor"]["id"] for event in added} == {recorder.known_as("local|ana")}
    seen = next(event["data"]["tokens"] for event in events(tmp_path) if event["type"] == "principal.seen")
    assert set(seen) & set(made[0]["data"]["tokens"]) == {recorder.token("u:local|ana")}
    assert sorted(made[0]["data"]["tokens"]) == sorted(map(recorder.token, ("u:local|ana", "g:crm|sales")))


def test_what_was_found_is_counted_by_what_found_it_and_what_was_let_stand() -> None:
    """Recognizers become words; what overlaps nothing that was masked was let stand."""
    masked = [
        Span(0, 5, "PERSON", 0.8, "learned:builtin"),
        Span(9, 12, "PHONE_NUMBER", 0.4, "presidio:pattern:Phone Nr"),
    ]
    found = [*masked, Span(2, 5, "PERSON", 0.3, "x"), Span(5, 9, "LOCATION", 0.2, "x"), Span(12, 20, "B-per", 0.9, "x")]
    kept = let_stand(found, masked)
    assert kept == {"LOCATION": 1, "OTHER": 1}
    told = findings_of(masked, kept).told()
    assert told["by"] == {"learned.builtin": 1, "presidio.pattern.phone.nr": 1}
    assert told["lowest_u"] == 400_000
    assert findings_of([], {}).told() == {}
    assert recognizer_word("Äé:9") == "other.9"
    assert len(recognizer_word("custom:" + "a" * 90)) <= 48


def test_another_threads_event_waits_until_its_principal_was_seen(tmp_path: Path) -> None:
    """Two threads act for one principal at the same time: what tells of it stands before both."""
    recorder = make(tmp_path)
    recorder.record("auth.ok", data={"verb": "usage"})
    reached, free = threading.Event(), threading.Event()
    groups = recorder.groups

    def slow(actor: Principal) -> str:
        if not reached.is_set():
            reached.set()
            free.wait(0.5)
        return groups(actor)

    recorder.groups = slow  # type: ignore[method-assign]
    act = partial(recorder.record, "auth.ok", actor=ANA, data={"verb": "usage"})
    first, second = threading.Thread(target=act), threading.Thread(target=act)
    first.start()
    assert reached.wait(5)
    second.start()
    second.join(0.2)
    free.set()
    first.join(5)
    second.join(5)
    assert kinds(tmp_path)[2:] == ["principal.seen", "auth.ok", "auth.ok"]


def test_not_every_principal_there_ever_was_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A service with a token set for each request grows no list without end; who comes again is seen again."""
    monkeypatch.setattr("ragkit.audit.noticing._PRINCIPALS", 3)
    recorder = make(tmp_path)
    for number in [*range(4), 3, 0]:
        recorder.record("auth.ok", actor=Principal(f"crm|{number}"), data={"verb": "usage"})
        assert len(recorder._seen) <= 3
    assert kinds(tmp_path)[1:] == [*["principal.seen", "auth.ok"] * 4, "auth.ok", "principal.seen", "auth.ok"]
