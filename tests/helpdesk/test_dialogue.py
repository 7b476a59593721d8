"""What becomes of a message: an answer, small talk, a question back, a refusal, a person."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread

import pytest

from ragkit import Principal, open_workspace
from ragkit.desk.records import DeskConflict
from ragkit.errors import AccessDenied, ConfigError, UnknownId
from ragkit.folding import fold
from ragkit.helpdesk.dialogue import Helpdesk
from ragkit.helpdesk.spoken import ChatBusy, Done, Piece, TooFast
from ragkit.helpdesk.topics import plain
from ragkit.testing.desk import Chat

AGENT = Principal("crm|bob", groups=frozenset({"crm|agents"}))
OTHER = Principal("crm|eve", groups=frozenset({"crm|agents"}))
TENT, STOVE = "How long is the warranty on a tent?", "How long are stoves covered?"
NONSENSE = "What is the boiling point of tungsten?"
TYPED = "I want to talk to a person. I am Gundula Weberknecht, phone +44 20 7946 0321."
DAY_MS = 86_400_000


def _events(shop: Path) -> list[dict[str, object]]:
    files = sorted((shop / ".ragkit" / "events").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def test_an_answer_is_kept_with_its_sources(chat: Chat) -> None:
    """Sentences without markers, each with its sources; joined they are the answer."""
    answer = chat.say(TENT)
    assert answer.kind == "answer"
    assert answer.content["sources"][0]["title"] == "Warranty"
    first = answer.content["sentences"][0]
    assert "five years" in first["text"]
    assert first["sources"]
    assert chat.entries[0].content["index"]


def test_a_follow_up_is_understood_also_after_a_restart(open_chat: Callable[[], Chat]) -> None:
    """What retrieval needs of the turns before is made anew from what is kept."""
    first = open_chat().begin()
    first.say(TENT)
    again = Chat(open_chat().helpdesk, first.visitor, first.number)
    assert [one.text for one in again.entries] == [one.text for one in first.entries]
    followed = again.say("And for stoves?")
    assert followed.kind == "answer"
    assert "two years" in followed.text
    live = again.helpdesk._live(first.number)
    assert len(live.conversation.turns) == 2
    assert live.conversation.id == first.number


def test_who_asks_for_a_person_gets_one_with_a_summary(chat: Chat) -> None:
    """Why, what was asked in order, what was answered from which documents: masked."""
    chat.say(TENT)
    chat.say(NONSENSE)
    reply = chat.say(TYPED)
    assert (reply.kind, chat.status) == ("handoff", "waiting")
    ticket = chat.ticket
    assert ticket.topic == ticket.summary.why == "person"
    assert list(ticket.summary.asked[:2]) == [TENT, NONSENSE]
    assert [one["kind"] for one in ticket.summary.tried] == ["answer", "refusal"]
    assert ticket.summary.tried[0]["titles"] == ["Warranty"]
    assert "Weberknecht" not in json.dumps([ticket.summary.asked, ticket.summary.tried])


def test_an_agent_takes_answers_and_gives_back(chat: Chat) -> None:
    """The customer is told, reads the agent, and the assistant is silent until it is given back."""
    chat.say(TYPED)
    number = chat.ticket.id
    with pytest.raises(DeskConflict):
        chat.desk.reply(number, "Hello", agent=AGENT)
    chat.helpdesk.take(number, agent=AGENT)
    assert chat.status == "agent"
    with pytest.raises(DeskConflict):
        chat.helpdesk.take(number, agent=OTHER)
    chat.desk.reply(number, "Good morning, this is Bob Fernsby.", agent=AGENT)
    assert chat.say("Thank you!").role == "customer"
    shown = chat.helpdesk.read(chat.number, principal=chat.visitor)[1]
    assert [one.entry.role for one in shown] == ["customer", "assistant", "notice", "agent", "customer"]
    assert shown[3].clear == "Good morning, this is Bob Fernsby."
    chat.helpdesk.close_ticket(number, outcome="returned", agent=AGENT)
    assert chat.status == "assistant"
    assert chat.say(TENT).kind == "answer"


def test_a_ticket_that_is_solved_ends_the_conversation(chat: Chat) -> None:
    """Nothing is taken afterwards, and only outcomes that there are."""
    chat.say(TYPED)
    chat.helpdesk.take(chat.ticket.id, agent=AGENT)
    with pytest.raises(ConfigError):
        chat.helpdesk.close_ticket(chat.ticket.id, outcome="gone", agent=AGENT)
    chat.helpdesk.close_ticket(chat.ticket.id, outcome="solved", agent=AGENT)
    assert chat.status == "closed"
    with pytest.raises(ChatBusy):
        chat.say(TENT)


def test_clear_words_are_kept_with_a_ticket_only_and_shown_to_the_entitled(own_chat: Chat, shop: Path) -> None:
    """What was typed before the hand-over comes with it; without a ticket nothing is kept but masks."""
    own_chat.say("My phone is +44 20 7946 0321. " + TENT)
    kept = own_chat.desk.store.conversations
    assert kept.raw(own_chat.number) == {}
    own_chat.say(TYPED)
    own_chat.helpdesk.hand_over(own_chat.number, principal=own_chat.visitor, contact="gundula@example.org")
    for principal, purpose in ((OTHER, ""), (Principal("crm|carl"), "call back")):
        with pytest.raises(AccessDenied):
            own_chat.desk.reveal(own_chat.ticket.id, purpose=purpose, agent=principal)
    words, contact = own_chat.desk.reveal(own_chat.ticket.id, purpose="call back", agent=AGENT)
    assert sum("+44 20 7946 0321" in text for text in words.values()) == 2
    assert contact == "gundula@example.org"
    kinds = [event["type"] for event in _events(shop)]
    assert kinds.count("auth.denied") == 2
    assert kinds.count("ticket.revealed") == 1


def test_a_conversation_without_a_ticket_has_none_to_reveal(chat: Chat) -> None:
    """There is no such ticket."""
    chat.say(TENT)
    with pytest.raises(UnknownId):
        chat.desk.reveal("0" * 32, purpose="curious", agent=AGENT)


def test_so_many_refusals_in_a_row_go_to_a_person(chat: Chat) -> None:
    """An answer between begins the count anew."""
    assert chat.say(NONSENSE).kind == "refusal"
    assert chat.say(TENT).kind == "answer"
    assert chat.say(NONSENSE).kind == "refusal"
    assert chat.say("Who won the football world cup in 1954?").kind == "handoff"
    assert chat.ticket.topic == "no-answer"


def test_the_same_question_a_third_time_goes_to_a_person(chat: Chat) -> None:
    """The answer does not help."""
    chat.say(TENT)
    chat.say("How long is the warranty on a tent")
    assert chat.say(TENT + "!!").kind == "handoff"
    assert chat.ticket.topic == "repeated"


def test_two_messages_at_once_are_one_too_many(chat: Chat) -> None:
    """Aliases and turns are made by one at a time; the second is told to wait."""
    said = chat.helpdesk.say(chat.number, TENT, principal=chat.visitor)
    next(said)
    with pytest.raises(ChatBusy):
        chat.say(STOVE)
    assert [type(one) for one in said][-2:] == [Piece, Done]
    assert chat.say(STOVE).kind == "answer"


def test_a_message_that_races_with_forgetting_brings_nothing_back(own_chat: Chat) -> None:
    """Forgotten while it is answered: the rest is refused, and no row is left."""
    said = own_chat.helpdesk.say(own_chat.number, TENT, principal=own_chat.visitor)
    next(said)
    own_chat.helpdesk.forget(own_chat.number, principal=own_chat.visitor)
    with pytest.raises(UnknownId):
        list(said)
    assert own_chat.desk.store.counts()["messages"] == 0


def test_a_message_is_one_question_in_the_log(own_chat: Chat, shop: Path) -> None:
    """The look whether to ask back is none, so that figures of questions are right; it leaves what it found."""
    own_chat.say(TENT)
    kinds = [event["type"] for event in _events(shop)]
    assert kinds.count("query.received") == 1
    assert kinds.count("retrieval.done") == 2


def test_nothing_is_remembered_of_a_conversation_that_was_forgotten_elsewhere(own_chat: Chat) -> None:
    """With a person who is erased, or by age: what was typed is in memory no longer than until the next look."""
    own_chat.say(TENT)
    other = Chat(own_chat.helpdesk, own_chat.visitor).begin()
    other.say(TENT)
    assert list(own_chat.helpdesk._live(own_chat.number).words.values()) == [TENT]
    own_chat.desk.forget([own_chat.number], cause="erasure")
    own_chat.helpdesk.tidy()
    assert list(own_chat.helpdesk._memory._live) == [other.number]


def test_what_is_typed_is_in_no_cache(chat: Chat) -> None:
    """Words are folded to find topics and small talk, and the whole text is not kept for the next time."""
    assert plain("Call me, I am Gundula Weberknecht") == "call me i am gundula weberknecht"
    assert chat.say("Call me, I am Gundula Weberknecht").id
    hits = fold.cache_info().hits
    fold("Call me, I am Gundula Weberknecht")
    assert fold.cache_info().hits == hits


def test_who_writes_too_fast_waits(chat: Chat) -> None:
    """By visitor, whatever the conversation."""
    slow = Helpdesk(chat.helpdesk.workspace, chat.helpdesk.chat.model_copy(update={"messages_per_minute": 2}))
    hasty = Chat(slow, chat.visitor).begin()
    hasty.say("Hello")
    hasty.begin().say("Hello")
    with pytest.raises(TooFast) as refused:
        hasty.say("Hello")
    assert 1 <= refused.value.seconds <= 60
    assert len(hasty.entries) == 2


def test_a_visitor_cannot_fill_the_store_or_the_log(chat: Chat) -> None:
    """Beginning, handing over and previewing are bounded as messages are; of another visitor nothing is counted."""
    slow = Helpdesk(chat.helpdesk.workspace, chat.helpdesk.chat.model_copy(update={"messages_per_minute": 1}))
    hasty, preview = Chat(slow, chat.visitor).begin(), slow.preview
    slow.hand_over(hasty.number, principal=chat.visitor)
    preview("Hello", principal=chat.visitor)
    for deed in (
        lambda: slow.begin(principal=chat.visitor, disclosure="1"),
        lambda: slow.hand_over(hasty.number, principal=chat.visitor),
        lambda: preview("Hello", principal=chat.visitor),
    ):
        with pytest.raises(TooFast):
            deed()
    preview("Hello", principal=replace(chat.visitor, subject="chat|another"))


def test_threads_that_write_to_conversations_of_their_own_do_not_mix(chat: Chat) -> None:
    """Six visitors at once: each reads their own question and its answer."""
    chats = [Chat(chat.helpdesk, replace(chat.visitor, subject=f"chat|{number:016}")).begin() for number in range(6)]
    start, kinds = Barrier(6), dict[int, str]()

    def work(place: int) -> None:
        start.wait()
        kinds[place] = chats[place].say(TENT if place % 2 else STOVE).text

    threads = [Thread(target=work, args=(place,)) for place in range(6)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    for place, one in enumerate(chats):
        assert ("five years" if place % 2 else "two years") in kinds[place]
        assert len(one.entries) == 2


def test_what_is_past_its_time_is_forgotten_but_not_what_waits_for_a_person(own_chat: Chat, shop: Path) -> None:
    """A closed ticket goes with its conversation; one that is open keeps it."""
    closed, waits = Chat(own_chat.helpdesk, own_chat.visitor).begin(), Chat(own_chat.helpdesk, own_chat.visitor).begin()
    for one in (closed, waits):
        one.say(TYPED)
    own_chat.helpdesk.take(closed.ticket.id, agent=AGENT)
    own_chat.helpdesk.close_ticket(closed.ticket.id, outcome="solved", agent=AGENT)
    own_chat.say(TENT)
    with own_chat.desk.store._file.writing() as database:
        database.execute("UPDATE conversations SET changed = changed - ?", (31 * DAY_MS,))
    assert own_chat.helpdesk.sweep() == 2
    assert [one.id for one in own_chat.desk.store.conversations.list()] == [waits.number]
    [event] = [event for event in _events(shop) if event["type"] == "chat.forgotten"]
    assert event["data"] == {"conversations": 2, "cause": "age", "days": 30}


def test_events_tell_what_happened_and_no_word(own_chat: Chat, shop: Path) -> None:
    """Begun, told that an AI answers, handed over, taken, answered, closed, rated, forgotten."""
    answer = own_chat.say(TENT)
    own_chat.helpdesk.rate(
        own_chat.number, answer.id, principal=own_chat.visitor, rating="down", reason="wrong", comment=TYPED
    )
    own_chat.say(TYPED)
    own_chat.helpdesk.take(own_chat.ticket.id, agent=AGENT)
    own_chat.desk.reply(own_chat.ticket.id, "Dear Ms Weberknecht", agent=AGENT)
    own_chat.helpdesk.close_ticket(own_chat.ticket.id, outcome="solved", agent=AGENT)
    own_chat.helpdesk.forget(own_chat.number, principal=own_chat.visitor)
    told = [event["type"] for event in _events(shop)]
    for kind in ("chat.begun", "disclosure.shown", "feedback.given", "ticket.replied", "ticket.closed"):
        assert told.count(kind) == 1, kind
    assert told.count("human.handoff") == 2
    assert told.count("chat.forgotten") == 1
    written = b"".join(path.read_bytes() for path in shop.rglob("*") if path.is_file())
    assert b"Weberknecht" not in written
    assert b"7946 0321" not in written


def test_a_disclosure_that_is_not_shown_now_begins_nothing(chat: Chat) -> None:
    """The page is reloaded first."""
    with pytest.raises(ConfigError):
        chat.helpdesk.begin(principal=chat.visitor, disclosure="0")


def test_a_source_that_the_visitor_may_no_longer_see_is_not_shown(chat: Chat) -> None:
    """Each look asks the record store again."""
    answer = chat.say(TENT)
    place = f"{answer.seq}-{answer.content['sources'][0]['passage']}"
    shown = chat.helpdesk.passage(chat.number, place, principal=chat.visitor)
    assert shown is not None
    chunk = answer.content["cited"]["1"]["chunk"]
    with open_workspace(chat.helpdesk.workspace.config.folder) as workspace:
        owner = workspace.config.workspace.principal
        staff = workspace.search("Who repaired the zip?", principal=owner, k=10)
        secret = next(hit.chunk_id for hit in staff if "zip" in hit.chunk.record)
    assert chat.desk.passage(chunk, collection="shop", principal=chat.visitor) is not None
    assert chat.desk.passage(secret, collection="shop", principal=chat.visitor) is None
    assert chat.desk.passage(secret, collection="shop", principal=owner) is not None
