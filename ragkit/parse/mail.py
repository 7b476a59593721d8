"""E-mail (RFC 5322, MIME) by the standard library, and its attachments by the parsers of their own formats.

The first block holds From, To, Cc, Date and Subject; then the text part, or the HTML where there is no text; then each
attachment under a heading with its name, as deep as ``MAX_DEPTH``. Signatures, calendar parts and inline images are
left out; an attachment that cannot be read leaves the notice ``part-skipped`` with its position, and the message stays.
A message whose whole body is encrypted, or wrapped in its signature (S/MIME, PGP), is refused: its headers alone would
pass for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import BytesHeaderParser, BytesParser
from email.policy import EmailPolicy
from typing import Any, cast

from ragkit.parse.archive import MAX_DEPTH
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.nested import read_named, read_part
from ragkit.parse.problems import problem
from ragkit.parse.text import decode
from ragkit.types import BlockKind

MAX_PARTS = 300
_LONG_HEADER = 8_000
_WORDS_AT_ONCE = 200
_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_SILENT = frozenset(
    {"application/pkcs7-signature", "application/pgp-signature", "application/x-pkcs7-signature", "text/calendar"}
)
_ENVELOPES = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime", "multipart/encrypted"})


class _Policy(EmailPolicy):
    """The standard policy, but for long header fields, over which the library's grammar takes quadratic time and more.

    60,000 characters of comments in an address take it half a minute. Of a long field that steers the reading the
    beginning counts; of any other the encoded words are decoded (RFC 2047), and no grammar is looked for.
    """

    def header_fetch_parse(self, name: str, value: str) -> Any:
        """Return the value of a field as the library would, or as a plain string."""
        if not value.isascii():  # bytes that should have been encoded words, kept as lone surrogates
            value = _from_bytes(value.encode("utf-8", "surrogateescape"))
        if len(value) <= _LONG_HEADER:
            return super().header_fetch_parse(name, value)
        if name.lower().startswith("content-"):
            return super().header_fetch_parse(name, value[:_LONG_HEADER])
        words = value.split()
        groups = (" ".join(words[n : n + _WORDS_AT_ONCE]) for n in range(0, len(words), _WORDS_AT_ONCE))
        return " ".join(map(_decoded, groups))


_POLICY = _Policy()


def parse(part: Part, out: BlockWriter) -> None:
    """Read a message."""
    # The parser never raises on malformed input, it records defects; accessing a header or payload may.
    content = part.content
    if b"\x00" in content[:64] or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = decode(part, out).encode()  # a message saved as UTF-16 by an editor
    message = cast("EmailMessage", BytesParser(policy=_POLICY).parsebytes(content))
    if not message.keys() and not message.is_multipart():
        raise problem("malformed")
    if message.get_content_type() in _ENVELOPES:
        is_signed = message.get_param("smime-type") == "signed-data"
        raise problem("unsupported-type", detail="application/pkcs7-mime") if is_signed else problem("encrypted")
    _write(message, part, out)


def subject_of(content: bytes) -> str:
    """The subject of a message, empty when it has none."""
    return _header(cast("EmailMessage", BytesHeaderParser(policy=_POLICY).parsebytes(content)), "Subject")


def _write(message: EmailMessage, part: Part, out: BlockWriter) -> None:
    headers = [(name, text) for name in _HEADERS if (text := _header(message, name))]
    subject = dict(headers).get("Subject", "")
    if not out.title:
        out.title = subject
    out.add(BlockKind.PARAGRAPH, "\n".join(f"{name}: {text}" for name, text in headers))
    body, attachments = _parts(message)
    if body is not None and read_part(_nested(body, part, ""), out) is not None:
        out.notice("part-skipped")
    for position, attachment in enumerate(attachments, start=1):
        if attachment.get_content_type() in _SILENT or _is_inline_image(attachment):
            continue
        name = _file_name(attachment)
        if part.depth >= MAX_DEPTH or read_named(
            _nested(attachment, part, name), name or f"attachment {position}", out, keep_name=True
        ):
            out.notice("part-skipped", where=(position,))


def _from_bytes(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _decoded(words: str) -> str:
    try:
        return str(make_header(decode_header(words)))
    except (LookupError, ValueError):  # an unknown charset, bad base64
        return words


def _header(message: EmailMessage, name: str) -> str:
    try:
        values = message.get_all(name) or []
        return " ".join(", ".join(str(value) for value in values).split())
    except Exception:  # the header parser fails on some malformed addresses in ways it does not document (bpo-30681)
        for key, raw in message.raw_items():
            if key.lower() == name.lower():
                return " ".join(str(raw).split())
        return ""


def _parts(message: EmailMessage) -> tuple[EmailMessage | None, list[EmailMessage]]:
    """The body to read, text before HTML, and everything else."""
    leaves = []
    for count, leaf in enumerate(_leaves(message)):
        if count >= MAX_PARTS:
            raise problem("too-many-parts")
        leaves.append(leaf)
    bodies: dict[str, EmailMessage | None] = {"text/plain": None, "text/html": None}
    for leaf in leaves:
        kind = leaf.get_content_type()
        attached = leaf.get_content_disposition() == "attachment" or (_file_name(leaf) and len(leaves) > 1)
        if kind in bodies and bodies[kind] is None and not attached and _payload(leaf).strip():
            bodies[kind] = leaf
    # A message without headers is false, so `or` would pass over a part that has none.
    body = bodies["text/html"] if bodies["text/plain"] is None else bodies["text/plain"]
    unread = {id(body), id(bodies["text/plain"]), id(bodies["text/html"])}
    rest = [leaf for leaf in leaves if id(leaf) not in unread and _payload(leaf).strip()]
    return body, rest


def _leaves(message: EmailMessage, depth: int = 0) -> Iterator[EmailMessage]:
    if message.get_content_maintype() == "multipart" and message.is_multipart() and depth < 20:
        for child in message.iter_parts():
            yield from _leaves(cast("EmailMessage", child), depth + 1)
    else:
        yield message


def _payload(leaf: EmailMessage) -> bytes:
    try:
        if leaf.get_content_type() == "message/rfc822" and leaf.is_multipart():
            inner = cast("list[EmailMessage]", leaf.get_payload())
            return inner[0].as_bytes()
        data = leaf.get_payload(decode=True)
        return data if isinstance(data, bytes) else b""
    except Exception:  # undecodable base64, unknown charsets: what cannot be read is empty
        return b""


def _nested(leaf: EmailMessage, part: Part, name: str) -> Part:
    kind, charset = leaf.get_content_type(), leaf.get_content_charset()
    return part.inside(_payload(leaf), name, f"{kind}; charset={charset}" if charset else kind)


def _file_name(leaf: EmailMessage) -> str:
    try:
        return " ".join((leaf.get_filename() or "").split())
    except Exception:  # malformed RFC 2231 parameters
        return ""


def _is_inline_image(leaf: EmailMessage) -> bool:
    return leaf.get_content_maintype() == "image" and (
        leaf.get_content_disposition() != "attachment" or "Content-ID" in leaf
    )
