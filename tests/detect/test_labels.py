"""A model's labels as entity types: the usual ones, one's own, and what is dropped."""

from __future__ import annotations

import pytest

from ragkit.detect.labels import Settings
from ragkit.errors import ConfigError, ModelError


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("PER", "PERSON"),
        ("B-PER", "PERSON"),
        ("I-person", "PERSON"),
        ("S-ORG", "ORGANIZATION"),
        ("GPE", "LOCATION"),
        ("I-GIVEN_NAME", "PERSON"),
        ("street address", "ADDRESS"),
        ("DATE-OF-BIRTH", "DATE_OF_BIRTH"),
        ("B-EMAIL_ADDRESS", "EMAIL_ADDRESS"),
        ("PATIENT", "PERSON"),
        ("NORP", "NRP"),
        ("O", None),
        ("MISC", None),
        ("LABEL_1", None),
    ],
)
def test_the_usual_labels_are_known(label: str, kind: str | None) -> None:
    """Of OntoNotes, CoNLL, i2b2 and ai4privacy, in any case and with any prefix."""
    assert Settings("x").type_of(label) == kind


def test_own_labels_come_first_and_can_drop() -> None:
    """And what nobody wants is not a type."""
    settings = Settings("x", labels={"Label_1": "PROJECT", "PER": ""}, entities=["PROJECT", "PERSON", "LOCATION"])
    assert [settings.type_of(label) for label in ("B-LABEL_1", "PER", "LOC", "ORG")] == [
        "PROJECT",
        None,
        "LOCATION",
        None,
    ]


def test_labels_without_meaning_are_an_error() -> None:
    """But not labels that nobody wants today."""
    with pytest.raises(ModelError) as caught:
        Settings("x").types_of(["O", "LABEL_0", "LABEL_1"])
    assert "labels" in caught.value.remedy
    assert Settings("x", entities=["AGE"]).types_of(["O", "B-PER"]) == {}


@pytest.mark.parametrize("wrong", [{"name": "My Model"}, {"threshold": 1.5}, {"labels": {"PER": "a person"}}])
def test_settings_out_of_form_are_refused(wrong: dict[str, object]) -> None:
    """With a remedy."""
    with pytest.raises(ConfigError) as caught:
        Settings(**{"name": "x", **wrong})  # type: ignore[arg-type]
    assert caught.value.remedy
