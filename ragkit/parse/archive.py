"""Limits on what a file may unpack to: a zip's directory is checked before anything is unpacked, a stream as it grows.

The figures are those of ``security.md`` E; a ``Budget`` is shared by all archives within one item, so that a thousand
small ones in one another come to no more than a large one.
"""

from __future__ import annotations

import io
import time
import zipfile

from ragkit.parse.problems import problem

MAX_ENTRIES = 10_000
MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 100
MAX_DEPTH = 3
"""Containers (archives, messages) within one another, the item itself being the first."""
SMALL = 1024 * 1024
"""Below this much unpacked data the ratio says nothing: an empty sheet of a thousand rows packs very well."""


class Budget:
    """What one item may still unpack to, and what it has used of recognition.

    Attributes:
        entries: Members left.
        unpacked: Bytes left.
        recognised: Pages given to text recognition.
        began: When the item's parsing began, on the monotonic clock in seconds.
    """

    __slots__ = ("began", "entries", "recognised", "unpacked")

    def __init__(self) -> None:
        self.entries = MAX_ENTRIES
        self.unpacked = MAX_UNPACKED
        self.recognised = 0
        self.began = time.monotonic()

    def __repr__(self) -> str:
        return f"Budget({self.entries} entries, {self.unpacked} bytes)"

    @property
    def is_spent(self) -> bool:
        """True once more was asked for than there was."""
        return self.entries < 0 or self.unpacked < 0

    def take(self, *, entries: int = 0, unpacked: int = 0) -> None:
        """Use some of it.

        Raises:
            ItemError: ``archive-bomb``, when there is no more.
        """
        self.entries -= entries
        self.unpacked -= unpacked
        if self.is_spent:
            raise problem("archive-bomb")


def check_zip(content: bytes, *, encrypted: bool = False) -> None:
    """Refuse an archive that unpacks to too much, and one with encrypted entries unless ``encrypted``.

    Sizes in the directory can lie; :func:`read_member` stops at the declared one.

    Raises:
        ItemError: ``archive-bomb``, ``encrypted`` or ``malformed``.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise problem("malformed") from None
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES or unpacked > MAX_UNPACKED:
        raise problem("archive-bomb")
    if unpacked > SMALL and unpacked > MAX_RATIO * len(content):
        raise problem("archive-bomb")
    if not encrypted and any(entry.flag_bits & 1 for entry in entries):
        raise problem("encrypted")


def read_member(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return what a member unpacks to, no further than its declared size (``ZipFile.read`` unpacks all of a lie first).

    Raises:
        zipfile.BadZipFile: The sum of what was unpacked is not the declared one; and as ``ZipFile.open``.
    """
    with archive.open(entry) as member:
        return member.read(entry.file_size)
