"""Where a word or phrase stands as a whole one: a search for literals, a tenth of the cost of a pattern."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def ends_of(cues: Iterable[str], lowered: str) -> Iterator[int]:
    """Where each cue ends, wherever it stands between characters that are no letters or digits.

    Args:
        cues: Words or phrases in lower case.
        lowered: The text in lower case.
    """
    for cue in cues:
        position = lowered.find(cue)
        while position >= 0:
            end = position + len(cue)
            if not (position and lowered[position - 1].isalnum()) and not lowered[end : end + 1].isalnum():
                yield end
            position = lowered.find(cue, end)
