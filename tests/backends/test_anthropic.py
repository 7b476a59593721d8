"""The Messages API: what is sent, what its events mean, what its errors are told as."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ragkit.backends.anthropic import AnthropicModel
from ragkit.errors import ConfigError, GenerationError, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.testing.asking import call_of
from ragkit.testing.model_servers import Answer, ModelServer
from ragkit.testing.odd_server import OddServer
from ragkit.types import Completion, Masked, Message

CALL = call_of("How long is the warranty?", max_tokens=64)
SAY = replace(
    CALL,
    messages=(Message("system", Masked("Be short.")), Message("system", Masked("Cite.")), Message("user", Masked("Q"))),
)


def ask(model: AnthropicModel, call: Any = CALL) -> Completion:
    """Stream an answer; return the completion."""
    *pieces, last = model.stream(call)
    assert isinstance(last, Completion)
    assert "".join(str(piece) for piece in pieces) == last.text
    return last


def event(kind: str, **found: Any) -> bytes:
    """One event."""
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **found})}\n\n".encode()


def text(said: str) -> bytes:
    """One piece of text."""
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": said})


START = event("message_start", message={"model": "m-2", "usage": {"input_tokens": 5, "output_tokens": 1}})
END = event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9}) + event("message_stop")


def test_what_is_sent(gateway: Callable[..., Any]) -> None:
    """The system's words stand apart, the key in its header, nothing else about us."""
    with ModelServer(lambda _: "Two years.", api="anthropic", key="sk-1") as server:
        model = AnthropicModel(gateway(server.url), model="tiny", api_key="sk-1", extra_body={"top_k": 1})
        assert ask(model, replace(SAY, stop=("END", "\n"))).text == "Two years."
    sent = server.requests[0]
    assert sent.json == {
        "model": "tiny", "max_tokens": 64, "messages": [{"role": "user", "content": "Q"}], "temperature": 0.0,
        "stream": True, "system": "Be short.\n\nCite.", "stop_sequences": ["END"], "top_k": 1,
    }  # fmt: skip
    assert (sent.headers["x-api-key"], sent.headers["anthropic-version"]) == ("sk-1", "2023-06-01")
    assert "authorization" not in sent.headers


def test_tokens_are_the_servers(gateway: Callable[..., Any]) -> None:
    """Input is the sum of fresh, cached and newly cached; thoughts are hidden and counted."""
    answer = Answer("Two years.", thought="Hm, let me think about it.")
    with ModelServer(lambda _: answer, api="anthropic") as server:
        model = AnthropicModel(gateway(server.url), model="tiny")
        call = replace(CALL, messages=(Message("user", Masked("one two three four")),))
        for done in (ask(model, call), model.complete(call)):
            assert (done.text, done.usage.input, done.usage.output, done.usage.cached_input) == ("Two years.", 4, 2, 2)
            assert done.usage.reasoning == 2
            assert not done.usage.estimated


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("end_turn", "stop"), ("max_tokens", "length"), ("stop_sequence", "stop"), ("refusal", "content-filter"),
     ("model_context_window_exceeded", "length"), ("new_reason", "stop")],
)  # fmt: skip
def test_stop_reasons(reason: str, finish: str, gateway: Callable[..., Any]) -> None:
    """Reasons are in ragkit's words, streamed or not; a refusal without text is an answer too."""
    said = "" if reason == "refusal" else "Two"
    with ModelServer(lambda _: Answer(said, finish=reason), api="anthropic") as server:
        model = AnthropicModel(gateway(server.url), model="tiny")
        assert model.complete(CALL).finish == ask(model).finish == finish


def test_odd_streams_are_understood(gateway: Callable[..., Any]) -> None:
    """Pings, kinds that are new, blocks of tools, and an end without its last event."""
    odd = START + event("ping") + event("dream", depth=3)
    odd += event("content_block_start", index=0, content_block={"type": "text", "text": ""}) + text("Two ")
    odd += event("content_block_start", index=1, content_block={"type": "server_tool_use", "id": "x"})
    odd += event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "{"})
    odd += text("years.") + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 9})
    with OddServer(odd) as server:
        done = ask(AnthropicModel(gateway(server.url), model="m-1"))
    assert (done.text, done.model, done.finish, done.usage.output) == ("Two years.", "m-2", "stop", 9)


FAULTY: dict[str, tuple[bytes, type[GenerationError], str]] = {
    "cut": (START + text("Two"), GeneratorGarbled, "cut"),
    "cut in an event": (START + text("Two")[:-9], GeneratorGarbled, "cut"),
    "nothing said": (START + END, GeneratorGarbled, "empty"),
    "not JSON": (START + b"data: oops\n\n", GeneratorGarbled, "garbled"),
    "text is none": (text(7), GeneratorGarbled, "garbled"),  # type: ignore[arg-type]
    "a block without a type": (event("content_block_delta", delta={}), GeneratorGarbled, "garbled"),
    "overloaded": (
        START + text("Two") + event("error", error={"type": "overloaded_error", "message": "secret"}),
        GeneratorUnavailable, "overloaded",
    ),
    "too long": (
        event("error", error={"type": "invalid_request_error", "message": "prompt is too long: secret"}),
        GeneratorRefused, "context",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY)
def test_faulty_streams_are_typed_errors(fault: str, gateway: Callable[..., Any]) -> None:
    """Each fault is an error of the tree with a remedy and a word, and repeats nothing of the server."""
    raw, kind, code = FAULTY[fault]
    with OddServer(raw) as server, pytest.raises(kind) as caught:
        ask(AnthropicModel(gateway(server.url), model="m-1"))
    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)
    assert "secret" not in f"{caught.value}{caught.value.remedy}"


REFUSALS = [
    (401, "authentication_error", "invalid x-api-key", GeneratorRefused, "key"),
    (403, "permission_error", "secret", GeneratorRefused, "forbidden"),
    (404, "not_found_error", "model: secret", GeneratorRefused, "model"),
    (413, "request_too_large", "secret", GeneratorRefused, "size"),
    (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", GeneratorRefused, "context"),
    (400, "invalid_request_error", "Your credit balance is too low, secret", GeneratorRefused, "quota"),
    (429, "rate_limit_error", "secret", GeneratorUnavailable, "overloaded"),
    (500, "api_error", "secret", GeneratorUnavailable, "overloaded"),
    (529, "overloaded_error", "secret", GeneratorUnavailable, "overloaded"),
]


@pytest.mark.parametrize(("status", "kind", "said", "error", "code"), REFUSALS)
def test_refusals_say_what_is_wrong(
    status: int, kind: str, said: str, error: type[GenerationError], code: str, gateway: Callable[..., Any]
) -> None:
    """Each documented error is told in our own words; 529 is "overloaded", as 429 and 500 are."""
    raw = json.dumps({"type": "error", "error": {"type": kind, "message": said}}).encode()
    with OddServer((status, "application/json", raw)) as server, pytest.raises(error) as caught:
        ask(AnthropicModel(gateway(server.url), model="m-1", api_key="sk-1"))
    assert (caught.value.code, bool(caught.value.remedy)) == (code, True)
    assert "secret" not in f"{caught.value}{caught.value.remedy}"


def test_new_models_refuse_a_temperature(gateway: Callable[..., Any]) -> None:
    """It is left out when it is refused, and from then on."""
    said = {
        "type": "error",
        "error": {"type": "invalid_request_error", "message": "`temperature` is deprecated for this model."},
    }
    refused = (400, "application/json", json.dumps(said).encode())
    with OddServer(refused, START + text("Two") + END, START + text("Two") + END) as server:
        model = AnthropicModel(gateway(server.url), model="m-1")
        assert [ask(model).text, ask(model).text] == ["Two", "Two"]
        assert ["temperature" in server.sent(number) for number in range(3)] == [True, False, False]


def test_a_probe_says_what_is_wrong(gateway: Callable[..., Any]) -> None:
    """Key, model and context are asked for; a server without a list passes."""
    with ModelServer(api="anthropic", key="sk-1", context_tokens=2000) as server:
        sound = {"model": "tiny", "api_key": "sk-1", "context_tokens": 2000}
        AnthropicModel(gateway(server.url), **sound).probe()  # type: ignore[arg-type]
        wrong: list[tuple[dict[str, Any], str]] = [
            ({"model": "huge"}, "model"), ({"api_key": "x"}, "key"), ({"api_key": None}, "key-missing"),
            ({"context_tokens": 3000}, "context"),
        ]  # fmt: skip
        for options, code in wrong:
            with pytest.raises(GeneratorRefused) as caught:
                AnthropicModel(gateway(server.url), **sound | options).probe()
            assert caught.value.code == code
    with OddServer((404, "text/html", b"no such page")) as other:
        AnthropicModel(gateway(other.url), model="tiny").probe()


def test_options_are_checked(gateway: Callable[..., Any]) -> None:
    """What ragkit makes itself is not overridden."""
    with pytest.raises(ConfigError):
        AnthropicModel(gateway("http://127.0.0.1:1"), model="m", extra_body={"system": "x"})
