"""The shapes of what answering prints beside the answer: its account, and what would leave."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

ANSWERING: Mapping[str, Shape] = {
    "account": Shape(
        verb="within an answer",
        about="Which generator answered, why that one, and what it cost.",
        fields={
            "backend": ("text", "the generator's name"),
            "location": ("text", "`in-process`, `on-prem`, `managed` or `remote`"),
            "model": ("text", "as the server names it; empty for `extractive`"),
            "destination": ("text", "the declared destination; empty in process"),
            "route": ("text", "`only`, `small`, `large` or `fallback`"),
            "reason": ("text", "why that route; may be empty"),
            "attempts": ("int", "generators tried"),
            "input_tokens": ("int", "of all that was tried"),
            "output_tokens": ("int", "likewise"),
            "estimated": ("true or false", "a server did not count, so ragkit did"),
            "cost_micro": ("int or null", "in millionths of the currency; null where no price is known"),
            "currency": ("text", "three letters"),
            "latency_ms": ("number", "of the generator"),
            "ttft_ms": ("number", "to the first text"),
            "finish": ("text", "`stop`, `length`, `content-filter` or `cut`"),
            "prompt": ("text", "version and hash of the prompt"),
        },
    ),
    "checks": Shape(
        verb="within an answer",
        about="What was found wrong with a model's text, and mended or marked; counts.",
        fields={
            "invented_citations": ("int", "markers of chunks that were not supplied; dropped"),
            "unsupported_sentences": ("int", "sentences that their sources do not say"),
            "unsupported_numbers": ("int", "numbers and identifiers that stand in no source"),
            "sanitised": ("int", "images, raw HTML and foreign links taken out"),
            "unknown_tokens": ("int", "aliases that were never handed out"),
        },
    ),
    "egress_explain": Shape(
        verb="egress explain --json",
        about="What a question would send; one entry a generator that may be asked.",
        fields={"generators": ("list of egress_generator", "in the order of routing")},
    ),
    "egress_generator": Shape(
        verb="within egress_explain",
        about="One generator, what it would be sent and whether it may.",
        fields={
            "generator": ("text", "its name"),
            "kind": ("text", "its kind"),
            "model": ("text", "the model asked for"),
            "location": ("text", "where it runs"),
            "destination": ("text or null", "the declared destination; null in process"),
            "host": ("text or null", "the one host that is connected to"),
            "provider": ("text or null", "who runs it"),
            "region": ("text or null", "where"),
            "contract": ("text or null", "reference of the contract"),
            "retention": ("text or null", "how long prompts are kept there"),
            "ceiling": ("text or null", "the most sensitive class it may receive"),
            "data_class": ("text", "of what was retrieved"),
            "allowed": ("true or false", "whether it may be sent"),
            "reason": ("text", "`in-process`, `ok`, or the rule that forbids it"),
            "findings": ("object", "personal data in the final bytes: count by entity type"),
            "prompt": ("text", "version and hash of the prompt"),
            "messages": ("list of object", "role and content, in the prompt view"),
            "path": ("text or null", "below the destination's URL"),
            "headers": ("list of text", "their names"),
            "body": ("text or null", "the very bytes"),
        },
    ),
}
