"""The service without sockets, for tests in which the network is not the point.

::

    with in_process(folder) as local:
        local.client.get("/session", headers=local.bearer(key))
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ragkit.config import load_config

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from ragkit.serve.tenants import Tenants

URL = "http://127.0.0.1"


@dataclass(frozen=True, slots=True)
class Local:
    """A service that answers calls of this process.

    Attributes:
        client: Calls it; keeps no cookies unless it is told to.
        lines: Its log.
    """

    app: FastAPI
    client: TestClient
    tenants: Tenants
    lines: io.StringIO

    def bearer(self, credential: str) -> dict[str, str]:
        """Headers with a credential."""
        return {"Authorization": f"Bearer {credential}"}


@contextmanager
def in_process(folder: Path) -> Iterator[Local]:
    """Open a workspace and the application over it; close both at the end."""
    from starlette.testclient import TestClient

    from ragkit.serve.app import create_app
    from ragkit.serve.service_log import ServiceLog
    from ragkit.serve.tenants import open_tenants

    lines = io.StringIO()
    with open_tenants(load_config(folder)) as tenants:
        app = create_app(tenants, log=ServiceLog(lines))
        with TestClient(app, base_url=URL, raise_server_exceptions=False) as client:
            yield Local(app, client, tenants, lines)
