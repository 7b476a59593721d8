"""Hits as nodes of llama-index: masked text, and where it is from."""

from __future__ import annotations

from typing import Any

from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode

from ragkit.types import Hit

_FOR_PROGRAMS = ["marker", "document", "version", "passage", "page", "uri", "collection"]
"""Metadata that goes to no model and no embedding."""


def node_of(hit: Hit, *, marker: int, collection: str = "") -> NodeWithScore:
    """Return a hit as a node.

    Args:
        hit: Of a search.
        marker: Its number in the result, from 1; for citations.
        collection: Where it is from.
    """
    chunk = hit.chunk
    metadata: dict[str, Any] = {
        "title": str(hit.title),
        "heading": str(chunk.heading),
        "marker": marker,
        "document": hit.doc_id,
        "version": hit.version,
        "passage": hit.chunk_id,
        "page": chunk.page,
        "uri": str(hit.uri) if hit.uri else None,
        "source": hit.provenance.source,
        "trust": hit.provenance.trust.value,
        "collection": collection,
    }
    text = f"{chunk.context_record}\n{chunk.record}" if chunk.context_record else str(chunk.record)
    node = TextNode(
        id_=f"{hit.doc_id}.{hit.chunk_id}",
        text=text,
        metadata=metadata,
        excluded_llm_metadata_keys=list(_FOR_PROGRAMS),
        excluded_embed_metadata_keys=list(_FOR_PROGRAMS),
        start_char_idx=chunk.source_start,
        end_char_idx=chunk.source_end,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.doc_id)},
    )
    return NodeWithScore(node=node, score=hit.score)
