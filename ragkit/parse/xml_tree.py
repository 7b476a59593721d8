"""XML by expat, safely: no file is opened, no entity stands for another, no nesting runs deep.

Articles and manuals (JATS, DocBook, DITA, TEI, patents) are read as documents by :mod:`.xml_document`; what only holds
fields is laid out as records. XML that is cut off or not well-formed is read as a page of unknown tags, with the notice
``read-as-text``. Against billion laughs and external entities: see the table in the documentation of ``defusedxml``.
"""

from __future__ import annotations

from html.entities import html5
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, TreeBuilder

from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.problems import problem
from ragkit.parse.text import decode

if TYPE_CHECKING:
    from pyexpat import XMLParserType

MAX_DEPTH = 128
_MAX_ENTITY = 1000
_AMPLIFIED = 43  # XML_ERROR_AMPLIFICATION_LIMIT_BREACH of expat 2.4


def parse(part: Part, out: BlockWriter) -> None:
    """Read XML of any vocabulary."""
    text = decode(part, out).replace("\x00", "")
    root = _tree(text)
    if root is None:
        from ragkit.parse.webpage import write_html

        out.notice("read-as-text")
        write_html(text, out)
        return
    from ragkit.parse.xml_document import write_document

    write_document(root, out)


def _tree(text: str) -> Element | None:
    """The root with local names for tags, ``None`` when the text is not well-formed.

    Raises:
        ItemError: ``xml-entities`` or ``too-nested``.
    """
    from xml.parsers import expat

    parser = expat.ParserCreate("utf-8")
    builder = _connect(parser)
    # So that `&nbsp;` of a DTD nobody reads is told to us rather than an error; the DTD itself is never opened.
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_ALWAYS)
    parser.UseForeignDTD(True)
    try:
        parser.Parse(text.lstrip("\ufeff \t\r\n").encode("utf-8", "replace"), True)
        return builder.close()
    except expat.ExpatError as error:
        if error.code == _AMPLIFIED:
            raise problem("xml-entities") from None
        return None


def _connect(parser: XMLParserType) -> TreeBuilder:
    builder = TreeBuilder()
    depth = 0

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > MAX_DEPTH:
            raise problem("too-nested")
        builder.start(tag.rpartition(":")[2], attributes)

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(tag.rpartition(":")[2])

    def entity(_name: str, _is_parameter: bool, value: str | None, *_rest: str | None) -> None:
        if value is not None and ("&" in value or "%" in value or len(value) > _MAX_ENTITY):
            raise problem("xml-entities")

    def external(context: str | None, *_rest: str | None) -> int:
        if context is not None:  # a reference in the text; without a context it is a DTD or a part of one
            raise problem("xml-entities")
        return 1

    def undefined(name: str, is_parameter: bool) -> None:
        if not is_parameter:
            builder.data(html5.get(f"{name};", f"&{name};"))

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.EntityDeclHandler = entity
    parser.ExternalEntityRefHandler = external
    parser.SkippedEntityHandler = undefined
    return builder
