"""What is kept and what is let go of in an open workspace: backups, retention, legal holds; and restoring.

::

    workspace.keeping.backup("/mnt/backups/monday")      # while questions are answered and a sync writes
    workspace.keeping.retain(dry_run=True)               # what the rules in ragkit.toml ask for
    workspace.keeping.place_hold(value="Galip Yalman", reason="case 7")
    restore_workspace("/mnt/backups/monday", keys="/mnt/safe/ragkit-keys")
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.errors import BackupError
from ragkit.holding import Holding
from ragkit.holding import HoldReport as HoldReport
from ragkit.protocols import Progress
from ragkit.restoring import RestoreReport as RestoreReport
from ragkit.restoring import restore_workspace as restore_workspace
from ragkit.roles import require
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.lifecycle.backup import BackupReport
    from ragkit.lifecycle.retention import Retention, RetentionReport, RuleReport
    from ragkit.store.keyfile import KeyFile


class Keeping(Holding):
    """Backups, retention and holds of an open workspace. Reached as ``workspace.keeping``.

    Args:
        handles: The open workspace.
    """

    # --- backups ---------------------------------------------------------------------------------------------------

    def backup(
        self,
        target: str | PathLike[str],
        *,
        keys: str | PathLike[str] | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> BackupReport:
        """Copy records, uploaded originals, configuration and event log to a new folder; and the key file, if asked.

        Questions are answered and a sync goes on meanwhile. Without a copy of the key file a backup can be restored
        only where the workspace's own key file still is.

        Args:
            target: The new folder; nothing may be there.
            keys: Where the one copy of the key file is; default: ``keys`` under ``[backup]``, or none.
            principal: Who asks, an operator; by default the owner.
            progress: Called with ``"backup"`` and bytes.

        Raises:
            AccessDenied: No operator.
            BackupError: The target is there, there is no room, or another backup is under way.
            StoreError: Nothing was ever synced.
        """
        from ragkit.lifecycle.backup import Backup
        from ragkit.store.keyfile import open_key_file

        asking = require(self._handles, "operator", verb="backup", principal=principal)
        self._require_synced()
        config = self._handles.config
        key_file = open_key_file(config.data_folder / "records.keys.db", writable=True)
        try:
            made = Backup(
                config,
                key_file,
                root_key=self._handles.root_key,
                recorder=self._handles.recorder,
                software=version("ragkit"),
                actor=asking,
            ).make(Path(target).expanduser(), progress=progress)
            return self._with_keys(made, key_file, Path(keys).expanduser() if keys is not None else None, asking)
        finally:
            key_file.close()

    def _with_keys(self, made: BackupReport, key_file: KeyFile, place: Path | None, asking: Principal) -> BackupReport:
        """Make the copy of the key file; the backup stands, whatever becomes of that."""
        from ragkit.lifecycle.backup_keys import copy_keys, refresh_key_copy

        config, root_key = self._handles.config, self._handles.root_key
        try:
            if place is None:
                copied = refresh_key_copy(config, key_file, root_key=root_key)
            else:
                copied = copy_keys(key_file, place, root_key=root_key, data_folder=config.data_folder)
        except BackupError as bad:
            return replace(made, keys_problem=f"{bad}. {bad.remedy}")
        if copied is None:
            problem = (
                "No copy of the key file is kept: this backup can be read only where `.ragkit/records.keys.db` is."
            )
            return replace(made, keys_problem=problem)
        data = {"kind": "keys", "copy": copied.copy, "made": copied.made_at}
        self._handles.recorder.record("backup.made", actor=asking, data=data)
        problem = f"{copied.stale} older copies of the key file could not be reached; delete them by hand."
        return replace(made, keys=copied, keys_problem=problem if copied.stale else "")

    # --- retention -------------------------------------------------------------------------------------------------

    def due(self, *, principal: Principal | None = None) -> list[RuleReport]:
        """Return what each retention rule asks for now, in counts; for operators, as the status."""
        require(self._handles, "operator", verb="due", principal=principal)
        known = self._handles.known()
        return [rule for name in known for rule in self._retention(known[name]).due()]

    def retain(
        self,
        *,
        purpose: str = "retention",
        dry_run: bool = False,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> RetentionReport:
        """Let go of every document that is older than its rule allows, and build the index without them.

        Run it daily; a sync keeps what is too old from coming back. What a legal hold keeps stays, and is counted.

        Args:
            purpose: Why; its keyed hash is recorded.
            dry_run: Tell what would go; takes no lock, deletes nothing.
            principal: Who asks, an officer of every collection that has a rule; by default the owner.
            progress: Called with ``"retention"``, then ``"index"``.

        Raises:
            AccessDenied: Not an officer.
            WriterBusy: Another process is writing.
        """
        from ragkit.lifecycle.rebuild import fold
        from ragkit.lifecycle.retention import RetentionReport

        began = time.perf_counter()
        config = self._handles.config
        known = self._handles.known()
        ruled = {rule.collection for rule in config.retention}
        asking = principal or config.workspace.principal
        for name in sorted(ruled):
            self._handles.officer("retention", purpose=purpose, principal=asking, collection=name)
        hashed = self._handles.recorder.keyed(purpose)
        if dry_run:
            reports = [
                self._retention(known[name], asking).run(dry_run=True, purpose=hashed)
                for name in known
                if name in ruled
            ]
            return replace(RetentionReport.together(reports), dry_run=True, elapsed=time.perf_counter() - began)
        self._require_synced()
        reports, past = [], 0
        with self._handles.writing("retention") as database:
            for name in known:
                part = self._handles.collection(name, database)
                part.store.sweep()
                past += part.end_history().keys
                self._end_evidence(part)
                retention = self._retention(part, asking)
                done = retention.run(keep_days=config.backup.keep_days, purpose=hashed, progress=progress)
                if done.documents:
                    fold(part.index, recorder=part.recorder, collection=name, progress=progress, force=True)
                part.close()
                reports.append(done)
            database.checkpoint_truncate()
            problem = self._renewed(database.key_file) if past or any(one.keys or one.pruned for one in reports) else ""
        total = RetentionReport.together(reports)
        return replace(total, keys_problem=problem, elapsed=time.perf_counter() - began)

    def _retention(self, part: OpenCollection, asking: Principal | None = None) -> Retention:
        from ragkit.lifecycle.evidence import drop_quoting
        from ragkit.lifecycle.retention import Retention
        from ragkit.lifecycle.retention_rules import rules_of

        def let_go(doc_ids: Sequence[str]) -> None:
            drop_quoting(self._handles.evidence, part.name, doc_ids, part.recorder)
            part.uploads.let_go(doc_ids, "retention")

        return Retention(
            part.store,
            rules_of(self._handles.config.retention, part.name),
            vault=part.masker.vault,
            holds=self._holds(part),
            recorder=part.recorder,
            actor=asking,
            quoting=let_go,
        )

    def _end_evidence(self, part: OpenCollection) -> None:
        """Destroy what was kept as evidence for longer than it is to be."""
        from ragkit.lifecycle.evidence import end_evidence

        days = self._handles.config.audit.evidence.days
        end_evidence(self._handles.evidence, part.name, self._holds(part), part.recorder, days=days)

    def _renewed(self, key_file: KeyFile) -> str:
        """Make the copy of the key file anew, so that it brings nothing back; return what is wrong with that."""
        from ragkit.lifecycle.backup_keys import renew_key_copy

        return renew_key_copy(self._handles.config, key_file, self._handles.root_key, self._handles.recorder)[1]

    def _require_synced(self) -> None:
        from ragkit.store.place import has_records

        if not has_records(self._handles.config):
            raise BackupError("there is nothing here yet", remedy="Run `ragkit sync` first.")
