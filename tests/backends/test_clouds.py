"""Azure OpenAI and Amazon Bedrock: paths, keys, signatures, frames, errors."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ragkit.backends.azure import AzureModel
from ragkit.backends.bedrock import BedrockModel
from ragkit.backends.bedrock_reply import BedrockReply
from ragkit.backends.shown import ShownText
from ragkit.errors import ConfigError, GenerationError, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.testing.asking import call_of
from ragkit.testing.model_aws import aws_frame
from ragkit.testing.model_servers import Answer, ModelServer
from ragkit.testing.odd_server import OddServer
from ragkit.types import Completion, Masked, Message

CALL = call_of("How long is the warranty?", max_tokens=64)
PAIR = ("AKIATESTKEY", "secret-of-the-test")
FRAMES = "application/vnd.amazon.eventstream"


def ask(model: Any, call: Any = CALL) -> Completion:
    """Stream an answer; return the completion."""
    *pieces, last = model.stream(call)
    assert isinstance(last, Completion)
    assert "".join(pieces) == last.text
    return last


@pytest.mark.parametrize("version", [None, "2024-10-21"])
def test_azure_paths_and_keys(version: str | None, gateway: Callable[..., Any]) -> None:
    """The v1 API names the model in the body, the older one the deployment in the path; the key has its own header."""
    with ModelServer(lambda _: "Two.", api="azure", key="k-1", model="gpt 4o/mini") as server:
        url = server.url + ("" if version else "/v1")
        model = AzureModel(gateway(url), model="gpt 4o/mini", api_key="k-1", api_version=version)
        assert ask(model).text == "Two."
        model.probe()
        sent = server.requests[0]
        wanted = "/openai/deployments/gpt%204o%2Fmini/chat/completions?api-version=2024-10-21"
        assert sent.path == (wanted if version else "/openai/v1/chat/completions")
        assert ("model" in sent.json) == (version is None)
        assert sent.headers["api-key"] == "k-1"
        assert "authorization" not in sent.headers
        for options, code in (({"api_key": "x"}, "key"), ({}, "key-missing")):
            with pytest.raises(GeneratorRefused) as caught:
                AzureModel(gateway(url), model="gpt 4o/mini", api_version=version, **options).probe()
            assert caught.value.code == code
        with pytest.raises(GeneratorRefused) as caught:
            AzureModel(gateway(url), model="nope", api_key="k-1", api_version=version).complete(CALL)
        assert caught.value.code == "model"


def test_azure_tokens_and_options(gateway: Callable[..., Any]) -> None:
    """A token of Entra is a bearer's; a key besides it, or a version that is none, is refused."""
    with OddServer((401, "application/json", b"{}")) as server:
        with pytest.raises(GeneratorRefused):
            AzureModel(gateway(server.url), model="m", entra_token="t-1").probe()
        assert b"authorization: bearer t-1" in server.requests[0].lower()
    door = gateway("http://127.0.0.1:1")
    for options in ({"api_key": "a", "entra_token": "b"}, {"api_version": "latest"}):
        with pytest.raises(ConfigError):
            AzureModel(door, model="m", **options)


def bedrock(server: Any, gateway: Callable[..., Any], **options: Any) -> BedrockModel:
    """Return a model that signs for this server."""
    signing = {"region": "eu-central-1", "access_key": PAIR[0], "secret_key": PAIR[1], "host": server.host}
    return BedrockModel(gateway(server.url), model=server.model, **(options or signing))


def test_bedrock_signatures_are_checked(gateway: Callable[..., Any]) -> None:
    """The server computes each signature itself: a wrong secret, a changed host or a token out of place do not pass."""
    name = "eu.anthropic.claude-x-v1:0"
    with ModelServer(lambda _: "Two.", api="bedrock", key=PAIR, model=name) as server:
        assert ask(bedrock(server, gateway)).text == "Two."
        sent = server.requests[0]
        assert sent.path == "/model/eu.anthropic.claude-x-v1%3A0/converse-stream"
        assert "/eu-central-1/bedrock/aws4_request" in sent.headers["authorization"]
        assert "host" in sent.headers["authorization"].partition("SignedHeaders=")[2]
        wrong: list[dict[str, Any]] = [
            {"secret_key": "another"}, {"access_key": "AKIAOTHER"}, {"host": "bedrock-runtime.example.com"},
        ]  # fmt: skip
        for change in wrong:
            options = {
                "region": "eu-central-1", "access_key": PAIR[0], "secret_key": PAIR[1], "host": server.host, **change
            }  # fmt: skip
            with pytest.raises(GeneratorRefused) as caught:
                bedrock(server, gateway, **options).complete(CALL)
            assert caught.value.code == "key"
        token = {"region": "eu-central-1", "access_key": PAIR[0], "secret_key": PAIR[1], "host": server.host}
        assert bedrock(server, gateway, session_token="t-1", **token).complete(CALL).text == "Two."
        assert server.requests[-1].headers["x-amz-security-token"] == "t-1"


def test_bedrock_takes_no_key_from_around_it(gateway: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials in the environment are not used."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "from-the-environment")
    with pytest.raises(ConfigError):
        BedrockModel(gateway("http://127.0.0.1:1"), model="m", region="eu-central-1")
    with ModelServer(lambda _: "Two.", api="bedrock", key=PAIR) as server:
        assert bedrock(server, gateway).complete(CALL).text == "Two."
        assert not any("from-the-environment" in str(one.headers) for one in server.requests)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"api_key": "k", "access_key": "a", "secret_key": "s", "region": "eu-central-1"},
        {"access_key": "a"},
        {"access_key": "a", "secret_key": "s"},
        {"access_key": "a", "secret_key": "s", "region": "Frankfurt"},
        {"api_key": "k", "host": "x/y"},
        {"api_key": "k", "extra_body": {"messages": []}},
    ],
)
def test_bedrock_options_are_checked(options: dict[str, Any], gateway: Callable[..., Any]) -> None:
    """One key or one pair, a region to sign for, and nothing that ragkit makes itself."""
    with pytest.raises(ConfigError):
        BedrockModel(gateway("http://127.0.0.1:1"), model="m", **options)


def test_bedrock_what_is_sent_and_counted(gateway: Callable[..., Any]) -> None:
    """Converse's shape; tokens with those read from a cache; thoughts hidden and counted."""
    answer = Answer("Two years.", thought="Hm, let me think about it.")
    call = replace(
        CALL, stop=("END",), messages=(Message("system", Masked("Be short.")), Message("user", Masked("one two three")))
    )
    with ModelServer(lambda _: answer, api="bedrock", key="k-1") as server:
        model = bedrock(server, gateway, api_key="k-1", extra_body={"requestMetadata": {"team": "x"}})
        model.load()
        for done in (ask(model, call), model.complete(call)):
            assert (done.text, done.usage.input, done.usage.output, done.usage.cached_input) == ("Two years.", 5, 2, 2)
            assert (done.usage.reasoning, done.model) == (2, "tiny")
        model.probe()
    assert server.requests[0].json == {
        "messages": [{"role": "user", "content": [{"text": "one two three"}]}], "system": [{"text": "Be short."}],
        "inferenceConfig": {"maxTokens": 64, "temperature": 0.0, "stopSequences": ["END"]},
        "requestMetadata": {"team": "x"},
    }  # fmt: skip
    assert server.requests[0].headers["authorization"] == "Bearer k-1"


def test_bedrock_new_models_refuse_a_temperature(gateway: Callable[..., Any]) -> None:
    """It is left out when it is refused, inside ``inferenceConfig`` too."""
    with ModelServer(lambda _: "Two.", api="bedrock", refuses=("temperature",)) as server:
        assert ask(bedrock(server, gateway, api_key="k-1")).text == "Two."
    assert "temperature" not in server.requests[-1].json["inferenceConfig"]


DELTA = aws_frame("contentBlockDelta", {"delta": {"text": "Two "}}) + aws_frame(
    "contentBlockDelta", {"delta": {"text": "years."}}
)
STOP = aws_frame("messageStop", {"stopReason": "end_turn"})
FAULTY: dict[str, tuple[bytes, type[GenerationError], str]] = {
    "cut between frames": (DELTA, GeneratorGarbled, "cut"),
    "cut in a frame": (DELTA + STOP[:-5], GeneratorGarbled, "cut"),
    "a damaged frame": (DELTA[:40] + b"X" + DELTA[41:] + STOP, GeneratorGarbled, "garbled"),
    "not frames": (b"<html>" * 50, GeneratorGarbled, "garbled"),
    "a frame of 4 GB": (b"\xff" * 64, GeneratorGarbled, "garbled"),
    "no text": (STOP, GeneratorGarbled, "empty"),
    "text is none": (aws_frame("contentBlockDelta", {"delta": {"text": 7}}), GeneratorGarbled, "garbled"),
    "throttled": (
        DELTA + aws_frame("throttlingException", {"message": "secret"}, exception=True), GeneratorUnavailable,
        "overloaded",
    ),
    "failed": (
        aws_frame("modelStreamErrorException", {"message": "secret"}, exception=True), GeneratorUnavailable,
        "overloaded",
    ),
    "too long": (
        aws_frame("validationException", {"message": "Input is too long for requested model: secret"}, exception=True),
        GeneratorRefused, "context",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY)
def test_bedrock_faulty_streams_are_typed_errors(fault: str, gateway: Callable[..., Any]) -> None:
    """Each fault is an error of the tree with a remedy and a word, and repeats nothing of the server."""
    raw, kind, code = FAULTY[fault]
    with OddServer((200, FRAMES, raw)) as server, pytest.raises(kind) as caught:
        ask(BedrockModel(gateway(server.url), model="m", api_key="k"))
    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)
    assert "secret" not in f"{caught.value}{caught.value.remedy}"


def test_bedrock_frames_may_be_cut_anywhere() -> None:
    """Any cut of the bytes gives the same text and the same usage."""
    raw = DELTA + STOP + aws_frame("metadata", {"usage": {"inputTokens": 3, "outputTokens": 2}})
    dice = random.Random(5)
    for _ in range(100):
        reader, place, said = BedrockReply(ShownText(), model="m", destination="box"), 0, ""
        while place < len(raw):
            step = dice.choice([1, 3, 20, 100])
            said += "".join(reader.feed(raw[place : place + step]))
            place += step
        assert said == "Two years."
        assert reader.heard.ended
        assert reader.heard.usage is not None
        assert (reader.heard.usage.input, reader.heard.usage.output) == (3, 2)


@pytest.mark.parametrize(
    ("status", "kind", "said", "code"),
    [
        (403, "AccessDeniedException", "You don't have access to the model with the specified model ID.", "forbidden"),
        (403, "UnrecognizedClientException", "The security token included in the request is invalid.", "key"),
        (400, "ValidationException", "The provided model identifier is invalid.", "model"),
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached the end of its life: model no longer",
            "model",
        ),
        (400, "ValidationException", "Input is too long for requested model.", "context"),
    ],
)
def test_bedrock_refusals(status: int, kind: str, said: str, code: str, gateway: Callable[..., Any]) -> None:
    """Documented errors are told in our own words."""
    raw = json.dumps({"__type": kind, "message": said}).encode()
    with OddServer((status, "application/json", raw)) as server, pytest.raises(GeneratorRefused) as caught:
        BedrockModel(gateway(server.url), model="m", api_key="k").complete(CALL)
    assert caught.value.code == code
