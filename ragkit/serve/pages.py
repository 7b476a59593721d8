"""The pages that ragkit serves itself: ``/chat``, ``/agent``, ``/operator`` and the files they are made of.

They are the same for everybody and hold nothing of anybody: what they show comes from the API, under the caller's own
rights. No page loads or sends anything elsewhere; the content security policy says so to the browser.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from fastapi import APIRouter, Request, Response

from ragkit.serve.chat_parts import chat_tenant
from ragkit.serve.replies import NotFound
from ragkit.serve.state import State

router = APIRouter(tags=["pages"])

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
)
"""Nothing inline, nothing from elsewhere, and no string becomes a script: there is no policy that could make one."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
PAGES = ("chat", "agent", "operator")
_KINDS = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_PLACE = "{{assets}}"
_YEAR = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Files:
    """What the pages are made of.

    Attributes:
        digest: Of all files together: it stands in their address, so that a browser keeps them until one changes.
        assets: Content by name.
        pages: The HTML of each page, with the address of the assets filled in.
    """

    digest: str
    assets: Mapping[str, bytes]
    pages: Mapping[str, bytes]


@cache
def files() -> Files:
    """Read the files from the package, once a process."""
    folder = resources.files("ragkit") / "assets" / "chat"
    read = {one.name: one.read_bytes() for one in sorted(folder.iterdir(), key=lambda one: one.name)}
    assets = {name: content for name, content in read.items() if name[name.rfind(".") :] in _KINDS}
    parts = b"".join(f"{name} {len(content)}\n".encode() + content for name, content in assets.items())
    digest = hashlib.sha256(parts).hexdigest()[:20]
    place = f"/assets/{digest}".encode()
    return Files(digest, assets, {name: read[f"{name}.html"].replace(_PLACE.encode(), place) for name in PAGES})


def page(name: str, state: State) -> Response:
    """Return one page, never kept by a browser or a proxy, so that a new version is seen at once.

    Raises:
        NotFound: There is no chatbot here.
    """
    chat_tenant(state)
    headers = {**HEADERS, "Cache-Control": "no-store"}
    return Response(files().pages[name], media_type="text/html; charset=utf-8", headers=headers)


_HTML: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/html": {}}, "description": "The page."},
    404: {"description": "There is no chatbot."},
}


@router.get("/chat", summary="The chatbot", response_class=Response, responses=_HTML)
async def chat(state: State) -> Response:
    """Return the page on which a customer chats."""
    return page("chat", state)


@router.get("/agent", summary="The agents' inbox", response_class=Response, responses=_HTML)
async def agent(state: State) -> Response:
    """Return the page on which an agent takes tickets. It shows nothing before the agent has signed in."""
    return page("agent", state)


@router.get("/operator", summary="The operator's figures", response_class=Response, responses=_HTML)
async def operator(state: State) -> Response:
    """Return the page with volumes, refusals, cost and feedback. It shows nothing before the operator has signed in."""
    return page("operator", state)


@router.get(
    "/assets/{digest}/{name}",
    summary="A file of the pages",
    response_class=Response,
    responses={200: {"description": "The file."}, 304: {"description": "Unchanged."}, 404: {"description": "None."}},
)
async def asset(digest: str, name: str, request: Request) -> Response:
    """Return a style, a script or a picture. The address changes with the content, so it may be kept for a year."""
    found = files()
    content = found.assets.get(name)
    if content is None or digest != found.digest:
        raise NotFound
    tag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    headers = {**HEADERS, "Cache-Control": f"public, max-age={_YEAR}, immutable", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=_KINDS[name[name.rfind(".") :]], headers=headers)


@router.get("/favicon.ico", summary="The icon", response_class=Response, include_in_schema=False)
async def favicon() -> Response:
    """Return the icon to browsers that ask for it at its old place."""
    headers = {**HEADERS, "Cache-Control": "public, max-age=86400"}
    return Response(files().assets["icon.svg"], media_type=_KINDS[".svg"], headers=headers)
