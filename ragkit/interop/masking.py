"""Masking as a step of llama-index: before splitting, embedding and storing.

::

    masked = RagkitMasking(workspace)(reader.load_data())
    index = VectorStoreIndex.from_documents(masked, transformations=[splitter])

First of a list of transformations it works too; but then ``from_documents`` has noted the documents' ids as they were.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import BaseNode, Document, MetadataMode, RelatedNodeInfo, TextNode, TransformComponent
from pydantic import PrivateAttr

from ragkit.errors import ConfigError
from ragkit.types import Principal
from ragkit.workspace import Workspace

_RANDOM_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[0-9a-f]{32,64}")


class RagkitMasking(TransformComponent):  # type: ignore[misc]  # llama-index is untyped here
    """Masks nodes by a collection's policy and vault: text, metadata values, and ids that are no random ones.

    The nodes given are left as they are; copies come out. Ids that could name something (a path, an address) become
    keyed hashes, the same for the same id, so that updates still meet. What it protects is what comes after it in the
    list of transformations. What it does not: llama-index's ``IngestionPipeline`` keeps the documents as they came in
    its docstore and cache, if it is given any; readers and callbacks before it see them; metadata keys stay as they
    are; and a node is masked as a text by itself, without the title and the layout that ragkit's own ingestion reads.
    Nothing is erased in an index of yours when ragkit erases a person: their tokens stay, and nothing turns them back.

    Args:
        workspace: Open; who made it closes it.
        collection: Whose policy and vault; by default the only one.
        principal: Who asks, an ingester; by default the owner.
        store: Keep the values in the vault: the same value gets the same token in every call, and those who may can
            reveal it. Takes the writer's lock for each node. Without, values that the vault does not know get tokens
            that nothing turns back, another in each node.
        **more: As :class:`TransformComponent`.
    """

    store: bool = True
    _workspace: Workspace = PrivateAttr()
    _collection: str | None = PrivateAttr()
    _principal: Principal | None = PrivateAttr()

    def __init__(
        self,
        workspace: Workspace,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        store: bool = True,
        **more: Any,
    ) -> None:
        super().__init__(store=store, **more)
        self._workspace = workspace
        self._collection = collection
        self._principal = principal

    @classmethod
    def class_name(cls) -> str:
        """As llama-index calls it."""
        return "RagkitMasking"

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:
        """Return masked copies.

        Raises:
            ConfigError: A node is no text.
            SecretFound, ItemRefused: The policy refuses such a text.
            AccessDenied: No ingester, and ``store`` is true.
            WriterBusy: Another process is writing, and ``store`` is true.
        """
        return [self._masked(node) for node in nodes]

    async def acall(self, nodes: Sequence[BaseNode], **more: Any) -> Sequence[BaseNode]:
        """Return masked copies; the loop goes on meanwhile."""
        return await asyncio.to_thread(self.__call__, nodes, **more)

    def _masked(self, node: BaseNode) -> BaseNode:
        if type(node) not in (TextNode, Document):  # a subclass holds more: an image, an object
            raise ConfigError("a node is no text, and nothing else can be masked", remedy="Leave it out.")
        made = node.model_copy(deep=True)
        made.set_content(self._text(node.get_content(metadata_mode=MetadataMode.NONE)))
        made.metadata = {key: self._value(value) for key, value in node.metadata.items()}
        made.id_ = self._number(node.node_id)
        made.embedding = None  # it was made of the clear text
        made.relationships = {kind: self._related(one) for kind, one in node.relationships.items()}
        return made

    def _related(self, one: Any) -> Any:
        if isinstance(one, list):
            return [self._related(each) for each in one]
        return RelatedNodeInfo(node_id=self._number(one.node_id), node_type=one.node_type)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, dict):
            return {key: self._value(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self._value(one) for one in value]
        return value if value is None or isinstance(value, bool | float) else self._text(str(value))

    def _text(self, text: str) -> str:
        if not text.strip():
            return text
        masked, _ = self._workspace.mask_text(
            text, collection=self._collection, store=self.store, principal=self._principal
        )
        return str(masked.record)

    def _number(self, number: str) -> str:
        if _RANDOM_ID.fullmatch(number):
            return number
        return self._workspace._handles.recorder.keyed(f"node\0{number}")
