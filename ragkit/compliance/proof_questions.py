"""What ``workspace.audit`` does for the proof of the record: sign, change the key, anchor, prove. Each is an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ragkit.handles import Handles
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.compliance.anchoring import Anchored, Anchoring
    from ragkit.compliance.checkpointing import KeyChange, SignedState, SigningKeyState
    from ragkit.protocols import Progress


class ProofQuestions:
    """The part of :class:`ragkit.auditing.Audit` about checkpoints. A call without a ``principal`` is the owner's."""

    _handles: Handles

    def checkpoint(self, *, principal: Principal | None = None) -> SignedState:
        """Sign the event log as it is now.

        Raises:
            AccessDenied: No auditor.
            ConfigError: Nothing is recorded here.
            CheckpointRefused: The log does not continue what was signed, or the key is not there.
            AuditUnavailable: The log or the note could not be read or written.
        """
        from ragkit.compliance.checkpointing import sign_now

        return sign_now(self._handles, principal=principal)

    def accept_log(self, *, purpose: str, principal: Principal | None = None) -> SignedState:
        """Take the log as it is, where it does not continue what was signed, or the signing key is gone.

        A new line of checkpoints begins under a new key; the old one is put aside. Where the log can be signed as it
        is, it is signed, and nothing else happens.

        Args:
            purpose: Why; its keyed hash is recorded.
            principal: Who decides.

        Raises:
            AccessDenied: No auditor, or no purpose.
            ConfigError: The key comes from outside ragkit and is still the old one.
            CheckpointRefused: It could not be signed even so.
            AuditUnavailable: The log or the note could not be read or written.
        """
        from ragkit.compliance.accepting import accept_log

        return accept_log(self._handles, purpose=purpose, principal=principal)

    def signing_key(self, *, principal: Principal | None = None) -> SigningKeyState:
        """Tell which key signs checkpoints, as the verifier key that an auditor is given.

        Raises:
            AccessDenied: No auditor.
            CheckpointRefused: The file of checkpoints is malformed.
        """
        from ragkit.compliance.checkpointing import show_key

        return show_key(self._handles, principal=principal)

    def rotate_key(
        self, *, new_key: bytes | None = None, keep_old: bool = True, principal: Principal | None = None
    ) -> KeyChange:
        """Change the key that signs checkpoints. One note names the new key and is signed by both.

        Args:
            new_key: 32 bytes; by default what waits in ``<variable>_NEXT``, or for a key file a new one.
            keep_old: Keep the old key file beside the new one; otherwise it is written over.
            principal: Who changes it.

        Raises:
            AccessDenied: No operator.
            ConfigError: The source is no file and no new key is given, or it is the old one.
            CheckpointRefused: The log cannot be signed by the old key.
            AuditUnavailable: The log or the note could not be read or written.
        """
        from ragkit.compliance.checkpointing import rotate_key

        return rotate_key(self._handles, new_key=new_key, keep_old=keep_old, principal=principal)

    def anchor(self, *names: str, principal: Principal | None = None) -> list[Anchoring]:
        """Sign the log and take the checkpoint to the places of ``[[audit.anchors]]``, off this machine.

        Args:
            names: Only these.
            principal: Who takes it.

        Raises:
            AccessDenied: No operator.
            ConfigError: There is no such place, or none at all.
            CheckpointRefused: The log does not continue what was signed, or the key is not there.
            AuditUnavailable: The log or the note could not be read or written.
        """
        from ragkit.compliance.anchoring import anchor

        return anchor(self._handles, names, principal=principal)

    def anchored(self, *, principal: Principal | None = None) -> Anchored:
        """Tell which size of the log is anchored where and since when, and how much of it is not.

        Raises:
            AccessDenied: No auditor.
            CheckpointRefused: The file of checkpoints is malformed.
        """
        from ragkit.compliance.anchoring import anchored

        return anchored(self._handles, principal=principal)

    def prove(
        self, seq: int, *, principal: Principal | None = None, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Prove to somebody who has a checkpoint that an event is in the log, without showing the others.

        Args:
            seq: Number of the event.
            principal: Who asks.
            progress: Called with ``"lines"`` while the log is read.

        Returns:
            ``kind``, ``index`` of the line from 0, ``size``, ``leaf_line``, ``proof`` and ``note``, for ``verify``.

        Raises:
            AccessDenied: No auditor.
            ConfigError: There is no such event, or it is younger than the newest checkpoint.
            CheckpointRefused: There is no checkpoint, or the lines are not those that were signed.
        """
        from ragkit.compliance.proofs import inclusion

        return inclusion(self._handles, seq, principal=principal, progress=progress)

    def prove_growth(
        self, size: int, *, principal: Principal | None = None, progress: Progress | None = None
    ) -> dict[str, Any]:
        """Prove to somebody who has an old checkpoint that the log of the newest one begins with it, unchanged.

        Args:
            size: Lines of the old checkpoint.
            principal: Who asks.
            progress: Called with ``"lines"`` while the log is read.

        Returns:
            ``kind``, ``size1``, ``size2``, ``proof``, ``note1`` and ``note2``, for ``verify``.

        Raises:
            AccessDenied: No auditor.
            ConfigError: No checkpoint is of this size.
            CheckpointRefused: There is no checkpoint, or the lines are not those that were signed.
        """
        from ragkit.compliance.proofs import consistency

        return consistency(self._handles, size, principal=principal, progress=progress)
