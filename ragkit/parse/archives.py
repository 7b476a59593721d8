"""Archives (zip, tar) and compressed files (gzip, bzip2, xz): each member read by the parser of its own format.

Nothing is written to a disk, so a member's path is only its name. Links, devices, sparse and encrypted members, and
those no parser can read, are counted in the notice ``part-skipped`` with their positions; an archive of which nothing
could be read ends with what was wrong with its first member. A stream is unpacked piece by piece and left at the limit.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import IO, cast

from ragkit.parse.archive import MAX_DEPTH, MAX_RATIO, SMALL, check_zip, read_member
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.nested import Members
from ragkit.parse.problems import problem
from ragkit.parse.sniff import TAR, sniff
from ragkit.parse.xml_safe import DAMAGE

_PIECE = 1024 * 1024
_BROKEN_STREAM = (OSError, zlib.error, lzma.LZMAError, ValueError)
_OPENERS: dict[bytes, Callable[[IO[bytes]], IO[bytes]]] = {
    b"\x1f\x8b": lambda source: cast("IO[bytes]", gzip.GzipFile(fileobj=source)),
    b"BZ": lambda source: cast("IO[bytes]", bz2.BZ2File(source)),
    b"\xfd7": lambda source: cast("IO[bytes]", lzma.LZMAFile(source)),  # noqa: SIM115 - closed by `_stream`
}
_COMPRESSED_NAME = re.compile(r"(?i)\.(?:gz|gzip|bz2|xz)$")
_COMPRESSED_TAR = re.compile(r"(?i)\.(?:tgz|tbz2?|txz)$")
# What file managers leave in archives: resource forks, thumbnails, folder settings.
_LITTER = re.compile(r"(?i)(?:^|/)(?:__MACOSX/|\._|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")


def parse_zip(part: Part, out: BlockWriter) -> None:
    """Read the members of a zip."""
    _check_depth(part)
    check_zip(part.content, encrypted=True)
    members = Members(part, out)
    with zipfile.ZipFile(io.BytesIO(part.content)) as archive:
        for entry in archive.infolist():
            kind = stat.S_IFMT(entry.external_attr >> 16)  # the mode, where the archive was made on Unix
            if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
                members.skip(problem("not-a-file"))
            elif entry.flag_bits & 1:
                members.skip(problem("encrypted"))
            elif _is_worth_reading(entry.filename, entry.file_size):
                part.budget.take(unpacked=entry.file_size)
                members.add(entry.filename, _zip_reader(archive, entry))
            else:
                members.count()
    members.finish()


def parse_tar(part: Part, out: BlockWriter) -> None:
    """Read the members of a tar."""
    _check_depth(part)
    members = Members(part, out)
    try:
        with tarfile.open(fileobj=io.BytesIO(part.content), mode="r:") as archive:
            for entry in archive:
                if entry.isdir() or (entry.isreg() and not _is_worth_reading(entry.name, entry.size)):
                    members.count()
                elif not entry.isreg() or entry.issparse():
                    members.skip(problem("not-a-file"))
                else:
                    members.add(entry.name, _tar_reader(archive, entry))
    except (tarfile.TarError, OSError, ValueError):
        if not members.position:
            raise problem("malformed") from None
        out.notice("truncated")
    members.finish()


def parse_compressed(part: Part, out: BlockWriter) -> None:
    """Read a compressed file as the file it holds; a compressed tar is one archive, not one in another."""
    _check_depth(part)
    content, is_whole = _unpacked(part)
    if not is_whole:
        out.notice("truncated")
    name = _COMPRESSED_TAR.sub(".tar", _COMPRESSED_NAME.sub("", part.name))
    inner = part.inside(content, name if name != part.name else "")
    if sniff(content, name=inner.name) == TAR:
        inner = replace(inner, depth=part.depth)
    assert part.formats is not None
    part.formats.parse(inner, out)


def _is_worth_reading(path: str, size: int) -> bool:
    return size > 0 and not _LITTER.search(path)


def _check_depth(part: Part) -> None:
    if part.depth >= MAX_DEPTH:
        raise problem("too-nested")


def _zip_reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            return read_member(archive, entry)
        except DAMAGE:
            raise problem("malformed") from None

    return read


def _tar_reader(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            stream = archive.extractfile(entry)
            content = stream.read() if stream is not None else b""
        except (tarfile.TarError, OSError, ValueError):
            content = b""
        if len(content) < entry.size:
            raise problem("malformed")
        return content

    return read


def _unpacked(part: Part) -> tuple[bytes, bool]:
    """The bytes of a compressed stream, and whether its end was there."""
    limit = max(SMALL, MAX_RATIO * len(part.content))
    pieces, total, is_whole = [], 0, True
    try:
        for piece in _stream(part.content):
            total += len(piece)
            part.budget.take(unpacked=len(piece))
            if total > limit:
                raise problem("archive-bomb")
            pieces.append(piece)
    except EOFError:
        is_whole = False
    except _BROKEN_STREAM:
        raise problem("malformed") from None
    if not is_whole and not pieces:
        raise problem("malformed")
    return b"".join(pieces), is_whole


def _stream(content: bytes) -> Iterator[bytes]:
    with _OPENERS[content[:2]](io.BytesIO(content)) as stream:
        # `read1` gives what there is before the break of a truncated stream; `read` would lose up to a piece.
        while piece := cast("io.BufferedReader", stream).read1(_PIECE):
            yield piece
