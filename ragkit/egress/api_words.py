"""Whole strings of the APIs themselves: keys and constants of a request, which say nothing of anybody.

They are not looked over, because a detector reads a word alone badly: it takes ``maxTokens`` for a person, and
``assistant`` for somebody's title. A string counts only if it is one of these from its first to its last character;
the names that a configuration gives (a model may be called Claude) are told to the gateway as ``fixed``.
"""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

API_WORDS = frozenset(
    """
    model messages role content system user assistant developer temperature max_tokens max_completion_tokens
    max_output_tokens stop stop_sequences seed stream stream_options include_usage n top_p top_k min_p store text type
    object response_format frequency_penalty presence_penalty logprobs echo prompt input options num_ctx num_predict
    keep_alive cache_prompt reasoning_effort enable_thinking chat_template_kwargs thinking budget_tokens disabled
    enabled cache_control ephemeral metadata service_tier verbosity
    inferenceConfig maxTokens stopSequences topP additionalModelRequestFields guardrailConfig guardrailIdentifier
    guardrailVersion trace anthropic_version bedrock-2023-05-31 true false null
    v1 v1beta chat completions responses models openai deployments converse converse-stream invoke tokenize props health
    api-version api_version
    """.split()
)
"""Keys and constants of the OpenAI, Anthropic, Azure and Bedrock APIs and of the usual servers of one's own."""


def strings_in(value: Any) -> Iterator[str]:
    """Every key, text and number of a configured value, as a body would have it."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from strings_in(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from strings_in(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
