"""The questions that an auditor asks of the log, as methods of ``workspace.audit``; each leaves an event.

Each method is thin: it checks who asks, records that, and hands the log to the module that answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from sqlite3 import Error as SqliteError
from typing import TYPE_CHECKING, BinaryIO, Unpack

from ragkit.errors import EvidenceGone, RagkitError, StoreError
from ragkit.handles import Handles
from ragkit.roles import require
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.compliance.access import Plane, Reading, Sight
    from ragkit.compliance.diff import Diff
    from ragkit.compliance.egress import EgressReport
    from ragkit.compliance.events import Asked, Event, EventLog, Moment
    from ragkit.compliance.exporting import Exported, Format
    from ragkit.compliance.gaps import Gap
    from ragkit.compliance.guards import GuardReport
    from ragkit.compliance.naming import Names
    from ragkit.compliance.oversight import OversightReport
    from ragkit.compliance.retained import Retained
    from ragkit.compliance.story import Story
    from ragkit.lifecycle.retention import RuleReport
    from ragkit.protocols import Progress


class Questions:
    """Asks the event log of one workspace.

    A call without a ``principal`` runs as the workspace's owner. Times are :class:`datetime.datetime` in UTC; a whole
    number is the ``seq`` of an event, of which the first and the last count.

    Args:
        handles: The open workspace.
    """

    def __init__(self, handles: Handles) -> None:
        self._handles = handles

    def log(
        self,
        *kinds: str,
        limit: int | None = None,
        follow: bool = False,
        principal: Principal | None = None,
        **asked: Unpack[Asked],
    ) -> Iterator[Event]:
        """Return events, oldest first, as plain dictionaries.

        Args:
            kinds: Types, or families that end in a dot (``"egress."``); none for all.
            limit: Only so many of them, the newest.
            follow: Go on with those that are written from now on, without end.
            principal: Who asks.
            **asked: What else has to hold: :class:`ragkit.compliance.events.Asked`.

        Raises:
            AccessDenied: No auditor.
        """
        from collections import deque
        from itertools import chain

        self._auditor("log", principal)
        log = self._log
        found: Iterator[Event] = log.read(*kinds, **asked)
        if limit is not None:
            found = iter(deque(found, maxlen=limit))
        return chain(found, log.follow(*kinds, **asked)) if follow else found

    def show(self, wanted: str, *, principal: Principal | None = None) -> Story:
        """Return the whole story of an id: who asked, what was found, what left, what came of it, who looked since.

        Args:
            wanted: Id of a request, dialogue, erasure, run, document or event, or its first eight characters or more;
                or the ``seq`` of an event.
            principal: Who asks.

        Raises:
            AccessDenied: No auditor.
            UnknownId: Nothing in the log has it, or more than one id begins so.
        """
        from ragkit.compliance.story import story_of

        self._auditor("show", principal)
        story = story_of(self._log, self.names, wanted)
        if story.erasure is not None:
            story.erasure.receipt = self._receipt(story.erasure.request)
        for question in story.questions:
            if question.evidence:
                gone = self._gone(question.request)
                question.evidence = tuple({**one, "gone": gone} for one in question.evidence)
        return story

    def egress(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        provider: str = "",
        destination: str = "",
        data_class: str = "",
        entity: str = "",
        request: str = "",
        principal: Principal | None = None,
    ) -> EgressReport:
        """Return what left, by destination, what may have left, and which destinations today's register does not have.

        Args:
            since: From when on.
            until: Before when.
            provider: Only what went to this provider.
            destination: Only what went to this destination.
            data_class: Only content of this class.
            entity: Only prompts whose question or documents hold this type of personal data, masked or not.
            request: Only of this request.
            principal: Who asks.

        Raises:
            AccessDenied: No auditor.
        """
        from ragkit.compliance.egress import egress

        self._auditor("egress", principal)
        config = self._handles.config
        return egress(
            self._log,
            registered={*config.destinations, *config.generators},
            since=since,
            until=until,
            provider=provider,
            destination=destination,
            data_class=data_class,
            entity=entity,
            request=request,
        )

    def access(
        self,
        *,
        of: Plane | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        principal: Principal | None = None,
    ) -> list[Reading]:
        """Return who looked at the log, the vault and the evidence, oldest first, refusals included.

        Args:
            of: Only this: ``audit``, ``vault`` or ``evidence``.
            since: From when on.
            until: Before when.
            principal: Who asks.

        Raises:
            AccessDenied: No auditor.
        """
        from ragkit.compliance.access import readings

        self._auditor("access", principal)
        return list(readings(self._log, self.names, of=of, since=since, until=until))

    def sight(self, document: str, *, at: Moment | None = None, principal: Principal | None = None) -> Sight:
        """Return who could see a document at a time, and whom it was shown to.

        Args:
            document: Its opaque id.
            at: When, or right after the event of this ``seq``; by default now.
            principal: Who asks.

        Raises:
            AccessDenied: No auditor.
            UnknownId: Nothing in the log has this id.
        """
        from ragkit.compliance.access import sight_of
        from ragkit.compliance.finding_ids import whole_id

        self._auditor("access", principal)
        return sight_of(
            self._log, self.names, whole_id(self._log, document), at=datetime.now(UTC) if at is None else at
        )

    def diff(self, earlier: Moment, later: Moment, *, principal: Principal | None = None) -> Diff:
        """Return what changed between two dates in models, policies, connectors, permissions, keys and software.

        Raises:
            AccessDenied: No auditor.
        """
        from ragkit.compliance.diff import diff

        self._auditor("diff", principal)
        return diff(self._log, earlier, later)

    def gaps(
        self, *, since: Moment | None = None, until: Moment | None = None, principal: Principal | None = None
    ) -> list[Gap]:
        """Return what is missing or odd in the log, by what the log says itself. Raises ``AccessDenied``."""
        from ragkit.compliance.gaps import gaps

        self._auditor("gaps", principal)
        asking = self._log.last("access.audit")
        signed = self._log.last("checkpoint") is not None
        return gaps(
            self._log,
            since=since,
            until=until,
            every_seconds=self._handles.config.audit.checkpoints.every_seconds if signed else None,
            running=str(asking.get("writer", "")) if asking else "",
        )

    def retained(
        self, *, since: Moment | None = None, until: Moment | None = None, principal: Principal | None = None
    ) -> Retained:
        """Return what is past retention and still here, and what was purged by which rule. Raises ``AccessDenied``."""
        from ragkit.compliance.retained import retained

        self._auditor("retention", principal)
        return retained(self._log, self._due(), since=since, until=until)

    def guards(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        session: str = "",
        principal: Principal | None = None,
    ) -> GuardReport:
        """Return the questions that show signs of an injection, and what the guard did. Raises ``AccessDenied``."""
        from ragkit.compliance.guards import guards

        self._auditor("guards", principal)
        return guards(self._log, self.names, since=since, until=until, session=session)

    def oversight(
        self, *, since: Moment | None = None, until: Moment | None = None, principal: Principal | None = None
    ) -> OversightReport:
        """Return which answers people reviewed, corrected or took over, and how fast. Raises ``AccessDenied``."""
        from ragkit.compliance.oversight import oversight

        self._auditor("oversight", principal)
        return oversight(self._log, self.names, since=since, until=until)

    def export(
        self,
        form: Format,
        out: Path | BinaryIO,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Exported:
        """Write events for somebody else; ``audit.exported`` tells that it was done.

        Args:
            form: ``ocsf`` for a SIEM, ``csv`` for a spreadsheet, ``jsonl`` as they are.
            out: A file, mode 0600, which is there whole or not at all; or something open for bytes.
            since: From when on.
            until: Before when.
            principal: Who asks.
            progress: Called with ``"export"``.

        Raises:
            AccessDenied: No auditor.
            StoreError: The file cannot be written.
        """
        from ragkit.compliance.exporting import export

        asking = self._auditor("export", principal)
        log = self._log
        if not isinstance(out, Path):
            done = export(log, form, out, since=since, until=until, progress=progress)
        else:
            part = out.with_name(f".{out.name}.{os.getpid()}")
            try:
                with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
                    done = export(log, form, file, since=since, until=until, progress=progress)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(out)
            except OSError as failed:
                part.unlink(missing_ok=True)
                raise StoreError(
                    f"the export cannot be written ({type(failed).__name__})",
                    remedy="Name a file in a folder that is there and writable, with room for it.",
                ) from None
        data = {"events": done.events, "format": form, "from_seq": done.from_seq, "to_seq": done.to_seq}
        self._handles.recorder.record("audit.exported", actor=asking, data=data)
        return done

    @property
    def names(self) -> Names:
        """The names that ``ragkit.toml`` gives to keyed hashes of the log."""
        from ragkit.compliance.naming import Names

        return Names(self._handles.config, self._handles.recorder)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _auditor(self, verb: str, principal: Principal | None) -> Principal:
        """Return who asks, if they are an auditor, and record that they read the log."""
        asking = require(self._handles, "auditor", verb=f"audit.{verb}", principal=principal)
        self._handles.recorder.record("access.audit", actor=asking, data={"verb": verb})
        return asking

    @property
    def _log(self) -> EventLog:
        from ragkit.compliance.events import EventLog

        self._handles.recorder.flush()
        return EventLog(self._handles.config.data_folder / "events")

    def _gone(self, request: str) -> str:
        """Why the evidence of a request cannot be shown; empty where it can. No content is opened."""
        try:
            self._handles.evidence.documents(request)
        except EvidenceGone as gone:
            return gone.cause
        except (RagkitError, OSError, SqliteError):
            return "unreadable"
        return ""

    def _receipt(self, request: str) -> str | None:
        from ragkit.store.receipts import Receipts

        for part in self._handles.known().values():
            if found := Receipts(part.store.database.key_file).find(request):
                return found
        return None

    def _due(self) -> list[RuleReport]:
        from ragkit.lifecycle.holds import Holds
        from ragkit.lifecycle.retention import Retention
        from ragkit.lifecycle.retention_rules import rules_of

        due: list[RuleReport] = []
        for name, part in self._handles.known().items():
            rules = rules_of(self._handles.config.retention, name)
            holds = Holds(part.store.database, part.collection)
            due += Retention(part.store, rules, vault=part.masker.vault, holds=holds, recorder=part.recorder).due()
        return due
