"""Inline Markdown as plain text: links to their words, emphasis, anchors and escapes away, code as it stands.

One pass of one expression over a paragraph that the block parser found. Full inline parsing costs three times what
block parsing costs, and all of it would be thrown away again but the words. Every repetition is bounded or cannot
overlap its neighbour, so the cost stays linear on hostile input.
"""

from __future__ import annotations

import html
import re

# Known names only: `<username>` in a manual is a placeholder to be read, not a tag to be dropped.
_TAGS = (
    "a|abbr|b|big|br|center|cite|code|del|details|dfn|div|em|figcaption|figure|font|hr|i|img|ins|kbd|li|mark|ol|p|picture|pre|q|"
    "s|samp|small|source|span|strike|strong|sub|summary|sup|svg|table|tbody|td|th|thead|tr|tt|u|ul|var|wbr|video|audio"
)
# Possessive: what could be read in two ways, such as the address of a link in a label, would be tried in all of them.
_LABEL = r"(?:[^\[\]\\!]|\\.|!?\[[^\[\]]*+\](?:\([^()\s]*+\))?+|!)*+"
# Every alternative starts with a literal, so that the engine skips from one special character to the next.
_TOKEN = re.compile(
    rf"""
      \\(?P<escape>[!-/:-@\[-`{{-~])
    | `(?P<tick>`{{0,2}})(?!`)(?P<code>.{{1,2000}}?)(?<!`)`(?P=tick)(?!`)
    | !(?=\[(?:{_LABEL})\]\()
    | \[(?P<label>{_LABEL})\]
        \(\s*(?:<[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*)(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)
    | \[(?<!\w\[)(?P<words>[^\[\]\\]+)\]\[[^\[\]]*\]
    | <(?P<auto>(?:https?://|mailto:|ftp://)[^\s<>]*|[\w.+-]+@[\w.-]+)>
    | <(?P<comment>!--.{{0,4000}}?--)>
    | <(?P<tag>/?(?i:{_TAGS})(?=[\s/>])[^<>]*)>
    | \*(?P<star>\*{{0,2}})(?=[^\s*])(?P<strong>.{{1,600}}?)(?<=[^\s\\])\*(?P=star)
    | _(?<!\w_)(?P<bar>_{{0,2}})(?=[^\s_])(?P<em>.{{1,600}}?)(?<=[^\s\\])_(?P=bar)(?!\w)
    | ~~(?P<struck>[^~]{{1,600}})~~
    | &(?P<entity>(?:\#\d{{1,7}}|\#[xX][0-9a-fA-F]{{1,6}}|[a-zA-Z][a-zA-Z0-9]{{1,30}});)
    """,
    re.VERBOSE | re.DOTALL,
)
_SPECIAL = re.compile(r"[\\`\[<*_~&]")
_SOFT_BREAK = re.compile(r"(?P<hard>  |\\)?[ ]*\n[ \t]*")


def plain(text: str) -> tuple[str, int]:
    """Return the paragraph as read text, and how many comments were removed from it."""
    if "\n" in text:
        text = _SOFT_BREAK.sub(lambda found: "\n" if found["hard"] else " ", text)
    if not _SPECIAL.search(text):
        return text, 0
    hidden = 0

    def replace(found: re.Match[str]) -> str:
        nonlocal hidden
        name = found.lastgroup
        if name == "escape":
            return found["escape"]
        if name == "code":
            return found["code"].strip() or found["code"]
        if name == "entity":
            return html.unescape(f"&{found['entity']}")
        if name == "auto":
            return found["auto"].removeprefix("mailto:")
        if name == "comment":
            hidden += 1
            return ""
        if name == "tag":
            return " " if found["tag"][:2].lower() == "br" else ""
        if name is None:
            return ""  # the exclamation mark before an image
        inner = found[name]
        return _TOKEN.sub(replace, inner) if _SPECIAL.search(inner) else inner

    return _TOKEN.sub(replace, text), hidden
