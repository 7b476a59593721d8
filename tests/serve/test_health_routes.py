"""``/healthz``, ``/readyz`` and ``/metrics``: for anybody, for anybody, for who operates."""

from __future__ import annotations

import shutil
from collections import namedtuple
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest

from ragkit import open_workspace
from ragkit.auth.callers import Caller
from ragkit.config import load_config
from ragkit.errors import StoreCorrupt
from ragkit.handles import Handles
from ragkit.index.collection import CollectionIndex
from ragkit.serve.metrics_routes import _used
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.tenants import Tenant, open_tenants
from ragkit.serve.warming import Warmth
from ragkit.spending import Usage
from ragkit.testing.logs import soon
from ragkit.testing.service import KEYED, OPEN, STAFF_DOCUMENTS, Served, served
from ragkit.types import Principal

pytestmark = pytest.mark.usefixtures("loopback")
Room = namedtuple("Room", "total used free")


def ask(service: Served, path: str) -> httpx.Response:
    """Ask a service."""
    return httpx.get(f"{service.url}{path}", trust_env=False, timeout=60)


def test_the_process_answers_and_is_ready_when_its_models_are_loaded(open_service: Served) -> None:
    """Neither names a tenant."""
    assert ask(open_service, "/healthz").json() == {"status": "ok"}
    assert soon(lambda: ask(open_service, "/readyz").status_code == 200, seconds=30)
    assert ask(open_service, "/readyz").json() == {"ready": True, "missing": []}


def test_nothing_synced_is_not_ready_and_says_what_is_missing(make_copy: Callable[[str], Path]) -> None:
    """Asked for an answer, it says so too; it runs, so that a first sync may come through it."""
    folder = make_copy(OPEN)
    shutil.rmtree(folder / ".ragkit")
    with served(folder) as service:
        assert soon(lambda: any(one["event"] == "loaded" for one in service.log))
        reply = ask(service, "/readyz")
        assert (reply.status_code, reply.json()) == (503, {"ready": False, "missing": ["record-store"]})
        said = httpx.post(f"{service.url}/v1/search", json={"question": "How long?"}, trust_env=False, timeout=60)
        assert said.status_code == 503


def test_each_part_that_is_not_there_is_named(synced_shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk under the audit log, an index that cannot be opened, a record store that cannot be read."""
    with open_workspace(synced_shop) as workspace:
        look = workspace.readiness.missing
        assert look() == []

        def damaged(*_: object) -> None:
            raise StoreCorrupt("damaged")

        with monkeypatch.context() as patch:
            patch.setattr(shutil, "disk_usage", lambda _: Room(10, 10, 0))
            assert look() == ["audit-log"]
        with monkeypatch.context() as patch:
            patch.setattr(CollectionIndex, "status", damaged)
            assert look() == ["index"]
        with monkeypatch.context() as patch:
            patch.setattr(Handles, "known", damaged)
            assert look() == ["record-store"]
        assert look() == []


def test_models_that_cannot_be_loaded_keep_the_service_from_being_ready(
    synced_shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told in the log by its class, and the look holds for a while, however often anybody asks."""
    import io
    import json

    stream = io.StringIO()
    with open_tenants(load_config(synced_shop)) as tenants:
        warmth = Warmth(tenants, ServiceLog(stream))
        assert warmth.missing() == ("encoder",)

        def fail(_: object) -> None:
            raise StoreCorrupt("Galina")

        monkeypatch.setattr("ragkit.readiness.Readiness.warm", fail)
        warmth.load()
        assert warmth.missing() == ("encoder",)
        assert json.loads(stream.getvalue())["error"] == "StoreCorrupt"
        assert "Galina" not in stream.getvalue()
        looks: list[int] = []
        monkeypatch.setattr("ragkit.readiness.Readiness.missing", lambda _: looks.append(1) or [])
        for _ in range(5):
            warmth.missing()
        assert not looks


def test_figures_are_for_who_operates_and_name_nobody(open_service: Served, make_copy: Callable[[str], Path]) -> None:
    """Requests, places, today's tokens and money; of the first tenant's operator also the process."""
    question = "What is the number of Galina Yalmanova?"
    answered = httpx.post(f"{open_service.url}/v1/ask", json={"question": question}, trust_env=False, timeout=30)
    assert answered.status_code == 200
    reply = ask(open_service, "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    assert 'ragkit_requests_total{method="POST",route="/v1/ask",status="200"}' in reply.text
    assert "process_resident_memory_bytes" in reply.text
    assert "ragkit_generator_calls_today" in reply.text
    for word in ("Galina", "Yalmanova", "local|ana", "galina.yalmanova@example.org", *STAFF_DOCUMENTS):
        assert word not in reply.text
    with served(make_copy(KEYED)) as keyed:
        assert ask(keyed, "/metrics").status_code == 401


def test_what_generators_used_is_asked_for_again_under_other_groups() -> None:
    """It is kept for a minute, for the caller as they were: a role that came with a group ends with it."""
    asked: list[Principal] = []

    def usage(*, principal: Principal, **_: Any) -> Usage:
        asked.append(principal)
        return Usage(by=("generator",), prices_dated=date(2026, 1, 1), prices_stale=False)

    tenant = Tenant("shop", cast("Any", SimpleNamespace(usage=usage)))
    for groups in (["crm|operators"], ["crm|operators"], []):
        _used(tenant, Caller("shop", Principal("crm|finn", frozenset(groups)), frozenset(), "key"))
    assert [one.groups for one in asked] == [frozenset({"crm|operators"}), frozenset()]


def test_the_description_needs_no_caller_and_tells_of_every_route_what_it_is(open_service: Served) -> None:
    """Tags, summaries, where it is; who is asked for a credential, and by what."""
    described = ask(open_service, "/openapi.json").json()
    assert described["servers"] == [{"url": "/", "description": "This service."}]
    assert {"bearer", "session"} <= set(described["components"]["securitySchemes"])
    operations = {(path, verb): one for path, both in described["paths"].items() for verb, one in both.items()}
    assert all(one.get("summary") and one.get("tags") for one in operations.values())
    assert operations["/healthz", "get"]["security"] == []
    assert operations["/metrics", "get"]["security"] != []
    assert all(tag["description"] for tag in described["tags"])
