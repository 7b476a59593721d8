"""The events of the catalogue on what leaves the process, which generator answers, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.audit.event_types import EventType
from ragkit.audit.event_types import keys as _keys
from ragkit.audit.fields import (
    is_count,
    is_counts,
    is_flag,
    is_hash,
    is_host,
    is_id,
    is_micro,
    is_name,
    is_version,
    many,
    one_of,
)

_DATA_CLASS = one_of("public", "internal", "confidential", "restricted")
_EGRESS = _keys(
    (is_name, "destination provider"),
    (is_version, "region contract retention"),
    location=one_of("in-process", "on-prem", "managed", "remote"),
    host=is_host,
)
_REPLIED = _EGRESS | _keys(
    (is_count, "status bytes ms attempts"), (is_host, "peer tls_name"), tls=is_version, provider_request=is_hash
)

LEAVING: Mapping[str, EventType] = {
    # what leaves the process
    "egress.intent": EventType(
        "egress",
        "A prompt is about to leave for a destination. Without an event of its end it may have left.",
        _EGRESS
        | _keys(
            (is_count, "bytes attempt"),
            (_DATA_CLASS, "data_class ceiling"),
            collection=is_name,
            conversation=is_id,
            prompt=is_version,
            body=is_hash,
            placed=many(is_id),
            scanned=is_flag,
            entities=is_counts,
        ),
        durable=True,
    ),
    "egress.done": EventType("egress", "A destination's reply came, or was read as far as it was wanted.", _REPLIED),
    "egress.failed": EventType("egress", "An attempt at a destination failed; the reason says how.", _REPLIED),
    "egress.blocked": EventType(
        "egress",
        "A prompt was kept from leaving; the reason says why. Nothing was sent.",
        _EGRESS | _keys((_DATA_CLASS, "data_class ceiling"), bytes=is_count, collection=is_name, entities=is_counts),
        durable=True,
    ),
    "prompt.written": EventType(
        "generate",
        "What a model is about to be told is kept as evidence; only where evidence is kept.",
        _keys((is_name, "collection generator"), prompt=is_version, placed=many(is_id)),
    ),
    "egress.unsafe": EventType(
        "egress",
        "A prompt is about to leave through a model whose bytes do not pass the gateway.",
        _EGRESS | _keys((_DATA_CLASS, "data_class ceiling"), collection=is_name, generator=is_name, prompt=is_version),
        durable=True,
    ),
    "egress.probed": EventType("egress", "A destination is asked whether it is there; no prompt leaves.", _EGRESS),
    # which generator answers, and what it costs
    "route.chosen": EventType(
        "routing",
        "A generator was chosen to answer, or none may; the reason says why. `tried` lists those asked, in order.",
        _keys(
            (is_name, "collection generator"),
            (is_count, "attempts rule"),
            route=one_of("small", "large", "fallback"),
            location=one_of("in-process", "on-prem", "managed", "remote"),
            data_class=_DATA_CLASS,
            need_u=is_micro,
            tried=many(is_name),
        ),
    ),
    "budget.refused": EventType(
        "routing",
        "A budget had no room for a call, or no price to count it by; it was not made.",
        _keys(
            (is_name, "collection generator"),
            (is_count, "budget tokens cost_micro"),
            then=one_of("small", "refuse"),
            priced=is_flag,
        ),
    ),
    "generation.done": EventType(
        "routing",
        "A generator answered, or failed as the reason says. Counts as the server gave them, or estimated.",
        _keys(
            (is_name, "collection generator destination"),
            (is_version, "model asked prompt currency"),
            (is_count, "max_tokens seed"),
            (is_count, "input output cached_input reasoning cost_micro ms ttft_ms"),
            (is_count, "invented_citations unsupported_sentences unsupported_numbers sanitised unknown_tokens"),
            (is_flag, "refused estimated streamed"),
            location=one_of("in-process", "on-prem", "managed", "remote"),
            data_class=_DATA_CLASS,
            finish=one_of("stop", "length", "content-filter", "cut"),
            temperature_u=is_micro,
            placed=many(is_id),
        ),
    ),
}
