"""RTF (Rich Text Format 1.9.1) by striprtf's tables of destinations, charsets and special characters.

striprtf's own converter knows no hidden text, headings, footnotes or text boxes, and its hyperlink expression takes
quadratic time on hostile input; so the control words are followed here, once, and its tables say what they mean.
Hidden, deleted, one-point, and white type on no shading are removed and counted, as comments are. Headers and footers
are written once. Mathematics is left out.
"""

from __future__ import annotations

import re
from typing import Final

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.problems import problem
from ragkit.parse.rtf_flow import Flow
from ragkit.parse.rtf_state import Look, Tables

_TOKEN: Final = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,10})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])|([^\\{}\r\n\x00]+)|[\r\n\x00]+|\\"
)
_MAX_GROUPS: Final = 5_000
_EDGES: Final = {
    "header": "header", "headerl": "header", "headerr": "header", "headerf": "header", "footer": "footer",
    "footerl": "footer", "footerr": "footer", "footerf": "footer", "footnote": "note", "title": "title",
}  # fmt: skip
_READ: Final = frozenset({"shpinst", "shpgrp", "shp", "shptxt", "do", "dptxbxtext", "ud", "object", "result"})
"""Destinations with text of the document in them, though striprtf passes over them."""
_DEAD: Final = frozenset({"shprslt", "nonshppict", "annotation", "pict", "objdata", "fldinst", "upr"})
"""Nothing in them is read, whatever they hold; of ``upr`` only the Unicode half, ``ud``, is."""
_LABELS: Final = frozenset({"listtext", "pntext"})
_TABLES: Final = frozenset({"fonttbl", "colortbl", "stylesheet"})
_ENDS: Final = frozenset({"par", "sect", "page", "cell", "row", "nestcell", "nestrow"})


def parse(part: Part, out: BlockWriter) -> None:
    """Read an RTF."""
    if not part.content.lstrip().startswith(b"{\\rtf"):
        raise problem("malformed")
    reader = _Reader()
    reader.read(part.content)
    out.hidden += reader.hidden
    out.title = out.title or " ".join(reader.flows["title"].words().split())
    for name in ("header", "body", "note", "footer"):
        reader.flows[name].write(out, once=name in {"header", "footer"})


class _Reader:
    def __init__(self) -> None:
        from striprtf.striprtf import destinations, specialchars

        self.hidden = 0
        self.tables = Tables()
        self.flows = {name: Flow(self.tables) for name in ("header", "body", "note", "footer", "title", "label")}
        self._skipped_by_striprtf = destinations
        self._characters = {word: text for word, text in specialchars.items() if word not in _ENDS}
        self._look = Look()
        self._groups: list[Look] = []
        self._pending = bytearray()
        self._to_skip = 0
        self._starred = False

    def read(self, content: bytes) -> None:
        """Follow the control words to the end of the outermost group."""
        place = content.index(b"{")
        end = len(content)
        while place < end:
            token = _TOKEN.match(content, place)
            if token is None:
                break
            place = token.end()
            word, number, code, symbol, brace, text = token.groups()
            if text is not None:
                self._bytes(text[self._skip(len(text)) :])
            elif code is not None:
                if not self._skip(1):
                    self._bytes(bytes.fromhex(code.decode("ascii")))
            else:
                self._flush()
                if word is not None:
                    argument = int(number) if number else None
                    if word == b"bin":
                        place += max(argument or 0, 0)
                    else:
                        self._word(word.decode("ascii"), argument)
                elif symbol is not None:
                    self._symbol(symbol.decode("latin-1"))
                elif brace is not None and not self._brace(brace):
                    break
            if word is not None or text is not None or brace is not None:
                self._starred = False
        self._flush()
        for flow in self.flows.values():
            flow.end_paragraph()
            flow.end_table()

    def _skip(self, available: int) -> int:
        """How many characters to pass over: the stand-ins for readers without Unicode behind a Unicode character."""
        taken = min(self._to_skip, available)
        self._to_skip -= taken
        return taken

    def _brace(self, brace: bytes) -> bool:
        """Begin or end a group; False at the end of the document."""
        self._to_skip = 0
        if brace == b"{":
            if len(self._groups) >= _MAX_GROUPS:
                raise problem("malformed")
            self._groups.append(self._look)
            self._look = self._look.copy()
            return True
        if not self._groups:
            return False
        ended, self._look = self._look, self._groups.pop()
        if ended.table:
            self.tables.end_group(ended.table)
        elif ended.text_box and not self._look.text_box:
            self.flows[ended.flow].end_box()
        if ended.flow == "label" and self._look.flow != "label":
            self.flows[self._look.flow].label = self.flows["label"].take()
        if ended.flow == "note" and self._look.flow != "note":
            self.flows["note"].end_paragraph()
        return bool(self._groups)

    def _symbol(self, symbol: str) -> None:
        if symbol == "*":
            self._starred = True
        elif not self._skip(1):
            self._write(self._characters.get(symbol, "\n" if symbol in "\r\n" else ""))
            if symbol in "\r\n" and self._look.is_read:
                self.flows[self._look.flow].end_paragraph()  # a line break after a backslash is a \par

    def _word(self, word: str, number: int | None) -> None:
        look = self._look
        self._to_skip = 0
        if word == "ud" and not look.dead_but_upr:
            look.is_read, look.dead = True, False
        elif word in _DEAD:
            if word == "annotation" and not look.dead:
                self.hidden += 1
            look.dead_but_upr = look.dead_but_upr or look.dead or word != "upr"
            look.is_read, look.dead = False, True
        elif look.dead:
            return
        elif word in _EDGES and (word != "title" or not look.is_read):
            look.flow, look.is_read = _EDGES[word], True
        elif word in _LABELS:
            look.flow, look.is_read = "label", True
        elif word in _TABLES:
            look.table, look.is_read = word, False
        elif word in _READ:
            look.is_read, look.text_box = word not in {"shpinst", "do", "shp", "shpgrp"}, word != "ud"
        elif (self._starred and not look.table) or word in self._skipped_by_striprtf:
            look.is_read = False
            look.table = ""
        elif look.table:
            self.tables.word(look.table, word, number)
        elif word == "u" and number is not None:
            self._write(chr(number % 0x10000))
            self._to_skip = look.fallback
        elif word in _ENDS:
            if look.is_read:
                self.flows[look.flow].end(word)
        elif word in self._characters:
            self._write(self._characters[word])
        elif word == "ansicpg":
            self.tables.code_page(number)
        elif not look.format(word, number):
            self.flows[look.flow].format(word, number)

    def _bytes(self, text: bytes) -> None:
        if self._look.table:
            self.tables.text(self._look.table, text)
        elif self._look.is_read:
            self._pending += text

    def _flush(self) -> None:
        if self._pending:
            text = self.tables.decode(bytes(self._pending), self._look.font)
            self._pending.clear()
            self._write(text)

    def _write(self, text: str) -> None:
        if not self._look.is_read:
            return
        flow = self.flows[self._look.flow]
        if self._look.is_unseen or (self.tables.is_white(self._look.color) and not (self._look.shaded or flow.shaded)):
            self.hidden += bool(text.strip())
        else:
            flow.add(text)
