"""ragkit inside llama-index: real engines over a workspace, a real server behind the LLM, and what each sees."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, ImageBlock
from llama_index.core.embeddings import MockEmbedding
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.query_engine import CitationQueryEngine, RetrieverQueryEngine
from llama_index.core.schema import Document, ImageNode, NodeRelationship, TextNode

from ragkit import open_workspace
from ragkit.errors import AccessDenied, ConfigError, EgressRefused
from ragkit.interop.masking import RagkitMasking
from ragkit.interop.model import RagkitLLM
from ragkit.interop.retriever import RagkitQueryEngine, RagkitRetriever
from ragkit.testing.keyed_shop import GENERATORS
from ragkit.testing.model_servers import ModelServer
from ragkit.testing.service import copy_shop
from ragkit.types import Principal
from ragkit.workspace import Workspace

pytestmark = pytest.mark.usefixtures("loopback")

READER = Principal("web|dan")
QUESTION = "What did Ms Galina Yalmanova and Mr Robert Feddersen write?"
NAMES = ("Yalmanova", "Feddersen", "Thorvald", "galina.yalmanova@example.org", "7946")


def _names_somebody(turns: Any) -> str:
    found = re.findall(r"\[PERSON_\d+·\w+\]", str(turns))
    return f"{found[0] if found else 'Nobody'} wrote about a zip [1]."


@pytest.fixture(scope="module")
def house() -> Iterator[ModelServer]:
    """A model server that names whom it was told of."""
    with ModelServer(_names_somebody) as server:
        yield server


@pytest.fixture(scope="module")
def workspace(house: ModelServer, synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """The shop, open, with the server as a generator."""
    shop = copy_shop(
        synced_shop, tmp_path_factory.mktemp("faces") / "shop", extra=GENERATORS.replace("{house}", house.url)
    )
    with open_workspace(shop) as opened:
        yield opened


def _sent(house: ModelServer) -> str:
    return json.dumps(house.requests[-1].json, ensure_ascii=False)


def _events(workspace: Workspace) -> list[dict[str, Any]]:
    files = sorted((workspace.config.data_folder / "events").rglob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_a_query_engine_answers_without_a_name_leaving(workspace: Workspace, house: ModelServer) -> None:
    """Engine, retriever and LLM of llama-index: the server sees aliases, the caller tokens, nobody a name."""
    engine = RetrieverQueryEngine.from_args(
        RagkitRetriever(workspace, k=4), llm=RagkitLLM(workspace, generator="house")
    )
    response = engine.query(QUESTION)
    assert re.fullmatch(r"\[PERSON:[0-9A-Z]+-[0-9A-Z]{2}\] wrote about a zip \[1\]\.", str(response))
    sent = _sent(house)
    assert "Tarn tent" in sent
    assert re.search(r"\[PERSON_\d+·", sent)
    assert not any(name in sent for name in NAMES)
    assert "[PERSON:" not in sent
    assert not any(name in str(response.source_nodes) for name in NAMES)


def test_the_name_in_the_question_is_the_one_in_the_passage(workspace: Workspace) -> None:
    """Masked twice, by retriever and LLM, a person is one alias: what comes back is the token of the passage."""
    engine = RetrieverQueryEngine.from_args(
        RagkitRetriever(workspace, k=1), llm=RagkitLLM(workspace, generator="house")
    )
    response = engine.query("What did Ms Galina Yalmanova write?")
    token = str(response).partition(" ")[0]
    assert token in response.source_nodes[0].node.get_content()
    assert workspace.reveal(token, purpose="test") == "Galina Yalmanova"


def test_a_citation_engine_and_its_asynchronous_way(workspace: Workspace) -> None:
    """CitationQueryEngine cuts the nodes anew and keeps where they are from; the loop goes on meanwhile."""
    retriever = RagkitRetriever(workspace, k=3)
    engine = CitationQueryEngine(retriever=retriever, llm=RagkitLLM(workspace, generator="house"))
    response = asyncio.run(engine.aquery(QUESTION))
    assert response.source_nodes
    assert all(one.node.metadata["document"] for one in response.source_nodes)
    assert "Source 1" in response.source_nodes[0].node.get_content()


def test_a_retriever_is_its_principals(workspace: Workspace) -> None:
    """Who may not see a ticket does not find it, by either way of asking."""
    mine, others = RagkitRetriever(workspace, k=20), RagkitRetriever(workspace, k=20, principal=READER)
    staff = {one.node.metadata["title"] for one in mine.retrieve(QUESTION)}
    public = {one.node.metadata["title"] for one in asyncio.run(others.aretrieve(QUESTION))}
    assert "1042" in staff
    assert public == {"Warranty", "Returns", "prices"}


def test_nodes_say_where_they_are_from_and_tell_models_little(workspace: Workspace) -> None:
    """Metadata has document, passage and marker for programs; models and embeddings get title and heading alone."""
    first = RagkitRetriever(workspace, k=2).retrieve("How long is the warranty on a tent?")[0]
    node = first.node
    assert node.metadata["marker"] == 1
    assert node.metadata["heading"] == "Warranty > Tents"
    assert node.source_node is not None
    assert node.source_node.node_id == node.metadata["document"]
    assert node.metadata["document"] not in node.get_content(metadata_mode="llm")
    assert first.score is not None


def test_the_whole_of_ask_as_an_engine(workspace: Workspace) -> None:
    """RagkitQueryEngine cites, refuses and says so, without any model."""
    engine = RagkitQueryEngine(workspace, principal=READER)
    response = engine.query("How long is the warranty on a tent?")
    assert "five years" in str(response)
    assert [one.node.metadata["marker"] for one in response.source_nodes] == [1]
    refused = asyncio.run(engine.aquery("Who won the cup in 1954?"))
    assert refused.metadata["refused"]
    assert refused.source_nodes == []


def test_a_model_writes_in_pieces(workspace: Workspace) -> None:
    """Streams joined are the whole, synchronous or not, and the last response counts tokens."""
    llm = RagkitLLM(workspace, generator="house")
    told = [
        ChatMessage(role="system", content="Be brief."),
        ChatMessage(role="user", content="I am Henrik Thorvald."),
    ]
    pieces = list(llm.stream_chat(told))
    assert "".join(one.delta or "" for one in pieces) == pieces[-1].message.content
    assert pieces[-1].additional_kwargs["completion_tokens"] > 0
    assert "[PERSON:" in str(pieces[-1].message.content)

    async def collect() -> str:
        return "".join([one.delta or "" async for one in await llm.astream_complete("I am Henrik Thorvald.")])

    assert asyncio.run(collect()) == llm.complete("I am Henrik Thorvald.").text
    assert llm.metadata.is_chat_model
    assert llm.metadata.context_window > 0


def test_what_a_model_does_is_recorded_and_metered(workspace: Workspace) -> None:
    """Masking, intent, sending and the call's account are in the log, under one request, without a word of it."""
    before = len(_events(workspace))
    RagkitLLM(workspace, generator="house", principal=READER).complete("Is Galina Yalmanova a customer?")
    new = _events(workspace)[before:]
    kinds = [event["type"] for event in new]
    assert kinds == ["text.masked", "egress.intent", "egress.done", "generation.done"]
    assert len({event["request"] for event in new}) == 1
    assert "Yalmanova" not in json.dumps(new)


def test_a_model_may_not_be_told_what_its_destination_may_not_see(workspace: Workspace) -> None:
    """The collection's data class stands for all that is in the messages; a generator without a model says so."""
    with pytest.raises(EgressRefused):
        RagkitLLM(workspace, generator="far").complete("Hello")
    with pytest.raises(ConfigError, match="no model"):
        RagkitLLM(workspace, generator="extractive").complete("Hello")
    with pytest.raises(ConfigError, match="something else than text"):
        RagkitLLM(workspace, generator="house").chat([ChatMessage(role="user", blocks=[ImageBlock(image=b"x")])])
    with pytest.raises(ConfigError, match="role"):
        RagkitLLM(workspace, generator="house").chat([ChatMessage(role="tool", content="x")])


def test_a_token_of_somebody_else_does_not_come_back_as_one(workspace: Workspace, house: ModelServer) -> None:
    """A token that a model writes by itself, and that no message held, is disarmed: nobody reveals it by accident."""
    house.answer = lambda _turns: "It is [PERSON:K7F3QX9M2T-4B]."
    try:
        said = RagkitLLM(workspace, generator="house").complete("Who is it?").text
    finally:
        house.answer = _names_somebody
    assert "[PERSON:" not in said
    assert "PERSON:K7F3QX9M2T-4B" in said


def test_masking_before_an_index_of_llama_index(workspace: Workspace) -> None:
    """Whatever goes into the index is masked: text, metadata, ids, relations; what was given stays as it was."""
    given = Document(
        text="Dear Ms Galina Yalmanova, your number +44 20 7946 0018 is noted.",
        id_="/mail/yalmanova.txt",
        metadata={"file_name": "Galina Yalmanova.txt", "lines": 3, "to": ["galina.yalmanova@example.org"]},
    )
    masking = RagkitMasking(workspace)
    index = VectorStoreIndex.from_documents(
        masking([given]), transformations=[SentenceSplitter()], embed_model=MockEmbedding(embed_dim=4)
    )
    stored = json.dumps(index.storage_context.to_dict())
    assert not any(name in stored for name in (*NAMES, "yalmanova.txt"))
    assert "Galina Yalmanova" in given.text
    one, again = masking([given])[0], masking([given])[0]
    assert one.get_content() == again.get_content()
    assert one.node_id == again.node_id != given.node_id
    assert workspace.reveal(one.get_content(), purpose="test") == given.text


def test_masking_leaves_no_way_round(workspace: Workspace) -> None:
    """Embeddings of the clear text go, relations too; what is no text is refused, and so is who is no ingester."""
    node = TextNode(text="Call Galina Yalmanova.", embedding=[1.0, 2.0])
    node.relationships[NodeRelationship.SOURCE] = Document(
        text="x", id_="yalmanova", metadata={"name": "Galina Yalmanova"}
    ).as_related_node_info()
    made = asyncio.run(RagkitMasking(workspace, store=False).acall([node]))[0]
    assert made.embedding is None
    assert "Yalmanova" not in str(made.to_dict())
    assert "yalmanova" not in str(made.to_dict())
    with pytest.raises(ConfigError):
        RagkitMasking(workspace)([ImageNode(image="x")])
    with pytest.raises(AccessDenied):
        RagkitMasking(workspace, principal=READER)([node])


def test_importing_a_face_is_what_imports_llama_index() -> None:
    """The package itself stays light."""
    import subprocess
    import sys

    code = "import sys, ragkit, ragkit.interop; assert not [one for one in sys.modules if 'llama_index' in one]"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
