"""What makes an item the same item, and the same content: keyed hashes, so that neither tells anything."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from ragkit import crypto
from ragkit.crypto import CollectionKeys
from ragkit.types import SourceItem


def document_id(keys: CollectionKeys, source: str, native_id: str) -> str:
    """Return the opaque id of a source's item: 26 characters that tell nothing and never change."""
    return crypto.opaque_id(keys.ids, "document", source, native_id)


def content_mac(keys: CollectionKeys, item: SourceItem) -> bytes:
    """Hash everything of an item that ends up in a document, and not its version mark or time of change."""
    described = [item.name, item.title or "", item.uri or "", item.media_type or "", item.problem or ""]
    for name, value in sorted(item.metadata.items()):
        described += [name, value]
    return crypto.keyed_hash(keys.content, "content", item.content, *described)


def body_mac(keys: CollectionKeys, item: SourceItem) -> bytes | None:
    """Hash the bytes alone: the same under another name is a copy, or was moved. ``None`` where there are none."""
    return crypto.keyed_hash(keys.content, "body", item.content) if item.content else None


def version_mac(keys: CollectionKeys, version: str | None) -> bytes | None:
    """Hash a source's version mark: an ETag may be the digest of a content that somebody else has too."""
    return None if version is None else crypto.keyed_hash(keys.content, "version", version)


def access_mac(keys: CollectionKeys, access: Collection[str]) -> bytes:
    """Hash an access list."""
    return crypto.keyed_hash(keys.content, "access", *sorted(access))


def dates_of(item: SourceItem, keys: Collection[str]) -> dict[str, str]:
    """Return when an item was last changed, as ``modified``, and the dates under these metadata keys: ISO 8601, UTC.

    A value that is no ISO 8601 date is left out; one without a time zone counts as UTC.
    """
    found = {"modified": item.modified} if item.modified is not None else {}
    for key in keys:
        try:
            found[f"at.{key}"] = datetime.fromisoformat(item.metadata.get(key, "").strip())
        except ValueError:
            continue
    return {name: _utc(moment) for name, moment in found.items()}


def _utc(moment: datetime) -> str:
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return known.astimezone(UTC).isoformat(timespec="seconds")
