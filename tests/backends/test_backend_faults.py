"""Every bad day of a server, for every backend behind one: a typed error with a remedy, soon, and nothing repeated."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest

from ragkit.backends.anthropic import AnthropicModel
from ragkit.backends.azure import AzureModel
from ragkit.backends.bedrock import BedrockModel
from ragkit.backends.openai_compatible import OpenAICompatibleModel
from ragkit.errors import GenerationError, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.testing.asking import call_of
from ragkit.testing.faulty_server import FAULTS, FaultyServer
from ragkit.types import Completion

MODELS: dict[str, Callable[[Any], Any]] = {
    "openai": lambda door: OpenAICompatibleModel(door, model="m", api_key="sk-1"),
    "anthropic": lambda door: AnthropicModel(door, model="m", api_key="sk-1"),
    "azure": lambda door: AzureModel(door, model="m", api_key="sk-1"),
    "bedrock": lambda door: BedrockModel(door, model="m", api_key="sk-1"),
}
UNAVAILABLE = {
    "429", "429-after", "429-date", "429-absurd", "429-nonsense", "500", "502", "reset", "hang-up", "tls-untrusted",
    "stall", "silent", "drip", "drip-head",
}  # fmt: skip
REFUSED = {"400", "401", "redirect"}
EITHER = {"drip", "endless", "crumbs", "stall", "bomb"}
"""Whichever limit is reached first, of time or of bytes; the bomb takes long to pack, and one event is no frame."""


def wanted(fault: str) -> type[GenerationError]:
    """Return the error that a fault is."""
    if fault in EITHER:
        return GenerationError
    if fault in REFUSED:
        return GeneratorRefused
    return GeneratorUnavailable if fault in UNAVAILABLE else GeneratorGarbled


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_day_is_a_typed_error(fault: str, model: str, gateway: Callable[..., Any]) -> None:
    """Streamed: text may come before the error, never a completion instead of it; it ends within the limits."""
    with FaultyServer(fault) as server:
        url = server.url.replace("http:", "https:") if fault.startswith("tls") else server.url
        made = MODELS[model](gateway(url, total_seconds=0.4, idle_seconds=0.15, max_reply_bytes=60_000))
        began, pieces = time.monotonic(), []
        if fault == "wrong-model" and model in ("openai", "azure"):
            *_, last = made.stream(call_of("Two?"))
            assert isinstance(last, Completion)
            assert last.model == "another-model"
            return
        stream = made.stream(call_of("Two?"))
        with pytest.raises(wanted(fault)) as caught:
            pieces.extend(stream)
    assert time.monotonic() - began < 10 or fault == "bomb"  # a busy machine; a bomb takes long to pack
    assert not any(isinstance(piece, Completion) for piece in pieces)
    assert caught.value.remedy
    assert caught.value.code
    assert "try later" not in f"{caught.value}{caught.value.remedy}"


@pytest.mark.parametrize("fault", sorted({*FAULTS} - {"stall", "silent", "drip", "drip-head", "bomb"}))
def test_whole_replies_too(fault: str, gateway: Callable[..., Any]) -> None:
    """Not streamed, the same holds, and a hundred megabytes are not held."""
    tracemalloc.start()
    with FaultyServer(fault) as server:
        url = server.url.replace("http:", "https:") if fault.startswith("tls") else server.url
        made = MODELS["openai"](gateway(url, total_seconds=0.4, idle_seconds=0.15, max_reply_bytes=60_000))
        try:
            assert made.complete(call_of("Two?")).model == "another-model"
            assert fault == "wrong-model"
        except GenerationError as caught:
            assert isinstance(caught, wanted(fault))  # noqa: PT017 - one fault of all is none
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert held < 12_000_000
