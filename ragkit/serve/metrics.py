"""Figures for Prometheus: of each tenant its own, and of the process. Labels are ragkit's words; none names anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from ragkit.auth.callers import Caller
from ragkit.serve.places import Places

disable_created_metrics()  # type: ignore[no-untyped-call] # a series more for each, and nobody reads them
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.5, 3, 6, 15, 30, 60, 120)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class ServiceMetrics:
    """The figures of one service.

    Args:
        tenants: Their names.
        places: Where blocking work waits.
    """

    def __init__(self, tenants: Iterable[str], places: Places) -> None:
        self._of = {name: _Figures(lambda name=name: _queue(places, name)) for name in tenants}  # type: ignore[misc]
        self._process = CollectorRegistry()
        self._others = _Figures(lambda: _queue(places, None), prefix="ragkit_service_", registry=self._process)
        self._open = Gauge("ragkit_service_requests_open", "Requests that are answered now.", registry=self._process)
        ProcessCollector(registry=self._process)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a request as open for as long as the block lasts."""
        with self._open.track_inprogress():
            yield

    def observe(self, caller: Caller | None, *, route: str, method: str, status: int, seconds: float) -> None:
        """Count a request that is answered; of nobody's it is only counted with the process."""
        method = method if method in _METHODS else "other"
        places = [self._others] if caller is None else [self._others, self._of[caller.tenant]]
        for one in places:
            one.requests.labels(route or "none", method, str(status)).inc()
            one.seconds.labels(route or "none").observe(seconds)

    def registry_of(self, tenant: str) -> CollectorRegistry:
        """Return a tenant's registry, for what counts more of it."""
        return self._of[tenant].registry

    def text(self, tenant: str, *, process: bool) -> bytes:
        """Return the figures of a tenant in Prometheus' text format, with ``process`` those of the process too."""
        own = generate_latest(self._of[tenant].registry)
        return own + generate_latest(self._process) if process else own


class _Figures:
    def __init__(
        self,
        queue: Callable[[], tuple[int, int, int]],
        *,
        prefix: str = "ragkit_",
        registry: CollectorRegistry | None = None,
    ) -> None:
        self.registry = registry or CollectorRegistry()
        self.requests = Counter(
            f"{prefix}requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            f"{prefix}request_seconds", "Time to the end of the reply.", ("route",), buckets=_BUCKETS,
            registry=self.registry,
        )  # fmt: skip
        self.registry.register(_Queue(prefix, queue))


class _Queue:
    """Reads the queue when it is asked."""

    def __init__(self, prefix: str, queue: Callable[[], tuple[int, int, int]]) -> None:
        self._prefix = prefix
        self._queue = queue

    def collect(self) -> Iterator[Metric]:
        running, waiting, refused = self._queue()
        yield GaugeMetricFamily(f"{self._prefix}places_held", "Questions that are worked on.", value=running)
        yield GaugeMetricFamily(f"{self._prefix}places_waited_for", "Questions that wait for a place.", value=waiting)
        yield CounterMetricFamily(f"{self._prefix}overloads", "Questions that found no place (429).", value=refused)


def _queue(places: Places, tenant: str | None) -> tuple[int, int, int]:
    refused = places.refused.total() if tenant is None else places.refused[tenant]
    return places.running(tenant), places.waiting(tenant), refused
