from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ragkit.connect.identity import content_mac, document_id
from ragkit.crypto import CollectionKeys
from ragkit.errors import MassDeletion, SourceError
from ragkit.testing.light import ANA, BEN, LightIngest
from ragkit.testing.stages import FakeEmbedder, ListConnector, text_item
from ragkit.types import Change, Checkpoint, Delete, Listed, SourceItem, Upsert

KEYS = CollectionKeys(b"k" * 32)


@pytest.fixture
def light(tmp_path: Path) -> Iterator[LightIngest]:
    """A fresh record store with light stages; Ada is a person."""
    made = LightIngest(tmp_path, words=["Ada"])
    yield made
    made.database.close()


class Script:
    """Plays one list of changes a call, and remembers the cursors it was given; an exception in it is raised."""

    def __init__(self, *passes: list[Change | Exception]) -> None:
        self._passes = list(passes)
        self.cursors: list[str | None] = []

    def changes(self, cursor: str | None) -> Iterator[Change]:
        self.cursors.append(cursor)
        for change in self._passes.pop(0):
            if isinstance(change, Exception):
                raise change
            yield change


def up(name: str, text: str, **more: object) -> Upsert:
    """An upsert of a text."""
    return Upsert(text_item(name, text, **more))


DONE = Checkpoint(None, complete=True)


# --- what counts as the same ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"content": b"other"},
        {"name": "other"},
        {"title": "other"},
        {"uri": "file:other"},
        {"media_type": "text/html"},
        {"metadata": {"a": "other"}},
        {"metadata": {"other": "1"}},
        {"problem": "too-large"},
    ],
)
def test_everything_that_shows_is_compared(change: dict[str, object]) -> None:
    """A change of content, name, title, URI, media type, metadata or problem is a change of the item."""
    item = SourceItem(native_id="n", content=b"c", name="f", metadata={"a": "1"})
    assert content_mac(KEYS, item) != content_mac(KEYS, replace(item, **change))  # type: ignore[arg-type]


def test_version_marks_and_times_are_not_compared() -> None:
    """A new version mark or time of change with the same content is no change; the order of metadata is none."""
    item = SourceItem(native_id="n", content=b"c", name="f", metadata={"a": "1", "b": "2"})
    same = replace(item, version="2", modified=datetime.now(UTC), metadata={"b": "2", "a": "1"})
    assert content_mac(KEYS, item) == content_mac(KEYS, same)


def test_ids_tell_nothing_and_depend_on_source_and_key() -> None:
    """The same native id in two sources, or under two keys, has unrelated document ids."""
    ids = {
        document_id(KEYS, "mail", "ada"),
        document_id(KEYS, "files", "ada"),
        document_id(CollectionKeys(b"x" * 32), "mail", "ada"),
    }
    assert len(ids) == 3
    assert all(len(found) == 26 and "ada" not in found for found in ids)


# --- what a sync costs and does -------------------------------------------------------------------------------


def test_unchanged_items_cost_nothing(light: LightIngest) -> None:
    """A second sync of the same items parses, masks and embeds nothing, and publishes nothing."""
    items = {f"d{n}": f"text {n} of Ada" for n in range(600)}
    light.sync(items)
    done = (
        light.parser.parsed,
        light.masker.masked,
        light.embedder.embedded,
        light.store.index_source().last_chunk_id(),
    )
    report = light.sync(items)
    assert report.unchanged == 600
    assert (report.added, report.updated, report.chunks, report.exit_code) == (0, 0, 0, 0)
    assert done == (
        light.parser.parsed,
        light.masker.masked,
        light.embedder.embedded,
        light.store.index_source().last_chunk_id(),
    )


@pytest.mark.parametrize("what", ["policy", "embedder", "chunker", "parser"])
def test_another_policy_or_encoder_treats_everything_again(light: LightIngest, what: str) -> None:
    """When policy, encoder, chunker or parser change, every document is treated anew, under new version numbers."""
    light.sync({"a": "one", "b": "two"})
    if what == "policy":
        light.masker._policy = "words-2"
    elif what == "embedder":
        light.embedder = FakeEmbedder(8, name="other")
    elif what == "chunker":
        light.chunker.__class__ = type("Other", (type(light.chunker),), {"fingerprint": "other"})
    else:
        light.parser.__class__ = type("Other", (type(light.parser),), {"fingerprint": "other"})
    report = light.sync({"a": "one", "b": "two"})
    assert (report.updated, report.unchanged) == (2, 0)
    assert {hit.version for hit in light.hits()} == {2}


def test_a_source_of_deltas_is_listed_anew_under_another_policy(light: LightIngest) -> None:
    """A source that reports changes only is asked from its beginning when the policy changed."""
    source = Script([up("a", "one"), Checkpoint("1")], [Checkpoint("1")], [up("a", "one"), Checkpoint("1")])
    light.sync(source)
    light.sync(source)
    light.masker._policy = "words-2"
    report = light.sync(source)
    assert source.cursors == [None, "1", None]
    assert report.updated == 1


def test_deletions_by_report_and_by_absence(light: LightIngest) -> None:
    """A reported deletion and an item missing from a complete pass both go; an incomplete pass deletes nothing."""
    source = Script(
        [up("a", "one"), up("b", "two"), up("c", "three"), DONE],
        [up("a", "one"), Delete("b"), Checkpoint("x")],
        [Checkpoint(None, complete=True)],
        [up("a", "one"), DONE],
    )
    light.sync(source)
    assert light.sync(source).deleted == 1
    assert sorted(light.texts()) == ["a", "c"]
    report = light.sync(source)
    assert source.cursors == [None, None, "x", None]
    assert report.deleted == 1, "c was not met in the whole pass, a was in its first half"
    assert sorted(light.texts()) == ["a"]


def test_an_unknown_deletion_is_nothing(light: LightIngest) -> None:
    """Deleting what was never there, or twice, is no deletion."""
    source = Script([Delete("never"), up("a", "one"), DONE], [Delete("a"), Delete("a"), DONE])
    assert light.sync(source).deleted == 0
    assert light.sync(source).deleted == 1


def test_the_last_of_two_wins(light: LightIngest) -> None:
    """Of items with one native id in one pass the last one stays, near or far apart, also against a deletion."""
    far = [up(f"d{n}", f"text {n}") for n in range(300)]
    source = Script(
        [up("a", "first"), up("a", "second"), *far, up("a", "third"), DONE],
        [up("a", "new"), *far, up("a", "third"), DONE],
        [up("a", "newer"), *far, Delete("a"), DONE],
        [Delete("d1"), *far, DONE],
    )
    light.sync(source)
    assert light.texts()["a"] == ["third"]
    light.sync(source)
    assert light.texts()["a"] == ["third"]
    light.sync(source)
    assert "a" not in light.texts()
    light.sync(source)
    assert light.texts()["d1"] == ["text 1"]


def test_permissions_default_and_change(light: LightIngest) -> None:
    """Items that say nothing of permissions take the collection's; a changed default reaches them without embedding."""
    light.sync({"a": "one", "b": text_item("b", "two", access=frozenset())})
    embedded = light.embedder.embedded
    light.options["access"] = {f"u:{BEN.subject}"}
    report = light.sync({"a": "one", "b": text_item("b", "two", access=frozenset())})
    assert (report.access_changed, report.unchanged) == (1, 1)
    assert (light.texts(ANA), light.texts(BEN)) == ({}, {"a": ["one"]})
    assert light.embedder.embedded == embedded


# --- guards ---------------------------------------------------------------------------------------------------


def test_a_source_that_lost_half_is_refused(light: LightIngest) -> None:
    """A pass that would delete more than the share is refused, deletes nothing, and says how many."""
    light.sync({f"d{n}": f"text {n}" for n in range(50)})
    with pytest.raises(MassDeletion, match="30 of 50") as refused:
        light.sync({f"d{n}": f"text {n}" for n in range(20)} | {})
    assert "--allow-mass-delete" in refused.value.remedy
    assert len(light.texts()) == 50
    light.options["max_delete_share"] = 0.7
    assert light.sync({f"d{n}": f"text {n}" for n in range(20)}).deleted == 30


def test_a_few_may_go_whatever_their_share(light: LightIngest) -> None:
    """Up to three deletions are never refused; an emptied folder of four waits for a word."""
    light.sync({f"d{n}": f"text {n}" for n in range(4)})
    with pytest.raises(MassDeletion):
        light.sync({})
    assert light.sync({"d0": "text 0"}).deleted == 3
    assert light.sync({}).deleted == 1


@pytest.mark.parametrize("where", ["changes", "fetch", "permissions"])
def test_a_fault_of_a_connector_is_an_error_of_its_source(
    light: LightIngest, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Kind and place of it are told, and no word of its text, which may hold content; it is not tried for ever."""
    monkeypatch.setattr("ragkit.connect.sync.time.sleep", lambda _: None)

    class Faulty:
        def changes(self, cursor: str | None) -> Iterator[Any]:
            """Name two items."""
            yield up("a", "one")
            yield Checkpoint("1")
            if where == "changes":
                raise KeyError("Ada Lovelace")
            yield Listed("b", "1")
            yield DONE

        def fetch(self, native_ids: Sequence[str]) -> Iterator[Any]:
            """Fail."""
            raise KeyError("Ada Lovelace")

        def permissions(self) -> Iterator[Any]:
            """Fail, or tell nothing."""
            if where == "permissions":
                raise KeyError("Ada Lovelace")
            return iter([("a", None), ("b", None)])

    with pytest.raises(SourceError, match=r"Faulty has a fault: KeyError in test_sync\.py:\d+") as caught:
        light.sync(Faulty())
    assert "Ada" not in f"{caught.value}{caught.value.remedy}"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_broken_stream_is_taken_up_at_its_checkpoint(light: LightIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that breaks midway is read on from its last checkpoint after a wait, as long as it gets further."""
    waits: list[float] = []
    monkeypatch.setattr("ragkit.connect.sync.time.sleep", waits.append)
    broken = SourceError("gone")
    source = Script(
        [up("a", "one"), Checkpoint("1"), up("b", "two"), broken],
        [broken],
        [up("b", "two"), Checkpoint("2"), broken],
        [up("c", "three"), DONE],
    )
    report = light.sync(source)
    assert source.cursors == [None, "1", "1", "2"]
    assert len(waits) == 3
    assert all(0 <= wait <= 4 for wait in waits)
    assert report.added == 3
    assert sorted(light.texts()) == ["a", "b", "c"]


def test_a_source_that_never_starts_fails_at_once(light: LightIngest) -> None:
    """A source that cannot be read at all is not retried: a wrong path shows in no time."""
    source = Script([SourceError("no such folder")])
    with pytest.raises(SourceError, match="no such folder"):
        light.sync(source)
    assert light.recorder.events[-1].reason == "source-error"


def test_a_source_that_stays_broken_fails_in_the_end(light: LightIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries are bounded; what came before the break is committed and its cursor stored."""
    monkeypatch.setattr("ragkit.connect.sync.time.sleep", lambda _seconds: None)
    broken = SourceError("gone")
    whole = [up("a", "one"), up("b", "two"), DONE]
    source = Script([up("a", "one"), Checkpoint("1"), up("b", "two"), broken], *[[broken]] * 3, whole[1:], whole)
    with pytest.raises(SourceError, match="gone"):
        light.sync(source)
    assert sorted(light.texts()) == ["a", "b"]
    light.sync(source)
    assert source.cursors[-2:] == ["1", None]


def test_what_changed_before_the_place_of_a_break_is_found_by_the_next_sync(
    light: LightIngest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on after an interruption does not put off what happened meanwhile to items that were met before it."""
    monkeypatch.setattr("ragkit.connect.sync.time.sleep", lambda _seconds: None)
    first = [up("a", "one"), up("b", "two"), Checkpoint("1")]
    now = [up("b", "two", access=frozenset()), up("c", "three"), DONE]
    light.sync(Script([*first, DONE]))
    source = Script([*first, SourceError("gone")], *[[SourceError("gone")]] * 3, now[1:], now)
    with pytest.raises(SourceError):
        light.sync(source)
    report = light.sync(source)
    assert (report.added, report.access_changed, report.deleted) == (1, 1, 1)
    assert light.texts().keys() == {"c"}


def test_a_refused_pass_is_not_gone_on_with(light: LightIngest) -> None:
    """When the folder is mounted again, or its owner lets much be deleted, the whole source is looked at anew."""
    every = [up(f"d{n:02}", f"text {n}") for n in range(50)]
    light.sync(Script([*every, DONE]))
    source = Script([*every[40:45], Checkpoint("d44"), *every[45:], DONE], [*every[:25], DONE])
    with pytest.raises(MassDeletion, match="40 of 50"):
        light.sync(source)
    light.options["max_delete_share"] = 1.0
    assert light.sync(source).deleted == 25
    assert source.cursors == [None, None]
    assert light.texts().keys() == {f"d{n:02}" for n in range(25)}


def test_a_pass_that_goes_on_refuses_nothing_by_itself(light: LightIngest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a first half did not see, since the folder was half empty then, is there in the look that follows."""
    monkeypatch.setattr("ragkit.connect.sync.time.sleep", lambda _seconds: None)
    every = [up(f"d{n:02}", f"text {n}") for n in range(50)]
    light.sync(Script([*every, DONE]))
    broken = SourceError("gone")
    source = Script([*every[:5], Checkpoint("d44"), broken], *[[broken]] * 3, [*every[45:], DONE], [*every, DONE])
    with pytest.raises(SourceError, match="gone"):
        light.sync(source)
    assert light.sync(source).deleted == 0
    assert len(light.texts()) == 50


# --- quarantine -----------------------------------------------------------------------------------------------


def test_a_quarantine_stands_until_something_changes(light: LightIngest) -> None:
    """A refused item is not tried again as it is; a change of content, policy or wish tries it."""
    broken = SourceItem(native_id="x", content=b"\xff\xfe", name="x")
    report = light.sync({"x": broken, "a": "one"})
    assert (report.refused, report.quarantined, report.exit_code) == (1, {"not-text": 1}, 1)
    again = light.sync({"x": broken, "a": "one"})
    assert (again.refused, again.quarantined, again.exit_code) == (0, {"not-text": 1}, 1)
    assert light.parser.parsed == 2
    light.options["retry_quarantined"] = True
    assert light.sync({"x": broken, "a": "one"}).refused == 1
    light.options["retry_quarantined"] = False
    light.masker._policy = "words-2"
    assert light.sync({"x": broken, "a": "one"}).refused == 1
    healed = light.sync({"x": "readable now", "a": "one"})
    assert (healed.added, healed.quarantined, healed.exit_code) == (1, {}, 0)


def test_a_quarantined_item_that_goes_is_forgotten(light: LightIngest) -> None:
    """When the source drops the item, its quarantine goes too."""
    light.sync({"x": SourceItem(native_id="x", content=b"\xff\xfe", name="x")})
    assert light.sync({}).quarantined == {}


def test_a_problem_of_the_connector_is_seen(light: LightIngest) -> None:
    """An item that the connector could not hand over is quarantined under its code, and taken when it can be."""
    report = light.sync({"x": SourceItem(native_id="x", content=b"", name="x", problem="too-large")})
    assert report.quarantined == {"too-large": 1}
    assert light.sync({"x": "small now"}).added == 1


# --- a model --------------------------------------------------------------------------------------------------

NAMES = st.sampled_from("abcdef")
TEXTS = st.sampled_from(["one of Ada", "two", "three\n\nparagraphs\n\nhere", "AKIA0000", "   ", "the same"])
ACCESS = st.sampled_from([None, frozenset({"u:local|ben"}), frozenset({"pub"}), frozenset()])


class SyncAgainstDictionary(RuleBasedStateMachine):
    """Whatever happens at the source, after a sync the store answers what a dictionary would."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self._folder = tempfile.TemporaryDirectory()
        self.light = LightIngest(Path(self._folder.name), words=["Ada"])
        self.source: dict[str, SourceItem] = {}
        self.good: dict[str, tuple[SourceItem, str]] = {}  # what last could be read, and under which policy
        self.policy = 1
        self.synced = True

    @rule(name=NAMES, text=TEXTS, access=ACCESS)
    def write(self, name: str, text: str, access: frozenset[str] | None) -> None:
        self.source[name] = text_item(name, text, access=access)
        self.synced = False

    @rule(name=NAMES)
    def delete(self, name: str) -> None:
        self.source.pop(name, None)
        self.synced = False

    @rule()
    def change_policy(self) -> None:
        self.policy += 1
        self.light.masker._policy = f"words-{self.policy}"
        self.synced = False

    @rule(every=st.integers(0, 3))
    def sync(self, every: int) -> None:
        self.light.sync(ListConnector(self.source, every=every))
        self._model()

    @rule(calls=st.integers(0, 3))
    def break_off(self, calls: int) -> None:
        """A sync that is interrupted while it embeds, then goes on."""
        light, left = self.light, [calls]
        embed = light.embedder.embed

        def stop(texts: list[str]) -> object:
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return embed(texts)

        light.embedder.embed = stop  # type: ignore[method-assign,assignment]
        try:
            light.sync(ListConnector(self.source, every=1))
        except KeyboardInterrupt:
            pass
        finally:
            light.embedder.embed = embed  # type: ignore[method-assign]
        light.sync(ListConnector(self.source, every=1))
        self._model()

    def _model(self) -> None:
        for name in [name for name in self.good if name not in self.source]:
            del self.good[name]
        for name, item in self.source.items():
            text = item.content.decode()
            if "AKIA" not in text and text.strip():
                self.good[name] = (item, f"words-{self.policy}")
            elif name in self.good and self.good[name][1] != f"words-{self.policy}":
                del self.good[name]  # refused, and what answered was masked under another policy
            elif name in self.good:
                self.good[name] = (replace(self.good[name][0], access=item.access), self.good[name][1])
        self.synced = True

    @invariant()
    def they_agree(self) -> None:
        if not self.synced:
            return
        for principal in (ANA, BEN):
            wanted = {
                name: [text.replace("Ada", "[…]") for text in item.content.decode().split("\n\n")]
                for name, (item, _policy) in self.good.items()
                if (frozenset({f"u:{ANA.subject}"}) if item.access is None else item.access) & principal.tokens
            }
            found = {
                name: [text if "[" not in text else text[: text.index("[")] + "[…]" for text in texts]
                for name, texts in self.light.texts(principal).items()
            }
            assert found == wanted

    def teardown(self) -> None:
        self.light.database.close()
        self._folder.cleanup()


TestSyncAgainstDictionary = SyncAgainstDictionary.TestCase
TestSyncAgainstDictionary.settings = settings(
    max_examples=12,
    stateful_step_count=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
