"""The attacker's list is read, and its errors tell no name."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from ragkit.attack.people import DIRECT, KnownPerson, alternatives, decoys, read_people
from ragkit.errors import EvaluationError


def test_columns_go_by_their_usual_names(tmp_path: Path) -> None:
    """A staff list as CSV: what is direct and what many share."""
    file = tmp_path / "staff.csv"
    file.write_text(
        "Full name,E-mail,Job title,Date of birth,ID\nAna Kovač,ana@x.example,Clerk,1984-03-12,7\nBo Li,,,,\n"
    )
    ana, bo = read_people(file)
    assert ana.of(DIRECT) == {"name": "Ana Kovač", "email": "ana@x.example"}
    assert ana.indirect == {"role": "Clerk", "birthdate": "1984-03-12"}
    assert bo == KnownPerson("Bo Li")


def test_json_lines_are_read_too(tmp_path: Path) -> None:
    """An unknown column counts as something many share."""
    file = tmp_path / "people.jsonl"
    file.write_text('{"name": "Ana Kovač", "shoe": 39}\n\n{"name": "Bo Li", "city": "Zagreb"}\n')
    assert [one.indirect for one in read_people(file)] == [{"shoe": "39"}, {"city": "Zagreb"}]


@pytest.mark.parametrize(
    "content", ["", "name,city\nAna Kovač,Zagreb\n", "city\nZagreb\nSplit\n", '{"name": "Ana Kovač"}\nKovač\n']
)
def test_a_list_that_is_none_is_refused_without_its_content(tmp_path: Path, content: str) -> None:
    """Empty, too short, without names, with a torn line."""
    file = tmp_path / "secret-people.txt"
    file.write_text(content)
    with pytest.raises(EvaluationError) as refused:
        read_people(file)
    said = f"{refused.value} {refused.value.remedy} {refused.value!r}"
    assert not any(word in said for word in ("Kovač", "Zagreb", "secret"))


def test_decoys_are_nobody_on_the_list() -> None:
    """Their names are put together of known words, their facts of several people's."""
    people = [KnownPerson(f"{given} {family}", {"city": family}) for given in ("Ana", "Bo") for family in ("Li", "Ek")][
        :3
    ]
    assert [one.name for one in decoys(people, 5, random.Random(0))] == ["Bo Ek"]


def test_a_date_may_be_written_in_several_ways() -> None:
    """In words, in digits, or as the year alone."""
    found = alternatives("1984-03-12", lambda text: text.lower().replace("-", " ").split())
    assert ["12", "march", "1984"] in found
    assert ["1984"] in found


def test_a_person_is_not_shown() -> None:
    """By repr."""
    assert "Ana" not in repr(KnownPerson("Ana Kovač", {"city": "Zagreb"}))
