"""The pages: the same for everybody, made of files of the package alone, under a policy that lets nothing else in."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import httpx
import pytest

from ragkit.serve import pages
from ragkit.testing.service import Served

FOLDER = Path(str(resources.files("ragkit"))) / "assets" / "chat"
FILES = sorted(path.name for path in FOLDER.iterdir())
FORBIDDEN = (
    *("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "srcdoc", "DOMParser"),
    *("createContextualFragment", "eval(", "new Function", "import(", "localStorage", "document.cookie", "window.open"),
)
SCRIPTS = [name for name in FILES if name.endswith(".js")]


@pytest.fixture
def client(open_service: Served, loopback: None) -> httpx.Client:
    """A client of a service with a chatbot."""
    return httpx.Client(base_url=open_service.url, trust_env=False)


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_page_is_served_under_the_policy_and_never_kept(client: httpx.Client, name: str) -> None:
    """HTML comes fresh each time, with a policy that allows files of its own origin and nothing inline."""
    reply = client.get(f"/{name}")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["cache-control"] == "no-store"
    policy = dict(part.split(" ", 1) for part in reply.headers["content-security-policy"].split("; "))
    own = {kind: policy[f"{kind}-src"] for kind in ("script", "style", "img", "connect", "font")}
    assert policy["default-src"] == "'none'"
    assert set(own.values()) == {"'self'"}
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["trusted-types"] == "'none'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("name", pages.PAGES)
def test_a_page_holds_nothing_inline_and_names_no_other_place(client: httpx.Client, name: str) -> None:
    """No script or style between tags, no handler or style in an attribute, no address but of this service."""
    html = client.get(f"/{name}").text
    assert 'lang="en"' in html
    assert re.findall(r"<script[^>]*>(.+?)</script>|<style", html, re.DOTALL) == []
    assert re.findall(r"\s(?:on\w+|style)=", html) == []
    addresses = re.findall(r'(?:src|href|action)="([^"]*)"', html)
    assert addresses
    assert all(address.startswith(("/", "#")) and not address.startswith("//") for address in addresses)


@pytest.mark.parametrize("name", pages.PAGES)
def test_every_file_that_a_page_asks_for_is_there(client: httpx.Client, name: str) -> None:
    """Styles, scripts, what these import, and the icon: all of the same digest, none missing."""
    wanted = set(re.findall(r'(?:src|href)="(/assets/[^"]+)"', client.get(f"/{name}").text))
    asked: set[str] = set()
    while wanted - asked:
        address = (wanted - asked).pop()
        asked.add(address)
        reply = client.get(address)
        assert reply.status_code == 200, address
        if address.endswith(".js"):
            imports = re.findall(r'from "\./([\w.]+)"', reply.text)
            wanted |= {address.rsplit("/", 1)[0] + f"/{one}" for one in imports}
    assert len(asked) > 4


def test_a_file_may_be_kept_for_a_year_since_its_address_changes_with_it(client: httpx.Client) -> None:
    """The digest stands in the address; whoever has the file is told so in no bytes."""
    address = f"/assets/{pages.files().digest}/look.css"
    reply = client.get(address)
    assert reply.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert reply.headers["content-type"] == "text/css; charset=utf-8"
    again = client.get(address, headers={"If-None-Match": reply.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    "address",
    [
        "/assets/0000000000/look.css",
        "/assets/{digest}/chat.html",
        "/assets/{digest}/missing.css",
        "/assets/{digest}/%2e%2e%2freport.css",
        "/assets/{digest}/..%2f..%2fprices.toml",
    ],
)
def test_nothing_else_can_be_read_there(client: httpx.Client, address: str) -> None:
    """Another digest, a page's source, a path out of the folder: not there."""
    reply = client.get(address.format(digest=pages.files().digest))
    assert reply.status_code == 404
    assert reply.json()["error"]["code"] == "not_found"


def test_the_icon_is_there_where_browsers_look_for_it(client: httpx.Client) -> None:
    """No 404 in anybody's console."""
    reply = client.get("/favicon.ico")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_turns_a_string_into_markup_or_code(name: str) -> None:
    """Data becomes text. What could make markup, code, a link or a loaded thing of it is not used anywhere."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    code = re.sub(r"^\s*(?://|\*|/\*).*$", "", text, flags=re.MULTILINE)
    for word in FORBIDDEN:
        assert word not in code, word
    assert re.findall(r"https?://(?!www\.w3\.org/2000/svg)", code) == []
    assert re.findall(r"\b(?:href|src|action)\s*[:=]", code.replace('action: "/session"', "")) == []


@pytest.mark.parametrize("name", [name for name in FILES if name.endswith(".css")])
def test_no_style_loads_anything(name: str) -> None:
    """No font, picture or further style."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    assert "url(" not in text
    assert "@import" not in text
    assert text.count("{") == text.count("}")
