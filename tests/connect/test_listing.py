"""Sources that list without reading, that remember, and that report changes: what is asked for, and what is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from ragkit.errors import MassDeletion, SourceError
from ragkit.store.schema import items
from ragkit.testing.clock import cpu_seconds
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.sources import Shelf
from ragkit.types import Change, Checkpoint, Listed, Trust, Unlisted, Upsert

FOR_ANA, FOR_BEN = frozenset({f"u:{ANA.subject}"}), frozenset({f"u:{BEN.subject}"})


@pytest.fixture
def light(tmp_path: Path) -> Iterator[LightIngest]:
    """A fresh record store with light stages; Ada is a person."""
    made = LightIngest(tmp_path, words=["Ada"])
    yield made
    made.database.close()


@pytest.fixture
def shelf() -> Shelf:
    """Five items."""
    made = Shelf()
    for n in range(5):
        made.put(f"d{n}", f"text {n} of Ada")
    return made


def test_only_what_is_new_or_has_another_mark_is_read(light: LightIngest, shelf: Shelf) -> None:
    """The first pass reads all, the second nothing, the third what changed and what came."""
    assert light.sync(shelf.listed()).added == 5
    shelf.fetched.clear()
    assert light.sync(shelf.listed()).unchanged == 5
    assert shelf.fetched == []
    shelf.put("d1", "another text")
    shelf.put("new", "a new text")
    shelf.remove("d2")
    report = light.sync(shelf.listed())
    assert sorted(shelf.fetched) == ["d1", "new"]
    assert (report.added, report.updated, report.deleted, report.unchanged) == (1, 1, 1, 3)
    assert light.texts().keys() == shelf.items.keys()


def test_a_new_mark_on_the_same_content_is_read_once(light: LightIngest, shelf: Shelf) -> None:
    """A touched object is fetched, found as it was, and not fetched again; nothing is parsed."""
    light.sync(shelf.listed())
    shelf.put("d3", "text 3 of Ada")
    light.parser.parsed = 0
    for fetched in (["d3"], []):
        shelf.fetched.clear()
        assert light.sync(shelf.listed()).unchanged == 5
        assert shelf.fetched == fetched
    assert light.parser.parsed == 0


def test_a_listed_permission_takes_effect_without_reading(light: LightIngest, shelf: Shelf) -> None:
    """A changed access list is carried out from the listing alone, and unknown means nobody."""
    light.sync(shelf.listed())
    shelf.fetched.clear()
    shelf.permit("d0", FOR_BEN)
    shelf.permit("d1", frozenset())
    report = light.sync(shelf.listed())
    assert (report.access_changed, shelf.fetched) == (2, [])
    assert light.texts(ANA).keys() == {"d2", "d3", "d4"}
    assert light.texts(BEN).keys() == {"d0"}


def test_a_dry_run_counts_a_changed_permission_once(light: LightIngest, shelf: Shelf) -> None:
    """Where the permissions are read by themselves and the listing says them too."""

    class Both:
        def __init__(self) -> None:
            self.changes, self.fetch = shelf.listed().changes, shelf.listed().fetch  # type: ignore[attr-defined]

        def permissions(self) -> Iterator[tuple[str, frozenset[str] | None]]:
            return ((item.native_id, item.access) for item in shelf.items.values())

    light.sync(Both())
    shelf.permit("d0", FOR_BEN)
    shelf.permit("d1", frozenset())
    for dry_run in (True, False):
        report = light.sync(Both(), dry_run=dry_run)
        assert (report.access_changed, report.deleted) == (2, 0)
    assert light.texts(ANA).keys() == {"d2", "d3", "d4"}


def test_another_policy_reads_all_again(light: LightIngest, shelf: Shelf) -> None:
    """What is to be masked anew has to be read, though its mark is the same."""
    light.sync(shelf.listed())
    shelf.fetched.clear()
    light.masker._policy = "words-2"
    assert light.sync(shelf.listed()).updated == 5
    assert len(shelf.fetched) == 5


@dataclass(frozen=True)
class Shut:
    """A shelf of which a part cannot be looked into."""

    shelf: Shelf
    within: str = "d"

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Name what is outside of it."""
        *named, last = self.shelf.whole().changes(cursor)
        yield from (one for one in named if isinstance(one, Upsert) and not one.item.native_id.startswith(self.within))
        yield Unlisted(self.within)
        yield last


def test_what_cannot_be_looked_into_is_hidden_and_not_deleted(light: LightIngest, shelf: Shelf) -> None:
    """However much it is; the rest is kept in step, and nothing is treated again when it can be read again."""
    for n in range(40):
        shelf.put(f"e{n:02}", f"other text {n}")
    light.sync(shelf.whole())
    shelf.remove("e00")
    for dry_run, counts in ((True, (1, 5)), (False, (1, 5)), (False, (0, 0))):
        report = light.sync(Shut(shelf), dry_run=dry_run)
        assert (report.deleted, report.access_changed) == counts
    assert light.texts().keys() == {f"e{n:02}" for n in range(1, 40)}
    light.parser.parsed = 0
    assert light.sync(Shut(shelf, "e")).deleted == 0
    assert light.texts().keys() == {f"d{n}" for n in range(5)}
    assert light.sync(shelf.whole()).deleted == 0
    assert light.texts().keys() == shelf.items.keys()
    assert light.parser.parsed == 0


def test_an_item_that_is_gone_before_it_is_read_is_gone(light: LightIngest, shelf: Shelf) -> None:
    """Between listing and reading an item vanishes, and another changes: the newer content and its mark count."""

    def meanwhile(native_id: str) -> None:
        if native_id == "d0":
            shelf.before_fetch = lambda _: None
            shelf.remove("d1")
            shelf.put("d2", "newer")

    shelf.before_fetch = meanwhile
    report = light.sync(shelf.listed())
    assert (report.added, report.deleted) == (4, 0)
    assert light.texts()["d2"] == ["newer"]
    shelf.fetched.clear()
    light.sync(shelf.listed())
    assert shelf.fetched == []


def test_reading_goes_on_after_a_break(light: LightIngest, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fetch that breaks off midway is asked for the rest; one that always breaks ends the run, and loses nothing."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    broken: list[str] = []

    def stumble(native_id: str) -> None:
        if native_id not in broken:
            broken.append(native_id)
            raise SourceError("cut", remedy="Try again.")

    shelf.before_fetch = stumble
    assert light.sync(shelf.listed()).added == 5
    assert sorted(shelf.fetched) == sorted(shelf.items)

    def always(native_id: str) -> None:
        raise SourceError("cut", remedy="Try again.")

    shelf.put("d0", "changed")
    shelf.before_fetch = always
    with pytest.raises(SourceError):
        light.sync(shelf.listed())
    assert light.texts()["d0"] != ["changed"]
    shelf.before_fetch = lambda _: None
    assert light.sync(shelf.listed()).updated == 1
    assert light.texts()["d0"] == ["changed"]


def test_a_pass_resumes_and_deletes_by_absence(light: LightIngest, shelf: Shelf) -> None:
    """A run that dies in the listing goes on behind its checkpoint; only a whole pass deletes."""
    light.sync(shelf.listed(every=1))
    shelf.remove("d0")
    stream = shelf.listed(every=1)

    class Dies:
        def changes(self, cursor: str | None) -> Iterator[Change]:
            for count, change in enumerate(stream.changes(cursor)):
                if count == 5:
                    raise KeyboardInterrupt
                yield change

        fetch = stream.fetch  # type: ignore[attr-defined]

    with pytest.raises(KeyboardInterrupt):
        light.sync(Dies())
    assert "d0" in light.texts()
    report = light.sync(shelf.listed(every=1))
    assert report.deleted == 1
    assert light.texts().keys() == shelf.items.keys()


def test_a_source_keeps_what_it_remembers_from_pass_to_pass(light: LightIngest, shelf: Shelf) -> None:
    """The cursor of a complete checkpoint starts the next pass; deletions are by absence all the same."""
    light.sync(shelf.remembering())
    shelf.put("d1", "changed")
    shelf.remove("d2")
    report = light.sync(shelf.remembering())
    assert (report.updated, report.deleted, report.unchanged) == (1, 1, 3)
    light.masker._policy = "words-2"
    assert light.sync(shelf.remembering()).updated == 4


def test_a_crash_before_the_first_checkpoint_keeps_the_memory(light: LightIngest, shelf: Shelf) -> None:
    """A pass that dies early starts where it started, under another number: what it met may be gone by now."""
    light.sync(shelf.remembering())
    cursors: list[str | None] = []

    class Dies:
        def changes(self, cursor: str | None) -> Iterator[Change]:
            cursors.append(cursor)
            yield from list(shelf.remembering().changes(cursor))[:3]
            raise KeyboardInterrupt

        fetch = shelf.remembering().fetch  # type: ignore[attr-defined]

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            light.sync(Dies())
    assert cursors[0] is not None
    assert cursors[0] == cursors[1]
    shelf.remove("d0")  # met by the passes that died
    assert light.sync(shelf.remembering()).deleted == 1


def test_a_retried_quarantine_lists_from_the_beginning(light: LightIngest, shelf: Shelf) -> None:
    """What a source that only reports changes would not name again is reached when it is to be tried again."""
    shelf.put("broken", b"\xff\xfe")
    report = light.sync(shelf.reporting())
    assert (report.refused, report.quarantined) == (1, {"not-text": 1})
    assert light.sync(shelf.reporting()).refused == 0
    light.options["retry_quarantined"] = True
    assert light.sync(shelf.reporting()).refused == 1


def test_only_the_named_quarantined_are_tried_again(light: LightIngest, shelf: Shelf) -> None:
    """With document ids, the others stay set aside untried."""
    for n in range(3):
        shelf.put(f"broken{n}", b"\xff\xfe" + bytes([n]))
    light.sync(shelf.listed())
    one = sorted(light.store.inventory().quarantined)
    assert one == ["not-text"]
    from ragkit.store.schema import items

    with light.database.read() as connection:
        doc_ids = connection.execute(items.select().where(items.c.status == "quarantined")).all()
    light.options["retry_quarantined"] = [doc_ids[0].doc_id]
    shelf.fetched.clear()
    assert light.sync(shelf.listed()).refused == 1
    assert len(shelf.fetched) == 1


def test_permissions_are_read_apart_where_changes_alone_are_told(light: LightIngest, shelf: Shelf) -> None:
    """A source that reports changes does not name an item whose access list shrank; its permissions do."""
    for native_id in list(shelf.items):
        shelf.permit(native_id, FOR_ANA)
    light.sync(shelf.reporting())
    assert len(light.texts()) == 5
    shelf.permit("d0", frozenset())
    shelf.permit("d1", FOR_BEN)
    report = light.sync(shelf.reporting())
    assert (report.access_changed, report.updated) == (2, 0)
    assert light.texts(ANA).keys() == {"d2", "d3", "d4"}
    assert light.texts(BEN).keys() == {"d1"}


@pytest.mark.parametrize("manner", ["whole", "listed", "reporting", "remembering"])
def test_permissions_alone(light: LightIngest, shelf: Shelf, manner: str) -> None:
    """A pass over permissions changes who may see what and nothing else: no content, no deletion, no cursor."""
    connector = getattr(shelf, manner)()
    for native_id in list(shelf.items):
        shelf.permit(native_id, FOR_ANA)
    light.sync(connector)
    shelf.permit("d0", FOR_BEN)
    shelf.put("d1", "changed", access=FOR_ANA)
    shelf.remove("d2")
    shelf.fetched.clear()
    report = light.permissions(connector)
    assert (report.access_changed, report.updated, report.deleted, shelf.fetched) == (2, 0, 0, [])
    assert light.texts(ANA).keys() == {"d1", "d3", "d4"}, "an item that is not named may be seen by nobody"
    assert light.texts(BEN).keys() == {"d0"}
    assert light.texts(ANA)["d1"] != ["changed"]
    after = light.sync(connector)
    assert (after.updated, after.deleted) == (1, 1)
    assert light.texts(ANA).keys() == {"d1", "d3", "d4"}


def test_half_a_list_of_permissions_changes_nothing(light: LightIngest, shelf: Shelf) -> None:
    """A source that breaks off while it tells its permissions hides nothing and shows nothing."""
    for native_id in list(shelf.items):
        shelf.permit(native_id, FOR_ANA)
    light.sync(shelf.reporting())
    whole = shelf.reporting()

    class Cut:
        changes = whole.changes

        def permissions(self) -> Iterator[tuple[str, frozenset[str]]]:
            yield "d0", frozenset()
            raise SourceError("cut", remedy="Try again.")

    with pytest.raises(SourceError):
        light.sync(Cut())
    assert len(light.texts(ANA)) == 5


@pytest.mark.parametrize("manner", ["whole", "listed"])
def test_a_renamed_item_is_recognised(light: LightIngest, shelf: Shelf, manner: str) -> None:
    """An item under another id with the same bytes is renamed: neither added nor deleted, and not embedded again."""
    connector = getattr(shelf, manner)()
    light.sync(connector)
    embedded = light.embedder.embedded
    shelf.move("d0", "z0")
    report = light.sync(connector)
    assert (report.added, report.deleted, report.renamed, report.unchanged) == (0, 0, 1, 4)
    assert light.embedder.embedded == embedded
    assert light.texts().keys() == shelf.items.keys()
    (gone,) = [event for event in light.recorder.events if event.kind == "doc.deleted"]
    assert gone.data["moved_to"]


def test_a_copy_is_not_a_rename(light: LightIngest, shelf: Shelf) -> None:
    """While the first stays, a second item with the same bytes is an addition; when both go, both are deleted."""
    light.sync(shelf.whole())
    shelf.items["copy"] = replace(shelf.items["d0"], native_id="copy")
    report = light.sync(shelf.whole())
    assert (report.added, report.renamed) == (1, 0)
    shelf.remove("copy")
    shelf.remove("d0")
    report = light.sync(shelf.whole())
    assert (report.deleted, report.renamed) == (2, 0)


def test_a_renamed_folder_is_no_mass_deletion(light: LightIngest) -> None:
    """Forty of fifty items under new ids are let through; forty that are gone are not. A dry run says the same."""
    shelf = Shelf()
    for n in range(50):
        shelf.put(f"old/{n:02}", f"text {n}")
    light.sync(shelf.whole())
    for n in range(40):
        shelf.move(f"old/{n:02}", f"new/{n:02}")
    foreseen = light.sync(shelf.whole(), dry_run=True)
    report = light.sync(shelf.whole())
    assert (report.renamed, report.deleted, report.added) == (40, 0, 0)
    assert (foreseen.renamed, foreseen.deleted, foreseen.added) == (40, 0, 0)
    for n in range(40):
        shelf.remove(f"new/{n:02}")
    with pytest.raises(MassDeletion, match="40 of 50"):
        light.sync(shelf.whole())


@pytest.mark.parametrize("every", [0, 5])
def test_a_renamed_folder_is_recognised_after_a_sync_that_broke_off(
    light: LightIngest, every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With and without a cursor: what came in the sync that broke off is where the rest went, and nobody is asked."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    shelf, left = Shelf(), iter(range(33))
    light.options["max_delete_share"] = 0.2
    for n in range(40):
        shelf.put(f"old/{n:02}", f"text {n}")
    light.sync(shelf.whole(every=every))
    for n in range(40):
        shelf.move(f"old/{n:02}", f"new/{n:02}")

    class Cut:
        def changes(self, cursor: str | None) -> Iterator[Change]:
            yield from (change for _, change in zip(left, shelf.whole(every=every).changes(cursor)))
            raise SourceError("cut", remedy="Try again.")

    with pytest.raises(SourceError):
        light.sync(Cut())
    report = light.sync(shelf.whole(every=every))
    assert (report.renamed, report.deleted) == (40, 0)
    assert light.texts().keys() == shelf.items.keys()


def test_what_is_hidden_and_went_elsewhere_is_not_counted_twice_for_the_rest(light: LightIngest) -> None:
    """Copies of what cannot be looked into make no room for deletions: thirty of eighty are asked about."""
    shelf = Shelf()
    light.options["max_delete_share"] = 0.2
    for n in range(60):
        shelf.put(f"{'shut' if n < 20 else 'open'}/{n:02}", f"text {n}")
    light.sync(shelf.whole())
    for n in range(20):
        shelf.put(f"copy/{n:02}", f"text {n}")
    for n in range(20, 50):
        shelf.remove(f"open/{n}")
    with pytest.raises(MassDeletion, match="30 of 80"):
        light.sync(Shut(shelf, "shut/"))


def test_a_pass_that_another_machine_overtook_deletes_nothing_of_its(light: LightIngest, shelf: Shelf) -> None:
    """The writer's lock was lost with the server, another pass ran to its end, and this one goes on."""
    light.sync(shelf.whole())

    class Overtaken:
        def changes(self, cursor: str | None) -> Iterator[Change]:
            *named, last = shelf.whole().changes(cursor)
            yield from [*named, Checkpoint("z")]
            light.sync(shelf.whole())
            yield last

    assert light.sync(Overtaken()).deleted == 0
    assert light.texts().keys() == shelf.items.keys()


def test_an_item_named_again_while_it_is_treated_gets_the_list_told_last(light: LightIngest, shelf: Shelf) -> None:
    """It changed, and between two pages its list shrank: the new content does not come in under the old list."""
    shelf.permit("d0", FOR_BEN)
    light.sync(shelf.whole())
    shelf.put("d0", "another text", access=FOR_BEN)

    class Pages:
        def changes(self, cursor: str | None) -> Iterator[Change]:
            *named, last = shelf.whole().changes(cursor)
            yield from [*named, Listed("d0", None, frozenset()), last]

    light.sync(Pages())
    assert light.texts(BEN) == {}


def test_many_that_are_alike_are_paired_in_no_time(light: LightIngest) -> None:
    """Thousands of items with the same bytes in a renamed folder each go somewhere of their own, one look at each."""
    light.sync({})
    state = light.store.sync_state("list")
    number, _, _ = state.begin("", anew=True)
    row = {"source_id": state.source_id, "status": "active", "fingerprint": "", "attempts": 0, "version": 1}
    row |= {"changed_at": "", "body_mac": b"same"}
    names = [f"old{n:04}" for n in range(500)]
    old = [{**row, "doc_id": name, "last_seen_pass": 0, "came_pass": 0} for name in names]
    new = [{**row, "doc_id": f"new{n:04}", "last_seen_pass": number, "came_pass": number} for n in range(4_000)]
    with light.database.write() as connection:
        connection.execute(items.insert(), old + new)
    assert cpu_seconds(lambda: state.moved(names, number)) < 0.5
    assert state.moved(names, number) == {name: name.replace("old", "new") for name in names}


def test_listing_without_fetch_is_a_defect_that_says_so(light: LightIngest) -> None:
    """A connector that lists must be able to read."""

    class Mute:
        def changes(self, cursor: str | None) -> Iterator[Change]:
            yield Listed("a", "1")
            yield Checkpoint(None, complete=True)

    with pytest.raises(TypeError, match="fetch"):
        light.sync(Mute())


def test_every_chunk_knows_its_source(light: LightIngest, shelf: Shelf) -> None:
    """A hit tells the source, how far it was trusted at the last sync, and when its version was made."""
    light.options["trust"] = {"web": Trust.EXTERNAL}
    light.sync(shelf.listed(), "web")
    light.sync({"a": "another"}, "handbook")
    told = {(hit.provenance.source, hit.provenance.trust) for hit in light.hits()}
    assert told == {("web", Trust.EXTERNAL), ("handbook", Trust.INTERNAL)}
    assert all(datetime.fromisoformat(hit.provenance.indexed_at).tzinfo for hit in light.hits())
    light.options["trust"] = {"web": Trust.TRUSTED}
    light.sync(shelf.listed(), "web")
    assert {hit.provenance.trust for hit in light.hits() if hit.provenance.source == "web"} == {Trust.TRUSTED}
