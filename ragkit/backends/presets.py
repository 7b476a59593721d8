"""The usual model servers and hosts: what to write for each.

Facts of the day in ``CHECKED``, each from the page in ``source``; servers change, and ``ragkit generators test`` says
what is true of yours. A preset gives kind and default options of a generator. Where its prompts may go is never given:
a destination is declared by whoever answers for it. ``url`` and ``location`` are what one would write there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

from ragkit.errors import ConfigError
from ragkit.types import Location

CHECKED: Final = "2026-11-22"
_OPENAI: Final = "openai_compatible"


@dataclass(frozen=True, slots=True)
class Preset:
    """One server or host.

    Attributes:
        name: For ``preset = "…"``.
        kind: Of the generator.
        url: Root of its API as it comes, or with a part in capitals to fill in.
        location: Where it usually runs.
        needs_key: Whether it asks for a key as it comes.
        options: Defaults of the generator's options.
        note: What one must know.
        source: Page that says so.
    """

    name: str
    kind: str
    url: str
    location: Location
    needs_key: bool
    source: str
    note: str = ""
    options: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))


def _own(name: str, url: str, source: str, note: str = "", **options: Any) -> Preset:
    return Preset(name, _OPENAI, url, Location.ON_PREM, False, source, note, MappingProxyType(options))


def _host(name: str, url: str, source: str, note: str = "", *, location: Location = Location.MANAGED) -> Preset:
    return Preset(name, _OPENAI, url, location, True, source, note, MappingProxyType({"context_tokens": 32_768}))


_TABLE: Final = (
    _own(
        "vllm",
        "http://127.0.0.1:8000/v1",
        "https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
        "Set `context_tokens` to its --max-model-len; a key only with --api-key.",
    ),
    _own(
        "llama-cpp-server",
        "http://127.0.0.1:8080/v1",
        "https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
        "Set `context_tokens` to its --ctx-size divided by --parallel; it answers to any model name.",
        context_tokens=4096,
        model_list="ignore",
    ),
    _own(
        "ollama",
        "http://127.0.0.1:11434/v1",
        "https://docs.ollama.com/api/openai-compatibility",
        "It cuts longer prompts silently: start it with OLLAMA_CONTEXT_LENGTH and write the same `context_tokens`.",
        context_tokens=4096,
    ),
    _own(
        "tgi",
        "http://127.0.0.1:8080/v1",
        "https://huggingface.co/docs/text-generation-inference/messages_api",
        "Set `context_tokens` to its --max-total-tokens; `model` may be any word.",
        context_tokens=4096,
        model_list="ignore",
    ),
    _own(
        "lm-studio",
        "http://127.0.0.1:1234/v1",
        "https://lmstudio.ai/docs/developer/openai-compat",
        "Set `context_tokens` to what the model was loaded with.",
        context_tokens=4096,
    ),
    _own(
        "transformers-serve",
        "http://127.0.0.1:8000/v1",
        "https://huggingface.co/docs/transformers/serve-cli/serving",
        "Its model list names the cache and not the model it serves, so it is tried out instead; for moderate load.",
        model_list="none",
    ),
    Preset(
        "openai", _OPENAI, "https://api.openai.com/v1", Location.REMOTE, True,
        "https://platform.openai.com/docs/api-reference/chat",
        "Kept 30 days unless agreed otherwise; `store` is switched off.",
        MappingProxyType(
            {"context_tokens": 128_000, "max_tokens_field": "max_completion_tokens", "extra_body": {"store": False}}
        ),
    ),
    Preset(
        "anthropic", "anthropic", "https://api.anthropic.com/v1", Location.REMOTE, True,
        "https://platform.claude.com/docs/en/api/messages",
        "What is kept, and for how long: platform.claude.com/docs/en/manage-claude/api-and-data-retention.",
        MappingProxyType({"context_tokens": 200_000}),
    ),
    Preset(
        "azure", "azure", "https://RESOURCE.openai.azure.com/openai/v1", Location.REMOTE, True,
        "https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
        "`model` is the deployment's name; with `api_version` the URL ends in /openai.",
        MappingProxyType({"context_tokens": 128_000}),
    ),
    Preset(
        "bedrock", "bedrock", "https://bedrock-runtime.REGION.amazonaws.com", Location.REMOTE, True,
        "https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html",
        "`api_key`, or `access_key` and `secret_key` with `region`; nothing is read from the environment.",
    ),
    _host(
        "mistral",
        "https://api.mistral.ai/v1",
        "https://docs.mistral.ai/admin/monitor-comply/zero-data-retention",
        "Zero data retention on request, on paid plans.",
        location=Location.REMOTE,
    ),
    _host("together", "https://api.together.ai/v1", "https://docs.together.ai/docs/openai-api-compatibility"),
    _host(
        "fireworks",
        "https://api.fireworks.ai/inference/v1",
        "https://docs.fireworks.ai/tools-sdks/openai-compatibility",
        "Models are named `accounts/fireworks/models/…`.",
    ),
    _host("groq", "https://api.groq.com/openai/v1", "https://console.groq.com/docs/openai"),
    _host(
        "deepinfra",
        "https://api.deepinfra.com/v1/openai",
        "https://deepinfra.com/docs/advanced/openai_api",
        "The path is /v1/openai; /v1 alone answers 404.",
    ),
    _host(
        "scaleway",
        "https://api.scaleway.ai/v1",
        "https://www.scaleway.com/en/developers/api/generative-apis/",
        "Hosted in Paris (fr-par).",
    ),
    _host(
        "ovhcloud",
        "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        "https://docs.docker.com/ai/docker-agent/providers/ovhcloud.md",
        "Hosted in the EU.",
    ),
    _host(
        "huggingface",
        "https://router.huggingface.co/v1",
        "https://huggingface.co/changelog/inference-providers-openai-compatible",
        "A router: it hands prompts on to others. Pin one with `model:provider`, or rent an endpoint of your own.",
        location=Location.REMOTE,
    ),
)  # fmt: skip

PRESETS: Final[Mapping[str, Preset]] = MappingProxyType({preset.name: preset for preset in _TABLE})
"""By name, in the order in which they are listed."""


def find_preset(name: str) -> Preset:
    """Return a preset.

    Raises:
        ConfigError: There is none of that name.
    """
    if name not in PRESETS:
        guess = get_close_matches(name, PRESETS, n=1)
        hint = f"Did you mean `{guess[0]}`?" if guess else f"Known: {', '.join(PRESETS)}."
        raise ConfigError("there is no preset of this name", remedy=hint)
    return PRESETS[name]
