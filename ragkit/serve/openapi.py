"""The OpenAPI description as a whole: what the service is, its tags, and which routes need no caller."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI, Response

_ABOUT = """Answers from a company's documents, masked, with citations.

Every error has one shape, that of OpenAI's API, with what to do about it (`remedy`) and the request's id. What is not
there and what the caller may not see are the same 404. A 429 says in `Retry-After` when to come again."""

_TAGS = {
    "service": "Whether it runs, and its figures.",
    "session": "Who is calling, from a browser.",
    "search": "Passages for a question.",
    "ask": "Answers with citations, and dialogues.",
    "openai": "OpenAI's API: any of its clients will do.",
    "documents": "Documents handed in, listed, deleted.",
    "feedback": "What people think of an answer.",
    "chat": "The customer-care chatbot.",
    "desk": "The people behind the chatbot.",
    "mcp": "Model Context Protocol over HTTP.",
    "pages": "Pages that the service shows itself.",
}


def describe(app: FastAPI) -> None:
    """Have the application describe itself, at ``/openapi.json``; call it when every route is there."""
    made = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            described = made()
            described["info"]["summary"] = "Answers from private documents, without giving the documents away."
            described["info"]["description"] = _ABOUT
            described["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
            described["servers"] = [{"url": "/", "description": "This service."}]
            used = {tag for path in described["paths"].values() for one in path.values() for tag in one.get("tags", ())}
            described["tags"] = [{"name": name, "description": _TAGS.get(name, "")} for name in _order(used)]
            for path in described["paths"].values():
                for operation in path.values():
                    operation.setdefault("security", [])  # nothing is asked of whoever calls these
            app.openapi_schema = described
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
    kept: list[bytes] = []

    @app.get("/openapi.json", include_in_schema=False)
    async def description() -> Response:
        if not kept:  # written once: it is long, and anybody may ask for it
            kept.append(json.dumps(app.openapi(), ensure_ascii=False, separators=(",", ":")).encode())
        return Response(kept[0], media_type="application/json")


def _order(used: set[str]) -> list[str]:
    return [name for name in _TAGS if name in used] + sorted(used - set(_TAGS))
