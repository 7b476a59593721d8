"""A document in every format, with planted values in each place where the format keeps words, seen and unseen.

::

    supply = Supply(seed=81)
    for name, content in documents(supply): ...     # "Phone: +1 212… pptx.pptx", b"PK…"

Names of the documents are planted too. Formats whose writer is not installed are left out.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from html import escape
from string import Formatter

from ragkit.testing import leak_office
from ragkit.testing.hostile_samples import tarred, zipped
from ragkit.testing.leak_office import csv_cell
from ragkit.testing.leak_supply import Supply


def documents(supply: Supply) -> Iterator[tuple[str, bytes]]:
    """Yield file names and contents."""
    for kind, make in _MAKERS.items():
        try:
            content = make(supply)
        except ImportError:
            continue
        name = supply.say(f"{kind} file name", plain=True)
        yield f"{name} {kind.replace('.', '-')}.{kind}", content if isinstance(content, bytes) else content.encode()


def letter(supply: Supply, place: str) -> bytes:
    """A message with values in its header, its text, an attachment and that one's name, and a word in its tracks."""
    mail = EmailMessage()
    mail["From"] = f"{supply.say(f'{place} from', kind='PERSON')} <desk@example.com>"
    mail["To"] = supply.say(f"{place} to", kind="EMAIL_ADDRESS")
    mail["Cc"] = f"{supply.say(f'{place} cc', kind='PERSON')} <team@example.com>"
    mail["Subject"] = supply.say(f"{place} subject")
    mail["Date"] = "Mon, 02 Jun 2025 10:00:00 +0000"
    mail["Message-ID"] = f"<{supply.hide(f'{place} message id')}@example.com>"
    mail["Received"] = f"from {supply.hide(f'{place} received')} by mx.example.com; Mon, 02 Jun 2025 10:00:00 +0000"
    mail["X-Originating-User"] = supply.hide(f"{place} unread header")
    mail.set_content(f"{supply.say(f'{place} text')}\n\n{supply.mention(f'{place} prose')}\n")
    name = f"{supply.say(f'{place} attachment name', plain=True)} list.csv"
    content = f"Row,Remark\n1,{csv_cell(supply.say(f'{place} attachment'))}\n".encode()
    mail.add_attachment(content, maintype="text", subtype="csv", filename=name)
    odd = f"{supply.say(f'{place} unread attachment name', plain=True)}.bin"
    unread = b"\x7fELF\x02\x01" + supply.hide(f"{place} unread attachment").encode()
    mail.add_attachment(unread, maintype="application", subtype="octet-stream", filename=odd)
    return mail.as_bytes()


def page(supply: Supply, place: str, *, links: str = "") -> str:
    """A page of HTML: title, heading, text, attributes, and what nobody sees."""
    return f"""<html><head><title>{escape(supply.say(f"{place} title"))}</title>
<meta name="author" content="{supply.hide(f"{place} author")}">
<script>var a = "{supply.hide(f"{place} script")}"</script>
</head><body><main><h1>{escape(supply.say(f"{place} heading"))}</h1><p>{escape(supply.say(f"{place} text"))}</p>
<p>{escape(supply.mention(f"{place} prose"))}</p><!-- {supply.hide(f"{place} comment")} -->
<p style="display:none">{supply.hide(f"{place} not displayed")}</p>
<p style="font-size:0">{supply.hide(f"{place} of no size")}</p>{links}</main></body></html>"""


def _epub(supply: Supply) -> bytes:
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
    )
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(supply.say('epub title'))}</dc:title><dc:creator>{supply.hide('epub creator')}</dc:creator>"
        '</metadata><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    body = page(supply, "epub").replace("<html>", '<html xmlns="http://www.w3.org/1999/xhtml">')
    body = (
        body.replace(">var", "><![CDATA[var").replace("</script>", "]]></script>").replace('">\n<script', '"/><script')
    )
    named: list[tuple[str, bytes | str]] = [
        ("META-INF/container.xml", container),
        ("book.opf", package),
        ("a.xhtml", body),
    ]
    return zipped([("mimetype", "application/epub+zip"), *named])


def _json(supply: Supply) -> str:
    row = {"title": supply.say("json title"), supply.say("json key"): 7, "list": [{"note": supply.say("json value")}]}
    return json.dumps([row, {"text": supply.mention("json prose")}])


def _zip(supply: Supply) -> bytes:
    folder, name = supply.say("zip folder name", plain=True), supply.say("zip member name", plain=True)
    inner = tarred([(f"{supply.say('tar in zip member name', plain=True)}.txt", supply.say("tar in zip").encode())])
    members: list[tuple[str, bytes | str]] = [(f"{folder}/{name}.txt", supply.say("zip member")), ("inner.tar", inner)]
    return zipped([*members, (f"{supply.say('zip unread member name', plain=True)}.bin", b"\x7fELF\x02\x01")])


def _tgz(supply: Supply) -> bytes:
    name = supply.say("tar member name", plain=True)
    return gzip.compress(tarred([(f"{name}.md", f"# {supply.say('tar member')}\n".encode())]), mtime=0)


def _gz(supply: Supply) -> bytes:
    made = io.BytesIO()
    with gzip.GzipFile(supply.hide("gzip header name"), "wb", fileobj=made, mtime=0) as packed:
        packed.write(supply.say("gzip text").encode())
    return made.getvalue()


def _picture(supply: Supply) -> bytes:
    from PIL import Image, ImageDraw, ImageFont
    from PIL.PngImagePlugin import PngInfo

    image = Image.new("L", (1_500, 500), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(40)
    for line in range(2):
        draw.text((80, 60 + 160 * line), supply.say("picture", plain=True), font=font, fill=0)
    told, made = PngInfo(), io.BytesIO()
    told.add_text("Author", supply.hide("picture's properties"))
    image.save(made, "PNG", pnginfo=told)
    return made.getvalue()


def _lines(kind: str, form: str) -> Callable[[Supply], str]:
    """A format of plain text: a template with a field for each place; ``prose`` and ``hidden`` mean what they say."""

    def make(supply: Supply) -> str:
        ways = {"prose": supply.mention, "hidden": supply.hide}
        places = [place for _, place, _, _ in Formatter().parse(form) if place]
        return form.format(**{place: ways.get(place, supply.say)(f"{kind} {place}") for place in places})

    return make


_MAKERS: dict[str, Callable[[Supply], bytes | str]] = {
    "pptx": leak_office.pptx_file,
    "docx": leak_office.docx_file,
    "xlsx": leak_office.xlsx_file,
    "odt": leak_office.odt_file,
    "ods": leak_office.ods_file,
    "odp": leak_office.odp_file,
    "rtf": leak_office.rtf_file,
    "epub": _epub,
    "msg": leak_office.msg_file,
    "eml": lambda supply: letter(supply, "eml"),
    "mbox": lambda supply: b"From a@example.com Mon Jun  2 10:00:00 2025\n" + letter(supply, "mbox") + b"\n",
    "doc": leak_office.doc_file,
    "ppt": leak_office.ppt_file,
    "html": lambda supply: page(supply, "html"),
    "json": _json,
    "zip": _zip,
    "tar.gz": _tgz,
    "txt.gz": _gz,
    "png": _picture,
    "jsonl": lambda supply: "".join(json.dumps({"text": supply.say("jsonl value")}) + "\n" for _ in range(3)),
    "tsv": _lines("tsv", "Row\tRemark\n1\t{cell}\n2\t{prose}\n"),
    "rst": _lines("rst", f"{{title}}\n{'=' * 200}\n\n:Author: {{field}}\n\n{{text}}\n\n.. {{hidden}}\n\n{{prose}}\n"),
    "adoc": _lines("adoc", "= {title}\n\n{text}\n\n// {hidden}\n\n{prose}\n"),
    "org": _lines("org", "#+TITLE: {title}\n# {hidden}\n* Remark\n{text}\n\n{prose}\n"),
    "vtt": _lines(
        "vtt", "WEBVTT\n\nNOTE {hidden}\n\n00:01.000 --> 00:02.000\n{cue}\n\n00:03.000 --> 00:04.000\n{prose}\n"
    ),
    "srt": _lines("srt", "1\n00:00:01,000 --> 00:00:02,000\n{cue}\n"),
    "xml": lambda supply: (
        f"<?xml version='1.0'?><!-- {supply.hide('xml comment')} --><notes>"
        f'<note about="{escape(supply.say("xml attribute"))}">{escape(supply.say("xml text"))}</note>'
        f"<note>{escape(supply.mention('xml prose'))}</note></notes>"
    ),
}
