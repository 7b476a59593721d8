"""Masked values shown in clear to somebody entitled, with the event that says so: the one place where it happens.

Who may is decided before (:meth:`ragkit.workspace.Workspace.reveal`). The event is on the disk before the first clear
text is given out; what cannot be recorded is not shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ragkit.approvals import require_approval
from ragkit.build import OpenCollection
from ragkit.errors import AccessDenied
from ragkit.handles import Handles
from ragkit.mask.reveal import reveal_pieces
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.audit.recorder import EventRecorder


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An item that is set aside. ``native_id`` is the source's own id, for the entitled who gave a purpose."""

    source: str
    doc_id: str
    code: str
    native_id: str | None = field(default=None, repr=False)


def entitled(part: OpenCollection, recorder: EventRecorder, *, asking: Principal, purpose: str) -> Principal:
    """Return who asks, if the collection's ``reveal`` names them and a purpose is given; a refusal is recorded.

    Raises:
        AccessDenied: The principal may not, or gave no purpose.
    """
    if not purpose.strip() or not asking.tokens & frozenset(part.section.reveal):
        about = {"verb": "reveal", "collection": part.name, "via": "local" if asking.kind == "local" else "caller"}
        recorder.record("auth.denied", actor=asking, outcome="denied", data=about)
        raise AccessDenied(
            "this principal may not see masked values here, or gave no purpose",
            remedy="State a purpose; the collection's `reveal` in ragkit.toml names who may.",
        )
    return asking


def approved(handles: Handles, part: OpenCollection, target: str, *, asking: Principal, purpose: str) -> None:
    """Return if a second officer need not, or did, approve that this is shown. Raises as ``require_approval``."""
    require_approval(handles, "reveal", asking=asking, collection=part.name, target=target, purpose=purpose)


def whole(pieces: Iterable[str]) -> Iterator[str]:
    """Yield the pieces as one."""
    yield "".join(pieces)


def reveal_text(part: OpenCollection, recorder: EventRecorder, text: str, *, asking: Principal, purpose: str) -> str:
    """Put values back into a text.

    Raises:
        AuditUnavailable: The access could not be recorded.
    """
    clear, entities = part.masker.vault.reveal(text)
    _shown(part, recorder, entities, len(text), asking=asking, purpose=purpose)
    return clear


def reveal_stream(
    part: OpenCollection, recorder: EventRecorder, pieces: Iterable[str], *, asking: Principal, purpose: str
) -> Iterator[str]:
    """Put values back into a text that comes in pieces; nothing is read before the first is asked for.

    ``pii.unmasking`` is on the disk before any piece is read, ``pii.unmasked`` with the counts follows at the end, also
    where the reader stops early.

    Raises:
        AuditUnavailable: The access could not be recorded.
    """
    recorder.record("pii.unmasking", actor=asking, data={"collection": part.name, "purpose": recorder.keyed(purpose)})

    def ended(entities: Mapping[str, int], characters: int) -> None:
        _shown(part, recorder, entities, characters, asking=asking, purpose=purpose)

    yield from reveal_pieces(pieces, part.masker.vault.reveal, ended=ended)


def reveal_native_ids(
    part: OpenCollection, recorder: EventRecorder, doc_ids: Sequence[str], *, asking: Principal, purpose: str
) -> dict[str, str]:
    """The sources' own ids by document id.

    Raises:
        AuditUnavailable: The access could not be recorded.
    """
    native = part.store.native_ids(doc_ids)
    recorder.record(
        "pii.unmasked",
        actor=asking,
        data={"collection": part.name, "tokens": len(native), "purpose": recorder.keyed(purpose)},
    )
    return native


def tell_names(part: OpenCollection, recorder: EventRecorder, count: int, *, asking: Principal, purpose: str) -> None:
    """Record that sources' own ids are shown that were just read from the sources.

    Raises:
        AuditUnavailable: It could not be recorded.
    """
    about = {"collection": part.name, "tokens": count, "purpose": recorder.keyed(purpose)}
    recorder.record("pii.unmasked", actor=asking, data=about)


def _shown(
    part: OpenCollection,
    recorder: EventRecorder,
    entities: Mapping[str, int],
    characters: int,
    *,
    asking: Principal,
    purpose: str,
) -> None:
    recorder.record(
        "pii.unmasked",
        actor=asking,
        data={
            "collection": part.name,
            "tokens": sum(entities.values()),
            "entities": dict(entities),
            "purpose": recorder.keyed(purpose),
            "characters": characters,
        },
    )


def reveal_quarantined(
    part: OpenCollection, recorder: EventRecorder, *, asking: Principal | None, purpose: str
) -> list[Quarantined]:
    """Return the items that are set aside, with the source's own ids for ``asking``, who is entitled.

    Raises:
        AuditUnavailable: The access could not be recorded.
    """
    rows = part.store.quarantined()
    native: dict[str, str] = {}
    if asking is not None:
        set_aside = [doc_id for _, doc_id, _ in rows]
        native = reveal_native_ids(part, recorder, set_aside, asking=asking, purpose=purpose)
    return [Quarantined(source, doc_id, code, native.get(doc_id)) for source, doc_id, code in rows]
