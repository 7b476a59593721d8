"""The service without a workspace: routes of a test's own behind the real limits, errors, log and server.

::

    with bare({"limits": {"header_seconds": 0.2}}, add_routes) as service:
        with service.connect() as line:
            line.sendall(b"GET /")
"""

from __future__ import annotations

import io
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ragkit.auth.callers import SCOPES, Caller
from ragkit.config_serve import ServeSection
from ragkit.types import Principal

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ragkit.serve.admission import Admission
    from ragkit.serve.metrics import ServiceMetrics
    from ragkit.serve.running import Server
    from ragkit.serve.state import ServiceState

BARE_CALLER = Caller("shop", Principal("local|ana"), frozenset(SCOPES), "key", "abcdefgh")


@dataclass(slots=True)
class BareService:
    """A service that runs.

    Attributes:
        app: The application.
        admission: Its places.
        server: What runs it.
        metrics: Its figures.
        lines: Its log.
        ended: Set when its application was told to end.
    """

    app: FastAPI
    admission: Admission
    server: Server
    metrics: ServiceMetrics
    lines: io.StringIO
    port: int = 0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log so far."""
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]

    def connect(self, *, receive_bytes: int | None = None) -> socket.socket:
        """Open a connection; with ``receive_bytes``, one that takes in little at a time."""
        line = socket.socket()
        if receive_bytes is not None:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        line.settimeout(10)
        line.connect(("127.0.0.1", self.port))
        return line


@contextmanager
def bare(settings: Mapping[str, Any], routes: Callable[[FastAPI, Admission], None]) -> Iterator[BareService]:
    """Run routes behind everything that stands around those of ragkit.

    Args:
        settings: ``[serve]``.
        routes: Adds them to the application.
    """
    from fastapi import FastAPI

    from ragkit.serve.admission import Admission
    from ragkit.serve.envelope import Envelope
    from ragkit.serve.faults import add_error_replies
    from ragkit.serve.listening import listening
    from ragkit.serve.metrics import ServiceMetrics
    from ragkit.serve.running import server_for
    from ragkit.serve.service_log import ServiceLog
    from ragkit.serve.state import ServiceState

    section = ServeSection.model_validate({"port": 0, **settings})
    admission, lines = Admission(section.limits), io.StringIO()
    log, metrics = ServiceLog(lines), ServiceMetrics(["shop"], admission.places)
    ended = threading.Event()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        try:
            yield
        finally:
            admission.close()
            ended.set()

    app = FastAPI(lifespan=lifespan)
    state: ServiceState = ServiceState(cast("Any", None), section, admission)
    app.state.ragkit = state
    add_error_replies(app)
    routes(app, admission)
    app.add_middleware(Envelope, state=state, log=log, metrics=metrics)
    with listening(section.host, section.port) as place, log.takes_over():
        server = server_for(app, section, log)
        service = BareService(app, admission, server, metrics, lines, place.getsockname()[1], ended)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        try:
            while not server.started:
                if not thread.is_alive():
                    raise RuntimeError("the service did not start")
                thread.join(0.005)
            yield service
        finally:
            server.should_exit = True
            thread.join(15)
            if thread.is_alive():
                raise RuntimeError("the service did not stop")
