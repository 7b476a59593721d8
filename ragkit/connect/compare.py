"""What is known of an item against what the source says of it now."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from ragkit.connect.actions import Ageing, Entry, KnownItem
from ragkit.connect.identity import access_mac, body_mac, content_mac, dates_of, document_id, version_mac
from ragkit.crypto import CollectionKeys
from ragkit.types import Listed, SourceItem

PRESENT = frozenset({"active", "quarantined"})
_AWAY = frozenset({"absent", "expired"})


class Comparer:
    """Judges the items of one source.

    Args:
        keys: Of the collection.
        source: Name of the source; a part of every document's identity.
        fingerprint: Of policy, parser, chunker and encoder under which items are treated now.
        software: The same with the version of ragkit, under which a quarantine stands.
        default_access: For items whose connector says nothing of permissions.
        retry: The quarantined documents that are tried again though nothing changed; ``True`` for all.
        ageing: What retention says of an item that is not here; by default nothing is kept out.
    """

    def __init__(
        self,
        keys: CollectionKeys,
        source: str,
        *,
        fingerprint: str,
        software: str,
        default_access: frozenset[str],
        retry: bool | Collection[str],
        ageing: Ageing | None,
    ) -> None:
        self._keys = keys
        self._source = source
        self._fingerprint = fingerprint
        self._software = software
        self._default_access = default_access
        self._retry = retry
        self._ageing = ageing

    def doc_id(self, native_id: str) -> str:
        """Return the opaque id of an item."""
        return document_id(self._keys, self._source, native_id)

    def entry(self, item: SourceItem, pass_number: int) -> Entry:
        """Describe an item whose content is here."""
        return self._entry(
            item.native_id,
            item.access,
            pass_number,
            content=content_mac(self._keys, item),
            version=version_mac(self._keys, item.version),
            dates=dates_of(item, self._ageing.keys if self._ageing is not None else ()),
        )

    def listed(self, listed: Listed, before: KnownItem, pass_number: int) -> Entry:
        """Describe a listed item as the one that is known, with the access list of now."""
        return self._entry(
            listed.native_id,
            listed.access,
            pass_number,
            content=before.content_mac or b"",
            version=before.version_mac,
            dates=before.dates,
        )

    def wants_content(self, listed: Listed, entry: Entry, before: KnownItem) -> bool:
        """Tell whether a listed item must be read: it is not here, is to be treated, or has another version mark."""
        if before.status not in PRESENT and not self.stays_out(entry, before):
            return True
        if listed.version is not None and version_mac(self._keys, listed.version) != before.version_mac:
            return True
        return before.status in PRESENT and self.must_treat(entry, before)

    def stays_out(self, entry: Entry, before: KnownItem | None) -> bool:
        """Retention keeps out what is not here; what is here goes when retention is run, not by a sync."""
        if self._ageing is None or (before is not None and before.status not in _AWAY):
            return False
        same = before is not None and before.content_mac == entry.content_mac
        return self._ageing.is_over(entry.dates, before.indexed_at if before is not None and same else None)

    def must_treat(self, entry: Entry, before: KnownItem | None) -> bool:
        """Tell whether an item is to be parsed, masked and embedded."""
        if before is None or before.content_mac != entry.content_mac or before.status not in PRESENT:
            return True
        if before.status == "quarantined":
            again = self._retry if isinstance(self._retry, bool) else entry.doc_id in self._retry
            return again or before.fingerprint != self._software
        return before.fingerprint != self._fingerprint

    def to_treat(self, entry: Entry, item: SourceItem, before: KnownItem | None) -> Entry:
        """Add what the treatment needs: the document's history, and the hash of the bytes."""
        entry = replace(entry, body_mac=body_mac(self._keys, item))
        return entry if before is None else with_history(entry, before)

    def _entry(
        self,
        native_id: str,
        access: frozenset[str] | None,
        pass_number: int,
        *,
        content: bytes,
        version: bytes | None,
        dates: Mapping[str, str],
    ) -> Entry:
        tokens = self._default_access if access is None else access
        return Entry(
            doc_id=self.doc_id(native_id),
            native_id=native_id,
            content_mac=content,
            access=tokens,
            access_mac=access_mac(self._keys, tokens),
            fingerprint=self._fingerprint,
            software=self._software,
            pass_number=pass_number,
            dates=dates,
            version_mac=version,
        )


def with_history(entry: Entry, before: KnownItem) -> Entry:
    """Add what the store has of the document."""
    present = before.status not in _AWAY
    answering = before.status in {"active", "held"}
    same = before.content_mac == entry.content_mac
    return replace(entry, last_version=before.version, present=present, answering=answering, same_content=same)
