"""What the desk keeps, how it is sealed, and how it is forgotten."""

from __future__ import annotations

import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from ragkit.desk.keys import DeskKeys
from ragkit.desk.records import Summary
from ragkit.desk.store import DeskStore
from ragkit.errors import ConfigError, KeyDestroyed, StoreError

SECRET = secrets.token_bytes(32)
WORDS = "Gundula Weberknecht rang from +44 20 7946 0321"
DAY_MS = 86_400_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskStore]:
    """A desk of its own."""
    store = DeskStore(tmp_path, secret=SECRET)
    yield store
    store.close()


def _begin(desk: DeskStore, subject: str = "chat|one", collection: str = "shop") -> str:
    return desk.conversations.begin(collection=collection, subject=subject, disclosure="1").id


def _say(desk: DeskStore, number: str, text: str = WORDS, **more: object) -> str:
    return desk.conversations.add(number, role="customer", kind="said", content={"text": text}, **more).id  # type: ignore[arg-type]


def test_messages_come_back_in_order_also_after_the_files_were_closed(desk: DeskStore, tmp_path: Path) -> None:
    """A restart of the service loses no conversation."""
    number = _begin(desk)
    for text in ("one", "two", "three"):
        _say(desk, number, text)
    desk.close()
    again = DeskStore(tmp_path, secret=SECRET)
    assert [(one.seq, one.text) for one in again.conversations.entries(number, after=1)] == [(2, "two"), (3, "three")]
    again.close()


def test_a_conversation_is_its_owners_alone(desk: DeskStore) -> None:
    """Somebody else's is as if it were not there."""
    number = _begin(desk)
    found = desk.conversations.owned(number, "chat|one")
    assert found is not None
    assert found.status == "assistant"
    assert desk.conversations.owned(number, "chat|two") is None
    assert desk.conversations.owned("0" * 32, "chat|one") is None


def test_no_word_stands_in_the_files_and_they_are_private(desk: DeskStore, tmp_path: Path) -> None:
    """Neither of messages, tickets nor comments, nor who it was."""
    number = _begin(desk, subject="chat|Gundula")
    message = _say(desk, number, raw=WORDS)
    desk.tickets.open(number, topic="person", summary=Summary(why=WORDS, asked=(WORDS,)), contact=WORDS)
    desk.feedback.add(request_id="r" * 32, subject="chat|Gundula", rating="down", comment=WORDS, message=message)
    files = [path for path in tmp_path.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"desk.db", "desk.keys.db"}
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"Gundula" not in path.read_bytes()
        assert b"7946" not in path.read_bytes()


def test_a_copy_from_before_cannot_be_read_when_the_key_is_destroyed(desk: DeskStore, tmp_path: Path) -> None:
    """Whoever copied ``desk.db`` has bytes; forgetting reaches it there."""
    kept, gone = _begin(desk), _begin(desk)
    _say(desk, kept, "stays")
    _say(desk, gone, raw=WORDS)
    assert desk._file.empty_log()
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / "desk.db", copy / "desk.db")
    assert desk.forget([gone]) == 1
    shutil.copy(tmp_path / "desk.keys.db", copy / "desk.keys.db")
    thief = DeskStore(copy, secret=SECRET)
    assert thief.conversations.find(gone) is None
    with pytest.raises(KeyDestroyed):
        thief.conversations.entries(gone)
    with pytest.raises(KeyDestroyed):
        thief.conversations.raw(gone)
    assert [one.text for one in thief.conversations.entries(kept)] == ["stays"]
    thief.close()


def test_forgetting_takes_ticket_and_feedback_along_and_leaves_the_counters(desk: DeskStore) -> None:
    """The words go; that somebody asked stays as a number."""
    number = _begin(desk)
    message = _say(desk, number)
    ticket = desk.tickets.open(number, topic="person", summary=Summary(why="asked"))
    desk.feedback.add(
        request_id="q" * 32, subject="chat|one", rating="up", comment="good", conversation=number, message=message
    )
    assert desk.forget([number]) == 1
    assert desk.forget([number]) == 0
    assert desk.counts() == {"conversations": 0, "messages": 0, "tickets": 0, "feedback": 0}
    assert desk.tickets.find(ticket.id) is None
    [day] = desk.tallies.between("2000-01-01", "2999-01-01").values()
    assert day["conversations"] == 1
    assert day["feedback.up"] == 1


def test_a_message_to_a_forgotten_conversation_is_refused(desk: DeskStore) -> None:
    """Also where it was begun before."""
    number = _begin(desk)
    desk.forget([number])
    with pytest.raises(KeyDestroyed):
        _say(desk, number)


def test_what_a_kill_left_is_finished_by_the_sweep(desk: DeskStore) -> None:
    """Rows whose key is gone go at once; a key without rows goes when it is still idle at the next sweep."""
    number, idle = _begin(desk), "f/idle"
    _say(desk, number)
    desk._keys.destroy([number])
    desk._keys.make(idle)
    desk.sweep(days=30, now=0)
    assert desk.counts()["messages"] == 0
    assert desk._keys.has(idle)
    desk.sweep(days=30, now=0)
    assert not desk._keys.has(idle)


def test_old_conversations_are_listed_by_when_they_were_touched_last(desk: DeskStore) -> None:
    """One with a message today is not old, whenever it was begun."""
    number = _begin(desk)
    changed = desk.conversations.find(number)
    assert changed is not None
    assert desk.old(days=3, now=changed.changed + 2 * DAY_MS) == []
    assert desk.old(days=3, now=changed.changed + 4 * DAY_MS) == [number]


def test_the_last_feedback_of_a_principal_counts(desk: DeskStore) -> None:
    """A thumb that was turned is counted once, with its new reason; another principal's beside it."""
    for rating, reason in (("up", ""), ("down", "wrong")):
        desk.feedback.add(request_id="a" * 32, subject="crm|ana", rating=rating, reason=reason)  # type: ignore[arg-type]
    desk.feedback.add(request_id="a" * 32, subject="crm|bob", rating="up", comment="clear")
    assert sorted((one.rating, one.reason, one.comment) for one in desk.feedback.since(0)) == [
        ("down", "wrong", ""),
        ("up", "", "clear"),
    ]
    [day] = desk.tallies.between("2000-01-01", "2999-01-01").values()
    assert (day["feedback.up"], day["feedback.down"], day["reason.wrong"]) == (1, 1, 1)


def test_a_rating_that_is_none_is_refused(desk: DeskStore) -> None:
    """So is a reason that is not in the list."""
    with pytest.raises(ConfigError):
        desk.feedback.add(request_id="a" * 32, subject="crm|ana", rating="fine")  # type: ignore[arg-type]
    with pytest.raises(ConfigError):
        desk.feedback.add(request_id="a" * 32, subject="crm|ana", rating="up", reason="because")


def test_a_ticket_goes_its_way(desk: DeskStore) -> None:
    """Opened, taken, answered, closed; each time is kept, and the list tells them apart."""
    number = _begin(desk)
    made = desk.tickets.open(number, topic="complaint", summary=Summary(why="angry", tried=({"question": "q"},)))
    desk.tickets.leave_contact(made.id, "ring me")
    assert [one.id for one in desk.tickets.list("open")] == [made.id]
    desk.tickets.take(made.id, agent="crm|bob")
    first = desk.tickets.replied(made.id).replied
    assert desk.tickets.replied(made.id).replied == first
    done = desk.tickets.close(made.id, outcome="solved")
    assert (done.taken_by, done.contact, done.outcome, done.topic) == ("crm|bob", "ring me", "solved", "complaint")
    assert done.summary.tried == ({"question": "q"},)
    assert [one.id for one in desk.tickets.of(number)] == [made.id]
    assert desk.tickets.list("open") == []


def test_of_two_agents_at_once_the_first_has_a_ticket(desk: DeskStore) -> None:
    """Who comes second changes nothing, whenever they looked."""
    made = desk.tickets.open(_begin(desk), topic="person", summary=Summary(why="asked"))
    assert desk.tickets.take(made.id, agent="crm|bob").taken_by == "crm|bob"
    assert desk.tickets.take(made.id, agent="crm|eve").taken_by == "crm|bob"
    desk.tickets.close(made.id, outcome="solved")
    assert desk.tickets.take(made.id, agent="crm|eve").status == "closed"


def test_a_ticket_that_several_change_at_once_loses_nothing(desk: DeskStore, tmp_path: Path) -> None:
    """A customer leaves how to be reached while agents take the ticket: its words are one sealed text."""
    made = desk.tickets.open(_begin(desk), topic="person", summary=Summary(why="asked"))
    others = [DeskStore(tmp_path, secret=SECRET) for _ in range(4)]
    start = Barrier(len(others))

    def work(place: int) -> None:
        start.wait()
        if place % 2:
            others[place].tickets.take(made.id, agent=f"crm|{place}")
        else:
            others[place].tickets.leave_contact(made.id, "ring me")

    for _ in range(10):
        with ThreadPoolExecutor() as pool:
            list(pool.map(work, range(len(others))))
        found = desk.tickets.find(made.id)
        assert found is not None
        assert (found.contact, found.taken_by[:4]) == ("ring me", "crm|")
        with desk._file.writing() as database:
            row = (desk.tickets._sealed(made), made.id)
            database.execute("UPDATE tickets SET status = 'open', taken = NULL, sealed = ? WHERE id = ?", row)
    for one in others:
        one.close()


@pytest.mark.parametrize("what", ["message", "ticket", "thumb", "taken"])
def test_nothing_is_written_to_a_conversation_that_is_forgotten_at_that_moment(
    desk: DeskStore, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Its key was there when the words were sealed, and no row of it is left."""
    number = _begin(desk)
    ticket = desk.tickets.open(number, topic="person", summary=Summary(why="asked"))
    sealing = DeskKeys.seal

    def seal(keys: DeskKeys, *given: object) -> bytes:
        sealed = sealing(keys, *given)  # type: ignore[arg-type]
        if what != "taken":
            desk.forget([number])
        return sealed

    monkeypatch.setattr(DeskKeys, "seal", seal)
    if what == "taken":
        desk.forget([number])
    feedback = {"request_id": "q" * 32, "subject": "chat|one", "comment": "good", "conversation": number}
    ways: dict[str, Callable[[], object]] = {
        "message": lambda: _say(desk, number),
        "ticket": lambda: desk.tickets.open(number, topic="person", summary=Summary(why="asked")),
        "thumb": lambda: desk.feedback.add(rating="up", **feedback),  # type: ignore[arg-type]
        "taken": lambda: desk.tickets.take(ticket.id, agent="crm|bob"),
    }
    with pytest.raises(KeyDestroyed):
        ways[what]()
    assert desk.counts() == {"conversations": 0, "messages": 0, "tickets": 0, "feedback": 0}


def test_held_words_are_all_of_a_conversation(desk: DeskStore) -> None:
    """Who looks for a person finds titles, summaries, comments and raw words too; other collections are left out."""
    number = _begin(desk)
    _begin(desk, collection="other")
    content = {"text": "said", "sources": [{"title": "a title"}]}
    one = desk.conversations.add(number, role="assistant", kind="answer", content=content)
    _say(desk, number, "typed", raw="RAW")
    desk.tickets.open(number, topic="person", summary=Summary(why="why", asked=("asked",)), contact="CONTACT")
    desk.feedback.add(
        request_id="a" * 32, subject="c|a", rating="up", comment="remark", conversation=number, message=one.id
    )
    [held] = desk.held("shop")
    assert {"said", "a title", "typed", "why", "asked", "remark"} <= set(held.texts)
    assert set(held.raw) == {"RAW", "CONTACT"}


def test_a_link_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """Nothing is written through it."""
    (tmp_path / "desk.db").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError):
        _begin(DeskStore(tmp_path, secret=SECRET))
