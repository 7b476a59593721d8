"""Every name of a span, metric and attribute that ragkit emits, and what a value of each may be.

The ``gen_ai.*`` names are those of the OpenTelemetry conventions for generative AI at :data:`SCHEMA_URL`; all of them
have the status *Development* there and may be renamed, which is why they stand here and nowhere else. What ragkit adds
is named ``ragkit.*``, since no convention knows a cost, a route or a data class.

The attributes for content (``gen_ai.input.messages``, ``gen_ai.output.messages``, ``gen_ai.system_instructions``,
``gen_ai.retrieval.query.text``, ``gen_ai.retrieval.documents``) are left out on purpose: there is no switch that sends
them, and what is not in :data:`ALLOWED` is dropped by :mod:`ragkit.telemetry.attributes`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/gen-ai/1.42.0"
SCOPE: Final = "ragkit"

# operations, the first word of a span's name
CHAT: Final = "chat"
RETRIEVAL: Final = "retrieval"
INVOKE_WORKFLOW: Final = "invoke_workflow"
EXTRACT: Final = "ragkit.extract"
"""An answer made without a language model; the conventions ask for an own word where none of theirs fits."""

WORKFLOW: Final = "ragkit.ask"

# attributes of the conventions
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - likewise
DATA_SOURCE_ID: Final = "gen_ai.data_source.id"
WORKFLOW_NAME: Final = "gen_ai.workflow.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
ERROR_TYPE: Final = "error.type"

# attributes of ragkit
REQUEST_ID: Final = "ragkit.request.id"
GENERATOR: Final = "ragkit.generator"
COLLECTION: Final = "ragkit.collection"
LOCATION: Final = "ragkit.location"
DESTINATION: Final = "ragkit.destination"
DATA_CLASS: Final = "ragkit.data_class"
ROUTE: Final = "ragkit.route"
ROUTE_REASON: Final = "ragkit.route.reason"
ATTEMPTS: Final = "ragkit.attempts"
REFUSED: Final = "ragkit.refused"
CITATIONS: Final = "ragkit.citations"
HITS: Final = "ragkit.hits"
TOP_K: Final = "ragkit.retrieval.k"
COST_MICRO: Final = "ragkit.cost.micro"
CURRENCY: Final = "ragkit.cost.currency"
INVENTED: Final = "ragkit.check.invented_citations"
UNSUPPORTED_SENTENCES: Final = "ragkit.check.unsupported_sentences"
UNSUPPORTED_NUMBERS: Final = "ragkit.check.unsupported_numbers"
SANITISED: Final = "ragkit.check.sanitised"
UNKNOWN_TOKENS: Final = "ragkit.check.unknown_tokens"

# metrics
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - no password
FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
COST: Final = "ragkit.cost"
ANSWERS: Final = "ragkit.answers"
BUDGET_REFUSED: Final = "ragkit.budget.refused"
DROPPED: Final = "ragkit.telemetry.dropped"

SECONDS_BUCKETS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKEN_BUCKETS: Final = tuple(4**power for power in range(14))
"""Bounds that the conventions advise: 1 to 67,108,864."""

_WORDS: Mapping[str, frozenset[str]] = {
    OPERATION_NAME: frozenset({CHAT, RETRIEVAL, INVOKE_WORKFLOW, EXTRACT}),
    WORKFLOW_NAME: frozenset({WORKFLOW}),
    FINISH_REASONS: frozenset({"stop", "length", "content-filter", "cut"}),
    TOKEN_TYPE: frozenset({"input", "output"}),
    LOCATION: frozenset({"in-process", "on-prem", "managed", "remote"}),
    DATA_CLASS: frozenset({"public", "internal", "confidential", "restricted"}),
    ROUTE: frozenset({"only", "small", "large", "fallback"}),
}

ALLOWED: Mapping[str, str | frozenset[str]] = {
    **_WORDS,
    **dict.fromkeys(
        (
            INPUT_TOKENS, OUTPUT_TOKENS, CACHED_TOKENS, REASONING_TOKENS, TIME_TO_FIRST_CHUNK, ATTEMPTS, CITATIONS,
            HITS, TOP_K, COST_MICRO, INVENTED, UNSUPPORTED_SENTENCES, UNSUPPORTED_NUMBERS, SANITISED, UNKNOWN_TOKENS,
        ),
        "number",
    ),
    **dict.fromkeys((REFUSED, REQUEST_STREAM), "flag"),
    **dict.fromkeys((GENERATOR, COLLECTION, DESTINATION, DATA_SOURCE_ID, PROVIDER_NAME), "name"),
    **dict.fromkeys((REQUEST_MODEL, RESPONSE_MODEL), "model"),
    **dict.fromkeys((REQUEST_ID, CONVERSATION_ID), "id"),
    ROUTE_REASON: "word",
    CURRENCY: "currency",
    ERROR_TYPE: "error",
}  # fmt: skip
"""Every attribute that may leave, with the words it may be or the shape it has."""

PROVIDERS: Mapping[str, str] = {
    "azure": "azure.ai.openai",
    "aws": "aws.bedrock",
    "bedrock": "aws.bedrock",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "x-ai": "x_ai",
}
"""Well-known names of the conventions for what a destination's ``provider`` usually says."""
