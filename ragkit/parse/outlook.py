"""Outlook messages (.msg, [MS-OXMSG]) by python-oxmsg, laid out like :mod:`.mail`.

The body is the text, else the HTML, else the compressed RTF. Attachments go to the parsers of their own formats,
messages within the message are read the same way; pictures that the HTML shows and signatures are left out.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from ragkit.errors import ItemError
from ragkit.parse.archive import MAX_DEPTH
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.nested import read_named, read_part
from ragkit.parse.problems import problem
from ragkit.parse.rtf_unpack import unpack_rtf
from ragkit.types import BlockKind

if TYPE_CHECKING:
    from oxmsg import Message
    from oxmsg.attachment import Attachment

MAX_PARTS = 300
_EMBEDDED_HEADER = 24  # bytes before the properties of a message within a message, [MS-OXMSG] 2.4.1.2
_EMBEDDED_STORAGE = "__substg1.0_3701000D"
_PID_DISPLAY_TO, _PID_DISPLAY_CC = 0x0E04, 0x0E03
_PID_RTF_COMPRESSED, _PID_ATTACH_CONTENT_ID, _PID_DISPLAY_NAME = 0x1009, 0x3712, 0x3001
_PID_ATTACH_FILENAME = 0x3704


def parse(part: Part, out: BlockWriter) -> None:
    """Read an Outlook message."""
    from oxmsg import Message

    try:
        message = Message.load(io.BytesIO(part.content))
        message.properties.str_prop_value(_PID_DISPLAY_TO)
    except MemoryError:
        raise
    except Exception:  # olefile and oxmsg raise whatever a broken directory leads them to
        raise problem("malformed") from None
    _write(message, part, out)


def _write(message: Message, part: Part, out: BlockWriter) -> None:
    message_class = _quietly(lambda: message.message_class) or ""
    attachments = _quietly(lambda: message.attachments) or ()
    kinds = {_quietly(lambda a=attachment: a.mime_type) or "" for attachment in attachments}
    if message_class.upper() == "IPM.NOTE.SMIME" or "application/pgp-encrypted" in kinds:
        raise problem("encrypted")
    subject = " ".join((_quietly(lambda: message.subject) or "").split())
    out.title = out.title or subject
    out.add(BlockKind.PARAGRAPH, "\n".join(f"{name}: {text}" for name, text in _headers(message, subject)))
    body = _body(message, part)
    if body is not None and read_part(body, out) is not None:
        out.notice("part-skipped")
    if len(attachments) > MAX_PARTS:
        raise problem("too-many-parts")
    for position, attachment in enumerate(attachments, start=1):
        if _is_silent(attachment):
            continue
        if part.depth >= MAX_DEPTH or _attachment(attachment, position, part, out) is not None:
            out.notice("part-skipped", where=(position,))


def _headers(message: Message, subject: str) -> list[tuple[str, str]]:
    sent = _quietly(lambda: message.message_headers) or {}
    fields = {name.lower(): " ".join(str(value).split()) for name, value in sent.items()}
    props = message.properties
    date = _quietly(lambda: message.sent_date)
    found = (
        ("From", fields.get("from") or _quietly(lambda: message.sender)),
        ("To", fields.get("to") or _quietly(lambda: props.str_prop_value(_PID_DISPLAY_TO))),
        ("Cc", fields.get("cc") or _quietly(lambda: props.str_prop_value(_PID_DISPLAY_CC))),
        ("Date", fields.get("date") or (date.isoformat(" ", "seconds") if date else "")),
        ("Subject", subject),
    )
    return [(name, text.strip("\x00 ")) for name, text in found if text]


def _body(message: Message, part: Part) -> Part | None:
    if (text := _quietly(lambda: message.body)) and text.strip():
        return part.inside(text.encode(errors="replace"), "", "text/plain; charset=utf-8")
    if (html := _quietly(lambda: message.html_body)) and html.strip():
        return part.inside(html.encode(errors="replace"), "", "text/html; charset=utf-8")
    packed = _quietly(lambda: message.properties.binary_prop_value(_PID_RTF_COMPRESSED))
    return part.inside(unpack_rtf(packed), "", "application/rtf") if packed else None


def _is_silent(attachment: Attachment) -> bool:
    kind = _quietly(lambda: attachment.mime_type) or ""
    inline = _quietly(lambda: attachment.properties.str_prop_value(_PID_ATTACH_CONTENT_ID))
    return kind.endswith("-signature") or (kind.startswith("image/") and bool(inline))


def _attachment(attachment: Attachment, position: int, part: Part, out: BlockWriter) -> ItemError | None:
    props = attachment.properties
    name = _quietly(lambda: attachment.file_name)
    name = name or _quietly(lambda: props.str_prop_value(_PID_ATTACH_FILENAME))
    name = " ".join((name or _quietly(lambda: props.str_prop_value(_PID_DISPLAY_NAME)) or "").split())
    title = name or f"attachment {position}"
    embedded = _embedded(attachment)
    if embedded is not None:
        return _message_within(embedded, title, part, out)
    content = _quietly(lambda: attachment.file_bytes) or b""
    kind = _quietly(lambda: attachment.mime_type)
    if kind and kind.startswith("multipart/"):
        kind, name = "message/rfc822", ""  # a signed message, of which Outlook keeps all as one attachment
    return read_named(part.inside(content, name, kind), title, out, keep_name=True)


def _message_within(message: Message, title: str, part: Part, out: BlockWriter) -> ItemError | None:
    """Write a message that is stored in this one's folder rather than as bytes of its own."""
    mark, offset, before = out.mark(), out.level_offset, out.title
    out.level_offset = offset + 1
    out.add(BlockKind.HEADING, title, level=1)
    out.level_offset = offset + 2
    try:
        _write(message, part.inside(b"", ""), out)
    except ItemError as failure:
        if part.budget.is_spent or failure.code == "too-much-text":
            raise
        out.rewind(mark + 1)
        return failure
    finally:
        out.level_offset, out.title = offset, before
    return None


def _embedded(attachment: Attachment) -> Message | None:
    from oxmsg import Message
    from oxmsg.properties import Properties

    storage: Any = attachment._storage
    for inner in storage.storages:
        if inner.name == _EMBEDDED_STORAGE and any(
            stream.name == "__properties_version1.0" for stream in inner.streams
        ):
            message = Message(inner)
            message.__dict__["_properties"] = Properties(inner, properties_header_offset=_EMBEDDED_HEADER)
            return message
    return None


def _quietly(read: Any) -> Any:
    """What a property says; the library raises on codepages and dates it does not know, and the rest is still good."""
    try:
        return read()
    except MemoryError:
        raise
    except Exception:
        return None
