"""Checks of what went out: ``egress`` to other machines, ``vault`` in clear to people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median

from ragkit.compliance.checks import Check, Scope, some
from ragkit.compliance.events import Event
from ragkit.compliance.exits import Exit, exits
from ragkit.compliance.naming import Names
from ragkit.compliance.telling import amount
from ragkit.types import Location

_STILL_RUNNING = timedelta(minutes=15)
_SHOWN = ("pii.unmasked", "pii.unmasking", "subject.exported", "access.evidence")
_MANY, _TIMES = 20, 10
"""A day with so many values shown to one person, and so many times the median day, is told."""


def egress(scope: Scope) -> Iterator[Check]:
    """Destinations outside the register, past the gateway, without contract or region, and intents without an end."""
    config = scope.handles.config
    by_place: dict[str, list[Exit]] = defaultdict(list)
    for one in exits(scope.log.read("egress.")):
        if not one.probe and one.state != "blocked":
            by_place[one.destination].append(one)
    for name, left in sorted(by_place.items()):
        unsafe = [one for one in left if one.state == "unsafe"]
        through = [one for one in left if one.state != "unsafe"]
        if through and name not in config.destinations:
            what = f"{amount(len(through), 'prompt')} left for {name}, which is not in the register"
            remedy = "Write it under [destinations] with its contract, or find out who took it out."
            yield _left(through, "unregistered", what, remedy)
        if unsafe:
            what = f"{amount(len(unsafe), 'prompt')} left past the gateway, through {name}"
            remedy = "Give the generator a destination and a kind that goes through the gateway."
            yield _left(unsafe, "unsafe", what, remedy)
    every = [one for left in by_place.values() for one in left]
    open_ = [one for one in every if one.state == "open"]
    ended = [one for one in open_ if scope.now - datetime.fromisoformat(one.ts) > _STILL_RUNNING]
    if ended:
        what = f"No end in the log, so they may have left: {amount(len(ended), 'prompt')}"
        yield _left(ended, "open", what, "A process was killed in between; ask the provider.")
    for name, place in sorted(config.destinations.items()):
        lacking = [key for key in ("contract", "region") if getattr(place, key) is None]
        if lacking and place.location is not Location.ON_PREM:
            yield Check(
                name="egress",
                level="finding",
                code="unnamed",
                detail=f"The destination {name} is {place.location.value} and has no {' and no '.join(lacking)}.",
                remedy=f"Write `{lacking[0]}` under [destinations.{name}]: a register of recipients names it.",
                seqs=some(one.seq for one in by_place.get(name, ())),
            )
    if every:
        what = f"{amount(len(every), 'prompt')} left for {amount(len(by_place), 'destination')}."
        counts = {"prompts": len(every), "destinations": len(by_place), "bytes": sum(one.bytes for one in every)}
        yield Check(name="egress", level="notice", code="left", detail=what, counts=counts)


def _left(these: list[Exit], code: str, detail: str, remedy: str) -> Check:
    return Check(
        name="egress",
        level="finding",
        code=code,
        detail=f"{detail}.",
        remedy=remedy,
        seqs=some(one.seq for one in these),
        counts={"prompts": len(these), "bytes": sum(one.bytes for one in these)},
    )


def vault(scope: Scope) -> Iterator[Check]:
    """Values shown without a purpose, days with unusually many, and lists of who may be shown them."""
    config, names = scope.handles.config, Names(scope.handles.config, scope.handles.recorder)
    shown = list(scope.log.read(*_SHOWN))
    for actor, events in _by_actor(one for one in shown if not one["data"].get("purpose")):
        yield Check(
            name="vault",
            level="finding",
            code="no-purpose",
            detail=f"{names.shown(actor)} was shown values or evidence with no purpose, {amount(len(events), 'time')}.",
            remedy="ragkit itself asks for a purpose: find out what wrote these events, and ask them why.",
            seqs=some(int(one["seq"]) for one in events),
            counts={"times": len(events), "tokens": sum(_tokens(one) for one in events)},
        )
    days: dict[tuple[str, str], list[Event]] = defaultdict(list)
    for one in shown:
        if one["type"] == "pii.unmasked":
            days[str(dict(one["actor"]).get("id", "")), str(one["ts"])[:10]].append(one)
    values = {key: sum(map(_tokens, events)) for key, events in days.items()}
    usual = median(values.values()) if values else 0
    for (actor, day), count in values.items():
        if count >= _MANY and count > _TIMES * usual and len(values) > 1:
            yield Check(
                name="vault",
                level="notice",
                code="many",
                detail=f"{names.shown(actor)} was shown {count:,} values on {day}; the median day of a person has "
                f"{usual:,.0f}.",
                seqs=some(int(one["seq"]) for one in days[actor, day]),
                counts={"tokens": count},
            )
    for name, section in config.collections.items():
        if "pub" in section.reveal:
            yield Check(
                name="vault",
                level="finding",
                code="everybody",
                detail="Everybody may be shown masked values in clear.",
                remedy=f"Take `pub` out of `reveal` under [collections.{name}].",
                collection=name,
            )
        groups = [token for token in section.reveal if token.startswith("g:")]
        if groups:
            detail = f"{amount(len(groups), 'group')} may be shown masked values; who belongs there is not known here."
            yield Check(
                name="vault", level="notice", code="groups", detail=detail, collection=name,
                counts={"groups": len(groups)},
            )  # fmt: skip


def _by_actor(events: Iterator[Event]) -> list[tuple[str, list[Event]]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for one in events:
        found[str(dict(one["actor"]).get("id", ""))].append(one)
    return sorted(found.items())


def _tokens(event: Event) -> int:
    return int(event["data"].get("tokens", 0))
