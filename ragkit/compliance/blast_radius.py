"""Which answers used a document: what has to be looked at again when it turns out to be wrong, poisoned or unlawful.

::

    radius = blast_radius(EventLog(data / "events"), doc_id)
    for use in radius.uses:
        print(use.request, use.by, use.left)

From the event log alone, so it also tells of documents that are gone. A document is used in three ways, each within the
one before: a search found it, a prompt held it, an answer cites it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ragkit.compliance.blast_uses import BlastRadius, Departure, Use
from ragkit.compliance.events import Event, EventLog, Moment
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.handles import Handles

_PROMPTS = ("prompt.written", "generation.done", "egress.intent", "egress.unsafe")
_ENDS = ("answer.begun", "answer.abandoned", "answer.released")
_MOST_DIGITS = 15  # a chunk's number is shorter, an opaque id longer


def blast_radius(
    log: EventLog,
    document: str,
    *,
    version: int | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> BlastRadius:
    """Return every question whose search found a document, and what became of it.

    Args:
        log: The event log; read twice.
        document: Opaque id of a document, or number of a chunk.
        version: Only this version of the document.
        since: Only searches from this time, or this ``seq``.
        until: Only searches before this time, or up to this ``seq``.

    Raises:
        ConfigError: ``document`` is neither, or no event tells of it: that no answer used it would be a guess.
    """
    chunk = int(document) if document.isascii() and document.isdigit() and len(document) <= _MOST_DIGITS else 0
    doc = "" if chunk else document
    if not chunk and not (doc.isascii() and doc.isalnum()):
        raise ConfigError(
            "a document is named by its opaque id, a chunk by its number",
            remedy="`ragkit search --json` and `ragkit ask --json` print both as `doc_id` and `chunk_id`.",
        )
    uses: list[Use] = []
    for event in log.read("retrieval.done", doc=doc, since=since, until=until):
        found = [one for one in _records(event["data"].get("chunks")) if _is(one, doc, chunk, version)]
        if found:
            uses.append(_use(event, found))
            if chunk:
                doc = str(found[0]["doc"])
    if doc and not uses and next(iter(log.read(doc=doc)), None) is None:
        raise ConfigError(
            "nothing in the log has this id", remedy="Take the id as `ragkit search --json` prints it, as `doc_id`."
        )
    holes = _complete(log, {use.request: use for use in uses if use.request}, doc, chunk, version)
    return BlastRadius(doc=doc, chunk=chunk, version=version or 0, uses=tuple(uses), holes=holes)


def document_of(handles: Handles, native_id: str, *, source: str, collection: str | None = None) -> str:
    """Return the opaque id of a source's document, whether it is still there or not.

    Raises:
        StoreError: Nothing was ever synced.
        ConfigError: There is no such collection.
    """
    from ragkit.connect.identity import document_id

    return document_id(handles.reader(collection).collection.keys, source, native_id)


def _use(event: Event, found: list[Mapping[str, Any]]) -> Use:
    return Use(
        request=event["request"],
        ts=event["ts"],
        actor=event["actor"]["id"],
        session=event.get("session", ""),
        collection=event["data"].get("collection", ""),
        ranks=tuple(int(one["rank"]) for one in found),
        versions=tuple(sorted({int(one["version"]) for one in found})),
        chunks=tuple(int(one["chunk"]) for one in found),
    )


def _complete(log: EventLog, uses: Mapping[str, Use], doc: str, chunk: int, version: int | None) -> dict[str, int]:
    """Add what the later events of these questions say; return the holes of the log."""
    holes: Counter[str] = Counter()
    known: set[str] = set()
    for event in log.read(*_PROMPTS, *_ENDS, "human.reviewed", "log."):
        kind, data = event["type"], event["data"]
        if kind in ("log.dropped", "log.recovered", "log.reopened"):
            holes[kind] += 1
        elif kind == "human.reviewed":
            if data.get("of") in uses:
                uses[data["of"]].reviews.append(str(data.get("verdict", "")))
        elif (use := uses.get(event["request"])) is not None:
            use.session = use.session or event.get("session", "") or str(data.get("conversation", ""))
            if kind in _PROMPTS:
                _add_prompt(use, kind, event, known)
            else:
                _add_end(use, kind, event, doc, chunk, version)
    return dict(holes)


def _add_prompt(use: Use, kind: str, event: Event, known: set[str]) -> None:
    """Take in what tells of a prompt; ``known`` are the requests of whose prompts the log says what they held."""
    data = event["data"]
    if "placed" in data:
        known.add(use.request)
        use.prompted = use.prompted is True or any(int(one) in use.chunks for one in data["placed"])
    elif use.request not in known and (kind.startswith("egress.") or data.get("prompt")):
        use.prompted = None
    if kind.startswith("egress."):
        use.left.append(
            Departure(
                destination=data.get("destination") or data.get("generator", ""),
                location=data.get("location", "remote"),
                bytes=data.get("bytes", 0),
                ts=event["ts"],
            )
        )
    elif use.ended == "search":
        use.ended, use.generator = "unfinished", data.get("generator", "")


def _add_end(use: Use, kind: str, event: Event, doc: str, chunk: int, version: int | None) -> None:
    data = event["data"]
    use.generator = data.get("generator", "") or use.generator
    if kind == "answer.begun":
        use.ended = "unfinished"
    elif kind == "answer.abandoned":
        use.ended = "abandoned"
    else:
        use.ended = "refused" if data.get("refused") else "released"
        use.cited = any(_is(one, doc, chunk, version) for one in _records(data.get("cited")))


def _is(record: Mapping[str, Any], doc: str, chunk: int, version: int | None) -> bool:
    same = record.get("chunk") == chunk if chunk else record.get("doc") == doc
    return same and (version is None or record.get("version") == version)


def _records(value: Any) -> Iterator[Mapping[str, Any]]:
    return (one for one in value or () if isinstance(one, Mapping))
