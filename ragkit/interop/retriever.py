"""A workspace as a retriever and as a query engine of llama-index.

::

    retriever = RagkitRetriever(workspace, principal=reader)
    engine = RetrieverQueryEngine.from_args(retriever, llm=RagkitLLM(workspace, principal=reader))

    engine = RagkitQueryEngine(workspace, principal=reader)        # ragkit's own answer, with its citations
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from llama_index.core.base.response.schema import Response
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle
from pydantic import PrivateAttr

from ragkit.interop.nodes import node_of
from ragkit.types import Principal
from ragkit.workspace import Workspace


class RagkitRetriever(BaseRetriever):  # type: ignore[misc]  # llama-index is untyped here
    """Finds what a principal may see, masked.

    What it protects: nodes hold the masked text, title and headings, opaque ids, and nothing that the principal may not
    see; each search is checked in the record store and recorded. What it does not: llama-index carries the *question*
    around as it was typed, to its callbacks, its instrumentation and the LLM of the engine. Give the engine a
    :class:`ragkit.interop.model.RagkitLLM`, which masks what it is told, and watch what else is hung on ``Settings``.

    Args:
        workspace: Open; who made it closes it.
        collection: Where to look; by default the only one.
        principal: Who asks; by default the workspace's owner. Make a retriever for each caller.
        k: How many nodes at most.
        filters: Metadata that documents must have, by whitelisted key.
        **more: As :class:`BaseRetriever`.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        k: int = 8,
        filters: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        self._workspace = workspace
        self._collection = collection
        self._principal = principal
        self._k = k
        self._filters = filters
        super().__init__(**more)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        hits = self._workspace.search(
            query_bundle.query_str,
            k=self._k,
            collection=self._collection,
            principal=self._principal,
            filters=self._filters,
        )
        return [node_of(hit, marker=place, collection=self._collection or "") for place, hit in enumerate(hits, 1)]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class RagkitQueryEngine(CustomQueryEngine):  # type: ignore[misc]  # likewise
    """Answers as ``Workspace.ask`` does: its masking, its generator, its citations, its refusals.

    The response's text has the markers ``[1]``; its source nodes are the passages cited, each with its ``marker`` in
    the metadata; ``response.metadata`` says whether it was ``refused`` and why, and the ``request`` of the event log.

    What it does not protect: the question as typed goes to llama-index's callbacks and instrumentation, if there are.

    Args:
        workspace: Open; who made it closes it.
        collection: Where to look; by default the only one.
        principal: Who asks; by default the workspace's owner.
        generator: Who answers, by its name; by default what the configuration says.
        k: How many passages to read.
        **more: As :class:`CustomQueryEngine`.
    """

    _workspace: Workspace = PrivateAttr()
    _how: dict[str, Any] = PrivateAttr()

    def __init__(
        self,
        workspace: Workspace,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        generator: str | None = None,
        k: int = 8,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._workspace = workspace
        self._how = {"collection": collection, "principal": principal, "generator": generator, "k": k}

    def custom_query(self, query_str: str) -> Response:
        """Ask."""
        answer = self._workspace.ask(query_str, **self._how)
        hits = {hit.chunk_id: hit for hit in answer.hits}
        nodes = [
            node_of(hits[cited.chunk_id], marker=cited.marker, collection=answer.collection)
            for cited in answer.citations
            if cited.chunk_id in hits
        ]
        told = {
            "refused": answer.refused,
            "reason": answer.reason,
            "support": answer.support,
            "request": answer.request_id,
        }
        return Response(response=str(answer.text), source_nodes=nodes, metadata=told)

    async def acustom_query(self, query_str: str) -> Response:
        """Ask, in a thread."""
        return await asyncio.to_thread(self.custom_query, query_str)
