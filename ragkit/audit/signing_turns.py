"""When the log is signed: read ahead beside the writing thread, announced and signed by it under the log's lock."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ragkit.audit.envelope import own
from ragkit.audit.fields import is_word
from ragkit.audit.log_end import LogEnd
from ragkit.audit.sealing import Signer
from ragkit.audit.sinks import SinkFailed, code_of
from ragkit.errors import CheckpointRefused

_AGAIN = 5.0
_PATIENCE = 1.0
"""Seconds that the writing thread waits for one who reads ahead, which may take as long as the command for the key."""


class SigningTurns:
    """Lets the signer sign when it is due.

    When a checkpoint is refused or fails, that is recorded, once until one succeeds again, and recording goes on: to
    stop would take from the users what they need and give the one who altered the log what he may want, while the
    evidence of the alteration stays where it is and ``ragkit audit verify`` tells it.

    Args:
        end: The log.
        signer: Signs states of it; ``None``: nobody does.
        ask: Asks the writing thread to call :meth:`sign`; called in another thread.

    Attributes:
        signer: As given.
    """

    def __init__(self, end: LogEnd, signer: Signer | None, ask: Callable[[], None]) -> None:
        self._end = end
        self.signer = signer
        self._ask = ask
        self._start_over()

    def forget(self) -> None:
        """Start over in a forked child."""
        self._start_over()
        if self.signer is not None:
            self.signer.forked()

    def _start_over(self) -> None:
        self._reading = threading.Lock()
        self._preparing = False
        self._again = 0.0
        self._told = ""

    @property
    def waits(self) -> bool:
        """Whether there are lines to be signed some time."""
        return self.signer is not None and self._end.unsigned > 0

    def look(self) -> None:
        """Begin with a checkpoint if one is due. In the writing thread; returns at once."""
        now = time.monotonic()
        if self.signer is None or not self._end.unsigned or self._preparing or now < self._again:
            return
        if self.signer.due(lines=self._end.unsigned, now=now):
            self._preparing = True
            try:
                threading.Thread(target=self._prepare_and_ask, daemon=True, name="ragkit-checkpoint").start()
            except RuntimeError:  # the interpreter is ending
                self._preparing = False

    def prepare(self) -> None:
        """Read what a checkpoint needs and may take long; not in the writing thread, which goes on."""
        if self.signer is not None and self._end.unsigned:
            with self._reading:
                self.signer.prepare()

    def sign(self) -> Exception | None:
        """Announce and sign a checkpoint; return why that was not done. In the writing thread; raises nothing."""
        self._preparing = False
        if self.signer is None or not self._end.unsigned:
            return None
        if not self._reading.acquire(timeout=_PATIENCE):  # another thread reads ahead, and asks when it has done so
            return TimeoutError("the log is being read for another checkpoint")
        try:
            return self._signed(self.signer)
        finally:
            self._reading.release()

    def _signed(self, signer: Signer) -> Exception | None:
        try:
            with self._end.standing_still() as lines:
                announced = signer.announce()
                if announced is not None:
                    lines.append(self._end.announce(own("checkpoint", announced)))
                    signer.sign()
            self._end.unsigned, self._told = 0, ""
            with suppress(SinkFailed):
                self._end.copy(lines)
        except CheckpointRefused as refused:
            if refused.code == "no-key":
                self._tell("checkpoint.failed", {"size": refused.size}, refused.code)
            else:
                self._tell("checkpoint.refused", {"size": refused.size, "seen": refused.seen}, refused.code)
            return refused
        except Exception as failed:
            self._tell("checkpoint.failed", {"size": self._end.last_seq}, code_of(failed))
            return failed
        return None

    def _prepare_and_ask(self) -> None:
        try:
            self.prepare()
        finally:
            self._ask()

    def _tell(self, kind: str, data: Mapping[str, Any], code: str) -> None:
        self._again = time.monotonic() + _AGAIN
        if self._told != kind:
            self._told = kind
            self._end.note(own(kind, data, outcome="error", reason=code if is_word(code) else ""))
