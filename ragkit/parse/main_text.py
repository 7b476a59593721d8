"""The main text of a web page, without menus, side bars and footers, by trafilatura.

Asked for by the media type parameter ``profile=main-text``, which the web connector sets. It runs after hidden text was
taken out, since what it gives back no longer shows what was hidden.
"""

from __future__ import annotations

import re
from typing import Final

MAX_LENGTH: Final = 2_000_000
"""Characters of HTML; of longer pages all is kept: extraction takes some seconds a megabyte."""
_LEAST: Final = 250
# trafilatura takes preformatted text for a quotation, and joins its lines, unless it is code.
_PRE: Final = re.compile(r"<pre(?:\s[^<>]*+)?>(?!\s*<code)((?:[^<]++|<(?!/?pre\b))*+)</pre>")


def wants_main_text(media_type: str | None) -> bool:
    """Whether the media type of a page asks for its main text only."""
    parameters = (media_type or "").lower().split(";")[1:]
    return any(parameter.strip() == "profile=main-text" for parameter in parameters)


def main_text(page: str) -> str | None:
    """The main part of a page as plain HTML, with headings, lists, tables and comments.

    ``None`` where it is not certain: trafilatura is not installed, found next to nothing or failed on the page, or the
    page is longer than :data:`MAX_LENGTH`. All of the page is read then; a menu too many costs less than a lost text.
    """
    if len(page) > MAX_LENGTH:
        return None
    try:
        from trafilatura import extract
    except ImportError:
        return None
    try:
        found: str | None = extract(
            _PRE.sub(r"<pre><code>\1</code></pre>", page),
            output_format="html",
            include_formatting=True,
            include_tables=True,
            include_comments=True,
            favor_recall=True,
        )
    except MemoryError:
        raise
    except Exception:  # the library's own trouble with a page is no reason to lose it
        return None
    return found if found and len(found) >= _LEAST else None
