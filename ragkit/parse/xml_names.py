"""What the elements of the XML vocabularies mean that :mod:`.xml_document` reads, by local name in lower case.

JATS (journals), DocBook and DITA (manuals), TEI (editions), and the patents of the American office.
"""

from __future__ import annotations

from typing import Final

PROSE: Final = frozenset(
    {
        "p", "para", "simpara", "paragraph", "li", "listitem", "list-item", "programlisting", "codeblock", "heading",
        "claim-text", "title-group", "ab", "lg", "cmd", "invention-title", "title-of-invention", "ref", "td",
        "th", "tgroup",
    }
)  # fmt: skip
HEADINGS: Final = frozenset(
    {"title", "article-title", "head", "heading", "invention-title", "title-of-invention", "bridgehead"}
)
SECTIONS: Final = frozenset(
    {
        "article", "book", "patent-document", "sec", "section", "chapter", "part", "appendix", "app",
        "app-group", "sect1", "sect2", "sect3", "sect4", "sect5", "simplesect", "topic", "concept", "task",
        "reference", "div", "div1", "div2", "div3", "abstract", "ref-list", "ack", "preface", "bibliography",
        "glossary", "boxed-text", "sub-article", "refsect1",
    }
)  # fmt: skip
ITEMS: Final = frozenset({"li", "listitem", "list-item", "ref", "item", "step", "claim", "varlistentry", "biblioentry"})
CODE: Final = frozenset({"programlisting", "codeblock", "screen", "literallayout", "preformat", "code-block"})
FLOATING: Final = frozenset(
    {"fig", "table-wrap", "figure", "table", "informaltable", "caption", "boxed-text", "tables", "tgroup"}
)
LEFT_OUT: Final = frozenset(
    {
        # JATS: numbers and dates of the issue rather than of the article
        "journal-meta", "article-id", "pub-date", "history", "permissions", "counts", "custom-meta-group",
        "volume", "issue", "fpage", "lpage", "elocation-id", "self-uri", "pub-history", "article-version",
        "processing-meta", "contrib-id", "object-id", "article-categories", "pub-id-type", "alt-title",
        "annotation",
        # others: pictures, indexes, the settings of programs
        "graphic", "inline-graphic", "media", "img", "imagedata", "indexterm", "index", "colspec", "spanspec",
        "encodingdesc", "revisiondesc", "style", "script", "prolog", "math-alternative", "mathematica-file",
    }
)  # fmt: skip
PEOPLE: Final = frozenset({"contrib-group", "author-group", "authorgroup"})
LINES: Final = frozenset({"label", "ref", "biblioentry", "aff", "kwd-group", "keywordset"})
KNOWN: Final = PROSE | HEADINGS | SECTIONS | ITEMS | CODE | FLOATING | PEOPLE | LINES | {"simpletable", "list"}
