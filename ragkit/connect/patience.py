"""Going on after a source broke off."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator

from ragkit.crashpoints import reach
from ragkit.errors import SourceError
from ragkit.protocols import Connector, Fetches
from ragkit.types import Change, Checkpoint, SourceItem


class Patience:
    """Reads from a source; when it breaks midway, waits and goes on.

    Full jitter over an exponential bound (M. Brooker, "Exponential Backoff And Jitter", AWS, 2015). Attempts count from
    the last progress, so a long pass over a shaky source ends as long as it gets further.

    Args:
        attempts: How often in a row it may break without getting further.
        sleep: Waits for so many seconds.
    """

    def __init__(self, attempts: int, sleep: Callable[[float], None]) -> None:
        self._attempts = attempts
        self._sleep = sleep

    def changes(self, connector: Connector, cursor: str | None) -> Iterator[Change]:
        """Follow the stream, from its last checkpoint after a break.

        Raises:
            SourceError: It did not begin at all, or broke off once too often.
        """
        failures = 0
        started = False
        while True:
            try:
                for change in connector.changes(cursor):
                    started = True
                    yield change
                    if isinstance(change, Checkpoint):
                        cursor = change.cursor
                        failures = 0
                return
            except SourceError:
                failures += 1
                if not started or failures >= self._attempts:
                    raise
                self._wait(failures)

    def fetched(self, connector: Fetches, native_ids: Collection[str]) -> Iterator[SourceItem]:
        """Read these items; after a break, those that have not come. What was not asked for is let go of.

        Raises:
            SourceError: It broke off once too often.
        """
        left = dict.fromkeys(native_ids)
        failures = 0
        while left:
            reach("sync.before_fetch")
            try:
                for item in connector.fetch(list(left)):
                    if item.native_id in left:
                        del left[item.native_id]
                        failures = 0
                        yield item
                return
            except SourceError:
                failures += 1
                if failures >= self._attempts:
                    raise
                self._wait(failures)

    def _wait(self, failures: int) -> None:
        self._sleep(random.uniform(0, 0.5 * 2**failures))
