"""The extractive generator, with the real encoder: true citations, tables, refusals, masked text."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from ragkit.errors import ChunkTooLong, ConfigError
from ragkit.generate.extractive import REFUSAL, ExtractiveGenerator
from ragkit.generate.pieces import cells
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.types import (
    Chunk,
    DataClass,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    MaskedSpan,
    MaskedText,
)

TOKEN = "[PERSON:K7F3QX9M2T-4B]"

WARRANTY = """Every desk comes with a warranty of five years from the day of delivery. The warranty covers the motor,
the frame and the controls. It does not cover scratches on the table top."""
RETURNS = """How do I return a lamp?

Send it back within 30 days in its box with the prepaid label. We refund the price within a week of its arrival.

How do I pay?

You can pay by card, by bank transfer or on invoice."""
PRICES = """| Product | Size | Price |
|---|---|---|
| Aurora desk | 160 x 80 cm | 649.00 € |
| Borealis desk | 120 x 70 cm | 489.00 € |
| Polar lamp | 45 cm | 79.00 € |"""
OPENING = """The showroom in Springfield is open from nine to six on weekdays. It is closed on public holidays."""


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    """The real encoder: a question costs milliseconds."""
    embedder = MiniLMEmbedder()
    embedder.load()
    return embedder


def hits_for(question: str, embedder: MiniLMEmbedder, texts: dict[str, str]) -> tuple[Hit, ...]:
    """Rank whole texts as chunks by the real encoder, best first."""
    asked = embedder.embed_question(Masked(question))
    hits = []
    for number, (title, text) in enumerate(texts.items(), start=1):
        chunk = Chunk(
            ordinal=0,
            record=Masked(text),
            index=Masked(text),
            source_start=100,
            source_end=100 + len(text),
            context_index=Masked(title),
            heading=Masked(title),
            page=number,
        )
        cosine = float(embedder.embed_question(chunk.embedded) @ asked)
        hit = Hit(chunk_id=number, doc_id=f"doc{number}", version=3, chunk=chunk, score=0.0, title=Masked(title))
        words = set(question.lower().strip("?").split()) & set(text.lower().split())
        hits.append(replace(hit, score=max(cosine, 0.0), dense=cosine, lexical=float(len(words)) or None))
    return tuple(sorted(hits, key=lambda hit: -hit.score))


def request_for(question: str, hits: tuple[Hit, ...]) -> GenerationRequest:
    """A request about these hits."""
    text = MaskedText(Masked(question), Masked(question))
    return GenerationRequest(MaskedQuestion(text, "shop", "policy"), hits, DataClass.INTERNAL)


def ask(question: str, embedder: MiniLMEmbedder, texts: dict[str, str] | None = None) -> Generation:
    """Answer from the shop's four texts or those given."""
    shop = {"Warranty": WARRANTY, "Questions": RETURNS, "Price list": PRICES, "Opening hours": OPENING}
    hits = hits_for(question, embedder, texts or shop)
    return ExtractiveGenerator(embedder).generate(request_for(question, hits))


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("How long is the warranty on a desk?", "Every desk comes with a warranty of five years"),
        ("How do I return a lamp?", "Send it back within 30 days in its box"),
        ("Can I pay on invoice?", "You can pay by card, by bank transfer or on invoice."),
        ("What does the Borealis desk cost?", "Product: Borealis desk; Size: 120 x 70 cm; Price: 489.00 €"),
        ("When is the showroom open?", "open from nine to six on weekdays"),
    ],
)
def test_questions_are_answered_from_the_right_place(question: str, answer: str, embedder: MiniLMEmbedder) -> None:
    """Prose, questions and answers, and a price table are all answered, with the source cited."""
    generation = ask(question, embedder)
    assert answer in generation.text
    assert not generation.refused
    assert 0.4 < generation.support <= 1


@pytest.mark.parametrize("question", ["Who won the football match?", "What is the capital of Mongolia?", "zzz qqq"])
def test_questions_without_an_answer_are_refused(question: str, embedder: MiniLMEmbedder) -> None:
    """Weak support gives the refusal, its reason, and no citation."""
    generation = ask(question, embedder)
    assert (generation.text, generation.refused, generation.reason) == (REFUSAL, True, "weak-support")
    assert generation.citations == ()


def test_no_hits_are_refused_without_the_encoder() -> None:
    """Nothing found needs no encoder: an unloaded one is not touched. Empty chunks count as nothing."""
    generator = ExtractiveGenerator(MiniLMEmbedder())
    empty = Chunk(ordinal=0, record=Masked(" "), index=Masked(" "), source_start=0, source_end=1)
    hit = Hit(chunk_id=1, doc_id="d", version=1, chunk=empty, score=1.0, title=Masked("t"))
    for hits in ((), (hit,)):
        generation = generator.generate(request_for("anything", hits))
        assert (generation.refused, generation.reason, generation.support) == (True, "no-hits", 0.0)


@pytest.mark.parametrize(
    "question",
    ["How long is the warranty on a desk?", "What does the Aurora desk cost?", "How do I return a lamp?", "desk price"],
)
def test_every_statement_stands_word_for_word_where_its_citation_points(
    question: str, embedder: MiniLMEmbedder
) -> None:
    """Quotes are slices of the record view at the cited range; the rest is markers and values of them in front."""
    shop = {"Warranty": WARRANTY, "Questions": RETURNS, "Price list": PRICES, "Opening hours": OPENING}
    hits = hits_for(question, embedder, shop)
    generation = ExtractiveGenerator(embedder, min_support=0).generate(request_for(question, hits))
    parts = [part.strip() for part in re.split(r"\[\d+\]", generation.text)][:-1]
    assert [citation.marker for citation in generation.citations] == list(range(1, len(parts) + 1))
    for part, citation in zip(parts, generation.citations):
        [hit] = [hit for hit in hits if hit.chunk_id == citation.chunk_id]
        assert hit.chunk.record[citation.start - 100 : citation.end - 100] == citation.quote
        assert (citation.doc_id, citation.version) == (hit.doc_id, 3)
        assert (citation.page, citation.heading, citation.title) == (hit.chunk.page, hit.title, hit.title)
        if citation.quote.startswith("|"):
            row = part.splitlines()[-1].split(" | ") if " | " in part else _values(part)
            assert row == cells(citation.quote)
            front = part.partition("Product: ")[0] if "Product: " in part else ""
            assert front.removesuffix(". ") in ("", *cells(citation.quote))
        else:
            said = " ".join(citation.quote.split())
            assert part.endswith(said)
            assert part.removesuffix(said).removesuffix(". ") in said


def _values(part: str) -> list[str]:
    """The values of a row written as pairs, without a value in front."""
    return [pair.split(": ", 1)[1] for pair in part[part.index("Product: ") :].split("; ")]


def test_masked_values_are_matched_by_surrogate_and_shown_by_token(embedder: MiniLMEmbedder) -> None:
    """The question names a person; the sentence is found through the index view and quoted with its token."""
    before, after = "The invoice of ", " is overdue since May. The invoice of the agency was paid in full last week."
    record, index = f"{before}{TOKEN}{after}", f"{before}Mira Delgado{after}"
    start = len(before)
    span = MaskedSpan("PERSON", start, start + 4, start, start + len(TOKEN), start, start + 12)
    chunk = Chunk(
        ordinal=0,
        record=Masked(record),
        index=Masked(index),
        source_start=0,
        source_end=len(before) + 4 + len(after),
        spans=(span,),
    )
    hit = Hit(chunk_id=1, doc_id="d", version=1, chunk=chunk, score=0.9, dense=0.7, lexical=3.0, title=Masked("t"))
    asked = MaskedText(
        Masked(f"Is the invoice of {TOKEN} overdue?"),
        Masked("Is the invoice of Mira Delgado overdue?"),
        (MaskedSpan("PERSON", 18, 22, 18, 18 + len(TOKEN), 18, 30),),
    )
    request = GenerationRequest(MaskedQuestion(asked, "c", "p"), (hit,), DataClass.INTERNAL)
    generation = ExtractiveGenerator(embedder, sentences=1).generate(request)
    assert generation.text == f"The invoice of {TOKEN} is overdue since May. [1]"
    assert "Mira" not in repr(generation)
    assert (generation.citations[0].start, generation.citations[0].end) == (0, len(before) + 4 + 22)


def test_the_same_sentence_is_not_said_twice(embedder: MiniLMEmbedder) -> None:
    """Two documents that say the same give one statement."""
    generation = ask("How long is the warranty on a desk?", embedder, {"One": WARRANTY, "Two": WARRANTY})
    quotes = [citation.quote for citation in generation.citations]
    assert len(quotes) == len(set(quotes))


def test_of_a_table_only_the_rows_that_were_asked_for_are_quoted(embedder: MiniLMEmbedder) -> None:
    """Rows that have less of the question than another row of the same table are left out."""
    codes = (
        "| Code | Meaning of the error |\n|---|---|\n| E1 | Sensor fault |\n| E2 | Coil fault |\n| E7 | Room too cold |"
    )
    answer = ask("What does the error code E7 mean?", embedder, {"Error codes": codes})
    assert answer.text == "Room too cold. Code: E7; Meaning of the error: Room too cold [1]"


def test_a_citation_names_the_heading_above_the_quote(embedder: MiniLMEmbedder) -> None:
    """A chunk may hold several sections; each quote is cited under its own."""
    question = "How long is the warranty on a desk?"
    [hit, *_] = hits_for(question, embedder, {"Terms": f"Costs\n\nDelivery is free.\n\nCover\n\n{WARRANTY}"})
    paths = tuple((hit.chunk.record.index(name), Masked(f"Terms > {name}")) for name in ("Costs", "Cover"))
    hit = replace(hit, chunk=replace(hit.chunk, headings=paths))
    answer = ExtractiveGenerator(embedder, min_support=0).generate(request_for(question, (hit,)))
    assert {citation.heading for citation in answer.citations} == {"Terms > Cover"}


def test_what_stands_under_a_matching_heading_is_found_by_it(embedder: MiniLMEmbedder) -> None:
    """A question of a FAQ may be a statement with a full stop: its answer is quoted, whatever its words."""
    question = "I have lost the return slip."
    faq = f"{question}\n\nYes. Print it anew in the account.\n\nWhere is my parcel?\n\nThe parcel slip shows it."
    [hit, *_] = hits_for(question, embedder, {"FAQ": faq})
    hit = replace(hit, chunk=replace(hit.chunk, headings=((hit.chunk.record.index(question), Masked(question)),)))
    answer = ExtractiveGenerator(embedder, min_support=0, sentences=1).generate(request_for(question, (hit,)))
    assert answer.text == "Yes. Print it anew in the account. [1]"


def test_statements_come_in_reading_order(embedder: MiniLMEmbedder) -> None:
    """Within a document statements stand in its own order, however they ranked."""
    generation = ask("Does the warranty cover scratches, and how long does the warranty of a desk run?", embedder)
    places = [citation.start for citation in generation.citations if citation.title == "Warranty"]
    assert len(places) >= 2
    assert places == sorted(places)


def test_a_statement_beyond_the_window_of_the_encoder_does_not_fail(embedder: MiniLMEmbedder) -> None:
    """An encoder that refuses a text as too long costs that text its cosine, not the answer."""

    class Narrow:
        def load(self) -> None:
            """Nothing to load."""

        def embed_question(self, text: Masked):
            """Refuse everything over 60 characters."""
            if len(text) > 60:
                raise ChunkTooLong("too long")
            return embedder.embed_question(text)

    question = "How long is the warranty on a desk?"
    hits = hits_for(question, embedder, {"Warranty": WARRANTY})
    generation = ExtractiveGenerator(Narrow(), min_support=0).generate(request_for(question, hits))
    assert "five years" in generation.text


@pytest.mark.parametrize("options", [{"sentences": 0}, {"min_support": 1.5}, {"min_support": -0.1}])
def test_options_out_of_range_are_refused(options: dict[str, float]) -> None:
    """The configuration hands its options over; a wrong one is an error with a remedy."""
    with pytest.raises(ConfigError) as caught:
        ExtractiveGenerator(MiniLMEmbedder(), **options)
    assert caught.value.remedy


def test_it_runs_in_this_process() -> None:
    """Nothing has to be allowed to leave: the location says so."""
    generator = ExtractiveGenerator(MiniLMEmbedder())
    assert (generator.name, generator.location) == ("extractive", Location.IN_PROCESS)


def test_a_stream_gives_statement_by_statement_and_then_the_generation(embedder: MiniLMEmbedder) -> None:
    """Each part ends with its marker; joined they are the text."""
    shop = {"Warranty": WARRANTY, "Price list": PRICES}
    hits = hits_for("How long is the warranty on a desk, and what does it cover?", embedder, shop)
    request = request_for("How long is the warranty on a desk, and what does it cover?", hits)
    *parts, generation = ExtractiveGenerator(embedder, min_support=0).stream(request)
    assert isinstance(generation, Generation)
    assert len(parts) == len(generation.citations) > 1
    assert "".join(map(str, parts)) == generation.text
    assert all(str(part).endswith(f"[{number}]") for number, part in enumerate(parts, start=1))


def test_a_stream_of_a_refusal_is_the_refusal(embedder: MiniLMEmbedder) -> None:
    """One part, then the structured outcome."""
    part, generation = ExtractiveGenerator(embedder).stream(request_for("anything", ()))
    assert part == REFUSAL
    assert isinstance(generation, Generation)
    assert generation.reason == "no-hits"


def test_the_row_and_its_value_answer_a_question_for_a_column(embedder: MiniLMEmbedder) -> None:
    """The value in front is a cell of the row that is quoted after it."""
    answer = ask("What size is the Borealis desk?", embedder)
    assert answer.text.startswith("120 x 70 cm. Product: Borealis desk; Size: 120 x 70 cm; Price: 489.00 €")


def test_rows_of_one_table_stand_under_one_header(embedder: MiniLMEmbedder) -> None:
    """The column names are said once, and each row has its own citation."""
    answer = ask("Which desks do you have, at what price?", embedder, {"Price list": PRICES})
    assert answer.text == (
        "Product | Size | Price\nAurora desk | 160 x 80 cm | 649.00 € [1]\nBorealis desk | 120 x 70 cm | 489.00 € [2]"
    )


def test_an_item_of_a_long_list_comes_with_the_line_that_opens_it(embedder: MiniLMEmbedder) -> None:
    """The opening line is a statement of its own, cited where it stands."""
    filler = "\n".join(
        f"- part number {n} of the frame, which is delivered in a box of its own with screws" for n in range(9)
    )
    text = f"These are not covered by the warranty:\n\n- scratches on the table top of the desk\n{filler}"
    answer = ask("Are scratches on the table top covered?", embedder, {"Terms": text})
    assert answer.text.startswith(
        "These are not covered by the warranty: [1]\n- scratches on the table top of the desk [2]"
    )
    assert [citation.quote for citation in answer.citations][:2] == [
        "These are not covered by the warranty:",
        "scratches on the table top of the desk",
    ]


def test_images_html_and_live_links_of_a_document_are_shown_as_words(embedder: MiniLMEmbedder) -> None:
    """The answer fetches nothing when it is shown; the quotation keeps what the document says."""
    text = (
        "A damaged lamp is replaced within 14 days ![x](https://evil.example/x.png?q=lamp), see "
        "[the form](https://shop.example/form) or <b>write</b> to us."
    )
    generation = ask("Within how many days is a damaged lamp replaced?", embedder, {"Lamps": text})
    assert not generation.refused
    assert "replaced within 14 days" in generation.text
    assert not any(sign in generation.text for sign in ("![", "](", "<b>", "https://"))
    assert generation.checks.sanitised == 2  # the image and the link; showing the piece took the tags
    assert "https://shop.example/form" in generation.citations[0].quote
