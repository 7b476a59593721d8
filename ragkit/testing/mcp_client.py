"""The official client of the Model Context Protocol, called from tests that are not asynchronous.

::

    result = call(over_http(service.url, headers), "search", question="How long is the warranty?")
    result.structured_content["passages"]
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult

T = TypeVar("T")
Connect = Callable[[], AbstractAsyncContextManager[Client]]


def over_http(url: str, headers: Mapping[str, str] | None = None, *, mode: str = "auto") -> Connect:
    """Return what connects to a service's ``/mcp``."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[Client]:
        async with (
            httpx2.AsyncClient(headers=dict(headers or {}), timeout=60, trust_env=False) as http,
            Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
        ):
            yield client

    return connect


def over_stdio(workspace: Path, said: Path, **environment: str) -> Connect:
    """Return what starts ``ragkit mcp`` on a workspace; ``said`` takes its standard error."""
    server = StdioServerParameters(
        command=sys.executable, args=["-m", "ragkit", "mcp", "--workspace", str(workspace)], env=environment
    )

    @asynccontextmanager
    async def connect() -> AsyncIterator[Client]:
        with said.open("w") as errors:
            async with Client(stdio_client(server, errlog=errors)) as client:
                yield client

    return connect


def run(connect: Connect, work: Callable[[Client], Awaitable[T]]) -> T:
    """Connect, do something, leave."""

    async def main() -> T:
        async with connect() as client:
            return await work(client)

    return asyncio.run(main())


def call(connect: Connect, tool: str, **arguments: Any) -> CallToolResult:
    """Connect, call one tool, leave."""
    return run(connect, lambda client: client.call_tool(tool, arguments))
