"""The shop whose workspace lives: its configuration, what its documents say, and what its model answers."""

from __future__ import annotations

import json
import random

CONFIG = """\
[workspace]
name = "lived"
owner = "local|ana"
[keys]
source = "file"
path = "{keys}/root.key"
[audit]
mode = "compliance"
{audit}
[audit.key]
path = "{keys}/audit.key"
[roles]
auditors = ["u:local|ana"]
ingesters = ["u:local|ana"]
operators = ["u:local|ana"]
[policies.rules]
profile = "default"
detectors = []
{policy}
{tables}
[generators.house]
kind = "openai_compatible"
model = "tiny"
destination = "house"
[destinations.house]
url = "{url}"
location = "on-prem"
provider = "house"
max_data_class = "restricted"
[collections.shop]
policy = "rules"
data_class = "internal"
access = ["u:local|ana"]
reveal = ["u:local|ana"]
officers = ["u:local|ana"]
filter_keys = ["area"]
max_delete_share = 1.0
[[collections.shop.sources]]
connector = "jsonl"
name = "open"
path = "open.jsonl"
access = ["u:local|ana", "u:local|ben"]
[[collections.shop.sources]]
connector = "jsonl"
name = "board"
path = "board.jsonl"
access = [{board}]
"""
THINGS = ("tent", "stove", "lamp", "backpack", "sleeping bag", "kettle", "rope", "compass", "boot", "jacket")
TOPICS = ("warranty", "refund", "repair", "delivery", "cleaning", "storage", "rental", "insurance")
PLACES = ("north", "south", "coast", "valley")
NAMES = ("galina.yalmanova", "henrik.thorvald", "peter.ostrowsky", "amina.baskaran", "tomas.ferreira")
RARE = "ilse.marquardt"
"""Stands in few documents, and nobody asks about her: many answers never touch her."""
_SOON = 3
SHAPES = (
    "The {topic} of every {thing} lasts {number} days from purchase in the {place}.",
    "For the {topic} of a {thing} write to {name}@example.org within {number} hours.",
    "A {thing} from the {place} store costs {number} euros, and its {topic} is included.",
    "Our {place} store does not offer {topic} for a {thing} older than {number} months.",
)


def text_of(draw: random.Random) -> str:
    """Draw the text of a document: one to four paragraphs."""
    return "\n\n".join(
        " ".join(sentence_of(draw) for _ in range(draw.randint(2, 9))) for _ in range(draw.randint(1, 4))
    )


def sentence_of(draw: random.Random) -> str:
    """Draw a sentence; some name an address. Only one person answers within so few hours as :data:`_SOON`."""
    shape = draw.choice(SHAPES)
    topic, thing, place, name = (draw.choice(words) for words in (TOPICS, THINGS, PLACES, NAMES))
    number = draw.randint(2, 99)
    # The number alone decides: no draw is more or less for it.
    return shape.format(topic=topic, thing=thing, place=place, name=RARE if number <= _SOON else name, number=number)


def answering(messages: object) -> str:
    """What the model of the server says: always the same, and with an alias where it was shown one."""
    told = json.dumps(messages, ensure_ascii=False, default=str)
    start = told.find("[EMAIL_ADDRESS_")
    alias = told[start : told.find("]", start) + 1] if start >= 0 else "the shop"
    return f"It lasts as long as the sources say, says {alias} [1]."
