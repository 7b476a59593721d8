"""Limits on what a zip-based file may unpack to, checked on its directory before anything is unpacked."""

from __future__ import annotations

import io
import zipfile

from ragkit.connect.problems import problem

MAX_ENTRIES = 10_000
MAX_UNPACKED = 200 * 1024 * 1024
MAX_RATIO = 100
_SMALL = 1024 * 1024
"""Below this much unpacked data the ratio says nothing: an empty sheet of a thousand rows packs very well."""


def check_zip(content: bytes) -> None:
    """Refuse an archive that unpacks to too much.

    Sizes in the directory can lie: Python's reader stops at the declared size, the child's memory limit stops the rest.

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
    if unpacked > _SMALL and unpacked > MAX_RATIO * len(content):
        raise problem("archive-bomb")
    if any(entry.flag_bits & 1 for entry in entries):
        raise problem("encrypted")
