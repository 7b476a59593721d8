"""A part within a part - an attachment, a member of an archive - under a heading with its name.

What goes wrong inside costs the part and nothing else: it leaves no half of its text, and the caller counts it.
"""

from __future__ import annotations

from collections.abc import Callable

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.problems import problem
from ragkit.types import BlockKind

_MAX_NAME = 300


def read_part(inner: Part, out: BlockWriter) -> ItemError | None:
    """Write the blocks of an inner part, or none and return what is wrong with it. The title stays the outer one's.

    Raises:
        ItemError: The item as a whole has used up what it may unpack or write.
        MemoryError: The same of memory.
    """
    assert inner.formats is not None
    mark, title = out.mark(), out.title
    try:
        inner.formats.parse(inner, out)
    except MemoryError:
        raise
    except Exception as error:  # libraries raise anything on a broken file; the rest of the message is still good
        failure = error if isinstance(error, ItemError) else problem("parser-failed")
        if inner.budget.is_spent or failure.code == "too-much-text":
            raise failure from None
        out.rewind(mark)
        return failure
    finally:
        out.title = title
    return None


def read_named(inner: Part, name: str, out: BlockWriter, *, keep_name: bool) -> ItemError | None:
    """Write an inner part under a heading; ``keep_name`` leaves the heading when the part cannot be read."""
    mark, offset = out.mark(), out.level_offset
    out.level_offset = offset + 1
    out.add(BlockKind.HEADING, name[:_MAX_NAME], level=1)
    out.level_offset = offset + 2
    inside = out.mark()
    try:
        failure = read_part(inner, out)
    finally:
        out.level_offset = offset
    if failure is None and out.mark() == inside:
        failure = problem("no-text")
    if failure is not None and not keep_name:
        out.rewind(mark)
    return failure


class Members:
    """Reads what lies in a container, one after the other, each under its name.

    Attributes:
        position: How many there were so far.
    """

    def __init__(self, part: Part, out: BlockWriter) -> None:
        self._part = part
        self._out = out
        self._first_failure: ItemError | None = None
        self._before = out.mark()
        self.position = 0

    def add(self, name: str, read: Callable[[], bytes], media_type: str | None = None) -> None:
        """Read one member; ``read`` gives its bytes or raises an :class:`ItemError`."""
        self.count()
        try:
            inner = self._part.inside(read(), name, media_type)
        except ItemError as failure:
            self._fail(failure)
            return
        failure_inside = read_named(inner, " ".join(name.split()), self._out, keep_name=False)
        if failure_inside is not None:
            self._fail(failure_inside)

    def skip(self, failure: ItemError) -> None:
        """Pass over one that cannot be read at all."""
        self.count()
        self._fail(failure)

    def count(self) -> None:
        """Pass over one in which there is nothing to read, such as a folder."""
        self.position += 1
        self._part.budget.take(entries=1)

    def finish(self) -> None:
        """Raise what was wrong with the first member when there was nothing to read in any."""
        if self._first_failure is not None and self._out.mark() == self._before:
            raise self._first_failure

    def _fail(self, failure: ItemError) -> None:
        self._first_failure = self._first_failure or failure
        self._out.notice("part-skipped", where=(self.position,))
