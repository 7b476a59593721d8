"""What the recorder asks of the parts beside it: who signs the log, keeps evidence, gets a copy of each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from ragkit.types import Evidence, Principal


class Signer(Protocol):
    """Signs states of the log, for the recorder: ``prepare`` and then, under the log's lock, ``announce`` and ``sign``.

    What the log has to note about itself (``log.recovered``, ``log.rotated``) is written before ``announce`` is called,
    and nothing but the announcement between that and ``sign``. A refusal is recorded as ``checkpoint.refused`` with the
    error's ``code`` as reason and its ``size`` and ``seen``; recording goes on, unsigned.
    """

    def due(self, *, lines: int, now: float) -> bool:
        """Tell whether a checkpoint should be signed. Opens no file.

        Args:
            lines: How many lines this process has written since the last checkpoint it knows of.
            now: ``time.monotonic()``.
        """
        ...

    def prepare(self) -> None:
        """Read what may take long, before the log's lock is taken: a log without a usable cache is read from its start.

        What runs a command for the key runs it here too. Without it, ``announce`` reads, and has no such key. Raises
        nothing: what is wrong, ``announce`` tells.
        """
        ...

    def announce(self) -> Mapping[str, Any] | None:
        """Return the data of the event ``checkpoint`` to be appended next; its ``size`` counts that line too.

        ``None``: nothing was added since the last checkpoint.

        Raises:
            OSError: The log cannot be read.
            CheckpointRefused: The log does not continue what was signed before.
        """
        ...

    def sign(self) -> None:
        """Sign all complete lines of the log, that of the announcement included, and keep the checkpoint, durably.

        The lines are on the disk already.

        Raises:
            OSError: The log cannot be read, or the checkpoint file not written.
            CheckpointRefused: The log does not continue what was signed before.
        """
        ...

    def forked(self) -> None:
        """Drop what was read, announced or begun: in a forked child, whose parent may have been in the middle of it."""
        ...


class EvidenceKeeper(Protocol):
    """Keeps what events were about."""

    def keep(self, evidence: Evidence, *, request: str, actor: Principal | None) -> Sequence[Mapping[str, Any]]:
        """Store the parts, encrypted; return for each the entry of the event's ``payload``.

        An entry is ``{"role", "ref", "len", "mac"}``: an opaque id, the length in bytes, and
        ``hmac-sha256:`` under a random salt that is kept with the part.

        Raises:
            OSError: It could not be stored.
        """
        ...

    def sync(self) -> None:
        """Force what was kept to the disk. Raises OSError."""
        ...

    def close(self) -> None:
        """Close the files."""
        ...


class Sink(Protocol):
    """Takes a copy of each line, in a thread of its own, which alone calls it.

    Attributes:
        name: For events.
        timeout: Seconds; nobody waits longer for it, even if it hangs.
        required: Nothing is done without it.
    """

    name: str
    timeout: float
    required: bool

    def write(self, lines: Sequence[bytes]) -> None:
        """Take lines, in order; opens what has to be opened, also after a failure. Raises OSError."""
        ...

    def sync(self) -> None:
        """Force what was taken to the disk, where there is one. Raises OSError."""
        ...

    def close(self) -> None:
        """Close it."""
        ...
