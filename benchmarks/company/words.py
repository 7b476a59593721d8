"""What the papers say when they speak of nobody: goods, cases, rules. Slots make the sentences differ."""

from __future__ import annotations

import random

_GOODS = (
    "tent", "stove", "backpack", "sleeping bag", "lantern", "rain jacket", "walking pole", "canoe", "hammock",
    "water filter", "climbing rope", "camp chair", "cooking pot", "compass", "pair of boots", "trail map",
)  # fmt: skip
_PARTS = ("zip", "strap", "burner", "seam", "pole", "valve", "buckle", "lining", "handle", "sole", "coating", "hinge")
_PLACES = ("warehouse", "counter", "workshop", "depot", "stand at the fair", "returns desk", "packing line")
_SPANS = ("two days", "a week", "ten days", "three weeks", "a month", "six weeks", "the whole season")
_SENTENCES = (
    "The {part} of the {goods} was replaced after {span} at the {place}.",
    "Stock of the {goods} at the {place} is counted every {count} days.",
    "A {goods} with a loose {part} goes back to the {place} within {span}.",
    "Parcels over {count} kilograms leave the {place} on a pallet.",
    "The supplier of the {part} needs {span} to deliver {count} pieces.",
    "The price of the {goods} rises by {count} percent in spring.",
    "Damp spots on the {goods} come from storage with a wet {part}.",
    "The {place} opens {count} minutes earlier while the sale lasts.",
    "For each returned {goods} the {place} prints one label and keeps it for {span}.",
    "Testing of the {part} takes {count} cycles in the climate chamber.",
    "The catalogue shows the {goods} on page {count} without its {part}.",
    "Repairs of a {part} are free for {span} after purchase.",
)
_REMARKS = (
    "reported that the {part} of the {goods} had come loose.",
    "asked to have the {goods} sent to another address.",
    "complained that the {goods} arrived {span} late.",
    "wants to return the {goods} because of its {part}.",
    "ordered {count} more of the {goods} by telephone.",
    "praised the repair of the {goods}.",
    "disputes the invoice for the {goods} and asks for a copy.",
)
_OPENINGS = (
    "Thank you for your message about the {goods}.",
    "Your order of a {goods} has left the {place}.",
    "We are sorry that the {part} of your {goods} failed after {span}.",
    "The refund for the {goods} was paid today.",
    "The replacement {part} for the {goods} is on its way.",
)
_REVIEWS = (
    "The targets of the year were met, with {count} days of training.",
    "Absences came to {count} days; a phased return was agreed.",
    "A rise of {count} percent is proposed from April.",
    "A written warning about late arrival was withdrawn after {span}.",
)
_TASKS = (
    "will check the {part} of the {goods} with the supplier.",
    "asks the {place} for the figures of the {goods}.",
    "reports on the {goods} in {span}.",
    "orders {count} spare parts for the {place}.",
)
_POLICIES = (
    ("Travel expenses", "Receipts are handed in within {span}. A night in a hotel may cost up to {count}0 euros."),
    ("Returns", "A {goods} that was not used is taken back for {span}. Opened parts such as a {part} are not."),
    ("Keys and passes", "A lost pass is blocked at once. The {place} hands out a new one after {span}."),
    ("Working from home", "Up to {count} days a month may be worked from home."),
    ("Gifts", "Gifts worth more than {count} euros are refused or given to the {place}."),
    ("Complaints", "A complaint about a {goods} is answered within {span}."),
)
_GERMAN = (
    "vielen Dank für Ihre Nachricht. Ihr Zelt ist repariert und geht in {count} Tagen in die Post.",
    "leider ist der Kocher zurzeit nicht lieferbar. Wir melden uns in {count} Tagen.",
    "den Betrag von {count} Euro haben wir heute erstattet.",
)
_SUBJECTS = ("Open case", "Repair", "Question on an invoice", "Delivery of the {goods}", "Return of the {goods}")


def sentence(dice: random.Random) -> str:
    """One about goods and the house."""
    return _filled(dice, _SENTENCES)


def remark(dice: random.Random) -> str:
    """What a customer did, after a name."""
    return _filled(dice, _REMARKS)


def opening(dice: random.Random) -> str:
    """How a letter begins."""
    return _filled(dice, _OPENINGS)


def review(dice: random.Random) -> str:
    """A sentence of a personnel file."""
    return _filled(dice, _REVIEWS)


def task(dice: random.Random) -> str:
    """What somebody took on, after a name."""
    return _filled(dice, _TASKS)


def subject(dice: random.Random) -> str:
    """Of a mail."""
    return _filled(dice, _SUBJECTS)


def german(dice: random.Random) -> str:
    """The body of a German letter."""
    return _filled(dice, _GERMAN)


def policy(dice: random.Random) -> tuple[str, str]:
    """Name and body of a rule."""
    name, body = dice.choice(_POLICIES)
    return name, _filled(dice, (body,))


def segment(dice: random.Random) -> str:
    """Of a customer."""
    return dice.choice(("private", "club", "school", "trade"))


def positions(dice: random.Random) -> tuple[list[tuple[str, float]], float]:
    """Lines of an invoice and their sum."""
    lines = [(dice.choice(_GOODS).capitalize(), dice.randrange(900, 40_000) / 100) for _ in range(dice.randint(1, 4))]
    return lines, sum(price for _, price in lines)


def _filled(dice: random.Random, patterns: tuple[str, ...]) -> str:
    return dice.choice(patterns).format(
        goods=dice.choice(_GOODS),
        part=dice.choice(_PARTS),
        place=dice.choice(_PLACES),
        span=dice.choice(_SPANS),
        count=dice.randint(2, 60),
    )
