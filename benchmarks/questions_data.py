"""People for ``questions.py``: letters and judgments about invented people, and the ways to ask for them.

Half of the surnames come from Faker, which the name pools were made from; half are put together from syllables of
those and are on no list, as a real customer's name mostly is. Some people are called by everyday words.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

from faker import Faker

from ragkit.wordlists import everyday, folded

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL", "pl_PL", "sv_SE", "tr_TR", "pt_BR", "cs_CZ")
COMMON_GIVEN = ("Will", "May", "Mark", "Grace", "Reading", "Rose", "Hope", "Faith", "Bill", "Art", "Summer", "Dean")
TOPICS = {
    "invoice": "the invoice of {day} was paid twice, and the second payment of {sum} euros goes back",
    "contract": "the contract signed on {day} ends after {sum} days unless it is renewed",
    "complaint": "the complaint of {day} about the broken parcel was settled with {sum} euros",
    "delivery": "the delivery planned for {day} comes later, since the van with {sum} parcels broke down",
    "warranty": "the warranty for the heater bought on {day} covers repairs up to {sum} euros",
    "refund": "the refund of {sum} euros was sent on {day} to the account that paid",
    "appointment": "the appointment on {day} was moved, and the fee of {sum} euros is waived",
    "subscription": "the subscription began on {day} and costs {sum} euros a year",
    "insurance": "the insurance claim of {day} over {sum} euros was passed to the expert",
    "hearing": "the hearing of {day} was adjourned, and costs of {sum} euros were awarded",
}
LAYOUTS = (
    "Dear {honorific} {name},\n\nwe write to tell you that {fact}.\n\nKind regards,\nCustomer care",
    "Name: {name}\nSubject: {topic}\n\nNote for the file: {fact}. The customer was told by telephone.",
    "The applicant, {honorific} {name}, was born in {year} and lives in the district. Nobody disputes that {fact}.",
    "From: {name} <{mail}>\nSubject: {topic}\n\nHello,\n\nI see that {fact}. Is that right?\n\nThank you\n{given}",
)


@dataclass(frozen=True)
class Person:
    """One invented person and the document about them."""

    number: int
    given: str
    family: str
    topic: str
    text: str
    listed: bool
    common: bool

    @property
    def name(self) -> str:
        return f"{self.given} {self.family}"


def people(count: int, seed: int = 3) -> list[Person]:
    """Invented people, no two of whom share a surname; one in eight is called by an everyday word."""
    draw = random.Random(seed)
    fakers = [Faker(locale) for locale in LOCALES]
    for number, faker in enumerate(fakers):
        faker.seed_instance(seed * 100 + number)
    taken: set[str] = set()
    found: list[Person] = []
    while len(found) < count:
        number = len(found)
        faker = fakers[number % len(fakers)]
        listed, common = number % 2 == 0, number % 8 == 7
        given = COMMON_GIVEN[number // 8 % len(COMMON_GIVEN)] if common else faker.first_name().split()[0]
        family = faker.last_name().split()[-1]
        if not listed:
            other = faker.last_name().split()[-1]
            family = (family[: len(family) // 2 + 1] + other[len(other) // 2 :].lower()).replace("-", "")
        if family.lower() in taken or len(family) < 4 or (family.lower() in folded("family")) is not listed:
            continue
        if not family.isalpha() or family.lower() in everyday() or (not common and given.lower() in everyday()):
            continue
        taken.add(family.lower())
        found.append(_person(draw, number, given, family, listed=listed, common=common))
    return found


def _person(draw: random.Random, number: int, given: str, family: str, *, listed: bool, common: bool) -> Person:
    topic = draw.choice(list(TOPICS))
    fact = TOPICS[topic].format(
        day=f"{draw.randint(1, 28)} {draw.choice(['May', 'June', 'July'])}", sum=draw.randint(20, 900)
    )
    text = draw.choice(LAYOUTS).format(
        honorific=draw.choice(["Mr", "Ms"]),
        name=f"{given} {family}",
        given=given,
        topic=topic,
        fact=fact,
        year=draw.randint(1940, 1999),
        mail=f"{given}.{family}@example.org".lower(),
    )
    return Person(number, given, family, topic, text, listed, common)


FORMS = {
    "full name": "{given} {family}",
    "full name, lower case": "{given_lower} {family_lower}",
    "full name and topic": "{given} {family} {topic}",
    "surname and topic, lower case": "{family_lower} {topic}",
    "surname alone, lower case": "{family_lower}",
    "with honorific": "{topic} of Mrs {family}",
    "possessive": "{family}'s {topic}",
    "initial": "{initial}. {family} {topic}",
    "initial, lower case": "{initial_lower} {family_lower} {topic}",
    "reversed": "{family}, {given}",
    "reversed, lower case": "{family_lower} {given_lower} {topic}",
}
COMMON_FORM = {
    "everyday word, lower case": "{given_lower} {topic}",
    "everyday word in a sentence": "what of {given}'s {topic}",
}


def questions(person: Person) -> Iterator[tuple[str, str, str]]:
    """``(form, question, the part that names the person)`` for each way to ask; one to five words each."""
    values = {
        "given": person.given,
        "family": person.family,
        "given_lower": person.given.lower(),
        "family_lower": person.family.lower(),
        "initial": person.given[0],
        "initial_lower": person.given[0].lower(),
        "topic": person.topic,
    }
    for form, template in (FORMS | (COMMON_FORM if person.common else {})).items():
        name = person.given if form in COMMON_FORM else person.family
        yield form, template.format(**values), name.lower()
