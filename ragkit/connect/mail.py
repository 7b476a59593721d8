"""E-mail (RFC 5322, MIME) by the standard library, and its attachments by the parsers of their own formats.

The first block holds From, To, Cc, Date and Subject; then the text part, or the HTML where there is no text; then each
attachment under a heading with its name, as deep as ``MAX_DEPTH``. Signatures, calendar parts and inline images are
left out; an attachment that cannot be read leaves the notice ``part-skipped`` with its position, and the message stays.
"""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from typing import cast

from ragkit.connect.blocks import BlockWriter
from ragkit.connect.formats import Part
from ragkit.connect.problems import problem
from ragkit.connect.text import decode
from ragkit.errors import ItemError
from ragkit.types import BlockKind

MAX_DEPTH = 3
MAX_PARTS = 300
_HEADERS = ("From", "To", "Cc", "Date", "Subject")
_SILENT = frozenset(
    {"application/pkcs7-signature", "application/pgp-signature", "application/x-pkcs7-signature", "text/calendar"}
)


def parse(part: Part, out: BlockWriter) -> None:
    """Read a message."""
    # The parser never raises on malformed input, it records defects; accessing a header or payload may.
    content = part.content
    if b"\x00" in content[:64] or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        content = decode(part, out).encode()  # a message saved as UTF-16 by an editor
    message = BytesParser(policy=policy.default).parsebytes(content)
    if not message.keys() and not message.is_multipart():
        raise problem("malformed")
    _write(message, part, out)


def _write(message: EmailMessage, part: Part, out: BlockWriter) -> None:
    headers = [(name, text) for name in _HEADERS if (text := _header(message, name))]
    subject = dict(headers).get("Subject", "")
    if not out.title:
        out.title = subject
    out.add(BlockKind.PARAGRAPH, "\n".join(f"{name}: {text}" for name, text in headers))
    body, attachments = _parts(message)
    if body is not None:
        _parse_nested(body, part, out, 0)
    for position, attachment in enumerate(attachments, start=1):
        if attachment.get_content_type() in _SILENT or _is_inline_image(attachment):
            continue
        name = _file_name(attachment) or f"attachment {position}"
        if part.depth >= MAX_DEPTH:
            out.notice("part-skipped", where=(position,))
            continue
        out.level_offset += 1
        out.add(BlockKind.HEADING, name, level=1)
        out.level_offset += 1
        try:
            _parse_nested(attachment, part, out, position)
        finally:
            out.level_offset -= 2


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
    body = bodies["text/plain"] or bodies["text/html"]
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


def _parse_nested(leaf: EmailMessage, part: Part, out: BlockWriter, position: int) -> None:
    kind = leaf.get_content_type()
    charset = leaf.get_content_charset()
    nested = Part(
        content=_payload(leaf),
        name=(_file_name(leaf) or "") if position else "",
        media_type=f"{kind}; charset={charset}" if charset else kind,
        depth=part.depth + 1,
    )
    assert part.formats is not None
    title = out.title
    try:
        part.formats.parse(nested, out)
    except ItemError:
        out.notice("part-skipped", where=(position,) if position else ())
    finally:
        out.title = title


def _file_name(leaf: EmailMessage) -> str:
    try:
        return " ".join((leaf.get_filename() or "").split())
    except Exception:  # malformed RFC 2231 parameters
        return ""


def _is_inline_image(leaf: EmailMessage) -> bool:
    return leaf.get_content_maintype() == "image" and (
        leaf.get_content_disposition() != "attachment" or "Content-ID" in leaf
    )
