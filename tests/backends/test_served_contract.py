"""Every backend behind a server keeps the contract of chat models, through a real gateway to a real server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ragkit.backends.anthropic import AnthropicModel
from ragkit.backends.azure import AzureModel
from ragkit.backends.bedrock import BedrockModel
from ragkit.backends.openai_compatible import OpenAICompatibleModel
from ragkit.egress.gateway import EgressGateway
from ragkit.protocols import ChatModel
from ragkit.testing.chat_model_contract import ChatModelContract
from ragkit.testing.model_servers import ModelServer

KEY = "k-test-0001"
PAIR = ("AKIATESTKEY", "secret-of-the-test")
ANSWER = "The warranty lasts two years. [1] It starts on the day of purchase, for Kovač & Søn — and 東京 too. 🙂"


class Served(ChatModelContract):
    """Over a server that gives one answer to everything."""

    api: Any = "openai"
    key: Any = KEY

    @pytest.fixture
    def says(self) -> str:
        return ANSWER

    @pytest.fixture
    def server(self) -> Iterator[ModelServer]:
        with ModelServer(
            lambda _: ANSWER, api=self.api, key=self.key, context_tokens=2048, model=self.name()
        ) as server:
            yield server

    @pytest.fixture
    def make(self, server: ModelServer, gateway: Callable[..., EgressGateway]) -> Callable[[], ChatModel]:
        door = gateway(server.url + self.suffix())
        return lambda: self.made(door, server)

    def name(self) -> str:
        return "tiny"

    def suffix(self) -> str:
        return ""

    def made(self, door: EgressGateway, server: ModelServer) -> ChatModel:
        return OpenAICompatibleModel(door, model=server.model, api_key=KEY, context_tokens=2048)


class TestOpenAICompatible(Served):
    """/chat/completions."""


class TestAnthropic(Served):
    """/messages."""

    api = "anthropic"

    def made(self, door: EgressGateway, server: ModelServer) -> ChatModel:
        return AnthropicModel(door, model=server.model, api_key=KEY, context_tokens=2048)


class TestAzure(Served):
    """The v1 API of Azure OpenAI."""

    api = "azure"

    def suffix(self) -> str:
        return "/v1"

    def made(self, door: EgressGateway, server: ModelServer) -> ChatModel:
        return AzureModel(door, model=server.model, api_key=KEY, context_tokens=2048)


class TestAzureDeployment(Served):
    """The older path by deployment."""

    api = "azure"

    def made(self, door: EgressGateway, server: ModelServer) -> ChatModel:
        return AzureModel(door, model=server.model, api_key=KEY, api_version="2024-10-21", context_tokens=2048)


class TestBedrockKey(Served):
    """Bedrock with a bearer key."""

    api = "bedrock"

    def name(self) -> str:
        return "eu.anthropic.claude-x-20260101-v2:0"

    def made(self, door: EgressGateway, server: ModelServer) -> ChatModel:
        return BedrockModel(door, model=server.model, api_key=KEY, context_tokens=2048)


class TestBedrockSigned(TestBedrockKey):
    """Bedrock with signed requests; the server computes each signature itself and compares."""

    key = PAIR

    def name(self) -> str:
        return "arn:aws:bedrock:eu-central-1:123456789012:inference-profile/eu.amazon.nova-micro-v1:0"

    def made(self, door: EgressGateway, server: ModelServer) -> ChatModel:
        access, secret = PAIR
        return BedrockModel(
            door, model=server.model, region="eu-central-1", access_key=access, secret_key=secret, host=server.host,
            context_tokens=2048,
        )  # fmt: skip
