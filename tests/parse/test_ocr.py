"""Pictures and scanned pages, by the real Tesseract on this machine."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit.errors import ItemError
from ragkit.parse.blocks import BlockWriter
from ragkit.parse.formats import Formats, Part
from ragkit.parse.ocr_setup import Ocr, find_ocr
from ragkit.parse.pdf_layout import Line
from ragkit.parse.pdf_scans import is_garbled
from ragkit.parse.sandbox import SandboxedParser
from ragkit.testing.hostile_samples import honest_mail, honest_pdf, pdf, stream
from ragkit.types import SourceItem

Image = pytest.importorskip("PIL.Image", reason="ragkit[ocr] is not installed")
ImageDraw = pytest.importorskip("PIL.ImageDraw")
ImageFont = pytest.importorskip("PIL.ImageFont")

FIRST = "The goods are delivered within four-\nteen days of the order, but for\npublic holidays."
SECOND = "Returns are free of charge when the\nparcel has not been opened."
JOINED = "The goods are delivered within fourteen days of the order, but for public holidays."


def page(*paragraphs: str, size: int = 40, width: int = 1_240):
    """A white page with these paragraphs."""
    image = Image.new("L", (width, 800), 255)
    draw, font, y = ImageDraw.Draw(image), ImageFont.load_default(size), 60
    for paragraph in paragraphs:
        for line in paragraph.split("\n"):
            draw.text((80, y), line, font=font, fill=0)
            y += round(size * 1.4)
        y += size * 2
    return image


def saved(image, kind: str, **options) -> bytes:
    """The picture as a file."""
    made = io.BytesIO()
    image.save(made, kind, **options)
    return made.getvalue()


@pytest.fixture(scope="module")
def ocr() -> Ocr:
    """How this machine reads pictures."""
    found = find_ocr()
    if not found.is_there:
        pytest.skip("Tesseract's data for English are not installed")
    return found


@pytest.fixture(scope="module")
def read(ocr: Ocr) -> Iterator[Callable]:
    """Return ``read(content, name="x")``: the document, by the confined child."""
    with SandboxedParser(ocr=ocr) as parser:
        yield lambda content, name="x": parser.parse(SourceItem(native_id="1", content=content, name=name))


def notices(document) -> dict[str, tuple[int, ...]]:
    """Code and places of every notice."""
    return {notice.code: notice.where for notice in document.notices}


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_a_picture_of_text_is_read_in_paragraphs(read: Callable, kind: str) -> None:
    """Whatever its format and name; a word cut at the margin is whole again."""
    document = read(saved(page(FIRST, SECOND), kind))
    assert document.text.split("\n\n") == [JOINED, " ".join(SECOND.split())]
    assert notices(document) == {"ocr": (1,)}
    assert document.media_type == f"image/{kind.lower()}"


def test_every_page_of_a_tiff_is_read(read: Callable) -> None:
    """The pages keep their numbers."""
    document = read(saved(page(FIRST), "TIFF", save_all=True, append_images=[page(SECOND)]))
    assert [block.page for block in document.blocks] == [1, 2]
    assert notices(document) == {"ocr": (1, 2)}


def test_a_picture_is_turned_as_its_camera_was_and_shown_on_white(read: Callable) -> None:
    """Orientation is in the EXIF data; what is clear is white, as a viewer shows it."""
    turned, exif = page(FIRST).rotate(90, expand=True), Image.Exif()
    exif[0x0112] = 6
    assert read(saved(turned, "JPEG", exif=exif)).text == JOINED
    clear = Image.new("RGBA", (1_240, 800), (0, 0, 0, 0))
    clear.putalpha(page(FIRST).point(lambda value: 255 - value))
    assert read(saved(clear, "PNG")).text == JOINED


def test_small_letters_of_a_screen_are_read(read: Callable) -> None:
    """Twelve points high, as on a screen."""
    assert "public holidays" in read(saved(page(FIRST, size=14, width=500), "PNG")).text


def test_a_picture_without_text_has_none(read: Callable) -> None:
    """Noise and blank paper are not text; the document is empty."""
    assert read(saved(Image.effect_noise((600, 600), 90), "PNG")).text == ""
    assert read(saved(Image.new("L", (600, 600), 255), "PNG")).text == ""


def test_a_picture_attached_to_a_message_is_read_but_no_logo(read: Callable) -> None:
    """A photographed letter is text; a small picture is passed over."""
    letter = read(honest_mail(("letter.png", saved(page(FIRST), "PNG"))), "a.eml")
    assert JOINED in letter.text
    logo = read(
        honest_mail(("logo.png", saved(page("ACME", size=60, width=300).crop((0, 0, 300, 200)), "PNG"))), "a.eml"
    )
    assert "ACME" not in logo.text
    assert "ocr" in notices(letter)
    assert "ocr" not in notices(logo)


def test_without_ocr_a_picture_says_what_to_install() -> None:
    """Also within a message, which itself stays."""
    with pytest.raises(ItemError) as caught:
        Formats().parse(Part(content=saved(page(FIRST), "PNG"), name="x.png"), BlockWriter())
    assert caught.value.code == "ocr-absent"
    assert "ragkit[ocr]" in caught.value.remedy


def test_data_that_are_broken_are_absent(ocr: Ocr, tmp_path: Path) -> None:
    """Data of another version end as the same message, not as a crash."""
    (tmp_path / "eng.traineddata").write_bytes(b"\x00" * 1_000)
    broken = Ocr(folder=str(tmp_path), languages=("eng",), pages=9, seconds=30.0)
    with SandboxedParser(ocr=broken) as parser, pytest.raises(ItemError) as caught:
        parser.parse(SourceItem(native_id="1", content=saved(page(FIRST), "PNG"), name="x.png"))
    assert caught.value.code == "ocr-absent"


def test_only_the_pages_without_a_text_layer_are_recognised(read: Callable) -> None:
    """A page of text, a scan, and a scan with a stamp: the first by its text, the others by their pictures."""
    content = scanned(stamps=[None, b"", b"BT /F 9 Tf 400 820 Td (Received 12) Tj ET"])
    document = read(content, "x.pdf")
    by_page = {block.page: document.text[block.start : block.end] for block in document.blocks}
    assert by_page[1].startswith("The parcel left")
    assert JOINED in by_page[2]
    assert notices(document)["ocr"] == (2, 3)
    assert any(JOINED in document.text[block.start : block.end] for block in document.blocks if block.page == 3)


def test_a_scan_that_was_recognised_before_is_not_again(read: Callable) -> None:
    """The invisible text behind it is the text."""
    layer = (
        b"BT /F 9 Tf 3 Tr 72 700 Td ("
        + b"Words that another program has recognised on this page before. " * 3
        + b") Tj ET"
    )
    document = read(scanned(stamps=[layer]), "x.pdf")
    assert document.text.startswith("Words that another program")
    assert "ocr" not in notices(document)


def test_pages_over_the_limit_are_named(ocr: Ocr) -> None:
    """The first are read, the others told of."""
    few = Ocr(**{**ocr.packed(), "pages": 2})
    with SandboxedParser(ocr=few) as parser:
        document = parser.parse(SourceItem(native_id="1", content=scanned(stamps=[b""] * 4), name="x.pdf"))
    assert notices(document) == {"ocr": (1, 2), "ocr-left": (3, 4)}


def test_time_is_bounded(ocr: Ocr) -> None:
    """With no time left no page is begun, and the item does not run into its own limit."""
    late = Ocr(**{**ocr.packed(), "seconds": 0.0})
    with SandboxedParser(ocr=late) as parser:
        document = parser.parse(SourceItem(native_id="1", content=scanned(stamps=[b"", b""]), name="x.pdf"))
    assert document.text == ""
    assert notices(document)["ocr-left"] == (1, 2)


def test_the_bad_page_is_told_from_the_good() -> None:
    """Unmapped characters, signs only, and words without a vowel; prose, figures and tables of contents are good."""

    def garbled(text: str) -> bool:
        return is_garbled([Line(text, 0, 9, 9, 0, 9.0, bold=False)])

    assert garbled("\ufffd\ufffd\ue001 the rest of this is \ufffd\ufffd\ufffd\ufffd\ufffd")
    assert garbled("!%&/ §$%& //(( )=?` ~~## " * 4)
    assert garbled("wkh sdufho ohiw wkh zduhkrxvh rq prqgdb ".translate(str.maketrans("aeiouy", "xzqwkr")) * 6)
    assert not garbled("The parcel left the warehouse on Monday.")
    assert not garbled("Introduction ................................................................ 4")
    assert not garbled("1,250.00 1,300.50 12 % 4 € 1,250.00 1,300.50 12 % 4 €")
    assert not garbled("Η παραγγελία στάλθηκε τη Δευτέρα και έφτασε δύο ημέρες αργότερα.")
    assert not garbled("short")


def test_finding_says_what_there_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ocr: Ocr) -> None:
    """Every language must be there; the environment's folder comes first; the fingerprint follows the settings."""
    assert not find_ocr(languages=("eng", "nosuch")).is_there
    (tmp_path / "abc.traineddata").touch()
    monkeypatch.setenv("TESSDATA_PREFIX", str(tmp_path))
    found = find_ocr(languages=("abc",), pages=3, timeout_s=100)
    assert (found.folder, found.languages, found.pages, found.seconds) == (str(tmp_path), ("abc",), 3, 60.0)
    prints = {
        SandboxedParser(ocr=which).fingerprint for which in (None, ocr, found, Ocr(**{**ocr.packed(), "pages": 3}))
    }
    assert len(prints) == 4
    assert SandboxedParser(ocr=Ocr()).fingerprint == SandboxedParser().fingerprint


def scanned(stamps: list[bytes | None]) -> bytes:
    """A PDF of scans, each with a text drawn over it; ``None`` is a page of text without a picture."""
    if stamps == [None]:
        return honest_pdf()
    image = page(FIRST)
    picture = stream(
        image.tobytes(),
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace /DeviceGray" % image.size,
    )
    text = b"BT /F 12 Tf 72 700 Td (" + b"The parcel left the warehouse on Monday and arrived. " * 3 + b") Tj ET"
    pages, contents = [], []
    for number, stamp in enumerate(stamps):
        place = 5 + len(stamps) + number
        pages.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /XObject << /I 3 0 R >> /Font << /F 4 0 R >> >> >>" % place
        )
        contents.append(
            stream(text if stamp is None else b"q 595 0 0 384 0 450 cm /I Do Q q 595 0 0 100 0 0 cm /I Do Q " + stamp)
        )
    kids = b" ".join(b"%d 0 R" % (5 + number) for number in range(len(stamps)))
    return pdf(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, len(stamps)),
            picture,
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            *pages,
            *contents,
        ]
    )
