"""Whose a value is, in collections masked by the real masker without a learned detector."""

from __future__ import annotations

from pathlib import Path

import pytest

from ragkit.lifecycle.people import People, Person
from ragkit.mask.build import build_detectors
from ragkit.mask.masker import CollectionMasker
from ragkit.mask.vault import Vault
from ragkit.policy import Policy
from ragkit.protocols import Detector
from ragkit.store.subjectrows import SubjectRows
from ragkit.testing.light import LightIngest
from ragkit.types import Block, BlockKind, Document


class Company:
    """A record store under the default policy, its rules only."""

    def __init__(self, folder: Path, detectors: list[Detector]) -> None:
        self.light = LightIngest(folder, max_delete_share=1.0)
        vault = Vault(self.light.collection.keys, self.light.store.vault(), "default")
        masker = CollectionMasker(Policy.default(), detectors, vault, collection="default")
        self.light.masker = masker  # type: ignore[assignment]
        parse = self.light.parser.parse

        def with_tables(item: object) -> Document:
            document = parse(item)  # type: ignore[arg-type]
            if not document.text.startswith("|"):
                return document
            lines = document.text.split("\n")
            header = len(lines[0]) + len(lines[1]) + 2
            block = Block(BlockKind.TABLE, 0, len(document.text), header_end=header)
            return Document(
                text=document.text, blocks=(block,), title=document.title, name=document.name, media_type="text/plain"
            )

        self.light.parser.parse = with_tables  # type: ignore[method-assign, assignment]
        self.vault = masker.vault

    def hold(self, texts: dict[str, str]) -> Company:
        self.light.sync(texts)
        return self

    def find(self, value: str, entity_type: str | None = None) -> list[Person]:
        return People(self.light.store, self.vault).find(value, entity_type=entity_type)

    def names(self, person: Person, *, possible: bool = False) -> set[str]:
        """The native ids of a person's documents."""
        documents = person.possible if possible else person.documents
        return set(self.light.store.native_ids([one.doc_id for one in documents]).values())

    def wholly(self, person: Person) -> set[str]:
        ids = [one.doc_id for one in person.documents if one.wholly]
        return set(self.light.store.native_ids(ids).values())


@pytest.fixture(scope="module")
def detectors():
    """Those of the default policy, loaded once."""
    found = build_detectors(Policy.default())
    for detector in found:
        detector.load()
    return found


@pytest.fixture
def company(tmp_path, detectors):
    """An empty one."""
    return Company(tmp_path, detectors)


def certain(person: Person) -> set[str]:
    """What surely is theirs."""
    return {one.value for one in person.values if one.certain}


def shared(person: Person) -> set[str]:
    """What others have too."""
    return {one.value for one in person.values if one.shared}


FORM = "Name: {name}\nE-mail: {mail}\nCustomer number: {number}\n"


def test_every_value_leads_to_the_whole_person(company) -> None:
    """A form, a mail and a letter of one person are joined by address, number and name."""
    company.hold(
        {
            "form.txt": FORM.format(name="Galip Yalman", mail="galip.yalman@post.example.com", number="K-10017"),
            "mail.txt": "From: Galip Yalman <galip.yalman@post.example.com>\nTo: Support <support@firm.example.com>\n\n"
            "Hello,\n\nplease call my new phone number +49 171 2345678.\n\nKind regards,\nGalip Yalman",
            "letter.txt": "Customer: Mr Galip Yalman, Lindenstraße 5, 10115 Berlin\n\nYour customer number: K-10017.",
            "other.txt": FORM.format(name="Anna Meier", mail="anna@meier.example.com", number="K-10018"),
        }
    )
    expected = {
        "Galip Yalman",
        "galip.yalman@post.example.com",
        "K-10017",
        "+49 171 2345678",
        "Lindenstraße 5, 10115 Berlin",
    }
    subjects = set()
    address = "GALIP.YALMAN@post.example.com"
    for value in ("galip yalman", "Yalman, Galip", address, "K 10017", "0171 2345678", "G. Yalman"):
        (person,) = company.find(value)
        assert expected <= certain(person), value
        assert company.names(person) == {"form.txt", "mail.txt", "letter.txt"}
        assert not shared(person)
        assert not person.possible
        subjects.add(person.subject)
    assert len(subjects) == 1
    assert company.find("Nobody Here") == []
    assert company.find("Galip Yalman", "EMAIL_ADDRESS") == []


def test_namesakes_stay_apart_and_a_bare_name_is_nobodys(company) -> None:
    """Two people of one name: two Persons, the name shared, a letter that only names him possibly either's."""
    company.hold(
        {
            "a.txt": FORM.format(name="Peter Winkler", mail="pw@north.example.com", number="K-20001"),
            "b.txt": FORM.format(name="Peter Winkler", mail="peter@south.example.com", number="K-20002"),
            "bare.txt": "Dear Mr Peter Winkler,\n\nthank you for your visit.",
        }
    )
    one, two = company.find("Peter Winkler")
    assert {frozenset(certain(one)), frozenset(certain(two))} == {
        frozenset({"Peter Winkler", "pw@north.example.com", "K-20001"}),
        frozenset({"Peter Winkler", "peter@south.example.com", "K-20002"}),
    }
    assert shared(one) == shared(two) == {"Peter Winkler"}
    assert company.names(one) | company.names(two) == {"a.txt", "b.txt"}
    assert company.names(one, possible=True) == company.names(two, possible=True) == {"bare.txt"}
    (found,) = company.find("K-20002")
    assert company.names(found) == {"b.txt"}


def test_one_name_in_two_cities(company) -> None:
    """Two addresses under one name are not joined by the name."""
    company.hold(
        {
            "berlin.txt": "Customer: Peter Winkler\nAddress: Lindenstraße 5, 10115 Berlin\nPhone: +49 30 901820",
            "bonn.txt": "Customer: Peter Winkler\nAddress: Hauptstraße 12, 53111 Bonn\nPhone: +49 228 775533",
        }
    )
    assert len(company.find("Peter Winkler")) == 2
    (berlin,) = company.find("+49 30 901820")
    assert company.names(berlin) == {"berlin.txt"}
    assert "+49 228 775533" not in certain(berlin)


def test_father_and_son_of_one_name_at_one_address(company) -> None:
    """Different customer numbers keep them apart, although telephone and address are the same."""
    form = FORM + "Phone: +49 30 901820\nAddress: Lindenstraße 5, 10115 Berlin\nDate of birth: {born}\n"
    company.hold(
        {
            "father.txt": form.format(
                name="Karl Winkler", mail="karl@one.example.com", number="K-30001", born="1950-03-12"
            ),
            "son.txt": form.format(name="Karl Winkler", mail="kw@two.example.com", number="K-30002", born="1981-07-01"),
        }
    )
    people = company.find("Karl Winkler")
    assert len(people) == 2
    for person in people:
        assert shared(person) == {"Karl Winkler", "+49 30 901820", "Lindenstraße 5, 10115 Berlin"}
        assert len(company.names(person)) == 1
    assert len(company.find("+49 30 901820")) == 2
    company.hold(
        {
            "father.txt": form.format(
                name="Karl Winkler", mail="karl@one.example.com", number="K-30001", born="1950-03-12"
            ),
            "son.txt": form.format(name="Karl Winkler", mail="kw@two.example.com", number="K-30002", born="1981-07-01"),
            "either.txt": "Customer: Karl Winkler\nAddress: Lindenstraße 5, 10115 Berlin",
        }
    )
    people = company.find("Karl Winkler")
    assert [company.names(person, possible=True) for person in people] == [{"either.txt"}] * 2
    (son,) = company.find("kw@two.example.com")
    assert {"K-30002", "1981-07-01"} <= certain(son)
    assert not {"K-30001", "karl@one.example.com"} & {one.value for one in son.values}


def test_a_family_shares_a_phone_and_stays_three(company) -> None:
    """The phone leads to all of them; each keeps their own."""
    company.hold(
        {
            "list.txt": """| Name | Phone | E-mail |
| --- | --- | --- |
| Anna Winkler | +49 30 901820 | anna@winkler.example.com |
| Karl Winkler | +49 30 901820 | karl@winkler.example.com |
| Paula Winkler | +49 30 901820 | info@winkler.example.com |"""
        }
    )
    people = company.find("+49 30 901820")
    assert [len(certain(person)) for person in people] == [3, 3, 2]
    assert all("+49 30 901820" in shared(person) for person in people)
    (anna,) = company.find("anna@winkler.example.com")
    assert certain(anna) == {"Anna Winkler", "+49 30 901820", "anna@winkler.example.com"}
    assert company.find("info@winkler.example.com") == []


def test_a_number_that_stands_everywhere_is_not_whose_name_it_stands_beside_once(company) -> None:
    """The office's telephone in the footer of every page, and once in the form of one clerk."""
    footer = "Page {}. Please ring +44 20 7946 0000."
    form = FORM.format(name="Grace Hopperton", mail="grace.hopperton@firm.example.com", number="K-20017")
    company.hold({f"{n}.txt": footer.format(n) for n in range(25)} | {"form.txt": f"{form}Phone: +44 20 7946 0000\n"})
    (person,) = company.find("Grace Hopperton")
    assert certain(person) == {"Grace Hopperton", "grace.hopperton@firm.example.com", "K-20017"}
    assert company.names(person) == {"form.txt"}
    assert not person.possible


def test_a_switchboard_is_nobody(company) -> None:
    """What stands in very many documents and with no name; in a few it may be somebody's."""
    text = "Please ring the switchboard of the company: +44 20 7946 0000."
    company.hold({f"{number}.txt": f"{text} Page {number}." for number in range(21)})
    assert company.find("+44 20 7946 0000") == []
    company.hold({f"{number}.txt": f"{text} Page {number}." for number in range(3)})
    assert len(company.find("+44 20 7946 0000")) == 1


def test_a_new_family_name_is_joined_by_the_customer_number(company) -> None:
    """Both names are hers; her husband, who has the number of the household too, is not her."""
    company.hold(
        {
            "before.txt": FORM.format(name="Anna Meier", mail="anna.meier@post.example.com", number="K-40001"),
            "after.txt": FORM.format(name="Anna Schulz", mail="anna.schulz@post.example.com", number="K-40001"),
            "husband.txt": "Name: Robert Schulz\nCustomer number: K-40001\nPhone: +49 30 901820",
        }
    )
    (anna,) = company.find("anna.meier@post.example.com")
    assert {"Anna Meier", "Anna Schulz", "anna.schulz@post.example.com", "K-40001"} <= certain(anna)
    assert "+49 30 901820" not in {one.value for one in anna.values}
    assert company.names(anna) == {"before.txt", "after.txt"}
    assert "K-40001" in shared(anna)
    assert len(company.find("K-40001")) == 2
    assert len(company.find("Anna Meier")) == 1


def test_a_surname_of_several_is_theirs_only_perhaps(company) -> None:
    """``Mr Yalman`` with one Yalman is his; with two it is possible for both."""
    company.hold(
        {
            "galip.txt": FORM.format(name="Galip Yalman", mail="galip.yalman@post.example.com", number="K-10017"),
            "mister.txt": "Mr Yalman called about the delivery on Monday.",
        }
    )
    (galip,) = company.find("K-10017")
    assert company.names(galip) == {"galip.txt", "mister.txt"}
    company.hold(
        {
            "galip.txt": FORM.format(name="Galip Yalman", mail="galip.yalman@post.example.com", number="K-10017"),
            "mister.txt": "Mr Yalman called about the delivery on Monday.",
            "zeynep.txt": FORM.format(name="Zeynep Yalman", mail="zeynep.yalman@post.example.com", number="K-10019"),
        }
    )
    (galip,) = company.find("K-10017")
    assert company.names(galip) == {"galip.txt"}
    assert company.names(galip, possible=True) == {"mister.txt"}
    assert {one.value: one.certain for one in galip.values}["Yalman"] is False
    assert len(company.find("Yalman")) == 2


def test_a_role_mailbox_joins_nobody(company) -> None:
    """Two people who write from the office's address are two."""
    company.hold(
        {
            "one.txt": "Name: Galip Yalman\nE-mail: office@firm.example.com\nCustomer number: K-10017",
            "two.txt": "Name: Anna Meier\nE-mail: office@firm.example.com\nCustomer number: K-10018",
        }
    )
    (galip,) = company.find("K-10017")
    assert certain(galip) == {"Galip Yalman", "K-10017"}
    assert company.names(galip) == {"one.txt"}


def test_wholly_is_what_speaks_of_nobody_else(company) -> None:
    """A record and a file of the name are; a policy that names a contact, and a letter signed by another, are not."""
    company.hold(
        {
            "record.txt": FORM.format(name="Galip Yalman", mail="galip.yalman@post.example.com", number="K-10017"),
            "Galip_Yalman_review.txt": "Mr Galip Yalman does well.\n\nNext year more.\n\nNothing else.",
            "policy.txt": "Travel is booked a week ahead.\n\nHotels are paid by card.\n\nReceipts are kept.\n\n"
            "Questions: Mr Galip Yalman, galip.yalman@post.example.com",
            "signed.txt": "Dear Mr Galip Yalman,\n\nyour customer number: K-10017.\n\nKind regards,\nAnna Meier",
        }
    )
    (person,) = company.find("K-10017")
    assert company.names(person) == {"record.txt", "Galip_Yalman_review.txt", "policy.txt", "signed.txt"}
    assert company.wholly(person) == {"record.txt", "Galip_Yalman_review.txt"}


def test_each_spelling_of_a_value_has_its_row(company) -> None:
    """A further spelling has a token and a key of its own, so it is listed by itself."""
    company.hold(
        {
            "a.txt": FORM.format(name="Galip Yalman", mail="galip.yalman@post.example.com", number="K-10017"),
            "b.txt": "Mr GALIP YALMAN, customer number: k-10017.",
        }
    )
    (person,) = company.find("galip yalman")
    values = {one.value: one for one in person.values}
    assert {"Galip Yalman", "GALIP YALMAN", "K-10017", "k-10017"} <= set(values)
    assert values["GALIP YALMAN"].token != values["Galip Yalman"].token
    rows = SubjectRows(company.light.database, company.light.collection).values([v.number for v in person.values])
    assert len(rows) == len(person.values)
    (held,) = [one for one in person.documents if values["GALIP YALMAN"].number in one.numbers]
    assert company.light.store.native_ids([held.doc_id])[held.doc_id] == "b.txt"


def test_nothing_of_a_person_shows_in_a_repr(company) -> None:
    """Neither of the person nor of a value or document."""
    company.hold({"a.txt": FORM.format(name="Galip Yalman", mail="gy@post.example.com", number="K-10017")})
    (person,) = company.find("K-10017")
    told = repr(person) + repr(person.values) + repr(person.documents)
    assert not any(part in told for part in ("Galip", "Yalman", "post.example.com", "10017"))
