"""Spans and metrics through the real SDK: named by the conventions, without content, cheap when nobody listens."""

from __future__ import annotations

import contextvars
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ragkit.config_answering import BudgetSection
from ragkit.errors import BudgetExceeded, GeneratorUnavailable
from ragkit.routing.budgets import Budgets
from ragkit.routing.ledger import UsageLedger
from ragkit.routing.metered import Metered
from ragkit.routing.prices import Catalogue, Price
from ragkit.routing.tariff import Tariff
from ragkit.telemetry import names
from ragkit.telemetry.attributes import dropped, permitted
from ragkit.telemetry.sources import use_providers
from ragkit.telemetry.spans import SILENT, generation_span, question_span, retrieval_span
from ragkit.types import (
    Account,
    Checks,
    Chunk,
    DataClass,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    MaskedText,
    Principal,
    TokenUsage,
)

CANARY = "Zorblatt"
REQUEST_ID = "0123456789abcdef" * 2


@dataclass
class Heard:
    """What an SDK collected."""

    exporter: InMemorySpanExporter
    reader: InMemoryMetricReader

    @property
    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self.exporter.get_finished_spans()}

    @property
    def points(self) -> dict[str, list[Any]]:
        data = self.reader.get_metrics_data()
        resources = data.resource_metrics if data else []
        return {
            metric.name: list(metric.data.data_points)
            for resource in resources
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }

    def everything(self) -> str:
        """All that was collected, as an exporter would write it."""
        spans = [json.loads(span.to_json()) for span in self.exporter.get_finished_spans()]
        data = self.reader.get_metrics_data()
        return json.dumps(spans) + (data.to_json() if data else "")


@pytest.fixture
def heard() -> Iterator[Heard]:
    """An SDK of the test's own, given to ragkit for its duration."""
    exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
    tracer = TracerProvider()
    tracer.add_span_processor(SimpleSpanProcessor(exporter))
    meter = MeterProvider(metric_readers=[reader])
    use_providers(tracer=tracer, meter=meter)
    yield Heard(exporter, reader)
    use_providers()
    tracer.shutdown()
    meter.shutdown()


class Model:
    """A generator with a model behind it; it sees and says the canary everywhere."""

    name = "large"
    location = Location.REMOTE

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error

    def load(self) -> None: ...

    def generate(self, request: GenerationRequest) -> Generation:
        if self.error is not None:
            raise self.error
        return Generation(
            text=Masked(f"{CANARY} said so."),
            checks=Checks(unsupported_numbers=2),
            account=Account(model="gpt-4.1", usage=TokenUsage(1_000, 50, cached_input=400, reasoning=20)),
        )

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        yield Masked(f"{CANARY} ")
        yield Masked("said so.")
        yield self.generate(request)


def metered(folder: Path, generator: Any, **section: object) -> Metered:
    """The generator with a meter, a price and perhaps a budget."""
    price = Price(provider="openai", models=("gpt-4.1",), input=Decimal(2), output=Decimal(8))
    catalogue = Catalogue(prices=(price,), dated=datetime(2026, 11, 1, tzinfo=UTC).date(), currency="USD")
    sections = [BudgetSection.model_validate(section)] if section else []
    ledger = UsageLedger(folder / "usage.db", key=b"k" * 32)
    tariff = Tariff(provider="openai", model="gpt-4.1", destination="far")
    return Metered(
        generator,
        tariff,
        budgets=Budgets(sections, ledger, currency=lambda: "USD"),
        catalogue=lambda: catalogue,
        recorder=Silent(),
    )


class Silent:
    """Takes events and keeps none."""

    def record(self, kind: str, **_: object) -> None: ...

    def flush(self) -> None: ...


def request() -> GenerationRequest:
    """A question full of canaries."""
    text = Masked(f"{CANARY} promised five years.")
    chunk = Chunk(ordinal=0, record=text, index=text, source_start=0, source_end=len(text))
    hit = Hit(chunk_id=1, doc_id=f"doc-{CANARY}", version=1, chunk=chunk, score=1.0, title=Masked(CANARY))
    asked = MaskedQuestion(MaskedText(text, text), "handbook", "policy-1")
    principal = Principal(f"local|{CANARY}", frozenset({f"crm|{CANARY}"}))
    return GenerationRequest(asked, (hit,), DataClass.INTERNAL, request_id=REQUEST_ID, principal=principal)


def test_a_question_is_a_workflow_with_a_search_and_a_call_within(heard: Heard, tmp_path: Path) -> None:
    """Three spans in one trace, with the names of the conventions and nothing that could be content."""
    with question_span("handbook", data_class=DataClass.INTERNAL, request=REQUEST_ID, conversation="f" * 32) as mark:
        with retrieval_span("handbook", k=8) as found:
            found.set(names.HITS, 5)
        generation = metered(tmp_path, Model()).generate(request())
        mark.answered(generation)
    spans = heard.spans
    assert set(spans) == {"invoke_workflow ragkit.ask", "retrieval handbook", "chat gpt-4.1"}
    top = spans["invoke_workflow ragkit.ask"]
    assert top.context is not None
    for name in ("retrieval handbook", "chat gpt-4.1"):
        parent = spans[name].parent
        assert parent is not None
        assert parent.span_id == top.context.span_id
    call = spans["chat gpt-4.1"]
    assert call.kind is trace.SpanKind.CLIENT
    assert dict(call.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4.1",
        "gen_ai.request.stream": False,
        "gen_ai.response.model": "gpt-4.1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 1_000,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 400,
        "gen_ai.usage.reasoning.output_tokens": 20,
        "ragkit.generator": "large",
        "ragkit.location": "remote",
        "ragkit.destination": "far",
        "ragkit.data_class": "internal",
        "ragkit.collection": "handbook",
        "ragkit.cost.micro": 2_400,
        "ragkit.cost.currency": "USD",
        "ragkit.check.invented_citations": 0,
        "ragkit.check.unsupported_sentences": 0,
        "ragkit.check.unsupported_numbers": 2,
        "ragkit.check.sanitised": 0,
        "ragkit.check.unknown_tokens": 0,
    }
    assert (top.attributes or {})["ragkit.route"] == "only"
    scope = call.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.schema_url) == ("ragkit", names.SCHEMA_URL)


def test_the_figures_of_a_call(heard: Heard, tmp_path: Path) -> None:
    """Duration and tokens by the conventions, with their bounds; cost and answers in ragkit's own name."""
    generation = metered(tmp_path, Model()).generate(request())
    with question_span("handbook", data_class=DataClass.INTERNAL) as mark:
        mark.answered(generation)
    points = heard.points
    tokens = {point.attributes["gen_ai.token.type"]: point for point in points["gen_ai.client.token.usage"]}
    assert (tokens["input"].sum, tokens["output"].sum) == (1_000, 50)
    assert tokens["input"].explicit_bounds[:3] == (1.0, 4.0, 16.0)
    duration = points["gen_ai.client.operation.duration"][0]
    assert duration.count == 1
    assert duration.attributes["gen_ai.provider.name"] == "openai"
    assert "gen_ai.client.operation.time_to_first_chunk" not in points
    assert points["ragkit.cost"][0].value == 2_400
    assert points["ragkit.answers"][0].value == 1


def test_a_stream_has_a_first_chunk_and_leaves_nothing_current(heard: Heard, tmp_path: Path) -> None:
    """The consumer's context is its own between pieces, also when it takes each in another one."""
    with question_span("handbook", data_class=DataClass.INTERNAL, current=False) as mark:
        pieces = mark.over(metered(tmp_path, Model()).stream(request()))
        said = []
        while True:
            piece = contextvars.copy_context().run(next, pieces, None)
            assert not trace.get_current_span().get_span_context().is_valid
            if piece is None:
                break
            said.append(piece)
    assert len(said) == 3
    call, top = heard.spans["chat gpt-4.1"], heard.spans["invoke_workflow ragkit.ask"]
    assert call.parent is not None
    assert top.context is not None
    assert call.parent.span_id == top.context.span_id
    assert call.status.is_ok
    assert heard.points["gen_ai.client.operation.time_to_first_chunk"][0].count == 1


def test_an_error_is_its_class_and_nothing_of_its_message(heard: Heard, tmp_path: Path) -> None:
    """Neither span nor metric holds what an error says; a foreign error is ``_OTHER``."""
    for error, word in (
        (GeneratorUnavailable(CANARY, remedy=CANARY), "GeneratorUnavailable"),
        (ValueError(CANARY), "_OTHER"),
    ):
        heard.exporter.clear()
        with pytest.raises(type(error)):
            metered(tmp_path, Model(error)).generate(request())
        span = heard.spans["chat gpt-4.1"]
        assert (span.attributes or {})["error.type"] == word
        assert span.status.status_code is trace.StatusCode.ERROR
        assert not span.status.description
        assert not span.events
    types = {point.attributes.get("error.type") for point in heard.points["gen_ai.client.operation.duration"]}
    assert types == {"GeneratorUnavailable", "_OTHER"}


def test_a_used_up_budget_is_counted(heard: Heard, tmp_path: Path) -> None:
    """No call, no span; one more refusal."""
    with pytest.raises(BudgetExceeded):
        metered(tmp_path, Model(), tokens=1).generate(request())
    assert heard.points["ragkit.budget.refused"][0].value == 1
    assert heard.spans == {}


def test_no_canary_leaves_by_any_span_or_metric(heard: Heard, tmp_path: Path) -> None:
    """Question, chunk, answer, title, document id, principal, group and error message hold it; the export does not."""
    asked = metered(tmp_path, Model(), tokens=10**7, principal="each")
    with question_span("handbook", data_class=DataClass.INTERNAL, request=REQUEST_ID) as mark:
        mark.answered(asked.generate(request()))
        list(asked.stream(request()))
    with pytest.raises(GeneratorUnavailable):
        metered(tmp_path, Model(GeneratorUnavailable(CANARY))).generate(request())
    told = heard.everything()
    assert "chat gpt-4.1" in told
    assert CANARY.lower() not in told.lower()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert CANARY.lower().encode() not in raw.lower()


def test_what_is_not_on_the_list_is_dropped_and_counted(heard: Heard, tmp_path: Path) -> None:
    """Content attributes have no way through, nor has a sentence under a permitted name."""
    before = dropped()
    bad: dict[str, Any] = {
        "gen_ai.input.messages": "text",
        "gen_ai.output.messages": "text",
        "gen_ai.retrieval.query.text": "text",
        "anything": 1,
        names.GENERATOR: f"{CANARY} wrote this",
        names.REQUEST_MODEL: "a model with spaces",
        names.HITS: "12",
        names.REFUSED: 1,
        names.ROUTE: "sideways",
        names.REQUEST_ID: CANARY,
        names.ERROR_TYPE: CANARY,
        names.FINISH_REASONS: ("stop", CANARY),
        names.ROUTE_REASON: "two words",
    }
    assert permitted(bad) == {}
    assert dropped() - before == len(bad)
    assert permitted({names.HITS: None, names.RESPONSE_MODEL: ""}) == {}
    assert dropped() - before == len(bad)
    with question_span("handbook", data_class=DataClass.INTERNAL) as mark:
        mark.set(names.COLLECTION, CANARY)
        mark.set("ragkit.question", CANARY)
    metered(tmp_path, Model()).generate(request())
    assert CANARY not in heard.everything()
    assert heard.points["ragkit.telemetry.dropped"][0].value >= len(bad) + 2


def test_every_name_is_on_the_list_and_none_is_for_content() -> None:
    """All constants of attributes may leave, and the conventions' attributes for content are not among them."""
    constants = {value for key, value in vars(names).items() if key.isupper() and isinstance(value, str)}
    assert set(names.ALLOWED) <= constants
    assert not {name for name in names.ALLOWED if "message" in name or "query" in name or "instructions" in name}


def test_without_an_sdk_a_mark_is_silent_and_cheap() -> None:
    """A few microseconds each, where an answer takes milliseconds; nothing is kept. The bound is for a busy machine."""
    with question_span("handbook", data_class=DataClass.INTERNAL) as mark:
        assert mark is SILENT
        assert list(mark.over(iter([1, 2]))) == [1, 2]
    begun = time.perf_counter()
    for _ in range(2_000):
        with generation_span("small", location=Location.IN_PROCESS, data_class=DataClass.INTERNAL) as mark:
            mark.set(names.HITS, 1)
    assert (time.perf_counter() - begun) / 2_000 < 100e-6


def test_marks_import_nothing() -> None:
    """A process that never imported OpenTelemetry does not do so for a mark."""
    code = (
        "import sys\n"
        "from ragkit.telemetry.spans import question_span\n"
        "from ragkit.telemetry.metrics import count_call\n"
        "from ragkit.types import Account, DataClass\n"
        "with question_span('a', data_class=DataClass.PUBLIC) as mark: mark.set('x', 1)\n"
        "count_call(Account(), provider='', model='', seconds=1.0)\n"
        "print(sorted(name for name in sys.modules if name.startswith('opentelemetry')))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_global_provider_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an application sets up in the usual way is used without a word to ragkit."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer_provider", lambda: provider)
    with retrieval_span("handbook", k=3):
        pass
    assert [span.name for span in exporter.get_finished_spans()] == ["retrieval handbook"]


def test_a_search_within_a_stream_belongs_to_its_question(heard: Heard) -> None:
    """A mark that is not the current one can be made so for a while."""
    with question_span("handbook", data_class=DataClass.INTERNAL, current=False) as mark:
        with mark.within(), retrieval_span("handbook", k=3):
            pass
        assert not trace.get_current_span().get_span_context().is_valid
    search, top = heard.spans["retrieval handbook"], heard.spans["invoke_workflow ragkit.ask"]
    assert search.parent is not None
    assert top.context is not None
    assert search.parent.span_id == top.context.span_id
