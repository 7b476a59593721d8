"""Contract suites that a plugin inherits: override the fixtures, and the tests come with the class.

::

    class TestMyConnector(ConnectorContract):
        @pytest.fixture
        def connector(self, tmp_path):
            return MyConnector(...)  # over a source with at least three items

pytest is not a dependency of ragkit; importing this module without it is an error that says so.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from ragkit.errors import MissingDependency, SourceError
from ragkit.protocols import Connector, Detector, Fetches, Permits, Probes
from ragkit.types import Change, Checkpoint, Delete, Listed, SourceItem, Span, Unlisted, Upsert

try:
    import pytest
except ImportError as error:
    raise MissingDependency("the contract suites run under pytest", remedy="pip install pytest") from error

if TYPE_CHECKING:
    from datetime import timedelta


def items_of(changes: Iterable[Change]) -> list[SourceItem]:
    """The upserted items of a stream, in order."""
    return [change.item for change in changes if isinstance(change, Upsert)]


def named_in(changes: Iterable[Change]) -> list[str]:
    """The native ids that a stream names as existing, in order."""
    return [
        change.item.native_id if isinstance(change, Upsert) else change.native_id
        for change in changes
        if isinstance(change, Upsert | Listed)
    ]


def read_whole(connector: Connector) -> list[SourceItem]:
    """Every item of a pass from the beginning, those fetched that are only listed, in the order of the stream."""
    changes = list(connector.changes(None))
    listed = [change.native_id for change in changes if isinstance(change, Listed)]
    found = {item.native_id: item for item in items_of(changes)}
    if listed:
        assert isinstance(connector, Fetches), "a connector that yields Listed has the verb fetch"
        found |= {item.native_id: item for item in connector.fetch(listed)}
    return [found[native_id] for native_id in named_in(changes) if native_id in found]


class ConnectorContract:
    """What every connector must do. Override ``connector``, and ``unreadable`` where a source can be absent."""

    @pytest.fixture
    def connector(self) -> Connector:
        """Return a connector over a quiet source that holds at least three items. Override it."""
        pytest.fail("override the `connector` fixture of ConnectorContract")

    @pytest.fixture
    def unreadable(self) -> Connector | None:
        """Return a connector whose source is not there; ``None`` when that cannot happen. Override it if it can."""
        return None

    def test_it_is_a_connector(self, connector: Connector) -> None:
        """It has the protocol's one verb."""
        assert isinstance(connector, Connector)

    def test_a_pass_is_changes_ended_by_a_checkpoint(self, connector: Connector) -> None:
        """The stream holds changes only and its last is a checkpoint."""
        changes = list(connector.changes(None))
        assert all(isinstance(change, Upsert | Listed | Unlisted | Delete | Checkpoint) for change in changes)
        assert isinstance(changes[-1], Checkpoint)
        assert len(named_in(changes)) >= 3, "the `connector` fixture needs a source of three items or more"

    def test_only_the_last_checkpoint_is_complete(self, connector: Connector) -> None:
        """What follows a complete checkpoint would belong to no pass."""
        checkpoints = [change for change in connector.changes(None) if isinstance(change, Checkpoint)]
        assert not any(checkpoint.complete for checkpoint in checkpoints[:-1])

    def test_a_second_pass_names_what_is_there(self, connector: Connector) -> None:
        """A pass after a complete one, from the cursor that it left, names the same items; else it has only changes."""
        changes = list(connector.changes(None))
        last = changes[-1]
        assert isinstance(last, Checkpoint)
        again = list(connector.changes(last.cursor))
        if last.complete:
            assert set(named_in(again)) == set(named_in(changes))
        else:
            assert set(named_in(again)) <= set(named_in(changes))

    def test_identities_are_unique_in_a_pass(self, connector: Connector) -> None:
        """No two items of one pass share a native id, and none is empty."""
        identities = named_in(connector.changes(None))
        assert all(identities)
        assert len(identities) == len(set(identities))

    def test_items_are_well_formed(self, connector: Connector) -> None:
        """Bytes are bytes, text can be encoded, times have a zone, metadata is flat, a problem has no content."""
        for item in read_whole(connector):
            assert isinstance(item.content, bytes)
            assert item.name
            for text in (item.native_id, item.name, item.title, item.uri, *item.metadata, *item.metadata.values()):
                assert text is None or text.encode("utf-8") is not None
            assert item.media_type is None or item.media_type.count("/") == 1
            zone: timedelta | None = item.modified.utcoffset() if item.modified else None
            assert item.modified is None or zone is not None, "`modified` needs a time zone"
            assert item.access is None or isinstance(item.access, frozenset)
            assert item.problem is None or (item.content == b"" and item.problem.replace("-", "").isalnum())

    def test_what_is_listed_can_be_fetched(self, connector: Connector) -> None:
        """Each listed item is read by its id, with the version and the permissions that the listing told."""
        listed = {change.native_id: change for change in connector.changes(None) if isinstance(change, Listed)}
        if not listed:
            return
        assert isinstance(connector, Fetches)
        fetched = {item.native_id: item for item in connector.fetch(list(listed))}
        assert fetched.keys() == listed.keys()
        for native_id, item in fetched.items():
            assert listed[native_id].version in (None, item.version)
            assert listed[native_id].access in (None, item.access)
        assert list(connector.fetch(["no such item, surely"])) == []

    def test_permissions_name_every_item(self, connector: Connector) -> None:
        """Where permissions can be read alone, they are those of the items."""
        if not isinstance(connector, Permits):
            return
        alone = dict(connector.permissions())
        for item in read_whole(connector):
            assert alone[item.native_id] == item.access

    def test_a_probe_tells_no_names(self, connector: Connector) -> None:
        """Where the source can be probed, what it says holds no identity of an item."""
        if isinstance(connector, Probes):
            said = connector.probe()
            assert said
            assert not any(native_id in said for native_id in named_in(connector.changes(None)) if len(native_id) > 3)

    def test_two_passes_agree(self, connector: Connector) -> None:
        """A quiet source reads the same twice, in the same order."""
        assert read_whole(connector) == read_whole(connector)

    def test_a_pass_resumes_after_every_checkpoint(self, connector: Connector) -> None:
        """What came before a checkpoint and what comes after its cursor are together the whole source."""
        changes = list(connector.changes(None))
        everything = set(named_in(changes))
        for position, change in enumerate(changes):
            if not isinstance(change, Checkpoint) or change.cursor is None:
                continue
            before = set(named_in(changes[:position]))
            after = set(named_in(connector.changes(change.cursor)))
            assert before | after == everything

    def test_an_abandoned_pass_leaves_no_trace(self, connector: Connector) -> None:
        """A stream closed half-way does not disturb the next pass."""
        whole = read_whole(connector)
        stream = connector.changes(None)
        assert len(list(islice(stream, 1))) == 1
        if hasattr(stream, "close"):
            stream.close()
        assert read_whole(connector) == whole

    def test_reprs_show_nothing(self, connector: Connector) -> None:
        """No repr of a change or an item holds an identity, name or content."""
        changes = list(connector.changes(None))
        for shown in (*changes, *read_whole(connector)):
            for native_id in named_in(changes):
                assert len(native_id) < 4 or native_id not in repr(shown)

    def test_an_absent_source_is_a_source_error(self, unreadable: Connector | None) -> None:
        """A source that cannot be read at all raises SourceError with a remedy, at the latest on the first change."""
        if unreadable is None:
            return
        with pytest.raises(SourceError) as caught:
            list(unreadable.changes(None))
        assert caught.value.remedy


AWKWARD: tuple[str, ...] = (
    "",
    " ",
    "\n\n\t\n",
    ".",
    "\x00\ufeff\u200b",
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\u0301 \u0130stanbul \ufb01n \u202eabc",
    "\ud800",
    "word " * 3_000,
    "x" * 20_000,
)
"""Texts in which nothing need be found, and on which nothing may fail: empty, blank, combined, very long."""


class DetectorContract:
    """What every detector must do. Override ``detector`` and ``texts``."""

    @pytest.fixture
    def detector(self) -> Detector:
        """Return a new detector, not loaded. Override it."""
        pytest.fail("override the `detector` fixture of DetectorContract")

    @pytest.fixture
    def texts(self) -> Sequence[str]:
        """Return at least three texts, in some of which it finds something. Override it."""
        pytest.fail("override the `texts` fixture of DetectorContract")

    def test_name_and_fingerprint_need_no_load(self, detector: Detector) -> None:
        """Both are short words, the same before and after loading, and without white space."""
        before = (detector.name, detector.fingerprint)
        assert all(word and len(word) < 200 and not re.search(r"\s", word) for word in before)
        detector.load()
        assert (detector.name, detector.fingerprint) == before

    def test_it_finds_something(self, detector: Detector, texts: Sequence[str]) -> None:
        """One list of spans a text, in the order of the texts; the other tests stand on there being spans."""
        found = detector.detect(texts)
        assert len(found) == len(texts) >= 3
        assert any(found), "the `texts` fixture needs texts in which the detector finds something"

    def test_spans_are_well_formed(self, detector: Detector, texts: Sequence[str]) -> None:
        """Offsets lie in the text, no span is empty, scores are 0..1, types are type names, in order of the start."""
        for text, spans in zip(texts, detector.detect(texts), strict=True):
            assert all(isinstance(span, Span) for span in spans)
            assert all(0 <= span.start < span.end <= len(text) for span in spans)
            assert all(0.0 <= span.score <= 1.0 for span in spans)
            assert all(re.fullmatch(r"[A-Z][A-Z0-9_]{1,39}", span.entity_type) for span in spans)
            assert all(span.recognizer for span in spans)
            assert [span.start for span in spans] == sorted(span.start for span in spans)

    def test_a_batch_is_its_texts_one_by_one(self, detector: Detector, texts: Sequence[str]) -> None:
        """What stands beside a text in a batch, and in which order, does not change what is found in it."""
        together = detector.detect(texts)
        assert [detector.detect([text])[0] for text in texts] == together
        assert detector.detect(list(reversed(texts))) == together[::-1]
        assert detector.detect([*texts, *texts]) == [*together, *together]

    def test_it_is_deterministic(self, detector: Detector, texts: Sequence[str]) -> None:
        """The same texts give the same spans, scores included."""
        assert detector.detect(texts) == detector.detect(texts)

    def test_nothing_in_gives_nothing_out(self, detector: Detector) -> None:
        """No texts, no lists; an empty text has no spans."""
        assert detector.detect([]) == []
        assert detector.detect(["", ""]) == [[], []]

    def test_awkward_texts_pass(self, detector: Detector) -> None:
        """No text makes it fail or point outside the text."""
        for text, spans in zip(AWKWARD, detector.detect(AWKWARD), strict=True):
            assert all(0 <= span.start < span.end <= len(text) for span in spans)

    def test_loading_twice_changes_nothing(self, detector: Detector, texts: Sequence[str]) -> None:
        """``load`` may be called any number of times."""
        detector.load()
        first = detector.detect(texts)
        detector.load()
        assert detector.detect(texts) == first

    def test_it_is_pickled_before_load(self, detector: Detector, texts: Sequence[str]) -> None:
        """A child process gets it by value, unloaded, and finds the same under the same fingerprint."""
        copy: Detector = pickle.loads(pickle.dumps(detector))  # noqa: S301 - made here
        assert (copy.name, copy.fingerprint) == (detector.name, detector.fingerprint)
        assert copy.detect(texts) == detector.detect(texts)

    def test_its_repr_shows_no_text(self, detector: Detector, texts: Sequence[str]) -> None:
        """Neither before nor after it has seen text does its repr hold what it found."""
        found = detector.detect(texts)
        values = {text[s.start : s.end] for text, spans in zip(texts, found, strict=True) for s in spans}
        assert not [value for value in values if len(value) > 3 and value in repr(detector)]
