"""The annexes: what a law asks to be recorded, line by line, with the events here that answer it.

A line says which events there are, never that a duty is met: that is for people who know the law and the company.
Sources: Regulation (EU) 2016/679 (GDPR), Articles 30, 32 and 35; Regulation (EU) 2024/1689 (AI Act), Articles 12, 14,
19, 26, 50 and 73, with the dates of Regulation (EU) 2026/1744.
"""

from __future__ import annotations

from ragkit.compliance.telling import amount
from ragkit.report.model import Cited, Row, Section, Table, counted
from ragkit.report.setting import Setting
from ragkit.report.tally import Tally

_NOT_WRITTEN = "not written down in ragkit.toml"
_COLUMNS = ("reference", "asks for", "here")

_AI_ACT_12 = (
    ("12(1)", "events are recorded automatically over the system's lifetime", ("log.opened", "log.closed")),
    (
        "12(2)(a)",
        "situations that may be a risk, or a substantial change",
        ("guard.triggered", "incident.", "egress.blocked", "config.changed", "policy.changed", "model.loaded"),
    ),
    (
        "12(2)(b)",
        "what monitoring after going to market needs",
        ("answer.released", "generation.done", "human.reviewed", "audit.checked"),
    ),
    ("12(2)(c)", "monitoring of operation by the deployer", ("query.received", "retrieval.done", "answer.released")),
    (
        "12(3), as a pattern",
        "times of use, what was searched, what matched, and who verified",
        ("query.received", "retrieval.done", "index.generation.activated", "human.reviewed"),
    ),
    ("14", "oversight by people: reviewed, corrected, handed over", ("human.",)),
    ("19(1)", "logs are kept at least six months", ("retention.purged",)),
    ("50(1)", "people are told that they deal with an AI", ("disclosure.shown",)),
)
_AI_ACT_26 = (
    ("26(1), (2)", "use as instructed, oversight by named people", ("config.changed", "human.")),
    ("26(4)", "input data is relevant: which sources are read", ("ingest.run.finished", "doc.quarantined")),
    (
        "26(5)",
        "operation is monitored; serious incidents are reported",
        ("incident.", "audit.checked", "guard.triggered"),
    ),
    ("26(6)", "logs under one's control are kept at least six months", ("checkpoint", "verify.run", "anchor.done")),
    ("26(9)", "what the provider says feeds the impact assessment", ("audit.reported",)),
    ("73", "serious incidents, with their times", ("incident.reported", "incident.closed")),
)
_DPIA = (
    ("35(7)(a)", "a description of the processing", ("ingest.run.finished", "answer.released", "egress.intent")),
    (
        "35(7)(b)",
        "necessity and proportion: what is masked and what is kept how long",
        ("pii.masked", "retention.purged"),
    ),
    (
        "35(7)(c)",
        "risks to people: what was found in the clear, blocked or shown",
        ("egress.blocked", "egress.unsafe", "pii.unmasked", "guard.triggered", "attack.run"),
    ),
    (
        "35(7)(d)",
        "measures: masking, keys, erasure, tests",
        ("key.rotated", "key.destroyed", "erasure.receipt", "verify.run", "audit.checked", "backup.restored"),
    ),
    (
        "32(1)(d)",
        "measures are tested",
        ("audit.checked", "verify.run", "attack.run", "backup.restored", "health.checked"),
    ),
)


def annexes(setting: Setting, tally: Tally) -> tuple[Section, ...]:
    """Return all annexes."""
    return (
        processing_record(setting, tally),
        _covered(
            "dpia",
            "Annex B. Input for a data-protection impact assessment (GDPR, Article 35)",
            "Facts for each part of the assessment. The judgement is the controller's.",
            _DPIA,
            tally,
        ),
        _covered(
            "ai-act-12",
            "Annex C. Record-keeping (AI Act, Articles 12, 14, 19 and 50)",
            "Which events there are for what a high-risk system records. Whether this system is one is not for "
            "ragkit to say. Articles 6 to 27 apply from 2 December 2027 (Annex III) and 2 August 2028 (Annex I); "
            "Article 50(1) since 2 August 2026.",
            _AI_ACT_12,
            tally,
        ),
        _covered(
            "ai-act-26",
            "Annex D. Duties of deployers (AI Act, Articles 26 and 73)",
            "Which events there are for what a deployer looks after.",
            _AI_ACT_26,
            tally,
        ),
    )


def processing_record(setting: Setting, tally: Tally) -> Section:
    """The record of processing activities, as far as configuration and events tell it."""
    config = setting.config
    controller = config.audit.controller
    rows = [
        Row(
            (
                "30(1)(a)",
                "controller and contact",
                " · ".join(one for one in (controller.name, controller.contact) if one) or _NOT_WRITTEN,
            )
        ),
        Row(("30(1)(a)", "data-protection officer", controller.data_protection_officer or _NOT_WRITTEN)),
    ]
    for name, collection in config.collections.items():
        masked = [(events, sums) for key, events, sums in tally.grouped("masked") if key[0] == name]
        kinds = sum((sums for _, sums in masked), start=type(masked[0][1])()) if masked else {}
        behind = sum((events for events, _ in masked), start=Cited())
        rules = [f"{rule.days:,} days" for rule in config.retention if rule.collection == name]
        rows += [
            Row(("30(1)(b)", f"purposes of `{name}`", collection.purpose or _NOT_WRITTEN)),
            Row(("30(1)(c)", f"categories of personal data in `{name}`", counted(kinds) or "none found"), behind),
            Row(("30(1)(f)", f"time limits for `{name}`", ", ".join(rules) or "no rule is written down")),
        ]
    found = False
    for key, events, sums in tally.grouped("egress"):
        name, provider, location, region, contract, kind, _ = key
        if kind in ("intent", "unsafe"):
            found = True
            told = ", ".join((provider or "unknown provider", location or "unknown place", region or "unknown region"))
            rows.append(
                Row(
                    (
                        "30(1)(d), (e)",
                        f"recipient `{name}`, contract {contract or 'not written down'}",
                        f"{told}; {amount(events.count, 'prompt')}, {sums['bytes']:,} bytes, masked",
                    ),
                    events,
                )
            )
    if not found:
        rows.append(Row(("30(1)(d), (e)", "recipients and transfers", "none in this time")))
    measures = [
        "masking before storage",
        "encryption of stored text, a key a document",
        "access lists on every passage",
    ]
    measures += ["signed event log"] if setting.key else []
    measures += ["evidence under keys of conversation and people"] if config.audit.keeps_evidence else []
    rows.append(
        Row(("30(1)(g)", "technical and organisational measures", "; ".join(measures)), tally.behind("checkpoint"))
    )
    return Section(
        "ropa",
        "Annex A. Record of processing activities (GDPR, Article 30)",
        "As far as configuration and events tell it. The controller completes and owns it.",
        (Table("Record", _COLUMNS, tuple(rows)),),
    )


def _covered(
    name: str, title: str, about: str, lines: tuple[tuple[str, str, tuple[str, ...]], ...], tally: Tally
) -> Section:
    rows = []
    for reference, asks, kinds in lines:
        behind = tally.behind(*kinds)
        per_kind = {kind: tally.behind(kind).count for kind in kinds}
        told = ", ".join(f"{kind.rstrip('.')} {count:,}" for kind, count in per_kind.items())
        rows.append(Row((reference, asks, told if behind.count else f"no event in this time ({told})"), behind))
    return Section(name, title, about, (Table("Coverage", _COLUMNS, tuple(rows)),))
