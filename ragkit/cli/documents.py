"""Documents one by one: ``documents list``, ``documents show``, ``documents add``, ``documents delete``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ragkit.cli.output import emit, say, table
from ragkit.cli.progress import progress_bars
from ragkit.cli.session import CollectionOption, JsonOption, WorkspaceOption, opened
from ragkit.cli.shapes import shaped
from ragkit.errors import ConfigError, WriterBusy

if TYPE_CHECKING:
    from ragkit.documents.views import DocumentView

PANEL = "Index"

documents_verbs = typer.Typer(no_args_is_help=True, help="Hand documents in, list, read and delete them.")

IdArgument = Annotated[str, typer.Argument(help="Its opaque id, as `documents list` and `search --json` tell it.")]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    documents_verbs.command("list")(list_documents)
    documents_verbs.command("show")(show)
    documents_verbs.command("add")(add)
    documents_verbs.command("delete")(delete)
    app.add_typer(documents_verbs, name="documents", rich_help_panel=PANEL)


def list_documents(
    source: Annotated[str | None, typer.Option("--source", help="Only of this source.", show_default=False)] = None,
    cursor: Annotated[str, typer.Option("--cursor", help="Where the page before ended.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="At most so many.")] = 50,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """List documents, masked, in the order of their ids."""
    with opened(workspace) as here:
        page = here.documents.list(collection=collection, source=source, cursor=cursor, limit=limit)
    if as_json:
        emit("documents", {"documents": [_view(one) for one in page.documents], "cursor": page.cursor or None})
        return
    columns = ("id", "title", "source", "version", "passages", "indexed", "original")
    rows = [
        (one.doc_id, one.title, one.source, one.version, one.chunks, one.indexed_at[:10], one.original)
        for one in page.documents
    ]
    if rows:
        table("Documents", columns, rows)
    else:
        say("There are no documents here that you may see.")
    if page.cursor:
        say(f"There are more: --cursor {page.cursor}")


def show(
    document: IdArgument,
    cursor: Annotated[str, typer.Option("--cursor", help="Where the passages before ended.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="Passages at most.")] = 50,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a document and its passages, masked."""
    with opened(workspace) as here:
        view = here.documents.get(document)
        page = here.documents.passages(document, cursor=cursor, limit=limit)
    if as_json:
        passages = [
            shaped(
                "passage",
                {
                    "chunk_id": one.passage,
                    "place": one.place,
                    "heading": one.heading,
                    "text": one.text,
                    "page": one.page,
                },
            )
            for one in page.passages
        ]
        emit("document_shown", {"document": _view(view), "passages": passages, "cursor": page.cursor or None})
        return
    say(f"{view.title or 'It waits for a sync.'}  ({view.media_type or view.status}, {view.source}, {view.doc_id})")
    for one in page.passages:
        say()
        say(str(one.text))
    if page.cursor:
        say(f"\nThere is more: --cursor {page.cursor}")


def add(
    file: Annotated[Path, typer.Argument(help="The document.", exists=True, dir_okay=False, readable=True)],
    name: Annotated[str | None, typer.Option("--name", help="By default the file's name.", show_default=False)] = None,
    title: Annotated[
        str | None, typer.Option("--title", help="By default that of the content.", show_default=False)
    ] = None,
    access: Annotated[
        list[str] | None,
        typer.Option(
            "--access", help="Who may see it, such as `g:crm|staff`; again for more. Default: the source's.",
            show_default=False,
        ),
    ] = None,
    metadata: Annotated[
        list[str] | None, typer.Option("--metadata", help="`key=value`; again for more.", show_default=False)
    ] = None,
    external_id: Annotated[
        str | None,
        typer.Option(
            "--external-id", help="Your own id: a document that came with it before is replaced.", show_default=False
        ),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Which source of uploads, of several.", show_default=False)
    ] = None,
    collection: CollectionOption = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Hand a document in: it is kept encrypted by ragkit and found at once.

    The collection needs a source with `connector = "uploads"`. What is refused (a type that cannot be read, an
    encrypted file, credentials in the text) is not kept; the code says why.
    """
    with opened(workspace) as here, progress_bars() as progress:
        with file.open("rb") as content:
            doc_id = here.documents.hand_in(
                content,
                name=name or file.name,
                title=title,
                collection=collection,
                source=source,
                access=access,
                metadata=_pairs(metadata or []),
                external_id=external_id,
            )
        try:
            done = here.documents.take_in(doc_id, progress=progress)
        except WriterBusy as busy:
            say(f"It is kept and waits: {busy}.", err=True)
            found: dict[str, Any] = {"status": "waiting", "version": 0, "chunks": 0}
        else:
            found = {"status": done.status, "version": done.version, "chunks": done.chunks}
    if as_json:
        emit("document_added", {"doc_id": doc_id, **found})
    elif found["status"] == "indexed":
        say(f"{doc_id}: version {found['version']}, {found['chunks']:,} passages.")
    else:
        say(f"{doc_id}: the next sync takes it in.")


def delete(
    document: IdArgument,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete a document that was handed in: nobody finds it any more, and its original's key is destroyed.

    A document of another source is deleted there; the next sync takes it out here.
    """
    with opened(workspace) as here, progress_bars() as progress:
        here.documents.take_back(document)
        try:
            here.documents.clear_away(document, progress=progress)
            finished = True
        except WriterBusy:
            finished = False
    if as_json:
        emit("document_deleted", {"doc_id": document, "finished": finished})
    else:
        say("Deleted." if finished else "Nobody finds it any more; the next sync removes its rows.")


def _pairs(given: list[str]) -> dict[str, str]:
    found = dict(one.partition("=")[::2] for one in given)
    if not all("=" in one for one in given):
        raise ConfigError("metadata needs a key and a value", remedy="Write `--metadata key=value`.")
    return found


def _view(one: DocumentView) -> dict[str, Any]:
    return shaped(
        "document",
        {
            "doc_id": one.doc_id,
            "collection": one.collection,
            "source": one.source,
            "connector": one.connector,
            "title": one.title,
            "media_type": one.media_type,
            "version": one.version,
            "chunks": one.chunks,
            "indexed_at": one.indexed_at,
            "changed_at": one.changed_at,
            "metadata": dict(one.metadata),
            "original": one.original,
            "status": one.status,
        },
    )
