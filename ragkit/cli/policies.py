"""Privacy: ``policy list`` and ``policy show``: what is looked for and what could find it; never a term of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.session import JsonOption, WorkspaceOption
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError, RagkitError

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.policy import Policy

PANEL = "Privacy"

policy_verbs = typer.Typer(no_args_is_help=True, help="Look at policies: profiles, and those of the workspace.")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    policy_verbs.command("list")(policy_list)
    policy_verbs.command("show")(policy_show)
    app.add_typer(policy_verbs, name="policy", rich_help_panel=PANEL)


def policy_list(workspace: WorkspaceOption = None, as_json: JsonOption = False) -> None:
    """List the profiles that come with ragkit, and the policies of the workspace if there is one."""
    from ragkit.profiles import PROFILES

    config = _config(workspace)
    lines: list[dict[str, Any]] = [
        {"name": name, "kind": "profile", "about": profile.about, "entities": len(profile.entities), "collections": []}
        for name, profile in PROFILES.items()
    ]
    lines += _own(config) if config else []
    if as_json:
        emit("policies", {"policies": [shaped("policy_line", line) for line in lines]})
        return
    rows = [(line["name"], line["kind"], line["entities"], line["about"]) for line in lines]
    table("Policies", ("name", "kind", "entities", "about"), rows)


def _own(config: Config) -> list[dict[str, Any]]:
    lines = []
    for name, policy in config.policies.items():
        about = f"Extends {policy.profile}." if policy.profile else "Names its own entities."
        used = [collection for collection, section in config.collections.items() if section.policy == name]
        lines.append(
            {"name": name, "kind": "policy", "about": about, "entities": len(policy.entities), "collections": used}
        )
    return lines


def policy_show(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A policy of the workspace, or a profile. Default: that of the only collection, or `default`.",
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a policy: every entity, what happens to it, from which score on, and what could find it.

    Lists are read to count their terms; the terms are not shown.
    """
    from ragkit.policy import Policy

    config = _config(workspace)
    shown = name or _only(config)
    policy = config.policies[shown] if config and shown in config.policies else Policy.from_profile(shown)
    found = {
        "name": shown,
        "profile": policy.profile,
        "secrets": policy.secrets,
        "default_threshold": policy.default_threshold,
        "detectors": list(policy.detectors),
        "countries": list(policy.countries),
        "unsafe": list(policy.unsafe),
        "entities": [shaped("policy_entity", line) for line in _entities(policy, config)],
        "lists": [shaped("policy_list", line) for line in _lists(policy, config)],
    }
    if as_json:
        emit("policy", found)
    else:
        _print(found)


def _print(found: Mapping[str, Any]) -> None:
    extends = f", extends {found['profile']}" if found["profile"] else ""
    say(f"{found['name']}{extends}: secrets {found['secrets']}; learned detectors: {_joined(found['detectors'])}")
    for mark in found["unsafe"]:
        say(f"UNSAFE: {mark}")
    rows = [
        (e["entity_type"], e["operator"], e["to"], e["threshold"], _joined(e["found_by"])) for e in found["entities"]
    ]
    table("Entities", ("entity", "operator", "to", "threshold", "found by"), rows)
    if found["lists"]:
        lists = [
            (one["name"], one["kind"], _joined(one["entity_types"]), one["source"], one["problem"] or one["terms"])
            for one in found["lists"]
        ]
        table("Lists", ("list", "kind", "entities", "source", "terms"), lists)


def _joined(words: list[str]) -> str:
    return ", ".join(words) or "none"


def _config(workspace: Path | None) -> Config | None:
    """The workspace's configuration; none where no workspace was named and there is none."""
    from ragkit.config import find_workspace, load_config

    try:
        folder = find_workspace(workspace or Path())
    except ConfigError:
        if workspace is not None:
            raise
        return None
    return load_config(folder)


def _only(config: Config | None) -> str:
    if config and len(config.collections) == 1:
        return next(iter(config.collections.values())).policy
    return "default"


def _entities(policy: Policy, config: Config | None) -> Iterator[dict[str, Any]]:
    finders = _finders(policy, config)
    for entity_type in sorted({*policy.entities, *policy.own_types}):
        rule = policy.rule(entity_type)
        assert rule is not None
        yield {
            "entity_type": entity_type,
            "operator": rule.operator,
            "to": rule.to,
            "threshold": policy.threshold(entity_type),
            "found_by": finders.get(entity_type, []) if rule.operator != "keep" else [],
        }


def _finders(policy: Policy, config: Config | None) -> dict[str, list[str]]:
    """What can find each type, by the names of the configuration."""
    from ragkit.detect.build import BUILTIN_FINDS, section_of, wanted_of
    from ragkit.mask.identifiers import identifier_types
    from ragkit.mask.recognizers import rows
    from ragkit.mask.rules import ENTITIES

    found: dict[str, list[str]] = {}

    def add(entity_type: str, finder: str) -> None:
        names = found.setdefault(entity_type, [])
        if finder not in names:
            names.append(finder)

    for row in rows(None, policy.countries):
        add(_ruled_as(policy, row.entity_type), "patterns")
    for entity_type in ENTITIES:
        add(entity_type, "rules")
    for entity_type in identifier_types(policy.countries):
        add(_ruled_as(policy, entity_type), "identifiers")
    parts: dict[str, Mapping[str, Any]] = {
        "dictionary": policy.dictionaries,
        "recognizer": policy.recognizers,
        "deny list": policy.deny,
    }
    for kind, named in parts.items():
        for name, part in named.items():
            add(part.entity_type, f"{kind} {name}")
    for name in policy.detectors:
        section = section_of(name, config.detectors if config else {})
        wanted = wanted_of(policy, section)
        for entity_type in wanted & BUILTIN_FINDS if section.kind == "builtin" else wanted:
            add(entity_type, f"detector {name}")
    return found


def _ruled_as(policy: Policy, entity_type: str) -> str:
    """The type whose rule holds: a country's type without a rule of its own falls under NATIONAL_ID."""
    from ragkit.policy import NATIONAL_ID

    own = entity_type in policy.entities or entity_type in policy.own_types
    return entity_type if own or policy.rule(entity_type) is None else NATIONAL_ID


def _lists(policy: Policy, config: Config | None) -> Iterator[dict[str, Any]]:
    from ragkit.mask.lists import terms_of

    folder = config.folder if config else Path()
    for kind, sources in (("deny", policy.deny), ("allow", policy.allow)):
        for name, terms in terms_of(kind, sources, folder).items():
            source: Any = sources[name]
            types = [source.entity_type] if kind == "deny" else list(source.entity_types)
            size, problem = None, ""
            try:
                size = len(terms)
            except RagkitError as refused:
                problem = str(refused)
            yield {
                "name": name,
                "kind": kind,
                "entity_types": types,
                "source": "file" if source.sql is None else "database",
                "terms": size,
                "problem": problem,
            }
