"""``/healthz`` and ``/readyz``: is the process there, and can it answer."""

from __future__ import annotations

from fastapi import APIRouter

router = APIRouter(tags=["service"])


@router.get("/healthz", summary="Whether the process is there")
async def healthz() -> dict[str, str]:
    """Answer as long as the process does."""
    return {"status": "ok"}
