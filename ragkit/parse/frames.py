"""The words that parent and child exchange: a length-prefixed head in JSON, and a body of bytes.

A request's head is ``[name, media type]`` and its body the content; an answer's head is the blocks and notices, or the
code of a problem, and its body the text in UTF-8. Nothing is ever unpickled: the child has read hostile bytes, so
its answers are checked here like any other input, and an error's words come from ``problems``, not from the child.
"""

from __future__ import annotations

import json
import re
import struct
from typing import Final

from ragkit.errors import ItemError
from ragkit.parse.blocks import visible
from ragkit.parse.problems import problem
from ragkit.parse.sniff import media_type_of
from ragkit.types import Block, BlockKind, Document, Notice, SourceItem

PREFIX: Final = struct.Struct(">II")
EXIT_RETIRED: Final = 3
"""Exit status of a child that leaves after an answer, its memory used up. Nothing is wrong with what follows."""
MAX_HEAD: Final = 128 * 1024 * 1024
MAX_BODY: Final = 256 * 1024 * 1024
_CODE: Final = re.compile(r"[a-z][a-z-]{1,40}")
_KINDS: Final = {kind.value: kind for kind in BlockKind}


def pack(head: object, body: bytes) -> bytes:
    """One frame."""
    written = json.dumps(head, ensure_ascii=True, separators=(",", ":")).encode()
    return b"".join((PREFIX.pack(len(written), len(body)), written, body))


def pack_item(item: SourceItem) -> bytes:
    """The request for an item. Its identity, address and metadata stay on this side."""
    return pack([item.name, item.media_type], item.content)


def pack_document(
    text: str, blocks: tuple[Block, ...], notices: tuple[Notice, ...], *, title: str, media_type: str
) -> bytes:
    """The answer for a document."""
    rows = [[block.kind.value, block.start, block.end, block.level, block.page, block.header_end] for block in blocks]
    return pack(
        {
            "blocks": rows,
            "notices": [[notice.code, notice.count, notice.where] for notice in notices],
            "title": title,
            "media_type": media_type,
        },
        text.encode(),
    )


def pack_problem(error: ItemError, media_type: str = "") -> bytes:
    """The answer for an item that failed."""
    return pack({"problem": error.code, "media_type": media_type}, b"")


def unpack_answer(head: bytes, body: bytes, item: SourceItem) -> Document | ItemError:
    """Check an answer and make the document from it, or the error.

    Raises:
        ValueError: The answer is out of form; the child is not to be trusted any more.
    """
    try:
        answer = json.loads(head)
        media_type = media_type_of(answer["media_type"])
        if "problem" in answer:
            code = answer["problem"]
            if not isinstance(code, str) or not _CODE.fullmatch(code):
                raise ValueError("code")
            return problem(code, detail=media_type if code == "unsupported-type" else "")
        text = body.decode()
        return Document(
            text=text,
            blocks=_blocks(answer["blocks"], len(text)),
            title=_clean(_title(item, answer["title"])),
            name=_clean(item.name),
            media_type=media_type,
            uri=None if item.uri is None else _clean(item.uri),
            metadata={key: _clean(value) for key, value in item.metadata.items()},
            notices=tuple(_notice(*row) for row in answer["notices"]),
        )
    except (KeyError, TypeError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError(type(error).__name__) from None


def _clean(text: str) -> str:
    return visible(text)[0]


def _blocks(rows: list[list[object]], length: int) -> tuple[Block, ...]:
    blocks, last = [], 0
    for kind, start, end, level, page, header_end in rows:
        numbers = (start, end, level, header_end, page or 0)
        if not all(type(number) is int for number in numbers):
            raise TypeError
        block = Block(_KINDS[kind], start, end, level, page, header_end)  # type: ignore[index,arg-type]
        if not (last <= block.start < block.end <= length and 0 <= block.header_end <= block.end and block.level >= 0):
            raise ValueError("block")
        if block.header_end and block.header_end < block.start:
            raise ValueError("header")
        last = block.end
        blocks.append(block)
    return tuple(blocks)


def _notice(code: object, count: object, where: object) -> Notice:
    if not (isinstance(code, str) and _CODE.fullmatch(code) and isinstance(count, int) and isinstance(where, list)):
        raise TypeError
    return Notice(code, count, tuple(int(place) for place in where))


def _title(item: SourceItem, found: object) -> str:
    if not isinstance(found, str):
        raise TypeError
    stem = item.name.rpartition("/")[2]
    stem = stem.rpartition(".")[0] or stem
    return " ".join((item.title or found or stem).split())[:500] or stem or "untitled"
