"""Every kind of caller at every route: who is let through, who is not, and that nobody learns what is there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from starlette.routing import Route

from ragkit.serve import door
from ragkit.testing import sockets
from ragkit.testing.access_rows import ROWS
from ragkit.testing.access_scene import Scene, access_scene, open_scene
from ragkit.testing.issuer import TestIssuer


@pytest.fixture(scope="module")
def scene(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Two tenants, and callers of every kind."""
    with (
        sockets.loopback(),
        TestIssuer() as issuer,
        access_scene(synced_shop, tmp_path_factory.mktemp("access"), issuer) as made,
    ):
        made.local.app.state.ragkit.parts["door"]._visits._times = 10**9
        yield made


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who fails often is another test's."""
    monkeypatch.setattr(door, "FAILURES", 10**9)


def test_every_route_has_a_row_and_every_row_a_route(scene: Scene) -> None:
    """A route that is added must say who may call it; also one that the description does not show."""
    described = scene.local.client.get("/openapi.json").json()["paths"]
    shown = {f"{method.upper()} {path}" for path, methods in described.items() for method in methods}
    hidden = {
        f"{method} {route.path}"
        for route in _routes(scene.local.app.routes)
        for method in (route.methods or ())
        if method != "HEAD"
    }
    assert shown <= hidden
    assert hidden == set(ROWS)


def _routes(listed: list[object]) -> Iterator[Route | APIRoute]:
    for one in listed:
        if isinstance(one, Route | APIRoute):
            yield one
        else:
            inner = getattr(one, "original_router", None) or getattr(one, "app", None)
            assert inner is not None, f"a route of a kind that the matrix does not know: {type(one).__name__}"
            yield from _routes(inner.routes)


@pytest.mark.parametrize("route", ROWS)
def test_who_may_call_it(scene: Scene, route: str) -> None:
    """Each kind of caller gets what the row says."""
    method, path = route.split(" ")
    row, wrong = ROWS[route], list[str]()
    for kind in scene.kinds:
        told, expected = scene.call(method, path, row, kind), kind.expects(method, row)
        if told.status_code not in expected:
            wrong.append(f"{kind.name}: {told.status_code} and not {sorted(expected)}: {told.text[:200]}")
    assert not wrong, "\n".join(wrong)


def test_without_authentication_everybody_here_is_the_owner_and_visitors_are_visitors(
    synced_shop: Path, tmp_path: Path
) -> None:
    """Every route; a visitor of the chatbot is no owner by it, and a page of another origin nobody."""
    wrong = list[str]()
    with open_scene(synced_shop, tmp_path) as scene:
        for route, row in ROWS.items():
            method, path = route.split(" ")
            anybody, *visitors = scene.kinds
            for kind in [anybody] if row.needs != "visitor" else [anybody, *visitors]:
                told, expected = scene.call(method, path, row, kind), kind.expects(method, row)
                if told.status_code not in expected:
                    wrong.append(f"{kind.name}: {route}: {told.status_code} and not {sorted(expected)}")
            foreign = scene.kinds[-1]
            if row.needs not in ("nothing", "visitor"):
                told = scene.call(method, path, row, foreign)
                if told.status_code != 403:
                    wrong.append(f"{foreign.name}: {route}: {told.status_code} and not 403")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("route", [name for name, row in ROWS.items() if row.sees and row.path])
def test_what_is_not_there_and_what_is_not_for_them_are_one_answer(scene: Scene, route: str) -> None:
    """The same status, the same body, the same headers, whichever it is."""
    method, path = route.split(" ")
    row = ROWS[route]
    absent = replace(row, path={name: "=" + _absent(scene.thing(thing)) for name, thing in row.path.items()})
    refused = [kind for kind in scene.kinds if kind.expects(method, row) == {404}]
    assert refused
    for kind in refused:
        told, other = scene.call(method, path, row, kind), scene.call(method, path, absent, kind)
        assert told.status_code == other.status_code == 404
        assert _without_ids(told.json()) == _without_ids(other.json())
        assert set(told.headers) == set(other.headers)


def _absent(number: str) -> str:
    """An id of the same shape that nothing has."""
    return "".join("0" if one.isdigit() else "a" if one.isalpha() else one for one in number)


def _without_ids(body: dict[str, Any]) -> dict[str, Any]:
    return {"error": {**body["error"], "request_id": ""}}
