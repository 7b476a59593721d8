"""``/metrics``: figures for Prometheus, of the caller's own tenant; who operates the first one sees the process too."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from ragkit.auth.callers import Caller
from ragkit.serve.authenticate import calling
from ragkit.serve.metrics import ServiceMetrics
from ragkit.serve.replies import errors
from ragkit.serve.state import State, tenant_named
from ragkit.serve.tenants import Tenant
from ragkit.spending import Usage
from ragkit.types import Principal

router = APIRouter(tags=["service"])

_READ_S = 60.0
_READERS = 16
_EXAMPLE = """# HELP ragkit_requests_total Requests answered.
# TYPE ragkit_requests_total counter
ragkit_requests_total{method="POST",route="/v1/search",status="200"} 17.0
"""


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={
        **errors(401, 403),
        200: {"description": "Prometheus' text format.", "content": {"text/plain": {"example": _EXAMPLE}}},
    },
)
async def metrics(caller: Annotated[Caller, Depends(calling("operate"))], state: State) -> Response:
    """Return counters and histograms by route, and what generators used today. No label names anybody or anything."""
    figures = cast("ServiceMetrics", state.parts["metrics"])
    tenant = tenant_named(state, caller.tenant)
    used = await state.admission.run(caller, lambda: _used(tenant, caller))
    registry = CollectorRegistry()
    registry.register(_Used(used))
    process = tenant is state.tenants.first
    text = figures.text(tenant.name, process=process) + generate_latest(registry)
    return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _used(tenant: Tenant, caller: Caller) -> Usage:
    """Read the ledger, not more than once in a while for each who asks: each time leaves an event."""
    read: dict[Principal, tuple[float, Usage]] = tenant.parts.setdefault("usage-read", {})
    who, now = caller.principal, time.monotonic()  # with the groups: what they no longer open is asked for again
    if who not in read or now - read[who][0] > _READ_S:
        today = datetime.now(UTC).date()
        found = tenant.workspace.usage(by=["generator"], since=today, principal=caller.principal)
        if len(read) >= _READERS:
            read.clear()
        read[who] = (now, found)
        return found
    return read[who][1]


class _Used:
    """What generators used today, in UTC. Gauges: they begin anew each day."""

    def __init__(self, usage: Usage) -> None:
        self._usage = usage

    def collect(self) -> Iterator[Metric]:
        calls = GaugeMetricFamily("ragkit_generator_calls_today", "Calls of generators today.", labels=("generator",))
        tokens = GaugeMetricFamily(
            "ragkit_generator_tokens_today", "Tokens of generators today.", labels=("generator", "kind")
        )
        cost = GaugeMetricFamily(
            "ragkit_generator_cost_today", "Money for generators today.", labels=("generator", "currency")
        )
        for row in self._usage.rows:
            name = row.key[0]
            calls.add_metric((name,), row.calls)
            tokens.add_metric((name, "input"), row.input)
            tokens.add_metric((name, "output"), row.output)
            if row.cost_micro is not None:
                cost.add_metric((name, row.currency), row.cost_micro / 1_000_000)
        yield from (calls, tokens, cost)
