"""What is for a person, what is small talk, and what is neither: precision first, since a wrong hand-over costs."""

from __future__ import annotations

import pytest

from ragkit.helpdesk.small_talk import small_talk
from ragkit.helpdesk.topic_phrases import BUILT_IN
from ragkit.helpdesk.topics import Topics
from ragkit.helpdesk.wording import say

TOPICS = Topics({})
FOR_A_PERSON = {
    "person": [
        "I want to talk to a human",
        "can I speak to someone please?",
        "Talk to a person",
        "connect me with an agent",
        "human please",
        "please call me back",
        "I would like to speak with your manager",
        "Ich möchte mit einem Mitarbeiter sprechen",
        "Mit einem Menschen sprechen",
        "Bitte verbinden Sie mich mit einem Mitarbeiter",
        "Ich möchte einen Mitarbeiter sprechen",
        "Kann ich mit dem Kundenservice sprechen?",
        "Können Sie mich bitte zurückrufen?",
        "Je voudrais parler à un conseiller",
        "Parler à une personne",
    ],
    "complaint": [
        "I want to make a complaint",
        "I'd like to file a formal complaint about my order",
        "This is a formal complaint.",
        "Ich möchte mich beschweren",
        "Je veux faire une réclamation",
    ],
    "legal": ["You will hear from my lawyer", "I will take you to court", "we are suing you", "mein Anwalt schreibt"],
    "medical": [
        "My son swallowed a battery",
        "I got a rash from the sleeping bag",
        "I burned my hand on the stove",
        "she was injured by the tent pole",
        "Ich habe mich verletzt",
    ],
    "safety": [
        "I smell gas in the kitchen",
        "the stove caught fire",
        "My power bank exploded",
        "I got an electric shock from it",
        "Es riecht nach Gas",
        "Il y a une odeur de gaz",
    ],
    "self-harm": ["I want to kill myself", "I don't want to live anymore", "Ich will nicht mehr leben"],
    "fraud": [
        "Someone used my card",
        "there is an unauthorised payment on my account",
        "I was scammed",
        "my account was hacked",
        "Ich bin betrogen worden",
    ],
    "press": ["I am a journalist working on a story", "press enquiry", "Ich bin Journalistin"],
    "data-protection": [
        "Please delete my personal data",
        "What data do you hold about me?",
        "I am making a subject access request",
        "Bitte löschen Sie meine Daten",
        "Supprimez mes données",
    ],
    "upset": [
        "This is ridiculous!!!",
        "worst service ever",
        "you stupid bot",
        "I'm fed up with this",
        "Das ist eine Frechheit",
    ],
}  # fmt: skip
FOR_THE_CHATBOT = [
    "How long is the warranty on a tent?",
    "What is your complaints procedure?",
    "How do I make a complaint?",
    "How long does the complaints team take to reply?",
    "Is the stove safe to use inside a tent?",
    "What gas cartridges fit the Kestrel 2?",
    "Can I return a tent I used once?",
    "How do you use my data?",
    "Where do I find your privacy notice?",
    "Do I need an agent to import goods?",
    "Which person signs for the parcel?",
    "Is there a real down jacket?",
    "What is the phone number of the Leeds store?",
    "Do you call before delivery?",
    "My order has not arrived",
    "I want a refund",
    "The zip is broken",
    "Can I pay by card?",
    "What happens to a lost parcel?",
    "I don't want to talk to a person, just tell me the price",
    "No need to call me back",
    "how hot does the stove burn",
    "What should be in a first aid kit?",
    "The manager of the Leeds store was very helpful, when does it open?",
    "Wie lange ist die Garantie?",
    "Ich will nicht mit einem Menschen sprechen",
    "Wie erreiche ich den Kundenservice?",
    "Combien coûte la livraison ?",
]


@pytest.mark.parametrize(("topic", "text"), [(topic, text) for topic, texts in FOR_A_PERSON.items() for text in texts])
def test_what_a_person_is_to_deal_with(topic: str, text: str) -> None:
    """Each under its topic."""
    found = TOPICS.find(text)
    assert found is not None
    assert found.topic == topic


@pytest.mark.parametrize("text", FOR_THE_CHATBOT)
def test_questions_are_not_handed_over(text: str) -> None:
    """Not even those that have one of the words."""
    assert TOPICS.find(text) is None
    assert small_talk(text) is None


def test_every_topic_is_tried_here() -> None:
    """A topic that is added says what it is for."""
    assert set(FOR_A_PERSON) == set(BUILT_IN)


def test_a_company_adds_its_own_and_leaves_out_others() -> None:
    """Words and phrases as they are, whole; a request for a person cannot be left out."""
    mine = Topics({"wholesale": ("trade account", "bulk order")}, without=("legal", "person"))
    found = mine.find("I need a TRADE  account, please")
    assert found is not None
    assert found.topic == "wholesale"
    assert mine.find("trade accountant") is None
    assert mine.find("my lawyer will write") is None
    assert mine.find("human please") is not None


def test_what_is_urgent_comes_first() -> None:
    """A complaint about a fire is a fire."""
    found = TOPICS.find("I want to make a complaint: the stove caught fire")
    assert found is not None
    assert found.topic == "safety"


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Hello!", "hello"),
        ("hi there, how are you?", "hello"),
        ("Guten Tag", "hello"),
        ("Thanks a lot, that helps", "thanks"),
        ("ok thank you", "thanks"),
        ("Bye", "bye"),
        ("Who are you?", "who"),
        ("What can you do?", "who"),
        ("are you a human or a bot", "human"),
        ("Sind Sie ein Mensch?", "human"),
        ("ok", "ok"),
    ],
)
def test_small_talk(text: str, kind: str) -> None:
    """Greetings, thanks, farewells, who it is."""
    assert small_talk(text) == kind


@pytest.mark.parametrize(
    "text", ["Hello, where is my parcel?", "thanks but it does not fit", "who are your suppliers?"]
)
def test_a_question_behind_a_greeting_is_a_question(text: str) -> None:
    """Only a message that is nothing else is small talk."""
    assert small_talk(text) is None


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_everything_is_said_in_each_language(language: str) -> None:
    """A topic without words of its own has those of any hand-over; a language that is not there is English."""
    for name in ("hello", "refusal", "which", "who-is-meant", "person", "handoff.safety", "taken", "closed", "human"):
        assert say(name, language)
        assert language == "en" or say(name, language) != say(name, "en")
    assert say("handoff.press", language) == say("handoff", language)
    assert say("hello", "sw") == say("hello", "en")
    found = TOPICS.find(say("person", language))
    assert found is not None
    assert found.topic == "person"
