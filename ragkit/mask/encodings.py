r"""Text written so that a detector passes over it: ``%47alip``, ``R2FsaXA=``, ``47 61 6c``, ``\u0047``, ``&#71;``.

What is found is shown in place, in the line it stands in, twice over: base64 of a percent-encoded name comes out too.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

_PERCENT = re.compile(r"[^\s\"'<>]*(?:%[0-9A-Fa-f]{2})[^\s\"'<>]*")
_ESCAPED = re.compile(r"[^\s]*?(?:\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&#\d{1,7};|&#[xX][0-9A-Fa-f]{1,6};)[^\s]*")
_ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-9A-Fa-f]{2})")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/_=-])[A-Za-z0-9+/_-]{11,}={0,2}(?![A-Za-z0-9+/_=-])")
_HEX = re.compile(r"(?<![0-9A-Za-z])(?:0x)?(?:[0-9A-Fa-f]{2}[ :]?){5,}[0-9A-Fa-f]{2}(?![0-9A-Za-z])")
_LEAST = 5
_AROUND = 80
_DEPTH = 2

Hidden = tuple[int, int, str]
"""Where something is written in another way, and how it reads there with a little of what stands around it."""


def hidden(text: str) -> Iterator[Hidden]:
    """Everything in a text that reads otherwise when decoded."""
    yield from _found(text, _DEPTH)


def _found(text: str, depth: int) -> Iterator[Hidden]:
    for pattern, decode in _WAYS:
        for match in pattern.finditer(text):
            plain = decode(match[0])
            if plain is None or plain == match[0] or len(plain) < _LEAST:
                continue
            deeper = [inner for _, _, inner in _found(plain, depth - 1)] if depth > 1 else []
            start, end = match.span()
            before = text[max(0, start - _AROUND) : start].rpartition("\n")[2]
            after = text[end : end + _AROUND].partition("\n")[0]
            yield start, end, f"{before}{plain}{after}"
            for inner in deeper:
                yield start, end, inner


def _readable(raw: bytes) -> str | None:
    """Text in UTF-8 with hardly anything in it that is not printed; chance bytes are not."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    odd = sum(not (char.isprintable() or char in "\n\r\t") for char in text)
    return text if odd * 20 <= len(text) and any(char.isalnum() for char in text) else None


def _from_percent(text: str) -> str | None:
    return _readable(unquote_to_bytes(text.replace("+", " ")))


def _from_escapes(text: str) -> str | None:
    return html.unescape(_ESCAPE.sub(lambda one: chr(int(one[1] or one[2], 16)), text))


def _from_base64(text: str) -> str | None:
    body = text.rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    try:
        return _readable(base64.b64decode(body + "=" * (-len(body) % 4), validate=True))
    except (binascii.Error, ValueError):
        return None


def _from_hex(text: str) -> str | None:
    digits = re.sub(r"[ :]", "", text.removeprefix("0x"))
    return _readable(bytes.fromhex(digits)) if len(digits) % 2 == 0 else None


_WAYS = ((_PERCENT, _from_percent), (_ESCAPED, _from_escapes), (_BASE64, _from_base64), (_HEX, _from_hex))
