"""Parsing in this process, for tests that look at a parser rather than at the sandbox."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Formats, Part
from ragkit.types import Block, Notice


@dataclass
class Parsed:
    text: str
    blocks: tuple[Block, ...]
    notices: dict[str, Notice]
    title: str
    media_type: str

    def shown(self) -> list[tuple[str, str]]:
        """Kind and text of every block."""
        return [(block.kind.value, self.text[block.start : block.end]) for block in self.blocks]

    def of(self, kind: str) -> list[str]:
        return [text for found, text in self.shown() if found == kind]


@pytest.fixture(scope="session")
def parse() -> Callable[..., Parsed]:
    """Return ``parse(content, name, media_type=None)``, which also checks that the blocks are exact."""
    formats = Formats()

    def run(content: bytes | str, name: str, media_type: str | None = None) -> Parsed:
        out = BlockWriter()
        data = content.encode() if isinstance(content, str) else content
        kind = formats.parse(Part(content=data, name=name, media_type=media_type), out)
        text, blocks, notices = out.finish()
        assert "\n\n".join(text[block.start : block.end] for block in blocks) == text
        return Parsed(text, blocks, {notice.code: notice for notice in notices}, out.title, kind)

    return run


@pytest.fixture(scope="session")
def codes_of_damage(parse: Callable[..., Parsed]) -> Callable[[bytes, str], set[str]]:
    """Return ``codes(whole, name)``: how a compound file ends that is cut at every tenth, or has bytes turned over."""

    def codes(whole: bytes, name: str) -> set[str]:
        dice = random.Random(8)
        damaged = [whole[: len(whole) * tenth // 10] for tenth in range(1, 10)]
        for _ in range(200):
            content = bytearray(whole)
            for _ in range(dice.choice((1, 8, 64))):
                content[dice.randrange(512, len(content))] = dice.randrange(256)
            damaged.append(bytes(content))
        found = set()
        for content in damaged:
            try:
                parse(content, name)
            except ItemError as error:
                found.add(error.code)
        return found

    return codes
