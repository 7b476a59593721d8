"""One progress made of the progress of several sources that are worked on in turns."""

from __future__ import annotations

import threading

from ragkit.protocols import Progress


class Told:
    """Adds up what the runs of one sync tell, and tells the sum. Safe to use from several threads.

    Args:
        progress: Told ``stage, done, total``; ``None`` where nobody asks.
    """

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, int | None]] = {}
        self._last: tuple[str, int, int | None] | None = None

    def of(self, source: str) -> Progress | None:
        """Return what one run tells its progress to."""
        return None if self._progress is None else lambda stage, done, total: self._tell(source, stage, done, total)

    def again(self) -> None:
        """Tell the last sum once more; whoever asked for an end gets it there."""
        if self._progress is not None:
            self._progress(*(self._last or ("sync", 0, None)))

    def _tell(self, source: str, stage: str, done: int, total: int | None) -> None:
        assert self._progress is not None
        with self._lock:
            self._counts[source] = (done, total)
            totals = [one for _, one in self._counts.values()]
            known = [one for one in totals if one is not None]
            self._last = (stage, sum(done for done, _ in self._counts.values()), None if None in totals else sum(known))
        self._progress(*self._last)
