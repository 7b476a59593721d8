"""What makes an item the same item, and the same content: keyed hashes, so that neither tells anything."""

from __future__ import annotations

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
