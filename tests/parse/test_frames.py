"""Answers of a process that has read hostile bytes are input like any other."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.frames import PREFIX, pack_document, unpack_answer
from ragkit.types import BlockKind, Document, SourceItem

ITEM = SourceItem(native_id="1", content=b"", name="Ana.txt", uri="/x", metadata={"team": "care"})


def answer(**changes: object) -> bytes:
    """Return the head of an answer with some of it replaced."""
    head = {"blocks": [["paragraph", 0, 3, 0, None, 0]], "notices": [], "title": "", "media_type": "text/plain"}
    return json.dumps({**head, **changes}).encode()


def test_a_document_survives_the_pipe() -> None:
    """Text, blocks, notices and title come back as they were; name, address and metadata never left."""
    out = BlockWriter()
    out.add(BlockKind.HEADING, "Größe 🚀", level=2, page=3)
    out.table([["a", "b"], ["c", "1"]])
    out.notice("truncated", count=2, where=(1, 2))
    text, blocks, notices = out.finish()
    frame = pack_document(text, blocks, notices, title="Über\nuns", media_type="text/markdown")
    head, body = PREFIX.unpack_from(frame)
    start = PREFIX.size + head
    document = unpack_answer(frame[PREFIX.size : start], frame[start : start + body], ITEM)
    assert document == Document(
        text=text, blocks=blocks, title="Über uns", name="Ana.txt", media_type="text/markdown", uri="/x",
        metadata={"team": "care"}, notices=notices,
    )  # fmt: skip


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"[]",
        b"{}",
        answer(blocks=[["paragraph", 0, 4, 0, None, 0]]),
        answer(blocks=[["paragraph", 2, 1, 0, None, 0]]),
        answer(blocks=[["paragraph", -1, 2, 0, None, 0]]),
        answer(blocks=[["paragraph", 0, 2, 0, None, 0], ["paragraph", 1, 3, 0, None, 0]]),
        answer(blocks=[["table", 0, 3, 0, None, 9]]),
        answer(blocks=[["virus", 0, 3, 0, None, 0]]),
        answer(blocks=[["paragraph", 0, "3", 0, None, 0]]),
        answer(blocks=[["paragraph", 0, True, 0, None, 0]]),
        answer(notices=[["Ana Pérez lives in Bonn", 1, []]]),
        answer(title=["x"]),
        json.dumps({"problem": "Ana Pérez", "media_type": ""}).encode(),
        json.dumps({"problem": 7, "media_type": ""}).encode(),
    ],
)
def test_answers_out_of_form_are_refused(head: bytes) -> None:
    """Offsets outside the text, unknown kinds and words in place of codes are not taken over."""
    with pytest.raises(ValueError, match=r".*"):
        unpack_answer(head, b"abc", ITEM)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80), st.binary(max_size=20))
def test_no_answer_raises_anything_else(head: bytes, body: bytes) -> None:
    """Whatever the child says, the parent gets a document, a problem or a ValueError."""
    with suppress(ValueError):
        assert isinstance(unpack_answer(head, body, ITEM), Document | ItemError)


def test_a_problem_takes_its_words_from_here() -> None:
    """The child names a code; message and remedy are ours, and only a media type is let through."""
    head = json.dumps({"problem": "unsupported-type", "media_type": "image/png"}).encode()
    error = unpack_answer(head, b"Ana", ITEM)
    assert isinstance(error, ItemError)
    assert (error.code, "image/png" in str(error), bool(error.remedy)) == ("unsupported-type", True, True)
    strange = unpack_answer(json.dumps({"problem": "malformed", "media_type": "Ana Pérez/x"}).encode(), b"", ITEM)
    assert "Ana" not in str(strange)


@pytest.mark.parametrize(
    ("name", "title", "expected"),
    [("a/report.final.pdf", None, "report.final"), (".env", None, ".env"), ("x.txt", "  Own  title ", "Own title")],
)
def test_a_title_is_never_empty(name: str, title: str | None, expected: str) -> None:
    """The source's title wins, the file name is the last resort."""
    item = SourceItem(native_id="1", content=b"", name=name, title=title)
    document = unpack_answer(answer(), b"abc", item)
    assert isinstance(document, Document)
    assert document.title == expected
