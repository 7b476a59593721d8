"""What a text counts: each measure by a hand-worked example."""

from __future__ import annotations

from ragkit.evaluate.counting import count
from ragkit.evaluate.labelled import Gold, Labelled
from ragkit.evaluate.resampling import Counts
from ragkit.types import Span

TEXT = "Ana Kovač met O'Brien-Smith in Zagreb on 3 May."


def at(value: str) -> tuple[int, int]:
    """Where a value stands in the text."""
    return TEXT.index(value), TEXT.index(value) + len(value)


def gold(value: str, entity_type: str = "PERSON", entity: str = "", identifier: str = "") -> Gold:
    """A labelled span."""
    return Gold(*at(value), entity_type, entity, identifier)


def masked(value: str, entity_type: str = "PERSON") -> Span:
    """A masked span."""
    return Span(*at(value), entity_type, 1.0, "test")


def counts(gold_spans: list[Gold], spans: list[Span], **more: tuple[tuple[int, int], ...]):
    """What the text counts."""
    return count(Labelled(TEXT, tuple(gold_spans), **more), spans)


def test_everything_found_exactly() -> None:
    """Every measure is full when masked and labelled spans are the same."""
    found = counts([gold("Ana Kovač"), gold("Zagreb", "LOCATION")], [masked("Ana Kovač"), masked("Zagreb", "LOCATION")])
    assert found["exact", ""] == found["overlap", ""] == found["fully_covered", ""] == Counts(2, 2, 2, 2)
    assert found["characters", ""] == Counts(15, 15, 15, 15)
    assert found["fully_covered", "PERSON"] == Counts(1, 1, 1, 1)
    assert found["texts", ""] == Counts(gold=1, found=1)


def test_half_a_name_is_not_covered() -> None:
    """A name found in part overlaps, but can be read: it is not fully covered, and its characters count in part."""
    found = counts([gold("Ana Kovač")], [masked("Kovač")])
    assert found["overlap", ""] == Counts(1, 1, 1, 1)
    assert found["exact", ""] == Counts(1, 0, 1, 0)
    assert found["fully_covered", ""] == Counts(1, 1, 1, 0)
    assert found["characters", ""] == Counts(5, 5, 9, 5)
    assert found["texts", ""] == Counts(gold=1, found=0)


def test_signs_between_masked_pieces_do_not_count() -> None:
    """A labelled span is covered when its letters are, by pieces of any type; the hyphen may stay."""
    found = counts([gold("O'Brien-Smith")], [masked("O'Brien", "ORGANIZATION"), masked("Smith")])
    assert found["fully_covered", ""] == Counts(2, 2, 1, 1)
    assert found["fully_covered", "PERSON"] == Counts(1, 1, 1, 1)
    assert found["fully_covered", "ORGANIZATION"] == Counts(1, 1, 0, 0)
    assert found["exact", ""] == Counts(2, 0, 1, 0)


def test_another_type_covers_but_does_not_match() -> None:
    """Masked as the wrong type is masked: only the typed measures count it as missed."""
    found = counts([gold("Zagreb", "LOCATION")], [masked("Zagreb", "ORGANIZATION")])
    assert found["fully_covered", ""] == Counts(1, 1, 1, 1)
    assert found["exact", ""] == found["overlap", ""] == Counts(1, 0, 1, 0)
    assert found["type_blind_iou75", ""] == Counts(1, 1, 1, 1)


def test_a_country_type_is_a_national_id() -> None:
    """``NATIONAL_ID`` in the labels stands for every type of one country."""
    found = counts([gold("3 May", "NATIONAL_ID")], [masked("3 May", "US_SSN")])
    assert found["exact", ""] == Counts(1, 1, 1, 1)
    found = counts([gold("3 May", "US_ITIN")], [masked("3 May", "US_SSN")])
    assert found["exact", ""] == Counts(1, 0, 1, 0)


def test_ignored_labels_are_neither_right_nor_wrong() -> None:
    """What touches only an ignored label is left out, its characters too; a false alarm elsewhere stays one."""
    found = counts([gold("Ana Kovač")], [masked("Ana Kovač"), masked("Zagreb"), masked("met")], ignored=(at("Zagreb"),))
    assert found["fully_covered", ""] == Counts(2, 1, 1, 1)
    assert found["characters", ""] == Counts(12, 9, 9, 9)


def test_what_need_not_be_masked_counts_as_an_error_when_it_is() -> None:
    """``NO_MASK`` is no gold, and masking it costs precision."""
    found = counts([gold("Ana Kovač")], [masked("Ana Kovač"), masked("Zagreb")], kept=(at("Zagreb"),))
    assert found["fully_covered", ""] == Counts(2, 1, 1, 1)


def test_an_entity_is_found_when_all_its_mentions_are() -> None:
    """One mention left in clear leaves the entity; the most direct of its mentions says how it identifies."""
    labelled = [
        gold("Ana Kovač", entity="e1", identifier="DIRECT"),
        gold("O'Brien-Smith", entity="e1", identifier="QUASI"),
        gold("Zagreb", "LOCATION", entity="e2", identifier="QUASI"),
    ]
    found = counts(labelled, [masked("Ana Kovač"), masked("Zagreb", "LOCATION")])
    assert found["entities", "DIRECT"] == Counts(gold=1, found=0)
    assert found["entities", "QUASI"] == Counts(gold=1, found=1)


def test_a_text_without_anything_counts_nothing() -> None:
    """No labels and nothing masked: no counts that could move a ratio."""
    assert all(one == Counts() for one in counts([], []).values())
