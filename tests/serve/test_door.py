"""One way in for every kind of credential: what is let in, what is not, and what is told of it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from ragkit import open_workspace
from ragkit.auth.keys import NewKey
from ragkit.serve import door
from ragkit.testing.in_process import URL, Local, in_process
from ragkit.testing.issuer import TestIssuer
from ragkit.testing.service import CHAT, KEYED, copy_shop, served

SEARCH = {"question": "How long is the warranty on a tent?"}


@dataclass(frozen=True)
class Scene:
    """A service, a key and an issuer that it trusts."""

    local: Local
    folder: Path
    made: NewKey
    issuer: TestIssuer

    @property
    def client(self) -> Any:
        """Calls the service; without the cookies of a call before."""
        self.local.client.cookies.clear()
        return self.local.client

    def events(self, kind: str) -> list[dict[str, Any]]:
        """Events of a type so far."""
        files = sorted((self.folder / ".ragkit" / "events").glob("*.jsonl"))
        lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
        return [line for line in lines if line["type"] == kind]


@pytest.fixture(scope="module")
def scene(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One service for the tests of this module; each brings its own key where it changes one."""
    from ragkit.testing import sockets

    with sockets.loopback(), TestIssuer() as issuer:
        extra = KEYED + CHAT + issuer.toml("corp", more='groups = { sales = ["crm|staff"] }')
        folder = copy_shop(synced_shop, tmp_path_factory.mktemp("door") / "shop", extra=extra)
        with open_workspace(folder) as workspace:
            made = workspace.api_keys.create("crm|bo", groups=["crm|staff"])
        with in_process(folder) as local:
            yield Scene(local, folder, made, issuer)


@pytest.fixture(autouse=True)
def forgiven(request: pytest.FixtureRequest) -> None:
    """Forget the failures of tests before: they all come from one address."""
    if "scene" in request.fixturenames:
        found = request.getfixturevalue("scene")
        entrance = found.local.app.state.ragkit.parts["door"]
        entrance._failures._kept.clear()
        entrance._events._kept.clear()


def bearer(value: str) -> dict[str, str]:
    """Headers with a credential."""
    return {"Authorization": f"Bearer {value}"}


# --- the forms of a credential --------------------------------------------------------------------------------------


@pytest.mark.parametrize("written", ["Bearer {}", "bearer {}", "BEARER  {} "])
def test_a_key_is_taken_from_the_header(scene: Scene, written: str) -> None:
    """However the word before it is spelled (RFC 7235)."""
    told = scene.client.get("/session", headers={"Authorization": written.format(scene.made.key)})
    assert told.status_code == 200
    assert told.json() == {
        "tenant": "shop",
        "subject": "crm|bo",
        "scopes": ["ask", "documents.read", "feedback", "search"],
        "via": "key",
    }


def test_a_token_is_taken_from_the_same_header(scene: Scene) -> None:
    """Its groups open what the access list names."""
    told = scene.client.get("/session", headers=bearer(scene.issuer.token("ana")))
    assert (told.json()["subject"], told.json()["via"]) == ("corp|ana", "token")
    sales, other = (scene.issuer.token("ana", groups=groups) for groups in (["sales"], ["Sales", "crm|staff"]))
    question = {"question": "Whose zip is repaired free of charge?"}
    found = [
        {hit["uri"] for hit in scene.client.post("/v1/search", json=question, headers=bearer(one)).json()["hits"]}
        for one in (sales, other)
    ]
    assert "1042.txt" in found[0]
    assert found[1]
    assert not found[1] & {"1042.txt", "1043.txt"}


def forms(key: str, token: str) -> dict[str, tuple[list[tuple[str, str]], str]]:
    """Headers and query of requests that must all be refused, by what is wrong with them."""
    good = ("Authorization", f"Bearer {key}")
    return {
        "nothing": ([], ""),
        "an empty header": ([("Authorization", "")], ""),
        "no word before it": ([("Authorization", key)], ""),
        "Basic": ([("Authorization", f"Basic {key}")], ""),
        "two words": ([("Authorization", f"Bearer {key} {key}")], ""),
        "quotes": ([("Authorization", f'Bearer "{key}"')], ""),
        "a comma and another": ([("Authorization", f"Bearer {key}, Bearer {key}")], ""),
        "another header": ([("x-api-key", key)], ""),
        "another header beside a good one": ([good, ("x-api-key", key)], ""),
        "Azure's header": ([("api-key", key)], ""),
        "for a proxy": ([("Proxy-Authorization", f"Bearer {key}")], ""),
        "the header twice": ([good, good], ""),
        "a key and a token": ([good, ("Authorization", f"Bearer {token}")], ""),
        "a key and a cookie": ([good, ("Cookie", "ragkit_session=" + "A" * 43)], ""),
        "a made-up cookie": ([("Cookie", "ragkit_session=" + "A" * 43)], ""),
        "the key as the cookie": ([("Cookie", f"ragkit_session={key}")], ""),
        "the cookie twice": ([("Cookie", f"ragkit_session={'A' * 43}; ragkit_session={'B' * 43}")], ""),
        "the cookie of a visitor": ([("Cookie", f"ragkit_visitor={key}")], ""),
        "in the address": ([], f"?access_token={token}"),
        "a key in the address": ([], f"?api_key={key}"),
        "a key in the address under another name": ([], f"?q={key}"),
        "in the address beside a good one": ([good], f"?api_key={key}"),
        "a token that begins like a key": ([("Authorization", f"Bearer rk_{token}")], ""),
        "something very long": ([("Authorization", "Bearer " + "a" * 10_000)], ""),
        "a signature of none": ([("Authorization", f"Bearer {token.rsplit('.', 1)[0]}.")], ""),
    }


@pytest.mark.parametrize("form", forms("k", "t"))
@pytest.mark.parametrize("route", [("GET", "/session"), ("POST", "/v1/search"), ("GET", "/v1/models")])
def test_every_other_form_is_refused_alike(scene: Scene, form: str, route: tuple[str, str]) -> None:
    """401, the same shape, no word of what was wrong with the credential, and none of it comes back."""
    headers, query = forms(scene.made.key, scene.issuer.token())[form]
    method, path = route
    body = {"json": SEARCH} if method == "POST" else {}
    told = scene.client.request(method, path + query, headers=headers, **body)
    assert told.status_code == 401
    assert told.headers["www-authenticate"].startswith("Bearer")
    assert told.json()["error"]["code"] == "invalid_api_key"
    assert scene.made.key not in told.text
    assert not {"expired", "revoked", "unknown", "signature"} & set(told.text.lower().split())


def test_no_other_spelling_of_a_path_is_a_way_in(scene: Scene) -> None:
    """Nor is a caller sent on to one: a question and its key would be sent again, behind a proxy over http://."""
    for path in ("/v1/search/", "//v1/search", "/v1//search", "/V1/search", "/v1/search%2f", "/v1/search;x"):
        for headers in ({}, bearer(scene.made.key)):
            told = scene.client.post(path, json=SEARCH, headers=headers, follow_redirects=False)
            assert (told.status_code, told.headers.get("location")) == (404, None), path
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "SEARCH"):
        told = scene.client.request(method, "/v1/search", headers={"X-HTTP-Method-Override": "POST"})
        assert told.status_code == 405, method


def test_who_is_let_in_is_asked_before_anything_is_read(scene: Scene) -> None:
    """A body that is no JSON, of a foreign type, too long: a stranger learns nothing of what is expected."""
    for content, kind in ((b"{bad", "application/json"), (b"\xff" * 5000, "application/json"), (b"a=b", "text/plain")):
        told = scene.client.post("/v1/search", content=content, headers={"Content-Type": kind})
        assert told.status_code == 401
    told = scene.client.post("/v1/search", content=b"{bad", headers=bearer(scene.made.key))
    assert told.status_code == 400


def test_a_scope_that_is_missing_is_told_and_recorded(scene: Scene) -> None:
    """403 with the scope's name; the event has the key's id and no name."""
    told = scene.client.post("/v1/embeddings", json={"model": "m", "input": "x"}, headers=bearer(scene.made.key))
    assert (told.status_code, told.json()["error"]["code"]) == (403, "insufficient_scope")
    assert "`embed`" in told.json()["error"]["message"]
    last = scene.events("auth.denied")[-1]
    assert last["data"]["key"] == scene.made.record.id
    assert (last["data"]["code"], last["data"]["verb"]) == ("scope", "serve.embed")
    assert "crm|bo" not in json.dumps(last)


# --- revoked, expired, rotated --------------------------------------------------------------------------------------


def fresh(scene: Scene, **more: Any) -> NewKey:
    """Another key, made while the service runs."""
    return scene.local.tenants.first.workspace.api_keys.create("crm|cleo", **more)


def test_a_new_key_works_at_once_and_a_revoked_one_no_more(scene: Scene) -> None:
    """Made and revoked while the service runs, in every form in which it was used (as CVE-2026-32717 was not)."""
    made = fresh(scene)
    client = scene.client
    assert client.get("/session", headers=bearer(made.key)).status_code == 200
    assert client.post("/session", json={"key": made.key}).status_code == 200
    assert client.get("/session").json()["via"] == "session"
    scene.local.tenants.first.workspace.api_keys.revoke(made.record.id)
    assert client.get("/session").status_code == 401
    client.cookies.clear()
    assert client.get("/session", headers=bearer(made.key)).status_code == 401
    assert client.post("/session", json={"key": made.key}).status_code == 401
    assert [one["data"]["code"] for one in scene.events("auth.denied")[-2:]] == ["revoked", "revoked"]


def test_a_key_that_another_process_revokes_is_denied_within_a_second(
    scene: Scene, private_home: Path, loopback: None
) -> None:
    """`ragkit keys revoke` in a process of its own while the real server runs."""
    del private_home
    made = fresh(scene)
    folder = scene.folder
    with served(folder) as service, httpx.Client(base_url=service.url, headers=bearer(made.key), timeout=60) as client:
        cookie = httpx.post(f"{service.url}/session", json={"key": made.key}, timeout=60).cookies
        assert client.get("/session").status_code == 200
        done = subprocess.run(
            [sys.executable, "-m", "ragkit", "keys", "revoke", made.record.id, "-w", str(folder)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert client.get("/session").status_code == 401, "the first request after it, so within any second"
        assert httpx.get(f"{service.url}/session", cookies=cookie, timeout=60).status_code == 401


def test_an_expired_key_opens_nothing(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its second on; its sessions end with it."""
    made = fresh(scene, days=1)
    client = scene.client
    assert client.post("/session", json={"key": made.key}).status_code == 200
    entrance = scene.local.app.state.ragkit.parts["door"]
    monkeypatch.setattr(entrance, "_clock", lambda: time.time() + 86_401)
    assert client.get("/session").status_code == 401
    client.cookies.clear()
    assert client.get("/session", headers=bearer(made.key)).status_code == 401


def test_a_rotated_key_goes_on_for_its_overlap(scene: Scene) -> None:
    """Both open; without an overlap the old one is revoked."""
    made = fresh(scene, groups=["crm|staff"], scopes=["search"])
    keys = scene.local.tenants.first.workspace.api_keys
    new = keys.rotate(made.record.id)
    client = scene.client
    told = [client.get("/session", headers=bearer(one.key)).json() for one in (made, new)]
    assert told[0] == told[1]
    last = keys.rotate(new.record.id, overlap_hours=0)
    assert client.get("/session", headers=bearer(new.key)).status_code == 401
    assert client.get("/session", headers=bearer(last.key)).status_code == 200


def test_the_day_of_the_last_use_is_kept(scene: Scene) -> None:
    """Once a day, not with every request."""
    made = fresh(scene)
    for _ in range(3):
        scene.client.get("/session", headers=bearer(made.key))
    kept = scene.local.tenants.first.workspace.api_keys.list()
    assert next(one.last_used for one in kept if one.id == made.record.id) == time.strftime("%Y-%m-%d", time.gmtime())


# --- browsers -------------------------------------------------------------------------------------------------------


def test_a_session_is_a_cookie_that_no_script_reads(scene: Scene) -> None:
    """HttpOnly, SameSite=Strict, for the whole service; it holds nothing of the key."""
    told = scene.client.post("/session", json={"key": scene.made.key})
    cookie = told.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert scene.made.key[20:] not in cookie
    assert told.headers["cache-control"] == "no-store"


ORIGINS: dict[str, tuple[dict[str, str], int]] = {
    "its own page": ({"Origin": URL}, 200),
    "no origin": ({}, 403),
    "another page": ({"Origin": "https://attacker.example"}, 403),
    "a page that has none": ({"Origin": "null"}, 403),
    "another port": ({"Origin": f"{URL}:8000"}, 403),
    "another scheme": ({"Origin": URL.replace("http", "https")}, 403),
    "a longer name": ({"Origin": f"{URL}.attacker.example"}, 403),
    "a plain form": ({"Origin": URL, "Content-Type": "text/plain"}, 403),
    "a form": ({"Origin": URL, "Content-Type": "application/x-www-form-urlencoded"}, 403),
    "a form with files": ({"Origin": URL, "Content-Type": "multipart/form-data; boundary=x"}, 403),
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_session_acts_for_pages_of_the_service_only(scene: Scene, origin: str) -> None:
    """Cross-site request forgery: the cookie alone is no consent."""
    headers, status = ORIGINS[origin]
    client = scene.client
    assert client.post("/session", json={"key": scene.made.key}).status_code == 200
    told = client.post(
        "/v1/search", content=json.dumps(SEARCH), headers={"Content-Type": "application/json", **headers}
    )
    assert told.status_code == status
    assert status == 200 or told.json()["error"]["code"] == "foreign_origin"
    assert client.get("/session").status_code == 200  # reading asks for no page


def test_nobody_is_logged_in_or_out_by_a_foreign_page(scene: Scene) -> None:
    """Not even into the attacker's own account."""
    foreign = {"Origin": "https://attacker.example"}
    client = scene.client
    assert client.post("/session", json={"key": scene.made.key}, headers=foreign).status_code == 403
    assert client.post("/session", json={"key": scene.made.key}).status_code == 200
    assert client.delete("/session", headers=foreign).status_code == 403
    assert client.get("/session").status_code == 200
    assert client.delete("/session", headers={"Origin": URL}).status_code == 204
    assert client.get("/session").status_code == 401


def test_a_cookie_is_worth_nothing_after_logging_out(scene: Scene) -> None:
    """Also where somebody kept it."""
    client = scene.client
    value = client.post("/session", json={"key": scene.made.key}).cookies["ragkit_session"]
    client.delete("/session", headers={"Origin": URL})
    client.cookies.clear()
    assert client.get("/session", headers={"Cookie": f"ragkit_session={value}"}).status_code == 401


# --- who fails often ------------------------------------------------------------------------------------------------


def test_who_fails_often_is_told_to_wait_and_locks_nobody_out(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """429 with the seconds; a valid key from the same address is let in all the same."""
    monkeypatch.setattr(door, "FAILURES", 5)
    client = scene.client
    statuses = [client.get("/session", headers=bearer("rk_wrong")).status_code for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert int(client.get("/session").headers["retry-after"]) in range(1, 61)
    assert client.get("/session", headers=bearer(scene.made.key)).status_code == 200


def test_a_flood_of_failures_does_not_fill_the_log(scene: Scene) -> None:
    """The first three and each power of ten, with how many there were; the address is a keyed hash."""
    before = len(scene.events("auth.denied"))
    for _ in range(120):
        scene.client.get("/session", headers=bearer("rk_wrong"))
    found = scene.events("auth.denied")[before:]
    assert [one["data"]["times"] for one in found] == [1, 2, 3, 10, 100]
    assert all(one["data"]["peer"].startswith("h:") and "testclient" not in json.dumps(one) for one in found)


def test_letting_in_is_recorded_once_an_hour(scene: Scene) -> None:
    """Not with each of thousands of requests."""
    made = fresh(scene)
    before = len(scene.events("auth.ok"))
    for _ in range(5):
        scene.client.get("/session", headers=bearer(made.key))
    found = scene.events("auth.ok")[before:]
    assert [(one["data"]["via"], one["data"]["key"]) for one in found] == [("key", made.record.id)]


def test_no_credential_reaches_the_log_or_the_events(scene: Scene) -> None:
    """Neither good nor bad ones, in no form."""
    token = scene.issuer.token("galina.yalmanova", groups=["sales"])
    wrong = f"rk_{'b' * 16}_{'Z' * 43}"
    value = scene.client.post("/session", json={"key": scene.made.key}).cookies["ragkit_session"]
    for one in (scene.made.key, token, wrong):
        scene.client.get(f"/session?api_key={one}", headers=bearer(one))
        scene.client.get("/session", headers=bearer(one))
    events = b"".join(path.read_bytes() for path in (scene.folder / ".ragkit" / "events").glob("*.jsonl"))
    told = scene.local.lines.getvalue().encode() + events
    for secret in (scene.made.key[20:], token, wrong[20:], value, "galina", "crm|bo", "corp|"):
        assert secret.encode() not in told


# --- without authentication -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def open_local(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A service that asks for no credential."""
    extra = KEYED + 'authentication = "unsafe_none"\n' + CHAT
    with in_process(copy_shop(synced_shop, tmp_path_factory.mktemp("open") / "shop", extra=extra)) as local:
        yield local


def test_an_open_service_takes_everybody_for_the_owner(open_local: Local) -> None:
    """Whatever credential they bring."""
    for headers in ({}, bearer("rk_wrong"), {"x-api-key": "x"}):
        told = open_local.client.get("/session", headers=headers)
        assert (told.status_code, told.json()["via"], told.json()["subject"]) == (200, "open", "local|ana")


@pytest.mark.parametrize("headers", [
    {"Origin": "https://attacker.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"}, {"Origin": "http://localhost:3000"},
])  # fmt: skip
def test_an_open_service_answers_no_page_of_another_origin(open_local: Local, headers: dict[str, str]) -> None:
    """The browser of whoever started it opens foreign pages too."""
    assert open_local.client.post("/v1/search", json=SEARCH, headers=headers).status_code == 403
    assert open_local.client.get("/session", headers=headers).status_code == 403


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "", "localhost.attacker.example"])
def test_an_open_service_goes_by_no_foreign_name(open_local: Local, host: str) -> None:
    """DNS rebinding: a name of the attacker's that leads to this machine."""
    assert open_local.client.get("/session", headers={"Host": host}).status_code in (400, 421)


# --- what every route says of itself --------------------------------------------------------------------------------


def test_the_description_says_what_each_route_needs(scene: Scene) -> None:
    """Bearer or session, with the scope; or nothing, or a visitor's cookie."""
    paths = scene.client.get("/openapi.json").json()["paths"]
    assert paths["/v1/search"]["post"]["security"] == [{"bearer": ["search"]}, {"session": ["search"]}]
    assert paths["/session"]["get"]["security"] == [{"bearer": []}, {"session": []}]
    assert paths["/session"]["post"]["security"] == []
