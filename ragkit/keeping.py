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
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.errors import BackupError, ConfigError
from ragkit.handles import Handles
from ragkit.protocols import Progress
from ragkit.restoring import RestoreReport as RestoreReport
from ragkit.restoring import restore_workspace as restore_workspace
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.lifecycle.backup import BackupReport
    from ragkit.lifecycle.holds import Holds
    from ragkit.lifecycle.retention import Retention, RetentionReport, RuleReport
    from ragkit.store.holds import Hold, Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldReport:
    """One legal hold, for an officer.

    Attributes:
        documents: How many it keeps now; 0 once released.
        reason: As given.
        release_reason: Likewise; empty while it is in force.
    """

    hold: str
    collection: str
    scope: str
    placed_at: str
    released_at: str | None
    documents: int
    reason: str = field(repr=False)
    release_reason: str = field(default="", repr=False)


class Keeping:
    """Backups, retention and holds of an open workspace. Reached as ``workspace.keeping``.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    # --- backups ---------------------------------------------------------------------------------------------------

    def backup(
        self,
        target: str | PathLike[str],
        *,
        keys: str | PathLike[str] | None = None,
        progress: Progress | None = None,
    ) -> BackupReport:
        """Copy the record store, the configuration and the event log to a new folder; and the key file, if asked.

        Questions are answered and a sync goes on meanwhile. Without a copy of the key file a backup can be restored
        only where the workspace's own key file still is.

        Args:
            target: The new folder; nothing may be there.
            keys: Where the one copy of the key file is; default: ``keys`` under ``[backup]``, or none.
            progress: Called with ``"backup"`` and bytes.

        Raises:
            BackupError: The target is there, there is no room, or another backup is under way.
            StoreError: Nothing was ever synced.
        """
        from ragkit.lifecycle.backup import Backup
        from ragkit.store.keyfile import open_key_file

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
            ).make(Path(target).expanduser(), progress=progress)
            return self._with_keys(made, key_file, Path(keys).expanduser() if keys is not None else None)
        finally:
            key_file.close()

    def _with_keys(self, made: BackupReport, key_file: object, place: Path | None) -> BackupReport:
        """Make the copy of the key file; the backup stands, whatever becomes of that."""
        from ragkit.lifecycle.backup_keys import copy_keys, refresh_key_copy
        from ragkit.store.keyfile import KeyFile

        assert isinstance(key_file, KeyFile)
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
        self._handles.recorder.record("backup.made", data=data)
        problem = f"{copied.stale} older copies of the key file could not be reached; delete them by hand."
        return replace(made, keys=copied, keys_problem=problem if copied.stale else "")

    # --- retention -------------------------------------------------------------------------------------------------

    def due(self) -> list[RuleReport]:
        """Return what each retention rule asks for now, in counts. For everybody who may see the status."""
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
        for name in sorted(ruled):
            self._handles.officer("retention", purpose=purpose, principal=principal, collection=name)
        hashed = self._handles.recorder.keyed(purpose)
        if dry_run:
            reports = [
                self._retention(known[name]).run(dry_run=True, purpose=hashed) for name in known if name in ruled
            ]
            return replace(RetentionReport.together(reports), dry_run=True, elapsed=time.perf_counter() - began)
        self._require_synced()
        reports = []
        with self._handles.writing("retention") as database:
            for name in known:
                part = self._handles.collection(name, database)
                part.store.sweep()
                retention = self._retention(part)
                done = retention.run(keep_days=config.backup.keep_days, purpose=hashed, progress=progress)
                if done.documents:
                    fold(part.index, recorder=part.recorder, collection=name, progress=progress, force=True)
                part.close()
                reports.append(done)
            database.checkpoint_truncate()
            problem = self._renew_key_copy(database.key_file) if any(one.keys or one.pruned for one in reports) else ""
        total = RetentionReport.together(reports)
        return replace(total, keys_problem=problem, elapsed=time.perf_counter() - began)

    def _retention(self, part: OpenCollection) -> Retention:
        from ragkit.lifecycle.retention import Retention
        from ragkit.lifecycle.retention_rules import rules_of

        return Retention(
            part.store,
            rules_of(self._handles.config.retention, part.name),
            vault=part.masker.vault,
            holds=self._holds(part),
            recorder=part.recorder,
        )

    def _renew_key_copy(self, key_file: object) -> str:
        """Make the copy of the key file anew, so that it undoes nothing; return what is wrong with that."""
        from ragkit.lifecycle.backup_keys import refresh_key_copy
        from ragkit.store.keyfile import KeyFile

        assert isinstance(key_file, KeyFile)
        try:
            copied = refresh_key_copy(self._handles.config, key_file, root_key=self._handles.root_key)
        except BackupError as bad:
            return f"{bad}. {bad.remedy}"
        if copied is not None:
            data = {"kind": "keys", "copy": copied.copy, "made": copied.made_at}
            self._handles.recorder.record("backup.made", data=data)
        return ""

    # --- holds -----------------------------------------------------------------------------------------------------

    def place_hold(
        self,
        *,
        reason: str,
        value: str | None = None,
        document: str | None = None,
        source: str | None = None,
        whole: bool = False,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> HoldReport:
        """Keep something from retention, from erasure, and from a sync that finds it gone. Exactly one thing is named.

        Args:
            reason: Why; it is sealed, and its keyed hash recorded.
            value: A value of a person: every document that holds it, or another value that is certainly theirs alone.
            document: A document id.
            source: A source's name.
            whole: The whole collection.
            collection: Whose; by default the only one.
            principal: Who asks, an officer; by default the owner.

        Raises:
            AccessDenied: Not an officer, or no reason.
            ConfigError: Nothing, several things, or something unknown was named.
            WriterBusy: Another process is writing.
        """
        asking = self._handles.officer("hold", purpose=reason, principal=principal, collection=collection)
        named: dict[Scope, bool] = {
            "value": bool(value), "document": bool(document), "source": bool(source), "collection": whole,
        }  # fmt: skip
        scopes = [scope for scope, given in named.items() if given]
        if len(scopes) != 1:
            raise ConfigError("a hold is on one thing", remedy="Name a value, a document, a source or the collection.")
        name = self._handles.name(collection)
        known = [one.name for one in self._handles.config.collections[name].sources]
        if source and source not in known:
            raise ConfigError("there is no such source", remedy=f"Name one of: {', '.join(known)}.")
        with self._handles.writing("hold") as database:
            part = self._handles.collection(name, database)
            numbers = self._numbers_of(part, value) if value else frozenset()
            holds = self._holds(part)
            hold = holds.place(scopes[0], reason=reason, numbers=numbers, doc_id=document or "", source=source or "")
            report = _told(part.name, hold, holds)
            self._tell("hold.placed", report, asking, reason)
        return report

    def holds(
        self, *, purpose: str = "list holds", collection: str | None = None, principal: Principal | None = None
    ) -> list[HoldReport]:
        """Return all holds with their reasons, released ones too, the oldest first; for officers."""
        names = [self._handles.name(collection)] if collection else list(self._handles.known())
        for name in names:
            self._handles.officer("hold", purpose=purpose, principal=principal, collection=name)
        reports = []
        for name in names:
            part = self._handles.reader(name)
            holds = self._holds(part)
            reports += [_told(name, hold, holds) for hold in holds.every()]
        return sorted(reports, key=lambda one: (one.placed_at, one.hold))

    def release_hold(
        self, hold: str, *, reason: str, collection: str | None = None, principal: Principal | None = None
    ) -> HoldReport:
        """End a hold. What is gone at its source, and kept by no other hold, goes with the next complete sync.

        Raises:
            AccessDenied: Not an officer, or no reason.
            ConfigError: There is no such hold in force.
            WriterBusy: Another process is writing.
        """
        asking = self._handles.officer("hold", purpose=reason, principal=principal, collection=collection)
        with self._handles.writing("hold") as database:
            part = self._handles.collection(self._handles.name(collection), database)
            holds = self._holds(part)
            holds.release(hold, reason=reason)
            released = next(one for one in holds.every() if one.hold == hold)
            report = _told(part.name, released, holds)
            self._tell("hold.released", report, asking, reason)
        return report

    def _holds(self, part: OpenCollection) -> Holds:
        from ragkit.lifecycle.holds import Holds

        return Holds(part.store.database, part.collection)

    def _numbers_of(self, part: OpenCollection, value: str) -> frozenset[int]:
        """The numbers of a value, of its spellings, and of what is certainly the same person's and nobody else's."""
        from ragkit.lifecycle.people import People

        vault = part.masker.vault
        found: set[int] = set()
        for person in People(part.store, vault).find(value):
            for held in person.values:
                if held.certain and (not held.shared or held.value == value):
                    found |= {held.number, vault.value_number((held.entity_type, held.value))}
        return frozenset(found)

    def _tell(self, kind: str, report: HoldReport, asking: Principal, reason: str) -> None:
        data = {
            "hold": report.hold,
            "collection": report.collection,
            "scope": report.scope,
            "documents": report.documents,
            "reason": self._handles.recorder.keyed(reason),
        }
        self._handles.recorder.record(kind, actor=asking, data=data)

    def _require_synced(self) -> None:
        if not (self._handles.config.data_folder / "records.db").exists():
            raise BackupError("there is nothing here yet", remedy="Run `ragkit sync` first.")


def _told(collection: str, hold: Hold, holds: Holds) -> HoldReport:
    return HoldReport(
        hold=hold.hold,
        collection=collection,
        scope=hold.scope,
        placed_at=hold.placed_at,
        released_at=hold.released_at,
        documents=0 if hold.released_at else len(holds.documents_of(hold)),
        reason=hold.reason,
        release_reason=hold.release_reason,
    )


def describe_due(reports: Sequence[RuleReport]) -> dict[str, int]:
    """Return how many documents each rule would let go of, by ``collection/rule number``."""
    return {f"{one.collection}/{one.rule.number}": one.documents for one in reports}
