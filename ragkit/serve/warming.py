"""Loads ahead what the first question would otherwise wait for, and tells whether the service can answer."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from ragkit.errors import RagkitError
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import Tenants

_LOOKED_S = 2.0
"""How long a look holds; whoever asks more often, and anybody may, gets the same answer."""


class Warmth:
    """Whether everything is loaded, and what is missing.

    Args:
        tenants: Open.
        log: Where it is told that loading failed.
    """

    def __init__(self, tenants: Tenants, log: ServiceLog) -> None:
        self._tenants = tenants
        self._log = log
        self._loading = True
        self._cold = False
        self._looked = 0.0
        self._missing: tuple[str, ...] = ("encoder",)
        self._look = threading.Lock()

    def open(self) -> None:
        """Open the files of every tenant. Raises as a question would."""
        for tenant in self._tenants:
            tenant.workspace.readiness.open()

    def load(self) -> None:
        """Load the models of every tenant; what cannot be loaded is told in the log, and the service is not ready."""
        began = time.monotonic()
        for tenant in self._tenants:
            try:
                tenant.workspace.readiness.warm()
            except Exception as failed:
                self._cold = True
                self._log.fault(failed, event="not_loaded", tenant=tenant.name)
        self._loading = False
        self._looked = 0.0
        if not self._cold:
            self._log.write("loaded", ms=round(1_000 * (time.monotonic() - began)))

    def missing(self) -> tuple[str, ...]:
        """Return the parts that some tenant lacks, by name; empty when the service can answer."""
        if self._loading:
            return ("encoder",)
        with self._look:
            if time.monotonic() - self._looked > _LOOKED_S:
                found = {part for tenant in self._tenants for part in _missing(tenant.workspace.readiness.missing)}
                self._missing = tuple(sorted(found | ({"encoder"} if self._cold else set())))
                self._looked = time.monotonic()
            return self._missing


def _missing(look: object) -> list[str]:
    try:
        return list(look())  # type: ignore[operator]
    except (RagkitError, OSError):
        return ["record-store"]


def warmth_of(state: ServiceState) -> Warmth:
    """Return whether a service is ready; made when it is first asked for."""
    if "warmth" not in state.parts:
        state.parts["warmth"] = Warmth(state.tenants, cast("ServiceLog", state.parts["log"]))
    return cast("Warmth", state.parts["warmth"])


@asynccontextmanager
async def while_running(state: ServiceState) -> AsyncIterator[None]:
    """Open the files before the service accepts, and load the rest while it does."""
    warmth = warmth_of(state)
    await asyncio.to_thread(warmth.open)
    thread = threading.Thread(target=warmth.load, name="ragkit-warm", daemon=True)
    thread.start()
    yield
