"""Archives and compressed files: members by their own parsers, limits, and what is no honest archive."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
import zlib

import pytest

from ragkit.errors import ItemError
from ragkit.parse.archive import MAX_UNPACKED

TEXT, TABLE = b"The lamp flickers.", b"Item,Price\nLamp,10\n"


def zipped(members: dict[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return written.getvalue()


def tarred(members: dict[str, bytes], *more: tarfile.TarInfo, kind: int = tarfile.PAX_FORMAT) -> bytes:
    """Return a tar."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=kind) as archive:
        for name, content in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for entry in more:
            archive.addfile(entry)
    return written.getvalue()


def refused(parse, content: bytes, name: str) -> str:
    """Return the code with which the item is refused."""
    with pytest.raises(ItemError) as caught:
        parse(content, name)
    return caught.value.code


READ = [
    ("heading", "notes/a.txt"),
    ("paragraph", "The lamp flickers."),
    ("heading", "b.csv"),
    ("table", "| Item | Price |\n| --- | --- |\n| Lamp | 10 |"),
]
MEMBERS = {"notes/a.txt": TEXT, "b.csv": TABLE}


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (zipped(MEMBERS), "x.zip"),
        (zipped(MEMBERS, method=zipfile.ZIP_LZMA), "x.zip"),
        (tarred(MEMBERS), "x.tar"),
        (tarred(MEMBERS, kind=tarfile.GNU_FORMAT), "no-extension"),
        (gzip.compress(tarred(MEMBERS)), "x.tar.gz"),
        (gzip.compress(tarred(MEMBERS)), "x.tgz"),
        (bz2.compress(tarred(MEMBERS)), "x.tar.bz2"),
        (lzma.compress(tarred(MEMBERS)), "x.txz"),
        (zipped(MEMBERS), "wrong.txt"),
    ],
)
def test_members_are_read_by_their_own_parsers(parse, content: bytes, name: str) -> None:
    """Under a heading with the member's name, whatever the archive calls itself."""
    parsed = parse(content, name)
    assert parsed.shown() == READ
    assert parsed.notices == {}


@pytest.mark.parametrize("compress", [gzip.compress, bz2.compress, lzma.compress])
def test_a_compressed_file_is_the_file_it_holds(parse, compress) -> None:
    """By its name without the last extension, and without a heading."""
    suffix = {gzip.compress: "gz", bz2.compress: "bz2", lzma.compress: "xz"}[compress]
    assert parse(compress(TABLE), f"b.csv.{suffix}").of("table") == [READ[3][1]]
    assert parse(compress(b"# Returns\n"), f"b.md.{suffix}").shown() == [("heading", "Returns")]
    assert refused(parse, compress(b"\x7fELF\x02"), f"b.{suffix}") == "unsupported-type"


def test_streams_behind_one_another_are_one_file(parse) -> None:
    """As gzip itself writes them when it appends."""
    assert parse(gzip.compress(b"one ") + gzip.compress(b"two"), "a.txt.gz").text == "one two"


def test_what_is_no_file_is_skipped_and_counted(parse) -> None:
    """Links, devices and pipes; folders and litter are not worth a word."""
    odd = []
    for name, kind in (("link", tarfile.SYMTYPE), ("hard", tarfile.LNKTYPE), ("dev", tarfile.CHRTYPE)):
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        odd.append(entry)
    folder = tarfile.TarInfo("folder")
    folder.type = tarfile.DIRTYPE
    parsed = parse(tarred({"._a.txt": b"\x00\x05\x16\x07", "a.txt": TEXT, "empty": b""}, folder, *odd), "x.tar")
    assert parsed.shown() == [("heading", "a.txt"), ("paragraph", TEXT.decode())]
    assert parsed.notices["part-skipped"].where == (5, 6, 7)
    assert "passwd" not in parsed.text


def test_a_link_in_a_zip_is_skipped(parse) -> None:
    """Its contents are a path, not a text."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("a.txt", TEXT)
    parsed = parse(written.getvalue(), "x.zip")
    assert parsed.of("heading") == ["a.txt"]
    assert parsed.notices["part-skipped"].where == (1,)


def test_a_bad_member_is_a_notice_and_not_the_end(parse) -> None:
    """Broken, encrypted and unknown members leave the others, and nothing of their own."""
    content = bytearray(
        zipped({"bad.txt": b"words " * 50, "c.exe": b"\x7fELF\x02", "a.txt": TEXT, "d.pdf": b"%PDF-1.7\nx"})
    )
    content[content.index(b"bad.txt") + 10] ^= 0xFF
    parsed = parse(bytes(content), "x.zip")
    assert parsed.shown() == [("heading", "a.txt"), ("paragraph", TEXT.decode())]
    assert parsed.notices["part-skipped"].where == (1, 2, 4)


def test_encrypted_members_are_skipped_and_an_archive_of_them_is_refused(parse) -> None:
    """The flag in the directory says so."""
    content = bytearray(zipped({"secret.txt": b"x" * 40}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + offset] |= 1
    assert refused(parse, bytes(content), "x.zip") == "encrypted"
    both = bytearray(zipped({"secret.txt": b"x" * 40, "a.txt": TEXT}))
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        both[both.index(mark) + offset] |= 1
    assert parse(bytes(both), "x.zip").notices["part-skipped"].where == (1,)


def test_a_small_stream_that_grows_without_end_is_left_at_the_limit(parse) -> None:
    """Ten gigabytes of zeros behind ten megabytes: no more is unpacked than the ratio allows."""
    engine = zlib.compressobj(9, wbits=31)
    zeros = engine.compress(bytes(1024 * 1024))
    bomb = zeros + b"".join(engine.compress(bytes(1024 * 1024)) for _ in range(300)) + engine.flush()
    assert refused(parse, bomb, "x.gz") == "archive-bomb"
    assert refused(parse, bomb, "x.csv.gz") == "archive-bomb"
    assert refused(parse, zipped({"zeros.txt": bytes(300 * 1024 * 1024)}), "x.zip") == "archive-bomb"
    assert refused(parse, gzip.compress(gzip.compress(bytes(250 * 1024 * 1024))), "x.gz.gz") == "archive-bomb"


def test_what_lies_within_shares_one_allowance(parse) -> None:
    """Archives that are each within the limits, and together are not, are one bomb."""
    inner = zipped({f"{number}.txt": b"ab" * 500_000 for number in range(3)}, method=zipfile.ZIP_STORED)
    several = zipped({f"{number}.zip": inner for number in range(MAX_UNPACKED // 3_000_000 + 1)})
    assert len(several) < 2_000_000
    assert refused(parse, several, "x.zip") == "archive-bomb"


def test_too_many_entries_are_refused(parse) -> None:
    """Ten thousand names of nothing in a tar, more in a zip."""
    assert refused(parse, zipped({str(number): b"" for number in range(10_001)}), "x.zip") == "archive-bomb"
    assert refused(parse, tarred({str(number): b"" for number in range(10_001)}), "x.tar") == "archive-bomb"


def test_archives_within_archives_end_by_depth(parse) -> None:
    """Three levels are read, the fourth is counted; one that holds nothing else is refused."""
    content = zipped({"deep.txt": b"deep words"})
    for level in range(3):
        content = zipped({"a.txt": f"level {level}".encode(), "inner.zip": content})
    parsed = parse(content, "x.zip")
    assert parsed.of("paragraph") == ["level 2", "level 1", "level 0"]
    assert parsed.notices["part-skipped"].count == 1
    for _ in range(8):
        content = zipped({"only.zip": content})
    assert refused(parse, content, "x.zip") == "too-nested"
    compressed = TEXT
    for _ in range(8):
        compressed = gzip.compress(compressed)
    assert refused(parse, compressed, "x.gz") == "too-nested"


def test_a_truncated_stream_gives_what_was_there(parse) -> None:
    """With a notice, since the rest is missing; what is broken within is refused."""
    words = "\n\n".join(f"paragraph {number} of the log" for number in range(5_000)).encode()
    parsed = parse(gzip.compress(words)[:-2_000], "log.txt.gz")
    assert parsed.text.startswith("paragraph 0 of the log")
    assert "truncated" in parsed.notices
    assert refused(parse, gzip.compress(words)[:15], "log.txt.gz") == "malformed"
    flipped = bytearray(gzip.compress(words))
    flipped[-8] ^= 0xFF  # the checksum
    assert refused(parse, bytes(flipped), "log.txt.gz") == "malformed"
    cut = parse(tarred({"a.txt": TEXT, "b.txt": b"x" * 4_000})[:2_000], "x.tar")
    assert cut.of("heading") == ["a.txt"]


@pytest.mark.parametrize("make", [zipped, tarred, lambda members: gzip.compress(tarred(members))])
def test_cut_archives_end_in_a_text_or_one_error(parse, make) -> None:
    """At every tenth of their length."""
    whole = make({"a.txt": TEXT * 200, "b.csv": TABLE * 100})
    for part in range(1, 10):
        try:
            parse(whole[: len(whole) * part // 10], "x.zip")
        except ItemError as error:
            assert error.code in {"malformed", "unsupported-type"}  # noqa: PT017


def test_apple_documents_are_no_archives(parse) -> None:
    """They are zips, and what lies in them is not for reading."""
    assert refused(parse, zipped({"Index/Document.iwa": b"x", "preview.txt": TEXT}), "a.pages") == "unsupported-type"
