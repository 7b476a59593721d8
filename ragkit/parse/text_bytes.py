"""Text by the look of its bytes, before anything is known of its encoding."""

from __future__ import annotations

import codecs
from typing import Final

_LOOKED_AT: Final = 4096
_UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
_UTF_8: Final = b"\xef\xbb\xbf"
_CONTROLS: Final = (1, 2, 3, 4, 5, 6, 14, 15, 16, 17, 18, 19, 20)


def is_text(head: bytes) -> bool:
    """Tell text by a byte order mark, or by how few bytes are ones that no text has."""
    if head.startswith((*_UTF_16, _UTF_8)):
        return True
    zeros = head.count(0)
    if zeros * 100 <= len(head):  # none, or a damaged byte or two
        controls = sum(head.count(byte) for byte in _CONTROLS)
        # Of noise, such as what is compressed or encrypted, 5.1 % are these: a twentieth alone would be a coin's toss.
        return controls * (20 if _is_utf_8(head) else 50) <= len(head)
    # UTF-16 without a mark: nearly every second byte is zero, always on the same side.
    even = head[::2].count(0)
    return len(head) >= 8 and zeros * 5 >= len(head) * 2 and (even * 20 <= zeros or (zeros - even) * 20 <= zeros)


def _is_utf_8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # which may be cut within a character
    except UnicodeDecodeError:
        return False
    return True


def in_utf8(content: bytes) -> tuple[bytes, bytes]:
    """The first and the last 4,096 bytes of a text without its byte order mark, recoded where they are UTF-16."""
    head, tail = content[:_LOOKED_AT], content[-_LOOKED_AT:]
    zeros = head.count(0)
    if not head.startswith(_UTF_16) and zeros * 5 < len(head) * 2:
        return head.removeprefix(_UTF_8), tail
    is_big = head.startswith(_UTF_16[1]) or (not head.startswith(_UTF_16[0]) and head[::2].count(0) * 2 > zeros)
    encoding = "utf-16-be" if is_big else "utf-16-le"
    tail = tail[(len(content) - len(tail)) % 2 :]
    return _recoded(head, encoding), _recoded(tail, encoding)


def _recoded(part: bytes, encoding: str) -> bytes:
    return part.decode(encoding, "replace").lstrip("\ufeff").encode()
