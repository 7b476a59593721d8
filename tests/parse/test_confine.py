"""What the parser's process cannot do, tried by Python and by native code: each limit holds, by the kernel."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path

import pytest

from ragkit.errors import ItemError
from ragkit.parse.sandbox import SandboxedParser
from ragkit.types import Document, SourceItem

HOSTILE = r"""
import ctypes, mmap, os, re, resource, sys, threading
from ragkit.parse import blocks
from ragkit.types import BlockKind

libc = ctypes.CDLL(None, use_errno=True)

def natively(part, out):
    folder = part.name.encode()
    path = lambda name: folder + b"/" + name
    def tried(name, result):
        out.add(BlockKind.PARAGRAPH, f"{name}: {'done' if result not in (-1, None) else 'refused'}")
    def forked():
        child = libc.fork()
        if child == 0:
            os._exit(0)
        return child
    libc.fopen.restype = libc.mmap.restype = ctypes.c_void_p
    tried("fork", forked())
    tried("exec", libc.execv(b"/bin/true", (ctypes.c_char_p * 2)(b"true", None)))
    tried("inet", libc.socket(2, 1, 0))
    tried("unix", libc.socket(1, 1, 0))
    tried("netlink", libc.socket(16, 3, 0))
    tried("create", libc.open(path(b"made"), os.O_CREAT | os.O_WRONLY, 0o600))
    tried("fopen", libc.fopen(path(b"made"), b"w"))
    tried("append", libc.open(path(b"victim"), os.O_WRONLY | os.O_APPEND))
    tried("truncate", libc.truncate(path(b"victim"), 0))
    tried("unlink", libc.unlink(path(b"victim")))
    tried("rename", libc.rename(path(b"victim"), path(b"moved")))
    tried("mkdir", libc.mkdir(path(b"folder"), 0o700))
    tried("symlink", libc.symlink(path(b"victim"), path(b"link")))
    tried("hard link", libc.link(path(b"victim"), path(b"hard")))
    tried("fifo", libc.mkfifo(path(b"fifo"), 0o600))
    tried("chmod", libc.chmod(path(b"victim"), 0o777))
    tried("read", libc.open(path(b"victim"), os.O_RDONLY))
    tried("passwd", libc.open(b"/etc/passwd", os.O_RDONLY))
    tried("parent's environment", libc.open(b"/proc/%d/environ" % os.getppid(), os.O_RDONLY))
    tried("parent's memory", libc.open(b"/proc/%d/mem" % os.getppid(), os.O_RDONLY))
    tried("signal", libc.kill(os.getppid(), 0))
    tried("ptrace", libc.ptrace(16, os.getppid(), 0, 0))
    tried("memory file", libc.memfd_create(b"x", 0))
    tried("shared memory", libc.shmget(0, 4096, 0o600 | 0o1000))
    tried("own namespace", libc.unshare(0x10000000))

def opens(part, out):
    opened = []
    try:
        while len(opened) < 1000:
            opened.append(open("/dev/null", "rb"))
    except OSError:
        pass
    out.add(BlockKind.PARAGRAPH, str(len(opened)))
    for file in opened:
        file.close()

def limits(part, out):
    for name in ("CORE", "FSIZE"):
        out.add(BlockKind.PARAGRAPH, f"{name} {max(resource.getrlimit(getattr(resource, 'RLIMIT_' + name)))}")
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    except (ValueError, OSError):
        out.add(BlockKind.PARAGRAPH, "not raised")

def native_memory(part, out):
    kept = [mmap.mmap(-1, 64 * 1024 * 1024) for _ in range(64)]
    out.add(BlockKind.PARAGRAPH, "had four gigabytes")

def native_sleep(part, out):
    libc.sleep(600)

def native_spin(part, out):
    re.match(r"(a+)+$", "a" * 64 + "b")

def many_words(part, out):
    while True:
        out.add(BlockKind.PARAGRAPH, "word " * 100_000)

def many_blocks(part, out):
    blocks.MAX_BLOCKS //= 20  # the true number takes seconds
    while True:
        out.add(BlockKind.PARAGRAPH, "w")

def forged(part, out):
    # What native code in this process could do: write into the answers' pipe as it likes.
    for handle in range(3, 20):
        try:
            os.write(handle, b"\xff" * 4096)
        except OSError:
            pass
    out.add(BlockKind.PARAGRAPH, "x")
"""
KINDS = (
    "natively", "opens", "limits", "native_memory", "native_sleep", "native_spin", "many_words", "many_blocks",
    "forged",
)  # fmt: skip


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return a table of hostile parsers for the child."""
    modules = tmp_path / "modules"
    modules.mkdir()
    (modules / "confined_parsers.py").write_text(HOSTILE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(modules))
    return {f"test/{kind}": f"confined_parsers:{kind}" for kind in KINDS}


def item(kind: str, name: str = "a") -> SourceItem:
    """Return an item of a hostile kind, or a text for any other."""
    return SourceItem(native_id=kind, content=b"good", name=name, media_type=f"test/{kind}" if kind in KINDS else None)


def ended(hostile: dict[str, str], kind: str, **limits: float) -> str:
    """The code or text that an item of the kind ends with; the one behind it must be parsed."""
    with SandboxedParser(formats=hostile, **limits) as parser:  # type: ignore[arg-type]
        (_, first), (_, second) = parser.parse_all([item(kind), item("text", "a.txt")])
    assert isinstance(second, Document)
    assert second.text == "good"
    return first.text if isinstance(first, Document) else first.code


@pytest.mark.skipif(os.uname().machine not in {"x86_64", "aarch64"}, reason="no call filter for this machine")
def test_native_code_is_held_by_the_kernel(hostile: dict[str, str], tmp_path: Path) -> None:
    """No process, socket, file, link or signal of its own; no file but the libraries' can be read."""
    if ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), 1) < 1:
        pytest.skip("this kernel has no Landlock")
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "victim").write_text("kept")
    (folder / "victim").chmod(0o600)
    with SandboxedParser(formats=hostile) as parser:
        text = parser.parse(item("natively", str(folder))).text
    outcomes = dict(line.rsplit(": ", 1) for line in text.split("\n\n"))
    assert len(outcomes) == 25
    assert {name for name, outcome in outcomes.items() if outcome != "refused"} == set()
    assert [path.name for path in folder.iterdir()] == ["victim"]
    assert (folder / "victim").read_text() == "kept"
    assert (folder / "victim").stat().st_mode & 0o777 == 0o600


def test_open_files_are_few(hostile: dict[str, str]) -> None:
    """At most 64, pipes included."""
    assert 40 < int(ended(hostile, "opens")) < 64


def test_limits_cannot_be_raised(hostile: dict[str, str]) -> None:
    """No core, no byte to a file, and none of it by asking."""
    assert ended(hostile, "limits").split("\n\n") == ["CORE 0", "FSIZE 0", "not raised"]


def test_memory_is_limited_for_native_code(hostile: dict[str, str]) -> None:
    """Four gigabytes mapped are more than the child has."""
    assert ended(hostile, "native_memory", memory_mb=300) in {"parser-memory", "parser-failed"}


@pytest.mark.parametrize("kind", ["native_sleep", "native_spin"])
def test_a_hang_in_native_code_is_killed_in_time(hostile: dict[str, str], kind: str) -> None:
    """Asleep or busy: the item is ended by wall time or processor time."""
    began = time.monotonic()
    assert ended(hostile, kind, timeout_s=2) == "parser-timeout"
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("kind", ["many_words", "many_blocks"])
def test_output_is_limited(hostile: dict[str, str], kind: str) -> None:
    """A parser that writes without end is stopped by the size of its text or the number of its blocks."""
    assert ended(hostile, kind, timeout_s=30) == "too-much-text"


def test_an_answer_out_of_form_costs_the_child(hostile: dict[str, str]) -> None:
    """Bytes that are no answer end the item, and a fresh child reads what follows."""
    assert ended(hostile, "forged") == "bad-answer"


def test_an_item_larger_than_the_memory_is_not_even_sent() -> None:
    """What cannot be parsed within the limit costs neither a child nor a copy."""
    large = SourceItem(native_id="1", content=bytes(200 * 1024 * 1024), name="a.txt")
    with SandboxedParser(memory_mb=256) as parser:
        assert parser.parse(item("text", "a.txt")).text == "good"
        began = time.monotonic()
        with pytest.raises(ItemError) as caught:
            parser.parse(large)
        assert time.monotonic() - began < 0.5
        assert parser.parse(item("text", "a.txt")).text == "good"
    assert caught.value.code == "parser-memory"
