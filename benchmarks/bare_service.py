"""The same search behind uvicorn and FastAPI as they come, for ``serve_slow.py``: no limits, no queue, nobody checked.

Run as ``python bare_service.py WORKSPACE PORT``.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel

from ragkit import open_workspace


class Body(BaseModel):
    """A question."""

    question: str


def main(folder: str, port: int) -> None:
    """Serve until told to stop."""
    app = FastAPI()
    with open_workspace(folder) as workspace:

        @app.get("/healthz")
        def healthz() -> dict[str, str]:
            return {"status": "ok"}

        @app.post("/v1/search")
        def search(body: Body) -> dict[str, Any]:
            return {"hits": [{"text": hit.chunk.record} for hit in workspace.search(body.question, k=5)]}

        for number in range(120):  # so that its description is about as long as ragkit's
            app.add_api_route(f"/none/{number}", healthz, summary="x" * 200)
        workspace.readiness.warm()
        uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
