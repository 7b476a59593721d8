"""Texts that callers send, looked over before anything is done with them: length, blanks, characters.

What is refused here would else fail somewhere below (lone surrogates have no UTF-8 form), or be kept, printed or sent
as it is (NUL and other control characters).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from ragkit.serve.replies import ServiceError

_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
MOST_FILTERS = 16
MOST_HISTORY = 50
MOST_QUESTIONS = 32

Id = Annotated[str, Field(min_length=1, max_length=200)]
"""An id that the service gave out; one it never gave is 404."""


class BadText(ServiceError):
    """A text that is empty, too long or unreadable; which of the three, never the text."""

    code = "invalid_text"

    def __init__(self, message: str, *, param: str, remedy: str, code: str = "invalid_text") -> None:
        super().__init__(message, remedy=remedy)
        self.param = param
        self.code = code


def readable(text: str, *, param: str, most: int, empty: bool = False) -> str:
    """Return a text as it is, if it can be worked on.

    Args:
        text: As it came.
        param: The name of its field.
        most: Characters that it may have.
        empty: Whether it may have nothing but blanks.

    Raises:
        BadText: It cannot.
    """
    if len(text) > most:
        raise BadText(
            f"`{param}` is too long: {len(text)} characters (limit {most})",
            param=param,
            remedy="Shorten it; `[serve.limits] question_characters` is the limit.",
            code="text_too_long",
        )
    if _UNREADABLE.search(text):
        raise BadText(
            f"`{param}` holds characters that no text has",
            param=param,
            remedy="Leave out control characters other than tab and line end, and halves of surrogate pairs.",
            code="invalid_characters",
        )
    if not empty and not text.strip():
        raise BadText(f"`{param}` is empty", param=param, remedy="Send a text.", code="empty_text")
    return text


def readable_all(texts: Sequence[str], *, param: str, most: int) -> tuple[str, ...]:
    """Return several texts as they are. Raises as :func:`readable`, naming the first that cannot be worked on."""
    return tuple(readable(text, param=f"{param}.{number}", most=most) for number, text in enumerate(texts))


def readable_filters(filters: Mapping[str, str] | None) -> dict[str, str] | None:
    """Return filters as they are. Raises as :func:`readable`."""
    if filters is None:
        return None
    for part in (*filters, *filters.values()):
        readable(part, param="filters", most=1_000, empty=True)
    return dict(filters)
