"""Put together what a person is given who asks what is held of them: ``subject_export`` in ``docs/json.md``."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ragkit.build import OpenCollection
from ragkit.handles import Handles
from ragkit.lifecycle.desk import held_conversations
from ragkit.lifecycle.evidence import count_quoting
from ragkit.lifecycle.export import category, disclosed, held_documents, held_values
from ragkit.lifecycle.history import past_naming
from ragkit.lifecycle.recipients import recipients_of
from ragkit.lifecycle.restrict import requests_of

if TYPE_CHECKING:
    from ragkit.lifecycle.people import Person
    from ragkit.protocols import Progress


def everything_held(
    part: OpenCollection, person: Person, handles: Handles, *, progress: Progress | None = None
) -> dict[str, Any]:
    """Return everything that a collection holds of a person."""
    documents = list(held_documents(part.store, person, progress=progress))
    doc_ids = [one["doc_id"] for one in documents]
    since = min((one["indexed_at"] for one in documents), default="")
    log = recipients_of(part.config.data_folder / "events", collection=part.name, doc_ids=doc_ids)
    connectors = {source.name: source.connector for source in part.section.sources}
    counted = Counter(one["source"] for one in documents)
    values = held_values(person)
    return {
        "exported_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "collection": part.name,
        "data_class": part.section.data_class.value,
        "purpose": part.section.purpose,
        "subject": person.subject,
        "restricted": requests_of(part.store, part.masker.vault, person),
        "categories": dict(Counter(category(one["type"]) for one in values)),
        "values": values,
        "uncertain": dict(Counter(one.entity_type for one in person.values if not one.certain)),
        "documents": documents,
        "possible": [one.doc_id for one in person.possible],
        "past": {"versions": past_naming(part.store, person), "days": part.config.audit.history_days},
        "sources": [
            {"name": name, "connector": connectors.get(name), "documents": count}
            for name, count in sorted(counted.items())
        ],
        "retention": [
            {"source": rule.source, "days": rule.days, "by": rule.by, "at": rule.at}
            for rule in part.config.retention
            if rule.collection == part.name
        ],
        "evidence": count_quoting(
            handles.evidence,
            part.name,
            numbers={one.number for one in person.values if one.certain},
            days=part.config.audit.evidence.days,
        ),
        "conversations": held_conversations(handles.desk, part.name, person, part.masker.vault),
        "recipients": disclosed(log, since=since, names=_names(handles), audit=part.config.audit.writes),
    }


def _names(handles: Handles) -> dict[str, str]:
    """The principals that the configuration names, by the keyed hash under which the log has them."""
    config = handles.config
    subjects = {config.workspace.owner}
    for section in config.collections.values():
        tokens = (*section.access, *section.reveal, *section.officers)
        subjects |= {token[2:] for token in tokens if token.startswith("u:")}
    return {handles.recorder.known_as(subject): subject for subject in subjects}
