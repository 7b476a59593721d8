"""What is another one now than when an answer was given: policy, models, index, prompt, generator, version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ragkit.compliance.events import EventLog
from ragkit.compliance.replay_report import Cause, Change

if TYPE_CHECKING:
    from ragkit.build import OpenCollection
    from ragkit.compliance.replay_log import Recorded

_BY_PART: tuple[tuple[str, Cause], ...] = (
    ("policies.", "policy"),
    ("detectors.", "policy"),
    ("embedder", "encoder"),
    ("chunker", "chunker"),
    ("generator", "generator"),
    ("destinations.", "generator"),
    ("answers.", "generator"),
    ("routing.", "generator"),
)
_BY_KEY: Mapping[str, Cause] = {"policy": "policy", "language": "language", "access": "access"}


def changes_since(
    recorded: Recorded,
    part: OpenCollection,
    configs: Mapping[str, Mapping[str, str]],
    *,
    built: Mapping[str, Any],
    policy: str,
    software: Mapping[str, str],
) -> list[Change]:
    """Return what differs between then and now, by fingerprints and versions.

    Args:
        recorded: The answer.
        part: The collection as it is configured now.
        configs: The parts of each configuration there was, by its keyed hash: :func:`configs_of`.
        built: Data of the event by which the generation that answered became active; may be empty.
        policy: Fingerprint under which the question was masked.
        software: What stands in events now.
    """
    compared = _compared(recorded, part, configs, built, policy, software)
    return [one for one in compared if one.then and one.then != one.now]


def config_causes(changes: Iterable[Change]) -> set[Cause]:
    """Return what the parts of the configuration that changed stand for."""
    return {cause for one in changes if one.what == "config" if (cause := _cause_of(one.now)) is not None}


def _compared(
    recorded: Recorded,
    part: OpenCollection,
    configs: Mapping[str, Mapping[str, str]],
    built: Mapping[str, Any],
    policy: str,
    software: Mapping[str, str],
) -> Iterator[Change]:
    made = part.fingerprints
    yield Change(what="policy", then=policy or str(built.get("policy", "")), now=made.policy)
    for name in ("encoder", "chunker", "language"):
        yield Change(what=name, then=str(built.get(name, "")), now=str(getattr(made, name)))
    number = part.index.generations.current()
    yield Change(what="index", then=str(recorded.generation), now=str(number))
    yield Change(what="version", then=recorded.software.get("ragkit", ""), now=software.get("ragkit", ""))
    then, now = recorded.software.get("cfg", ""), software.get("cfg", "")
    if then and then != now:
        yield from _config(configs, then, now)


def _config(configs: Mapping[str, Mapping[str, str]], then: str, now: str) -> Iterator[Change]:
    """One change a part of the configuration; the log holds a keyed hash of each."""
    old, new = configs.get(then, {}), configs.get(now, {})
    if not old or not new:
        yield Change(what="config", then=then, now=now)
        return
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield Change(what="config", then="other", now=name)


def configs_of(log: EventLog) -> dict[str, dict[str, str]]:
    """Return the keyed hash of each part of each configuration that the log knows, by that of the whole."""
    found: dict[str, dict[str, str]] = {}
    for event in log.read("config.changed"):
        found.setdefault(str(event["data"].get("config", "")), {}).update(event["data"].get("parts", {}))
    return found


def _cause_of(name: str) -> Cause | None:
    if name.startswith("collections."):
        return _BY_KEY.get(name.rpartition(".")[2])
    return next((cause for prefix, cause in _BY_PART if name.startswith(prefix)), None)
