"""``/mcp`` with the official client: tools, their callers, what they may not see, and what fails."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from mcp.client import Client

from ragkit.serve.mcp_routes import mcp
from ragkit.serve.mcp_shapes import Answered, DocumentText, Found
from ragkit.testing.keyed_shop import EXTRA, KeyedShop, keyed_shop
from ragkit.testing.mcp_client import call, over_http, run
from ragkit.testing.service import Served

pytestmark = pytest.mark.usefixtures("loopback")

TENT = "How long is the warranty on a tent?"
SLOW = {"question": f"{TENT} Say it slowly.", "collection": "shop"}
TICKET = "What was written to Ms Galina Yalmanova about her zip?"


def _reader(keyed: KeyedShop, subject: str, *groups: str) -> dict[str, str]:
    keys = keyed.service.tenants.first.workspace.api_keys
    made = keys.create(subject, groups=groups, scopes=("search", "documents.read"))
    return {"Authorization": f"Bearer {made.key}"}


def _found(keyed: KeyedShop, headers: dict[str, str], question: str, **more: Any) -> Found:
    result = call(over_http(keyed.url, headers), "search", question=question, **more)
    assert not result.is_error, result.content
    return Found.model_validate(result.structured_content)


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_tools_say_what_they_take_and_give(keyed: KeyedShop, mode: str) -> None:
    """Each tool has a description, typed input and output, and says that it only reads; old clients get the same."""
    tools = run(over_http(keyed.url, keyed.as_("ana"), mode=mode), lambda client: client.list_tools()).tools
    assert [tool.name for tool in tools] == ["search", "ask", "get_document"]
    for tool in tools:
        assert tool.annotations is not None
        assert tool.annotations.read_only_hint
        assert tool.output_schema is not None
        assert tool.description
        assert all(one.get("description") for one in tool.input_schema["properties"].values())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_search_gives_masked_passages(keyed: KeyedShop, mode: str) -> None:
    """Who may read a ticket finds it by the name in it, and gets tokens in place of people."""
    result = call(over_http(keyed.url, keyed.as_("staff"), mode=mode), "search", question=TICKET)
    best = Found.model_validate(result.structured_content).passages[0]
    assert "[PERSON:" in best.text
    assert "Yalmanova" not in json.dumps(result.structured_content)
    assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]


def test_ask_cites_or_refuses(keyed: KeyedShop) -> None:
    """An answer has a source for each marker; a refusal says so and has none."""
    answered = Answered.model_validate(
        call(over_http(keyed.url, keyed.as_("customer")), "ask", question=TENT).structured_content
    )
    assert answered.answered
    assert "five years" in answered.text
    assert [one.marker for one in answered.sources] == [1]
    assert answered.sources[0].title == "Warranty"
    refused = Answered.model_validate(
        call(over_http(keyed.url, keyed.as_("customer")), "ask", question="Who won the cup in 1954?").structured_content
    )
    assert not refused.answered
    assert refused.reason
    assert refused.sources == []


def test_a_document_is_read_in_parts(keyed: KeyedShop) -> None:
    """Its passages come in order, masked, with a cursor that goes on."""
    headers = _reader(keyed, "crm|fay", "crm|staff")
    number = _found(keyed, headers, TICKET).passages[0].document
    got = DocumentText.model_validate(
        call(over_http(keyed.url, headers), "get_document", document=number).structured_content
    )
    assert "[PERSON:" in got.passages[0].text
    assert got.cursor == ""
    assert got.version == 1
    assert got.collection == "shop"


def test_what_one_may_not_see_is_not_there(keyed: KeyedShop) -> None:
    """A document of others is as unknown as one that never was, and so is a collection of others."""
    headers = _reader(keyed, "web|gil")
    hidden = _found(keyed, _reader(keyed, "crm|hal", "crm|staff"), TICKET).passages[0].document
    assert hidden not in {one.document for one in _found(keyed, headers, TICKET, k=50).passages}
    for tool, real, other in (
        ("get_document", {"document": hidden}, {"document": "a" * 26}),
        ("search", {"question": TENT, "collection": "vault"}, {"question": TENT, "collection": "nowhere"}),
    ):
        denied, unknown = (call(over_http(keyed.url, headers), tool, **given) for given in (real, other))
        assert denied.is_error
        assert denied.content == unknown.content
        assert "not_found" in str(denied.content)


def test_scopes_hold_for_tools(keyed: KeyedShop) -> None:
    """A key that may only search may not ask or read documents, and is told what to do."""
    connect = over_http(keyed.url, keyed.as_("searcher"))
    assert not call(connect, "search", question=TENT).is_error
    for tool, arguments in (("ask", {"question": TENT}), ("get_document", {"document": "a" * 26})):
        result = call(connect, tool, **arguments)
        assert result.is_error
        assert "[insufficient_scope]" in str(result.content)


def test_without_a_valid_key_nothing_is_told(keyed: KeyedShop) -> None:
    """No key, a wrong one and one that was just revoked get the service's 401, tools or not."""
    keys = keyed.service.tenants.first.workspace.api_keys
    made = keys.create("web|ian", scopes=("search",))
    headers = {"Accept": "application/json, text/event-stream"}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}

    def post(key: str) -> httpx.Response:
        return httpx.post(f"{keyed.url}/mcp", json=message, headers=headers | ({"Authorization": key} if key else {}))

    assert post(f"Bearer {made.key}").status_code == 200
    keys.revoke(made.record.id)
    replies = [post(key) for key in ("", "Bearer rk_no", f"Bearer {made.key}")]
    assert [reply.status_code for reply in replies] == [401] * 3
    assert {reply.json()["error"]["code"] for reply in replies} == {"invalid_api_key"}
    assert "Bearer" in replies[0].headers["WWW-Authenticate"]


def test_bad_messages_get_an_answer(keyed: KeyedShop) -> None:
    """What is no message of the protocol is refused with a status of its own and never with 5xx."""
    good = {**keyed.as_("ana"), "Accept": "application/json, text/event-stream"}

    def post(content: bytes, headers: dict[str, str]) -> int:
        return httpx.post(
            f"{keyed.url}/mcp", content=content, headers={"Content-Type": "application/json", **headers}
        ).status_code

    assert post(b"{", good) == 400
    assert post(b"[]", good) == 400
    assert post(b"{}", {**good, "Accept": "text/plain"}) == 406
    assert post(b" " * 1_100_000, good) == 413
    assert httpx.get(f"{keyed.url}/mcp", headers=good).status_code == 405
    result = call(over_http(keyed.url, keyed.as_("ana")), "search", question=" ")
    assert "[empty_text]" in str(result.content)
    result = call(over_http(keyed.url, keyed.as_("ana")), "search", question="x" * 8_001)
    assert "[text_too_long]" in str(result.content)


def test_what_makes_no_sense_is_not_repeated(keyed: KeyedShop) -> None:
    """Arguments of a wrong type and names of no tool come back by their place, not by what they hold."""
    connect = over_http(keyed.url, keyed.as_("ana"))
    for tool, arguments, code in (
        ("search", {"question": TENT, "k": "Yalmanova"}, "[invalid_arguments] `k`: int_parsing"),
        ("ask", {"question": ["Yalmanova"]}, "[invalid_arguments] `question`: string_type"),
        ("ask", {"question": TENT, "filters": {"Yalmanova": 3}}, "[invalid_arguments] `filters`: string_type"),
        ("yalmanova", {}, "[no_such_tool]"),
    ):
        result = call(connect, tool, **arguments)
        assert result.is_error
        assert code in str(result.content)
        assert "yalmanova" not in str(result).casefold()


@pytest.mark.parametrize("message", [
    {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": ["Yalmanova"]}, {"Yalmanova": 1}, ["Yalmanova"],
    {"jsonrpc": "2.0", "id": "Yalmanova", "method": ["Yalmanova"]},
])  # fmt: skip
def test_a_message_that_is_none_is_not_repeated_either(keyed: KeyedShop, message: Any) -> None:
    """The SDK would tell the whole of it in the error, which clients write into their logs."""
    headers = {**keyed.as_("ana"), "Accept": "application/json, text/event-stream"}
    reply = httpx.post(f"{keyed.url}/mcp", json=message, headers=headers, timeout=60)
    assert reply.status_code == 400
    assert reply.json()["error"]["message"].startswith("Validation error: this is no message")
    assert "yalmanova" not in reply.text.casefold()


def test_a_page_of_another_origin_gets_nothing(open_service: Served) -> None:
    """Without authentication a browser could be made to ask: its ``Origin`` and ``Host`` give that away."""
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    headers = {"Accept": "application/json, text/event-stream"}
    for bad in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        reply = httpx.post(f"{open_service.url}/mcp", json=message, headers={**headers, **bad}, timeout=60)
        assert reply.status_code in (400, 403, 421)
        assert "tools" not in reply.text
    assert httpx.post(f"{open_service.url}/mcp", json=message, headers=headers, timeout=60).status_code == 200


def test_nothing_of_a_call_is_in_the_log(keyed: KeyedShop) -> None:
    """Neither questions nor names that clients choose, such as a tool's, reach the service's log."""
    call(over_http(keyed.url, keyed.as_("staff")), "search", question=TICKET)
    call(over_http(keyed.url, keyed.as_("staff")), "galina-yalmanova", question=TICKET)
    said = keyed.service.lines.getvalue().casefold()
    assert "/mcp" in said
    assert "yalmanova" not in said


def test_writing_is_told_and_can_be_stopped(make_copy: Any, keyed: KeyedShop) -> None:
    """Notes of progress come while an answer is written; a call that is cancelled gives its place back at once."""
    folder = make_copy(EXTRA.replace("{house}", keyed.house.url) + '\n[generator]\nuse = "house"\n')
    told: list[float] = []

    async def note(progress: float, _total: float | None, _message: str | None) -> None:
        told.append(progress)

    async def slowly(client: Client) -> None:
        result = await client.call_tool("ask", SLOW, progress_callback=note)
        assert not result.is_error, result.content
        assert "five years" in result.structured_content["text"]
        with anyio.move_on_after(0.5):
            await client.call_tool("ask", SLOW)
            raise AssertionError("it was not slow")

    with keyed_shop(folder, keyed.house) as shop:
        run(over_http(shop.url, shop.as_("ana")), slowly)
        places = shop.service.app.state.ragkit.admission.places
        until = time.monotonic() + 60
        while places.running() and time.monotonic() < until:
            time.sleep(0.02)
        assert places.running() == 0
    assert told
    assert told == sorted(told)


def test_the_first_call_keeps_nobody_else_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is made once, though two ask for it at the same time, and not by the thread that serves everybody."""
    makers: list[threading.Thread] = []

    def made(*_: Any, **__: Any) -> Any:
        makers.append(threading.current_thread())
        time.sleep(0.05)
        return SimpleNamespace(streamable_http_app=lambda: None, session_manager=SimpleNamespace(app=object()))

    async def two_at_once() -> threading.Thread:
        limits = SimpleNamespace(body_bytes=1)
        state: Any = SimpleNamespace(parts={}, settings=SimpleNamespace(limits=limits))
        caller: Any = None
        await asyncio.gather(mcp(caller, state), mcp(caller, state))
        return threading.current_thread()

    monkeypatch.setattr("ragkit.serve.mcp_server.build_server", made)
    serving = asyncio.run(two_at_once())
    assert len(makers) == 1
    assert serving not in makers
