"""What left the building and to whom: by destination, with what may have left and what is in no register.

::

    report = egress(EventLog(data / "events"), registered=config.destinations, since=moment("2026-11-01"))
    for one in report.destinations:
        print(one.destination, one.done, one.bytes, one.data_classes)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ragkit.compliance.events import Asked, EventLog, Moment, is_until
from ragkit.compliance.exits import Exit, exits

_FACTS = ("provider", "location", "host", "region", "contract", "retention")
_MOST_OPEN = 1_000


@dataclass(slots=True, kw_only=True)
class DestinationUse:
    """What one destination got.

    Attributes:
        destination: Its name; of ``unsafe`` models the generator's.
        provider: As the newest event declares it, like the next five.
        registered: Whether today's ``ragkit.toml`` declares it.
        intents: Prompts that were about to leave, each attempt counted.
        done: Of them, answered.
        failed: Of them, failed; the bytes may have been read.
        open: Of them, without an end in the log: they may have left.
        blocked: Prompts kept back; nothing of them was sent.
        unsafe: Prompts that left past the gateway.
        probed: Requests without a prompt.
        bytes: Of all intents.
        received: Bytes of replies.
        requests: Questions that these prompts belong to.
        data_classes: Intents by class of their content.
        collections: Intents by collection.
        found: Personal data that the last look found in what left: count by type; only where it may not block.
        masked: Intents by type of personal data that stood, masked, in the question or the retrieved documents.
        blocked_for: Blocked prompts by reason.
        first: When the first left, RFC 3339 in UTC; empty if none did.
        last: When the last left.
    """

    destination: str
    provider: str = ""
    location: str = ""
    host: str = ""
    region: str = ""
    contract: str = ""
    retention: str = ""
    registered: bool = False
    intents: int = 0
    done: int = 0
    failed: int = 0
    open: int = 0
    blocked: int = 0
    unsafe: int = 0
    probed: int = 0
    bytes: int = 0
    received: int = 0
    requests: int = 0
    data_classes: dict[str, int] = field(default_factory=dict)
    collections: dict[str, int] = field(default_factory=dict)
    found: dict[str, int] = field(default_factory=dict)
    masked: dict[str, int] = field(default_factory=dict)
    blocked_for: dict[str, int] = field(default_factory=dict)
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class EgressReport:
    """What left, by destination.

    Attributes:
        destinations: By name.
        open: Attempts without an end: they may have left; the first 1,000.
        unregistered: Names that something left for and that are not in today's ``ragkit.toml``.
    """

    destinations: tuple[DestinationUse, ...]
    open: tuple[Exit, ...]
    unregistered: tuple[str, ...]


def egress(
    log: EventLog,
    *,
    registered: Collection[str] = (),
    since: Moment | None = None,
    until: Moment | None = None,
    provider: str = "",
    destination: str = "",
    data_class: str = "",
    entity: str = "",
    request: str = "",
) -> EgressReport:
    """Return what left from ``since`` to ``until``.

    Args:
        log: The event log; read twice.
        registered: Names of the destinations, and of the generators past the gateway, that are declared today.
        since: First time, or first ``seq``.
        until: The time before which it left, or the last ``seq``.
        provider: Only what went to this provider.
        destination: Only what went to this destination.
        data_class: Only content of this class.
        entity: Only prompts whose question or documents hold this type of personal data, masked or not.
        request: Only of this request.
    """
    asked: Asked = {"since": since, "request": request}  # the end of what left in time may stand after it
    wanted = [
        one
        for one in exits(log.read("egress.", **asked))
        if is_until(until, seq=one.seq, ts=one.ts)
        and (not provider or one.provider == provider)
        and (not destination or one.destination == destination)
        and (not data_class or one.data_class == data_class)
    ]
    types = masked_types(log, {one.request for one in wanted if one.request})
    if entity:
        wanted = [one for one in wanted if entity in one.entities or entity in types.get(one.request, ())]
    by_name: dict[str, list[Exit]] = {}
    for one in wanted:
        by_name.setdefault(one.destination, []).append(one)
    uses = tuple(_use(name, by_name[name], types, registered) for name in sorted(by_name))
    return EgressReport(
        destinations=uses,
        open=tuple(one for one in wanted if one.state == "open")[:_MOST_OPEN],
        unregistered=tuple(one.destination for one in uses if not one.registered),
    )


def masked_types(log: EventLog, requests: Collection[str]) -> dict[str, set[str]]:
    """Return the types of personal data that were masked in the question, or in what was retrieved for it, by request.

    An upper bound of what a prompt held masked: the types are those of whole documents.
    """
    if not requests:
        return {}
    types: dict[str, set[str]] = {}
    documents: dict[str, set[tuple[str, int]]] = {}
    in_document: dict[tuple[str, int], set[str]] = {}
    for event in log.read("query.received", "retrieval.done", "pii.masked"):
        data, kind, request = event["data"], event["type"], str(event["request"])
        if kind == "pii.masked":
            in_document[str(data.get("doc", "")), int(data.get("version", 0))] = set(data.get("entities", {}))
        elif request in requests and kind == "query.received":
            types.setdefault(request, set()).update(data.get("entities", {}))
        elif request in requests:
            listed = {(str(one["doc"]), int(one["version"])) for one in data.get("chunks", [])}
            documents.setdefault(request, set()).update(listed)
    for request, listed in documents.items():
        for one in listed:
            types.setdefault(request, set()).update(in_document.get(one, ()))
    return types


def _use(name: str, wanted: Iterable[Exit], types: dict[str, set[str]], registered: Collection[str]) -> DestinationUse:
    use = DestinationUse(destination=name, registered=name in registered)
    classes, collections, found, masked, blocked = (Counter[str]() for _ in range(5))
    requests: set[str] = set()
    times: list[str] = []
    newest = 0
    for one in wanted:
        if one.seq > newest:
            newest = one.seq
            for fact in _FACTS:
                setattr(use, fact, getattr(one, fact) or getattr(use, fact))
        if one.probe:
            use.probed += 1
            continue
        if one.state == "blocked":
            use.blocked += 1
            blocked[one.reason or "unknown"] += 1
            continue
        setattr(use, one.state, getattr(use, one.state) + 1)
        use.intents += one.state != "unsafe"
        use.bytes += one.bytes
        use.received += one.received
        times.append(one.ts)
        classes[one.data_class or "unknown"] += 1
        collections.update([one.collection] if one.collection else [])
        found.update(one.entities)
        masked.update(types.get(one.request, ()))
        requests.update([one.request] if one.request else [])
    use.requests = len(requests)
    use.data_classes, use.collections, use.found = dict(classes), dict(collections), dict(found)
    use.masked, use.blocked_for = dict(masked), dict(blocked)
    use.first, use.last = (min(times), max(times)) if times else ("", "")
    return use
