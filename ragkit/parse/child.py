"""The process that reads hostile bytes: ``python -m ragkit.parse.child``, started by ``sandbox``.

It confines itself before it reads the first byte, then answers one frame a request until its input ends. It holds no
secret: no key, no environment but the search path, no open file but the two pipes.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import BinaryIO

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.confine import confine, out_of_memory_soon
from ragkit.parse.formats import Formats, Part
from ragkit.parse.frames import EXIT_RETIRED, PREFIX, pack, pack_document, pack_problem
from ragkit.parse.ocr_setup import Ocr
from ragkit.parse.problems import problem
from ragkit.parse.sniff import sniff

_CHECK_AFTER = 1024 * 1024
_ITEM_COST = 10_000
"""Counted for an item beside its bytes. Asking the kernel after every small item would cost a tenth of parsing it."""


def main() -> int:
    """Answer requests until end of file. Returns the exit status."""
    settings = json.loads(sys.argv[1])
    # The pipes move away from 0 and 1, so that a library that prints cannot write into the answers.
    requests = os.fdopen(os.dup(0), "rb", buffering=1024 * 1024)
    answers = os.fdopen(os.dup(1), "wb", buffering=1024 * 1024)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    ocr = Ocr(**settings["ocr"])
    confine(
        memory_bytes=settings["memory_bytes"], parent=settings["parent"], readable=[ocr.folder] if ocr.folder else ()
    )
    formats = Formats(settings["formats"], ocr=ocr)
    answers.write(pack("ready", b""))
    answers.flush()
    unchecked = 0
    while (request := _read(requests)) is not None:
        _limit_cpu(settings["cpu_s"])
        answer, exhausted = _answer(*request, formats)
        answers.write(answer)
        answers.flush()
        unchecked += len(request[2]) + _ITEM_COST
        if unchecked > _CHECK_AFTER:
            unchecked = 0
            exhausted = exhausted or out_of_memory_soon(settings["memory_bytes"])
        if exhausted:
            return EXIT_RETIRED
    return 0


def _answer(name: str, media_type: str | None, content: bytes, formats: Formats) -> tuple[bytes, bool]:
    part = Part(content=content, name=name, media_type=media_type)
    try:
        out = BlockWriter()
        kind = formats.parse(part, out)
        text, blocks, notices = out.finish()
        return pack_document(text, blocks, notices, title=out.title[:1000], media_type=kind), False
    except ItemError as error:
        return pack_problem(error, sniff(content, declared=media_type, name=name)), False
    except MemoryError:
        return pack_problem(problem("parser-memory")), True
    except (RecursionError, Exception):  # a parser library may raise anything; the item is lost, not the run
        return pack_problem(problem("parser-failed")), False


def _read(requests: BinaryIO) -> tuple[str, str | None, bytes] | None:
    prefix = requests.read(PREFIX.size)
    if len(prefix) < PREFIX.size:
        return None
    head_length, body_length = PREFIX.unpack(prefix)
    name, media_type = json.loads(requests.read(head_length))
    return name, media_type, requests.read(body_length)


def _limit_cpu(seconds: int) -> None:
    """Allow this item so many seconds of processor time more; the kernel's SIGXCPU ends a process that takes them."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    limit = int(used.ru_utime + used.ru_stime) + seconds + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.getrlimit(resource.RLIMIT_CPU)[1]))


if __name__ == "__main__":
    sys.exit(main())
