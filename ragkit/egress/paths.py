"""What may stand in the request line and the headers: nothing of the prompt, and no way off the destination's path."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from ragkit.errors import EgressRefused

_PATH = re.compile(r"/?[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?")
_API_VERSION = re.compile(r"(?<=[?&]api-version=)20\d\d-\d\d-\d\d(-preview)?(?=&|$)")
_LONGEST_PATH = 512
_LONGEST_VALUE = 256
_LONGEST_SECRET = 8192
SECRET = frozenset({"authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token"})
_ALLOWED = SECRET | {
    "accept", "content-type", "anthropic-version", "anthropic-beta", "openai-organization", "openai-project",
    "openai-beta", "x-goog-user-project", "http-referer", "x-title", "host", "x-amz-date", "x-amz-content-sha256",
    "x-amzn-bedrock-accept", "x-amzn-bedrock-guardrailidentifier", "x-amzn-bedrock-guardrailversion",
    "x-amzn-bedrock-trace", "x-request-id",
}  # fmt: skip
"""Headers that an API needs; in none of them a prompt has a place."""
SPOKEN = frozenset({"http-referer", "x-title", "openai-organization", "openai-project", "x-request-id"})
"""Those whose value somebody chooses; the others are keys, versions and sums."""
_PRINTABLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?|")


def target(url: str, path: str) -> str:
    """The path as it stands in the request line: below the destination's own.

    Args:
        url: Root of the destination's API.
        path: What the backend asks for, such as ``/chat/completions``; a query may follow.

    Raises:
        EgressRefused: It would lead elsewhere, or is no path.
    """
    decoded = path
    for _ in range(4):
        decoded, before = unquote(decoded, errors="replace"), decoded
        if decoded == before:
            break
    plain = decoded.partition("?")[0]
    climbs = any(part in (".", "..") for part in re.split(r"[/\\]", plain))
    odd = "\\" in decoded or "//" in plain or not decoded.isprintable() or not _PATH.fullmatch(path)
    if climbs or odd or len(path) > _LONGEST_PATH:
        raise EgressRefused(
            "the path is not one below the destination's URL",
            remedy="Correct the backend, or `url` of the destination.",
        )
    return f"{urlsplit(url).path.rstrip('/')}/{path.removeprefix('/')}"


def segments(path: str) -> list[str]:
    """The parts of a path and its query, decoded: names of operations, of models, versions."""
    plain = _API_VERSION.sub("", path)  # a date, but of the API
    return [text for part in re.split(r"[/?&=]", plain) if len(text := unquote(part)) > 2]


def checked(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers as they may be sent.

    Raises:
        EgressRefused: One has no place here, is too long, or holds other than printable ASCII.
    """
    for name, value in headers.items():
        known = name.lower()
        longest = _LONGEST_SECRET if known in SECRET else _LONGEST_VALUE
        if known not in _ALLOWED or len(value) > longest or not _PRINTABLE.fullmatch(value):
            which = known if known in _ALLOWED else "of another name"
            raise EgressRefused(
                f"a header {which} may not be sent", remedy="Headers carry keys and versions only; correct the backend."
            )
    return dict(headers)
