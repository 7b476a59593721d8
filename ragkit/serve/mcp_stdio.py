"""The tools over standard input and output, for an application that starts its servers itself: ``ragkit mcp``.

Standard output holds the protocol and nothing else; whatever else is printed goes to standard error.
"""

from __future__ import annotations

import os
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import Any

from mcp.server.mcpserver import Context

from ragkit.auth.callers import SCOPES, Caller, Scope
from ragkit.auth.gate import Gate
from ragkit.config import Config
from ragkit.errors import AccessDenied
from ragkit.serve.admission import Admission
from ragkit.serve.mcp_server import build_server
from ragkit.serve.replies import ScopeMissing, Unauthenticated
from ragkit.serve.service_log import ServiceLog
from ragkit.serve.state import ServiceState
from ragkit.serve.tenants import open_tenants
from ragkit.types import Principal

KEY_VARIABLE = "RAGKIT_API_KEY"
"""Holds the API key as whose bearer the calls run; without it they run as the workspace's owner."""


def serve_stdio(config: Config) -> None:
    """Serve until standard input ends.

    Raises:
        AccessDenied: The key in the environment opens nothing here.
        ConfigError: A folder of ``[serve.tenants]`` is no workspace.
        KeyMismatch: A root key is not its workspace's.
    """
    with ExitStack() as stack:
        tenants = stack.enter_context(open_tenants(config))
        state = ServiceState(tenants, config.serve, Admission(config.serve.limits))
        state.parts["log"] = ServiceLog()
        stack.callback(state.admission.close)
        build_server(state, admit=_admitting(state, stack)).run("stdio")


def _admitting(state: ServiceState, stack: ExitStack) -> Callable[[Context[Any, Any], Scope], Awaitable[Caller]]:
    first = state.tenants.first
    owner = Caller(first.name, first.config.workspace.principal, frozenset(SCOPES), "open", "stdio")
    key = os.environ.pop(KEY_VARIABLE, "")
    if not key:

        async def as_owner(_: Context[Any, Any], __: Scope) -> Caller:
            return owner

        return as_owner
    gate = first.workspace.api_keys.gate(first.name)
    stack.callback(gate.close)
    bearer = _bearer(gate, key)
    if bearer is None:
        gate.turned_away(code="unknown", verb="mcp", via="key")
        raise AccessDenied(
            f"the API key in {KEY_VARIABLE} opens nothing here", remedy="Make one with `ragkit keys create`."
        )
    gate.let_in(bearer.principal, via="key", key=bearer.credential)

    async def as_bearer(_: Context[Any, Any], scope: Scope) -> Caller:
        caller = _bearer(gate, key)  # looked up each time: a key that is revoked opens nothing from then on
        if caller is None:
            raise Unauthenticated("the API key is revoked or expired", remedy="Start again with a new one.")
        if not caller.may(scope):
            gate.turned_away(
                code="scope", verb=f"mcp.{scope}", key=caller.credential, principal=caller.principal, via="key"
            )
            raise ScopeMissing(f"this key may not be used for `{scope}`", remedy="Use one that may.")
        return caller

    return as_bearer


def _bearer(gate: Gate, key: str) -> Caller | None:
    record = gate.keys.check(key)
    if record is None or not record.alive(time.time()):
        return None
    return Caller(gate.tenant, Principal(record.subject, record.groups), record.scopes, "key", record.id)
