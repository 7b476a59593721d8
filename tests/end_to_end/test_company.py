"""The generated company tells the truth about its papers; what is measured on it rests on that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.company.generate import Company, generate


@pytest.fixture(scope="module")
def company() -> Company:
    """A small one."""
    return generate(people=120, seed=3)


def test_the_same_seed_makes_the_same_company(company: Company) -> None:
    """Everything comes from the dice."""
    again = generate(people=120, seed=3)
    assert again.people == company.people
    assert [one.truth for one in again.documents] == [one.truth for one in company.documents]
    assert generate(people=120, seed=4).people != company.people


def test_every_kind_of_person_is_there(company: Company) -> None:
    """Shared names, families, father and son of one name and people renamed are in every company, and so is a paper."""
    groups = {group: [one for one in company.people if one.group == group] for group in
              ("unique", "same-name", "family", "namesake-family", "changed")}  # fmt: skip
    assert all(groups.values())
    father, son = groups["namesake-family"][:2]
    assert (father.full, father.home_phone) == (son.full, son.home_phone)
    assert father.email != son.email
    assert all(company.of(one.id) for one in company.people)
    assert 1.8 * 120 < len(company.documents) < 2.5 * 120


def test_the_truth_is_whole(company: Company, tmp_path: Path) -> None:
    """What the truth names stands in the file, and nobody's own value stands in a file whose truth does not name it."""
    company.write(tmp_path)
    lines = {json.loads(line)["id"] for line in (tmp_path / "records.jsonl").read_text().splitlines()}
    marks = {value: one.id for one in company.people for value in (one.number, one.email, one.iban, one.phone)}
    for document in company.documents:
        kind, _, key = document.path.partition("#")
        assert key in lines if key else (tmp_path / "files" / kind).read_bytes() == document.content
        if document.path.endswith((".docx", ".eml")):  # packed and folded
            continue
        text = f"{document.path}\n{document.content.decode()}"
        assert all(value in text for values in document.truth.values() for value in values), document.path
        found = {who for value, who in marks.items() if value in text and value != "+44 20 7946 0000"}
        assert found - document.truth.keys() <= {
            one.id for one in company.people if one.home_phone in text and one.household
        }
        assert document.wholly is None or set(document.truth) == {document.wholly}
