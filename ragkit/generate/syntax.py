"""What in a text could become a link, an image, a tag or something unseen: the patterns of :mod:`.sanitise`."""

from __future__ import annotations

import re

_URL_START = (
    r"[A-Za-z][A-Za-z0-9+\-]{1,30}://"
    r"|[wW]{3}\.(?=\w)"
    r"|(?<![\w:/.])//(?=[\w\-]{1,63}\.[\w\-])"
    r"|(?:[jJ][aA][vV][aA]|[vV][bB])[sS][cC][rR][iI][pP][tT]:(?=[\w/])"
    r"|[dD][aA][tT][aA]:(?=[\w.+\-]{1,60}/)"
    r"|[mM][aA][iI][lL][tT][oO]:(?=\w)"
)
TRIGGER = re.compile(rf"(?P<url>{_URL_START})|[<&!\[\]]")
"""Where plain text ends: an address, or a sign that may begin something."""

URL_BEGUN = re.compile(
    r"(?:[A-Za-z][A-Za-z0-9+\-]{0,30}(?::/?)?|[wW]{3}\.|(?:[a-zA-Z]{4}|[vV][bB])[a-zA-Z]{0,6}:[\w.+\-]{0,60}"
    r"|/|//[\w\-]{0,63}\.?)\Z"
)
"""The end of a text that more text could make the beginning of an address."""

URL_BODY = re.compile(r"[^\s<>\"'`()\[\]{}|，。；、！？：）】」』》]{0,2000}")
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+\-]*:(?://)?|//")
HOST = re.compile(r"[\w\-]+(?:\.[\w\-]+)+")
LINE_START = re.compile(r"[ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*[ \t>]*")
"""What may stand on a line before a link definition: blanks, and the marks of lists and quotations."""

CITATION_LABEL = re.compile(r"\s*\^?[^\W\d_]{0,12}\.?\s?#?\d{1,3}(?:\s*[,;–\-]\s*\d{1,3})*\s*")
TOKEN_LABEL = re.compile(r"[A-Z][A-Z0-9_]{1,39}:[0-9A-HJKMNP-TV-Z]{10,24}-[0-9A-HJKMNP-TV-Z]{2}")
_TITLE = r"(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?"
DESTINATION = re.compile(rf"\s*(?:<[^<>\n]*>|[^\s<>]*){_TITLE}\s*")
DEFINITION = re.compile(rf"\s*(?:<[^<>\n]*>|\S*){_TITLE}\s*")
LINKLIKE = re.compile(r"\s*<?(?:[A-Za-z][\w+.\-]*:|[/#?]|\.{1,2}/|www\.|[^\s()]*[./][^\s()]*\s*(?:\"|'|\)|\Z))")

ENTITY = re.compile(r"&(#\d{1,8}|#[xX][0-9A-Fa-f]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
ENTITY_BEGUN = re.compile(r"&(?:#(?:\d{0,8}|[xX][0-9A-Fa-f]{0,6})|(?:[A-Za-z][A-Za-z0-9]{0,31})?)")
ENTITIES = {"amp": "&", "lt": "‹", "gt": "›", "quot": '"', "apos": "'", "#39": "'", "nbsp": " "}

_NAMES = """
    a abbr acronym address applet area article aside audio b base basefont bdi bdo bgsound big blink blockquote
    body br button canvas caption center circle cite code col colgroup command content data datalist dd del
    details dfn dialog dir div dl dt element em embed fieldset figcaption figure font footer foreignobject form
    frame frameset g h1 h2 h3 h4 h5 h6 head header hgroup hr html i iframe image img input ins isindex kbd keygen
    label legend li line link listing main map mark marquee math menu menuitem meta meter multicol nav nextid nobr
    noembed noframes noscript object ol optgroup option output p param path picture plaintext polygon portal pre
    progress q rb rect rp rt rtc ruby s samp script search section select shadow slot small source spacer span
    strike strong style sub summary sup svg table tbody td template text textarea tfoot th thead time title tr
    track tt u ul use var video wbr xmp
"""
HTML_NAMES = frozenset(_NAMES.split())

# As ragkit.parse.blocks removes them from documents; joiners inside Arabic and Indic words are spelling.
_HIDDEN = re.compile(
    "[\u034f\u115f\u1160\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0"
    "\U000e0000-\U000e0fff\U000f0000-\U0010ffff]|(?<![\u0600-\u0dff\u1780-\u17ff])[\u200c\u200d]"
)
_NOISE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\xad\ud800-\udfff\ue000-\uf8ff\ufe0e\ufe0f\ufff9-\ufffc\ufffe\uffff]"
)
_BREAKS = re.compile("[\x85\u2028\u2029]")


def seen(text: str, *, before: str = "") -> tuple[str, int]:
    """Return a text without what a reader cannot see, and how many hidden characters there were.

    ``before`` is the character before it.
    """
    hidden = 0
    if not text.isascii():
        text, hidden = _HIDDEN.subn("", before + text)
        kept = len(before) - len(_HIDDEN.findall(before))
        text, hidden = _BREAKS.sub("\n", text[kept:]), hidden - (len(before) - kept)
    return _NOISE.sub("", text), hidden


def closing(text: str, at: int, opens: str, closes: str, limit: int, *, final: bool) -> int | None:
    """Where the bracket that opens at ``text[at]`` closes; -1 if it does not, ``None`` while more text could tell.

    It has to close in so many characters, before an empty line, and with no more than 20 others inside.
    """
    depth, end = 0, min(len(text), at + limit)
    position = at
    for sign in re.compile(rf"\\.|\n[ \t]*\n|[{re.escape(opens + closes)}]", re.DOTALL).finditer(text, at, end):
        if sign[0][0] == "\n":
            return -1
        depth += (sign[0] == opens) - (sign[0] == closes)
        position = sign.start()
        if depth == 0:
            return position
        if depth > 20:
            return -1
    return None if not final and len(text) < at + limit else -1
