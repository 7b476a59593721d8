"""Measure: ``eval retrieval``, ``eval pii`` and, in a module of its own, ``eval answers``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.measuring_answers import answers
from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

if TYPE_CHECKING:
    from ragkit.evaluate.finder import Finder
    from ragkit.evaluate.pii import PiiScores
    from ragkit.evaluate.resampling import Measure
    from ragkit.metrics import Estimate

PANEL = "Measure"

eval_verbs = typer.Typer(no_args_is_help=True, help="Measure quality on your own documents.")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    eval_verbs.command("retrieval")(retrieval)
    eval_verbs.command("pii")(pii)
    eval_verbs.command("answers")(answers)
    app.add_typer(eval_verbs, name="eval", rich_help_panel=PANEL)


def retrieval(
    queries: Annotated[Path, typer.Option(help="BEIR-style queries, JSON lines of {_id, text}.")],
    qrels: Annotated[
        Path, typer.Option(help="BEIR-style judgements, TSV of query-id, corpus-id, score; the source's own ids.")
    ],
    per_query: Annotated[
        Path | None,
        typer.Option(help="Write the figures of each query and the ids found here, JSON lines.", show_default=False),
    ] = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how well documents are found: nDCG, recall and MRR over the first ten, with 95 % intervals."""
    from ragkit.evaluation import evaluate_retrieval

    with opened(workspace) as here:
        scores = evaluate_retrieval(here, queries, qrels, k=10, collection=collection)
    if per_query is not None:
        scores.write_per_query(per_query)
    measures = {key: value for key, value in scores.as_json().items() if key != "queries"}
    if as_json:
        shown = {name: shaped("measure", measure) for name, measure in measures.items()}
        emit("retrieval", {**shown, "queries": scores.queries})
        return
    rows = [(name, *(float(measure[key]) for key in ("value", "low", "high"))) for name, measure in measures.items()]
    table(f"{scores.queries:,} queries", ("measure", "value", "low", "high"), rows)


def pii(
    file: Annotated[
        Path,
        typer.Argument(
            help='Labelled text, JSON lines of {"text", "spans": [{"start", "end", "label"}]}.', show_default=False
        ),
    ],
    mapping: Annotated[
        Path | None,
        typer.Option(
            help="JSON or TOML: entity type by label of the file, null (in TOML an empty text) to leave a label out.",
            show_default=False,
        ),
    ] = None,
    profile: Annotated[
        str | None,
        typer.Option(help="Measure this ready policy; no workspace is needed.", show_default=False),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first so many lines.", show_default=False)] = None,
    misses: Annotated[int, typer.Option(min=0, help="Show so many of the misses, every value replaced.")] = 0,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Measure how much personal data is found in your own labelled text: recall, precision, F1 and F2 by type.

    The text is read as `sync` reads a document's: a collection's policy and detectors, names looked for everywhere.
    Nothing is stored. Intervals are of 95 %, over documents.
    """
    from ragkit.evaluate.labelled import check_labels, read_labelled, read_mapping, survey
    from ragkit.evaluate.pii import evaluate_pii

    with progress_bars() as progress:
        mapped = read_mapping(mapping) if mapping is not None else {}
        finder = _finder(profile, collection, workspace)
        total, labels = survey(file, limit=limit)
        check_labels(labels, mapped, finder.policy.own_types)
        finder.load()
        scores = evaluate_pii(
            finder,
            read_labelled(file, mapped, limit=limit),
            misses=misses,
            progress=None if progress is None else lambda done: progress("measure", done, total),
        )
    if as_json:
        emit("pii", _shaped(scores.as_json()))
    else:
        _print_pii(scores, finder)


def _finder(profile: str | None, collection: str | None, workspace: Path | None) -> Finder:
    from ragkit.config import find_workspace, load_config
    from ragkit.evaluate.finder import Finder

    if profile is not None:
        if collection is not None:
            raise typer.BadParameter("--profile measures a ready policy, --collection that of a collection: give one")
        return Finder.of_profile(profile)
    return Finder.of_collection(load_config(find_workspace(workspace or Path())), collection)


def _shaped(shown: dict[str, Any]) -> dict[str, Any]:
    """Check every object within against its documented keys."""
    measures = {key: shaped("pii_measure", one) for key, one in shown.items() if key not in _PII_OTHERS}
    covered = shown["fully_covered"]
    measures["fully_covered"] = shaped(
        "pii_covered",
        {
            **covered,
            "texts": shaped("share", covered["texts"]),
            "entities": {kind: shaped("share", one) for kind, one in covered["entities"].items()},
            "misses": [shaped("miss", one) for one in covered["misses"]],
        },
    )
    by_type = {
        kind: shaped(
            "pii_type", {**one, **{inner: shaped("pii_measure", one[inner]) for inner in ("exact", "overlap")}}
        )
        for kind, one in shown["by_type"].items()
    }
    return {**shown, **measures, "by_type": by_type}


_PII_OTHERS = ("fully_covered", "by_type", "documents", "characters_per_second")


def _print_pii(scores: PiiScores, finder: Finder) -> None:
    names = {
        "fully_covered": "every letter and digit masked",
        "type_blind_iou75": "spans, type-blind, IoU .75",
        "characters": "characters",
        "exact": "exact, with type",
        "overlap": "overlapping, with type",
    }
    columns = ("", "labelled", "recall", "precision", "F1", "F2")
    table(
        f"{scores.documents:,} texts, {scores.characters_per_second:,.0f} characters a second and core",
        columns,
        [_pii_row(label, scores.measures[name]) for name, label in names.items()],
    )
    say()
    rows = [
        _pii_row(kind if finder.policy.wants(kind) else f"{kind} (the policy leaves it)", typed["fully_covered"])
        for kind, typed in scores.by_type.items()
    ]
    table("By type: every letter and digit masked; precision: of the spans of this type", columns, rows)
    say()
    shares = [("texts with nothing left to read", scores.texts)]
    shares += [
        (f"{kind or 'named'} entities with no mention left to read", one) for kind, one in scores.entities.items()
    ]
    table("", ("", "labelled", "share"), [(label, one.counts.gold, _range(one.recall)) for label, one in shares])
    for miss in scores.misses:
        say(f"\n{miss.context}")


def _pii_row(label: str, measure: Measure) -> tuple[str, int, str, str, str, str]:
    values = (measure.recall, measure.precision, measure.f1, measure.f2)
    recall, precision, f1, f2 = map(_range, values)
    return label, measure.counts.gold, recall, precision, f1, f2


def _range(one: Estimate) -> str:
    return "" if one.value != one.value else f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})"  # NaN: undefined
