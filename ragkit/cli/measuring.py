"""Measure: ``eval retrieval``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ragkit.cli.output import emit, table
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped

PANEL = "Measure"

eval_verbs = typer.Typer(no_args_is_help=True, help="Measure quality on your own documents.")


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    eval_verbs.command("retrieval")(retrieval)
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
