"""The generators that a configuration names, with the presets they stand on; nothing is imported to tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ragkit.config import Config
from ragkit.config_answering import ModelSection


@dataclass(frozen=True, slots=True)
class Named:
    """One generator as configured: its kind and options with those of its preset, and where its prompts go."""

    name: str
    kind: str
    options: Mapping[str, Any]
    destination: str | None = None


def default_name(config: Config) -> str:
    """Return the name of the generator that ``[generator]`` means: the one it uses, or its kind."""
    return config.generator.use or config.routing.small or config.generator.kind


def named_generators(config: Config) -> dict[str, Named]:
    """Return every generator of a configuration by name: those of ``[generators]``, the one of ``[generator]``."""
    found = {"extractive": Named("extractive", "extractive", {})}
    if config.generator.use is None:
        own = config.generator
        found[own.kind] = Named(own.kind, own.kind, own.options)
    return found | {name: _named(name, section) for name, section in config.generators.items()}


def _named(name: str, section: ModelSection) -> Named:
    if section.preset is None:
        return Named(name, str(section.kind), section.options, section.destination)
    from ragkit.backends.presets import find_preset

    preset = find_preset(section.preset)
    return Named(name, preset.kind, {**preset.options, **section.options}, section.destination)


def routed_names(config: Config) -> list[str]:
    """Return the generators that routing may ask, without repetition; empty where nothing is routed."""
    routing = config.routing
    if not (routing.large or routing.fallback or routing.rules):
        return []
    roles = {"small": routing.small or default_name(config), "large": routing.large}
    ruled = (roles.get(rule.use, rule.use) for rule in routing.rules)
    chosen = (default_name(config), *roles.values(), routing.fallback, *ruled)
    return list(dict.fromkeys(name for name in chosen if name))
