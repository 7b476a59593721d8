"""The auditor's face of a workspace: ``workspace.audit``. Each method is a question that ``ragkit audit`` asks.

Reading the log is an event. An auditor sees the log and no content; evidence is an officer's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ragkit.compliance.checking import Checking
from ragkit.compliance.people import People
from ragkit.compliance.proof_questions import ProofQuestions
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.audit.evidence_destroying import Destroyed
    from ragkit.compliance.blast_uses import BlastRadius
    from ragkit.compliance.events import Moment
    from ragkit.compliance.evidence import ShownEvidence
    from ragkit.compliance.replay_report import Replay
    from ragkit.protocols import Progress
    from ragkit.report.model import Report


class Audit(People, ProofQuestions, Checking):
    """Asks the event log of one workspace.

    The questions that the log alone answers are in :class:`~ragkit.compliance.questions.Questions`, what people decide
    in :class:`~ragkit.compliance.people.People`.

    Args:
        handles: The open workspace.
    """

    def blast_radius(
        self,
        document: str,
        *,
        version: int | None = None,
        since: Moment | None = None,
        until: Moment | None = None,
        source: str | None = None,
        collection: str | None = None,
        purpose: str = "",
        principal: Principal | None = None,
    ) -> BlastRadius:
        """Return every question whose search found a document, and what became of it: prompts, answers, destinations.

        Args:
            document: Opaque id of a document or number of a chunk; with ``source`` the source's own id, which is asked
                for as an officer.
            version: Only this version of the document.
            since: Only searches from this time, or this ``seq``.
            until: Only searches before this time, or up to this ``seq``.
            source: The source whose own id ``document`` is.
            collection: With ``source``, whose.
            purpose: With ``source``, why.
            principal: Who asks; by default the owner.

        Raises:
            AccessDenied: No auditor, or, with ``source``, no officer or no purpose.
            ConfigError: ``document`` is neither an opaque id nor a number.
        """
        from ragkit.compliance.blast_radius import blast_radius, document_of
        from ragkit.compliance.finding_ids import whole_id

        if source is not None:
            self._handles.officer("audit.blast-radius", purpose=purpose, principal=principal, collection=collection)
            document = document_of(self._handles, document, source=source, collection=collection)
        self._auditor("blast-radius", principal)
        document = document if document.isdecimal() else whole_id(self._log, document)
        return blast_radius(self._log, document, version=version, since=since, until=until)

    def replay(
        self, request: str, *, evidence: bool = False, purpose: str = "", principal: Principal | None = None
    ) -> Replay:
        """Make an answer again as of then, and return what is the same byte by byte, and where not, why.

        Nothing is sent. The result holds verdicts, counts, ids and commitments, and no content.

        Args:
            request: Its id, or its first eight characters or more.
            evidence: Return what was compared too, then and now, masked; asked for as an officer.
            purpose: With ``evidence``, why.
            principal: Who asks; by default the owner.

        Raises:
            AccessDenied: No auditor, or, with ``evidence``, no officer or no purpose.
            ApprovalNeeded: Evidence needs a second officer here, and none has approved.
            UnknownId: No event has this id.
            NotReproducible: It was no question. What is erased or expired is told in the result.
        """
        from ragkit.compliance.finding_ids import whole_id
        from ragkit.compliance.replay import Replayer

        asking = self._auditor("replay", principal)
        request = whole_id(self._log, request)
        if evidence:
            from ragkit.compliance.evidence import show_evidence

            show_evidence(self._handles, request, purpose=purpose, principal=principal)
        replay = Replayer(self._handles, contents=evidence).replay(request)
        self._replayed(replay, asking)
        return replay

    def replays(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Iterator[Replay]:
        """Replay every answer that was released in a time, oldest first. What is put back for one serves the next.

        Args:
            since: From this time, or this ``seq``.
            until: Before this time, or up to this ``seq``.
            principal: Who asks; by default the owner.
            progress: Called with ``"replay"``.

        Raises:
            AccessDenied: No auditor.
        """
        from ragkit.compliance.replay_log import answered

        asking = self._auditor("replay", principal)
        return self._replay_each(list(answered(self._log, since=since, until=until)), asking, progress)

    def _replay_each(self, requests: Sequence[str], asking: Principal, progress: Progress | None) -> Iterator[Replay]:
        from ragkit.compliance.replay import Replayer

        for number, replay in enumerate(Replayer(self._handles).replay_each(requests), start=1):
            self._replayed(replay, asking)
            if progress:
                progress("replay", number, len(requests))
            yield replay

    def _replayed(self, replay: Replay, asking: Principal) -> None:
        data = {"of": replay.request, "codes": replay.codes, "same": replay.whole == "same"}
        self._handles.recorder.record("replay.run", actor=asking, data=data)

    def evidence(
        self,
        request: str,
        *,
        purpose: str,
        reveal: bool = False,
        collection: str | None = None,
        principal: Principal | None = None,
    ) -> ShownEvidence:
        """Return what was asked, found, told to a model, sent and answered: for officers, masked, held to the record.

        Args:
            request: The id that joins the events of the question (``answer.request_id``).
            purpose: Why; its keyed hash is recorded, durably, before anything is shown.
            reveal: Show values in clear where tokens of the vault stand, to whom the collection's ``reveal`` names.
            collection: Where it was asked; without it, in a workspace of several, an officer of all is wanted.
            principal: Who asks; by default the owner.

        Raises:
            AccessDenied: No officer, or no purpose.
            ApprovalNeeded: A second officer has to approve first.
            EvidenceGone: It is erased, expired, destroyed, or was never kept; ``cause`` says which.
        """
        from ragkit.compliance.evidence import show_evidence

        return show_evidence(
            self._handles, request, purpose=purpose, principal=principal, collection=collection, reveal=reveal
        )

    def forget(
        self,
        *,
        purpose: str,
        request: str = "",
        conversation: str = "",
        asker: str = "",
        principal: Principal | None = None,
    ) -> Destroyed:
        """Destroy the evidence of a request, of a dialogue, or of all that a principal asked. The log stays whole.

        Args:
            purpose: Why; its keyed hash is recorded.
            request: One request …
            conversation: … or the id of a dialogue …
            asker: … or the subject of a principal.
            principal: Who asks, an officer of every collection; by default the owner.

        Raises:
            AccessDenied: No officer, or no purpose.
            ApprovalNeeded: A second officer has to approve first.
            ConfigError: Not exactly one of the three is given.
            HeldBack: A legal hold keeps something in it.
            WriterBusy: Another process is writing.
        """
        from ragkit.compliance.forgetting import forget_evidence

        return forget_evidence(
            self._handles,
            purpose=purpose,
            request=request,
            conversation=conversation,
            asker=asker,
            principal=principal,
        )

    def report(
        self,
        *,
        since: Moment | None = None,
        until: Moment | None = None,
        principal: Principal | None = None,
        progress: Progress | None = None,
    ) -> Report:
        """Return the auditor's report: what happened in a time, with the events behind each line, and what it lacks.

        The log is verified and the checks are run. ``ragkit.report.page.render`` makes the page of it.

        Args:
            since: First moment, or that of the event of this ``seq``; by default 30 days before ``until``.
            until: The moment before which events count, or that right after an event; by default now.
            principal: Who asks; by default the owner.
            progress: Called with ``"verify"``, ``"checks"`` and ``"report"``.

        Raises:
            AccessDenied: No auditor.
            ConfigError: The time ends before it begins.
            UnknownId: The log has no such number.
        """
        from ragkit.compliance.finding_ids import time_of
        from ragkit.report.collecting import report_of

        asking = self._auditor("report", principal)
        log = self._log
        first = None if since is None else time_of(log, since)
        last = None if until is None else time_of(log, until, end=True)
        return report_of(self._handles, log, since=first, until=last, principal=asking, progress=progress)

    def __repr__(self) -> str:
        return f"Audit({self._handles.config.workspace.name!r})"
