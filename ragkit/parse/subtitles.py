"""Subtitles and transcripts, WebVTT (W3C) and SubRip: what is said, by whom, without the timing.

A line names the speaker where the voice changes; cues of one voice run together up to a paragraph's length. Where a
player would show nothing - notes, styles, regions - there is nothing to read.
"""

from __future__ import annotations

import html
import re

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.text import decode
from ragkit.types import BlockKind

_TIMING = re.compile(r"^[ \t]*(?:\d+:)?\d{1,2}:\d\d[.,]\d{3}[ \t]+-->[ \t]+(?:\d+:)?\d{1,2}:\d\d[.,]\d{3}", re.M)
_SILENT = re.compile(r"(?:NOTE|STYLE|REGION)(?:[ \t\n]|$)")
_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,100})?[ \t]+([^<>]{1,200})>")
_TAG = re.compile(r"</?(?:[a-z]+|\d\d:[\d:.]+)(?:[.\s][^<>]{0,200})?>|\{\\[^}]{1,50}\}")
_BLANK = re.compile(r"\n[ \t]*\n+")
_PARAGRAPH = 600


def parse(part: Part, out: BlockWriter) -> None:
    """Read WebVTT or SubRip."""
    source = decode(part, out).replace("\r\n", "\n").replace("\r", "\n")
    cues = _Speech(out)
    for number, block in enumerate(_BLANK.split(source.strip("\n"))):
        found = _TIMING.search(block)
        if found is None:
            if not _SILENT.match(block) and not (number == 0 and block.startswith("WEBVTT")):
                cues.say("", block)  # no cue at all: text is text
            continue
        said = block[found.end() :].partition("\n")[2]
        voices = _VOICE.split(said)
        if len(voices) == 1 and said.strip():
            cues.say("", said)
        for speaker, words in zip(voices[1::2], voices[2::2]):
            cues.say(" ".join(speaker.split()), words)
    cues.flush()


class _Speech:
    def __init__(self, out: BlockWriter) -> None:
        self._out = out
        self._speaker = ""
        self._words: list[str] = []
        self._length = 0

    def say(self, speaker: str, source: str) -> None:
        words = " ".join(html.unescape(_TAG.sub("", source)).split())
        if speaker != self._speaker or self._length + len(words) > _PARAGRAPH:
            self.flush()
        self._speaker = speaker
        self._words.append(words)
        self._length += len(words) + 1

    def flush(self) -> None:
        text = " ".join(filter(None, self._words))
        if text:
            self._out.add(BlockKind.PARAGRAPH, f"{self._speaker}: {text}" if self._speaker else text)
        self._words.clear()
        self._length = 0
