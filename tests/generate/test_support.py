"""The support estimate: a probability from question and hits, by signs that fall when the answer goes."""

from __future__ import annotations

from dataclasses import astuple, fields, replace

import numpy as np
import pytest

from ragkit.generate.relevance import question_head
from ragkit.generate.support import WEIGHTS, Signs, SupportEstimator, estimate_support
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.types import Chunk, Hit, Masked, MaskedQuestion, MaskedText

WARRANTY = "Every desk comes with a warranty of five years. The warranty covers the motor and the frame."
OPENING = "The showroom is open from nine to six on weekdays. It is closed on public holidays."
ORDERS = "An order can be changed until it is packed. After that it can only be sent back."


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    """The real encoder."""
    embedder = MiniLMEmbedder()
    embedder.load()
    return embedder


def asked(text: str) -> MaskedQuestion:
    """A question without anything masked."""
    return MaskedQuestion(MaskedText(Masked(text), Masked(text)), "shop", "policy")


def hits(question: str, embedder: MiniLMEmbedder, **texts: str) -> list[Hit]:
    """Texts under their titles, best first by cosine."""
    vector = embedder.embed_question(Masked(question))
    found = []
    for number, (title, text) in enumerate(texts.items(), start=1):
        chunk = Chunk(
            ordinal=0,
            record=Masked(text),
            index=Masked(text),
            source_start=0,
            source_end=len(text),
            context_index=Masked(title),
        )
        cosine = float(embedder.embed_question(chunk.embedded) @ vector)
        found.append(
            Hit(
                chunk_id=number,
                doc_id=f"d{number}",
                version=1,
                chunk=chunk,
                score=max(cosine, 0.0),
                dense=cosine,
                title=Masked(title),
            )
        )
    return sorted(found, key=lambda hit: -hit.score)


def test_taking_the_answer_away_lowers_the_estimate(embedder: MiniLMEmbedder) -> None:
    """The same question with and without the passage that answers it; without any hit it is 0."""
    question = "How long is the warranty on a desk?"
    estimator = SupportEstimator(embedder)
    found = hits(question, embedder, Warranty=WARRANTY, Opening=OPENING, Orders=ORDERS)
    with_it = estimator.estimate(asked(question), found)
    without = estimator.estimate(asked(question), [hit for hit in found if hit.title != "Warranty"])
    assert 0 < without < 0.3 < 0.6 < with_it < 1
    assert estimator.estimate(asked(question), ()) == 0


def test_a_passage_on_the_topic_alone_is_not_enough(embedder: MiniLMEmbedder) -> None:
    """Words that the title brings count less than words in the body: the topic is there, the answer is not."""
    estimator = SupportEstimator(embedder)
    found = hits("desk", embedder, Desks=WARRANTY, Opening=OPENING, Orders=ORDERS)
    about, beside = "What does the warranty of desks cover?", "What colours are desks painted in?"
    assert estimator.estimate(asked(about), found) > estimator.estimate(asked(beside), found)


def test_typing_errors_cost_little(embedder: MiniLMEmbedder) -> None:
    """A misspelt word is near the word that it should be."""
    texts = {"Warranty": WARRANTY, "Opening": OPENING, "Orders": ORDERS}
    signs = []
    for question in ("how long is the warranty", "how long is the waranty", "how long is the zebra"):
        read = SupportEstimator(embedder).read(Masked(question), hits("warranty", embedder, **texts))
        assert read.signs is not None
        signs.append(read.signs.spelling)
    assert signs[0] > signs[1] > signs[2]


@pytest.mark.parametrize("name", [field.name for field in fields(Signs)])
def test_no_sign_for_an_answer_lowers_the_estimate(name: str) -> None:
    """All weights are 0 or more: signs overlap, and a negative weight would mislead where they part."""
    signs = Signs(*(0.4 for _ in fields(Signs)))
    assert estimate_support(replace(signs, **{name: 0.9})) >= estimate_support(signs)
    assert all(weight >= 0 for weight in astuple(WEIGHTS))


def test_the_head_speaks_only_for_the_encoder_it_was_trained_on(embedder: MiniLMEmbedder) -> None:
    """A greeting is less likely to have an answer than a question; another encoder gets no opinion."""
    greeting, question = (
        embedder.embed_question(Masked(text)) for text in ("Hello there", "How do I cancel my order?")
    )
    assert question_head(greeting, embedder.fingerprint) < question_head(question, embedder.fingerprint)
    assert question_head(question, "st:another:256") == 0
    assert question_head(np.zeros(7, dtype=np.float32), embedder.fingerprint) == 0
    assert question_head(None, embedder.fingerprint) == 0
