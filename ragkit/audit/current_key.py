"""Which key signs next: the one that signed the newest note, or that it names as the next one."""

from __future__ import annotations

from pathlib import Path

from ragkit.audit.notes import Note, VerifierKey
from ragkit.audit.signing import WHAT, KeySource
from ragkit.errors import CheckpointRefused, ConfigError, RagkitError, SecretUnavailable

ACCEPT = (
    "If that is as it should be (a restored backup, a copied workspace, a lost key), an auditor goes on with "
    "`ragkit audit checkpoint --accept-log --purpose …`; otherwise keep everything and look at `ragkit audit verify`."
)


class CurrentKey:
    """Takes the key from its source, and finishes a change of keys that was killed.

    Args:
        source: ``[audit.key]``.
        origin: The log's name.
    """

    def __init__(self, source: KeySource, origin: str) -> None:
        self._source = source
        self._origin = origin
        self._private = b""
        self._doubted = False
        self._fetched = b""
        self._problem: SecretUnavailable | None = None

    def __repr__(self) -> str:
        return f"CurrentKey({self._source.kind!r})"

    def forget(self) -> None:
        """Ask the source again when the key is needed next."""
        self._private = self._fetched = b""
        self._doubted, self._problem = False, None

    def doubt(self) -> None:
        """Hold the key against the newest note before it is used again: another process wrote there."""
        self._doubted = True

    def fetch(self, newest: Note | None) -> None:
        """Run the command that gives the key, if it is one and the key at hand does not do.

        It may take half a minute, so it is never run under the log's lock: :meth:`after` takes what was fetched here.
        What is wrong, :meth:`after` tells.
        """
        if self._source.kind != "command" or self._settled(newest):
            return
        self._fetched, self._problem = b"", None
        try:
            self._fetched = self._source.read()
        except SecretUnavailable as bad:
            self._problem = bad

    def change(self, private: bytes) -> None:
        """Go on with another key."""
        self._private, self._doubted = private, False

    def after(self, newest: Note | None) -> bytes:
        """Return the private key to go on with after a note; the first of a log is made, where it is kept in a file.

        Raises:
            CheckpointRefused: It is not there, or another one is.
        """
        if self._settled(newest):
            return self._private
        problem: RagkitError | None = None
        found = False
        if newest is None and self._source.can_make:
            try:
                self._private = self._source.make()
            except RagkitError as bad:
                problem = bad
            else:
                return self._private
        for read, waits in ((self._read, False), (self._source.next, True)):
            try:
                private = read()
            except SecretUnavailable as bad:
                problem = problem or bad
                continue
            found = found or private is not None
            if private is not None and _fits(VerifierKey.of(self._origin, private), newest):
                if waits and newest is not None:
                    self._finish_change(newest)
                self._private = private
                return private
        if found:
            raise CheckpointRefused(
                f"the {WHAT} is not the one that signed the newest",
                code="other-key",
                remedy=f"Let [audit.key] give the right one, or restart with the new one after a change. {ACCEPT}",
            )
        raise CheckpointRefused(
            f"the {WHAT} is not there: {problem}" if problem else f"the {WHAT} is not there",
            code="no-key",
            remedy=f"Bring it back from its copy to where [audit.key] says. {ACCEPT}",
        )

    def kept_as(self, note: Note) -> Path:
        """Return where the key that signed ``note`` first goes on to be, when another takes its place."""
        return self._source.path.with_name(f"{self._source.path.name}.{note.signatures[0].key_id.hex()}.old")

    def _settled(self, newest: Note | None) -> bool:
        """Say whether the key at hand is the one to go on with; drop it if it is not."""
        if self._doubted and (newest is None or not self._private or not self._signs_after(newest)):
            self._private = b""
        self._doubted = False
        return bool(self._private)

    def _signs_after(self, newest: Note) -> bool:
        return _fits(VerifierKey.of(self._origin, self._private), newest)

    def _read(self) -> bytes:
        """Return the key of the source; of a command, what it gave last."""
        if self._source.kind != "command":
            return self._source.read()
        if self._problem is not None:
            raise self._problem
        if not self._fetched:
            raise SecretUnavailable("its command was not run yet", remedy="The next checkpoint runs it.")
        return self._fetched

    def _finish_change(self, newest: Note) -> None:
        try:
            self._source.install_next(keep_as=self.kept_as(newest))
        except ConfigError as bad:
            raise CheckpointRefused(str(bad), code="no-key", remedy=bad.remedy) from None


def _fits(key: VerifierKey, newest: Note | None) -> bool:
    """Say whether this is the key to go on with after a note: it signed it, and no other is named as the next."""
    return newest is None or (newest.is_signed_by(key) and newest.checkpoint.next_key in ("", str(key)))
