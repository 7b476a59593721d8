"""Dialogues are of one tenant, principal and collection, are bounded, and go when they are quiet."""

from __future__ import annotations

import pytest

from ragkit.auth.callers import Caller
from ragkit.errors import RagkitError
from ragkit.serve.conversations import TURNS, ConversationBusy, Conversations, OtherCollection
from ragkit.serve.replies import NotFound
from ragkit.types import NOTHING, MaskedText, Principal, Turn


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def caller(subject: str = "local|ana", *groups: str, tenant: str = "shop") -> Caller:
    """Somebody with an API key."""
    return Caller(tenant, Principal(subject, frozenset(groups)), frozenset({"ask"}), "key", "k1")


@pytest.fixture
def clock() -> Clock:
    """Time stands still until a test moves it."""
    return Clock()


@pytest.fixture
def kept(clock: Clock) -> Conversations:
    """An hour, five dialogues, three of one principal."""
    return Conversations(60, most=5, most_of_one=3, clock=clock)


def test_a_dialogue_is_given_back_to_whom_it_belongs(kept: Conversations) -> None:
    """Without an id one is begun; with its id it is the same object."""
    begun = kept.get(caller(), collection="shop")
    assert kept.get(caller(), begun.id, collection="shop") is begun
    assert kept.collection(caller(), begun.id) == "shop"
    assert kept.get(caller()).id != begun.id


@pytest.mark.parametrize("other", [caller("local|ben"), caller(tenant="else"), caller("LOCAL|ANA")])
def test_somebody_elses_is_not_there(kept: Conversations, other: Caller) -> None:
    """Another subject or tenant is told the same as for an id that was never given."""
    begun = kept.get(caller(), collection="shop")
    told = []
    for id in (begun.id, "0" * 32):
        for verb in (kept.get, kept.forget, kept.collection):
            with pytest.raises(NotFound) as refused:
                verb(other, id)
            told.append(str(refused.value))
    assert len(set(told)) == 1
    assert kept.get(caller(), begun.id) is begun


def test_who_left_a_group_loses_what_was_answered_under_it(kept: Conversations) -> None:
    """The turns hold what the group could read; more groups than then do no harm, and are asked for from then on."""
    begun = kept.get(caller("local|ana", "crm|staff"))
    with pytest.raises(NotFound):
        kept.get(caller("local|ana"), begun.id)
    assert kept.get(caller("local|ana", "crm|staff", "crm|agents"), begun.id) is begun
    with pytest.raises(NotFound):
        kept.get(caller("local|ana", "crm|staff"), begun.id)


def test_a_dialogue_stays_with_its_collection(kept: Conversations) -> None:
    """Turns of one collection never stand in a prompt over another."""
    begun = kept.get(caller(), collection="shop")
    with pytest.raises(OtherCollection):
        kept.get(caller(), begun.id, collection="archive")


def test_a_quiet_one_is_forgotten(kept: Conversations, clock: Clock) -> None:
    """Each use begins the time anew."""
    begun = kept.get(caller())
    clock.now = 59 * 60
    kept.get(caller(), begun.id)
    clock.now += 59 * 60
    kept.get(caller(), begun.id)
    clock.now += 60 * 60
    with pytest.raises(NotFound):
        kept.get(caller(), begun.id)
    assert len(kept) == 0


def test_one_that_is_being_answered_is_not_forgotten(kept: Conversations, clock: Clock) -> None:
    """However long the answer takes."""
    begun = kept.get(caller())
    with kept.turn(begun):
        clock.now = 61 * 60
        assert kept.get(caller(), begun.id) is begun


def test_nobody_drives_out_the_dialogues_of_others(kept: Conversations) -> None:
    """Beyond his share a principal loses his own oldest; beyond the whole the one that was quiet longest goes."""
    first = kept.get(caller("local|ben"))
    mine = [kept.get(caller()).id for _ in range(10)]
    assert len(kept) == 4
    assert kept.get(caller("local|ben"), first.id) is first
    assert [kept.get(caller(), id).id for id in mine[-3:]] == mine[-3:]
    with pytest.raises(NotFound):
        kept.get(caller(), mine[-4])
    for number in range(10):
        kept.get(caller(f"local|{number}"))
    assert len(kept) == 5


def test_forgotten_is_forgotten(kept: Conversations) -> None:
    """A second time there is nothing."""
    begun = kept.get(caller())
    kept.forget(caller(), begun.id)
    with pytest.raises(NotFound):
        kept.forget(caller(), begun.id)


def test_one_question_at_a_time(kept: Conversations) -> None:
    """Two at once would number aliases twice and lose a turn."""
    begun = kept.get(caller())
    with kept.turn(begun):
        with pytest.raises(ConversationBusy) as refused, kept.turn(begun):
            pass
        assert isinstance(refused.value, RagkitError)
        assert refused.value.remedy
    with kept.turn(begun):
        pass


def test_a_long_dialogue_remembers_its_last_turns(kept: Conversations) -> None:
    """What is kept is bounded."""
    begun = kept.get(caller())
    for _ in range(TURNS + 20):
        begun.add(Turn(MaskedText(NOTHING, NOTHING), NOTHING))
    assert len(kept.get(caller(), begun.id).turns) == TURNS


def test_closing_forgets_all(kept: Conversations) -> None:
    """The end of a tenant is the end of its dialogues."""
    kept.get(caller())
    kept.close()
    assert len(kept) == 0
