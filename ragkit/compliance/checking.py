"""What ``workspace.audit`` does to see that all is well: ``verify``, ``check``, ``review_permissions``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.handles import Handles
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.compliance.checks import Check
    from ragkit.compliance.verifying import Verified
    from ragkit.protocols import Progress


class Checking:
    """The part of :class:`ragkit.auditing.Audit` that checks. A call without a ``principal`` is the owner's."""

    _handles: Handles

    def verify(
        self,
        *,
        checkpoints: Sequence[Path] = (),
        keys: Sequence[str] = (),
        proofs: Sequence[Path] = (),
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Verified:
        """Verify that no event was altered, removed, inserted or moved since it was signed.

        Args:
            checkpoints: Files with checkpoints that were kept elsewhere: without one, whoever holds the signing key
                could have written everything anew.
            keys: Trusted verifier keys; by default the workspace's own.
            proofs: Files with proofs of inclusion or consistency.
            principal: Who asks; by default the owner.
            progress: Told of the bytes read.

        Raises:
            AccessDenied: No auditor.
            ConfigError: A key is none, or a file cannot be read.
        """
        from ragkit.compliance.verifying import verify_log

        asking = self._asking("verify", principal)
        return verify_log(
            self._handles, checkpoints=checkpoints, keys=keys, proofs=proofs, principal=asking, progress=progress
        )

    def check(
        self,
        *names: str,
        sample: int = 200,
        review_days: int = 90,
        seed: int | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> list[Check]:
        """Run checks: what was found, with its remedy and the events behind it. No text is shown, ids only.

        Args:
            names: Which, of :data:`ragkit.compliance.checks.ABOUT`; default: all.
            sample: Passages that ``residual`` draws of each collection.
            review_days: After how many days permissions are to be looked at again.
            seed: Makes the draw the same again.
            principal: Who asks.
            progress: Told of each check, and of long ones by themselves.

        Raises:
            AccessDenied: No auditor.
            ConfigError: There is no such check.
        """
        from ragkit.compliance.checks import run_checks

        return run_checks(
            self._handles,
            names,
            principal=self._asking("check", principal),
            sample=sample,
            review_days=review_days,
            seed=seed,
            progress=progress,
        )

    def review_permissions(
        self, *, principal: Principal | None = None
    ) -> Mapping[str, Mapping[str, tuple[str, ...] | None]]:
        """Return who may do what as it is configured, and record that somebody looked at it.

        By collection the lists ``access``, ``reveal``, ``officers`` and those of its sources; under ``roles`` the
        roles. ``None`` is the owner's, an empty list is nobody's.

        Raises:
            AccessDenied: No auditor.
        """
        from ragkit.compliance.checks_permissions import review

        return review(self._handles, principal=self._asking("review-permissions", principal))

    def _asking(self, verb: str, principal: Principal | None) -> Principal:
        """Return who asks, if they are an auditor, and record that they read the log."""
        from ragkit.roles import require

        asking = require(self._handles, "auditor", verb=f"audit.{verb}", principal=principal)
        self._handles.recorder.record("access.audit", actor=asking, data={"verb": verb})
        return asking
