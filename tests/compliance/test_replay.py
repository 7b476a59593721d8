"""The parts of a replay by themselves: what the log tells, what changed, what a verdict is, and what a moment was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragkit.audit.schema import canonical, check
from ragkit.compliance.events import EventLog
from ragkit.compliance.replay_changes import config_causes, configs_of
from ragkit.compliance.replay_hits import classes_of_groups
from ragkit.compliance.replay_index import PastRow
from ragkit.compliance.replay_log import IndexLog, answered, recorded, recorded_each
from ragkit.compliance.replay_report import Cause, Change, Part, Replay, Verdict, named, reasoned
from ragkit.compliance.replay_search import _Rows
from ragkit.errors import NotReproducible, UnknownId

START = datetime(2026, 11, 1, 10, tzinfo=UTC)
ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32
DOC = "d" * 26
GROUPS = "h:" + "g" * 26
MAC = "hmac-sha256:" + "0" * 64


def at(seconds: float) -> datetime:
    """A moment."""
    return START + timedelta(seconds=seconds)


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    """Two processes: one asks in the store, then twice in generation 1; the other once in it."""
    rows: list[tuple[str, str, str, dict[str, Any], list[dict[str, Any]]]] = [
        ("principal.seen", "a:1:1", "", {"groups": GROUPS, "tokens": [_token("ana"), _token("pub")]}, []),
        ("acl.class", "a:1:1", "", {"collection": "shop", "access_class": "c" * 26, "tokens": [_token("ana")]}, []),
        ("acl.class", "a:1:1", "", {"collection": "shop", "access_class": "e" * 26, "tokens": [_token("ben")]}, []),
        ("acl.class", "a:1:1", "", {"collection": "other", "access_class": "f" * 26, "tokens": [_token("ana")]}, []),
        ("retrieval.done", "a:1:1", THREE, {"collection": "shop", "generation": 0, "through": 4, "ms": 500}, []),
        ("index.generation.built", "b:2:1", "", {"collection": "shop", "generation": 1, "chunks": 9}, []),
        ("index.generation.activated", "b:2:1", "", {"collection": "shop", "generation": 1, "through": 9}, []),
        ("retrieval.done", "a:1:1", "", {"collection": "shop", "generation": 1, "through": 9, "ms": 0}, []),
        ("retrieval.done", "b:2:1", "", {"collection": "shop", "generation": 1, "through": 9, "ms": 0}, []),
        ("retrieval.done", "a:1:1", ONE, {
            "collection": "shop", "generation": 1, "through": 12, "ms": 250,
            "chunks": [{"chunk": 7, "doc": DOC, "version": 2, "rank": 1, "score_u": 900_000}],
        }, []),
        ("prompt.written", "a:1:1", ONE, {"generator": "house", "placed": [7]}, [
            {"role": "prompt", "ref": "p" * 26, "len": 30, "mac": MAC},
        ]),
        ("generation.done", "a:1:1", ONE, {"generator": "house", "streamed": True}, []),
        ("answer.released", "a:1:1", ONE, {"generator": "house"}, []),
        ("text.masked", "a:1:1", TWO, {"collection": "shop"}, []),
    ]  # fmt: skip
    lines = []
    for seq, (kind, writer, request, data, payload) in enumerate(rows, start=1):
        check(kind, data, request=request)
        event = {
            "actor": {"id": "h:" + "a" * 26, "groups": GROUPS},
            "data": data,
            "outcome": "ok",
            "request": request,
            "seq": seq,
            "session": "",
            "sw": {"ragkit": "1.0", "cfg": "h:" + "0" * 26},
            "ts": at(seq).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
            "type": kind,
            "writer": writer,
        }
        lines.append(canonical({**event, "payload": payload} if payload else event) + b"\n")
    (tmp_path / "00000001.jsonl").write_bytes(b"".join(lines))
    return EventLog(tmp_path)


def _token(name: str) -> str:
    return "h:" + name.ljust(26, "0")


def test_what_the_log_tells_of_a_request(log: EventLog) -> None:
    """When it began, what was found, which generator was asked how, and what its events commit to."""
    found = recorded(log, ONE)
    assert (found.began, found.ended) == (at(9.75), at(10))
    assert (found.collection, found.generation, found.through) == ("shop", 1, 12)
    assert [(one.chunk, one.doc, one.version) for one in found.found] == [(7, DOC, 2)]
    assert (found.generator, found.streamed, found.ending) == ("house", True, "answer.released")
    assert [(one.role, one.length) for one in found.committed] == [("prompt", 30)]
    assert list(answered(log)) == [ONE]
    assert list(recorded_each(log, [ONE])) == [found]


def test_what_is_no_question_is_told(log: EventLog) -> None:
    """An unknown id and a request that searched nothing are two things."""
    with pytest.raises(UnknownId):
        recorded(log, "9" * 32)
    with pytest.raises(UnknownId):
        recorded(log, "")
    with pytest.raises(NotReproducible):
        recorded(log, TWO)


def test_a_run_is_what_one_process_asked_in_one_generation(log: EventLog) -> None:
    """Its own searches since it opened the generation, and nobody else's."""
    index = IndexLog("shop")
    found = recorded(log, ONE)
    index.read(log, found)
    assert [(one.seq, one.through) for one in index.run(found)] == [(8, 9), (10, 12)]
    assert [one.seq for one in index.run(recorded(log, THREE))] == [5]
    when, data = index.built(1, before=found.seq) or (None, {})
    assert (when, data["through"]) == (at(7), 9)
    assert index.built(1, before=7) == (when, data)  # it answers a moment before its event
    assert index.built(2, before=found.seq) is None


def test_access_of_then_comes_from_the_log(log: EventLog) -> None:
    """The classes whose tokens the asker held, of this collection; nothing where the tokens were never recorded."""
    assert classes_of_groups(log, GROUPS, collection="shop") == {"c" * 26}
    assert classes_of_groups(log, "h:" + "z" * 26, collection="shop") is None


def test_the_last_chunk_number_says_when_was_looked() -> None:
    """What was seen was published, whatever the clock says; what was not seen was not yet committed."""
    vector = np.zeros(2, dtype=np.float32)
    rows = [PastRow(n, (DOC, 1), "c", at(10 * n), None, vector) for n in (1, 2, 3)]
    found = _Rows(rows, at(0), at(100))
    assert found.moment(at(25), 2) == at(25)
    assert found.moment(at(25), None) == at(25)
    assert found.moment(at(25), 3) == at(30)
    assert found.moment(at(25), 1) == at(20) - timedelta(microseconds=1)
    assert _Rows([], at(0), at(1)).moment(at(5), 3) == at(5)


@pytest.mark.parametrize(
    ("verdicts", "whole", "code"),
    [
        (["same", "same", "not-deterministic"], "same", 0),
        (["same", "not-kept"], "same", 0),
        (["same", "same-set"], "differs", 1),
        (["same", "not-run"], "differs", 1),
        (["same", "gone", "not-deterministic"], "cannot", 2),
        (["gone", "differs"], "differs", 1),
    ],
)
def test_the_whole_is_as_good_as_its_parts(verdicts: list[Verdict], whole: str, code: int) -> None:
    """A part that differs, is gone or could not be made again makes the whole differ."""
    parts = tuple(Part(name=f"part{place}", verdict=verdict) for place, verdict in enumerate(verdicts))
    one = Replay(request=ONE, collection="shop", asked=START, actor="h:a", generator="", generation=1, parts=parts)
    assert (one.whole, one.exit_code) == (whole, code)


@pytest.mark.parametrize(
    ("name", "causes", "whole"),
    [
        ("retrieval", ("erased",), "cannot"),
        ("retrieval", ("erased", "purged"), "cannot"),
        ("retrieval", ("erased", "unknown"), "differs"),
        ("retrieval", (), "differs"),
        ("prompt", ("erased",), "differs"),
    ],
)
def test_a_search_in_what_is_left_cannot_be_as_it_was(name: str, causes: tuple[Cause, ...], whole: str) -> None:
    """Another order for no other reason than what is destroyed is no difference; other bytes of a prompt are one."""
    parts = (Part(name=name, verdict="same-set", causes=causes), Part(name="answer", verdict="same"))
    one = Replay(request=ONE, collection="shop", asked=START, actor="h:a", generator="", generation=1, parts=parts)
    assert one.whole == whole


def test_codes_fit_the_event() -> None:
    """Verdicts, causes and reasons are counts by words of the catalogue."""
    parts = (
        Part(name="retrieval", verdict="same-set", causes=("documents", "purged")),
        Part(name="request_body", verdict="not-deterministic", causes=("purged",)),
    )
    one = Replay(
        request=ONE, collection="shop", asked=START, actor="h:a", generator="", generation=1, reason="age", parts=parts
    )
    assert one.whole == "cannot"
    assert one.exit_code == 2
    assert one.codes == {
        "retrieval.same-set": 1, "request_body.not-deterministic": 1, "cause.documents": 1, "cause.purged": 1,
        "reason.age": 1,
    }  # fmt: skip
    check("replay.run", {"of": ONE, "codes": one.codes, "same": False})
    assert named("purged") != "purged"
    assert reasoned("age") != "age"


@pytest.mark.parametrize(
    ("part", "cause"),
    [
        ("policies.rules", "policy"),
        ("detectors.names", "policy"),
        ("embedder", "encoder"),
        ("chunker", "chunker"),
        ("generators.house", "generator"),
        ("destinations.house", "generator"),
        ("collections.shop.policy", "policy"),
        ("collections.shop.language", "language"),
        ("workspace.name", None),
        ("collections.shop.sources.files", None),
    ],
)
def test_parts_of_the_configuration_stand_for_causes(part: str, cause: Cause | None) -> None:
    """What changed in ragkit.toml is a cause by its part."""
    assert config_causes([Change(what="config", then="other", now=part)]) == ({cause} if cause else set())


def test_configurations_are_put_together_from_their_pieces(tmp_path: Path) -> None:
    """A large one is recorded in several events."""
    mark = "h:" + "0" * 26
    pieces = [{"policies.rules": "h:" + "1" * 26}, {"embedder": "h:" + "2" * 26}]
    plain = {"actor": {"id": "system"}, "outcome": "ok", "request": "", "session": "", "type": "config.changed"}
    plain |= {"ts": "2026-11-01T10:00:00.000000Z", "writer": "a:1:1", "sw": {"ragkit": "1.0"}}
    lines = [
        canonical({**plain, "data": {"config": mark, "parts": parts}, "seq": seq}) + b"\n"
        for seq, parts in enumerate(pieces, start=1)
    ]
    (tmp_path / "00000001.jsonl").write_bytes(b"".join(lines))
    assert configs_of(EventLog(tmp_path)) == {mark: pieces[0] | pieces[1]}
