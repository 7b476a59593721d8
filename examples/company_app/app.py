"""An intranet's own application with ragkit as a library: its users, its answers, its sync. See README.md beside.

::

    python examples/company_app/app.py            # then the two `curl` lines that it prints
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import anyio
import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, Field

from ragkit import Answer, Principal, open_workspace
from ragkit.errors import AccessDenied, RagkitError, WriterBusy
from ragkit.rootkey import create_key_file

HERE = Path(__file__).resolve().parent

# What a company has already: who is logged in, and the groups of its directory. Here a table; with you a session store.
USERS = {
    "token-of-mira": ("mira", ["staff"]),
    "token-of-otto": ("otto", ["staff", "people-team"]),
}


class Question(BaseModel):
    """What the intranet's page sends."""

    text: str = Field(min_length=1, max_length=2_000)


def create_app(folder: Path, *, sync_seconds: float = 300) -> FastAPI:
    """Return the application over the workspace in a folder.

    Args:
        folder: Holds ``ragkit.toml``.
        sync_seconds: How often the documents are looked through for changes.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        with open_workspace(folder) as workspace:
            app.state.workspace = workspace
            app.state.threads = anyio.CapacityLimiter(4)  # ragkit blocks, so it works in threads: so many at once
            app.state.synced = asyncio.Event()
            syncing = asyncio.create_task(keep_in_step(app, sync_seconds))
            try:
                yield
            finally:
                syncing.cancel()
                await asyncio.gather(syncing, return_exceptions=True)

    app = FastAPI(title="Intranet", lifespan=lifespan)

    @app.exception_handler(RagkitError)
    async def refused(_: Request, error: RagkitError) -> JSONResponse:
        # A message of ragkit holds no document text, no question and no key, so it may be shown and logged.
        status = 403 if isinstance(error, AccessDenied) else 503
        return JSONResponse({"error": str(error), "remedy": error.remedy}, status_code=status)

    @app.post("/answer")
    async def answer(question: Question, reader: Annotated[Principal, Depends(logged_in)]) -> StreamingResponse:
        """Answer as it is written: a JSON object a line, `piece` after `piece`, last the `answer` with its sources."""
        return StreamingResponse(written(app, question.text, reader), media_type="application/x-ndjson")

    @app.get("/readyz")
    async def readyz() -> dict[str, bool]:
        if not app.state.synced.is_set():
            raise HTTPException(503, "the first sync is under way")
        return {"ready": True}

    return app


def logged_in(authorization: Annotated[str, Header()] = "") -> Principal:
    """Turn the company's user into the principal that the documents' access lists name."""
    user = USERS.get(authorization.removeprefix("Bearer "))
    if user is None:
        raise HTTPException(401, "log in first", headers={"WWW-Authenticate": "Bearer"})
    name, groups = user
    return Principal(f"intranet|{name}", frozenset(f"intranet|{group}" for group in groups))


async def written(app: FastAPI, question: str, reader: Principal) -> AsyncIterator[str]:
    """Yield the lines of an answer; the work is done in a thread, and ends when the browser leaves."""
    pieces = app.state.workspace.ask_stream(question, principal=reader)
    try:
        while True:
            try:
                piece = await anyio.to_thread.run_sync(next, pieces, None, limiter=app.state.threads)
            except RagkitError as error:  # the status is sent: what is left is a line
                yield json.dumps({"error": str(error), "remedy": error.remedy}) + "\n"
                return
            if piece is None:
                return
            yield json.dumps({"answer": shown(piece)} if isinstance(piece, Answer) else {"piece": piece}) + "\n"
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(pieces.close)


def shown(answer: Answer) -> dict[str, Any]:
    """Return what the intranet's page shows of an answer."""
    sources = [{"marker": one.marker, "title": one.title, "quote": one.quote} for one in answer.citations]
    return {"text": answer.text, "refused": answer.refused, "sources": sources, "id": answer.request_id}


async def keep_in_step(app: FastAPI, seconds: float) -> None:
    """Sync now and then, in a thread; questions are answered meanwhile."""
    while True:
        try:
            await anyio.to_thread.run_sync(app.state.workspace.sync)
            app.state.synced.set()
        except WriterBusy:
            pass  # somebody else is at it: `ragkit sync` in a shell, or another copy of this application
        except RagkitError as error:
            print(f"sync: {error} {error.remedy}", file=sys.stderr)
        await asyncio.sleep(seconds)


def prepare(folder: Path) -> Path:
    """Put the example's documents and configuration into a folder, with a root key outside the workspace."""
    workspace = folder / "intranet"
    workspace.mkdir(parents=True)
    text = (HERE / "ragkit.toml").read_text(encoding="utf-8")
    (workspace / "ragkit.toml").write_text(text.replace("documents/", f"{HERE}/documents/"), encoding="utf-8")
    create_key_file(folder / "root.key")
    return workspace


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:  # for data that stays, choose a folder of yours
        port = int(os.environ.get("PORT", "8400"))
        for user in USERS:
            print(
                f"curl -N localhost:{port}/answer -H 'Authorization: Bearer {user}' -H 'Content-Type: application/json'"
                """ -d '{"text": "What is the notice period in the probation period?"}'"""
            )
        uvicorn.run(create_app(prepare(Path(place))), port=port, log_level="warning")
