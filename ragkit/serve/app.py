"""The application: tenants, routers and what stands around them. ``ragkit serve`` runs it; tests call it directly.

::

    with open_tenants(config) as tenants:
        app = create_app(tenants)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module

from fastapi import FastAPI

import ragkit
from ragkit.config_serve import ServeSection
from ragkit.serve.admission import Admission
from ragkit.serve.authenticate import door_of, guard
from ragkit.serve.envelope import Envelope
from ragkit.serve.faults import add_error_replies
from ragkit.serve.metrics import ServiceMetrics
from ragkit.serve.openapi import describe
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import Tenants

_ROUTERS = (
    "health_routes",
    "metrics_routes",
    "session_routes",
    "search_routes",
    "ask_routes",
    "feedback_routes",
    "documents_routes",
    "sync_routes",
    "completions_routes",
    "models_routes",
    "embeddings_routes",
    "chat_routes",
    "desk_routes",
    "mcp_routes",
    "pages",
)
"""Modules of this package with a ``router``, in the order of the OpenAPI description."""


_RUNNING = ("presence", "warming", "jobs", "feedback_store")
"""Modules of this package with an async context manager ``while_running(state)``: entered in this order before the
service accepts, left in the opposite order after its last request. An error on entering stops the start."""


def create_app(tenants: Tenants, *, settings: ServeSection | None = None, log: ServiceLog | None = None) -> FastAPI:
    """Return the application over open tenants; they are closed by whoever opened them.

    Args:
        tenants: Open.
        settings: Default: ``[serve]`` of the first tenant.
        log: Where its lines go; default: standard error.
    """
    settings = settings or tenants.first.config.serve
    admission = Admission(settings.limits)
    state = ServiceState(tenants, settings, admission)
    log = log or ServiceLog()
    metrics = ServiceMetrics((tenant.name for tenant in tenants), admission.places)
    state.parts |= {"log": log, "metrics": metrics}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            try:
                for name in _RUNNING:
                    await stack.enter_async_context(import_module(f"ragkit.serve.{name}").while_running(state))
            except Exception as failed:
                state.parts["not-started"] = failed  # the server drops it; who started it wants to be told
                raise
            stack.callback(admission.close)
            yield

    app = FastAPI(
        title="ragkit",
        version=ragkit.__version__,
        lifespan=lifespan,
        openapi_url=None,
        redirect_slashes=False,  # behind a proxy that ends TLS it would send a question on to http://
    )
    app.state.ragkit = state
    door_of(state)  # what is wrong with who may call is said at the start
    add_error_replies(app)
    for name in _ROUTERS:
        app.include_router(guard(import_module(f"ragkit.serve.{name}").router))
    app.add_middleware(Envelope, state=state, log=log, metrics=metrics)
    describe(app)
    return app
