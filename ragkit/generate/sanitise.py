"""Makes a model's text safe to show: nothing in it loads, links, hides or is markup beyond plain Markdown.

What a document says may have steered the model, so the text is treated as written by a stranger. An image or a link
that carries data out needs syntax to become one, and that syntax never leaves here: no ``](``, no ``![``, no ``<``
before a letter, no ``://``, no line ``[label]: target`` (the reference-style link that got past the redaction of
CVE-2025-32711), no invisible character. The text of a link stays, its target goes. An address that stands in the
sources, word for word, is shown in a form that no reader turns into a link (``example[.]com/returns``); any other is
dropped, since its path could carry what the model was told.

The rules hold for what comes out, not for what was recognised on the way in, so a construct that this module reads
otherwise than some renderer does is still harmless.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from ragkit.generate.safe_text import SafeText
from ragkit.generate.syntax import (
    CITATION_LABEL,
    DEFINITION,
    DESTINATION,
    ENTITIES,
    ENTITY,
    ENTITY_BEGUN,
    HOST,
    HTML_NAMES,
    LINE_START,
    LINKLIKE,
    SCHEME,
    TOKEN_LABEL,
    TRIGGER,
    URL_BEGUN,
    URL_BODY,
    closing,
    seen,
)

LINK_REMOVED = "(link removed)"
_LABEL = 1000  # characters of a link's text; CommonMark allows a reference label 999
_TARGET = 2000
_TAG = 1000
_COMMENT = 5000
_HARMLESS_AFTER_LESS = " \t\n0123456789=-"


class SanitiseStream:
    """Sanitises a text that comes in pieces; the pieces given back, joined, are the whole text sanitised.

    Held back is only what may still become a link, an image, a tag or an address.

    Args:
        known: Whether an address stands in the sources.
    """

    def __init__(self, known: Callable[[str], bool] | None = None) -> None:
        self._known = known or (lambda _: False)
        self._text = ""  # read and not yet told, after one character of context
        self._at = 0
        self._final = False
        self._before = ""  # last character as it came, for the joiners of Arabic and Indic words
        self._shown = SafeText()
        self.removed = 0

    def __repr__(self) -> str:
        return f"SanitiseStream({len(self._text) - self._at} characters held back, {self.removed} removed)"

    def feed(self, piece: str) -> str:
        """Return all that can be told by now."""
        clean, hidden = seen(piece, before=self._before)
        self._before = piece[-1:] or self._before
        self.removed += hidden
        self._text = self._text[max(0, self._at - 1) :] + clean
        self._at = min(self._at, 1)
        self._run()
        return self._shown.take()

    def flush(self) -> str:
        """Return what was held back, as no more comes."""
        self._final = True
        return self.feed("")

    # --- reading -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Go on until the end of what is there, or to where more is needed to tell."""
        while self._at < len(self._text):
            found = TRIGGER.search(self._text, self._at)
            until = found.start() if found else len(self._text)
            if not self._final:
                begun = URL_BEGUN.search(self._text, max(self._at, len(self._text) - 100))
                if begun and begun.start() < until:
                    self._pass(begun.start())
                    return
            self._pass(until)
            if found is None:
                return
            read = self._special(found)
            if read is None:
                return
            self._at = read

    def _pass(self, until: int) -> None:
        self._shown.write(self._text[self._at : until])
        self._at = until

    def _special(self, found: re.Match[str]) -> int | None:
        """Deal with what begins here. Return where to go on, or ``None`` where more of the text is needed."""
        sign = self._text[self._at]
        if found.lastgroup == "url":
            return self._address(found.end())
        if sign == "<":
            return self._angle(self._at)
        if sign == "&":
            return self._entity(self._at)
        if sign == "[":
            return self._bracket(self._at, image=False)
        if sign == "!" and self._next(self._at) == "[":
            return self._bracket(self._at + 1, image=True)
        if sign == "!" and self._at + 1 == len(self._text) and not self._final:
            return None
        self._shown.write(sign)
        return self._at + 1

    def _next(self, at: int) -> str:
        return self._text[at + 1 : at + 2]

    def _address(self, scheme_end: int) -> int | None:
        body = URL_BODY.match(self._text, scheme_end)
        end = body.end() if body else scheme_end
        if end == len(self._text) and not self._final and end - scheme_end < _TARGET:
            return None
        address = self._text[self._at : end].rstrip(".,;:!?*_~")
        self._shown.write(self._harmless(address))
        self.removed += 1
        return self._at + len(address)

    def _harmless(self, address: str) -> str:
        bare = SCHEME.sub("", address, count=1)
        if address[:7].lower() == "mailto:":
            return bare if "@" in bare and not TRIGGER.search(bare) else LINK_REMOVED
        host, slash, path = bare.partition("/")
        if not HOST.fullmatch(host) or TRIGGER.search(path) or not self._known(address):
            return LINK_REMOVED
        return host.replace(".", "[.]") + slash + path

    def _angle(self, at: int) -> int | None:
        """``<``: a tag of HTML goes, another pair of angles is shown as one that is none."""
        following = self._next(at)
        if not following and not self._final:
            return None
        if following in _HARMLESS_AFTER_LESS:
            self._shown.write("<" + following)
            return at + 1 + len(following)
        if self._text.startswith("<!--", at):
            end = self._text.find("-->", at + 4, at + _COMMENT)
            if end >= 0:
                return self._drop(end + 3)
            if not self._final and len(self._text) < at + _COMMENT:
                return None
        elif following in "<!-" and not self._final and len(self._text) < at + 4:
            return None
        inner = re.compile(r"[^<>]*").match(self._text, at + 1, at + _TAG)
        end = inner.end() if inner else at + 1
        if end == len(self._text) and end < at + _TAG and not self._final:
            return None
        if self._text[end : end + 1] != ">":
            self._shown.write("‹")
            return at + 1
        return self._tag(self._text[at + 1 : end], end + 1)

    def _tag(self, content: str, after: int) -> int:
        name = re.match(r"[!?]|/?([A-Za-z][A-Za-z0-9]*)(?![\w@:.+])", content)
        if name and (name[1] is None or name[1].lower() in HTML_NAMES):
            return self._drop(after)
        if "@" in content or ":" in content:  # an autolink
            self.removed += 1
            self._shown.part()
            self._within(content)
            self._shown.part()
        else:
            self._shown.write("‹")
            self._within(content)
            self._shown.write("›")
        return after

    def _entity(self, at: int) -> int | None:
        entity = ENTITY.match(self._text, at)
        if entity is None:
            if not self._final and ENTITY_BEGUN.fullmatch(self._text, at):
                return None
            self._shown.write("&")
            return at + 1
        written = ENTITIES.get(entity[1].lower(), "&")
        self._shown.write(written)
        if written == "&":
            self._shown.part()
        return entity.end() if entity[1].lower() in ENTITIES else at + 1

    def _bracket(self, at: int, *, image: bool) -> int | None:
        """``[``: a link, an image, a definition, or nothing of these."""
        end = closing(self._text, at, "[", "]", _LABEL, final=self._final)
        following = self._next(end) if end is not None and end > 0 else ""
        if end is None or (end > 0 and not following and not self._final):
            return None
        start = at - image
        if end < 0:
            return self._literal(start, at)
        label = self._text[at + 1 : end]
        solid = bool(CITATION_LABEL.fullmatch(label) or TOKEN_LABEL.fullmatch(label))
        if following == "(":
            return self._inline(start, label, end, solid=solid)
        if following == "[":
            return self._reference(start, label, end, solid=solid, image=image)
        if (
            following == ":"
            and not image
            and not TOKEN_LABEL.fullmatch(label)
            and LINE_START.fullmatch(self._shown.line)
        ):
            return self._definition(label, end)
        return self._literal(start, at)

    def _literal(self, start: int, at: int) -> int:
        for sign in self._text[start : at + 1]:  # "!" and "[" one by one, so that they are kept apart
            self._shown.write(sign)
        return at + 1

    def _inline(self, start: int, label: str, end: int, *, solid: bool) -> int | None:
        close = closing(self._text, end + 1, "(", ")", _TARGET, final=self._final)
        if close is None:
            return None
        target = self._text[end + 2 : close] if close > 0 else ""
        if close > 0 and (LINKLIKE.match(target) if solid else DESTINATION.fullmatch(target)):
            self.removed += 1
            if solid:
                self._shown.write(f"[{label}]")
            else:
                self._shown.part()
                self._within(label)
            self._shown.part()
            return close + 1
        at = start + (self._text[start] == "!")
        return self._literal(start, at)

    def _reference(self, start: int, label: str, end: int, *, solid: bool, image: bool) -> int | None:
        close = closing(self._text, end + 1, "[", "]", _LABEL, final=self._final)
        if close is None:
            return None
        reference = self._text[end + 2 : close] if close > 0 else "1"
        at = start + image
        indexing = start > 0 and self._text[start - 1].isalnum() and not image  # a[i][j] is no link
        if solid or indexing or CITATION_LABEL.fullmatch(reference) or TOKEN_LABEL.fullmatch(reference):
            return self._literal(start, at)
        self.removed += 1
        self._shown.part()
        self._within(label)
        self._shown.part()
        return close + 1

    def _definition(self, label: str, end: int) -> int | None:
        """``[label]: target`` at the beginning of a line, which would make a link of every ``[label]``."""
        if CITATION_LABEL.fullmatch(label):
            self._shown.write(f"[{label}]")
            return end + 2
        line_end = self._text.find("\n", end, end + _TARGET)
        if line_end < 0:
            if not self._final and len(self._text) < end + _TARGET:
                return None
            line_end = min(len(self._text), end + _TARGET)
        if DEFINITION.fullmatch(self._text, end + 2, line_end):
            return self._drop(line_end)
        self._within(label)
        self._shown.write(":")
        return end + 2

    # --- writing -----------------------------------------------------------------------------------------------

    def _drop(self, after: int) -> int:
        self.removed += 1
        self._shown.part()
        return after

    def _within(self, text: str) -> None:
        """Write a text that stood inside something, by the same rules."""
        outer = self._text, self._at, self._final
        self._text, self._at, self._final = text, 0, True
        self._run()
        self._text, self._at, self._final = outer


def sanitise(text: str, known: Callable[[str], bool] | None = None) -> tuple[str, int]:
    """Return a text as :class:`SanitiseStream` gives it back, and how many things were taken out."""
    stream = SanitiseStream(known)
    return stream.feed(text) + stream.flush(), stream.removed
