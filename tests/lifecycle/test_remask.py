"""Masking again after a change of policy: what is told beforehand is what is done, and nothing is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ragkit.audit.schema import check
from ragkit.errors import SourceError
from ragkit.lifecycle.differences import Differences
from ragkit.lifecycle.remask import RemaskReport, remask
from ragkit.pipeline import Ingestor
from ragkit.protocols import Connector
from ragkit.store.schema import bodies, chunks, documents, items, sources, vault, versions
from ragkit.testing.light import LightIngest
from ragkit.testing.stages import ListConnector, text_item
from ragkit.types import Change, SourceItem

TEXTS: dict[str, str | SourceItem] = {
    "both": "Ada met Grace.\n\nGrace left.",
    "one": "Ada was alone.",
    "none": "Nobody came.",
    "second": "Alan wrote.\n\nNothing more, said Grace.",
    "secret": "Ada has AKIA0000",
    "title": text_item("title", "Nobody came here either.", title="About Grace"),
}
COUNTED = (
    "documents", "changed", "embedded", "chunks", "refused", "before", "after", "newly_masked", "newly_unmasked",
)  # fmt: skip


class Gone:
    """A connector whose source cannot be read."""

    def changes(self, cursor: str | None) -> Iterator[Change]:
        raise SourceError("not mounted", remedy="Mount it.")


def first(folder: Path, texts: Mapping[str, str | SourceItem] = TEXTS, *, name: str = "list") -> LightIngest:
    """A store under a policy that knows Ada and Alan."""
    light = LightIngest(folder, words=["Ada", "Alan"])
    light.sync(ListConnector(texts), name)
    return light


def again(light: LightIngest, connectors: Mapping[str, Connector], *, dry_run: bool = False) -> RemaskReport:
    """Mask again with the masker that the ingest has now."""
    watch = Differences(encoder=light.embedder.fingerprint)
    ingestor = Ingestor(
        store=light.store,
        parser=light.parser,
        masker=light.masker,
        chunker=light.chunker,
        embedder=light.embedder,
        recorder=light.recorder,
        watch=watch,
        **light.options,
    )
    run = ingestor.preview if dry_run else ingestor.sync
    return remask(
        light.collection.name,
        {name: (lambda one=one, name=name: run(one, name)) for name, one in connectors.items()},
        watch=watch,
        store=light.store,
        masker=light.masker,
        embedder=light.embedder,
        recorder=light.recorder,
        dry_run=dry_run,
    )


def under(folder: Path, *words: str, policy: str = "words-2") -> LightIngest:
    """The same store under another policy."""
    return LightIngest(folder, words=words, policy=policy)


def rows(light: LightIngest) -> dict[str, list[object]]:
    """Everything in the store."""
    with light.database.read() as connection:
        tables = (bodies, chunks, documents, items, sources, vault, versions)
        return {table.name: [tuple(row) for row in connection.execute(table.select())] for table in tables}


def in_force(light: LightIngest) -> int:
    """How many chunks an index of the policy in force would hold."""
    return sum(1 for _ in light.store.index_source(in_force=True).rows())


def test_a_dry_run_tells_what_the_run_does(tmp_path: Path) -> None:
    """Every count is equal, and the dry run stores nothing, in the vault neither."""
    first(tmp_path).database.close()
    light = under(tmp_path, "Ada", "Grace")
    before = rows(light)
    told = again(light, {"list": ListConnector(TEXTS)}, dry_run=True)
    assert rows(light) == before
    assert told.dry_run
    assert told.estimated is not None
    assert told.estimated > 0
    done = again(light, {"list": ListConnector(TEXTS)})
    assert {name: getattr(told, name) for name in COUNTED} == {name: getattr(done, name) for name in COUNTED}
    assert done.estimated is None
    assert not done.dry_run


def test_the_counts_are_right(tmp_path: Path) -> None:
    """By type, by value, by document; a text that is masked as before is not embedded again."""
    first(tmp_path).database.close()
    light = under(tmp_path, "Ada", "Grace")
    done = again(light, {"list": ListConnector(TEXTS)})
    assert done.documents == 5
    assert done.refused == {"secret": 1}
    assert (done.before, done.after) == ({"PERSON": 3}, {"PERSON": 5})
    assert done.newly_masked == {"PERSON": 1}, "Grace, however often"
    assert done.newly_unmasked == {"PERSON": 1}, "Alan"
    assert done.changed == 3, "both, second, and the one whose title names Grace"
    assert (done.embedded, done.chunks) == (3, 5)
    assert light.embedder.embedded == 5
    assert done.exit_code == 1
    assert not any("Grace" in text for texts in light.texts().values() for text in texts)
    assert light.texts()["second"][0] == "Alan wrote."


def test_what_was_done_is_not_done_again(tmp_path: Path) -> None:
    """A second run finds nothing to do, and a source that changed meanwhile is taken as it is."""
    first(tmp_path).database.close()
    light = under(tmp_path, "Ada", "Grace")
    again(light, {"list": ListConnector(TEXTS)})
    masked = light.masker.masked
    done = again(light, {"list": ListConnector(TEXTS)})
    assert (done.documents, done.chunks, light.masker.masked) == (0, 0, masked)
    changed = {**TEXTS, "one": "Grace was alone. Ada was not, for once.", "new": "Ada came."}
    done = again(light, {"list": ListConnector(changed)})
    assert (done.documents, done.newly_masked, done.newly_unmasked) == (2, {}, {}), "places cannot be compared"


def test_a_source_that_cannot_be_read_keeps_its_documents_hidden(tmp_path: Path) -> None:
    """It is named; its documents are in the store, in no index of the new policy, and come back when it does."""
    light = first(tmp_path)
    light.sync({"other": "Ada and Grace elsewhere."}, "other")
    light.database.close()
    light = under(tmp_path, "Ada", "Grace")
    told = again(light, {"list": ListConnector(TEXTS), "other": Gone()}, dry_run=True)
    done = again(light, {"list": ListConnector(TEXTS), "other": Gone()})
    for report in (told, done):
        assert (report.unreachable, report.hidden) == ({"other": "source-error"}, {"other": 1})
        assert report.exit_code == 1
    assert in_force(light) == 7
    assert light.store.index_source(in_force=True).count_live() == 7
    assert light.texts()["other"] == [light.texts()["other"][0]], "nothing is lost"
    done = again(light, {"list": ListConnector(TEXTS), "other": ListConnector({"other": "Ada and Grace elsewhere."})})
    assert (done.documents, done.hidden, in_force(light)) == (1, {}, 8)


def test_a_source_that_nobody_names_any_more_is_hidden_too(tmp_path: Path) -> None:
    """Its documents were masked under the old policy, and nothing can mask them again."""
    light = first(tmp_path)
    light.sync({"other": "Ada and Grace elsewhere."}, "other")
    light.database.close()
    light = under(tmp_path, "Ada", "Grace")
    for dry_run in (True, False):
        assert again(light, {"list": ListConnector(TEXTS)}, dry_run=dry_run).hidden == {"other": 1}
    assert in_force(light) == 7


def test_no_source_at_all_is_an_error(tmp_path: Path) -> None:
    """Nothing is published when nothing could be masked."""
    first(tmp_path).database.close()
    light = under(tmp_path, "Ada", "Grace")
    with pytest.raises(SourceError):
        again(light, {"list": Gone()})


def test_the_change_is_recorded(tmp_path: Path) -> None:
    """Once, with both fingerprints and counts; a sync records it as well, and says so."""
    first(tmp_path).database.close()
    light = under(tmp_path, "Ada", "Grace")
    again(light, {"list": ListConnector(TEXTS)})
    kinds = light.recorder.kinds()
    assert [kinds.count(kind) for kind in ("remask.started", "policy.changed", "remask.finished")] == [1, 1, 1]
    for event in light.recorder.events:
        check(event.kind, event.data, outcome=event.outcome, reason=event.reason)
    changed = next(event.data for event in light.recorder.events if event.kind == "policy.changed")
    assert (changed["previous"], changed["policy"]) == ("words-1", "words-2")
    light.database.close()
    light = under(tmp_path, "Ada", policy="words-3")
    assert light.sync(ListConnector(TEXTS)).policy_changed
    assert light.recorder.kinds().count("policy.changed") == 1
    assert not light.sync(ListConnector(TEXTS)).policy_changed


def test_reports_add_up() -> None:
    """Of several collections."""
    one = RemaskReport(
        documents=1, before={"PERSON": 2}, estimated=1.5, dry_run=True, unreachable={"a": "source-error"}
    )
    two = RemaskReport(documents=2, before={"PERSON": 1, "AGE": 1}, estimated=0.5, dry_run=True, hidden={"b": 4})
    total = RemaskReport.together([one, two])
    assert (total.documents, total.before, total.estimated) == (3, {"PERSON": 3, "AGE": 1}, 2.0)
    assert (total.unreachable, total.hidden, total.dry_run) == ({"a": "source-error"}, {"b": 4}, True)
