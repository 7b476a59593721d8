"""What the backends write around a prompt passes the gateway: its words are of the API or of the configuration."""

from __future__ import annotations

from typing import Any

import pytest

from ragkit.backends.anthropic import AnthropicModel
from ragkit.backends.azure import AzureModel
from ragkit.backends.bedrock import BedrockModel
from ragkit.backends.openai_compatible import OpenAICompatibleModel
from ragkit.config_answering import DestinationSection
from ragkit.egress.api_words import API_WORDS, strings_in
from ragkit.egress.bodies import texts_of
from ragkit.egress.gateway import EgressGateway
from ragkit.egress.paths import checked, segments, target
from ragkit.testing.egress_parts import Events, OneName
from ragkit.types import DataClass, Masked, Message, ModelCall

CALL = ModelCall(
    messages=(Message("system", Masked("Rules of the house.")), Message("user", Masked("Which one is it?"))),
    data_class=DataClass.PUBLIC,
    seed=7,
    stop=("END OF IT",),
)
SAID = {"Rules of the house.", "Which one is it?", "END OF IT"}
MODELS: list[tuple[Any, dict[str, Any]]] = [
    (OpenAICompatibleModel, {"model": "qwen3-4b", "extra_body": {"chat_template_kwargs": {"enable_thinking": False}}}),
    (AnthropicModel, {"model": "claude-sonnet-4-20250514"}),
    (AzureModel, {"model": "maria-deployment", "api_version": "2024-10-21"}),
    (BedrockModel, {"model": "eu.anthropic.claude-sonnet-4-20250514-v1:0", "region": "eu-central-1"}),
]


@pytest.mark.parametrize(("kind", "options"), MODELS, ids=lambda one: getattr(one, "__name__", ""))
@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_all_but_the_messages_is_fixed(kind: Any, options: dict[str, Any], streamed: bool) -> None:
    """Every other string of the body, every part of the path; the headers are among those that may be sent."""
    section = DestinationSection(url="https://llm.example/v1", location="remote", provider="p")
    door = EgressGateway("box", section, scanner=OneName(), recorder=Events())
    model = kind(door, api_key="sk-0123456789abcdef", **options)
    path, body, headers = model._request(CALL, streamed=streamed)
    fixed = API_WORDS.union(strings_in(options))
    assert set(texts_of(body)) - fixed <= SAID
    assert set(segments(path)) <= fixed
    assert set(checked(headers)) == set(headers)
    assert target(section.url, path).startswith("/v1/")
