"""The generators of a configuration, as a table: what each is, where its prompts go, what it may be given."""

from __future__ import annotations

from dataclasses import dataclass

from ragkit.config import Config
from ragkit.errors import RagkitError
from ragkit.generator_names import Named, check_generator, default_name, named_generators
from ragkit.registry import Registry
from ragkit.types import DataClass, Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One generator as it is configured.

    Attributes:
        name: As ``[generator] use``, routing and ``--generator`` know it.
        kind: Its kind.
        preset: The preset it stands on; empty without.
        model: The model asked for; empty where the options name none.
        destination: Where its prompts go; empty in process.
        location: Where that is.
        ceiling: Most sensitive class of content that it may be given.
        default: Whether it answers where nothing else is said.
        problem: What is wrong with its section, and what to do; empty when all is well.
    """

    name: str
    kind: str
    preset: str
    model: str
    destination: str
    location: Location
    ceiling: DataClass
    default: bool
    problem: str = ""


def list_generators(config: Config) -> list[Listed]:
    """Return every generator of a configuration. Opens nothing and reads no secret."""
    registry = Registry(allow=config.plugins.allow)
    usual = default_name(config)
    return [
        _listed(config, registry, named, default=named.name == usual) for named in named_generators(config).values()
    ]


def _listed(config: Config, registry: Registry, named: Named, *, default: bool) -> Listed:
    section = config.generators.get(named.name)
    destination = config.destinations[named.destination] if named.destination else None
    found, problem = None, ""
    try:
        found = check_generator(registry, named)
    except RagkitError as refused:
        problem = f"{refused}. {refused.remedy}"
    unseen = getattr(found, "max_data_class", None)  # its bytes pass no gateway
    elsewhere = Location(str(named.options.get("location", Location.REMOTE))) if unseen else Location.IN_PROCESS
    return Listed(
        name=named.name,
        kind=named.kind,
        preset=(section.preset if section else None) or "",
        model=str(named.options.get("model") or ""),
        destination=named.destination or "",
        location=destination.location if destination else elsewhere,
        ceiling=destination.max_data_class if destination else unseen or DataClass.RESTRICTED,
        default=default,
        problem=problem,
    )
