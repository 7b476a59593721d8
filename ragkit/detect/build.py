"""From a policy's ``detectors`` and the ``[detectors]`` sections to learned detectors, unloaded.

Importing this module imports no detector; building one imports its module, and only ``load()`` its library.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from ragkit.config_sections import BUILTIN_DETECTOR, DetectorSection
from ragkit.detect.decode import LABELS
from ragkit.errors import ConfigError
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.registry import Registry
from ragkit.rootkey import open_options

BUILTIN_FINDS = frozenset(LABELS)
"""What the shipped detector can find; a policy that wants none of it does not pay for it."""

SUPPLIED = ("name", "entities", "threads", "thresholds")
"""What a detector's constructor is given by ragkit, if it takes it."""

_BUILTIN = DetectorSection(kind=BUILTIN_DETECTOR)


def section_of(name: str, sections: Mapping[str, DetectorSection]) -> DetectorSection:
    """Return the section of a detector that a policy names; the shipped one needs none.

    Raises:
        ConfigError: There is no such section.
    """
    if name in sections:
        return sections[name]
    if name == BUILTIN_DETECTOR:
        return _BUILTIN
    raise ConfigError(
        f"the policy names a detector {name!r} that is not there",
        remedy=f"Write `{BUILTIN_DETECTOR}`, or add a section [detectors.{name}].",
    )


def wanted_of(policy: Policy, section: DetectorSection) -> frozenset[str]:
    """Which types a policy wants of a detector; empty where it need not run."""
    asked = frozenset(filter(policy.wants, section.entities)) if section.entities else frozenset(policy.wanted)
    wanted = frozenset(name for name in asked if (rule := policy.rule(name)) is None or rule.learned)
    if section.kind == BUILTIN_DETECTOR and not wanted & BUILTIN_FINDS:
        return frozenset()
    return wanted


def build_learned(
    policy: Policy,
    sections: Mapping[str, DetectorSection],
    *,
    registry: Registry | None = None,
    folder: Path = Path(),
    threads: int | None = None,
) -> list[Detector]:
    """The learned detectors that a policy names, without those that could find nothing it wants.

    Args:
        policy: Its ``detectors``, entity types and thresholds.
        sections: By name, as in ``ragkit.toml``.
        registry: What the kinds stand for, and which foreign packages may run.
        folder: What relative paths count from.
        threads: Processor threads for each; ``None`` for all.

    Raises:
        ConfigError: A detector is not there, its package is not allowed, or it refuses its options.
        MissingDependency: A package it needs is not installed.
        ModelError: Its model is not there.
    """
    registry = registry or Registry()
    detectors = []
    for name in policy.detectors:
        section = section_of(name, sections)
        if wanted := wanted_of(policy, section):
            detectors.append(_build(name, section, policy, wanted, registry, folder, threads))
    return detectors


def _build(
    name: str,
    section: DetectorSection,
    policy: Policy,
    wanted: Collection[str],
    registry: Registry,
    folder: Path,
    threads: int | None,
) -> Detector:
    made = registry.load("detectors", section.kind)
    parameters = signature(made).parameters
    check_detector(section, registry)
    given: dict[str, Any] = {
        **({} if section.kind == BUILTIN_DETECTOR else {"name": name}),
        "entities": wanted,
        "threads": threads,
        "threshold": min(map(policy.threshold, wanted)),
        "thresholds": _thresholds(policy, section, wanted),
    }
    options = {key: value for key, value in given.items() if key in parameters}
    options |= open_options(_written(section), folder=folder) | _place(section.path, folder)
    try:
        detector: Detector = made(**options)
    except (TypeError, ValueError) as refused:
        raise ConfigError(
            f"detector {name!r} refuses its options ({type(refused).__name__})",
            remedy=f"Compare [detectors.{name}] with docs/configuration.md.",
        ) from None
    return detector


def check_detector(section: DetectorSection, registry: Registry) -> None:
    """Check the names of a section's options against the detector's constructor. Loads no model.

    Raises:
        ConfigError: There is no such kind, its package is not allowed, or an option is missing.
        UnknownKey: It takes no such option.
    """
    taken = signature(registry.load("detectors", section.kind)).parameters
    given = {*_written(section), *({"threshold"} & set(taken))}
    registry.check_options("detectors", section.kind, given, supplied=SUPPLIED)


def _written(section: DetectorSection) -> dict[str, Any]:
    """The options as written; the shipped detector takes its threshold among those by type."""
    shipped = section.kind == BUILTIN_DETECTOR
    return {key: value for key, value in section.options.items() if not (shipped and key == "threshold")}


def _thresholds(policy: Policy, section: DetectorSection, wanted: Collection[str]) -> dict[str, float]:
    """The thresholds that somebody wrote; for other types a detector that takes these keeps its own, measured ones."""
    written = {} if section.threshold is None else dict.fromkeys(sorted(wanted), section.threshold)
    rules = {entity_type: policy.rule(entity_type) for entity_type in sorted(wanted)}
    return written | {name: rule.threshold for name, rule in rules.items() if rule and rule.threshold is not None}


def _place(path: str | None, folder: Path) -> dict[str, str]:
    """A path as seen from the workspace, unless it is the bare name of a package."""
    if path is None:
        return {}
    there = folder / Path(path).expanduser()
    return {"path": str(there) if there.exists() or len(Path(path).parts) > 1 else path}
