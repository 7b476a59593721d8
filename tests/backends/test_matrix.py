"""Every backend over a real server or library, with tiny models made on the spot: the contract, one after the other."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ragkit.backends.openai_compatible import OpenAICompatibleModel
from ragkit.egress.gateway import EgressGateway
from ragkit.errors import GenerationError, GeneratorRefused
from ragkit.interop.llm import LlamaIndexModel
from ragkit.protocols import ChatModel
from ragkit.testing.asking import call_of
from ragkit.testing.generator_contract import ChatModelContract
from ragkit.testing.local_servers import LocalServer

SAYS = "The warranty on every tent of 東é😀 lasts five years [1]."  # TINY_SAYS of conftest
CONTEXT = 2048


class TestTransformersServe(ChatModelContract):
    """``transformers serve`` through the gateway. It takes prompts of any length: the packer has to count."""

    bounded = False

    @pytest.fixture
    def make(self, transformers_server: LocalServer, gateway: Callable[..., EgressGateway]) -> Callable[[], ChatModel]:
        door = gateway(transformers_server.url, idle_seconds=60, total_seconds=120)
        return lambda: OpenAICompatibleModel(door, model=transformers_server.model, context_tokens=CONTEXT)

    @pytest.fixture
    def says(self) -> str:
        return SAYS


@pytest.mark.slow
class TestLlamaCppServer(ChatModelContract):
    """llama.cpp's server through the gateway; it sends no usage in streams, which is then estimated.

    A prompt that does not fit it refuses plainly, but in a stream with an empty reply.
    """

    bounded = False

    def test_what_does_not_fit_is_an_error(self, model: ChatModel) -> None:
        """Refused by name where it is not streamed; in a stream at least no answer."""
        call = call_of("word " * CONTEXT)
        with pytest.raises(GeneratorRefused) as caught:
            model.complete(call)
        assert caught.value.code == "context"
        with pytest.raises(GenerationError):
            list(model.stream(call))

    @pytest.fixture
    def make(self, llama_server: LocalServer, gateway: Callable[..., EgressGateway]) -> Callable[[], ChatModel]:
        door = gateway(llama_server.url, idle_seconds=60, total_seconds=120)
        return lambda: OpenAICompatibleModel(door, model=llama_server.model, context_tokens=CONTEXT)

    @pytest.fixture
    def says(self) -> str:
        return SAYS


class TestLlamaIndexOverTransformersServe(ChatModelContract):
    """The same server by llama-index's client, whose bytes pass no gateway."""

    @pytest.fixture
    def make(self, transformers_server: LocalServer, loopback: None) -> Callable[[], ChatModel]:
        return lambda: LlamaIndexModel(
            target="llama_index.llms.openai_like:OpenAILike",
            allow=["llama-index-llms-openai-like"],
            location="on-prem",
            model=transformers_server.model,
            api_base=transformers_server.url,
            api_key="none",
            is_chat_model=True,
            context_window=CONTEXT,
            max_retries=0,
            timeout=60,
        )

    @pytest.fixture
    def says(self) -> str:
        return SAYS
