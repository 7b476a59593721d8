"""Tells the audit log of every tenant, and the service's own, that the service began and that it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Literal, cast

from ragkit.config_answering import is_loopback
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.state import ServiceState

Kind = Literal["service.started", "service.stopped"]


@asynccontextmanager
async def while_running(state: ServiceState) -> AsyncIterator[None]:
    """Record ``service.started`` before the service accepts, ``service.stopped`` after its last request.

    Raises:
        AuditUnavailable: It could not be recorded, so the service does not start.
    """
    log = cast("ServiceLog", state.parts["log"])
    about = {
        "authentication": "none" if state.settings.authentication == "unsafe_none" else "required",
        "host": "loopback" if is_loopback(state.settings.host) else "other",
    }
    began = time.monotonic()
    await asyncio.to_thread(_record, state, "service.started", about)
    log.write("started", tenants=len(state.tenants), **about)
    try:
        yield
    finally:
        seconds = int(time.monotonic() - began)
        log.write("stopped", seconds=seconds)
        await asyncio.to_thread(_record, state, "service.stopped", {**about, "seconds": seconds})


def _record(state: ServiceState, kind: Kind, about: Mapping[str, object]) -> None:
    first = state.tenants.first
    for tenant in state.tenants:  # that there are others is the first one's business
        more = {"tenants": len(state.tenants)} if tenant is first else {}
        tenant.workspace.readiness.note_service(kind, {**about, **more})
