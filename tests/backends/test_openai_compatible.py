"""What OpenAI-compatible servers really send, through a real gateway: answers, oddities, refusals."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ragkit.backends.openai_compatible import OpenAICompatibleModel
from ragkit.errors import ConfigError, GenerationError, GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.testing.asking import call_of
from ragkit.testing.model_servers import Answer, ModelServer
from ragkit.testing.odd_server import OddServer
from ragkit.types import Completion, Masked, Message

CALL = call_of("How long is the warranty?", max_tokens=64)


def ask(model: Any, call: Any = CALL) -> tuple[str, Completion]:
    """Stream an answer; return what was shown, and the completion."""
    *pieces, last = model.stream(call)
    assert isinstance(last, Completion)
    assert "".join(pieces) == last.text
    return last.text, last


def event(**found: Any) -> bytes:
    """One chunk as an event."""
    return b"data: " + json.dumps(found).encode() + b"\n\n"


def delta(content: Any = None, finish: str | None = None, **more: Any) -> bytes:
    """One chunk with a delta."""
    part = {**more} if content is None else {"content": content, **more}
    return event(model="m-1", choices=[{"index": 0, "delta": part, "finish_reason": finish}])


END = delta(finish="stop") + b"data: [DONE]\n\n"
"""The usual end."""

ODD: dict[str, tuple[bytes, str]] = {
    "no [DONE]": (delta("Two years.") + delta(finish="stop"), "Two years."),
    "no finish reason": (delta("Two years.") + b"data: [DONE]\n\n", "Two years."),
    "CRLF": ((delta("Two ") + delta("years.") + END).replace(b"\n", b"\r\n"), "Two years."),
    "CR": ((delta("Two ") + delta("years.") + END).replace(b"\n", b"\r"), "Two years."),
    "comments": (b": OPENROUTER PROCESSING\n\n" + delta("Two years.") + b":\n\n" + END, "Two years."),
    "BOM": (b"\xef\xbb\xbf" + delta("Two years.") + END, "Two years."),
    "many lines": (
        b'data: {"choices": [{"index": 0,\ndata: "delta": {"content": "Two years."}}]}\n\n' + END, "Two years.",
    ),
    "no blank after the colon": ((delta("Two years.") + END).replace(b"data: ", b"data:"), "Two years."),
    "event names": (b"event: message\n" + delta("Two years.") + END, "Two years."),
    "empty data": (b"data:\n\ndata: \n\n" + delta("Two years.") + END, "Two years."),
    "null content": (delta("Two", refusal=None) + event(choices=[{"delta": {"content": None}}]) + END, "Two"),
    "null delta": (event(choices=[{"index": 0, "delta": None}]) + delta("Two") + END, "Two"),
    "no choices": (event(model="m") + event(choices=[]) + delta("Two") + END, "Two"),
    "another choice": (event(choices=[{"index": 1, "delta": {"content": "No"}}]) + delta("Two") + END, "Two"),
    "finish with the last text": (delta("Two") + delta(" years.", finish="stop"), "Two years."),
    "the end twice": (delta("Two") + END + END, "Two"),
    "text after the end": (delta("Two") + END + delta(" and more"), "Two"),
    "parts": (delta([{"type": "text", "text": "Two "}, {"type": "text", "text": "years."}]) + END, "Two years."),
    "thoughts in parts": (
        delta([{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]) + delta("Two") + END, "Two",
    ),
    "halves of a character": (
        b'data: {"choices":[{"delta":{"content":"ok \\ud83d"}}]}\n\n'
        b'data: {"choices":[{"delta":{"content":"\\ude42!"}}]}\n\n' + END,
        "ok 🙂!",
    ),
    "a lone half": (b'data: {"choices":[{"delta":{"content":"ok \\ud83d"}}]}\n\n' + END, "ok \ufffd"),
    "a lone half inside": (b'data: {"choices":[{"delta":{"content":"a\\udc00b"}}]}\n\n' + END, "a\ufffdb"),
    "NUL": (b'data: {"choices":[{"delta":{"content":"a\\u0000b"}}]}\n\n' + END, "a\ufffdb"),
    "thoughts in the text": (delta("<thi") + delta("nk>Hm, two?</th") + delta("ink>\n\nTwo") + END, "Two"),
    "thoughts of Magistral": (delta("[THINK]Hm[/THINK]Two") + END, "Two"),
    "something like a thought": (delta("<thi") + delta("s> is HTML") + END, "<this> is HTML"),
    "tools": (delta("Two", tool_calls=[{"id": "x"}]) + delta(finish="tool_calls"), "Two"),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
def test_odd_streams_are_understood(odd: str, gateway: Callable[..., Any]) -> None:
    """Each oddity that servers have gives the text that was meant, and an estimate where no usage came."""
    raw, text = ODD[odd]
    with OddServer(raw) as server:
        shown, last = ask(OpenAICompatibleModel(gateway(server.url), model="m-1"))
    assert shown == text
    assert last.finish == "stop"
    assert last.usage.estimated
    assert last.usage.input > 0
    assert last.usage.output > 0


FAULTY: dict[str, tuple[bytes, type[GenerationError], str]] = {
    "cut between events": (delta("Two"), GeneratorGarbled, "cut"),
    "cut inside an event": (delta("Two") + delta(" years.")[:-20], GeneratorGarbled, "cut"),
    "cut inside the end": (delta("Two") + b"data: [DO", GeneratorGarbled, "cut"),
    "nothing": (b"", GeneratorGarbled, "cut"),
    "no answer": (END, GeneratorGarbled, "empty"),
    "blank answer": (delta(" \n") + END, GeneratorGarbled, "empty"),
    "only thoughts": (delta("<think>Hm") + delta(finish="length"), GeneratorGarbled, "empty"),
    "aborted": (delta("Two") + delta(finish="abort"), GeneratorGarbled, "cut"),
    "not JSON": (b"data: {oops\n\n", GeneratorGarbled, "garbled"),
    "NaN": (b'data: {"choices": NaN}\n\n', GeneratorGarbled, "garbled"),
    "a list": (b"data: []\n\n", GeneratorGarbled, "garbled"),
    "deep": (b"data: " + b"[" * 100_000 + b"\n\n", GeneratorGarbled, "garbled"),
    "an endless number": (b'data: {"choices": ' + b"9" * 5_000 + b"}\n\n", GeneratorGarbled, "garbled"),
    "choices are a word": (event(choices="x"), GeneratorGarbled, "garbled"),
    "a choice is a word": (event(choices=["x"]), GeneratorGarbled, "garbled"),
    "a delta is a word": (event(choices=[{"delta": "x"}]), GeneratorGarbled, "garbled"),
    "content is a number": (delta(7), GeneratorGarbled, "garbled"),
    "HTML": (b"<html><body>Bad day</body></html>", GeneratorGarbled, "cut"),
    "an event of 2 MB": (b"data: " + b"x" * 2_000_000, GeneratorGarbled, "garbled"),
    "an error": (delta("Two") + event(error={"message": "secret", "code": 500}), GeneratorUnavailable, "overloaded"),
    "an error as text": (event(error="secret exploded", error_type="x"), GeneratorUnavailable, "overloaded"),
    "an error of vLLM": (event(object="error", message="secret", code=500), GeneratorUnavailable, "overloaded"),
    "a rate limit": (event(error={"message": "Rate limit reached", "code": 429}), GeneratorUnavailable, "overloaded"),
    "a full context": (
        event(error={"message": "secret: maximum context length is 5", "code": 400}), GeneratorRefused, "context",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTY)
def test_faulty_streams_are_typed_errors(fault: str, gateway: Callable[..., Any]) -> None:
    """Each fault is an error of the tree with a remedy and a word, and repeats nothing of the server."""
    raw, kind, code = FAULTY[fault]
    gc.collect()  # "deep" fills the stack; what is collected then cannot clean up, and pytest calls that a failure
    with OddServer(raw) as server, pytest.raises(kind) as caught:
        ask(OpenAICompatibleModel(gateway(server.url), model="m-1"))
    if fault not in ("an event of 2 MB", "nothing"):
        assert caught.value.code == code
    assert caught.value.remedy
    assert "secret" not in f"{caught.value}{caught.value.remedy}"


@pytest.mark.parametrize("whole", [b"{}", b"[]", b"x", b'{"choices": []}', b'{"choices": [{"message": 7}]}', b"\xff"])
def test_faulty_whole_replies_are_garbled(whole: bytes, gateway: Callable[..., Any]) -> None:
    """A reply that is no answer is said to be none."""
    with OddServer((200, "application/json", whole)) as server, pytest.raises(GeneratorGarbled):
        OpenAICompatibleModel(gateway(server.url), model="m-1").complete(CALL)


def test_a_cut_of_http_is_an_error_after_the_text(gateway: Callable[..., Any]) -> None:
    """Text before the cut was shown; then comes the error, and no completion."""
    with OddServer(delta("Two ") + delta("years"), chunked=True) as server:
        stream = OpenAICompatibleModel(gateway(server.url), model="m-1").stream(CALL)
        assert [next(stream), next(stream)] == ["Two ", "years"]
        with pytest.raises(GeneratorGarbled):
            next(stream)


def test_a_server_that_does_not_stream_is_understood(gateway: Callable[..., Any]) -> None:
    """JSON instead of events is read as the whole answer."""
    message = {"message": {"content": "Two years."}, "finish_reason": "length"}
    reply = json.dumps({"model": "m-9", "choices": [message]}).encode()
    with OddServer((200, "application/json; charset=utf-8", reply)) as server:
        shown, last = ask(OpenAICompatibleModel(gateway(server.url), model="m-1"))
    assert (shown, last.model, last.finish) == ("Two years.", "m-9", "length")


def test_usage_is_the_servers(gateway: Callable[..., Any]) -> None:
    """Tokens come from the server, streamed or not, thoughts among them; without them they are estimated."""
    answers = {"counted": Answer("Two years.", thought="Hm, let me see."), "not": Answer("Two years.", usage=False)}
    with ModelServer(lambda turns: answers[turns[-1][1]], api="openai") as server:
        model = OpenAICompatibleModel(gateway(server.url), model="tiny")
        for name in answers:
            call = replace(CALL, messages=(Message("user", Masked(name)),))
            for last in (model.complete(call), ask(model, call)[1]):
                assert last.text == "Two years."
                assert last.usage.estimated == (name == "not")
                if name == "counted":
                    counted = (last.usage.input, last.usage.output, last.usage.cached_input, last.usage.reasoning)
                    assert counted == (1, 6, 1, 4)


def test_streamed_usage_can_be_left_unasked(gateway: Callable[..., Any]) -> None:
    """Without ``stream_usage`` nothing is asked for, and the estimate stands in."""
    with ModelServer(api="openai") as server:
        _, last = ask(OpenAICompatibleModel(gateway(server.url), model="tiny", stream_usage=False))
    assert last.usage.estimated
    assert "stream_options" not in server.requests[0].json


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content-filter"), ("eos_token", "stop")],
)
def test_finish_reasons(reason: str, finish: str, gateway: Callable[..., Any]) -> None:
    """Reasons are in ragkit's words, streamed or not."""
    with ModelServer(lambda _: Answer("Two", finish=reason)) as server:
        model = OpenAICompatibleModel(gateway(server.url), model="tiny")
        assert model.complete(CALL).finish == ask(model)[1].finish == finish


def test_a_refusal_is_a_filtered_answer(gateway: Callable[..., Any]) -> None:
    """The field ``refusal`` is shown, and marked as the provider's filter."""
    with OddServer(delta(refusal="I cannot say.") + END) as server:
        shown, last = ask(OpenAICompatibleModel(gateway(server.url), model="m-1"))
    assert (shown, last.finish) == ("I cannot say.", "content-filter")


def test_the_model_that_answered_is_named(gateway: Callable[..., Any]) -> None:
    """Another name than the one asked for is kept; what is no name is not."""
    names = {
        "gpt-x-2026-07-01": "gpt-x-2026-07-01", "Qwen/Qwen3-4B": "Qwen/Qwen3-4B", "/models/q4.gguf": "q4.gguf",
        "Ana Kovač, born 1980": "unnamed", None: "m-1",
    }  # fmt: skip
    for told, kept in names.items():
        reply = event(model=told, choices=[{"delta": {"content": "Two"}, "finish_reason": "stop"}])
        with OddServer(reply) as server:
            assert ask(OpenAICompatibleModel(gateway(server.url), model="m-1"))[1].model == kept


REFUSALS: list[tuple[int, dict[str, Any] | bytes, str]] = [
    (401, {"error": {"message": "Incorrect API key provided: sk-secret", "code": "invalid_api_key"}}, "key"),
    (403, {"error": {"message": "You are not allowed, secret"}}, "forbidden"),
    (403, {"error": {"message": "Project does not have access to model secret", "code": "model_not_found"}}, "model"),
    (402, {"error": {"message": "secret"}}, "quota"),
    (404, {"error": {"message": "The model `secret` does not exist.", "code": "model_not_found"}}, "model"),
    (404, {"error": {"message": 'model "secret" not found, try pulling it first'}}, "model"),
    (404, {"detail": "Not Found"}, "path"),
    (404, b"<html>secret</html>", "path"),
    (405, {"detail": "Method Not Allowed"}, "path"),
    (400, {"error": {"message": "This model's maximum context length is 4096 tokens, secret"}}, "context"),
    (400, {"error": {"message": "the request exceeds the available context size",
                     "type": "exceed_context_size_error"}}, "context"),
    (422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 8", "error_type": "v"},
     "context"),
    (413, b"", "size"),
    (413, {"error": {"message": "input is too long"}}, "context"),
    (400, {"error": {"message": "secret", "code": "content_filter"}}, "filter"),
    (400, {"error": {"message": "Unknown field: foo secret"}}, "parameter"),
    (400, {"error": {"message": "Invalid model: secret", "type": "invalid_model"}}, "model"),
    (400, {"error": {"message": "secret happened"}}, "refused"),
    (418, b"secret", "refused"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body", "code"), REFUSALS)
@pytest.mark.parametrize("streamed", [True, False])
def test_refusals_say_what_is_wrong(
    status: int, body: dict[str, Any] | bytes, code: str, streamed: bool, gateway: Callable[..., Any]
) -> None:
    """Each refusal is told in our own words, with what to do; nothing of the server's text comes through."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with OddServer((status, "application/json", raw)) as server:
        model = OpenAICompatibleModel(gateway(server.url), model="m-1", api_key="sk-1")
        with pytest.raises(GeneratorRefused) as caught:
            ask(model) if streamed else model.complete(CALL)
    assert caught.value.code == code
    assert caught.value.remedy
    assert "secret" not in f"{caught.value}{caught.value.remedy}"
    assert len(server.requests) == 1


def test_a_missing_key_is_not_a_wrong_one(gateway: Callable[..., Any]) -> None:
    """Who sent no key is told to set one, who sent a wrong one to check it."""
    with ModelServer(key="right") as server:
        for key, code in ((None, "key-missing"), ("wrong", "key")):
            with pytest.raises(GeneratorRefused) as caught:
                OpenAICompatibleModel(gateway(server.url), model="tiny", api_key=key).probe()
            assert caught.value.code == code
        OpenAICompatibleModel(gateway(server.url), model="tiny", api_key="right", context_tokens=4096).probe()


def test_parameters_that_a_server_refuses_are_left_out(gateway: Callable[..., Any]) -> None:
    """Each is learned once; the limit changes its name, and a stop is obeyed here instead."""
    refused = ("max_tokens", "temperature", "stream_options")
    with ModelServer(lambda _: "One. Two. Three.", refuses=refused) as server:
        model = OpenAICompatibleModel(gateway(server.url), model="tiny")
        call = replace(CALL, stop=(" Three",), seed=7)
        assert ask(model, call)[0] == "One. Two."
        assert len(server.requests) == 4
        assert model.complete(call).text == "One. Two."
        assert len(server.requests) == 5
    last = server.requests[-1].json
    assert last["max_completion_tokens"] == 64
    assert last["seed"] == 7
    assert not set(refused) & last.keys()


def test_a_server_that_refuses_everything_ends_the_tries(gateway: Callable[..., Any]) -> None:
    """At most four requests are made for one call."""
    refused = ("max_tokens", "temperature", "stream_options", "seed", "stop")
    with ModelServer(refuses=refused) as server:
        model = OpenAICompatibleModel(gateway(server.url), model="tiny")
        with pytest.raises(GeneratorRefused) as caught:
            ask(model, replace(CALL, stop=("x",), seed=7))
    assert caught.value.code == "parameter"
    assert len(server.requests) == 4


def test_a_refused_context_is_no_parameter(gateway: Callable[..., Any]) -> None:
    """An error that names ``max_tokens`` because the prompt is too long is not tried again."""
    said = {"error": {"message": "'max_tokens' is too large: maximum context length is 10", "param": "max_tokens"}}
    with OddServer((400, "application/json", json.dumps(said).encode())) as server:
        with pytest.raises(GeneratorRefused) as caught:
            OpenAICompatibleModel(gateway(server.url), model="m-1").complete(CALL)
        assert (caught.value.code, len(server.requests)) == ("context", 1)


def test_what_is_sent(gateway: Callable[..., Any]) -> None:
    """The body has what the call says and nothing else; the key stands in its header alone."""
    call = replace(CALL, temperature=0.0, seed=3, stop=("END",), conversation="c0ffee", request_id="f" * 32)
    with ModelServer(key="sk-1") as server:
        model = OpenAICompatibleModel(
            gateway(server.url), model="tiny", api_key="sk-1\n", organization="org-1", extra_body={"store": False}
        )
        ask(model, call)
    sent = server.requests[0]
    assert sent.json == {
        "model": "tiny", "messages": [{"role": one.role, "content": one.content} for one in call.messages],
        "max_tokens": 64, "temperature": 0.0, "stream": True, "seed": 3, "stop": ["END"],
        "stream_options": {"include_usage": True}, "store": False,
    }  # fmt: skip
    assert sent.headers["authorization"] == "Bearer sk-1"
    assert sent.headers["openai-organization"] == "org-1"
    assert b"c0ffee" not in sent.body
    assert b"sk-1" not in sent.body


def test_half_characters_of_a_document_can_be_sent(gateway: Callable[..., Any]) -> None:
    """A lone surrogate of a broken document becomes a mark, not a crash."""
    with ModelServer() as server:
        call = replace(CALL, messages=(Message("user", Masked("a\ud800b\x00c")),))
        assert OpenAICompatibleModel(gateway(server.url), model="tiny").complete(call).text == "a\ufffdb\ufffdc"


def test_a_probe_says_what_is_wrong(gateway: Callable[..., Any]) -> None:
    """No such model, too small a context, a path that is no API: each is told; a sound server is silent."""
    with ModelServer(context_tokens=2000) as server:
        sound = {"model": "tiny", "context_tokens": 2000}
        OpenAICompatibleModel(gateway(server.url), **sound).probe()
        cases: list[tuple[str, dict[str, Any], str]] = [
            (server.url, {"model": "huge"}, "model"),
            (server.url, {"context_tokens": 4000}, "context"),
            (server.url + "/v2", {}, "path"),
            (server.url + "/v2", {"model_list": "none"}, "path"),
            (server.url, {"model": "huge", "model_list": "none"}, "model"),
        ]
        for url, options, code in cases:
            with pytest.raises(GeneratorRefused) as caught:
                OpenAICompatibleModel(gateway(url), **sound | options).probe()
            assert caught.value.code == code
        OpenAICompatibleModel(gateway(server.url), model="huge", model_list="ignore").probe()


def test_ollamas_short_names(gateway: Callable[..., Any]) -> None:
    """``qwen3`` is the listed ``qwen3:latest``."""
    listed = json.dumps({"object": "list", "data": [{"id": "qwen3:latest"}]}).encode()
    with OddServer((200, "application/json", listed)) as server:
        OpenAICompatibleModel(gateway(server.url), model="qwen3").probe()
        with pytest.raises(GeneratorRefused):
            OpenAICompatibleModel(gateway(server.url), model="llama3").probe()


def test_nobody_there(gateway: Callable[..., Any]) -> None:
    """A server that is not running is unavailable, to the probe as to a question."""
    with ModelServer() as server:
        url = server.url
    model = OpenAICompatibleModel(gateway(url), model="tiny")
    for attempt in (model.probe, lambda: model.complete(CALL), lambda: ask(model)):
        with pytest.raises(GeneratorUnavailable):
            attempt()


@pytest.mark.parametrize(
    "options",
    [
        {"api_key": "two words"},
        {"api_key": "line\nbreak"},
        {"extra_body": {"messages": []}},
        {"max_tokens_field": "n_predict"},
        {"model_list": "maybe"},
    ],
)
def test_options_are_checked(options: dict[str, Any], gateway: Callable[..., Any]) -> None:
    """What cannot be sent is refused at once, without showing it."""
    with pytest.raises(ConfigError) as caught:
        OpenAICompatibleModel(gateway("http://127.0.0.1:1"), model="m", **options)
    assert "two words" not in str(caught.value)


def test_connections_are_kept(gateway: Callable[..., Any]) -> None:
    """Streams read to their end leave a connection that the next call uses."""
    seen: set[int] = set()
    with ModelServer() as server:
        door = gateway(server.url)
        model = OpenAICompatibleModel(door, model="tiny")
        inner = server._server.get_request

        def counted() -> Any:
            found = inner()
            seen.add(found[1][1])
            return found

        server._server.get_request = counted  # type: ignore[method-assign]
        for _ in range(3):
            ask(model)
    assert len(seen) == 1
