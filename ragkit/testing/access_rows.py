"""Who may call what: a row for each route, which the access matrix holds every kind of caller to.

A route without a row fails ``tests/serve/test_access_matrix.py``. To add one::

    "GET /v1/things/{thing}": Row("search", sees="staff", path={"thing": "document"}),

``needs`` is the scope; ``sees`` whose the thing in the path is, so that everybody else gets 404; ``gives`` what who may
gets. Names in ``path`` are things that :mod:`ragkit.testing.access_scene` makes in the first tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from ragkit.auth.callers import Scope

Sees = Literal["", "staff", "own", "operate", "tenant", "visitor"]
"""Whose a thing is: everybody's, the staff's and the owner's, who made it, that or an operator's, the tenant's, one
visitor's."""


@dataclass(frozen=True, slots=True)
class Row:
    """One route.

    Attributes:
        needs: The scope; ``valid`` for any valid credential, ``visitor`` for a visitor's cookie, ``nothing``.
        sees: Whose the thing in the path is.
        role: The role that a caller needs besides.
        also: A further scope that is needed.
        gives: Statuses for who may.
        path: The thing that stands for each parameter, or a value after ``=``.
        body: JSON that is sent.
        form: Fields of a form that is sent instead; ``file`` is a file's content.
        query: After the path.
        headers: Sent besides.
        uses_up: Whether a call that is let through ends the thing, so that each such call gets a new one.
        own_pages: Whether a page of another origin is refused where no credential is needed.
    """

    needs: Scope | Literal["valid", "visitor", "nothing"]
    sees: Sees = ""
    role: str = ""
    also: Scope | None = None
    gives: frozenset[int] = frozenset({200})
    path: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    form: Mapping[str, str] | None = None
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    uses_up: bool = False
    own_pages: bool = False


QUESTION = "How long is the warranty on a tent?"
_DOCUMENT = {"document": "document"}
_CHAT = {"conversation": "chat"}
_TICKET = {"ticket": "ticket"}
_FOUND, _DONE, _BEGUN = frozenset({200}), frozenset({204}), frozenset({202})

ROWS: Mapping[str, Row] = {
    # the service
    "GET /healthz": Row("nothing"),
    "GET /readyz": Row("nothing", gives=frozenset({200, 503})),
    "GET /metrics": Row("operate", role="operator"),
    "GET /openapi.json": Row("nothing"),
    "GET /session": Row("valid"),
    "POST /session": Row("nothing", body={"key": "rk_wrong"}, gives=frozenset({401}), own_pages=True),
    # asking
    "POST /v1/search": Row("search", body={"question": QUESTION}),
    "POST /v1/ask": Row("ask", body={"question": QUESTION}),
    "GET /v1/conversations/{id}": Row("ask", sees="own", path={"id": "conversation"}),
    "DELETE /v1/conversations/{id}": Row("ask", sees="own", path={"id": "conversation"}, gives=_DONE, uses_up=True),
    "POST /v1/feedback": Row("feedback", sees="own", body={"request_id": "@answer", "rating": "up"}, gives=_DONE),
    "POST /v1/chat/completions": Row(
        "ask", body={"model": "ragkit", "messages": [{"role": "user", "content": QUESTION}]}
    ),
    "GET /v1/models": Row("valid"),
    "GET /v1/models/{model}": Row("valid", path={"model": "model"}),
    "POST /v1/embeddings": Row("embed", body={"model": "ragkit", "input": "warranty"}),
    "POST /mcp": Row(
        "valid",
        body={"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        headers={"Accept": "application/json, text/event-stream"},
    ),
    # documents
    "GET /v1/documents": Row("documents.read"),
    "GET /v1/documents/{document}": Row("documents.read", sees="staff", path=_DOCUMENT),
    "GET /v1/documents/{document}/passages": Row("documents.read", sees="staff", path=_DOCUMENT),
    "POST /v1/documents": Row(
        "documents.write",
        role="ingester",
        form={"file": "The warranty on a lamp lasts one year."},
        gives=frozenset({201, 202}),
    ),
    "DELETE /v1/documents/{document}": Row(
        "documents.write", sees="tenant", role="ingester", path={"document": "uploaded"}, gives=_DONE, uses_up=True
    ),
    "POST /v1/sync": Row("sync", role="ingester", body={"dry_run": True}, gives=_BEGUN),
    "GET /v1/jobs/{job}": Row("valid", sees="operate", path={"job": "job"}),
    "DELETE /v1/jobs/{job}": Row("valid", sees="operate", path={"job": "job"}, gives=_BEGUN),
    # the chatbot
    "GET /chat": Row("nothing"),
    "GET /agent": Row("nothing"),
    "GET /operator": Row("nothing"),
    "GET /favicon.ico": Row("nothing"),
    "GET /assets/{digest}/{name}": Row("nothing", path={"digest": "=0", "name": "=x.css"}, gives=frozenset({404})),
    "POST /chat/session": Row("nothing", body={}, own_pages=True),
    "POST /chat/conversations": Row("visitor", body={"disclosure": "1"}),
    "GET /chat/conversations/{conversation}": Row("visitor", sees="visitor", path=_CHAT),
    "DELETE /chat/conversations/{conversation}": Row("visitor", sees="visitor", path=_CHAT, gives=_DONE, uses_up=True),
    "POST /chat/conversations/{conversation}/messages": Row(
        "visitor", sees="visitor", path=_CHAT, body={"text": QUESTION}
    ),
    "GET /chat/conversations/{conversation}/passages/{passage}": Row(
        "visitor", sees="visitor", path={**_CHAT, "passage": "passage"}
    ),
    "POST /chat/conversations/{conversation}/messages/{message}/feedback": Row(
        "visitor", sees="visitor", path={**_CHAT, "message": "rated"}, body={"rating": "up"}
    ),
    "POST /chat/conversations/{conversation}/handoff": Row("visitor", sees="visitor", path=_CHAT, body={}),
    "POST /chat/preview": Row("visitor", body={"text": QUESTION}),
    # the desk
    "GET /desk/tickets": Row("agent"),
    "GET /desk/tickets/{ticket}": Row("agent", sees="tenant", path=_TICKET),
    "POST /desk/tickets/{ticket}/take": Row("agent", sees="tenant", path=_TICKET, body={}, gives=frozenset({200, 409})),
    "POST /desk/tickets/{ticket}/reply": Row(
        "agent", sees="tenant", path=_TICKET, body={"text": "One moment."}, gives=frozenset({200, 409})
    ),
    "POST /desk/tickets/{ticket}/close": Row(
        "agent", sees="tenant", path=_TICKET, body={"outcome": "solved"}, gives=frozenset({200, 409})
    ),
    "POST /desk/tickets/{ticket}/reveal": Row(
        "agent", sees="tenant", role="reveal", also="reveal", path=_TICKET, body={"purpose": "to call back"}
    ),
    "GET /desk/figures": Row("operate", role="operator"),
    # last, as it ends the sessions of the callers above
    "DELETE /session": Row("nothing", gives=_DONE, own_pages=True),
}
"""By method and path as the OpenAPI description writes them; also what the description does not show."""
