"""Everything held of one person, for that person (GDPR Art. 15 and 20): theirs in clear, everybody else's hidden.

In each passage the tokens of the person's own values are replaced by the values; every other token by its type alone,
``[PERSON]``, so that other people can neither be read nor told apart or followed from passage to passage. A value that
somebody else has too is shown where a document puts it together with this person. Of a table that lists others, only
the header and the person's own rows are given.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ragkit.mask.tokens import TOKEN
from ragkit.store.origins import Origin, origins
from ragkit.types import Chunk, Masked

if TYPE_CHECKING:
    from ragkit.lifecycle.people import HeldDocument, Person
    from ragkit.lifecycle.recipients import Recipients
    from ragkit.protocols import Progress
    from ragkit.store.payload import Header
    from ragkit.store.records import RecordStore

CATEGORIES: Mapping[str, tuple[str, ...]] = {
    "identity": ("PERSON", "AGE", "DATE_OF_BIRTH", "NATIONAL_ID", "LICENSE_NUMBER", "TITLE"),
    "contact": ("EMAIL_ADDRESS", "PHONE_NUMBER", "ADDRESS", "LOCATION", "POSTCODE", "URL", "PROFILE_URL"),
    "customer": ("CUSTOMER_NUMBER", "ORDER_NUMBER", "TICKET_NUMBER", "CASE_NUMBER", "UNIQUE_ID"),
    "financial": ("CREDIT_CARD", "IBAN_CODE", "ACCOUNT_NUMBER", "MONEY", "VAT_NUMBER", "CRYPTO"),
    "health": ("MEDICAL_RECORD_NUMBER", "HEALTH_PLAN_NUMBER"),
    "biometric": ("BIOMETRIC_ID",),
    "belief or origin": ("NRP",),
    "device": ("IP_ADDRESS", "MAC_ADDRESS", "DEVICE_ID", "UUID"),
    "vehicle": ("LICENSE_PLATE", "VEHICLE_ID"),
}
"""Categories of personal data by entity type; what is in none is ``other``."""


_RULE = re.compile(r"\|[\s|:-]*-[\s|:-]*")
_GAP = "| … |"


def category(entity_type: str) -> str:
    """The category of an entity type."""
    return next((name for name, types in CATEGORIES.items() if entity_type in types), "other")


def held_values(person: Person) -> list[dict[str, Any]]:
    """The person's values in clear; none that is only likely theirs, since it may be another's."""
    return [
        {
            "type": one.entity_type,
            "category": category(one.entity_type),
            "value": one.value,
            "shared": one.shared,
        }
        for one in person.values
        if one.certain
    ]


def held_documents(store: RecordStore, person: Person, *, progress: Progress | None = None) -> Iterator[dict[str, Any]]:
    """Every document that certainly speaks of the person, with the passages that do; of their own, all of it."""
    values = {one.number: one for one in person.values}
    known = origins(store.database, store.collection, [one.doc_id for one in person.documents])
    for done, held in enumerate(person.documents, 1):
        stored, origin = store.stored(held.doc_id), known.get(held.doc_id)
        if stored is not None and origin is not None:
            here = [values[number] for number in held.numbers if number in values and values[number].certain]
            mine = {one.token: one.value for one in here}
            alone = {one.token for one in here if not one.shared} or mine.keys()
            yield _document(held, origin, stored.header, stored.chunks, mine, alone)
        if progress:
            progress("export", done, len(person.documents))


def _document(
    held: HeldDocument,
    origin: Origin,
    header: Header,
    chunks: tuple[Chunk, ...],
    mine: Mapping[str, str],
    alone: Collection[str],
) -> dict[str, Any]:
    def shown(text: Masked) -> str:
        return TOKEN.sub(lambda match: mine.get(match[0]) or f"[{match[1]}]", text)

    def is_theirs(chunk: Chunk) -> bool:
        views = (chunk.record, chunk.heading, *(path for _, path in chunk.headings))
        return held.wholly or any(token in view for token in mine for view in views)

    passages = [
        {
            "text": shown(chunk.record if held.wholly else _own_rows(chunk.record, alone)),
            "heading": shown(chunk.heading),
            "above": shown(chunk.context_record),
            "page": chunk.page,
            "start": chunk.source_start,
            "end": chunk.source_end,
        }
        for chunk in chunks
        if is_theirs(chunk)
    ]
    return {
        "doc_id": held.doc_id,
        "title": shown(header.title[0]),
        "name": shown(header.name[0]),
        "uri": shown(header.uri[0]) if header.uri else None,
        "metadata": {key: shown(record) for key, (record, _) in header.metadata.items()},
        "source": origin.source,
        "media_type": origin.media_type,
        "version": origin.version,
        "indexed_at": origin.indexed_at,
        "version_at": origin.made_at,
        "source_dates": dict(origin.dates),
        "wholly": held.wholly,
        "passages": passages,
    }


def _own_rows(text: Masked, tokens: Collection[str]) -> Masked:
    """A text whose tables keep their header and the rows that hold one of these tokens; a gap stands for others."""
    lines = text.split("\n")
    kept: list[str] = []
    for place, line in enumerate(lines):
        ruled = lines[place + 1 : place + 2] and _RULE.fullmatch(lines[place + 1])
        if not line.startswith("|") or ruled or _RULE.fullmatch(line) or any(token in line for token in tokens):
            kept.append(line)
        elif kept[-1:] != [_GAP]:
            kept.append(_GAP)
    return Masked("\n".join(kept))


def disclosed(recipients: Recipients, *, since: str, names: Mapping[str, str], audit: str) -> dict[str, Any]:
    """To whom passages went, as far as the log tells.

    Args:
        recipients: What the log tells.
        since: When the first of the documents was taken in.
        names: Principals that the configuration names, by the keyed hash that the log has of them.
        audit: The mode of the log.
    """
    whole = audit == "required" and recipients.is_whole(since)
    people = {
        key: [{**asdict(one), "who": names.get(one.who, one.who)} for one in getattr(recipients, key)]
        for key in ("destinations", "readers", "revealers")
    }
    return {
        **people,
        "log_whole": whole,
        "log_since": recipients.since,
        "log_holes": dict(recipients.holes),
        "none": whole and not recipients.destinations and not recipients.revealers,
    }
