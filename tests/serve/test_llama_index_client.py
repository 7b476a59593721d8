"""llama-index engines that talk to the service as to any server of OpenAI's dialect."""

from __future__ import annotations

import pytest
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import ChatMessage, MessageRole
from llama_index.llms.openai_like import OpenAILike

from ragkit.testing.keyed_shop import KeyedShop

pytestmark = pytest.mark.usefixtures("loopback")


def _engine(keyed: KeyedShop, model: str) -> SimpleChatEngine:
    llm = OpenAILike(
        model=model,
        api_base=f"{keyed.url}/v1",
        api_key=keyed.keys["customer"],
        is_chat_model=True,
        max_retries=0,
        timeout=30,
    )
    told = ChatMessage(role=MessageRole.SYSTEM, content="You are a helpful shop assistant.")
    return SimpleChatEngine.from_defaults(llm=llm, prefix_messages=[told])


def test_a_chat_engine_answers_from_the_documents(keyed: KeyedShop) -> None:
    """The engine sends its own system message and its history; the answer is the service's, with citations."""
    engine = _engine(keyed, "shop:house")
    reply = engine.chat("How long is the warranty on a tent?")
    assert "five years" in reply.response
    details = engine.chat_history
    assert [message.role for message in details] == [MessageRole.USER, MessageRole.ASSISTANT]
    assert engine.chat("And who pays for the repair?").response
    assert "How long is the warranty on a tent?" in keyed.prompt()
    assert "helpful shop assistant" not in keyed.prompt()


def test_a_chat_engine_streams(keyed: KeyedShop) -> None:
    """Its pieces are the service's."""
    stream = _engine(keyed, "shop:house").stream_chat("How long is the warranty on a tent, slowly?")
    pieces = list(stream.response_gen)
    assert len(pieces) >= 3
    assert "".join(pieces).count("five years") == 4


def test_the_raw_reply_has_the_citations(keyed: KeyedShop) -> None:
    """What llama-index passes through as raw holds ragkit's part."""
    llm = OpenAILike(model="shop", api_base=f"{keyed.url}/v1", api_key=keyed.keys["customer"], is_chat_model=True)
    reply = llm.chat([ChatMessage(role=MessageRole.USER, content="How long is the warranty on a tent?")])
    assert reply.raw.model_extra["ragkit"]["citations"][0]["title"] == "Warranty"
