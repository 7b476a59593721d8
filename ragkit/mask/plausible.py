"""What Presidio's patterns take for personal data although it cannot be: dates as phone numbers, ``s3`` as a licence.

Applied after scoring. ``tests/mask/test_presidio.py`` applies the same to Presidio's own findings before comparing.
"""

from __future__ import annotations

import re

from ragkit.mask.phones import oddly_grouped

_NOT_A_PHONE = re.compile(
    r"\d{4}([-/.])\d\d?\1\d\d?(?:\1\d\d)?|\d\d?([-/.])\d\d?\2\d{4}"  # dates, with an hour
    r"|\d+\.\d{1,3}|\d+(?:\.\d+){3}"  # a time stamp with a fraction; a version or an IP address
    r"|.*[^\S\n]{3,}.*"  # two columns of a table
    r"|\d{6,}-\d{1,4}"
)
_FEWEST_PHONE_DIGITS = 7
_FEWEST_NUMBER_DIGITS = 4
_NOBODYS_NETWORKS = ("0.0.0.0", "127.0.0.1", "255.")  # noqa: S104 (recognised, not bound to)


def is_plausible(entity_type: str, text: str, start: int, end: int, *, confirmed: bool = False) -> bool:
    """Whether ``text[start:end]`` can be what a pattern took it for.

    Args:
        entity_type: The type that was found.
        text: The whole text.
        start: Where the finding begins.
        end: Where it ends.
        confirmed: The recognizer's pattern matches nearly any number.
    """
    value = text[start:end]
    if entity_type == "IP_ADDRESS":
        return _is_somebodys_address(value)
    if entity_type == "PHONE_NUMBER":
        if _digits(value) < _FEWEST_PHONE_DIGITS or oddly_grouped(value):
            return False
        return _NOT_A_PHONE.fullmatch(value) is None
    if entity_type == "URL":  # "self.assertEqual" holds the domain self.as
        return "/" in value or not text[end : end + 1].isalnum()
    if entity_type == "MAC_ADDRESS":  # a certificate's fingerprint has 20 such bytes or more
        return text[max(0, start - 1) : start] not in {":", "-"} and text[end : end + 1] not in {":", "-"}
    return not confirmed or _digits(value) >= _FEWEST_NUMBER_DIGITS


def _is_somebodys_address(value: str) -> bool:
    """Not unspecified, loopback or a netmask; not ``1::`` from "Step 1::"."""
    address = value.partition("/")[0]
    if "." in address:
        return not address.startswith(_NOBODYS_NETWORKS)
    return len([group for group in address.split(":") if group]) >= 2


def _digits(value: str) -> int:
    return sum(char.isdigit() for char in value)
