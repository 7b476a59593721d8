"""Listening to a model in process: stops across any cut, streams out of a thread, errors that reach the reader."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ragkit.backends.listening import Listener, streamed
from ragkit.types import Completion, TokenUsage


def said(text: str) -> Completion:
    """A completion of this text."""
    return Completion(text=text, model="m", usage=TokenUsage(1, 1))


@given(st.text("ab ", max_size=30), st.text("ab ", min_size=1, max_size=4), st.lists(st.integers(1, 5)))
def test_a_stop_is_found_however_the_text_is_cut(text: str, stop: str, cuts: list[int]) -> None:
    """What is handed on is the text before the stop, and never a part of the stop."""
    handed: list[str] = []
    listener = Listener((stop, "never"), handed.append)
    rest, sizes = text, iter(cuts)
    while rest:
        size = next(sizes, 3)
        if not listener.hear(rest[:size]):
            break
        rest = rest[size:]
    assert listener.end() == "".join(handed) == text.partition(stop)[0]
    assert listener.stopped is (stop in text)
    assert "" not in handed


def test_nothing_more_is_heard_after_a_stop() -> None:
    """Nor after the listener left."""
    listener = Listener(("x",))
    assert not listener.hear("axb")
    assert not listener.hear("more")
    assert listener.end() == "a"
    gone = Listener()
    gone.left.set()
    assert not gone.hear("a")


def test_an_empty_stop_stops_nothing() -> None:
    """A configuration with an empty string in it must not silence the model."""
    listener = Listener(("",))
    assert listener.hear("a")
    assert listener.end() == "a"


def test_pieces_come_before_the_end() -> None:
    """The first piece is there while the model still writes."""
    may_end = threading.Event()

    def answer(listener: Listener) -> Completion:
        listener.hear("one ")
        assert may_end.wait(5)
        listener.hear("two")
        return said(listener.end())

    stream = streamed((), answer)
    assert next(stream) == "one "
    may_end.set()
    assert list(stream) == ["two", said("one two")]


def test_an_error_reaches_the_reader() -> None:
    """Raised where the stream is read, after the pieces before it."""

    def answer(listener: Listener) -> Completion:
        listener.hear("one")
        raise ValueError

    stream = streamed((), answer)
    assert next(stream) == "one"
    with pytest.raises(ValueError):  # noqa: PT011 - it has no message
        next(stream)


def test_a_stream_never_begun_runs_nothing() -> None:
    """And leaves no thread."""
    stream = streamed((), lambda _: pytest.fail("it ran"))
    stream.close()  # type: ignore[attr-defined]
    assert not [one for one in threading.enumerate() if one.name == "ragkit-stream"]


def test_a_forgotten_stream_ends() -> None:
    """A stream that nobody holds any more is closed as one that was closed."""
    ended = threading.Event()

    def answer(listener: Listener) -> Completion:
        while listener.hear("word "):
            time.sleep(0.001)
        ended.set()
        return said("")

    stream = streamed((), answer)
    next(stream)
    del stream
    assert ended.wait(60)


def test_a_program_may_end_in_the_middle_of_a_stream() -> None:
    """The thread is told to stop and waited for, not killed inside a library."""
    code = (
        "import time\n"
        "from ragkit.backends.listening import streamed\n"
        "def answer(listener):\n"
        "    while listener.hear('word '): time.sleep(0.01)\n"
        "    print('ended', flush=True)\n"
        "stream = streamed((), answer)\n"
        "next(stream)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "ended\n"
    assert done.stderr == ""
