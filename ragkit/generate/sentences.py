"""Cuts a model's text into sentences as it comes; citation marks stay with the sentence before them.

The rules are those of :mod:`.pieces`; a line end always ends a sentence, since lists, headings and rows are lines.
"""

from __future__ import annotations

from ragkit.generate.citing import MARK, MARKS
from ragkit.generate.pieces import sentence_ends

_LONGEST = 2000  # characters; a sentence without an end is cut here, so that nothing is held back for ever
_AHEAD = 100  # characters that may be needed to tell that a sentence ends
_CLOSERS = frozenset("」』”\"'’»)]*_")


class SentenceStream:
    """Gives back whole sentences of a text that comes in pieces, with the blank space before each.

    Joined, they are the text; only its end may be blank.
    """

    def __init__(self) -> None:
        self._text = ""
        self.half = ""  # a last sentence without an end that flush left out

    def feed(self, piece: str) -> list[str]:
        """Return the sentences that have ended by now."""
        self._text += piece
        found: list[str] = []
        while (end := _first_end(self._text, final=False)) is not None:
            found.append(self._text[:end])
            self._text = self._text[end:]
        return found

    def flush(self, *, whole: bool = False) -> list[str]:
        """Return the rest, as no more comes.

        Args:
            whole: Leave out a last sentence that has no end: the text was cut off.
        """
        found: list[str] = []
        while self._text:
            end = _first_end(self._text, final=True) or len(self._text)
            found.append(self._text[:end])
            self._text = self._text[end:]
        if whole and found and not _stops(found[-1]):
            self.half = found.pop()
        return found

    def __repr__(self) -> str:
        return f"SentenceStream({len(self._text)} characters held back)"


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, as :class:`SentenceStream` does."""
    stream = SentenceStream()
    return stream.feed(text) + stream.flush()


def _first_end(text: str, *, final: bool) -> int | None:
    """Where the first sentence ends; ``None`` where that cannot be told yet."""
    begin = len(text) - len(text.lstrip())
    newline = text.find("\n", begin, begin + _LONGEST)
    line = text[: newline if newline >= 0 else begin + _LONGEST + _AHEAD]
    at = _end_in_line(line, begin, final=final or newline >= 0)
    if at is not None and at - begin <= _LONGEST:
        return at
    if newline >= 0:
        return newline
    if len(text) >= begin + _LONGEST + _AHEAD:
        blank = text.rfind(" ", begin + 1, begin + _LONGEST)
        return blank if blank > 0 else begin + _LONGEST
    return None


def _end_in_line(line: str, begin: int, *, final: bool) -> int | None:
    where = [at for at in range(begin, len(line)) if not MARK.match(line[at])]
    plain = "".join(line[at] for at in where)
    for end in sentence_ends(plain, 0, len(plain)):
        at = where[end] if end < len(where) else len(line)
        marks = MARKS.match(line, at)
        at = marks.end() if marks else at
        if not final and (not line[at:].strip() or line[at] in _CLOSERS):
            return None  # a mark or a closing quote may follow
        if at < len(line):
            return at
    return None


def _stops(sentence: str) -> bool:
    """Whether a sentence ends as a whole one does."""
    bare = MARK.sub("", sentence).rstrip().rstrip("\"'”’»)]*_")
    return bare.endswith((".", "!", "?", "…", "。", "！", "？", ":", "：", "|"))
