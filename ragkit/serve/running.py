"""The server under the application: uvicorn with our limits, our log, and an end that lets requests finish.

::

    with open_service(load_config(folder)) as service:
        print(service.url)
        service.run()
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from ragkit.config import Config
from ragkit.config_serve import ServeSection
from ragkit.errors import ConfigError
from ragkit.serve.app import create_app
from ragkit.serve.guarded import Crowd, GuardedProtocol
from ragkit.serve.listening import BACKLOG, listening, openable
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.tenants import Tenants, open_tenants
from ragkit.serve.writer import one_writer

_KEEP_ALIVE_S = 20


class Server(uvicorn.Server):
    """A server that ends in order: it stops accepting, lets requests finish, then cuts what is left.

    A second signal cuts at once. The exit is that of a program that was asked to stop, not of one that was killed.

    Args:
        config: Of uvicorn.
        crowd: Its connections.
    """

    def __init__(self, config: uvicorn.Config, crowd: Crowd) -> None:
        super().__init__(config)
        self._crowd = crowd
        self.on_start: Callable[[], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, with a bound on the time that a TLS handshake takes."""
        await self.lifespan.startup()
        if self.lifespan.should_exit:
            self.should_exit = True
            return
        loop, secure = asyncio.get_running_loop(), self.config.ssl
        protocol = partial(
            GuardedProtocol,
            self._crowd,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
            _loop=loop,
        )
        more: dict[str, Any] = {}
        if secure is not None:
            more = {"ssl": secure, "ssl_handshake_timeout": self._crowd.limits.header_seconds}
        self.servers = [
            await loop.create_server(protocol, sock=place, backlog=BACKLOG, **more) for place in sockets or []
        ]
        self.started = True
        if self.on_start is not None:
            self.on_start()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's shape
        """Begin to end; the second time, end."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End: what is not done in time is cut, and the application closes what it opened in either case."""
        forced, self.force_exit = self.force_exit, False
        if forced:
            self.config.timeout_graceful_shutdown = 0
        watch = asyncio.create_task(self._cut_when_forced())
        try:
            await super().shutdown(sockets)
        finally:
            watch.cancel()
        if self.force_exit:
            await self._end_tasks()
            await self.lifespan.shutdown()
        self._cut_all()

    async def _cut_when_forced(self) -> None:
        while not self.force_exit:
            await asyncio.sleep(0.05)
        await self._end_tasks()

    async def _end_tasks(self) -> None:
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=1) if tasks else None
        self._cut_all()

    def _cut_all(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, GuardedProtocol):
                connection.cut()


def server_for(app: FastAPI, settings: ServeSection, log: ServiceLog, *, folder: Path = Path()) -> Server:
    """Return the server for an application.

    Args:
        app: The application.
        settings: ``[serve]``.
        log: Its log.
        folder: Relative paths of ``settings`` start here.

    Raises:
        ConfigError: The certificate or its key cannot be used.
    """
    config = uvicorn.Config(
        app,
        http=GuardedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.limits.stop_seconds,  # type: ignore[arg-type] # a float will do
        h11_max_incomplete_event_size=settings.limits.header_bytes,
        **_tls(settings, folder),
    )
    try:
        config.load()
    except (OSError, ssl.SSLError, ValueError) as refused:
        raise ConfigError(
            f"the TLS certificate or its key cannot be used ({type(refused).__name__})",
            remedy="Check `certificate` and `certificate_key` in [serve]: PEM, belonging together, readable.",
        ) from None
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    most = openable(settings.limits.connections)
    if most < settings.limits.connections:
        log.write("fewer_connections", level="warning", connections=most)
    return Server(config, Crowd(settings.limits, log, most=most))


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is about to run.

    Attributes:
        url: Where it listens.
        app: The application.
        tenants: Open until the service is left.
        server: Runs it.
        log: Its log.
    """

    url: str
    app: FastAPI
    tenants: Tenants
    server: Server
    log: ServiceLog
    _place: socket.socket

    def run(self, *, started: Callable[[], None] | None = None) -> None:
        """Answer until told to stop; blocks.

        Args:
            started: Called once when requests are taken.

        Raises:
            RagkitError: It could not start.
        """
        self.server.on_start = started
        self.server.run(sockets=[self._place])
        failed = self.app.state.ragkit.parts.get("not-started")
        if failed is not None:
            raise failed


@contextmanager
def open_service(config: Config, *, log: ServiceLog | None = None) -> Iterator[Service]:
    """Bind the address, open the tenants and become their one writer; close it all at the end.

    Args:
        config: Of the workspace that the service is started in; its ``[serve]`` holds.
        log: Default: on standard error.

    Raises:
        ConfigError: The port is taken, the certificate cannot be used, a tenant is no workspace.
        WriterBusy: Another service or a write holds a tenant.
    """
    log, settings = log or ServiceLog(), config.serve
    with open_tenants(config) as tenants, one_writer(tenants), listening(settings.host, settings.port) as place:
        app = create_app(tenants, settings=settings, log=log)
        server = server_for(app, settings, log, folder=config.folder)
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        scheme = "https" if settings.certificate else "http"
        url = f"{scheme}://{host}:{place.getsockname()[1]}"
        yield Service(url, app, tenants, server, log, place)


def _tls(settings: ServeSection, folder: Path) -> dict[str, Any]:
    if settings.certificate is None or settings.certificate_key is None:
        return {}
    chain, key = (folder / path.expanduser() for path in (settings.certificate, settings.certificate_key))
    if key.exists() and key.stat().st_mode & 0o077:
        raise ConfigError("the key of the TLS certificate is open to others", remedy="Run `chmod 600` on it.")
    return {"ssl_certfile": chain, "ssl_keyfile": key}
