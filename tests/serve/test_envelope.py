"""What stands around every request: errors without content, ids, headers, hosts, lengths, one line of log, figures."""

from __future__ import annotations

import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from typing import Any, Literal

import httpx
import pytest
from fastapi import FastAPI, HTTPException
from prometheus_client import generate_latest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from ragkit.config_serve import LimitsSection, ServeSection
from ragkit.errors import WriterBusy
from ragkit.serve.admission import Admission
from ragkit.serve.current import note_caller
from ragkit.serve.limits import Hosts
from ragkit.serve.metrics import ServiceMetrics
from ragkit.serve.places import Places
from ragkit.serve.replies import NotFound
from ragkit.serve.service_log import ServiceLog
from ragkit.testing.bare_service import BARE_CALLER, BareService, bare

SEED = "GalinaYalmanova"


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")
    k: int = Field(1, ge=1, le=9)


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")
    text: str = Field(max_length=5)
    kind: Literal["a", "b"] = "a"
    parts: list[Part] = []
    by: dict[str, Part] = {}

    @field_validator("text")
    @classmethod
    def _checked(cls, text: str) -> str:
        if text == "bad":
            raise ValueError(f"{SEED} is bad")
        return text


def add(app: FastAPI, admission: Admission) -> None:
    """Routes that fail in every way."""

    @app.post("/body/{number}")
    async def body(number: int, body: Body, q: int = 1) -> dict[str, int]:
        return {"number": number}

    @app.get("/hidden")
    async def hidden() -> None:
        raise NotFound

    @app.get("/busy")
    async def busy() -> None:
        raise WriterBusy(SEED, remedy=SEED)

    @app.get("/refused")
    async def refused() -> None:
        raise HTTPException(418, detail=SEED, headers={"X-Tea": "1"})

    @app.get("/broken")
    async def broken() -> None:
        try:
            raise KeyError(SEED)
        except KeyError as error:
            raise ValueError(SEED) from error

    @app.get("/called/{name}")
    async def called(name: str) -> dict[str, str]:
        note_caller(BARE_CALLER)
        return {"thread": await admission.run(BARE_CALLER, lambda: threading.current_thread().name)}


@pytest.fixture(scope="module")
def service() -> Iterator[BareService]:
    """The routes, with short limits."""
    from ragkit.testing import sockets

    limits = {"body_bytes": 2_000, "upload_bytes": 100_000, "header_bytes": 8_000}
    with sockets.loopback(), bare({"limits": limits}, add) as running:
        yield running


@pytest.fixture
def client(service: BareService) -> Iterator[httpx.Client]:
    """A client of it."""
    from ragkit.testing import sockets

    with sockets.loopback(), httpx.Client(base_url=service.url, trust_env=False) as made:
        yield made


def error(reply: httpx.Response) -> dict[str, Any]:
    """The error of a reply, which must have the one shape."""
    said = reply.json()["error"]
    assert set(said) == {"code", "message", "type", "param", "remedy", "request_id"}
    assert said["request_id"] == reply.headers["x-request-id"]
    assert SEED not in reply.text
    return dict(said)


@pytest.mark.parametrize(
    ("json_body", "param", "said"),
    [
        ({"text": SEED}, "text", "too long (limit 5)"),
        ({"text": "bad"}, "text", "not valid"),
        ({"text": "a", "kind": SEED}, "kind", "none of the values"),
        ({"text": "a", SEED: 1}, "body", "not known"),
        ({"text": "a", "parts": [{}, {"k": SEED}]}, "parts.1.k", "not valid"),
        ({"text": "a", "parts": [{"k": 10}]}, "parts.0.k", "too large (limit 9)"),
        ({"text": "a", "by": {SEED: {"k": 0}}}, "by.k", "too small (limit 1)"),
        ({"text": "a", "by": {"a": {SEED: 0}}}, "by", "not known"),
        ({}, "text", "missing"),
        ([SEED], "body", "not an object"),
    ],
)
def test_what_is_wrong_with_a_body_is_told_by_names_of_ours(
    client: httpx.Client, json_body: Any, param: str, said: str
) -> None:
    """Status 400 as OpenAI's, the field, the rule and its limit; neither value nor key of the request."""
    reply = client.post("/body/1", json=json_body)
    found = error(reply)
    assert (reply.status_code, found["code"], found["param"]) == (400, "invalid_request", param)
    assert said in found["message"]


def test_path_query_and_broken_json_are_not_echoed_either(client: httpx.Client) -> None:
    """All of them are input."""
    assert error(client.post(f"/body/{SEED}", json={"text": "a"}))["param"] == "number"
    assert error(client.post(f"/body/1?q={SEED}", json={"text": "a"}))["param"] == "q"
    for content in (f'{{"text": "{SEED}'.encode(), SEED.encode(), b"\xff\xfe", b"[" * 100_0):
        found = error(client.post("/body/1", content=content, headers={"Content-Type": "application/json"}))
        assert found["code"] in ("invalid_request", "bad_request")


def test_the_router_answers_in_the_same_shape(client: httpx.Client) -> None:
    """404, 405 with what is allowed, and what a route raised as an error of HTTP."""
    reply = client.get(f"/{SEED}")
    assert (reply.status_code, error(reply)["code"]) == (404, "not_found")
    reply = client.put("/hidden")
    assert (reply.status_code, error(reply)["code"], reply.headers["allow"]) == (405, "method_not_allowed", "GET")
    reply = client.get("/refused")
    assert (reply.status_code, error(reply)["code"], reply.headers["x-tea"]) == (418, "refused", "1")
    absent, hidden = client.get("/nowhere"), client.get("/hidden")
    assert {**error(hidden), "request_id": "", "remedy": ""} == {**error(absent), "request_id": "", "remedy": ""}
    busy = client.get("/busy")
    assert (busy.status_code, error(busy)["code"], busy.headers["retry-after"]) == (409, "writer_busy", "2")


def test_an_error_that_nobody_foresaw_says_nothing(
    service: BareService, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever RAGKIT_DEBUG says; the log has its class and its place, and the id by which the two are joined."""
    monkeypatch.setenv("RAGKIT_DEBUG", "1")
    reply = client.get("/broken")
    found = error(reply)
    assert (reply.status_code, found["code"]) == (500, "internal_error")
    fault = next(line for line in service.log if line["event"] == "fault" and line["request_id"] == found["request_id"])
    assert (fault["error"], fault["from"]) == ("ValueError", ["KeyError"])
    assert any("test_envelope:" in place for place in fault["places"])


def test_every_reply_has_an_id_and_a_clients_own_is_taken_if_it_is_one(client: httpx.Client) -> None:
    """Hexadecimal, so that it can hold no name."""
    own = "0123456789abcdef" * 2
    assert client.get("/hidden", headers={"X-Request-Id": own}).headers["x-request-id"] == own
    for other in (SEED, "abc", "z" * 32, "a" * 65):
        given = client.get("/hidden", headers={"X-Request-Id": other}).headers["x-request-id"]
        assert given != other
        assert len(given) == 32
        assert int(given, 16) >= 0


def test_every_reply_has_the_headers_that_keep_browsers_safe(client: httpx.Client) -> None:
    """Also errors; and nothing tells the server's name or lets other origins in."""
    for path in ("/hidden", "/called/x", "/nowhere", "/broken"):
        headers = client.get(path, headers={"Origin": "https://elsewhere.example"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        assert headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert "server" not in headers
        assert not any(name.startswith("access-control-") for name in headers)


def test_a_name_that_is_not_the_services_is_refused(client: httpx.Client, service: BareService) -> None:
    """A page elsewhere that rebinds its own name to this address sends that name."""
    for host in ("127.0.0.1", f"localhost:{service.port}", "[::1]", "LOCALHOST"):
        assert client.get("/called/x", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "", "8.8.8.8", "a b"):
        reply = client.get("/called/x", headers={"Host": host})
        assert (reply.status_code, error(reply)["code"]) == (421, "unknown_host")


def test_which_names_are_the_services_follows_from_where_it_listens() -> None:
    """Its address and those that are listed; on all addresses any number, for a number cannot be rebound."""
    proxied = Hosts(ServeSection(host="10.0.0.5", behind_proxy=True, hosts=("Care.Example.org",)))
    assert [proxied.admits(one) for one in ("care.example.org", "care.example.org.:443", "10.0.0.5", "localhost")] == [
        True, True, True, False,
    ]  # fmt: skip
    everywhere = Hosts(ServeSection(host="0.0.0.0", behind_proxy=True))
    assert [everywhere.admits(one) for one in ("192.168.1.4:8321", "[fe80::1]", "localhost", "evil.example")] == [
        True, True, True, False,
    ]  # fmt: skip
    opened = Hosts(ServeSection(authentication="unsafe_none", hosts=("care.example.org",)))
    assert [opened.admits(one) for one in ("localhost:1", "127.0.0.1", "care.example.org")] == [True, True, False]


def test_an_open_service_is_not_put_behind_a_proxy() -> None:
    """Whoever reaches the proxy would be the owner; many proxies call the service by its loopback address."""
    with pytest.raises(ValidationError, match="would let everybody in who reaches the proxy"):
        ServeSection(authentication="unsafe_none", behind_proxy=True)


def test_lengths_are_bounded_and_uploads_have_their_own(client: httpx.Client) -> None:
    """413, 414, 431."""
    assert error(client.post("/body/1", content=b"x" * 2_001))["code"] == "body_too_large"
    assert client.post("/v1/documents", content=b"x" * 90_000).status_code == 404
    assert client.post("/v1/documents", content=b"x" * 200_000).status_code == 413
    assert client.post("/v1/documentsx", content=b"x" * 90_000).status_code == 413
    assert error(client.get("/" + "a" * 5_000))["code"] == "target_too_long"
    assert error(client.get("/hidden", headers={"X-A": "a" * 7_990}))["code"] == "headers_too_large"


def test_the_log_has_a_line_a_request_and_no_word_of_it(service: BareService, client: httpx.Client) -> None:
    """Route templates, ids, counts; whatever the request held is not in it."""
    before = len(service.log)
    client.get(f"/called/{SEED}?a={SEED}", headers={"X-A": SEED, "User-Agent": SEED, "Cookie": f"{SEED}={SEED}"})
    client.post("/body/1", json={"text": SEED})
    client.get(f"/{SEED}")
    client.get("/broken")
    client.request(SEED.upper(), "/hidden")
    client.get("/busy", headers={"Authorization": f"Bearer {SEED}"})
    client.get("/hidden", headers={"X-Request-Id": SEED, "Host": f"{SEED}.example"})
    lines = [line for line in service.log[before:] if line["event"] == "request"]
    assert len(lines) == 7
    assert SEED.casefold() not in service.lines.getvalue().casefold()
    first = lines[0]
    assert (first["method"], first["route"], first["status"]) == ("GET", "/called/{name}", 200)
    assert first["ms"] >= 0
    assert first["queue_ms"] >= 0
    assert (first["tenant"], first["via"], first["bytes"]) == ("shop", "key", len('{"thread":"ragkit-ask-1"}'))
    assert BARE_CALLER.principal.subject not in first["caller"]
    assert "route" not in lines[2]
    assert lines[4]["method"] == "other"


def test_what_libraries_log_comes_without_their_words() -> None:
    """The place of the record and the kind of its error; so for what nobody caught, in any thread."""
    stream = io.StringIO()
    hooks = sys.excepthook, threading.excepthook
    with ServiceLog(stream).takes_over(whole_process=True):
        logging.getLogger("uvicorn.error").error("no %s", SEED)
        try:
            raise ValueError(SEED)
        except ValueError:
            logging.getLogger("asyncio").exception(SEED)
            logging.getLogger("elsewhere").warning(SEED, exc_info=True)
        logging.getLogger("elsewhere").info(SEED)
        thread = threading.Thread(target=lambda: int(SEED))
        thread.start()
        thread.join()
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert SEED not in stream.getvalue()
    assert [line["event"] for line in lines] == ["log", "log", "log", "uncaught"]
    assert [line.get("error") for line in lines] == [None, "ValueError", "ValueError", "ValueError"]
    assert lines[0]["at"].startswith("uvicorn.error:test_envelope:")
    assert (sys.excepthook, threading.excepthook) == hooks


def test_a_log_that_cannot_be_written_stops_nobody() -> None:
    """A closed pipe is no reason not to answer."""
    stream = io.StringIO()
    log = ServiceLog(stream)
    stream.close()
    log.write("request", status=200)
    assert stream.closed


def test_figures_are_of_each_tenant_by_route_template(service: BareService, client: httpx.Client) -> None:
    """Requests of nobody count with the process only."""
    for _ in range(3):
        client.get(f"/called/{SEED}")
    client.get(f"/{SEED}")
    own = generate_latest(service.metrics.registry_of("shop")).decode()
    assert 'ragkit_requests_total{method="GET",route="/called/{name}",status="200"}' in own
    assert 'route="none"' not in own
    assert "ragkit_places_held 0.0" in own
    whole = service.metrics.text("shop", process=True).decode()
    assert 'ragkit_service_requests_total{method="GET",route="none",status="404"}' in whole
    assert "process_resident_memory_bytes" in whole
    assert SEED not in whole
    assert service.metrics.text("shop", process=False).decode() == own


def test_one_tenants_figures_have_nothing_of_anothers() -> None:
    """Neither its routes nor how much it asks or waits."""
    metrics = ServiceMetrics(["shop", "other"], Places(LimitsSection()))
    metrics.observe(BARE_CALLER, route="/v1/ask", method="GET", status=200, seconds=0.1)
    assert "/v1/ask" in metrics.text("shop", process=False).decode()
    assert "/v1/ask" not in metrics.text("other", process=False).decode()
    assert "process_" not in metrics.text("other", process=False).decode()
