"""Ask: ``ask`` and ``search``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from ragkit.cli.answers import answer_json, answer_texts, hits_json, print_answer, print_hits
from ragkit.cli.output import emit, json_line, private_file, say, write_exactly
from ragkit.cli.session import CollectionOption, JsonOption, PurposeOption, WorkspaceOption, opened, read_stdin
from ragkit.errors import ConfigError

if TYPE_CHECKING:
    from ragkit.types import Answer, Masked
    from ragkit.workspace import Workspace

PANEL = "Ask"
_BATCH = 64

FilterOption = Annotated[
    list[str] | None,
    typer.Option(
        "--filter",
        "-f",
        metavar="KEY=VALUE",
        help="Only documents with this metadata. May be repeated.",
        show_default=False,
    ),
]
GeneratorOption = Annotated[
    str | None,
    typer.Option(
        "--generator",
        "-g",
        metavar="NAME",
        help="This generator, instead of the one that ragkit.toml chooses.",
        show_default=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    for verb in (ask, search):
        app.command(rich_help_panel=PANEL)(verb)


def ask(
    question: Annotated[
        str | None,
        typer.Argument(
            help="The question; `-` reads it from standard input. Without one: a dialogue.",
            show_default=False,
        ),
    ] = None,
    collection: CollectionOption = None,
    k: Annotated[int, typer.Option(min=1, max=100, help="How many chunks to read.")] = 8,
    filters: FilterOption = None,
    generator: GeneratorOption = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show masked values in clear, if you are entitled to.")
    ] = False,
    purpose: PurposeOption = "",
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Answer a question with citations. The answer is masked."""
    if reveal and not purpose.strip():
        raise typer.BadParameter("--reveal needs --purpose")
    from ragkit.types import Conversation

    chosen = read_filters(filters)
    with opened(workspace) as here:
        conversation = Conversation()
        for asked in _questions(question):
            pieces = here.ask_stream(
                asked, collection=collection, k=k, filters=chosen, conversation=conversation, generator=generator
            )
            spoken = not as_json and not reveal and sys.stdout.isatty()
            answer = _heard(pieces, aloud=spoken)
            text, cited = answer_texts(here, answer, purpose=purpose if reveal else None)
            if as_json:
                emit("answer", answer_json(answer, text, cited, revealed=reveal))
            else:
                print_answer(answer, "" if spoken else text, cited)


def _heard(pieces: Iterator[Masked | Answer], *, aloud: bool) -> Answer:
    """Return the answer at the end of a stream; ``aloud`` prints its text as it comes."""
    from ragkit.types import Answer

    answer: Answer | None = None
    try:
        for piece in pieces:
            if isinstance(piece, Answer):
                answer = piece
            elif aloud:
                write_exactly(piece)
    except BaseException:
        if aloud:
            say()  # what comes next stands on a line of its own
        raise
    assert answer is not None  # a stream ends with its answer
    return answer


def search(
    question: Annotated[
        str | None, typer.Argument(help="The question; `-` reads it from standard input.", show_default=False)
    ] = None,
    k: Annotated[int, typer.Option(min=1, max=1000, help="How many chunks.")] = 10,
    collection: CollectionOption = None,
    filters: FilterOption = None,
    questions: Annotated[
        Path | None, typer.Option(help='Many questions: JSON lines of {"id", "question"}.', show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the results of `--questions` go, a line each.", show_default=False)
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the chunks that are found, masked, without writing an answer."""
    if (question is None) == (questions is None):
        raise typer.BadParameter("give either a question or --questions")
    chosen = read_filters(filters)
    with opened(workspace) as here:
        if questions is not None:
            count = _search_many(here, questions, out, k=k, collection=collection, filters=chosen)
            say(f"{count:,} questions searched", err=True)
            return
        asked = read_stdin().strip() if question == "-" else str(question)
        hits = here.search(asked, k=k, collection=collection, filters=chosen)
    if as_json:
        emit("search", {"id": None, "hits": hits_json(hits)})
    else:
        print_hits(hits)


def _questions(question: str | None) -> Iterator[str]:
    """Yield the one question, or those typed in a dialogue until an empty line or end of file."""
    if question is not None and question != "-":
        yield question
    elif question == "-" or not on_terminal():
        yield read_stdin().strip()
    else:
        say("Ask; an empty line ends.", err=True)
        while asked := _typed():
            yield asked


def on_terminal() -> bool:
    """Tell whether somebody can be asked."""
    return sys.stdin.isatty()


def _typed() -> str:
    try:
        return input("? ").strip()
    except EOFError:
        return ""


def read_filters(given: list[str] | None) -> dict[str, str] | None:
    """Return the filters of the command line by key."""
    if not given:
        return None
    pairs = [one.partition("=") for one in given]
    if any(not (key and equals and value) for key, equals, value in pairs):
        raise typer.BadParameter("a filter is written KEY=VALUE")
    if len({key for key, _, _ in pairs}) < len(pairs):
        raise typer.BadParameter("a filter key is given twice")
    return {key: value for key, _, value in pairs}


def _search_many(
    here: Workspace,
    questions: Path,
    out: Path | None,
    *,
    k: int,
    collection: str | None,
    filters: Mapping[str, str] | None,
) -> int:
    """Search a file of questions in batches; memory stays flat. The output is masked and readable by its owner only."""
    count = 0
    lines = _read_questions(questions)
    with _output(out) as sink:
        while batch := list(islice(lines, _BATCH)):
            found = here.search_many([text for _, text in batch], k=k, collection=collection, filters=filters)
            for (question_id, _), hits in zip(batch, found, strict=True):
                sink.write(json_line("search", {"id": question_id, "hits": hits_json(hits)}))
            count += len(batch)
    return count


def _output(out: Path | None) -> BinaryIO:
    return private_file(out) if out else os.fdopen(os.dup(sys.stdout.fileno()), "wb")


def _read_questions(file: Path) -> Iterator[tuple[str, str]]:
    with file.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                found = (
                    str(row.get("id", row.get("_id", number))),
                    str(row["question"] if "question" in row else row["text"]),
                )
            except (ValueError, KeyError, AttributeError):
                found = None
            if found is None:
                raise ConfigError(
                    f"line {number} of the questions is not a question",
                    remedy='Write one {"id": "…", "question": "…"} a line.',
                )
            yield found
