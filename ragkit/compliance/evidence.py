"""What an answer was made of, shown to an officer and held to the record.

::

    shown = show_evidence(handles, request, purpose="complaint 17")
    shown.parts[0].content        # masked, as it was asked, found, told and answered
    shown.parts[0].matches        # it is what the event of then committed to

That it is shown is on the disk before it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ragkit.approvals import Deed, require_approvals
from ragkit.audit.evidence_forms import from_bytes
from ragkit.compliance.events import EventLog, stamped
from ragkit.errors import EvidenceGone, StoreError
from ragkit.revealing import entitled, reveal_text

if TYPE_CHECKING:
    from ragkit.handles import Handles
    from ragkit.types import Principal

IN_RECORD_VIEW = frozenset({"question", "retrieved", "answer"})
"""Parts whose tokens are those of the vault; the others are as a model saw or wrote them, with aliases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPart:
    """One part.

    Attributes:
        role: ``question``, ``retrieved``, ``prompt``, ``request_body``, ``response_body`` or ``answer``.
        ref: Its id in the event.
        content: Its bytes; masked, unless it was revealed.
        matches: Whether it is what the event committed to; ``None`` where no event knows of it: the process was killed
            before it was written.
        event: Number of that event; 0 without.
        at: When that was.
        kind: Its type.
    """

    role: str
    ref: str
    content: bytes = field(repr=False)
    matches: bool | None
    event: int = 0
    at: datetime | None = None
    kind: str = ""

    @property
    def text(self) -> str:
        """The content as text."""
        return self.content.decode("utf-8", "replace")

    def value(self) -> Any:
        """The content as plain values where it is JSON, else as text."""
        try:
            return from_bytes(self.content)
        except ValueError:
            return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownEvidence:
    """All that is kept of a request.

    Attributes:
        request: Its id.
        collection: What was asked.
        parts: In the order in which they were kept.
        missing: Parts that events commit to and that are not here, by role: somebody removed them.
        documents: Document versions whose text it holds, as (document id, version).
        revealed: Whether masked values are shown in clear.
    """

    request: str
    collection: str
    parts: tuple[ShownPart, ...]
    missing: tuple[str, ...] = ()
    documents: tuple[tuple[str, int], ...] = ()
    revealed: bool = False

    @property
    def matches(self) -> bool:
        """Whether every part is here and is what its event committed to."""
        return not self.missing and all(part.matches for part in self.parts)


def show_evidence(
    handles: Handles,
    request: str,
    *,
    purpose: str,
    principal: Principal | None = None,
    collection: str | None = None,
    reveal: bool = False,
) -> ShownEvidence:
    """Return what is kept of a request, masked.

    Args:
        handles: The open workspace.
        request: The id that joins its events.
        purpose: Why; its keyed hash is recorded.
        principal: Who asks, an officer of the collection; by default the owner.
        collection: Where it was asked; by default found out, which is for officers of all collections.
        reveal: Put the values back for tokens of the record view; for those whom the collection's ``reveal`` names.

    Raises:
        AccessDenied: No officer, or no purpose; or, with ``reveal``, not named there.
        ApprovalNeeded: Evidence, or clear text, needs a second officer here, and none has approved.
        AuditUnavailable: The access could not be recorded, so nothing is shown.
        EvidenceGone: It is erased, expired, destroyed, or was never kept; ``cause`` says which.
    """
    name = collection or _only(handles)
    asking = handles.officer("audit.evidence", purpose=purpose, principal=principal, collection=name)
    store = handles.evidence
    try:
        found = store.collection_of(request)
        if name is not None and found != name:
            raise EvidenceGone("no evidence was kept of this request in this collection", cause="missing")
        parts, documents = store.parts(request), store.documents(request)
    except OSError as failed:
        raise unreadable(failed) from None
    if reveal:
        entitled(handles.reader(found), handles.recorder, asking=asking, purpose=purpose)
    deeds: dict[Deed, str] = {"evidence": f"{request} in clear", "reveal": f"evidence {request}"}
    deeds = deeds if reveal else {"evidence": request}
    require_approvals(handles, deeds, asking=asking, collection=found, purpose=purpose)
    recorder = handles.recorder
    data = {"of": request, "collection": found, "parts": len(parts), "bytes": sum(len(one.content) for one in parts)}
    recorder.record("access.evidence", request=request, actor=asking, data=data | {"purpose": recorder.keyed(purpose)})
    told = _told(handles, request)
    shown = [
        ShownPart(
            role=part.role,
            ref=part.ref,
            content=part.content,
            matches=(told[part.ref].entry == _entry(part.role, part.content, part.mac)) if part.ref in told else None,
            event=told[part.ref].seq if part.ref in told else 0,
            at=told[part.ref].at if part.ref in told else None,
            kind=told[part.ref].kind if part.ref in told else "",
        )
        for part in parts
    ]
    here = {part.ref for part in parts}
    missing = tuple(str(one.entry[0]) for ref, one in told.items() if ref not in here)
    if reveal:
        shown = _revealed(handles, shown, found, asking=asking, purpose=purpose)
    return ShownEvidence(
        request=request,
        collection=found,
        parts=tuple(shown),
        missing=missing,
        documents=tuple(documents),
        revealed=reveal,
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """What an event says of a part."""

    entry: tuple[str, int, str]
    seq: int
    at: datetime
    kind: str


def _entry(role: str, content: bytes, mac: str) -> tuple[str, int, str]:
    return role, len(content), mac


def _told(handles: Handles, request: str) -> dict[str, _Told]:
    """What the events of a request commit to, by the ids of the parts."""
    found = {}
    for event in EventLog(handles.config.data_folder / "events").read(request=request):
        payload: list[Mapping[str, Any]] = event.get("payload") or []
        for one in payload:
            entry = (str(one.get("role")), int(one.get("len", -1)), str(one.get("mac")))
            found[str(one.get("ref"))] = _Told(entry, int(event["seq"]), stamped(event), str(event["type"]))
    return found


def _revealed(
    handles: Handles, parts: list[ShownPart], collection: str, *, asking: Principal, purpose: str
) -> list[ShownPart]:
    part, recorder = handles.reader(collection), handles.recorder
    return [
        replace(
            one,
            content=reveal_text(part, recorder, one.text, asking=asking, purpose=purpose).encode("utf-8", "replace"),
        )
        if one.role in IN_RECORD_VIEW
        else one
        for one in parts
    ]


def _only(handles: Handles) -> str | None:
    names = list(handles.config.collections)
    return names[0] if len(names) == 1 else None


def unreadable(failed: OSError) -> StoreError:
    """Return the error that says what is wrong with the file, and no word of what is in it."""
    return StoreError(
        f"the evidence store cannot be read or written ({failed.strerror or type(failed).__name__})",
        remedy="Look at the disk and the permissions of evidence.db in the data folder.",
    )
