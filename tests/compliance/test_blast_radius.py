"""Which answers used a document: by retrieval, prompt and citation, where it went, and who looked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ragkit.audit.schema import canonical, check
from ragkit.compliance.blast_radius import BlastRadius, blast_radius
from ragkit.compliance.events import EventLog, moment
from ragkit.errors import ConfigError

BAD, GOOD = "b" * 26, "g" * 26
ANA, BEN = "h:" + "a" * 26, "h:" + "b" * 26


class Written:
    """A log that is written by hand, each event checked against the catalogue."""

    def __init__(self, folder: Path) -> None:
        self.log = EventLog(folder)
        self._file = folder / "00000001.jsonl"
        self._seq = 0

    def add(self, kind: str, request: str = "", *, actor: str = ANA, session: str = "", **data: Any) -> None:
        """Append an event, a minute after the one before."""
        self._seq += 1
        check(kind, data, request=request)
        event: Mapping[str, Any] = {
            "actor": {"id": actor, "kind": "user"},
            "data": data,
            "outcome": "ok",
            "request": request,
            "seq": self._seq,
            "session": session,
            "ts": f"2026-11-01T10:{self._seq:02d}:00.000000Z",
            "type": kind,
        }
        with self._file.open("ab") as file:
            file.write(canonical(event) + b"\n")

    def searched(self, request: str, *found: tuple[int, str, int], actor: str = ANA, session: str = "") -> None:
        """A search found these chunks, each with its document and version."""
        chunks = [
            {"chunk": chunk, "doc": doc, "version": version, "rank": rank, "score_u": 5}
            for rank, (chunk, doc, version) in enumerate(found, start=1)
        ]
        self.add("retrieval.done", request, actor=actor, session=session, collection="shop", chunks=chunks)


def number(place: int) -> str:
    """An id of a request."""
    return f"{place:032x}"


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """Seven questions, five of which found the bad document."""
    log = Written(tmp_path)
    # 1: in process, cites both, reviewed
    log.searched(number(1), (10, BAD, 1), (11, BAD, 1), (20, GOOD, 1))
    log.add("answer.released", number(1), generator="extractive", refused=False, cited=[
        {"chunk": 11, "doc": BAD, "version": 1}, {"chunk": 20, "doc": GOOD, "version": 1},
    ])  # fmt: skip
    log.add("human.reviewed", of=number(1), verdict="wrong")
    # 2: sent to a provider with the second version in the prompt, cites another
    log.searched(number(2), (20, GOOD, 1), (30, BAD, 2), actor=BEN, session="5" * 32)
    log.add("egress.intent", number(2), destination="far", location="remote", bytes=900, placed=[20, 30])
    log.add("generation.done", number(2), generator="big", prompt="answer-1:abc", placed=[20, 30])
    log.add("answer.released", number(2), generator="big", refused=False, cited=[
        {"chunk": 20, "doc": GOOD, "version": 1},
    ])  # fmt: skip
    # 3: found, but there was no room for it in the prompt
    log.searched(number(3), (20, GOOD, 1), (10, BAD, 1))
    log.add("prompt.written", number(3), generator="small", prompt="answer-1:abc", placed=[20])
    log.add("egress.intent", number(3), destination="near", location="on-prem", bytes=500)
    log.add("answer.released", number(3), generator="small", refused=True)
    # 4: the call failed after it left
    log.searched(number(4), (10, BAD, 1))
    log.add("egress.unsafe", number(4), generator="odd", location="managed", data_class="internal")
    log.add("generation.done", number(4), generator="odd", ms=3)
    # 5: a search alone; 6: an answer from elsewhere; 7: a stream that was left
    log.searched("", (11, BAD, 1))
    log.searched(number(6), (20, GOOD, 1))
    log.add("answer.released", number(6), generator="extractive", refused=False)
    log.searched(number(7), (30, BAD, 2))
    log.add("answer.begun", number(7), generator="extractive", hits=1)
    log.add("answer.abandoned", number(7), generator="extractive", characters=4)
    return log


def requests(found: BlastRadius) -> list[str]:
    """Of all uses, in order."""
    return [use.request for use in found.uses]


def test_every_use_is_told_with_how_far_the_document_came(written: Written) -> None:
    """Retrieved, prompted, cited; ended, left and reviewed as the events say."""
    found = blast_radius(written.log, BAD)
    assert requests(found) == [number(1), number(2), number(3), number(4), "", number(7)]
    first, second, third, fourth, fifth, last = found.uses
    assert (first.by, first.ended, first.ranks, first.chunks, first.reviews) == (
        "cited", "released", (1, 2), (10, 11), ["wrong"],
    )  # fmt: skip
    assert (second.by, second.cited, second.prompted, second.actor, second.session) == (
        "prompted", False, True, BEN, "5" * 32,
    )  # fmt: skip
    assert [(one.destination, one.location, one.bytes) for one in second.left] == [("far", "remote", 900)]
    assert (third.by, third.prompted, third.ended) == ("retrieved", False, "refused")
    assert (fourth.by, fourth.prompted, fourth.ended) == ("retrieved", None, "unfinished")
    assert [one.destination for one in fourth.left] == ["odd"]
    assert (fifth.ended, fifth.answered) == ("search", False)
    assert (last.ended, last.answered, last.versions) == ("abandoned", True, (2,))


def test_totals_count_what_is_to_be_looked_at(written: Written) -> None:
    """The answer that nobody reviewed and that may rest on the document is counted."""
    found = blast_radius(written.log, BAD)
    assert found.totals == {
        "questions": 6, "answers": 3, "prompted": 1, "cited": 1, "left": 3, "actors": 2, "destinations": 3,
        "reviewed": 1, "unreviewed": 1,
    }  # fmt: skip
    assert found.destinations == {"far": 1, "near": 1, "odd": 1}


def test_one_version_one_chunk_and_one_time(written: Written) -> None:
    """A version, a chunk or a time narrows what is told."""
    assert requests(blast_radius(written.log, BAD, version=2)) == [number(2), number(7)]
    by_chunk = blast_radius(written.log, "11")
    assert (requests(by_chunk), by_chunk.doc, by_chunk.chunk) == ([number(1), ""], BAD, 11)
    assert by_chunk.uses[0].cited
    other = blast_radius(written.log, "10")
    assert requests(other) == [number(1), number(3), number(4)]
    assert not other.uses[0].cited
    late = moment("2026-11-01T10:10")
    assert requests(blast_radius(written.log, BAD, since=late)) == [number(4), "", number(7)]
    assert requests(blast_radius(written.log, BAD, until=late)) == [number(1), number(2), number(3)]


def test_a_document_nobody_found_has_no_radius(written: Written) -> None:
    """What was never found was used by nobody; an id that no event knows, or that is none, is refused unrepeated."""
    assert blast_radius(written.log, BAD, version=99).uses == ()
    with pytest.raises(ConfigError, match="nothing in the log"):
        blast_radius(written.log, "z" * 26)
    with pytest.raises(ConfigError) as refused:
        blast_radius(written.log, "Ada's letter.docx")
    assert "Ada" not in str(refused.value)


def test_holes_of_the_log_are_told(written: Written) -> None:
    """An answer that was lost from the log may have used the document."""
    written.add("log.dropped", events=3)
    assert blast_radius(written.log, BAD).holes == {"log.dropped": 1}
