"""Over four hundred files that mean harm, made on the fly: what a parser has to come out of alive.

::

    for file in hostile_files():
        ...                                  # file.kind, file.name, file.content
    hostile_folder(tmp_path)                 # pipes, devices, loops of links, long names, for a connector

Nothing here is taken from elsewhere, and all of it is the same every time.
"""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ragkit.testing import hostile_archives, hostile_binaries, hostile_texts
from ragkit.testing.hostile_samples import WORDS, Hostile, samples

MAX_NAME = 255
"""Bytes of a name in Linux's file systems."""


def hostile_files() -> Iterator[Hostile]:
    """Yield the whole set."""
    yield from made_files()
    yield from broken_files()


def made_files() -> Iterator[Hostile]:
    """Yield those that someone has to think of."""
    for maker in (
        hostile_archives.zips,
        hostile_archives.streams,
        hostile_archives.offices,
        hostile_binaries.pdfs,
        hostile_binaries.pictures,
        hostile_binaries.ole_files,
        hostile_texts.nested,
        hostile_texts.large,
        hostile_texts.encodings,
        hostile_texts.names,
    ):
        yield from maker()


def broken_files(*, cuts: int = 10, flips: int = 4) -> Iterator[Hostile]:
    """Yield honest files of every format empty, cut, with bits turned, and under another one's name.

    Args:
        cuts: A file is cut at every so manieth part of its length.
        flips: Copies of a file with some bits turned, one in two hundred bytes, at least one.
    """
    chance = random.Random(15)
    whole = samples()
    for place, (extension, content) in enumerate(whole.items()):
        yield Hostile("empty", f"empty.{extension}", b"")
        for cut in range(1, cuts):
            yield Hostile("truncated", f"cut-{cut}.{extension}", content[: len(content) * cut // cuts])
        for flip in range(flips):
            turned = bytearray(content)
            for _ in range(1 + len(turned) // 200):
                turned[chance.randrange(len(turned))] ^= 1 << chance.randrange(8)
            yield Hostile("bits turned", f"flip-{flip}.{extension}", bytes(turned))
        other = list(whole)[(place + 7) % len(whole)]
        yield Hostile("wrong extension", f"{extension}.{other}", content)


def hostile_folder(folder: Path) -> dict[str, str | None]:
    """Fill a folder with what is no file, or loops; return what must come of each name, ``None`` for text.

    What this user or file system cannot make is left out.
    """
    (folder / "good.txt").write_text(WORDS)
    made: dict[str, str | None] = {"good.txt": None}
    os.mkfifo(folder / "pipe.txt")
    made["pipe.txt"] = "not-a-file"
    with suppress(PermissionError):  # root only
        for name, numbers in (("zero.txt", (1, 5)), ("random.txt", (1, 9)), ("full.txt", (1, 7))):
            os.mknod(folder / name, 0o600 | 0o020000, os.makedev(*numbers))
            made[name] = "not-a-file"
    with suppress(OSError):  # the path may be too long for a socket
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(str(folder / "socket.txt"))
        listening.close()
        made["socket.txt"] = "not-a-file"
    for name, target in (
        ("self.txt", "self.txt"), ("there.txt", "back.txt"), ("back.txt", "there.txt"), ("up", ".."), ("here", "."),
        ("passwd.txt", "/etc/passwd"), ("lost.txt", "nowhere"), ("proc", "/proc"),
    ):  # fmt: skip
        (folder / name).symlink_to(target)
        made[name] = "symbolic-link"
    os.link(folder / "good.txt", folder / "hard.txt")
    made["hard.txt"] = None
    made["/".join("d" * 101)] = "too-deep"
    _deep(folder, 101)
    long = "x" * (MAX_NAME - 4) + ".txt"
    (folder / long).write_text(WORDS)
    made[long] = None
    with (folder / "sparse.txt").open("wb") as sparse:
        sparse.truncate(2**40)
    made["sparse.txt"] = "too-large"
    strange = os.fsdecode(b"\xff\xfe.txt")
    with suppress(OSError):  # some file systems take Unicode only
        (folder / strange).write_text(WORDS)
        made["\\xff\\xfe.txt"] = None
    return made


def _deep(folder: Path, depth: int) -> None:
    below = folder
    for _ in range(depth):
        below /= "d"
        below.mkdir()
    (below / "deep.txt").write_text(WORDS)
