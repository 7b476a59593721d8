"""Whether what follows a label can be an identifying number, and where it ends: no year, date, version or dose."""

from __future__ import annotations

import re
from itertools import takewhile

from ragkit.mask import phones
from ragkit.mask.labels import Label

_FEWEST = 4
"""Letters and digits of a value; fewer are counts."""
_NO_VALUE = re.compile(
    r"\d{1,2}[/.\-]\d{1,2}[/.\-](?:\d{2}|\d{4})|\d{4}-\d{2}-\d{2}(?:t[\d:.]+)?|\d{1,2}:\d{2}(?::\d{2})?"  # dates, times
    r"|\d{1,3}(?:\.\d{1,3}){1,3}|\d{1,3}(?:,\d{3})+|\d+\.\d+"  # versions, addresses, decimals
    r"|.*(?:sha|hmac|aes|rsa|md)-?\d{1,3}\b.*"  # algorithms
    r"|(?:\d+-)?[a-z]+-?\d{1,2}",  # s3, utf-8, x86-64: a word with a small number
    re.IGNORECASE,
)
_WORD_IN_IT = re.compile(r"(?=[A-Z]*[a-z])[A-Za-z]{4}")
_PATH_BEHIND = re.compile(r"(?:/[A-Za-z]{2}.*|\.[A-Za-z]{2,})\Z")
"""Behind a number that names a file or a folder: the ending, or what lies in it."""
_SMALL_CODE = re.compile(r"[a-z]{0,4}-?\d{4,}[a-z]?")
_OF_MACHINES = frozenset({"DEVICE_ID", "BIOMETRIC_ID", "UNIQUE_ID"})
_UNIT = re.compile(
    r"[ \u00a0]?(?:%|(?:m[lgm]|mcg|kg|cm|nm|mmhg|mmol|units?|dollars?|days?|weeks?|months?|years?|hours?|minutes?|"
    r"seconds?|percent|bytes?|bits?|characters?|digits?|kb|mb|gb|items?|times|people|patients?|members?|devices?)\b)",
    re.IGNORECASE,
)
_HEXADECIMAL = re.compile(r"[0-9a-f\-:]+", re.IGNORECASE)
_YEAR = re.compile(r"(?:19|20)\d\d")
_TICKET = re.compile(r"[A-Z]{2,8}-\d{2,8}")


def value_end(text: str, start: int, end: int, label: Label, *, marked: bool) -> int:
    """Where the value ends, or 0 when ``text[start:end]`` is none.

    Args:
        text: The whole text, in its own case.
        start: Where the value begins.
        end: Where the pattern's match ends.
        label: What stands before it.
        marked: A word for number or a mark stands between.
    """
    value = text[start:end].rstrip("-/._: ")
    end = start + len(value)
    if label.value == "plate":
        return start + len(plate) if _is_plate(plate := _capitals(value)) else 0
    if label.value == "ssn":
        return end
    if label.value == "phone":
        return 0 if _NO_VALUE.fullmatch(value) or _UNIT.match(text, end) else phones.whole(text, start, end)[1]
    if label.value == "postcode":
        return end if value.upper() == value else 0
    digits = sum(char.isdigit() for char in value)
    letters = sum(char.isalpha() for char in value)
    if digits < 2 or digits + letters < _FEWEST or (digits < 3 and digits + letters < 5):
        return 0
    if _NO_VALUE.fullmatch(value) or _UNIT.match(text, end) or (not marked and _YEAR.fullmatch(value)):
        return 0
    if label.sure == "plain" and not marked and digits < 6 and _TICKET.fullmatch(value) is None:
        return 0
    if _is_written_as_code(value, digits, label.entity_type):
        return end
    named = _PATH_BEHIND.sub("", value)
    digits = sum(char.isdigit() for char in named)
    if named == value or digits < _FEWEST or _NO_VALUE.fullmatch(named):
        return 0
    return start + len(named) if _is_written_as_code(named, digits, label.entity_type) else 0


def _capitals(value: str) -> str:
    """The groups of a plate up to the first with a small letter."""
    groups = value.split(" ")
    return " ".join(takewhile(lambda group: group.upper() == group, groups))


def _is_plate(value: str) -> bool:
    """Capitals and digits, both, at least five of them."""
    signs = [char for char in value if char.isalnum()]
    return (
        4 <= len(signs) <= 9
        and value.upper() == value
        and any(char.isdigit() for char in signs)
        and any(char.isalpha() for char in signs)
        and _NO_VALUE.fullmatch(value) is None
    )


def _is_written_as_code(value: str, digits: int, entity_type: str) -> bool:
    """Capitals, digits and marks; small letters only as of one who writes all small, or in what machines count by."""
    if value.upper() == value:
        return True
    if _WORD_IN_IT.search(value) and _HEXADECIMAL.fullmatch(value) is None:
        return False
    if entity_type in _OF_MACHINES:
        return digits >= 4 or _HEXADECIMAL.fullmatch(value) is not None
    return _SMALL_CODE.fullmatch(value) is not None
