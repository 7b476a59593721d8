"""The application: tenants, routers and what stands around them. ``ragkit serve`` runs it; tests call it directly.

::

    with open_tenants(config) as tenants:
        app = create_app(tenants)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module

from fastapi import FastAPI

import ragkit
from ragkit.serve.admission import Admission
from ragkit.serve.authenticate import door_of, guard
from ragkit.serve.faults import add_error_replies
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import Tenants

_ROUTERS = (
    "health_routes",
    "session_routes",
    "search_routes",
    "ask_routes",
    "feedback_routes",
    "completions_routes",
    "models_routes",
    "embeddings_routes",
    "pages",
)
"""Modules of this package with a ``router``, in the order of the OpenAPI description."""


def create_app(tenants: Tenants) -> FastAPI:
    """Return the application over open tenants; they are closed by whoever opened them."""
    settings = tenants.first.config.serve
    state = ServiceState(tenants, settings, Admission(settings.limits))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        state.admission.close()

    app = FastAPI(title="ragkit", version=ragkit.__version__, lifespan=lifespan, docs_url=None, redoc_url=None)
    app.state.ragkit = state
    door_of(state)  # what is wrong with who may call is said at the start
    add_error_replies(app)
    for name in _ROUTERS:
        app.include_router(guard(import_module(f"ragkit.serve.{name}").router))
    return app
