"""What a question leaves behind it in telemetry and in the ledger: names and numbers, and nobody's name."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ragkit import Principal
from ragkit.telemetry.sources import use_providers
from ragkit.workspace import Workspace

CUSTOMER = Principal("local|ana", frozenset({"crm|Yalmanova"}))
PEOPLE = ("yalmanova", "galina", "ostrowsky", "thorvald", "local|ana", "tarn tent", "zip")


@pytest.fixture
def exported() -> Iterator[tuple[InMemorySpanExporter, InMemoryMetricReader]]:
    """A real SDK that keeps what it is given."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracer, meter = TracerProvider(), MeterProvider(metric_readers=[reader])
    tracer.add_span_processor(SimpleSpanProcessor(exporter))
    use_providers(tracer=tracer, meter=meter)
    yield exporter, reader
    use_providers()
    tracer.shutdown()
    meter.shutdown()


def test_a_question_about_a_person_leaves_no_person_behind(
    shop: Workspace, exported: tuple[InMemorySpanExporter, InMemoryMetricReader]
) -> None:
    """Asked whole and in pieces: spans, figures and usage.db hold neither question, answer, name nor asker."""
    exporter, reader = exported
    question = "What was repaired for Galina Yalmanova?"
    shop.ask(question, principal=CUSTOMER)
    list(shop.ask_stream(question, principal=CUSTOMER))
    spans = exporter.get_finished_spans()
    assert {span.name for span in spans} == {
        "invoke_workflow ragkit.ask",
        "retrieval shop",
        "ragkit.extract extractive",
    }
    told = json.dumps([json.loads(span.to_json()) for span in spans])
    figures = reader.get_metrics_data()
    assert figures is not None
    told += figures.to_json()
    folder = shop.config.data_folder
    booked = b"".join(path.read_bytes() for path in folder.glob("usage.db*"))
    assert b"extractive" in booked
    assert not [one for one in PEOPLE if one in told.lower() or one.encode() in booked.lower()]


def test_usage_names_the_owner_and_hashes_the_others(shop: Workspace) -> None:
    """Every question is booked, also where no model answers and no budget is written."""
    before = {row.key[0]: row.calls for row in shop.usage(by=("principal",)).rows}
    shop.ask("How long is the warranty on a tent?")
    shop.ask("How long is the warranty on a tent?", principal=Principal("crm|eve"))
    rows = {row.key[0]: row for row in shop.usage(by=("principal",)).rows}
    assert rows["local|ana"].calls == before.get("local|ana", 0) + 1
    assert rows["local|ana"].cost_micro == 0
    other = [name for name in rows if name.startswith("#")]
    assert sum(rows[name].calls for name in other) == sum(before.get(name, 0) for name in other) + 1
