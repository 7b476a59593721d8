"""The detector's synthetic training texts: exact spans, every label, reserved names, one seed one text."""

from __future__ import annotations

import random
from functools import cache

import pytest

from benchmarks.detector import generate, noise
from benchmarks.detector.generate import Example, examples
from benchmarks.detector.people import invent, names, reserved, words_of
from benchmarks.detector.templates import assemble, expand

LABELS = {
    "PERSON", "LOCATION", "ADDRESS", "ORGANIZATION", "NRP", "DATE_TIME", "AGE", "TITLE", "POSTCODE", "PHONE", "EMAIL",
    "ID", "URL", "IP", "MONEY", "QUANTITY",
}  # fmt: skip


@cache
def sample() -> tuple[Example, ...]:
    """Enough texts for every label and kind to come up."""
    return tuple(examples(11, 2000))


def check(text: str, spans: list[tuple[int, int, str]]) -> None:
    """Spans lie in the text in order, do not overlap and carry no white space at their ends."""
    position = 0
    for start, end, _ in spans:
        assert position <= start < end <= len(text)
        value = text[start:end]
        assert value == value.strip()
        position = end


def test_spans_are_exact_and_do_not_overlap() -> None:
    """No span overlaps another or ends in white space."""
    for item in sample():
        check(item.text, item.spans)


def test_every_label_and_every_kind_comes_up_and_no_other() -> None:
    """The labels the detector is trained for, no more and no fewer."""
    assert {label for item in sample() for _, _, label in item.spans} == LABELS
    groups, _, _ = generate._grammar()
    assert {item.kind for item in sample()} == {kind for kind, _ in groups}


def test_there_are_many_templates_and_texts_without_any_personal_data() -> None:
    """A share of the texts is without spans: the detector must learn to be silent."""
    assert generate.templates() > 400
    bare = sum(not item.spans for item in sample())
    assert 0.05 < bare / len(sample()) < 0.3


def test_every_template_can_be_filled() -> None:
    """A slot or rule that does not exist would raise."""
    groups, _, rules = generate._grammar()
    lines = [line for _, templates in groups for line in templates] + [line for rule in rules.values() for line in rule]
    for number, line in enumerate(lines):
        rng = random.Random(number)
        text, spans = assemble(generate.segments(expand(line, rules, rng), generate.fill, generate.Cast(rng)))
        check(text, spans)
        assert text.strip()
        assert "[[" not in text
        assert "{p" not in text


def test_the_same_seed_gives_the_same_texts() -> None:
    """A training run can be repeated."""
    assert list(examples(5, 60)) == list(examples(5, 60))
    assert list(examples(5, 20)) != list(examples(6, 20))


def test_reserved_names_stand_in_no_person_by_default() -> None:
    """Otherwise figures on unseen names would be figures on seen ones."""
    # Noise may spell another name, so clean texts are looked at; the names behind both are the same.
    for item in examples(3, 800, noisy=0.0):
        for start, end, label in item.spans:
            if label == "PERSON":
                assert not any(reserved(word) for word in words_of(item.text[start:end])), item.text[start:end]


def test_held_out_people_have_only_reserved_names() -> None:
    """The reserved tenth and the rest share no name."""
    rng = random.Random(2)
    for _ in range(300):
        person = invent(rng, held_out=True)
        assert all(reserved(word) for word in words_of(person.given))
    seen = names("pool", held_out=False)
    unseen = names("pool", held_out=True)
    assert not set(seen.given) & set(unseen.given)
    assert not set(seen.family) & set(unseen.family)
    assert 0.05 < len(unseen.family) / (len(seen.family) + len(unseen.family)) < 0.15


@pytest.mark.parametrize("kind", [kind for kind, _ in noise.KINDS], ids=lambda kind: kind.__name__)
def test_noise_keeps_the_spans_on_their_values(kind: object) -> None:
    """Whatever a noise does, each span stays on its value."""
    text, spans = (
        "Dear Dr. Müller-Weiß, call Ana (Paris), 12 High St, at 5.",
        [(9, 20, "PERSON"), (27, 30, "PERSON"), (32, 37, "LOCATION")],
    )
    for seed in range(40):
        edited, moved = noise.apply(text, spans, kind(text, spans, random.Random(seed)))  # type: ignore[operator]
        check(edited, moved)
        assert [label for _, _, label in moved] == ["PERSON", "PERSON", "LOCATION"]
        for start, end, _ in moved:
            assert edited[start:end][0] not in "(,*`_“\"'«„[)"


def test_values_survive_noise_that_only_changes_case_or_adds() -> None:
    """The value itself is the same but for case."""
    text, spans = "Ask Jane Roe in Bonn, please.", [(4, 12, "PERSON"), (16, 20, "LOCATION")]
    for kind in (noise.lower, noise.upper, noise.marked, noise.quoted, noise.detokenised):
        edited, moved = noise.apply(text, spans, kind(text, spans, random.Random(1)))
        assert [edited[start:end].lower() for start, end, _ in moved] == ["jane roe", "bonn"]
