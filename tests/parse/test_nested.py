"""A part within a part: what it may cost, and what is left of it when it fails."""

from __future__ import annotations

import pytest

from ragkit.errors import ItemError
from ragkit.parse.archive import Budget
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Formats, Part
from ragkit.parse.nested import Members, read_named, read_part
from ragkit.parse.problems import problem
from ragkit.types import BlockKind


def half(part: Part, out: BlockWriter) -> None:
    """Write half a text, then fail as the part's name says."""
    out.add(BlockKind.PARAGRAPH, "half a text")
    out.title = "half a title"
    if part.name == "memory":
        raise MemoryError
    if part.name == "library":
        raise KeyError("words of the document")
    if part.name == "spent":
        part.budget.take(entries=1 << 40)
    raise problem(part.name)


@pytest.fixture
def outer() -> Part:
    """Return a part whose formats know the one above."""
    formats = Formats({"application/x-half": f"{__name__}:half"})
    formats._loaded["application/x-half"] = half
    return Part(content=b"", name="outer", formats=formats)


@pytest.mark.parametrize(("name", "code"), [("malformed", "malformed"), ("library", "parser-failed")])
def test_a_part_that_fails_leaves_nothing(outer: Part, name: str, code: str) -> None:
    """Neither half of its text nor its title, nor the library's words."""
    out = BlockWriter()
    failure = read_part(outer.inside(b"x", name, "application/x-half"), out)
    assert failure is not None
    assert failure.code == code
    assert "words" not in str(failure)
    assert out.is_empty
    assert out.title == ""
    assert out.level_offset == 0


@pytest.mark.parametrize("name", ["too-much-text", "spent", "memory"])
def test_what_ends_the_item_is_passed_on(outer: Part, name: str) -> None:
    """No further part could be read."""
    with pytest.raises((ItemError, MemoryError)):
        read_part(outer.inside(b"x", name, "application/x-half"), BlockWriter())


def test_the_name_of_an_unreadable_part_stays_where_it_says_something(outer: Part) -> None:
    """In a message it does, in an archive it does not."""
    for keep_name, headings in ((True, 1), (False, 0)):
        out = BlockWriter()
        inner = outer.inside(b"x", "malformed", "application/x-half")
        assert read_named(inner, "report.x", out, keep_name=keep_name) is not None
        assert len(out.finish()[1]) == headings


def test_a_container_without_anything_to_read_ends_like_its_first_member(outer: Part) -> None:
    """One readable member is enough."""
    out = BlockWriter()
    members = Members(outer, out)
    members.skip(problem("encrypted"))
    members.add("malformed", lambda: b"x", "application/x-half")
    with pytest.raises(ItemError) as caught:
        members.finish()
    assert caught.value.code == "encrypted"
    members.add("a.txt", lambda: b"words")
    members.finish()
    assert out.finish()[0] == "a.txt\n\nwords"


def test_a_budget_is_spent_once_and_for_all() -> None:
    """What is asked for beyond it ends in a refusal, then and after."""
    budget = Budget()
    budget.take(entries=budget.entries, unpacked=budget.unpacked)
    assert not budget.is_spent
    for _ in range(2):
        with pytest.raises(ItemError) as caught:
            budget.take(unpacked=1)
        assert caught.value.code == "archive-bomb"
        assert budget.is_spent
