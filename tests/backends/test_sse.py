"""Server-sent events, by the standard, under every cut."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.backends.sse import EventDecoder, ServerEvent
from ragkit.errors import GeneratorGarbled


def decoded(*pieces: bytes) -> list[tuple[str, str]]:
    """Events of these pieces."""
    decoder = EventDecoder()
    return [(event.type, event.data) for piece in pieces for event in decoder.feed(piece)]


def feed_all(decoder: EventDecoder, pieces: list[bytes]) -> None:
    """Feed all pieces to one decoder."""
    for piece in pieces:
        list(decoder.feed(piece))


def reference(raw: bytes) -> list[tuple[str, str]]:
    """The standard's rules on the whole stream at once."""
    text = raw.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    found, kind, data = [], "", []
    for line in text.split("\n")[:-1]:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                found.append((kind or "message", "\n".join(data)))
            kind, data = "", []
        elif name == "data":
            data.append(value)
        elif name == "event":
            kind = value
    return found


@pytest.mark.parametrize(
    ("raw", "events"),
    [
        (b"data: one\n\n", [("message", "one")]),
        (b"data: YHOO\ndata: +2\ndata: 10\n\n", [("message", "YHOO\n+2\n10")]),
        (b": comment\n\ndata: first\nid: 1\n\ndata:second\nid\n\ndata:  third\n\n",
         [("message", "first"), ("message", "second"), ("message", " third")]),
        (b"data\n\ndata\ndata\n\ndata:", [("message", ""), ("message", "\n")]),
        (b"event: ping\r\ndata: {}\r\n\r\n", [("ping", "{}")]),
        (b"event: lonely\r\rdata: x\r\r", [("message", "x")]),
        (b"\xef\xbb\xbfdata: bom\n\n", [("message", "bom")]),
        (b"retry: 5\nunknown: y\ndata: x\n\n", [("message", "x")]),
        (b"data: never ended", []),
        (b"data: never dispatched\n", []),
    ],
)  # fmt: skip
def test_the_examples_of_the_standard(raw: bytes, events: list[tuple[str, str]]) -> None:
    """Events are those that the standard gives for its examples, whole and byte by byte."""
    assert decoded(raw) == events == reference(raw)
    assert decoded(*(raw[place : place + 1] for place in range(len(raw)))) == events


LINES = st.sampled_from(
    [
        b"data: ",
        b"data:",
        b"data",
        b"event: a",
        b":c",
        b"",
        b"x: y",
        "data: Kovač 東京 🜚".encode(),
        b"data: \xff\xfe\xc4",
        b"id: 3",
    ]
)
ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])


@settings(max_examples=200, deadline=None)
@given(lines=st.lists(st.tuples(LINES, ENDS), max_size=30), tail=LINES, bom=st.booleans(), seed=st.integers(0, 2**32))
def test_any_cut_gives_the_same_events(lines: list[tuple[bytes, bytes]], tail: bytes, bom: bool, seed: int) -> None:
    """However the bytes are cut, the events are those of the standard read over the whole."""
    raw = b"\xef\xbb\xbf" * bom + b"".join(line + end for line, end in lines) + tail
    dice, pieces, place = random.Random(seed), [], 0
    while place < len(raw):
        step = dice.choice([0, 1, 1, 2, 3, 7])
        pieces.append(raw[place : place + step])
        place += step
    assert decoded(*pieces) == reference(raw)


def test_a_line_without_end_is_stopped() -> None:
    """A line beyond the limit stops the reading, and memory stays small."""
    decoder = EventDecoder(max_event_bytes=1000)
    with pytest.raises(GeneratorGarbled):
        feed_all(decoder, [b"data: " + b"x" * 200] * 10)


def test_an_event_of_endless_lines_is_stopped() -> None:
    """Many short lines of one event count together; many short events do not."""
    decoder = EventDecoder(max_event_bytes=1000)
    for _ in range(100):
        assert list(decoder.feed(b"data: " + b"x" * 100 + b"\n\n"))
    with pytest.raises(GeneratorGarbled):
        feed_all(decoder, [b"data: " + b"x" * 100 + b"\n"] * 100)


def test_an_event_does_not_show_its_data() -> None:
    """The repr tells the length only."""
    assert "secret" not in repr(ServerEvent("message", "secret"))
