"""Chapters on what there is: systems and destinations, the flow of data, models, and how it is configured."""

from __future__ import annotations

from collections import Counter

from ragkit.compliance.telling import amount
from ragkit.report.model import Box, Chart, Cited, Flow, Row, Section, Table, cited, counted
from ragkit.report.setting import Setting
from ragkit.report.tally import Tally

_LEAVES = ("intent", "unsafe")


def systems(setting: Setting, tally: Tally) -> Section:
    """Systems that answer, and where prompts may go: as configured and as observed."""
    config = setting.config
    observed = {key[0]: (events, sums) for key, events, sums in _by(tally, "generated", 1)}
    answered = {key[0]: events for key, events, _ in _by(tally, "answered", 1, place=1)}
    rows = []
    for name in dict.fromkeys(
        [*config.generators, config.generator.use or config.generator.kind, *observed, *answered]
    ):
        section = config.generators.get(name)
        kind = (section.kind or section.preset or "") if section else (name if name == config.generator.kind else "")
        where = config.destinations[section.destination] if section and section.destination else None
        events = observed.get(name, (Cited(), Counter()))[0] + answered.get(name, Cited())
        configured = section is not None or name in (config.generator.use, config.generator.kind, "extractive")
        place = where.location.value if where else "in this process" if configured else ""
        told = (name, kind, place, "yes" if configured else "no", events.count)
        rows.append(Row(told, events, "" if configured else "finding"))
    places = []
    seen = {key[0]: events for key, events, _ in _by(tally, "egress", 1) if key[0]}
    for name in dict.fromkeys([*config.destinations, *seen]):
        known = config.destinations.get(name)
        events = seen.get(name, Cited())
        if known is None and name in config.generators:
            continue  # a model that opens its own connections; told in the chapter on what left
        cells = (
            (
                name,
                known.provider,
                known.location.value,
                known.region or "not written down",
                known.contract or "not written down",
                known.retention or "not written down",
                known.max_data_class.value,
                events.count,
            )
            if known
            else (name, *_recorded(tally, name), "", "not in the register", events.count)
        )
        lacking = known is None or not (known.contract and known.region)
        places.append(Row(cells, events, "finding" if lacking else ""))
    return Section(
        "systems",
        "Systems and destinations",
        "Which systems write answers here and where prompts may go, as ragkit.toml has it today and as the events of "
        "this time show it.",
        (
            Table("Generators", ("generator", "kind", "runs", "configured", "events"), tuple(rows)),
            Table(
                "Destinations",
                (
                    "destination",
                    "provider",
                    "location",
                    "region",
                    "contract",
                    "keeps prompts",
                    "most sensitive class",
                    "events",
                ),
                tuple(places),
                "No destination is configured and none was seen: no prompt can leave this process through ragkit.",
            ),
        ),
    )


def flow(setting: Setting, tally: Tally) -> Section:
    """The way of the data, as configured and as observed."""
    config = setting.config
    sources = tuple(
        Box(f"{name}: {source.name}", (source.connector, *_documents(tally, name, source.name)))
        for name, collection in config.collections.items()
        for source in collection.sources
    )
    masked = _sums(tally, "masked")
    asked = tally.behind("query.received").count
    masking = Box(
        "masking",
        (
            *(f"policy {collection.policy} ({name})" for name, collection in config.collections.items()),
            f"{amount(sum(masked.values()), 'value')} in documents",
            amount(asked, "question"),
        ),
    )
    stores = tuple(
        Box(
            f"{name}",
            (
                f"class {config.collections[name].data_class.value}",
                f"{amount(figures.get('documents', 0), 'document')}, encrypted",
                f"{amount(figures.get('masked_values', 0), 'masked value')} in the vault",
            ),
        )
        for name, figures in setting.collections.items()
        if name in config.collections
    )
    answering = tuple(
        Box(key[0] or "answer", (amount(events.count, "answer"), key[1]))
        for key, events, _ in _by(tally, "answered", 3, place=1)
    ) or (Box("no answer in this time"),)
    left = [(key, events, sums) for key, events, sums in tally.grouped("egress") if key[5] in _LEAVES]
    by_place: dict[tuple[str, ...], tuple[int, int]] = {}
    for key, events, sums in left:
        count, size = by_place.get(key[:3], (0, 0))
        by_place[key[:3]] = (count + events.count, size + sums["bytes"])
    places = tuple(
        Box(
            name,
            (f"{provider} ({location})", f"{amount(count, 'prompt')}, {size:,} bytes"),
            "finding" if not provider else "",
        )
        for (name, provider, location), (count, size) in by_place.items()
    ) or (Box("nothing left this process"),)
    return Section(
        "flow",
        "Data flow",
        "From the sources to the reader, left to right: stations as configured, figures as observed in this time.",
        flows=(Flow("Data flow", (sources or (Box("no source"),), (masking,), stores, answering, places)),),
        notes=("Documents are read in clear, parsed and masked in memory; everything right of masking is masked.",),
    )


def models(_: Setting, tally: Tally) -> Section:
    """Which models worked here, with their hashes."""
    loaded: dict[tuple[str, ...], list[object]] = {}
    for event in tally.of("model.loaded"):
        data = event["data"]
        key = tuple(str(data.get(name, "")) for name in ("part", "model", "hash", "dtype"))
        loaded.setdefault(key, []).append(event)
    rows = [
        Row((*key, len(events)), cited(events), "" if key[2] else "unknown")  # type: ignore[arg-type]
        for key, events in sorted(loaded.items())
    ]
    served = [
        Row(
            (
                key[0],
                key[1] or "without a model",
                key[2],
                events.count,
                sums["input"],
                sums["output"],
            ),
            events,
        )
        for key, events, sums in tally.grouped("generated")
    ]
    return Section(
        "models",
        "Models",
        "Weights that were read in this time, with the hash they were checked against, and models that answered.",
        (
            Table("Weights", ("part", "model", "hash", "precision", "times loaded"), tuple(rows)),
            Table(
                "Models that answered",
                ("generator", "model", "runs", "calls", "tokens in", "tokens out"),
                tuple(served),
            ),
        ),
        notes=("Of a model behind an API the provider's own word is recorded; nobody here can check its weights.",),
    )


def volume(_: Setting, tally: Tally) -> Section:
    """How much was asked and answered, and who looked after it."""
    days = sorted(tally.days)
    points = tuple(
        (day, (tally.days[day]["answer.released"], tally.days[day]["egress.intent"] + tally.days[day]["egress.unsafe"]))
        for day in days
    )
    rows = [
        Row((key[0], key[1], events.count, sums["refused"], sums["citations"]), events)
        for key, events, sums in tally.grouped("answered")
    ]
    reviews = Counter(str(event["data"].get("verdict", "")) for event in tally.of("human.reviewed"))
    answers = tally.behind("answer.released").count
    reviewed = len({event["data"].get("of") for event in tally.of("human.reviewed")})
    oversight = [
        Row(("answers looked at by a person", f"{reviewed:,} of {answers:,}"), tally.behind("human.reviewed")),
        Row(("verdicts", counted(reviews) or "none"), tally.behind("human.reviewed")),
        Row(("conversations handed to a person", len(tally.of("human.handoff"))), tally.behind("human.handoff")),
        Row(
            ("times somebody was told that an AI answers", tally.behind("disclosure.shown").count),
            tally.behind("disclosure.shown"),
        ),
    ]
    return Section(
        "volume",
        "Questions, answers and oversight",
        "What was asked and answered, how often an answer was refused, and what people reviewed.",
        (
            Table("Answers", ("collection", "generator", "answers", "refused", "citations"), tuple(rows)),
            Table("Human oversight", ("what", "how many"), tuple(oversight)),
        ),
        (Chart("Answers and prompts that left, by day (UTC)", "columns", ("answers", "prompts that left"), points),),
    )


def _recorded(tally: Tally, name: str) -> tuple[str, str, str, str]:
    """Provider, location, region and contract of a place, as the events of this time have them."""
    mine = [key[1:5] for key, _, _ in tally.grouped("egress") if key[0] == name]
    provider, location, region, contract = (
        ", ".join(dict.fromkeys(value for value in column if value)) for column in zip(*mine, strict=True)
    )
    return provider, location, region, contract


def _documents(tally: Tally, collection: str, source: str) -> tuple[str, ...]:
    counts = {key[2]: events.count for key, events, _ in tally.grouped("documents") if key[:2] == (collection, source)}
    words = {"doc.added": "new", "doc.updated": "changed", "doc.deleted": "deleted", "doc.quarantined": "set aside"}
    told = ", ".join(f"{counts[kind]:,} {word}" for kind, word in words.items() if counts.get(kind))
    return (told,) if told else ("nothing new",)


def _sums(tally: Tally, heading: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for _, _, sums in tally.grouped(heading):
        total.update(sums)
    return total


def _by(tally: Tally, heading: str, width: int, *, place: int = 0) -> list[tuple[tuple[str, ...], Cited, Counter[str]]]:
    """Return groups joined by ``width`` parts of their key from ``place`` on."""
    joined: dict[tuple[str, ...], tuple[Cited, Counter[str]]] = {}
    for key, events, sums in tally.grouped(heading):
        short = key[place : place + width]
        known, total = joined.get(short, (Cited(), Counter[str]()))
        joined[short] = (known + events, total + sums)
    return [(key, events, sums) for key, (events, sums) in joined.items()]
