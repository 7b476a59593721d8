"""Which folders and messages of a mailbox count, and who may see a message."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from fnmatch import fnmatchcase

RECIPIENTS = ("FROM", "TO", "CC", "BCC", "DELIVERED-TO")
"""The header fields that name readers of a message; Bcc and Delivered-To stand in one's own copies only."""

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_ADDRESS = re.compile(r"[|\s\x00-\x1f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a source's options say of folders and messages; the options are those of the connector.

    Attributes:
        issuer: Empty where the source's ``access`` holds for every message.
    """

    include: tuple[str, ...]
    exclude: tuple[str, ...]
    exclude_roles: frozenset[str]
    since: date | None
    max_bytes: int
    access: frozenset[str] | None
    issuer: str
    domains: frozenset[str]

    def takes_folder(self, folder: str, roles: Iterable[str] = ()) -> bool:
        """Tell whether a folder is read, by its name with ``/`` between levels and the roles that it has."""
        if self.exclude_roles & {role.lower() for role in roles}:
            return False
        return _any(folder, self.include) and not _any(folder, self.exclude)

    def takes_day(self, came: datetime | None) -> bool:
        """Tell whether a message that came in then is read; one without a date is."""
        return self.since is None or came is None or came.date() >= self.since

    def readers(self, header: bytes) -> frozenset[str] | None:
        """Return the access tokens of a message by its header; what is out of form names nobody."""
        if not self.issuer:
            return self.access
        try:
            fields = BytesHeaderParser().parsebytes(header)
            values = [str(value) for name in RECIPIENTS for value in fields.get_all(name, [])]
            addresses = {address.lower() for value in values for address in _addresses(value)}
        except Exception:  # headers out of form fail in the email package in ways it does not document
            return frozenset()
        return frozenset(
            f"u:{self.issuer}|{address}"
            for address in addresses
            if address.rpartition("@")[2] in self.domains and not _NO_ADDRESS.search(address)
        )


def _addresses(value: str) -> list[str]:
    """The addresses of a field, none where it could be read in two ways (CVE-2023-27043).

    ``getaddresses`` is strict about that from Python 3.11.10 on only; this is its rule.
    """
    bare = _QUOTED.sub("", value)
    found = [address for _, address in getaddresses([value])]
    is_plain = bare.count("(") == bare.count(")") and len(found) == bare.count(",") + 1
    return [address for address in found if "[" not in address] if is_plain else []


def header_of(message: bytes) -> bytes:
    """Return the header of a message: what stands before its first empty line."""
    end = re.search(rb"\r?\n\r?\n", message)
    return message[: end.end()] if end else message


def _any(folder: str, globs: tuple[str, ...]) -> bool:
    return any(fnmatchcase(folder, glob) for glob in globs)
