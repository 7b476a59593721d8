"""Mailboxes in one file (mbox, RFC 4155): every message under a heading with its subject.

A message begins at a line ``From ...`` that ends with a year, after an empty one and before a header field; ``>From``
in a body loses one sign (the quoting of mboxrd). A message that cannot be read is counted in ``part-skipped`` with its
position.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from ragkit.parse.archive import MAX_DEPTH, MAX_ENTRIES
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Part
from ragkit.parse.mail import subject_of
from ragkit.parse.nested import Members
from ragkit.parse.problems import problem

_START = re.compile(rb"(?:\A|(?<=\n\n)|(?<=\n\r\n))From [^\n]{0,200}\d\d\d\d\s*\n(?=>?[!-9;-~]+:)")
_QUOTED = re.compile(rb"^>(?=>*From )", re.M)


def parse(part: Part, out: BlockWriter) -> None:
    """Read a mailbox."""
    if part.depth >= MAX_DEPTH:
        raise problem("too-nested")
    members = Members(part, out)
    for content in _messages(part.content):
        name = subject_of(content) or f"message {members.position + 1}"
        members.add(name, partial(bytes, content), "message/rfc822")
    members.finish()


def _messages(content: bytes) -> Iterator[bytes]:
    starts = list(_START.finditer(content))
    if not starts:
        raise problem("malformed")
    if len(starts) > MAX_ENTRIES:
        raise problem("too-many-parts")
    ends = [found.start() for found in starts[1:]] + [len(content)]
    for found, end in zip(starts, ends):
        yield _QUOTED.sub(b"", content[found.end() : end])
