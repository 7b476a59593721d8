"""Questions about people, through the real index: found however they are called, and by nobody who may not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import Principal, open_workspace
from ragkit.types import Hit
from ragkit.workspace import Workspace

from .conftest import MakeWorkspace, write_documents

EVE = Principal("local|eve")
LETTERS = {
    "full.md": "# Letter\n\nDear Mr Galip Yalman,\n\nthe pump of your washing machine was replaced.\n",
    "short.md": "# Letter\n\nDear Ms Vandersloot,\n\nthe blinds were sent back to you.\n",
    "may.md": "# Letter\n\nDear Ms May Okonkwo,\n\nthe carpet was cleaned. We told May so on Tuesday.\n",
    "grace.md": "# Letter\n\nDear Ms Grace Thistlewood,\n\nthe gearbox was oiled. Grace paid in cash.\n",
    "peter.md": "# Letter\n\nDear Mr Peter Quintana,\n\nthe piano was tuned.\n",
    "paula.md": "# Letter\n\nDear Ms Paula Quintana,\n\nthe aquarium was filled.\n",
    "cancel.md": "# Terms\n\nYou may cancel an order until it is sent, and return it within thirty days.\n",
    "period.md": "# Terms\n\nThe grace period for late payments is ten days.\n",
    "paint.md": "# Terms\n\nPaint is mixed to order and cannot be returned.\n",
    "opening.md": "# Terms\n\nThe shop is open from nine to five, on Saturdays until noon.\n",
    "delivery.md": "# Terms\n\nDelivery takes three days, to islands a week.\n",
}
SECRET = "# Letter\n\nDear Mr {},\n\nthe loan was refused because of two reminders.\n"


@pytest.fixture(scope="module")
def office(make_workspace: MakeWorkspace) -> Iterator[Workspace]:
    """Letters for Ana and Eve, and one for Ana alone."""
    access = 'access = ["u:local|ana", "u:local|eve"]'
    folder = make_workspace(
        LETTERS, extra=f'{access}\n[[collections.shop.sources]]\nconnector = "files"\nname = "hr"\npath = "hr"\n'
    )
    write_documents(folder / "hr", {"secret.md": SECRET.format("Zoltan Vasarhelyi")})
    with open_workspace(folder) as workspace:
        assert workspace.sync().exit_code == 0
        yield workspace


def first(office: Workspace, question: str, words: str, *, among: int = 1) -> bool:
    """Whether a hit with these words is among the first."""
    return any(words in hit.chunk.record for hit in office.search(question, k=among))


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("yalman", "washing machine"),
        ("Mrs Yalman's letter", "washing machine"),
        ("g. yalman", "washing machine"),
        ("letter to yalman, galip", "washing machine"),
        ("Henrietta Vandersloot", "blinds"),
        ("h. vandersloot", "blinds"),
        ("okonkwo", "carpet"),
        ("p. quintana", "piano"),
        ("paula quintana", "aquarium"),
    ],
)
def test_the_letter_is_found(office: Workspace, question: str, words: str) -> None:
    """By surname where the full name stands, and the other way round."""
    assert first(office, question, words, among=2 if question == "p. quintana" else 1)


def test_both_whom_a_name_may_mean_are_found_and_it_is_said(office: Workspace) -> None:
    """The answer counts, and names nobody."""
    answer = office.ask("What was done for P. Quintana?", k=3)
    assert answer.ambiguous == {"PERSON": 1}
    assert "Quintana" not in answer.question.record + answer.text
    found = " ".join(hit.chunk.record for hit in answer.hits[:2])
    assert "piano" in found
    assert "aquarium" in found
    assert not office.ask("What was done for Paula Quintana?").ambiguous


def test_a_word_that_is_also_a_name_finds_both(office: Workspace) -> None:
    """The document about the word and the letter to the person; a word the sentence needs finds as before."""
    assert first(office, "grace period", "late payments")
    assert first(office, "grace gearbox", "oiled", among=2)
    assert first(office, "grace", "late payments", among=2)
    assert first(office, "grace", "oiled", among=3)
    assert first(office, "may I cancel an order?", "cancel an order")
    assert first(office, "What did we tell May?", "carpet")


def outline(hits: list[Hit]) -> list[tuple[str, float]]:
    """What may be told of hits."""
    return [(hit.doc_id, round(hit.score, 4)) for hit in hits]


def test_who_may_not_read_of_a_person_finds_as_if_there_was_none(office: Workspace) -> None:
    """The same hits and question whether the closed letter names the person asked for or another."""
    questions = ["vasarhelyi loan", "Zoltan Vasarhelyi", "What of Mr Zoltan Vasarhelyi's loan?", "z. vasarhelyi"]
    folder = Path(office.config.folder) / "hr"

    def asked() -> list[object]:
        answers = [office.ask(question, principal=EVE, k=5) for question in questions]
        return [(outline(list(a.hits)), a.question, a.ambiguous, a.refused, a.text) for a in answers]

    assert "loan" in office.search(questions[0], k=1)[0].chunk.record
    office.rebuild()
    known = asked()
    write_documents(folder, {"secret.md": SECRET.format("Wendelin Brzezinski")})
    assert office.sync().updated == 1
    office.rebuild()
    assert asked() == known
    write_documents(folder, {"secret.md": SECRET.format("Zoltan Vasarhelyi")})
    office.sync()
    office.rebuild()
    assert asked() == known
