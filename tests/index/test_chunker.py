"""SentenceChunker: nothing lost, nothing cut, everything within the window."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ragkit.errors import ChunkTooLong, ConfigError
from ragkit.index.chunker import SentenceChunker
from ragkit.models.weights import find_model
from ragkit.models.word_pieces import load_tokenizer
from ragkit.testing.clock import cpu_seconds
from ragkit.types import Block, BlockKind, Chunk, Masked, MaskedDocument, MaskedSpan, MaskedText

TOKENIZER = load_tokenizer(find_model().folder)
CHUNKER = SentenceChunker()
SMALL = SentenceChunker(max_tokens=64, context_tokens=24, section_tokens=24)

Part = str | tuple[str, str, str]
"""Plain text, or a masked span as (source, record view, index view)."""


def masked(parts: Sequence[Part]) -> MaskedText:
    """Put a text together from plain stretches and masked spans."""
    record, index, source, spans = "", "", 0, []
    for part in parts:
        if isinstance(part, str):
            record, index, source = record + part, index + part, source + len(part)
            continue
        raw, token, surrogate = part
        spans.append(
            MaskedSpan(
                entity_type="PERSON",
                source_start=source,
                source_end=source + len(raw),
                record_start=len(record),
                record_end=len(record) + len(token),
                index_start=len(index),
                index_end=len(index) + len(surrogate),
            )
        )
        record, index, source = record + token, index + surrogate, source + len(raw)
    return MaskedText(Masked(record), Masked(index), tuple(spans))


def source_of(parts: Sequence[Part]) -> str:
    """The text before masking."""
    return "".join(part if isinstance(part, str) else part[0] for part in parts)


def plain(text: str) -> MaskedText:
    """A text without spans."""
    return masked([text])


def document(text: MaskedText, blocks: Sequence[Block] = (), title: str = "") -> MaskedDocument:
    """A masked document of one text."""
    return MaskedDocument(
        text=text,
        blocks=tuple(blocks),
        title=plain(title),
        name=plain("n"),
        media_type="text/plain",
        policy="test",
    )


def built(*stretches: tuple[BlockKind, str] | tuple[BlockKind, str, int]) -> tuple[str, list[Block]]:
    """A text of blocks joined by blank lines; extra: heading level or length of a table header."""
    text, blocks = "", []
    for kind, body, *extra in stretches:
        start = len(text)
        number = extra[0] if extra else 0
        level = int(number) if kind is BlockKind.HEADING else 0
        header_end = start + int(number) if kind is BlockKind.TABLE else 0
        blocks.append(Block(kind, start, start + len(body), level=level, header_end=header_end))
        text += body + "\n\n"
    return text, blocks


def pieces(text: str) -> int:
    """Word pieces with special tokens."""
    return len(TOKENIZER.encode(text).ids)


def check(doc: MaskedDocument, source: str, chunks: Sequence[Chunk], window: int) -> None:
    """What holds of every chunking without overlap."""
    record_at = index_at = 0
    seen: list[tuple[int, int]] = []
    for number, chunk in enumerate(chunks):
        assert chunk.ordinal == number
        assert pieces(chunk.embedded) <= window
        found = doc.text.record.index(chunk.record, record_at)
        assert not doc.text.record[record_at:found].strip(), "record text lost between chunks"
        record_at = found + len(chunk.record)
        found = doc.text.index.index(chunk.index, index_at)
        assert not doc.text.index[index_at:found].strip(), "index text lost between chunks"
        index_at = found + len(chunk.index)
        rebuilt = masked_source(chunk, source)
        assert rebuilt == source[chunk.source_start : chunk.source_end]
        for span in chunk.spans:
            begin, end = chunk.source_range(span.record_start, span.record_end)
            seen.append((begin, end))
    assert not doc.text.record[record_at:].strip()
    assert not doc.text.index[index_at:].strip()
    assert seen == [(span.source_start, span.source_end) for span in doc.text.spans]


def masked_source(chunk: Chunk, source: str) -> str:
    """The chunk's body with every span put back from the source, by the chunk's own offsets."""
    out, record_at, index_at = "", 0, 0
    for span in chunk.spans:
        assert chunk.record[record_at : span.record_start] == chunk.index[index_at : span.index_start]
        out += chunk.record[record_at : span.record_start]
        assert len(out) == span.source_start
        out += source[chunk.source_start + span.source_start : chunk.source_start + span.source_end]
        record_at, index_at = span.record_end, span.index_end
    assert chunk.record[record_at:] == chunk.index[index_at:]
    return out + chunk.record[record_at:]


WORDS = st.sampled_from(
    [
        "the",
        "invoice",
        "Überweisung",
        "неустойка",
        "price",
        "antidisestablishmentarianism",
        "e.g.",
        "U.S.",
        "中文字",
        "x" * 130,
    ]
)
PLAIN = st.one_of(
    st.lists(WORDS, min_size=1, max_size=60).map(lambda words: " ".join(words) + ". "),
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["\n", "\n\n", "  ", "\x0b", "\x1c", "\u00a0", "a\x00b", "é", "e\u0301", "İ", "|", "A1b2" * 60]),
)
SPAN = st.tuples(
    st.text("abc DE", min_size=1, max_size=12),
    st.just("[PERSON:K7F3QX9M2T-4B]"),
    st.sampled_from(["Jonas Weber", "Ms Yalman", "X", "", "12 Rose Street, Leeds"]),
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[MaskedDocument, str]:
    """Any text with any spans and blocks."""
    parts: list[Part] = draw(st.lists(st.one_of(PLAIN, PLAIN, SPAN), min_size=1, max_size=25))
    text = masked(parts)
    source = source_of(parts)
    edges = sorted(draw(st.lists(st.integers(0, len(source)), max_size=12)))
    blocks = []
    for start, end in zip(edges[::2], edges[1::2]):
        kind = draw(st.sampled_from(list(BlockKind)))
        header_end = draw(st.integers(start, end)) if kind is BlockKind.TABLE else 0
        blocks.append(Block(kind, start, end, level=1 if kind is BlockKind.HEADING else 0, header_end=header_end))
    title = draw(st.sampled_from(["", "Handbook", "A long title " * 30]))
    return document(text, blocks, title), source


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(documents())
def test_any_document_is_covered_once_within_the_window(made: tuple[MaskedDocument, str]) -> None:
    """Bodies are slices of the text in order, hold every non-blank character and span once, and fit the window."""
    doc, source = made
    check(doc, source, SMALL.chunk(doc), 64)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents())
def test_overlap_keeps_the_window_and_whole_spans(made: tuple[MaskedDocument, str]) -> None:
    """With overlap, chunks still fit, still cut no span, and begin before the end of the chunk before."""
    doc, source = made
    chunks = SentenceChunker(max_tokens=64, context_tokens=16, section_tokens=24, overlap=12).chunk(doc)
    for chunk in chunks:
        assert pieces(chunk.embedded) <= 64
        assert masked_source(chunk, source) == source[chunk.source_start : chunk.source_end]
    starts = [chunk.source_start for chunk in chunks]
    assert starts == sorted(starts)


def test_a_short_passage_is_one_chunk_with_its_title_as_context() -> None:
    """Title and text that fit the window together stay together."""
    [chunk] = CHUNKER.chunk(document(plain("Refunds take ten days."), title="Returns"))
    assert chunk.index == "Refunds take ten days."
    assert chunk.context_index == "Returns"
    assert chunk.embedded == "Returns\nRefunds take ten days."
    assert chunk.heading == ""


def test_headings_travel_and_never_end_a_chunk() -> None:
    """A chunk names the headings above it; a heading goes with the text that it introduces."""
    prose = "The goods are sent back within fourteen days of their arrival. " * 12
    text, blocks = built(
        (BlockKind.HEADING, "Terms", 1),
        (BlockKind.PARAGRAPH, prose),
        (BlockKind.HEADING, "Returns", 2),
        (BlockKind.PARAGRAPH, prose),
        (BlockKind.HEADING, "Delivery", 2),
        (BlockKind.PARAGRAPH, "By post."),
    )
    doc = document(plain(text), blocks, title="Shop handbook")
    chunks = CHUNKER.chunk(doc)
    check(doc, text, chunks, 256)
    assert [chunk.heading for chunk in chunks] == ["Terms", "Terms > Returns", "Terms > Delivery"]
    assert [chunk.context_index for chunk in chunks] == [
        "Shop handbook",
        "Shop handbook\nTerms",
        "Shop handbook\nTerms",
    ]
    assert not any(chunk.index.endswith(("Returns", "Delivery")) for chunk in chunks)


def test_a_paragraph_cut_in_two_keeps_its_heading_in_the_context() -> None:
    """The second half of a long section is found by what it is under."""
    prose = "The goods are sent back within fourteen days of their arrival. " * 40
    text, blocks = built((BlockKind.HEADING, "# Returns", 1), (BlockKind.PARAGRAPH, prose))
    chunks = CHUNKER.chunk(document(plain(text), blocks, title="Returns"))
    assert len(chunks) > 1
    assert chunks[0].context_index == ""
    assert {chunk.context_index for chunk in chunks[1:]} == {"Returns"}
    assert all(chunk.index.endswith(".") for chunk in chunks), "cut at sentences"


def test_small_sections_share_a_chunk() -> None:
    """Neighbouring short sections are packed instead of being embedded one by one."""
    text, blocks = built(
        *[(BlockKind.HEADING, f"Point {n}", 2) if n % 2 else (BlockKind.PARAGRAPH, "Yes.") for n in range(8)]
    )
    assert len(CHUNKER.chunk(document(plain(text), blocks))) == 1


def test_a_long_table_repeats_its_header() -> None:
    """Every piece of a table split by rows carries the header, and no row is cut."""
    header = "| article | price |\n| --- | --- |\n"
    rows = "".join(f"| garden chair model {n} in oak | {n}.50 EUR |\n" for n in range(80)).rstrip("\n")
    text, blocks = built((BlockKind.PARAGRAPH, "Prices."), (BlockKind.TABLE, header + rows, len(header)))
    doc = document(plain(text), blocks, title="Price list")
    chunks = CHUNKER.chunk(doc)
    check(doc, text, chunks, 256)
    assert len(chunks) > 3
    assert chunks[0].context_record == ""
    for chunk in chunks[1:]:
        assert chunk.context_record == header.strip()
        assert chunk.context_index == f"Price list\n{header.strip()}"
        assert all(line.startswith("| garden") and line.endswith("EUR |") for line in chunk.index.splitlines())


WIDE = ["ticket_id", "opened", "customer_name", "customer_number", "email", "phone", "order_number", "article"]
WIDE += ["subject", "message", "resolution", "agent", "status"]


def wide_table(*rows: Sequence[str]) -> tuple[MaskedDocument, str]:
    """A document of one table with thirteen columns."""
    header = f"| {' | '.join(WIDE)} |\n|{' --- |' * len(WIDE)}\n"
    body = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text, blocks = built((BlockKind.TABLE, header + body, len(header)))
    return document(plain(text), blocks, title="tickets"), text


def test_a_row_of_a_wide_table_stays_whole_and_keeps_its_names() -> None:
    """A header of thirteen names is repeated: a reader sees all of it, the encoder as much as there is room for."""
    rows = [[f"{name} value {number}" + " word" * (number % 5) for name in WIDE] for number in range(30)]
    doc, text = wide_table(*rows)
    chunks = CHUNKER.chunk(doc)
    check(doc, text, chunks, 256)
    for chunk in chunks[1:]:
        assert chunk.context_record == "\n".join(text.splitlines()[:2])
        assert chunk.context_index.startswith("tickets\nticket_id | opened | customer_name")
        assert all(line.startswith("| ticket_id value") and line.endswith(" |") for line in chunk.record.splitlines())


def test_a_row_beyond_the_window_is_cut_between_cells_under_their_names() -> None:
    """Each part of a row names the columns that it holds, in both views, and no others."""
    row = [f"{name} of a case " + f"and more of {name} " * 12 for name in WIDE]
    row[9] = "It rattles, and it rattles all night long. " * 40
    doc, text = wide_table(row, ["short"] * 13)
    chunks = CHUNKER.chunk(doc)
    check(doc, text, chunks, 256)
    parts = [chunk for chunk in chunks if " of a case" in chunk.record]
    assert len(parts) > 3
    for part in parts:
        names = [cell.strip() for cell in part.context_record.splitlines()[0].strip("|").split("|")]
        cells = [cell.strip() for cell in part.record.strip("|").split("|")]
        assert len(names) == len(cells)
        assert all(cell.startswith(f"{name} of a case") for name, cell in zip(names, cells))
        assert part.context_index == "tickets\n" + " | ".join(names)
    rattling = [chunk for chunk in chunks if "rattles" in chunk.record]
    assert len(rattling) > 1
    assert all(chunk.context_record.startswith("| message |\n") for chunk in rattling)


def test_a_chunk_knows_where_each_of_its_headings_begins() -> None:
    """Short sections share a chunk, and every position in it has its own headings."""
    parts: list[Part] = ["Terms\n\n", ("Ann Lee", "[PERSON:K7F3QX9M2T-4B]", "Mia Roe"), " signs.\n\nCosts\n\nNone.\n\n"]
    parts += ["Returns\n\nFree."]
    source = source_of(parts)
    headings = [("Terms", 1), ("Costs", 2), ("Returns", 2)]
    blocks = [Block(BlockKind.HEADING, at := source.index(t), at + len(t), level=level) for t, level in headings]
    [chunk] = CHUNKER.chunk(document(masked(parts), blocks))
    for quote, path in [("signs", "Terms"), ("None.", "Terms > Costs"), ("Free.", "Terms > Returns")]:
        assert chunk.heading_at(chunk.record.index(quote)) == path


@pytest.mark.parametrize(
    "run", ["QUJD" * 5000, "https://example.org/" + "a/b-c?d=" * 900, "中" * 3000, "\x1c".join("ab" * 9) * 400]
)
def test_a_run_without_blanks_ends_up_under_the_window(run: str) -> None:
    """Base64, long addresses and scripts without spaces are cut anywhere, and stay readable in size."""
    doc = document(plain(f"Before {run} after."))
    chunks = CHUNKER.chunk(doc)
    check(doc, doc.text.record, chunks, 256)
    assert max(len(chunk.index) for chunk in chunks) <= 256 * 16


def test_a_span_is_never_cut() -> None:
    """Chunks of a text made of names alone hold whole names."""
    parts: list[Part] = []
    for number in range(400):
        parts += [("Anna Nemo", f"[PERSON:{number:010}-4B]", "Konstantin Wolkenstein"), "," if number % 3 else " "]
    doc = document(masked(parts))
    chunks = CHUNKER.chunk(doc)
    check(doc, source_of(parts), chunks, 256)
    assert sum(chunk.record.count("[PERSON:") for chunk in chunks) == 400
    assert all(chunk.record.count("[") == chunk.record.count("]") for chunk in chunks)


def test_a_span_longer_than_the_window_is_an_error() -> None:
    """What may not be cut and does not fit is refused, not cut."""
    doc = document(masked(["Key ", ("k", "[KEY:1]", "word " * 300)]))
    with pytest.raises(ChunkTooLong):
        CHUNKER.chunk(doc)


def test_the_length_is_that_of_the_index_view() -> None:
    """Long record tokens do not make chunks shorter than the encoder's window asks."""
    parts: list[Part] = [("Jo", "[PERSON:K7F3QX9M2T-4B]", "Al"), " paid. "] * 60
    [chunk] = CHUNKER.chunk(document(masked(parts)))
    assert pieces(chunk.record) > 256


def test_a_blank_document_has_no_chunks() -> None:
    """Nothing to say, nothing to index."""
    assert CHUNKER.chunk(document(plain(" \n\n "))) == []
    assert CHUNKER.chunk(document(plain(""))) == []


def test_pages_follow_the_first_character() -> None:
    """A chunk's page is that of its first block."""
    prose = "Terms of the contract are laid out here in full. " * 22
    text = f"{prose}\n\n{prose}"
    half = len(prose) + 2
    blocks = [
        Block(BlockKind.PARAGRAPH, 0, len(prose), page=1),
        Block(BlockKind.PARAGRAPH, half, len(text), page=2),
    ]
    assert [chunk.page for chunk in CHUNKER.chunk(document(plain(text), blocks))] == [1, 2]


def test_fingerprint_follows_the_settings() -> None:
    """Other sizes, another fingerprint; the same sizes, the same."""
    assert SentenceChunker().fingerprint == CHUNKER.fingerprint
    assert SentenceChunker(max_tokens=128).fingerprint != CHUNKER.fingerprint


def test_settings_without_room_for_text_are_refused() -> None:
    """Context and overlap may take half the window at most."""
    with pytest.raises(ConfigError):
        SentenceChunker(max_tokens=64, context_tokens=64)


def test_a_large_document_takes_linear_time() -> None:
    """Ten times the text takes about ten times as long: a megabyte is chunked within seconds."""
    words = random.Random(1).choices(["invoice", "terms", "garden", "of", "the", "delivery", "Leeds."], k=20_000)
    documents = [document(plain(" ".join(words * times))) for times in (1, 8)]
    timings = [cpu_seconds(partial(CHUNKER.chunk, whole)) for whole in documents]
    assert timings[1] < 8 * timings[0] * 1.8
