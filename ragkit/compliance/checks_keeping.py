"""Checks of what is kept: ``retention`` against the rules, ``drift`` from what is configured."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ragkit.build import OpenCollection
from ragkit.compliance.checks import Check, Scope, some
from ragkit.compliance.events import stamped
from ragkit.compliance.telling import amount
from ragkit.errors import ManifestMismatch


def retention(scope: Scope) -> Iterator[Check]:
    """Documents past a rule, evidence and history past their days, and a log whose beginning is gone."""
    config = scope.handles.config
    for name, part in scope.handles.known().items():
        yield from _overdue(scope, name, part)
        yield from _history(scope, name, part)
    if scope.handles.evidence.exists:
        limit = scope.now - timedelta(days=config.audit.evidence.days)
        for name in config.collections:
            if old := scope.handles.evidence.older_than(limit.timestamp(), name):
                yield Check(
                    name="retention",
                    level="finding",
                    code="evidence",
                    detail=f"The evidence of {amount(len(old), 'question')} is older than "
                    f"{amount(config.audit.evidence.days, 'day')}.",
                    remedy="Run `ragkit retention run`; what a legal hold keeps stays.",
                    collection=name,
                    counts={"questions": len(old)},
                )
    first = next(scope.log.read(), None)
    if first is not None and first["seq"] != 1:
        yield Check(
            name="retention",
            level="finding",
            code="log-cut",
            detail=f"The log begins with event {first['seq']:,}: older ones were removed, and ragkit removes none.",
            remedy=f"Events are kept at least {config.audit.retention_days:,} days: put the older segments back.",
            seqs=some([int(first["seq"])]),
        )


def _overdue(scope: Scope, name: str, part: OpenCollection) -> Iterator[Check]:
    from ragkit.lifecycle.holds import Holds
    from ragkit.lifecycle.retention import Retention
    from ragkit.lifecycle.retention_rules import rules_of

    rules = rules_of(scope.handles.config.retention, name)
    if not rules:
        return
    holds = Holds(part.store.database, part.collection)
    due = Retention(part.store, rules, vault=part.masker.vault, holds=holds, recorder=part.recorder).due()
    ran = [int(one["seq"]) for one in scope.log.read("retention.purged") if one["data"].get("collection") == name]
    for one in due:
        whose = f"the source {one.rule.source} of {name}" if one.rule.source else name
        if one.documents:
            yield Check(
                name="retention",
                level="finding",
                code="overdue",
                detail=f"Older than {amount(one.rule.days, 'day')} and still here: "
                f"{amount(one.documents, 'document')} of {whose}.",
                remedy="Run `ragkit retention run`, every day.",
                collection=name,
                seqs=some(ran[-1:]),
                counts={"documents": one.documents, "held": one.held, "rule": one.rule.number},
            )
        if one.undated:
            yield Check(
                name="retention",
                level="notice",
                code="undated",
                detail=f"Without a date that the rule could go by: {amount(one.undated, 'document')} of {whose}.",
                remedy="Let the rule go by `indexed`, or give the documents the date at the source.",
                collection=name,
                counts={"documents": one.undated},
            )


def _history(scope: Scope, name: str, part: OpenCollection) -> Iterator[Check]:
    days, kept = scope.handles.config.audit.history_days, part.store.history().kept()
    oldest = datetime.fromisoformat(kept.oldest) if kept.oldest else None
    if oldest is not None and scope.now - oldest > timedelta(days=days + 1):
        yield Check(
            name="retention",
            level="finding",
            code="history",
            detail=f"Replaced versions are kept since {kept.oldest[:10]}, longer than {days:,} days.",
            remedy="Run `ragkit retention run` or `ragkit sync`: both let them go.",
            collection=name,
            counts={"versions": kept.versions},
        )


def drift(scope: Scope) -> Iterator[Check]:
    """Documents masked, or an index built, under something else than today's configuration, and changes of it."""
    config = scope.handles.config
    for name, part in scope.handles.known().items():
        changed = [int(one["seq"]) for one in scope.log.read("policy.changed") if one["data"].get("collection") == name]
        waiting = part.store.waiting(part.masker.policy)
        if waiting:
            yield Check(
                name="drift",
                level="finding",
                code="policy",
                detail=f"Masked under another policy than today's: {amount(sum(waiting.values()), 'document')}.",
                remedy="Run `ragkit remask`; with `--dry-run` it shows first what would change.",
                collection=name,
                seqs=some(changed),
                counts={"documents": sum(waiting.values())},
            )
        try:
            status = part.index.status()
        except ManifestMismatch as refused:
            yield Check(
                name="drift", level="finding", code="index", detail=f"{refused}.", remedy=refused.remedy,
                collection=name,
            )  # fmt: skip
        else:
            if status.needs_rebuild or not status.healthy:
                detail = "The index is not the one that is configured, or did not pass its probe; exact search answers."
                yield Check(
                    name="drift", level="finding", code="index", detail=detail, remedy="Run `ragkit rebuild`.",
                    collection=name,
                )  # fmt: skip
    hours = timedelta(hours=config.roles.approval_hours)
    approvals = [stamped(one) for one in scope.log.read("approval.used", "approval.granted")]
    changes = [one for one in scope.log.read("config.changed") if one["data"].get("previous")]
    alone = [one for one in changes if not any(timedelta() <= stamped(one) - at <= hours for at in approvals)]
    if alone:
        yield Check(
            name="drift",
            level="notice",
            code="config",
            detail=f"The configuration was changed {amount(len(alone), 'time')} without an approval in the "
            f"{amount(config.roles.approval_hours, 'hour')} before.",
            remedy="`ragkit audit diff` tells what changed between two dates.",
            seqs=some(int(one["seq"]) for one in alone),
            counts={"changes": len(alone)},
        )
