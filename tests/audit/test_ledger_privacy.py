"""The log names nobody: after a seeded run through every way in, no seed is in it, and no detector finds anything."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.audit.catalogue import CATALOGUE
from ragkit.testing import sockets
from ragkit.testing.ledger_scan import Seeds, make_seeds, scan_bytes, scan_strings, texts_of, use, write_workspace
from ragkit.testing.model_servers import ModelServer
from ragkit.workspace import Workspace

HOUSE = """
[generators.house]
kind = "openai_compatible"
model = "tiny"
destination = "house"
[destinations.house]
url = "{url}"
location = "on-prem"
provider = "house"
max_data_class = "restricted"
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Workspace, Seeds, Path]]:
    """A workspace that was used in every way, its seeds, and its log."""
    seeds = make_seeds(12, seed=11)
    with sockets.loopback(), ModelServer(lambda _: "Tents last years [1].") as house:
        extra = HOUSE.format(url=house.url)
        made = tmp_path_factory.mktemp("ledger") / "w"
        folder = write_workspace(made, seeds, detectors='["builtin"]', extra=extra)
        with open_workspace(folder) as workspace:
            use(workspace, seeds, asked=3, generators=["house"])
    with open_workspace(folder) as workspace:
        workspace._handles.recorder.flush()
        yield workspace, seeds, folder / ".ragkit" / "events"


def test_the_run_went_through_most_of_the_catalogue(run: tuple[Workspace, Seeds, Path]) -> None:
    """A scan of a log in which nothing happened would prove nothing."""
    _, _, events = run
    kinds = Counter(
        json.loads(line)["type"] for path in sorted(events.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    )
    assert set(kinds) <= set(CATALOGUE)
    assert len(kinds) >= 55, sorted(set(CATALOGUE) - set(kinds))
    assert kinds["auth.denied"] >= 15
    wanted = {
        "pii.unmasked", "subject.exported", "subject.corrected", "subject.restricted", "erasure.receipt",
        "hold.placed", "key.escrowed", "backup.made", "incident.closed", "approval.used", "access.evidence",
        "doc.quarantined", "acl.class", "config.changed", "checkpoint", "egress.intent", "egress.done", "log.closed",
    }  # fmt: skip
    assert not wanted - set(kinds)


def test_no_seed_is_in_the_log_however_it_is_written(run: tuple[Workspace, Seeds, Path]) -> None:
    """Neither names nor addresses, files, questions, groups, purposes nor reasons. The scan finds what is planted."""
    _, seeds, events = run
    assert scan_bytes(events, seeds) == []
    planted = events.parent / "planted"
    planted.mkdir()
    for number, word in enumerate((seeds.word("purpose"), seeds.canaries[0].needles[0])):
        (planted / f"{number}-a").write_text(json.dumps({"x": word}))
        (planted / f"{number}-b").write_bytes(word.encode("utf-16-le"))
        (planted / f"{number}-c").write_bytes(base64.b64encode(b"ab" + word.encode() + b"c"))
        (planted / f"{number}-d").write_text(word.encode().hex())
    assert len({one.where for one in scan_bytes(planted, seeds)}) == 8


def test_the_detectors_find_nothing_in_any_text_of_the_log(run: tuple[Workspace, Seeds, Path]) -> None:
    """Every text that is no opaque id, looked at by the detectors that mask the documents."""
    workspace, _, events = run
    assert len(list(texts_of(events))) > 200
    assert scan_strings(events, workspace) == {}
