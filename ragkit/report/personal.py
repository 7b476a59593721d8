"""Chapters on personal data: masking, what left, what was shown in clear, what was erased, how long things are kept."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from ragkit.report.model import Chart, Row, Section, Table, cited, counted
from ragkit.report.setting import Setting
from ragkit.report.tally import Event, Tally


def masking(setting: Setting, tally: Tally) -> Section:
    """What was masked, by policy and type, beside the measured recall of the detector."""
    groups = tally.grouped("masked")
    total: Counter[str] = Counter()
    for _, _, sums in groups:
        total.update(sums)
    rows = [
        Row((key[0], key[1], events.count, sum(sums.values()), counted(sums)), events) for key, events, sums in groups
    ]
    asked = [
        Row((key[0], events.count, sum(sums.values()), counted(sums)), events)
        for key, events, sums in tally.grouped("asked")
    ]
    tables = [
        Table("Masked in documents", ("collection", "policy", "documents", "values", "by type"), tuple(rows)),
        Table("Masked in questions", ("collection", "questions", "values", "by type"), tuple(asked)),
    ]
    by = [
        Row((collection, counted(sums)))
        for (kind, collection), sums in sorted((key, sums) for key, sums in tally.sums.items() if len(key) == 2)
        if kind == "recognizers" and sums
    ]
    if by:
        tables.append(Table("Found by", ("collection", "recognizer and how often"), tuple(by)))
    tables.append(_recall(setting))
    points = tuple((kind, (number,)) for kind, number in total.most_common(14))
    return Section(
        "masking",
        "Masking",
        "Personal data replaced before anything was stored, by type, and how well the detector in use does that.",
        tuple(tables),
        (Chart("Masked values in documents, by type", "bars", ("values",), points),),
        notes=(
            "What no detector found is not in these figures. The check `residual` looks for it in a sample.",
            "Masked text is pseudonymous as long as the vault exists, not anonymous: sending it is still an egress.",
        ),
    )


def _recall(setting: Setting) -> Table:
    measured = setting.measured
    columns = ("measured on", "what it is", "type", "recall", "95 % interval")
    title = "Recall of the detector in use, as measured"
    if not measured:
        return Table(title, columns, (Row(("not measured", "", "", "", ""), level="unknown"),))
    rows = [
        Row((one["name"], one["about"], kind, f"{figure[0]:.3f}", f"{figure[1]:.3f} to {figure[2]:.3f}"))
        for one in measured["sets"]
        for kind, figure in one["types"].items()
    ]
    return Table(
        f"{title} on {measured['measured']} (profile {measured['profile']}; {measured['script']})", columns, tuple(rows)
    )


def egress(setting: Setting, tally: Tally) -> Section:
    """What left, to whom."""
    rows = []
    for key, events, sums in tally.grouped("egress"):
        name, provider, location, region, contract, kind, data_class = key
        registered = name in setting.config.destinations or kind == "unsafe"
        bad = (not registered or kind == "unsafe") and kind != "blocked"
        cells = (name, provider, location, region or "", contract or "", kind, data_class or "", events.count)
        rows.append(Row((*cells, sums["bytes"]), events, "finding" if bad else ""))
    found = [
        Row((key[0], key[1], counted(sums)), events)
        for key, events, sums in tally.grouped("left")
        if sum(sums.values())
    ]
    open_ends = [{"seq": one.seq} for one in tally.open_ends]
    ends = Row(
        ("prompts whose end is not recorded: they may have left", len(open_ends)),
        cited(open_ends),
        "finding" if open_ends else "ok",
    )
    classes: dict[str, Counter[str]] = defaultdict(Counter)
    for key, events, _ in tally.grouped("egress"):
        if key[5] in ("intent", "unsafe"):
            classes[key[1] or key[0]][key[6]] += events.count
    series = ("public", "internal", "confidential", "restricted")
    points = tuple((name, tuple(counts[one] for one in series)) for name, counts in sorted(classes.items()))
    return Section(
        "egress",
        "What left",
        "Every prompt that was sent, kept from leaving, or asked of a model outside the gateway, by provider and by "
        "the data class of what was retrieved for it.",
        (
            Table(
                "By destination",
                ("destination", "provider", "location", "region", "contract", "what", "class", "events", "bytes"),
                tuple(rows),
                "Nothing left, and nothing tried to.",
            ),
            Table("Personal data in final bytes", ("destination", "what", "entities"), tuple(found), "None was found."),
            Table("Open ends", ("what", "how many"), (ends,)),
        ),
        (Chart("Prompts that left, by provider and class", "bars", series, points),),
    )


def reveals(setting: Setting, tally: Tally) -> Section:
    """Who saw clear text."""
    rows = []
    for event in tally.of("pii.unmasked"):
        data = event["data"]
        purpose = str(data.get("purpose", ""))
        cells = (
            str(event["ts"])[:19],
            setting.who(event["actor"]),
            str(data.get("collection", "")),
            data.get("tokens", 0),
            counted(data.get("entities", {})),
            purpose[:14] or "none",
        )
        rows.append(Row(cells, cited([event]), "" if purpose else "finding"))
    shown = [
        Row(
            (
                str(event["ts"])[:19],
                setting.who(event["actor"]),
                str(event["data"].get("of", ""))[:12],
                event["data"].get("parts", 0),
                str(event["data"].get("purpose", ""))[:14] or "none",
            ),
            cited([event]),
            "" if event["data"].get("purpose") else "finding",
        )
        for event in tally.of("access.evidence")
    ]
    denied = [Row((setting.who(key[0]), key[1], events.count), events) for key, events, _ in tally.grouped("denied")]
    return Section(
        "reveals",
        "Clear text shown",
        "Each time masked values were shown in clear, or evidence was opened, to whom and for which purpose (a keyed "
        "hash: equal purposes have equal hashes), and who was turned away.",
        (
            Table("Masked values shown", ("time (UTC)", "to", "collection", "values", "types", "purpose"), tuple(rows)),
            Table("Evidence opened", ("time (UTC)", "to", "request", "parts", "purpose"), tuple(shown)),
            Table("Turned away", ("who", "verb", "times"), tuple(denied)),
        ),
    )


def erasures(setting: Setting, tally: Tally) -> Section:
    """Who was erased, how far, and what is out of reach."""
    by_request: dict[str, list[Event]] = defaultdict(list)
    for event in tally.of("erasure.requested", "erasure.step", "erasure.verified", "erasure.receipt"):
        by_request[str(event.get("request", ""))].append(event)
    rows, far = [], []
    for request, events in by_request.items():
        last = {str(event["type"]): event for event in events}
        levels = last.get("erasure.verified", {}).get("data", {})
        receipt = last.get("erasure.receipt", {}).get("data", {})
        complete = bool(receipt.get("complete"))
        told = " ".join(f"{name.upper()} {levels[name]}" for name in ("l0", "l1", "l2", "l3") if name in levels)
        begun = last.get("erasure.requested", {})
        cells = (
            request[:12],
            str(events[0]["ts"])[:19],
            setting.who(begun.get("actor", "")),
            f"{begun.get('data', {}).get('values', 0):,}",
            told or "not verified",
            "signed" if receipt else "none",
        )
        rows.append(Row(cells, cited(events), "ok" if complete else "finding"))
        far += [
            Row((request[:12], line), cited(events[-1:])) for line in _out_of_reach(setting.receipts.get(request, {}))
        ]
    return Section(
        "erasures",
        "Erasures",
        "People erased in this time: how far it is proven (L0 not found, L1 not in live rows, L2 not in the bytes of "
        "any file, L3 keys destroyed), with the signed receipt, and what is out of reach.",
        (
            Table("Requests", ("request", "begun (UTC)", "by", "values", "levels", "receipt"), tuple(rows)),
            Table("Out of reach, as the receipts say", ("request", "what"), tuple(far), "No receipt in this time."),
        ),
    )


def _out_of_reach(receipt: Mapping[str, Any]) -> list[str]:
    signed = receipt.get("receipt", receipt)
    lines = signed.get("out_of_scope", ())
    return [str(line.get("what", line)) if isinstance(line, Mapping) else str(line) for line in lines]


def retention(setting: Setting, tally: Tally) -> Section:
    """How long things are kept, what went, and what should have gone."""
    config = setting.config
    rules = [
        Row(
            (f"{rule.collection}{': ' + rule.source if rule.source else ''}", f"{rule.days:,} days", rule.at or rule.by)
        )
        for rule in config.retention
    ]
    rules += [
        Row(("events", f"at least {config.audit.retention_days:,} days", "")),
        Row(("evidence", f"{config.audit.evidence.days:,} days" if config.audit.keeps_evidence else "not kept", "")),
        Row(
            ("replaced chunks", f"{config.audit.history_days:,} days" if config.audit.history_days else "not kept", "")
        ),
        Row(("keys of replaced documents, for backups", f"{config.backup.keep_days:,} days", "")),
    ]
    gone = [
        Row(
            (
                str(event["ts"])[:19],
                str(event["type"]),
                str(event["data"].get("collection", "")),
                counted(
                    {
                        key: value
                        for key, value in event["data"].items()
                        if isinstance(value, int) and not isinstance(value, bool) and key not in ("ms", "days", "rule")
                    }
                ),
            ),
            cited([event]),
        )
        for event in tally.of("retention.purged", "evidence.destroyed", "history.purged")
        if not event["data"].get("dry_run")
    ]
    due = [
        Row(
            (name, figures.get("retention_due", 0), figures.get("retention_held", 0), figures.get("holds", 0)),
            level="finding" if figures.get("retention_due") else "ok",
        )
        for name, figures in setting.collections.items()
    ]
    held = [
        Row((str(event["ts"])[:19], str(event["type"]), setting.who(event["actor"])), cited([event]))
        for event in tally.of("hold.placed", "hold.released")
    ]
    return Section(
        "retention",
        "Retention",
        "How long things are kept by rule, what was let go of in this time, and what is past its time and still here.",
        (
            Table("Rules", ("what", "kept", "counted from"), tuple(rules)),
            Table("Let go of", ("time (UTC)", "event", "collection", "what"), tuple(gone)),
            Table("Past its time now", ("collection", "documents", "of them held", "legal holds"), tuple(due)),
            Table("Legal holds", ("time (UTC)", "event", "by"), tuple(held)),
        ),
    )
