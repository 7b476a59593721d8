"""Contract suites that a plugin inherits: override the fixtures, and the tests come with the class.

::

    class TestMyConnector(ConnectorContract):
        @pytest.fixture
        def connector(self, tmp_path):
            return MyConnector(...)  # over a source with at least three items

pytest is not a dependency of ragkit; importing this module without it is an error that says so.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING

from ragkit.errors import MissingDependency, SourceError
from ragkit.protocols import Connector
from ragkit.types import Change, Checkpoint, Delete, SourceItem, Upsert

try:
    import pytest
except ImportError as error:
    raise MissingDependency("the contract suites run under pytest", remedy="pip install pytest") from error

if TYPE_CHECKING:
    from datetime import timedelta


def items_of(changes: Iterable[Change]) -> list[SourceItem]:
    """The upserted items of a stream, in order."""
    return [change.item for change in changes if isinstance(change, Upsert)]


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
        assert all(isinstance(change, Upsert | Delete | Checkpoint) for change in changes)
        assert isinstance(changes[-1], Checkpoint)
        assert len(items_of(changes)) >= 3, "the `connector` fixture needs a source of three items or more"

    def test_a_complete_pass_starts_over(self, connector: Connector) -> None:
        """Only the last checkpoint may be complete, and then the next pass starts at None."""
        checkpoints = [change for change in connector.changes(None) if isinstance(change, Checkpoint)]
        assert not any(checkpoint.complete for checkpoint in checkpoints[:-1])
        if checkpoints[-1].complete:
            assert checkpoints[-1].cursor is None

    def test_identities_are_unique_in_a_pass(self, connector: Connector) -> None:
        """No two items of one pass share a native id, and none is empty."""
        identities = [item.native_id for item in items_of(connector.changes(None))]
        assert all(identities)
        assert len(identities) == len(set(identities))

    def test_items_are_well_formed(self, connector: Connector) -> None:
        """Bytes are bytes, text can be encoded, times have a zone, metadata is flat, a problem has no content."""
        for item in items_of(connector.changes(None)):
            assert isinstance(item.content, bytes)
            assert item.name
            for text in (item.native_id, item.name, item.title, item.uri, *item.metadata, *item.metadata.values()):
                assert text is None or text.encode("utf-8") is not None
            assert item.media_type is None or item.media_type.count("/") == 1
            zone: timedelta | None = item.modified.utcoffset() if item.modified else None
            assert item.modified is None or zone is not None, "`modified` needs a time zone"
            assert item.access is None or isinstance(item.access, frozenset)
            assert item.problem is None or (item.content == b"" and item.problem.replace("-", "").isalnum())

    def test_two_passes_agree(self, connector: Connector) -> None:
        """A quiet source reads the same twice, in the same order."""
        assert items_of(connector.changes(None)) == items_of(connector.changes(None))

    def test_a_pass_resumes_after_every_checkpoint(self, connector: Connector) -> None:
        """What came before a checkpoint and what comes after its cursor are together the whole source."""
        changes = list(connector.changes(None))
        everything = {item.native_id for item in items_of(changes)}
        for position, change in enumerate(changes):
            if not isinstance(change, Checkpoint) or change.cursor is None:
                continue
            before = {item.native_id for item in items_of(changes[:position])}
            after = {item.native_id for item in items_of(connector.changes(change.cursor))}
            assert before | after == everything

    def test_an_abandoned_pass_leaves_no_trace(self, connector: Connector) -> None:
        """A stream closed half-way does not disturb the next pass."""
        whole = items_of(connector.changes(None))
        stream = connector.changes(None)
        assert len(list(islice(stream, 1))) == 1
        if hasattr(stream, "close"):
            stream.close()
        assert items_of(connector.changes(None)) == whole

    def test_reprs_show_nothing(self, connector: Connector) -> None:
        """No repr of a change holds an identity, name or content."""
        for change in connector.changes(None):
            if isinstance(change, Upsert):
                assert change.item.native_id not in repr(change) or len(change.item.native_id) < 4

    def test_an_absent_source_is_a_source_error(self, unreadable: Connector | None) -> None:
        """A source that cannot be read at all raises SourceError with a remedy, at the latest on the first change."""
        if unreadable is None:
            return
        with pytest.raises(SourceError) as caught:
            list(unreadable.changes(None))
        assert caught.value.remedy
