"""Which URLs may be asked for and which addresses may be connected to, when a page or a redirect names them.

A URL is read once, here, by one grammar that takes little; what is asked for is written anew from its parts, so that no
second reader can understand it otherwise. An address is judged by what it leads to: an IPv6 address that stands for an
IPv4 address is judged as that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, Literal
from urllib.parse import quote

from ragkit.errors import RagkitError

Refusal = Literal["url", "port", "address", "downgrade", "redirects", "leads-away", "type", "size"]

_TEXTS: Final[dict[Refusal, tuple[str, str]]] = {
    "url": ("it is no plain http or https URL", "Write scheme, host and path, without a user name."),
    "port": ("its port is not one that may be asked", "Use 80 or 443, or name the port in `allow_ports`."),
    "address": (
        "its host is at an address that may not be connected to",
        "Name the network of a host of your own in `allow_networks`, such as 10.1.0.0/16.",
    ),
    "downgrade": ("it leads from https to http", "Give the server's https address for all of it."),
    "redirects": ("it is redirected too often", "Give the address where it ends."),
    "leads-away": ("it leads to another host, as a page of login does", "Give what logs in, or exclude it."),
    "type": ("it is not of a media type that was asked for", "Exclude it, or name its type."),
    "size": ("it is larger than it may be", "Raise the limit, or exclude it."),
}
_MAX_URL: Final = 8192
_URL: Final = re.compile(r"(https?)://([^/?#]*)([^?#]*)(\?[^#]*)?(?:#.*)?", re.I)
_AUTHORITY: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?", re.I)
_LABEL: Final = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_NUMBER: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f-\x9f\\\u2028\u2029]|[\ud800-\udfff]")
_ESCAPED: Final = re.compile(r"%([0-9a-fA-F]{2})")
_UNRESERVED: Final = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_SAFE: Final = "/:@!$&'()*+,;=-._~%?"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}

_NEVER: Final = tuple(
    ip_network(one)
    for one in (
        "169.254.0.0/16",  # link-local: the metadata service of most clouds, and of containers in them
        "fe80::/10",
        "fd00:ec2::/32",  # metadata of Amazon EC2 and EKS over IPv6
        "fd20:ce::254/128",  # of Google Cloud
        "100.100.100.200/32",  # of Alibaba Cloud
        "168.63.129.16/32",  # of Azure, a public address that means the host itself
        "192.0.0.192/32",  # of Oracle Cloud
    )
)
_GLOBAL_V6: Final = ip_network("2000::/3")  # all that IANA has given out
_NOT_GLOBAL: Final = (
    ip_network("192.88.99.0/24"),  # relays of 6to4, and its addresses, which lead wherever they say (RFC 7526)
    ip_network("2002::/16"),
    ip_network("3fff::/20"),  # documentation (RFC 9637), which Python 3.11 does not know
)
_NAT64: Final = ip_network("64:ff9b::/96")  # RFC 6052

Network = IPv4Network | IPv6Network
_Address = IPv4Address | IPv6Address


class FetchRefused(RagkitError):
    """What was named is not asked for, or not read; ``word`` says why. Nothing was sent to where it leads."""

    def __init__(self, word: Refusal) -> None:
        text, remedy = _TEXTS[word]
        super().__init__(text, remedy=remedy)
        self.word: Refusal = word

    def __reduce__(self) -> tuple[object, ...]:
        return (FetchRefused, (self.word,))


@dataclass(frozen=True, slots=True)
class Place:
    """A URL in parts: ``host`` in lower case, ``path`` with its query, percent-encoded and without dot segments."""

    scheme: str
    host: str
    port: int
    path: str

    def __repr__(self) -> str:
        return f"Place({self.scheme})"

    @property
    def origin(self) -> str:
        """Scheme, host and port, the port only where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port != _DEFAULT_PORTS[self.scheme] else "")

    @property
    def url(self) -> str:
        """All of it; the same for every way of writing the URL."""
        return self.origin + self.path


def read_url(text: str) -> Place:
    """Read a URL. Its fragment is dropped, its path normalised by RFC 3986, section 6.2.2.

    Refused are user names, control characters, spaces, backslashes, hosts outside ASCII (a name of another script is
    written in its ``xn--`` form), hosts with a dot at the end, and numbers as hosts in any form but the usual one of
    four: what another reader may take for an address is none here, or the same.

    Raises:
        FetchRefused: ``url``.
    """
    found = _URL.fullmatch(text) if len(text) <= _MAX_URL and not _FORBIDDEN.search(text) else None
    authority = _AUTHORITY.fullmatch(found[2]) if found else None
    if not found or not authority:
        raise FetchRefused("url")
    scheme = found[1].lower()
    port = int(authority[2]) if authority[2] else _DEFAULT_PORTS[scheme]
    if not 0 < port < 65536:
        raise FetchRefused("url")
    path = _without_dots(_encoded(found[3])) or "/"
    return Place(scheme, _host(authority[1].lower()), port, path + _encoded(found[4] or ""))


def networks(texts: Sequence[str]) -> tuple[Network, ...]:
    """Networks in CIDR notation, or single addresses.

    Raises:
        ValueError: One is none.
    """
    return tuple(ip_network(text) for text in texts)


def is_allowed(address: str, allowed: Sequence[Network] = ()) -> bool:
    """Whether an address may be connected to: it is public, or in a network that the owner named.

    Metadata services of clouds and link-local addresses are never, whoever named them.
    """
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address) and ip.scope_id:
        return False
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        ip = ip.ipv4_mapped  # what goes over the wire
    translated = isinstance(ip, IPv6Address) and ip in _NAT64
    meant = IPv4Address(int(ip) & 0xFFFFFFFF) if translated else ip
    if any(one in net for one in (ip, meant) for net in _NEVER):
        return False
    return any(ip in net for net in allowed) or _is_public(meant)


def _is_public(ip: _Address) -> bool:
    if ip.is_multicast or not ip.is_global or any(ip in net for net in _NOT_GLOBAL):
        return False
    return isinstance(ip, IPv4Address) or ip in _GLOBAL_V6


def _host(text: str) -> str:
    if text.startswith("["):
        try:
            return str(IPv6Address(text[1:-1]))
        except ValueError:
            raise FetchRefused("url") from None
    labels = text.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # a number in the end makes it an address (WHATWG URL, "ends in a number")
        try:
            return str(IPv4Address(text))
        except ValueError:
            raise FetchRefused("url") from None
    if len(text) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise FetchRefused("url")
    return text


def _encoded(part: str) -> str:
    """Percent-encoded where it must be and nowhere else, hexadecimal digits in capitals."""

    def plain(found: re.Match[str]) -> str:
        byte = int(found[1], 16)
        return chr(byte) if byte in _UNRESERVED else f"%{found[1].upper()}"

    return _ESCAPED.sub(plain, quote(re.sub(r"%(?![0-9a-fA-F]{2})", "%25", part), safe=_SAFE))


def _without_dots(path: str) -> str:
    """Remove ``.`` and ``..`` (RFC 3986, section 5.2.4)."""
    if not path:
        return ""
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)
