"""The generators that a configuration names, with the presets they stand on; nothing is imported to tell them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from inspect import signature
from typing import Any

from ragkit.config import Config
from ragkit.config_answering import ModelSection
from ragkit.errors import ConfigError
from ragkit.registry import Registry

SUPPLIED = ("door", "embedder", "allow")
"""Parameters of a generator's constructor that ragkit gives; all others are options of ``ragkit.toml``."""


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
    own = named_generators(config)  # a generator that is called `small` goes before the role
    ruled = (rule.use if rule.use in own else roles.get(rule.use) for rule in routing.rules)
    chosen = (default_name(config), *roles.values(), routing.fallback, *ruled)
    return list(dict.fromkeys(name for name in chosen if name))


def check_generator(registry: Registry, named: Named) -> Any:
    """Return the class of a generator, its options checked by name and its destination by whether it needs one.

    Raises:
        ConfigError: There is no such kind, it takes no such option, or a destination is missing or too many.
    """
    found = registry.load("generators", named.kind)
    registry.check_options("generators", named.kind, named.options, supplied=SUPPLIED)
    served = "door" in signature(found).parameters
    if served and named.destination is None:
        raise ConfigError(
            f"generator {named.name!r} sends its prompts to a server and names no destination",
            remedy='Write `destination = "…"`, and a section [destinations.…] that says where and what may go.',
        )
    if not served and named.destination is not None:
        raise ConfigError(
            f"generator {named.name!r} runs in this process and names a destination",
            remedy="Leave `destination` out.",
        )
    return found
