"""A generator made of a chat model: what is sent, and what comes of what it writes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence

import pytest

from ragkit.config_answering import AnswersSection
from ragkit.errors import GeneratorGarbled, GeneratorRefused, GeneratorUnavailable
from ragkit.generate.prompt import SENTINEL
from ragkit.generate.prompted import REFUSAL, PromptedGenerator
from ragkit.testing.generator_contract import GeneratorContract
from ragkit.testing.scripted_model import ScriptedModel
from ragkit.types import (
    Chunk,
    Conversation,
    DataClass,
    Generation,
    GenerationRequest,
    Hit,
    Location,
    Masked,
    MaskedQuestion,
    MaskedText,
    ModelCall,
    Turn,
)

ADA, BEN = "[PERSON:K7F3QX9M2T-4B]", "[PERSON:Z9F3QX9M2T-7C]"


def text_of(text: str) -> MaskedText:
    """A text that reads the same in both views."""
    return MaskedText(Masked(text), Masked(text))


def hit_of(number: int, text: str, *, doc: str = "d1", ordinal: int = 0, title: str = "Guide", **more: Masked) -> Hit:
    """A hit with one chunk, which begins at 1000 times its position in the source."""
    start = ordinal * 1000
    chunk = Chunk(
        ordinal=ordinal, record=Masked(text), index=Masked(text), source_start=start, source_end=start + len(text)
    )
    return Hit(chunk_id=number, doc_id=doc, version=1, chunk=chunk, score=0.9, title=Masked(title), **more)  # type: ignore[arg-type]


HITS = (
    hit_of(1, f"The warranty lasts 24 months. It covers the lamp.\n\nCall {ADA} for repairs."),
    hit_of(2, "Returns are accepted within 14 days. Shipping costs 4.90 €.", doc="d2", ordinal=3),
)


def asked(
    question: str = "How long is the warranty?",
    hits: Sequence[Hit] = HITS,
    conversation: Conversation | None = None,
) -> GenerationRequest:
    """A request about the hits."""
    masked = MaskedQuestion(text_of(question), "shop", "p")
    return GenerationRequest(
        masked, tuple(hits), DataClass.INTERNAL, conversation=conversation or Conversation(), request_id="r1"
    )


def generator_of(script: object, *, unsupported: str = "mark", **options: object) -> PromptedGenerator:
    """A generator around a scripted model."""
    model = script if isinstance(script, ScriptedModel) else ScriptedModel(script, **options)  # type: ignore[arg-type]
    return PromptedGenerator(model, name="small", settings=AnswersSection.model_validate({"unsupported": unsupported}))


def streamed(generator: PromptedGenerator, request: GenerationRequest) -> tuple[str, Generation]:
    """The pieces of a stream joined, and its generation."""
    *pieces, last = generator.stream(request)
    assert isinstance(last, Generation)
    return "".join(str(piece) for piece in pieces), last


class TestContract(GeneratorContract):
    """A model that answers from the first source, as every generator must."""

    @pytest.fixture
    def make(self) -> Callable[[], PromptedGenerator]:
        return lambda: generator_of(["Every desk comes with a warranty ", "of five years [1]."])


def test_an_answer_has_text_citations_and_an_account() -> None:
    """Markers are renumbered in reading order; each citation quotes what its source says of it."""
    answer = generator_of("Returns are accepted within 14 days [2]. The warranty lasts 24 months [1].").generate(
        asked()
    )
    assert answer.text == "Returns are accepted within 14 days [1]. The warranty lasts 24 months [2]."
    assert [(one.marker, one.doc_id, one.quote, one.start) for one in answer.citations] == [
        (1, "d2", "Returns are accepted within 14 days.", 3000),
        (2, "d1", "The warranty lasts 24 months.", 0),
    ]
    account = answer.account
    assert (account.backend, account.model, account.location) == ("small", "scripted", Location.IN_PROCESS)
    assert account.usage.output > 0
    assert account.prompt.startswith("answer-1:")
    assert answer.support == 1.0
    assert not answer.refused


def test_the_model_sees_aliases_and_the_reader_tokens() -> None:
    """No record token is in the call; the alias in the answer comes back as the token."""
    conversation = Conversation()
    model = ScriptedModel(lambda _: f"Call {next(iter(conversation.aliases.values()))} for repairs [1].")
    answer = generator_of(model).generate(asked(conversation=conversation))
    assert answer.text == f"Call {ADA} for repairs [1]."
    assert "K7F3QX9M2T" not in "".join(message.content for message in model.calls[0].messages)
    assert answer.checks.unknown_tokens == 0


def test_a_token_from_elsewhere_shows_nobody() -> None:
    """A record token that a model writes and no source has loses its form, so nothing reveals it."""
    answer = generator_of(f"Call {BEN} or [PERSON_7·zz] now [1].").generate(asked())
    assert BEN not in answer.text
    assert BEN[1:-1] in answer.text
    assert "[PERSON_7·zz]" in answer.text
    assert answer.checks.unknown_tokens == 2


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ("keep", "It lasts 24 months [1]. Batteries cost 99 € [2]."),
        ("mark", "It lasts 24 months [1]. Batteries cost 99 € [2]. [unsupported]"),
        ("remove", "It lasts 24 months [1]."),
    ],
)
def test_what_no_source_says_is_kept_marked_or_removed(policy: str, text: str) -> None:
    """By policy; counted in any case, and its figure too."""
    generator = generator_of("It lasts 24 months [1]. Batteries cost 99 € [2].", unsupported=policy)
    answer = generator.generate(asked())
    assert answer.text == text
    assert (answer.checks.unsupported_sentences, answer.checks.unsupported_numbers) == (1, 1)
    assert len(answer.citations) == (1 if policy == "remove" else 2)
    assert streamed(generator, asked()) == (text, answer) or streamed(generator, asked())[1].text == text


@pytest.mark.parametrize(
    ("written", "policy", "reason"),
    [
        (SENTINEL, "mark", "model"),
        ("I cannot answer this from the sources.", "keep", "model"),
        ("The moon is made of cheese [1].", "remove", "unsupported"),
    ],
)
def test_refusals_are_structured(written: str, policy: str, reason: str) -> None:
    """The sentinel, other words, or nothing left: one text, one reason, no citations; never half a sentinel."""
    for model in (ScriptedModel(written), ScriptedModel(list(written))):
        generator = generator_of(model, unsupported=policy)
        answer = generator.generate(asked())
        assert (answer.text, answer.refused, answer.reason, answer.citations) == (REFUSAL, True, reason, ())
        shown, last = streamed(generator, asked())
        assert (shown, last.reason) == (REFUSAL, reason)


def test_without_hits_the_model_is_not_asked() -> None:
    """No text to answer from: a refusal, and nothing is sent."""
    model = ScriptedModel("x")
    answer = generator_of(model).generate(asked(hits=[hit_of(1, "  ")]))
    assert (answer.refused, answer.reason, model.calls) == (True, "no-hits", [])


def _pieces(text: str, rng: random.Random) -> list[str]:
    pieces, at = [], 0
    while at < len(text):
        pieces.append(text[at : at + rng.choice([1, 2, 3, 9])])
        at += len(pieces[-1])
    return pieces


def test_any_cut_of_the_stream_gives_the_same_answer() -> None:
    """Random answers of aliases, markers, links, refusals and nonsense, cut anywhere, under every policy."""
    rng = random.Random(8)
    conversation = Conversation(secret=b"k" * 16)
    generator_of("x").prepare(asked(conversation=conversation))
    alias = next(iter(conversation.aliases.values()))
    parts = [
        "The warranty lasts 24 months",
        " [1]",
        ". ",
        "[9]",
        alias,
        alias[:-2],
        "\n- ",
        "Shipping costs 4.90 €",
        "【2】",
    ]
    parts += [
        "[x](https://evil.example)",
        "<b>",
        SENTINEL,
        "I cannot ",
        "Cheese is blue",
        "! ",
        "它很红。",
        BEN,
        "<think>",
        " ",
    ]
    for _ in range(150):
        text = "".join(rng.choices(parts, k=rng.randint(1, 14))) + "."
        policy = rng.choice(["keep", "mark", "remove"])
        whole = generator_of(text, unsupported=policy)
        try:
            expected = whole.generate(asked(conversation=conversation))
        except GeneratorGarbled:
            continue
        cut = generator_of(_pieces(text, rng), unsupported=policy)
        shown, last = streamed(cut, asked(conversation=conversation))
        assert shown == last.text == expected.text
        assert (last.checks, last.citations, last.reason) == (expected.checks, expected.citations, expected.reason)
        assert BEN not in shown


def test_text_is_shown_while_the_model_writes() -> None:
    """A sentence is shown when it has ended; kept sentences word by word."""
    said: list[str] = []

    def script(_: ModelCall) -> Iterator[str]:
        for word in ("The warranty ", "lasts 24 months [1]. ", "It covers ", "the lamp [1]."):
            said.append(word)
            yield word

    class Lazy(ScriptedModel):
        def stream(self, call: ModelCall) -> Iterator[str]:
            yield from script(call)
            yield from (one for one in ScriptedModel("").stream(call) if not isinstance(one, str))  # type: ignore[misc]

    first = next(generator_of(Lazy(), unsupported="mark").stream(asked()))
    assert (first, len(said)) == ("The warranty lasts 24 months [1].", 3)
    said.clear()
    first = next(generator_of(Lazy(), unsupported="keep").stream(asked()))
    assert (first, len(said)) == ("The warranty", 1)


def test_closing_a_stream_closes_the_models() -> None:
    """Whoever stops listening stops the model."""
    model = ScriptedModel(["The warranty lasts 24 months [1]. ", "It covers ", "the lamp [1]. "] * 5)
    stream = generator_of(model).stream(asked())
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    assert model.closed == 1


@pytest.mark.parametrize("unsupported", ["mark", "remove"])
def test_what_the_token_limit_cut_ends_with_a_whole_sentence(unsupported: str) -> None:
    """Half a sentence is left out, and the account says that it was cut."""
    generator = generator_of("It lasts 24 months [1]. It also", unsupported=unsupported, finish="length")
    answer = generator.generate(asked())
    assert (answer.text, answer.account.finish) == ("It lasts 24 months [1].", "length")
    assert streamed(generator, asked())[0] == answer.text


def test_half_an_only_sentence_is_better_than_nothing() -> None:
    """It is shown with an ellipsis."""
    answer = generator_of("The warranty lasts 24 months [1] and", finish="length").generate(asked())
    assert answer.text == "The warranty lasts 24 months [1] and …"


def test_reasoning_is_left_out() -> None:
    """What a model thinks aloud before its answer is no part of it; nothing but thoughts is no answer."""
    answer = generator_of("<think>\nMaybe 99? [2]\n</think>\n\nIt lasts 24 months [1].").generate(asked())
    assert answer.text == "It lasts 24 months [1]."
    assert answer.checks.unsupported_numbers == 0
    with pytest.raises(GeneratorGarbled):
        generator_of("<think>hm").generate(asked())


def test_errors_of_the_model_pass() -> None:
    """Typed, whole or within a stream; a model that says nothing is an error too."""
    failing = GeneratorUnavailable("no answer in time")
    with pytest.raises(GeneratorUnavailable):
        generator_of("x", error=failing).generate(asked())
    stream = generator_of(["It lasts 24 months [1]. ", "And "], error=failing, error_after=2).stream(asked())
    with pytest.raises(GeneratorUnavailable):
        list(stream)
    with pytest.raises(GeneratorGarbled):
        generator_of("  ").generate(asked())


def test_history_is_sent_without_its_markers() -> None:
    """Earlier turns go before the question, as many as are configured, in the prompt view."""
    conversation = Conversation()
    for number in range(5):
        conversation.add(Turn(text_of(f"question {number} of {ADA}"), Masked(f"answer {number} [1]. [unsupported]")))
    model = ScriptedModel("It lasts 24 months [1].")
    generator_of(model).generate(asked(conversation=conversation))
    prompt = model.calls[0].messages[-1].content
    assert "question 1" not in prompt
    assert "answer 2." in prompt
    assert "[unsupported]" not in prompt
    assert "K7F3QX9M2T" not in prompt
    assert prompt.index("answer 4.") < prompt.index("How long is the warranty?")


def test_a_footnote_of_a_source_is_no_marker() -> None:
    """A model that copies ``[2]`` out of a source would cite another one by it."""
    call = generator_of("x").prepare(asked(hits=[hit_of(1, "So it is [2] and [Source 1].", title="Notes [1]")]))
    prompt = call.messages[-1].content
    assert "So it is (2) and (Source 1)." in prompt
    assert "Title: Notes (1)" in prompt


def test_what_is_prepared_is_what_is_sent() -> None:
    """But for the code of the fences, which is drawn anew."""
    model = ScriptedModel("It lasts 24 months [1].")
    generator, conversation = generator_of(model), Conversation()
    prepared = generator.prepare(asked(conversation=conversation))
    generator.generate(asked(conversation=conversation))
    sent = model.calls[0]
    codes = [call.messages[-1].content.split()[6].rstrip(".") for call in (prepared, sent)]
    assert codes[0] != codes[1]
    assert prepared.messages[-1].content.replace(codes[0], codes[1]) == sent.messages[-1].content
    assert prepared.messages[0] == sent.messages[0]
    assert (sent.collection, sent.data_class, sent.request_id) == ("shop", DataClass.INTERNAL, "r1")


@pytest.mark.parametrize("context", [600, 1000, 4000])
def test_the_prompt_stays_within_the_context(context: int) -> None:
    """Prompt and answer together, whatever the size of the model."""
    hits = [hit_of(number, f"Part {number}. " + "word " * 60, doc=f"d{number}") for number in range(1, 30)]
    model = ScriptedModel("Part 1 [1].", context_tokens=context)
    generator_of(model).generate(asked(hits=hits))
    call = model.calls[0]
    assert sum(model.count_tokens(message.content) for message in call.messages) + call.max_tokens <= context
    assert "Part 1." in call.messages[-1].content


def test_a_context_without_room_is_refused() -> None:
    """With a remedy, and nothing is sent."""
    model = ScriptedModel("x", context_tokens=120)
    with pytest.raises(GeneratorRefused) as refused:
        generator_of(model).generate(asked())
    assert "max_tokens" in refused.value.remedy
    assert model.calls == []


def test_support_is_the_estimators_where_there_is_one() -> None:
    """Build gives the calibrated estimate."""
    generator = PromptedGenerator(
        ScriptedModel("It lasts 24 months [1]."), name="s", settings=AnswersSection(), estimator=lambda *_: 0.7
    )
    assert generator.generate(asked()).support == 0.7


def test_nothing_shows_content() -> None:
    """No repr tells what was asked or answered."""
    generator = generator_of("It lasts 24 months [1].")
    assert repr(generator) == "PromptedGenerator('small')"
