"""Evidence destroyed at an officer's word: of one request, of a dialogue, or of all that somebody asked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ragkit.approvals import require_approval
from ragkit.compliance.evidence import unreadable
from ragkit.errors import ConfigError
from ragkit.lifecycle.evidence import empty_log
from ragkit.lifecycle.holds import Holds, held_back

if TYPE_CHECKING:
    from ragkit.audit.evidence_destroying import Destroyed
    from ragkit.handles import Handles
    from ragkit.types import Principal


def forget_evidence(
    handles: Handles,
    *,
    purpose: str,
    request: str = "",
    conversation: str = "",
    asker: str = "",
    principal: Principal | None = None,
) -> Destroyed:
    """Destroy the evidence of a request, of a conversation, or of all that a principal asked, with its keys.

    The log stays as it is, and says who did this.

    Args:
        handles: The open workspace.
        purpose: Why; its keyed hash is recorded.
        request: One request …
        conversation: … or the id of a dialogue …
        asker: … or the subject of a principal.
        principal: Who asks, an officer of every collection; by default the owner.

    Raises:
        AccessDenied: No officer, or no purpose.
        ApprovalNeeded: Erasing needs a second officer here, and none has approved.
        ConfigError: Not exactly one of the three is given.
        HeldBack: A legal hold keeps a document or value in it; an approval is not used up then.
        WriterBusy: Another process is writing.

    Returns:
        How much; ``emptied`` is false where a reader is in the way: what was destroyed, and the keys to it, may stand
        in the write-ahead log until another erasure, sync or retention run.
    """
    given = [one for one in (request, conversation, asker) if one]
    if len(given) != 1:
        raise ConfigError("not exactly one thing to forget is named", remedy="Name a request, a dialogue or an asker.")
    asking = handles.officer("audit.forget", purpose=purpose, principal=principal)
    kind = "request" if request else "conversation" if conversation else "asker"
    target = f"{kind} {given[0]}"
    store, recorder = handles.evidence, handles.recorder
    try:
        with handles.writing("forget"):  # holds are placed under this lock, so none can come between
            named = store.of_conversation(conversation) if conversation else store.asked_by(asker)
            mine = [request] if request else named
            _require_free(handles, mine)
            require_approval(handles, "erase", asking=asking, collection="", target=target, purpose=purpose)
            held = store.held(mine)
            data = {"cause": "request", "turns": held.turns, "conversations": held.conversations}
            recorder.record("evidence.destroyed", actor=asking, data=data | {"purpose": recorder.keyed(purpose)})
            done = store.destroy(mine, cause="request")
        return replace(done, emptied=empty_log(store))
    except OSError as failed:
        raise unreadable(failed) from None


def _require_free(handles: Handles, requests: list[str]) -> None:
    facts = handles.evidence.facts(requests)
    numbers = {number for one in facts for number in one.numbers}
    doc_ids = {doc_id for one in facts for doc_id in one.doc_ids}
    found = [
        hold
        for part in (handles.known().values() if facts else ())
        for hold in Holds(part.store.database, part.collection).blocking(numbers=numbers, doc_ids=doc_ids)
    ]
    if found:
        raise held_back(found)
