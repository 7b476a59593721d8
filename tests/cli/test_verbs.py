"""The verbs that open a workspace: what they print, in text and JSON, and how they end."""

from __future__ import annotations

import io
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from ragkit.cli.output import table
from ragkit.cli.shapes import SHAPES, shaped
from ragkit.errors import GenerationError, RagkitError, WriterBusy
from ragkit.ingest.report import SyncReport

from .conftest import CLEAR, TOKEN


def keys_of(shape: str) -> set[str]:
    """Return the documented keys of a printed object."""
    return {"ragkit", *SHAPES[shape].fields}


@pytest.mark.parametrize(
    ("report", "status"),
    [
        (SyncReport(added=1), 0),
        (SyncReport(added=1, refused=1, quarantined={"encrypted-pdf": 1}), 1),
        (SyncReport(failed="SourceError"), 2),
    ],
)
def test_sync_ends_as_the_report_says(ragkit_cli: Any, standin: Any, report: SyncReport, status: int) -> None:
    """0 for all well, 1 with items set aside, 2 when failed; the table shows the counts and codes."""
    standin.report = report
    done = ragkit_cli("sync")
    assert done.exit_code == status
    for code in report.quarantined:
        assert code in done.stdout
    found = json.loads(ragkit_cli("sync", "--json").stdout)
    assert found.keys() == keys_of("sync")
    assert (found["ragkit"], found["exit_code"], found["added"]) == ("sync/1", status, report.added)


def test_sync_passes_its_options_on(ragkit_cli: Any, standin: Any) -> None:
    """Every option reaches the workspace; without a terminal there is no progress."""
    ragkit_cli("sync", "-c", "care", "--source", "folder", "--dry-run", "--retry-quarantined")
    ragkit_cli("sync", "--allow-mass-delete", "--permissions", "--jobs", "2")
    flags = ("dry_run", "retry_quarantined", "allow_mass_delete", "permissions")
    (_, first), (_, second) = standin.calls
    assert [first[flag] for flag in flags] == [True, True, False, False]
    assert [second[flag] for flag in flags] == [False, False, True, True]
    assert (first["collection"], first["source"], first["progress"], first["jobs"]) == ("care", "folder", None, 0)
    assert (second["collection"], second["source"], second["jobs"]) == (None, None, 2)
    assert standin.closed


def test_an_error_is_a_message_and_a_remedy(ragkit_cli: Any, standin: Any) -> None:
    """A ragkit error ends with status 2, on standard error, without a trace; the workspace is closed."""
    standin.fails = WriterBusy("process 17 is writing", remedy="Wait for it.")
    done = ragkit_cli("sync", "--json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "process 17 is writing" in done.stderr
    assert "Wait for it." in done.stderr
    assert "Traceback" not in done.stderr
    assert standin.closed


def test_a_foreign_error_keeps_its_text_to_itself(ragkit_cli: Any, standin: Any) -> None:
    """A library's message may hold document text: only its type and place are shown."""
    standin.fails = RuntimeError(f"cannot parse {CLEAR}")
    done = ragkit_cli("sync")
    assert done.exit_code == 2
    assert "RuntimeError" in done.stderr
    assert CLEAR not in done.output


def test_interrupting_ends_with_130(ragkit_cli: Any, standin: Any) -> None:
    """Ctrl-C ends with the shell's own status, and says what became of the work."""
    standin.fails = KeyboardInterrupt()
    for more, says in (([], "Stopped. What is done is kept; the same command goes on"), (["--dry-run"], "Stopped.\n")):
        done = ragkit_cli("sync", *more)
        assert done.exit_code == 130
        assert says in done.stderr
        assert "Traceback" not in done.output


def test_a_table_is_broken_for_nobody_who_looks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An id of a row stays whole in a pipe or file, however wide the row; `COLUMNS` says otherwise."""
    monkeypatch.delenv("COLUMNS", raising=False)
    row = ("d" * 60, "what to do " * 12, "e" * 60)
    table("two", ("id", "remedy", "other"), [row])
    line = capsys.readouterr().out.splitlines()[-1]
    assert [row[0] in line, row[2] in line] == [True, True]
    monkeypatch.setenv("COLUMNS", "80")
    table("two", ("id", "remedy", "other"), [row])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_progress_shows_stage_rate_and_count(standin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal a bar a stage is drawn, with how many of how many and how fast; unknown totals are no error."""
    from rich.console import Console

    from ragkit.cli import progress as bars

    screen = io.StringIO()
    shown = Console(file=screen, force_terminal=True, width=120)
    monkeypatch.setattr(bars, "console", lambda **_: shown)
    with bars.progress_bars() as progress:
        assert progress is not None
        progress("sync", 0, None)
        for done in (1, 120):
            time.sleep(0.15)
            progress("sync", done, 400)
    drawn = screen.getvalue()
    assert "sync" in drawn
    assert "120/400" in drawn
    assert "/s" in drawn


def test_rebuild_and_status(ragkit_cli: Any, standin: Any) -> None:
    """Rebuild takes a collection; status shows every figure of every collection."""
    assert ragkit_cli("rebuild", "-c", "care").exit_code == 0
    assert standin.calls == [("rebuild", {"collection": "care", "progress": None})]
    shown = ragkit_cli("status").stdout
    for part in ("care", "other", "1,200", "healthy", "never synced", "encrypted-pdf 1"):
        assert part in shown
    found = json.loads(ragkit_cli("status", "--json").stdout)
    assert found.keys() == keys_of("status")
    assert found["collections"]["care"]["documents"] == 1200


def test_an_answer_is_printed_masked_with_its_citations(ragkit_cli: Any, standin: Any) -> None:
    """Text output has the answer and a line a citation; nothing is revealed without being asked for."""
    done = ragkit_cli("ask", "who asked?", "-c", "care", "--k", "3", "-f", "department=sales")
    assert done.exit_code == 0
    assert f"{TOKEN} asked. [1]" in done.stdout
    assert "page 2" in done.stdout
    assert "characters 10-40" in done.stdout
    assert CLEAR not in done.output
    ((verb, (question, options)),) = standin.calls
    assert (verb, question) == ("ask", "who asked?")
    assert options.pop("conversation").turns == ()
    assert options == {"collection": "care", "k": 3, "filters": {"department": "sales"}, "generator": None}


def test_an_answer_as_json_has_its_documented_shape(ragkit_cli: Any, standin: Any) -> None:
    """Answer, citations and hits have exactly the keys of docs/json.md."""
    found = json.loads(ragkit_cli("ask", "who asked?", "--json").stdout)
    assert found["ragkit"] == "answer/1"
    assert found.keys() == keys_of("answer")
    assert found["citations"][0].keys() == SHAPES["citation"].fields.keys()
    assert found["hits"][0].keys() == SHAPES["hit"].fields.keys()
    assert found["question"] == "who asked?"
    assert not found["revealed"]
    assert CLEAR not in json.dumps(found, ensure_ascii=False)


@pytest.mark.parametrize("as_json", [True, False])
def test_an_answer_is_revealed_once_for_a_purpose(ragkit_cli: Any, standin: Any, as_json: bool) -> None:
    """With --reveal and --purpose answer and citations are in clear, by one recorded access."""
    done = ragkit_cli("ask", "who?", "--reveal", "--purpose", "call back", *(["--json"] if as_json else []))
    assert done.exit_code == 0
    assert [call for call in standin.calls if call[0] == "reveal"] == [
        ("reveal", {"purpose": "call back", "collection": "care"})
    ]
    assert f"{CLEAR} asked. [1]" in done.stdout
    assert f"Letter of {CLEAR}" in done.stdout
    assert done.stdout.count(TOKEN) == (2 if as_json else 0)  # the hits stay masked


@pytest.mark.parametrize("purpose", [[], ["--purpose", " "]])
def test_revealing_needs_a_purpose(ragkit_cli: Any, standin: Any, purpose: list[str]) -> None:
    """Without a purpose nothing is asked, let alone revealed."""
    done = ragkit_cli("ask", "who?", "--reveal", *purpose)
    assert done.exit_code == 2
    assert standin.calls == []


def test_a_refused_reveal_shows_nothing(ragkit_cli: Any, standin: Any) -> None:
    """Who is not entitled gets neither the clear nor the masked answer, but the reason."""
    standin.entitled = False
    done = ragkit_cli("ask", "who?", "--reveal", "--purpose", "curiosity")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "may not" in done.stderr


def test_a_question_can_come_from_standard_input(ragkit_cli: Any, standin: Any) -> None:
    """``-``, or a pipe without an argument, keeps the question out of the shell's history and process list."""
    for arguments in (["ask", "-"], ["ask"], ["search", "-"]):
        assert ragkit_cli(*arguments, stdin="who asked?\n").exit_code == 0
    assert [call[1][0] for call in standin.calls] == ["who asked?"] * 3


def test_a_dialogue_answers_until_an_empty_line(ragkit_cli: Any, standin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal without a question, each line is answered; an empty line or end of file ends."""
    typed = iter(["who asked?", "and why?", ""])
    monkeypatch.setattr("ragkit.cli.asking.on_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _prompt: next(typed))
    assert ragkit_cli("ask").exit_code == 0
    assert [call[1][0] for call in standin.calls] == ["who asked?", "and why?"]


@pytest.mark.parametrize("given", [["sales"], ["=x"], ["x="], ["a=1", "a=2"]])
def test_a_filter_is_one_key_and_one_value(ragkit_cli: Any, standin: Any, given: list[str]) -> None:
    """A filter without key, value or equals sign, or given twice, is refused."""
    flags = [part for one in given for part in ("-f", one)]
    assert ragkit_cli("ask", "who?", *flags).exit_code == 2
    assert standin.calls == []


def test_search_shows_hits(ragkit_cli: Any, standin: Any) -> None:
    """Text shows rank, title, page and the beginning; JSON has the documented shape."""
    shown = ragkit_cli("search", "warranty", "--k", "5").stdout
    assert f"1. Letter of {TOKEN}, page 2" in shown
    assert f"{TOKEN} asked about the warranty." in shown
    found = json.loads(ragkit_cli("search", "warranty", "--json").stdout)
    assert found.keys() == keys_of("search")
    assert found["hits"][0].keys() == SHAPES["hit"].fields.keys()


def test_many_questions_go_through_in_batches(ragkit_cli: Any, standin: Any, tmp_path: Path) -> None:
    """Each question gets a line in the order of the file; the output is private, whatever was there before."""
    rows = [{"id": f"q{n}", "question": f"text {n}"} for n in range(150)] + [{"_id": "beir", "text": "last"}]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    (tmp_path / "out.jsonl").write_text("old" * 10_000)
    done = ragkit_cli("search", "--questions", "in.jsonl", "--out", "out.jsonl", "--k", "3")
    assert done.exit_code == 0
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [line["id"] for line in lines] == [f"q{n}" for n in range(150)] + ["beir"]
    assert all(line.keys() == keys_of("search") for line in lines)
    assert len(standin.calls) == 3
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o600
    assert "text 1" not in (tmp_path / "out.jsonl").read_text()


@pytest.mark.parametrize("line", ["not json", '{"id": "q1"}', "[1]", '"text"'])
def test_a_line_that_is_no_question_is_named_by_number(
    ragkit_cli: Any, standin: Any, tmp_path: Path, line: str
) -> None:
    """The number of the line is told, its content is not."""
    (tmp_path / "in.jsonl").write_text(f'{{"id": "q0", "question": "fine"}}\n{line}\n')
    done = ragkit_cli("search", "--questions", "in.jsonl", "--out", "out.jsonl")
    assert done.exit_code == 2
    assert "line 2" in done.stderr
    assert line not in done.stderr


def test_search_takes_one_kind_of_question(ragkit_cli: Any, standin: Any) -> None:
    """Both or neither of a question and a file is a mistake."""
    assert ragkit_cli("search").exit_code == 2
    assert ragkit_cli("search", "why?", "--questions", "in.jsonl").exit_code == 2


def test_mask_and_reveal_are_filters(ragkit_cli: Any, standin: Any) -> None:
    """Text goes through byte for byte but for the values, line ends and all; reveal undoes it."""
    text = f"Dear {CLEAR},\r\n\r\n\tthanks\n"
    masked = ragkit_cli("mask", stdin=text.encode())
    assert masked.stdout_bytes == text.replace(CLEAR, TOKEN).encode()
    revealed = ragkit_cli("reveal", "--purpose", "call back", stdin=masked.stdout_bytes)
    assert revealed.stdout_bytes == text.encode()


def test_mask_as_json_gives_spans_of_the_text_as_given(ragkit_cli: Any, standin: Any) -> None:
    """Offsets are characters of standard input, with carriage returns counted."""
    text = f"Dear\r\n{CLEAR}"
    found = json.loads(ragkit_cli("mask", "--json", "--no-store", stdin=text.encode()).stdout)
    assert found.keys() == keys_of("mask")
    (span,) = found["spans"]
    assert span.keys() == SHAPES["span"].fields.keys()
    assert text[span["start"] : span["end"]] == CLEAR
    assert standin.calls == [("mask_text", {"collection": None, "store": False})]


def test_what_is_not_utf8_is_refused(ragkit_cli: Any, standin: Any) -> None:
    """Bytes that are not text are an error with the place, never guessed."""
    done = ragkit_cli("mask", stdin=b"caf\xe9")
    assert done.exit_code == 2
    assert "byte 3" in done.stderr


def test_reveal_needs_purpose_and_entitlement(ragkit_cli: Any, standin: Any) -> None:
    """No purpose: a usage error. No right: status 2 and nothing on standard output."""
    assert ragkit_cli("reveal", stdin=TOKEN).exit_code == 2
    assert ragkit_cli("reveal", "--purpose", " ", stdin=TOKEN).exit_code == 2
    standin.entitled = False
    done = ragkit_cli("reveal", "--purpose", "curiosity", stdin=TOKEN)
    assert (done.exit_code, done.stdout) == (2, "")


def test_eval_retrieval_has_exactly_its_keys(ragkit_cli: Any, standin: Any, tmp_path: Path) -> None:
    """The JSON has the four measured keys and the version; --per-query writes a line a query."""
    (tmp_path / "q.jsonl").write_text("".join(json.dumps({"_id": f"q{n}", "text": "x"}) + "\n" for n in range(3)))
    (tmp_path / "r.tsv").write_text("query-id\tcorpus-id\tscore\n" + "".join(f"q{n}\td1\t1\n" for n in range(3)))
    arguments = ["eval", "retrieval", "--queries", "q.jsonl", "--qrels", "r.tsv"]
    found = json.loads(ragkit_cli(*arguments, "--json", "--per-query", "out.jsonl").stdout)
    assert list(found) == ["ragkit", "ndcg@10", "recall@10", "mrr@10", "queries"]
    assert found["ndcg@10"] == {"value": 1.0, "low": 1.0, "high": 1.0}
    assert found["queries"] == 3
    assert len((tmp_path / "out.jsonl").read_text().splitlines()) == 3
    assert "ndcg@10" in ragkit_cli(*arguments).stdout


@pytest.mark.parametrize("shape", SHAPES)
def test_a_payload_of_another_shape_is_refused(shape: str) -> None:
    """The program cannot print a key that the page does not have, nor leave one out."""
    right = dict.fromkeys(SHAPES[shape].fields)
    shaped(shape, right)
    with pytest.raises(RagkitError):
        shaped(shape, {**right, "extra": 1})
    with pytest.raises(RagkitError):
        shaped(shape, dict(list(right.items())[1:]))


def test_escape_sequences_never_reach_the_terminal(ragkit_cli: Any, standin: Any) -> None:
    """A document cannot rewrite the screen: control characters and direction overrides are replaced or dropped."""
    standin.fails = GenerationError("\x1b[2Jgone\x07 \u202eesrever", remedy="\x9b31m")
    done = ragkit_cli("ask", "why?")
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(done.output)
    assert "esrever" in done.stderr
