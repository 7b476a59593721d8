"""Going on after a source broke off."""

from __future__ import annotations

import random
import traceback
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

from ragkit.crashpoints import reach
from ragkit.errors import RagkitError, SourceError
from ragkit.protocols import Connector, Fetches
from ragkit.types import Change, Checkpoint, SourceItem

T = TypeVar("T")


def said_by(connector: Connector, ask: Callable[[], Iterable[T]]) -> Iterator[T]:
    """Hand on what a connector says when it is asked; a fault of its own becomes an error of that source.

    One connector's fault is not to end the pass of another, and its text may hold content: kind and place are told.

    Raises:
        SourceError: The source cannot be read, or the connector has a fault.
    """
    try:
        yield from ask()
    except RagkitError:
        raise
    except Exception as fault:
        last = traceback.extract_tb(fault.__traceback__)[-1]
        place = f"{Path(last.filename).name}:{last.lineno}"
        raise SourceError(
            f"{type(connector).__name__} has a fault: {type(fault).__name__} in {place}",
            remedy="Tell its authors. What was read before is kept.",
        ) from None


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
                for change in said_by(connector, partial(connector.changes, cursor)):
                    started = True
                    yield change
                    if isinstance(change, Checkpoint):
                        if change.complete:
                            return  # what follows belongs to no pass
                        if change.cursor != cursor:
                            failures = 0
                        cursor = change.cursor
                return
            except SourceError:
                failures += 1
                if not started or failures >= self._attempts:
                    raise
                self._wait(failures)

    def fetched(self, connector: Connector, native_ids: Collection[str]) -> Iterator[SourceItem]:
        """Read these items; after a break, those that have not come. What was not asked for is let go of.

        Raises:
            SourceError: It broke off once too often.
        """
        if not isinstance(connector, Fetches):
            raise TypeError("a connector that yields Listed has the verb fetch: ragkit/protocols.py")
        left = dict.fromkeys(native_ids)
        failures = 0
        while left:
            reach("sync.before_fetch")
            try:
                for item in said_by(connector, partial(connector.fetch, list(left))):
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
