"""Planted personal data of sources of every kind is nowhere in what ragkit stores, says or leaves behind."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ragkit.testing.leak_broken import Broken
from ragkit.testing.leak_places import Places
from ragkit.testing.leak_sources import live
from ragkit.testing.leak_supply import Supply
from ragkit.testing.leaks import VIEWS, World, lexical_terms, missed, scan

pytestmark = pytest.mark.timeout(1200)
"""The first test syncs five times and starts two dozen processes: a minute, longer where others use the machine."""

MOST_MISSED = 0.25
"""Of the people in running prose, as in ``test_leaks.py``."""
SERVERS = {"postgresql": "desk", "dovecot": "imap"}
"""Programs of Debian's, and the source that is left out where one is absent."""


@dataclass(frozen=True)
class Lived:
    """A workspace that took in sources of every kind, was killed, and was given sources that cannot be read."""

    world: World
    supply: Supply
    absent: frozenset[str]

    def told(self, command: str) -> tuple[str, int]:
        """What a command wrote to its standard output, and its status."""
        text = (self.world.said / f"command-{command}.txt").read_text()
        return text.split("\n---\n")[0], int(text.rpartition("status ")[2])

    def told_json(self, command: str) -> Any:
        """What it wrote as JSON."""
        return json.loads(self.told(command)[0])

    def unseen(self, findings: list) -> set[int]:
        """Those named in prose that the detector missed: they stand in a masked view."""
        cued = {number for number, one in enumerate(self.supply.canaries) if one.cued}
        return missed(findings) - cued - self.supply.hidden


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    """Run it all, with the servers."""
    world, supply = World(tmp_path_factory.mktemp("world")), Supply(seed=81)
    world.make()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", None)
        with Places(world.sources, supply) as places, Broken(supply, world.sources, places) as broken:
            tables = broken.tables
            patch.syspath_prepend(places.environment["PYTHONPATH"])
            for name, value in {**world.environment(), **places.environment}.items():
                patch.setenv(name, value)
            live(world, places, supply, tables)
            broken.fail(world)
            return Lived(world, supply, frozenset(places.absent))


def test_no_planted_value_is_found_anywhere(lived: Lived) -> None:
    """Of texts, names, headers, ids, hidden text, replies of servers that fail: no byte form of any."""
    findings = scan(lived.world, lived.supply.canaries)
    unseen = lived.unseen(findings)
    leaked = [one for one in findings if one.canary not in unseen]
    assert not leaked, Counter((lived.supply.places[one.canary], Path(one.where).name) for one in leaked)
    mentioned = sum(not one.cued for one in lived.supply.canaries) - len(lived.supply.hidden)
    assert len(unseen) <= MOST_MISSED * mentioned


def test_no_planted_value_is_a_term_of_the_lexical_index(lived: Lived) -> None:
    """The term dictionary is compressed, so it is asked rather than scanned."""
    found = set(lexical_terms(lived.world, lived.supply.canaries))
    found -= lived.unseen(scan(lived.world, lived.supply.canaries))
    assert not found, sorted(lived.supply.places[one] for one in found)


def test_the_scan_would_see_a_leak(lived: Lived, tmp_path: Path) -> None:
    """The same scan over what lies in files finds what is planted there: in packed formats, names and headers too."""
    copy = World(tmp_path)
    copy.make()
    sources = lived.world.sources
    sources.rename(copy.said / "sources")
    try:
        seen = {lived.supply.places[one.canary] for one in scan(copy, lived.supply.canaries)}
    finally:
        (copy.said / "sources").rename(sources)
    assert seen >= {
        "pptx notes", "odt file name", "docx hidden run", "xlsx comment", "odt text", "epub creator", "msg subject",
        "rtf hidden run", "zip member name", "broken pdf name", "html comment", "rst field", "files folder name",
        "jsonl id", "slack address", "sqlite access", "mbox file name", "reader id", "broken list of users",
        "text instead of a database",
    }  # fmt: skip


def test_every_source_was_read(lived: Lived) -> None:
    """Fourteen of them, by ten connectors, and what could not be read of them was set aside."""
    reports = {one["source"]: one for one in lived.told_json("sync")["sources"]}
    expected = {"folder", "lines", "chat", "code", "reader", "archive", "crm", "desk", "bucket", "wiki", "pages",
                "tickets", "help", "imap"}  # fmt: skip
    assert set(reports) == expected - {SERVERS[one] for one in lived.absent}
    assert {name: one["message"] for name, one in reports.items() if one["failed"]} == {}
    listed = {one["source"]: one["documents"] for one in lived.told_json("sources")["sources"]}
    assert all(listed.values()), listed
    assert listed["folder"] >= 25
    codes = {one["code"] for one in lived.told_json("quarantine-json")["items"]}
    assert codes >= {"malformed", "bad-line", "duplicate-id", "server-fault"}


def test_every_command_did_what_it_should(lived: Lived) -> None:
    """Two were killed midway; what should be refused was; the changes at the sources were seen."""
    names = {path.stem.removeprefix("command-") for path in lived.world.said.glob("command-*.txt")}
    ends = {name: lived.told(name)[1] for name in names}
    assert {name for name, status in ends.items() if status == -9} == {"killed", "killed-again"}
    refused = {"add-wrong-value", "add-gone", "add-secret", "show-unknown", "broken-sync", "broken-diff"}
    assert {name for name, status in ends.items() if status == 2} == refused
    changed = lived.told_json("diff-changed")["sources"]
    assert sum(one["renamed"] for one in changed) == 3
    assert {one["source"] for one in changed if one["deleted"]} >= {"folder", "lines", "chat", "bucket", "pages", "crm"}
    views = (lived.world.said / VIEWS).read_text(encoding="utf-8")
    assert all(f"[{kind}:" in views for kind in ("PERSON", "EMAIL_ADDRESS", "IBAN_CODE", "CREDIT_CARD"))


def test_every_fault_ended_as_an_error(lived: Lived) -> None:
    """Each connector failed by each fault, in this process and in others, with a message of ragkit's own."""
    errors = {path.stem: path.read_text() for path in lived.world.said.glob("error-*.txt")}
    assert len(errors) >= 60
    assert {name for name, text in errors.items() if "did not fail" in text} == set()
    broken = lived.told_json("broken-sync")["sources"]
    assert len(broken) >= 15
    assert all(one["failed"] for one in broken)
    for log in ("log.txt", "log-broken.txt"):
        assert "everything is logged" in (lived.world.said / log).read_text()
    assert (lived.world.said / "pickles.bin").stat().st_size > 1000
