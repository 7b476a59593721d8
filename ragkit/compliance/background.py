"""What stood behind a question: where its documents came from, and which models, policy and settings held then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ragkit.compliance.events import Event, EventLog
from ragkit.compliance.naming import Names, Who

_READ = ("doc.", "pii.masked", "ingest.run.started", "model.loaded", "config.changed", "index.generation.")
_MADE = ("doc.added", "doc.updated", "doc.rewritten")


@dataclass(slots=True, kw_only=True)
class Origin:
    """Where one version of a document came from.

    Attributes:
        doc: Its id.
        version: Which.
        seq: Number of the event that made it, 0 if the log does not hold it.
        ts: When, RFC 3339 in UTC.
        type: ``doc.added``, ``doc.updated`` or ``doc.rewritten``.
        collection: Where it is.
        source: From which source.
        connector: By which connector; empty where the log does not say.
        run: In which pass over the source.
        by: Who ran the pass; ``None`` where the log does not say.
        policy: Masking policy it was masked under.
        masked: What was masked in it: count by type.
        detectors: How much of it by which detector or rule.
        kept: What was found and left as it was: count by type.
        lowest_u: Lowest score of what was masked, in millionths.
        later: What became of the document after: ``deleted``, ``updated``, ``rewritten``, or empty.
    """

    doc: str
    version: int
    seq: int = 0
    ts: str = ""
    type: str = ""
    collection: str = ""
    source: str = ""
    connector: str = ""
    run: str = ""
    by: Who | None = None
    policy: str = ""
    masked: dict[str, int] = field(default_factory=dict)
    detectors: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    lowest_u: int = 0
    later: str = ""


@dataclass(slots=True, kw_only=True)
class Model:
    """A model that was loaded, by its part (embedder, detector, …); of several loads the newest."""

    part: str
    model: str = ""
    hash: str = ""
    seq: int = 0


class Background:
    """The newest of everything up to each event, for some documents.

    Args:
        log: The event log; read once.
        names: Names of those who ran the passes.
        documents: Ids of the documents wanted.
    """

    def __init__(self, log: EventLog, names: Names, *, documents: Collection[str]) -> None:
        self._names = names
        self._origins: dict[tuple[str, int], Origin] = {}
        self._last: dict[str, Origin] = {}
        self._runs: dict[str, Event] = {}
        self._models: list[Model] = []
        self._configs: list[int] = []
        self._generations: dict[tuple[str, int], Mapping[str, Any]] = {}
        for event in log.read(*_READ):
            kind, data = str(event["type"]), event["data"]
            if kind == "ingest.run.started":
                self._runs[str(data.get("run", ""))] = event
            elif kind == "pii.masked" or kind.startswith("doc."):
                if str(data.get("doc", "")) in documents:
                    self._document(event)
            else:
                self._setting(event)

    def origin(self, doc: str, version: int) -> Origin:
        """Return where a version came from, as far as the log tells."""
        return self._origins.get((doc, version)) or Origin(doc=doc, version=version)

    def models(self, before: int) -> tuple[Model, ...]:
        """Return the models that had been loaded before this ``seq``, of each the newest load."""
        return tuple({(one.part, one.model): one for one in self._models if one.seq < before}.values())

    def config(self, before: int) -> int:
        """Return the ``seq`` of the event that tells of the configuration before this ``seq``, 0 for none."""
        return max((seq for seq in self._configs if seq < before), default=0)

    def generation(self, collection: str, number: int) -> Mapping[str, Any]:
        """Return what an index generation was made with: policy, encoder, chunker, manifest; empty if unknown."""
        return self._generations.get((collection, number), {})

    def _setting(self, event: Event) -> None:
        kind, data = str(event["type"]), event["data"]
        if kind == "config.changed":
            self._configs.append(int(event["seq"]))
        elif kind == "model.loaded":
            part = str(data.get("part") or "model")
            model, hashed = str(data.get("model", "")), str(data.get("hash", ""))
            self._models.append(Model(part=part, model=model, hash=hashed, seq=int(event["seq"])))
        else:
            key = str(data.get("collection", "")), int(data.get("generation", 0))
            held = {name: str(data[name]) for name in ("policy", "encoder", "chunker", "manifest") if name in data}
            self._generations[key] = {**self._generations.get(key, {}), **held}

    def _document(self, event: Event) -> None:
        kind, data = str(event["type"]), event["data"]
        doc, version = str(data["doc"]), int(data.get("version", 0))
        if kind == "pii.masked":
            found = self._origins.setdefault((doc, version), Origin(doc=doc, version=version))
            found.masked, found.detectors = dict(data.get("entities", {})), dict(data.get("by", {}))
            found.kept, found.lowest_u = dict(data.get("kept", {})), int(data.get("lowest_u", 0))
            return
        before = self._last.get(doc)
        if before is not None and kind in (*_MADE, "doc.deleted") and kind != "doc.added":
            before.later = kind.removeprefix("doc.")
        if kind not in _MADE:
            return
        found = self._origins.setdefault((doc, version), Origin(doc=doc, version=version))
        found.seq, found.ts, found.type = int(event["seq"]), str(event["ts"]), kind
        for name in ("collection", "source", "connector", "run", "policy"):
            setattr(found, name, str(data.get(name, "")))
        started = self._runs.get(found.run)
        if started is not None:
            found.connector = found.connector or str(started["data"].get("connector", ""))
            found.by = self._names.who(started)
        self._last[doc] = found
