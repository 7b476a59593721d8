"""Where spans and figures go: to the OpenTelemetry SDK that the application has set up, or nowhere.

ragkit depends on ``opentelemetry-api`` alone and imports it here, on first use. An application that sets up an SDK has
imported the API before; where nobody has, nothing is imported and a mark costs a few microseconds.
"""

from __future__ import annotations

import sys
from functools import lru_cache, partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from ragkit.telemetry import names

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider
    from opentelemetry.trace import Tracer, TracerProvider

_given: dict[str, Any] = {}


def use_providers(*, tracer: TracerProvider | None = None, meter: MeterProvider | None = None) -> None:
    """Send to these providers rather than to the global ones; ``None`` goes back to those."""
    _given.clear()
    _given.update({key: value for key, value in (("tracer", tracer), ("meter", meter)) if value is not None})
    tracer_of.cache_clear()
    meter_of.cache_clear()
    _instruments.cache_clear()


def tracer_now() -> Tracer | None:
    """Return the tracer, or nothing while no SDK is set up."""
    given = _given.get("tracer")
    if given is not None:
        return tracer_of(given)
    trace = sys.modules.get("opentelemetry.trace")
    if trace is None:
        return None
    provider = trace.get_tracer_provider()
    return None if isinstance(provider, trace.ProxyTracerProvider) else tracer_of(provider)


def instruments_now() -> Instruments | None:
    """Return the instruments, or nothing while no SDK is set up."""
    given = _given.get("meter")
    if given is None:
        metrics = sys.modules.get("opentelemetry.metrics")
        if metrics is None:
            return None
        given = metrics.get_meter_provider()
        if type(given).__module__.startswith("opentelemetry.metrics"):  # the API's own, which keeps nothing
            return None
    return _instruments(given)


@lru_cache(maxsize=4)
def tracer_of(provider: TracerProvider) -> Tracer:
    """Return ragkit's tracer of a provider."""
    return provider.get_tracer(names.SCOPE, version("ragkit"), schema_url=names.SCHEMA_URL)


@lru_cache(maxsize=4)
def meter_of(provider: MeterProvider) -> Meter:
    """Return ragkit's meter of a provider."""
    return provider.get_meter(names.SCOPE, version("ragkit"), schema_url=names.SCHEMA_URL)


class Instruments:
    """The histograms and counters, made once for a provider."""

    def __init__(self, meter: Meter) -> None:
        histogram = partial(meter.create_histogram, unit="s", explicit_bucket_boundaries_advisory=names.SECONDS_BUCKETS)
        self.duration = histogram(names.OPERATION_DURATION, description="Length of a call.")
        self.first_chunk = histogram(names.FIRST_CHUNK, description="Wait for the first text.")
        self.tokens = meter.create_histogram(
            names.TOKEN_USAGE,
            unit="{token}",
            description="Tokens of a call.",
            explicit_bucket_boundaries_advisory=names.TOKEN_BUCKETS,
        )
        self.cost = meter.create_counter(names.COST, unit="u{currency}", description="Cost of calls, in millionths.")
        self.answers = meter.create_counter(names.ANSWERS, unit="{answer}", description="Answers given.")
        self.budget = meter.create_counter(names.BUDGET_REFUSED, unit="{call}", description="Calls without room.")
        self.dropped = meter.create_counter(names.DROPPED, unit="{attribute}", description="Attributes not sent.")


@lru_cache(maxsize=4)
def _instruments(provider: MeterProvider) -> Instruments:
    return Instruments(meter_of(provider))
