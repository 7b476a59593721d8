"""Text that is nested without end, encoded in no way, or one line: JSON, HTML, XML, RTF, Markdown, mail, tables."""

from __future__ import annotations

import random
from collections.abc import Iterator

from ragkit.testing.hostile_archives import LAUGHS, OUTSIDE
from ragkit.testing.hostile_samples import WORDS, Hostile, honest_mail

_DEEP = 100_000
_MIB = 1024 * 1024


def nested() -> Iterator[Hostile]:
    """Nesting."""
    deep: dict[str, str] = {
        "arrays.json": "[" * _DEEP,
        "closed.json": "[" * _DEEP + "]" * _DEEP,
        "objects.json": '{"a":' * _DEEP + "1" + "}" * _DEEP,
        "lines.jsonl": ('{"text":' * 5_000 + "1" + "}" * 5_000 + "\n") * 20,
        "divs.html": "<html><body>" + "<div>" * _DEEP + WORDS,
        "inline.html": "<html><body>" + "<b><i>" * _DEEP + WORDS,
        "tables.html": "<html><body>" + "<table><tr><td>" * 20_000 + WORDS,
        "lists.html": "<html><body>" + "<ul><li>" * 50_000 + WORDS,
        "quotes.html": "<html><body>" + "<blockquote>" * 50_000 + WORDS,
        "hidden.html": "<html><body>" + '<p style="display:none">' * 50_000 + WORDS,
        "elements.xml": '<?xml version="1.0"?>' + "<a>" * _DEEP + "</a>" * _DEEP,
        "open.xml": '<?xml version="1.0"?>' + "<a>" * _DEEP,
        "groups.rtf": "{\\rtf1 " + "{" * _DEEP + WORDS,
        "closed.rtf": "{\\rtf1 " + "{\\b " * _DEEP + WORDS + "}" * (_DEEP + 1),
        "quotes.md": ">" * 20_000 + WORDS,
        "lists.md": "\n".join(" " * 2 * n + "- x" for n in range(1_500)),
        "brackets.md": "[" * _DEEP,
        "links.md": "[a](" * 20_000,
        "stars.md": "*a **b " * 20_000,
        "fences.md": "`" * 50_000 + "a" + "`" * 49_999,
        "entities.md": "&#" * 50_000,
        "lists.rst": "\n\n".join(" " * 2 * n + "- x" for n in range(800)),
        "tables.rst": "+" + "-+" * 2_000 + "\n" + "|x" * 2_000 + "|\n+" + "-+" * 2_000,
        "include.rst": ".. include:: /etc/passwd\n\n.. raw:: html\n   :file: /etc/passwd\n\n" + WORDS,
        "sections.org": "\n".join("*" * n + " x" for n in range(1, 2_000)),
        "include.adoc": "include::/etc/passwd[]\n\n" + WORDS,
    }
    for name, text in deep.items():
        yield Hostile("deep nesting", name, text.encode())
    for depth in (20, 2_000):
        message = b"Content-Type: text/plain\n\n" + WORDS.encode()
        for _ in range(depth):
            message = b"From: a@example.org\nSubject: x\nMIME-Version: 1.0\nContent-Type: message/rfc822\n\n" + message
        yield Hostile("deep nesting", f"forwarded-{depth}.eml", message)
        head = b"From: a@example.org\nMIME-Version: 1.0\n"
        parts = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\n\n--b%d\n' % (n, n) for n in range(depth))
        yield Hostile("deep nesting", f"multipart-{depth}.eml", head + parts + b"\n" + WORDS.encode())
    for name, before in (("laughs", LAUGHS), ("outside", OUTSIDE)):
        yield Hostile("entities", f"{name}.xml", f"{before}<d>&a11;</d>".encode())
        yield Hostile("entities", f"{name}.html", f"{before}<html><body>&a11;</body></html>".encode())
    large = "x" * 100_000
    blown = f'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "{large}">]><d>{"&a;" * 50_000}</d>'
    yield Hostile("entities", "quadratic.xml", blown.encode())
    remote = '<?xml version="1.0"?><!DOCTYPE d SYSTEM "http://127.0.0.1:9/x.dtd"><d>&x;</d>'
    yield Hostile("entities", "remote.xml", remote.encode())


def large() -> Iterator[Hostile]:
    """Lines and tables without end, and figures beyond any machine."""
    sizes: dict[str, str] = {
        "line.txt": "word " * (2 * _MIB),
        "word.txt": "a" * (8 * _MIB),
        "line.md": "word *word* " * (_MIB // 4),
        "columns.csv": "," * 2_000_000,
        "rows.csv": "a,b\n" * 1_000_000,
        "quote.csv": 'a,"' + "b,\n" * 1_000_000,
        "cell.csv": "a,b\n" + "x" * (4 * _MIB) + ",y\n",
        "tabs.tsv": "\t" * 1_000_000,
        "string.json": '{"text": "' + "a" * (8 * _MIB) + '"}',
        "number.json": '{"text": ' + "9" * 1_000_000 + "}",
        "exponent.json": '{"text": 1e999999999, "b": NaN}',
        "keys.json": "{" + ",".join(f'"{n}":{n}' for n in range(300_000)) + "}",
        "records.json": "[" + ",".join('{"a":1}' for _ in range(300_000)) + "]",
        "attributes.html": "<html><body><p " + "a=b " * 300_000 + ">" + WORDS,
        "span.html": '<html><body><table><tr><td colspan="999999999" rowspan="999999999">x</td></tr></table>',
        "spans.html": "<html><body><table>" + '<tr><td rowspan="65534" colspan="1000">x</td></tr>' * 2_000,
        "styles.html": "<html><style>" + "p{display:none}" * 200_000 + f"</style><body><p>{WORDS}</p>",
        "cells.html": "<html><body><table><tr>" + "<td>x" * 200_000,
        "controls.rtf": "{\\rtf1 " + "\\par" * 500_000 + "}",
        "binary.rtf": "{\\rtf1 \\bin2000000000 x}",
        "unicode.rtf": "{\\rtf1 " + "\\u-99999?" * 100_000 + "}",
        "fields.eml": "".join(f"X-{n}: x\n" for n in range(100_000)) + "From: a@example.org\n\n" + WORDS,
        "folded.eml": "From: a@example.org\nSubject: x\n" + " y\n" * 300_000 + "\n" + WORDS,
        "encoded.eml": "From: a@example.org\nSubject: " + "=?utf-8?q?a?= " * 30_000 + "\n\n" + WORDS,
        "addresses.eml": "From: " + "a@example.org, " * 30_000 + "\nSubject: x\n\n" + WORDS,
        "comments.eml": "From: " + "(" * 20_000 + "\nSubject: x\n\n" + WORDS,
        "separators.mbox": "From a@example.org Mon Jun  2 10:00:00 2025\nSubject: x\n\nx\n\n" * 20_000,
        "cues.vtt": "WEBVTT\n\n" + "00:00.000 --> 00:01.000\nx\n\n" * 100_000,
        "rules.md": "|" + "a|" * 5_000 + "\n|" + "-|" * 5_000 + "\n" + ("|" + "b|" * 5_000 + "\n") * 20,
    }
    for name, text in sizes.items():
        yield Hostile("vast text", name, text.encode())
    parts = "".join("--b\nContent-Type: text/plain\n\nx\n" for _ in range(20_000))
    head = 'From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="b"\n\n'
    yield Hostile("vast text", "parts.eml", (head + parts + "--b--").encode())


def encodings() -> Iterator[Hostile]:
    """Bytes that are text in no encoding, or in several."""
    words = WORDS.encode()
    made = {
        "nuls.txt": b"a\x00" * 5_000 + b"\x00" * 10,
        "zeros.txt": bytes(100_000),
        "half.txt": "Zürich".encode("utf-16")[:-1],
        "mark.txt": b"\xff\xfe",
        "wide.txt": WORDS.encode("utf-32"),
        "seven.txt": b"+ADw-script+AD4- " + words,
        "overlong.txt": b"\xc0\xaf\xe0\x80\xaf" * 1_000 + words,
        "surrogates.txt": b"\xed\xa0\x80\xed\xbf\xbf" * 1_000 + words,
        "beyond.txt": b"\xf4\x90\x80\x80" * 1_000 + words,
        "controls.txt": bytes(range(32)) * 100 + words,
        "marks.txt": ("e" + "\u0301" * 100_000).encode(),
        "turned.txt": ("\u202e" * 10_000 + WORDS).encode(),
        "tags.txt": "".join(chr(0xE0000 + ord(letter)) for letter in WORDS * 100).encode(),
        "joiners.txt": ("\u200b".join(WORDS * 100)).encode(),
        "charset.html": b'<html><meta charset="utf-7"><body>+ADw-b+AD4- ' + words,
        "unknown.eml": b"From: a@example.org\nContent-Type: text/plain; charset=none-such\n\n" + words,
        "base64.eml": b"From: a@example.org\nContent-Transfer-Encoding: base64\n\n" + b"=" * 10_000,
        "uu.eml": b"From: a@example.org\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 ../../up\n" + b"M" * 10_000,
        "declared.xml": b'<?xml version="1.0" encoding="none-such"?><d>x</d>',
        "utf16.xml": '<?xml version="1.0" encoding="utf-8"?><d>x</d>'.encode("utf-16"),
    }
    for name, content in made.items():
        yield Hostile("encoding", name, content)
    chance = random.Random(8)
    for number, extension in enumerate(
        ("txt", "html", "json", "csv", "eml", "pdf", "docx", "zip", "rtf", "msg", "png", "")
    ):
        yield Hostile("noise", f"noise-{number}.{extension}", chance.randbytes(20_000))


def names() -> Iterator[Hostile]:
    """Names that no one gives."""
    strange = (
        "x" * 4_096 + ".txt", "." * 4_096, "../../../../tmp/up.txt", "/etc/up.txt", "a\x00b.txt", "a.txt\x00.exe",
        "a\nb.txt", "\u202etxt.exe", "", " ", ".", "..", "a.", ".txt", "CON", "a/b/c.txt", "\ud800.txt",
        "x." * 2_000 + "pdf", "\u200b" * 100 + ".txt", "%00%2e%2e%2f.txt",
    )  # fmt: skip
    for name in strange:
        yield Hostile("name", name, WORDS.encode())
    yield Hostile("name", "attached.eml", honest_mail(("x" * 4_096 + ".txt", WORDS.encode())))
    yield Hostile("name", "above.eml", honest_mail(("../../up.txt", WORDS.encode())))
