"""What left, attempt by attempt: each intent joined with its end. An intent without an end may have left.

::

    for one in exits(log.read("egress.")):
        print(one.destination, one.bytes, one.state)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ragkit.compliance.events import Event

State = Literal["done", "failed", "open", "blocked", "unsafe", "probed"]
"""A reply came; the attempt failed (the bytes may have been read); no end is in the log, so it may have left; nothing
was sent; it left past the gateway; a question without a prompt was answered or not."""

_ENDS = ("egress.done", "egress.failed")
_NOW: Mapping[str, State] = {"egress.blocked": "blocked", "egress.unsafe": "unsafe"}


@dataclass(slots=True, kw_only=True)
class Exit:
    """One attempt to send something.

    Attributes:
        seq: Number of the event before it.
        ts: When, RFC 3339 in UTC.
        request: Of which question; empty if none.
        session: Of which dialogue.
        actor: Who asked, as a keyed hash; ``system`` where the log does not say.
        state: What became of it.
        reason: Why it failed or was blocked.
        probe: No prompt was in it.
        destination: As declared in ``ragkit.toml``; of ``unsafe`` the generator's name.
        provider: Who runs it.
        location: ``on-prem``, ``managed`` or ``remote``.
        host: Host name as declared.
        region: As declared.
        contract: As declared.
        retention: What the provider says of keeping, as declared.
        collection: Whose content it was.
        data_class: Of the content.
        ceiling: The class up to which content may go there.
        prompt: Version and hash of the prompt's template.
        bytes: Of the body, 0 where not known.
        attempt: Its number among those of one call.
        body: Keyed hash of the body.
        scanned: Whether personal data found by the last look would have stopped it.
        entities: What the last look found: count by type.
        placed: Numbers of the chunks in the prompt.
        payload: Commitments to the evidence of the body and of the reply.
        status: HTTP status of the reply, 0 for none.
        received: Bytes of the reply.
        ms: Milliseconds.
        peer: Address that answered.
        tls: TLS version.
        tls_name: Name in the certificate that was checked.
        provider_request: Keyed hash of the provider's own id of the call.
        ended: Number of the event of its end, 0 for none.
    """

    seq: int
    ts: str
    request: str
    session: str
    actor: str
    state: State
    reason: str = ""
    probe: bool = False
    destination: str = ""
    provider: str = ""
    location: str = ""
    host: str = ""
    region: str = ""
    contract: str = ""
    retention: str = ""
    collection: str = ""
    data_class: str = ""
    ceiling: str = ""
    prompt: str = ""
    bytes: int = 0
    attempt: int = 0
    body: str = ""
    scanned: bool = False
    entities: dict[str, int] = field(default_factory=dict)
    placed: tuple[int, ...] = ()
    payload: list[dict[str, Any]] = field(default_factory=list)
    status: int = 0
    received: int = 0
    ms: int = 0
    peer: str = ""
    tls: str = ""
    tls_name: str = ""
    provider_request: str = ""
    ended: int = 0


_TEXTS = ["destination", "provider", "location", "host", "region", "contract", "retention", "collection"]
_TEXTS += ["data_class", "ceiling", "prompt", "body"]
_OF_END = ("peer", "tls", "tls_name", "provider_request")


def exits(events: Iterable[Event]) -> Iterator[Exit]:
    """Yield each attempt when its end is reached; those without one come last, oldest first.

    Args:
        events: In order, those of ``egress.`` at least; others are passed over.
    """
    open_: dict[tuple[str, str, str], list[Exit]] = {}
    for event in events:
        kind = str(event["type"])
        if kind in _ENDS:
            waiting = open_.get(_key(event))
            if waiting:
                yield _ended(waiting, event)
        elif kind in ("egress.intent", "egress.probed"):
            open_.setdefault(_key(event), []).append(_begun(event, "open", probe=kind == "egress.probed"))
        elif kind in _NOW:
            yield _begun(event, _NOW[kind])
    yield from sorted((one for waiting in open_.values() for one in waiting), key=lambda one: one.seq)


def _key(event: Event) -> tuple[str, str, str]:
    """What an intent and its end have in common; a process calls one destination for one request once at a time."""
    return str(event.get("writer", "")), str(event["request"]), str(event["data"].get("destination", ""))


def _begun(event: Event, state: State, *, probe: bool = False) -> Exit:
    data = event["data"]
    found = Exit(
        seq=int(event["seq"]),
        ts=str(event["ts"]),
        request=str(event["request"]),
        session=str(event.get("session") or data.get("conversation", "")),
        actor=str(dict(event.get("actor") or {}).get("id", "")),
        state=state,
        reason=str(event.get("reason", "")),
        probe=probe,
        bytes=int(data.get("bytes", 0)),
        attempt=int(data.get("attempt", 0)),
        scanned=bool(data.get("scanned", False)),
        entities=dict(data.get("entities", {})),
        placed=tuple(data.get("placed", ())),
        payload=list(event.get("payload", [])),
    )
    for name in _TEXTS:
        setattr(found, name, str(data.get(name, "")))
    if state == "unsafe" and not found.destination:
        found.destination = str(data.get("generator", ""))
    return found


def _ended(waiting: list[Exit], event: Event) -> Exit:
    data = event["data"]
    number = data.get("attempts")
    place = next((place for place, one in enumerate(waiting) if one.attempt == number), len(waiting) - 1)
    found = waiting.pop(place)
    found.state = "probed" if found.probe else "done" if event["type"] == "egress.done" else "failed"
    found.reason = str(event.get("reason", ""))
    found.status, found.received, found.ms = (int(data.get(name, 0)) for name in ("status", "bytes", "ms"))
    for name in _OF_END:
        setattr(found, name, str(data.get(name, "")))
    found.payload += list(event.get("payload", []))
    found.ended = int(event["seq"])
    return found
