"""Mailboxes in one file: every message under its subject, quoting undone."""

from __future__ import annotations

import gzip
from email.message import EmailMessage

import pytest

from ragkit.errors import ItemError

FIRST = """From ana@x.test Mon Nov  2 10:00:00 2026
From: Ana <ana@x.test>
Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?=
Date: Mon, 02 Nov 2026 10:00:00 +0100

The lamp flickers.

>From here on it is dark.
"""
SECOND = """From bob@x.test Mon Nov  2 11:00:00 2026 +0100
From: Bob <bob@x.test>
To: care@x.test

From time to time a line begins like this.

From all of us
P.S.: thanks
"""


def test_every_message_stands_under_its_subject(parse) -> None:
    """The box has no title of its own; a message without a subject is named by its place."""
    parsed = parse(FIRST + "\n" + SECOND, "Inbox.mbox")
    assert parsed.title == ""
    assert parsed.shown() == [
        ("heading", "Größe"),
        (
            "paragraph",
            "From: Ana <ana@x.test>\nDate: Mon, 02 Nov 2026 10:00:00 +0100\nSubject: Größe",
        ),
        ("paragraph", "The lamp flickers."),
        ("paragraph", "From here on it is dark."),
        ("heading", "message 2"),
        ("paragraph", "From: Bob <bob@x.test>\nTo: care@x.test"),
        ("paragraph", "From time to time a line begins like this."),
        ("paragraph", "From all of us\nP.S.: thanks"),
    ]


def test_the_bytes_tell_a_mailbox_from_a_message(parse) -> None:
    """Whatever the file is called, no message after the first is lost."""
    for name in ("Inbox", "inbox.txt", "inbox.eml"):
        assert parse((FIRST + "\n" + SECOND).replace("\n", "\r\n"), name).media_type == "application/mbox"
    assert parse(FIRST, "one.eml").media_type == "message/rfc822"
    assert parse(gzip.compress((FIRST + "\n" + SECOND).encode()), "2026.mbox.gz").of("heading") == [
        "Größe",
        "message 2",
    ]


def test_attachments_are_read_and_bad_messages_counted(parse) -> None:
    """An encrypted message is passed over with a notice, the next one is read."""
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "a@x.test", "prices"
    mail.set_content("see below")
    mail.add_attachment(b"Item,Price\nLamp,10\n", maintype="text", subtype="csv", filename="p.csv")
    secret = "From x@x.test Mon Nov  2 10:00:00 2026\nSubject: s\nContent-Type: application/pkcs7-mime\n\nMII\n\n"
    box = secret.encode() + b"From a@x.test Mon Nov  2 10:00:00 2026\n" + mail.as_bytes()
    parsed = parse(box, "x.mbox")
    assert parsed.of("heading") == ["prices", "p.csv"]
    assert parsed.of("table") == ["| Item | Price |\n| --- | --- |\n| Lamp | 10 |"]
    assert parsed.notices["part-skipped"].where == (1,)


def test_what_is_no_mailbox_is_malformed_and_too_large_a_one_refused(parse) -> None:
    """A name does not make a mailbox; ten thousand messages are the most."""
    for content, code in ((b"just words", "malformed"), ((SECOND + "\n").encode() * 10_001, "too-many-parts")):
        with pytest.raises(ItemError) as caught:
            parse(content, "x.mbox")
        assert caught.value.code == code
