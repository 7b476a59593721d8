"""A writer of small MSG files ([MS-OXMSG]), for tests: pass what :func:`message` returns to ``compound_file``."""

from __future__ import annotations

import struct

from ragkit.testing.compound_file import Folder

CLASS, SUBJECT, BODY, HTML, RTF = 0x001A, 0x0037, 0x1000, 0x1013, 0x1009
SENDER, SENDER_MAIL, TO = 0x0C1A, 0x0C1F, 0x0E04
DATA, NAME, KIND, CONTENT_ID = 0x3701, 0x3707, 0x370E, 0x3712


def storage(header: int, properties: dict[int, str | bytes], **folders: Folder) -> Folder:
    """Return the streams of one object: its properties (texts as UTF-16) and what else lies in it."""
    listed, streams = b"", {}
    for pid, value in properties.items():
        content = value.encode("utf-16-le") if isinstance(value, str) else value
        ptyp = 0x001F if isinstance(value, str) else 0x0102
        listed += struct.pack("<HHIII", ptyp, pid, 6, len(content) + 2 * (ptyp == 0x001F), 0)
        streams[f"__substg1.0_{pid:04X}{ptyp:04X}"] = content
    return {"__properties_version1.0": bytes(header) + listed, **streams, **folders}


def message(properties: dict[int, str | bytes], *attachments: Folder, header: int = 32) -> Folder:
    """Return the storage of a message."""
    folders = {f"__attach_version1.0_#{number:08X}": held for number, held in enumerate(attachments)}
    defaults: dict[int, str | bytes] = {CLASS: "IPM.Note", SENDER: "Ana", SENDER_MAIL: "ana@x.test", TO: "care@x.test"}
    return storage(header, {**defaults, **properties}, **folders)


def attachment(name: str, content: bytes, **more: str) -> Folder:
    """Return the storage of an attachment by value."""
    return storage(8, {NAME: name, DATA: content, **{globals()[key]: value for key, value in more.items()}})
