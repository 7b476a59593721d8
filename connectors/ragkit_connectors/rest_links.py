"""Under :mod:`ragkit_connectors.rest`: where a link leads."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote


def below(root: str, path: str) -> str:
    """A path below a root, the end of which it may repeat: ``/wiki/x`` below ``/wiki`` and below ``/site/wiki``."""
    ends = [root[start:] for start, sign in enumerate(root) if sign == "/"]
    for end in ends:
        if path == end or path.startswith(f"{end}/"):
            return root.removesuffix(end) + path
    return root + path


def origin(parts: Any) -> tuple[str, str, int]:
    """Scheme, host and port of a split URL; port -1 where it is none."""
    try:
        port = parts.port
    except ValueError:
        port = -1
    return parts.scheme, (parts.hostname or "").lower(), port or (80 if parts.scheme == "http" else 443)


def quoted(text: str) -> str:
    """A path or query as it came, but for characters that no request line can hold."""
    return quote(text, safe="/%:@!$&'()*+,;=~-._?[]")
