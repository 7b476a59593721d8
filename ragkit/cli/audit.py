"""Audit: ``audit …``: what happened, what left the building, and the proof that nobody edited the record."""

from __future__ import annotations

import typer

from ragkit.cli import (
    audit_check,
    audit_checkpoints,
    audit_evidence,
    audit_export,
    audit_log,
    audit_people,
    audit_questions,
    audit_replay,
    audit_report,
    audit_verify,
)

PANEL = "Audit"

_MODULES: tuple[object, ...] = (
    audit_log,
    audit_questions,
    audit_report,
    audit_export,
    audit_evidence,
    audit_people,
    audit_replay,
    audit_verify,
    audit_check,
    audit_checkpoints,
)


def add_to(app: typer.Typer) -> None:
    """Add the verbs under ``audit``."""
    verbs = typer.Typer(
        no_args_is_help=True, help="Show what happened and what left the building, and prove the record."
    )
    for module in _MODULES:
        module.add_to(verbs)  # type: ignore[attr-defined]
    app.add_typer(verbs, name="audit", rich_help_panel=PANEL)
