"""``/healthz`` and ``/readyz``: is the process there, and can it answer. Anybody may ask; neither names a tenant."""

from __future__ import annotations

import asyncio
from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from ragkit.serve.state import State
from ragkit.serve.warming import warmth_of

router = APIRouter(tags=["service"])


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether the service can answer."""

    ready: bool
    missing: list[Literal["record-store", "index", "audit-log", "encoder"]] = Field(
        description="Parts without which some tenant's questions cannot be answered now.", examples=[["index"]]
    )


@router.get("/healthz", summary="Whether the process is there")
async def healthz() -> Health:
    """Answer as long as the process does."""
    return Health()


@router.get(
    "/readyz",
    summary="Whether the service can answer",
    responses={503: {"model": Ready, "description": "It cannot; `missing` says what is not there."}},
)
async def readyz(state: State, response: Response) -> Ready:
    """Answer 200 when everything is loaded and can be read and written, else 503 with what is missing."""
    missing = await asyncio.to_thread(warmth_of(state).missing)
    response.status_code = 503 if missing else 200
    return Ready(ready=not missing, missing=list(missing))
