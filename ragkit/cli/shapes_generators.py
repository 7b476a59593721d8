"""The ``--json`` outputs of ``ragkit generators``; ``ragkit.cli.shapes`` lists them with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

GENERATORS: Mapping[str, Shape] = {
    "generator": Shape(
        about="A generator as it is configured.",
        fields={
            "name": ("text", "as `[generator] use` and `--generator` know it"),
            "kind": ("text", "its kind"),
            "preset": ("text", "the preset it stands on; empty without"),
            "model": ("text", "the model asked for; empty where none is named"),
            "destination": ("text", "where its prompts go; empty in process"),
            "location": ("text", "`in-process`, `on-prem`, `managed` or `remote`"),
            "ceiling": ("text", "most sensitive data class that it may be given"),
            "default": ("true or false", "it answers where nothing else is said"),
            "problem": ("text", "what is wrong with its section, and what to do; empty when all is well"),
        },
    ),
    "preset": Shape(
        about="What to write for a usual server or host.",
        fields={
            "name": ("text", 'for `preset = "…"`'),
            "kind": ("text", "of the generator"),
            "url": ("text", "root of its API as it comes; parts in capitals are to be filled in"),
            "location": ("text", "where it usually runs"),
            "needs_key": ("true or false", "it asks for a key as it comes"),
            "note": ("text", "what one must know; may be empty"),
            "source": ("text", "page that says so"),
        },
    ),
    "generators_list": Shape(
        verb="generators list --json",
        about="The generators of the workspace, and the presets.",
        fields={
            "generators": ("list of generator", "in the order of the file"),
            "presets": ("list of preset", "the usual servers and hosts"),
            "presets_checked": ("text", "day on which the facts of the presets were looked up"),
        },
    ),
    "generators_test": Shape(
        verb="generators test --json",
        about="Whether a generator works.",
        fields={
            "name": ("text", "the generator"),
            "kind": ("text", "its kind"),
            "destination": ("text", "where its prompts go; empty in process"),
            "location": ("text", "`in-process`, `on-prem`, `managed` or `remote`"),
            "ok": ("true or false", "whether all is well"),
            "code": ("text", "what is wrong, such as `connect`, `tls`, `model`, `key`, `context`, `slow`; else empty"),
            "checks": ("list of check", "up to the first that failed"),
            "model": ("text", "as the server names it"),
            "context_tokens": ("int", "what ragkit was told; 0 without a model"),
            "ttft_ms": ("number or null", "time to the first text of the call"),
            "tokens_per_second": ("number or null", "after the first text; null when too few came to tell"),
            "input_tokens": ("int", "of the call"),
            "output_tokens": ("int", "of the call"),
        },
    ),
}
