"""The sandbox: one hostile item costs one item. Each hostile parser runs in a real child process."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit.errors import ItemError
from ragkit.parse.sandbox import SandboxedParser
from ragkit.types import Document, SourceItem

# Parsers that misbehave, imported by the child under media types of their own.
HOSTILE = """
import ctypes, json, os, signal, socket, subprocess, time
from pathlib import Path
from ragkit.types import BlockKind

def hang(part, out):
    while True:
        time.sleep(1)

def spin(part, out):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass

def crash(part, out):
    ctypes.string_at(0)

def swell(part, out):
    kept = [bytearray(64 * 1024 * 1024) for _ in range(1000)]

def fail(part, out):
    raise KeyError("Ana Perez")

def recurse(part, out):
    recurse(part, out)

def leave(part, out):
    os._exit(0)

def chatter(part, out):
    print("Ana Perez" * 1000)
    os.write(1, b"x" * 100)
    out.add(BlockKind.PARAGRAPH, "quiet")

def attempt(part, out):
    def tried(name, action):
        try:
            action()
        except BaseException as error:
            out.add(BlockKind.PARAGRAPH, f"{name}: {type(error).__name__}")
        else:
            out.add(BlockKind.PARAGRAPH, f"{name}: done")

    def raw_connect():
        libc = ctypes.CDLL(None, use_errno=True)
        handle = libc.socket(2, 1, 0)
        address = b"\\x02\\x00" + int(part.content).to_bytes(2, "big") + bytes([127, 0, 0, 1]) + bytes(8)
        if handle < 0 or libc.connect(handle, address, 16) != 0:
            raise OSError(ctypes.get_errno())

    tried("connect", lambda: socket.create_connection(("127.0.0.1", int(part.content)), 1))
    tried("lookup", lambda: socket.getaddrinfo("localhost", 80))
    tried("native", raw_connect)
    tried("write", lambda: Path(part.name).write_text("leak"))
    tried("process", lambda: subprocess.run(["/bin/true"], check=True))
    tried("fork", os.fork)
    tried("secret", lambda: os.environ["RAGKIT_TEST_SECRET"])
    tried("core", lambda: json.dumps(1 / int(__import__("resource").getrlimit(4)[0] == 0)))
"""
KINDS = ("hang", "spin", "crash", "swell", "fail", "recurse", "leave", "chatter", "attempt")


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return a table of hostile parsers for the child."""
    (tmp_path / "hostile_parsers.py").write_text(HOSTILE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    return {f"test/{kind}": f"hostile_parsers:{kind}" for kind in KINDS}


def item(content: bytes | str = "words", *, name: str = "a.txt", media_type: str | None = None, **more) -> SourceItem:
    """Return a source item."""
    data = content.encode() if isinstance(content, str) else content
    return SourceItem(native_id=name, content=data, name=name, media_type=media_type, **more)


def texts(results) -> list[str]:
    """Return texts, and codes of what failed."""
    return [result.text if isinstance(result, Document) else result.code for _, result in results]


def test_each_misbehaviour_costs_one_item(hostile: dict[str, str]) -> None:
    """Hang, endless loop, crash, memory, exception, recursion and silence are named; the items between are parsed."""
    bad = ["hang", "crash", "swell", "fail", "recurse", "leave", "spin"]
    items = [item("first")]
    for number, kind in enumerate(bad):
        items += [item("x", media_type=f"test/{kind}"), item(f"good {number}", name=f"{number}.txt")]
    with SandboxedParser(timeout_s=3, memory_mb=200, formats=hostile) as parser:
        results = list(parser.parse_all(items))
    assert [source for source, _ in results] == items
    assert texts(results) == [
        "first",
        "parser-timeout", "good 0",
        "parser-crashed", "good 1",
        "parser-memory", "good 2",
        "parser-failed", "good 3",
        "parser-failed", "good 4",
        "parser-crashed", "good 5",
        "parser-timeout", "good 6",
    ]  # fmt: skip
    for _, result in results:
        if isinstance(result, ItemError):
            assert result.remedy
            assert "Ana" not in f"{result}{result.remedy}{result!r}"


def test_the_child_has_no_network_no_files_no_children_no_secrets(
    hostile: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connecting, looking up, writing, starting a process and reading the environment all fail in it."""
    monkeypatch.setenv("RAGKIT_TEST_SECRET", "root key")
    target = tmp_path / "leak.txt"
    with SandboxedParser(formats=hostile) as parser:
        text = parser.parse(item("9", name=str(target), media_type="test/attempt")).text
    outcomes = dict(line.split(": ") for line in text.split("\n\n"))
    assert outcomes.pop("core") == "done"  # the core limit is zero
    assert outcomes.pop("native") == "OSError"
    assert outcomes.pop("secret") == "KeyError"
    assert set(outcomes.values()) == {"PermissionError"}
    assert set(outcomes) == {"connect", "lookup", "write", "process", "fork"}
    assert not target.exists()


def test_printing_does_not_spoil_the_answers(hostile: dict[str, str]) -> None:
    """A library that writes to standard output writes into nothing."""
    with SandboxedParser(formats=hostile) as parser:
        assert texts(parser.parse_all([item(media_type="test/chatter"), item("next")])) == ["quiet", "next"]


def test_parse_raises_what_parse_all_returns() -> None:
    """One item: a document, or its error raised."""
    with SandboxedParser() as parser:
        document = parser.parse(item("# Title\n\ntext", name="a.md", uri="u", metadata={"k": "v"}))
        assert (document.title, document.uri, document.metadata) == ("Title", "u", {"k": "v"})
        assert document.media_type == "text/markdown"
        with pytest.raises(ItemError) as caught:
            parser.parse(item(b"\x7fELF\x02\x01", name="a"))
        assert caught.value.code == "unsupported-type"


def test_an_item_with_a_problem_is_not_parsed() -> None:
    """What the connector could not read is quarantined under the connector's code."""
    with SandboxedParser() as parser:
        items = [item(b"", problem="too-large"), item("read"), item(b"", problem="something-new")]
        assert texts(parser.parse_all(items)) == ["too-large", "read", "something-new"]


def test_order_is_kept_over_workers_and_batches() -> None:
    """Two workers, items of very different size, batches of any shape: results come in the order of the items."""
    items = [item(f"{n} " + "word " * (20_000 if n % 7 == 0 else 3), name=f"{n}.txt") for n in range(60)]
    with SandboxedParser(workers=2, batch_items=4, batch_bytes=50_000) as parser:
        results = list(parser.parse_all(iter(items)))
    assert [source.name for source, _ in results] == [source.name for source in items]
    assert all(text.startswith(f"{n} ") for n, text in enumerate(texts(results)))


def test_look_ahead_is_bounded_and_an_abandoned_run_leaves_the_parser_usable() -> None:
    """The caller's iterator is drawn from no further than a few batches ahead."""
    drawn = 0

    def endless() -> Iterator[SourceItem]:
        nonlocal drawn
        while True:
            drawn += 1
            yield item(f"number {drawn}")

    with SandboxedParser(batch_items=8) as parser:
        results = parser.parse_all(endless())
        assert next(results)[1].text == "number 1"
        assert drawn <= 4 * 8
        results.close()
        assert parser.parse(item("again")).text == "again"


def test_items_larger_than_the_pipe_go_through() -> None:
    """Megabytes in both directions at once do not deadlock."""
    text = "word " * 400_000
    with SandboxedParser(batch_bytes=64 * 1024 * 1024) as parser:
        assert [len(t) for t in texts(parser.parse_all([item(text), item(text), item(text)]))] == [len(text) - 1] * 3


def test_a_memory_bomb_within_the_ratio_is_held_by_the_limit() -> None:
    """A spreadsheet that claims a vast range ends as one problem, and the next item is parsed."""
    import io

    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"] = 1
    book.active.cell(row=1_048_576, column=16_384, value=1)
    written = io.BytesIO()
    book.save(written)
    with SandboxedParser(memory_mb=300, timeout_s=30) as parser:
        first, second = texts(parser.parse_all([item(written.getvalue(), name="x.xlsx"), item("next")]))
    assert first in {"parser-crashed", "parser-memory", "parser-failed"}
    assert second == "next"


def test_children_are_replaced_and_end_with_close() -> None:
    """A child is recycled after its share of items; none is left after close."""
    parser = SandboxedParser(recycle_after=3, batch_items=2)
    assert texts(parser.parse_all([item(str(n)) for n in range(10)])) == [str(n) for n in range(10)]
    assert len(_children()) == 1
    parser.close()
    assert _children() == []
    assert parser.parse(item("works again")).text == "works again"
    parser.close()
    parser.close()


def test_a_child_killed_from_outside_is_replaced() -> None:
    """The process may be killed between items, by an operator or for memory."""
    with SandboxedParser() as parser:
        assert parser.parse(item("one")).text == "one"
        for child in _children():
            os.kill(child, signal.SIGKILL)
        time.sleep(0.1)
        assert parser.parse(item("two")).text == "two"


def test_a_child_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """A parent killed with -9 leaves no parser process behind."""
    script = (
        "import os, time\nfrom ragkit.parse.sandbox import SandboxedParser\nfrom ragkit.types import SourceItem\n"
        "p = SandboxedParser(); p.parse(SourceItem(native_id='1', content=b'x', name='a.txt'))\n"
        "print(open(f'/proc/{os.getpid()}/task/{os.getpid()}/children').read() or 'x', flush=True)\n"
        "import glob; print(' '.join(open(f).read() for f in glob.glob('/proc/self/task/*/children')), flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    parent.stdout.readline()
    child = int(parent.stdout.readline().split()[0])
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while Path(f"/proc/{child}").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().rpartition(")")[2][:4]


def test_construction_starts_nothing() -> None:
    """No thread and no process before load."""
    before = threading.active_count()
    parser = SandboxedParser(workers=4)
    assert threading.active_count() == before
    assert _children() == []
    parser.load()
    parser.load()
    parser.close()


def test_the_parser_libraries_stay_out_of_this_process() -> None:
    """The parent imports none of them; a parser bug cannot be reached from it."""
    code = (
        "import sys\nfrom ragkit.parse.sandbox import SandboxedParser\nfrom ragkit.types import SourceItem\n"
        "with SandboxedParser() as p: p.parse(SourceItem(native_id='1', content=b'# x', name='a.md'))\n"
        "print(sorted({m.partition('.')[0] for m in sys.modules} & "
        "{'markdown_it', 'pypdfium2', 'docx', 'lxml', 'selectolax', 'pdfplumber', 'python_calamine'}))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_throughput_of_small_documents() -> None:
    """The way through the pipe costs the parent under half a millisecond of processor time a small document."""
    items = [item(f"# Doc {n}\n\nSome *text* with a [link](u).\n", name=f"{n}.md") for n in range(2_000)]
    with SandboxedParser() as parser:
        parser.parse(items[0])
        began = resource.getrusage(resource.RUSAGE_SELF)
        assert all(isinstance(result, Document) for _, result in parser.parse_all(items))
        ended = resource.getrusage(resource.RUSAGE_SELF)
    spent = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    assert spent / len(items) < 0.0005


def _children() -> list[int]:
    """The parsers among this process's children; other tests may have servers running."""
    found = []
    for task in Path("/proc/self/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return [child for child in found if "ragkit.parse.child" in Path(f"/proc/{child}/cmdline").read_text()]
