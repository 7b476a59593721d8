"""Which values of a document are put together as one person's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ragkit.mask.examination import Resolved
from ragkit.mask.fields import fields
from ragkit.mask.linking import people_in
from ragkit.types import Block, BlockKind, Document, Span

MARKED = re.compile(r"\{([A-Z_]+):([^{}]*)\}")
SHORT = {"P": "PERSON", "E": "EMAIL_ADDRESS", "T": "PHONE_NUMBER", "C": "CUSTOMER_NUMBER", "A": "ADDRESS",
         "D": "DATE_OF_BIRTH", "I": "IBAN_CODE", "O": "ORGANIZATION"}  # fmt: skip


def read(marked: str) -> tuple[str, list[Span]]:
    """``{P:Galip Yalman}`` to the text and its spans."""
    text, spans, position = "", [], 0
    for match in MARKED.finditer(marked):
        text += marked[position : match.start()]
        spans.append(Span(len(text), len(text) + len(match[2]), SHORT.get(match[1], match[1]), 1.0, "rules:x"))
        text, position = text + match[2], match.end()
    return text + marked[position:], spans


def linked(marked: str, *, table: bool = False, blocks: tuple[Block, ...] = (), **more: str) -> list[set[str]]:
    """The groups of a document, each as its values. ``more`` is metadata."""
    text, spans = read(marked)
    if table:
        lines = text.split("\n")
        header = len(lines[0]) + len(lines[1]) + 2
        blocks = (Block(BlockKind.TABLE, 0, len(text), header_end=header),)
    meta = {key: read(value) for key, value in more.items()}
    document = Document(
        text=text,
        blocks=blocks,
        title="A title",
        name="a.txt",
        media_type="text/plain",
        metadata={key: value for key, (value, _) in meta.items()},
    )
    found = {"text": spans} | {f"meta:{key}": own for key, (_, own) in meta.items()}
    parts = tuple((part, found.get(part.slot, [])) for part in fields(document))
    return [{value for _, value in group} for group in people_in(Resolved(document, parts))]


CRM = """| Name | E-mail | Phone | Customer number |
| --- | --- | --- | --- |
| {P:Galip Yalman} | {E:gy@acme.de} | {T:030 901820} | {C:K-1001} |
| {P:Anna Meier} | {E:am@gmx.de} | {T:030 901821} | {C:K-1002} |
| {P:Karl Meier} | {E:info@meier.de} | {T:030 901821} | {C:K-1003} |"""


def test_a_row_of_a_table_is_one_persons() -> None:
    """Each row a group; a shared phone is in both, a role mailbox in none."""
    assert linked(CRM, table=True) == [
        {"Galip Yalman", "gy@acme.de", "030 901820", "K-1001"},
        {"Anna Meier", "am@gmx.de", "030 901821", "K-1002"},
        {"Karl Meier", "030 901821", "K-1003"},
    ]


def test_given_and_family_name_may_have_a_column_each() -> None:
    """And the address that tells both is theirs."""
    text = """| First name | Last name | E-mail |
| --- | --- | --- |
| {P:Galip} | {P:Yalman} | {E:gy77@acme.de} |
| {P:Anna} | {P:Meier} | {E:am@gmx.de} |"""
    assert linked(text, table=True) == [{"Galip", "Yalman", "gy77@acme.de"}, {"Anna", "Meier", "am@gmx.de"}]


def test_two_people_of_a_row_stay_two() -> None:
    """Columns say whose a phone is; the agent has none of it."""
    text = """| Account manager | Customer | Phone | Emergency contact | Emergency phone | Customer number |
| --- | --- | --- | --- | --- | --- |
| {P:Paul Schmidt} | {P:Galip Yalman} | {T:030 901820} | {P:Zeynep Kaya} | {T:0171 2345678} | {C:K-1001} |"""
    assert linked(text, table=True) == [{"Galip Yalman", "030 901820", "K-1001"}, {"Zeynep Kaya", "0171 2345678"}]


def test_two_people_of_one_cell_share_the_row() -> None:
    """A couple's account: the phone is in both groups, and neither name in the other's."""
    text = "| Customers | Phone |\n| --- | --- |\n| {P:Anna Meier} and {P:Karl Meier} | {T:030 901821} |"
    assert linked(text, table=True) == [{"Anna Meier", "030 901821"}, {"Karl Meier", "030 901821"}]


def test_namesakes_of_a_table_stay_apart() -> None:
    """Two rows of one name are two people, and the name alone below the table is neither's."""
    text = """| Name | Customer number | Phone |
| --- | --- | --- |
| {P:Peter Müller} | {C:K-1001} | {T:030 1111111} |
| {P:Peter Müller} | {C:K-1002} | {T:040 2222222} |"""
    assert linked(text, table=True) == [
        {"Peter Müller", "K-1001", "030 1111111"},
        {"Peter Müller", "K-1002", "040 2222222"},
    ]


def test_a_table_of_labels_is_a_form() -> None:
    """Labels in the first column, values in the second."""
    text = """| Field | Value |
| --- | --- |
| Patient | {P:Galip Yalman} |
| Date of birth | {D:12 March 1985} |
| City | Berlin |
| Phone | {T:030 901820} |"""
    assert linked(text, table=True) == [{"Galip Yalman", "12 March 1985", "030 901820"}]


def test_a_label_taken_for_a_name_parts_no_form() -> None:
    """A detector may take ``IBAN`` or a label it does not know for a person's name."""
    text = """| Field | Value |
| --- | --- |
| Patient | {P:Galip Yalman} |
| Phone | {T:030 901820} |
| Customer | {C:K-1001} |
| Mail | {E:gy@x.de} |
| {P:Wohnsitz} | {A:Lindenstraße 5} |
| {P:IBAN} | {I:DE02 1203} |"""
    values = {"Galip Yalman", "030 901820", "K-1001", "gy@x.de", "Lindenstraße 5", "DE02 1203"}
    assert linked(text, table=True) == [values]
    assert linked("Name: {P:Galip Yalman}\n{P:IBAN}: {I:DE02 1203}") == [{"Galip Yalman", "DE02 1203"}]


def test_a_form_begins_anew_where_its_first_label_does() -> None:
    """Also over blank lines and fields that hold nothing personal."""
    text = """Name: {P:Galip Yalman}
E-mail: {E:gy@acme.de}
Status: active
Customer number: {C:K-1001}

Name: {P:Anna Meier}
E-mail: {E:am@gmx.de}"""
    assert linked(text) == [{"Galip Yalman", "gy@acme.de", "K-1001"}, {"Anna Meier", "am@gmx.de"}]


MAIL = """From: {P:Galip Yalman} <{E:galip@acme.de}>
To: {P:Anna Meier} <{E:ameier@firm.de}>, Support <{E:support@firm.de}>

Dear Ms {P:Meier},

my customer number is {C:K-5532}. Your account {I:DE02 1203} is as it was.

Kind regards,
{P:Galip Yalman}
Head of Sales
{O:Acme GmbH}
Tel. {T:030 901820}
Switchboard: {T:030 90180}"""


def test_headers_signature_and_possession_of_a_mail() -> None:
    """``my`` is the sender's, ``your`` the addressee's, the switchboard nobody's."""
    assert linked(MAIL) == [
        {"Galip Yalman", "galip@acme.de", "030 901820", "K-5532"},
        {"Anna Meier", "Meier", "ameier@firm.de", "DE02 1203"},
    ]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("{P:Galip Yalman} (born {D:12 March 1985}, customer number {C:K-1001}) called.",
         [{"Galip Yalman", "12 March 1985", "K-1001"}]),
        ("{P:Galip Yalman} came. His phone number is {T:030 901820}.", [{"Galip Yalman", "030 901820"}]),
        ("{P:Galip Yalman} asked on Monday why his old phone number, {T:030 901820}, rang.",
         [{"Galip Yalman", "030 901820"}]),
        ("{P:Galip Yalman} and {P:Anna Meier} met. His phone number is {T:030 901820}.", []),
        ("{P:Galip Yalman} was sent to {E:karl.schulz@acme.de}.", []),
        ("{P:Galip Yalman} read it. Later somebody wrote to {E:g.yalman@acme.de} about it.",
         [{"Galip Yalman", "g.yalman@acme.de"}]),
        ("{P:Galip Yalman} and {P:Gül Yalman} met. Somebody wrote to {E:g.yalman@acme.de} about it.", []),
        ("{P:Anna Meier} has married and is now called {P:Anna Schulz}. Questions to {E:anna.meier@acme.de}.",
         [{"Anna Meier", "Anna Schulz", "anna.meier@acme.de"}]),
        ("Sehr geehrte Frau {P:Meier},\n\nvielen Dank.\n\nIhre Kundennummer: {C:K-1001}", [{"Meier", "K-1001"}]),
        ("{P:Anna Meier} has married and now works with {P:Karl Schulz}.", []),
        (("- {P:Karl Meier}, born {D:12 March 1950}, number {C:K-1001}\n"
          "- {P:Karl Meier}, born {D:7 July 1981}, number {C:K-1002}"),
         [{"Karl Meier", "12 March 1950", "K-1001"}, {"Karl Meier", "7 July 1981", "K-1002"}]),
        ("{P:Karl Meier}, born {D:12 March 1950}.\n\nThe sum is taken from the account {I:DE02 1203}.",
         [{"Karl Meier", "12 March 1950", "DE02 1203"}]),
        ("{P:Karl Meier}, born {D:12 March 1950}.\n\nPlease transfer to our account {I:DE02 1203}.",
         [{"Karl Meier", "12 March 1950"}]),
        ("{P:Galip Yalman} met us. Mr {P:Yalman} paid, then {P:G. Yalman} left.",
         [{"Galip Yalman", "Yalman", "G. Yalman"}]),
        ("{P:Galip Yalman} met {P:Zeynep Yalman}. Mr {P:Yalman} paid.", []),
        ("{P:Galip Yalman} wrote. Questions go to {E:info@acme.de} or the hotline: {T:0800 123456}.", []),
        ("Ask {P:Galip Yalman} for the form. The office in Berlin is open from nine. Fax {T:030 90180}.", []),
        ("{P:Anna Meier} and {P:Karl Meier}, {A:Lindenstraße 5, 10115 Berlin}, tel. {T:030 901821}",
         [{"Anna Meier", "Lindenstraße 5, 10115 Berlin", "030 901821"},
          {"Karl Meier", "Lindenstraße 5, 10115 Berlin", "030 901821"}]),
        ("{O:Acme GmbH}, {LOCATION:Berlin}, {MONEY:5 EUR}, {P:Galip Yalman}", []),
    ],
)  # fmt: skip
def test_prose_gives_what_it_says_and_no_more(text: str, groups: list[set[str]]) -> None:
    """Possession, apposition, addresses that tell a name, name forms; nothing where two people fit."""
    assert sorted(map(sorted, linked(text))) == sorted(map(sorted, groups))


def test_an_agent_has_not_what_a_customer_without_a_name_has() -> None:
    """A form whose customer no detector found gives their number to nobody."""
    assert linked("Customer number: {C:K-1001}\nPhone: {T:030 901820}\nAgent: {P:Paul Schmidt}") == []
    assert linked("Agent: {P:Paul Schmidt}\nPhone: {T:030 901820}") == [{"Paul Schmidt", "030 901820"}]


def test_metadata_is_a_form() -> None:
    """And its person is the letter's."""
    found = linked(
        "Dear Mr {P:Yalman},\n\nyour customer number {C:K-1001} was changed.",
        customer="{P:Galip Yalman}",
        phone="{T:030 901820}",
    )
    assert found == [{"Galip Yalman", "Yalman", "030 901820", "K-1001"}]


def test_nothing_personal_costs_nothing() -> None:
    """No value, one value, or one value in two spellings are nobody's lineage."""
    assert linked("Nothing here.") == []
    assert linked("{P:Galip Yalman} was here.") == []
    assert linked("{P:Galip Yalman} was here. {P:GALIP YALMAN} again.") == []


def test_who_signs_a_letter_is_not_whom_its_last_value_is_about() -> None:
    """A number above the closing of a letter does not become the signer's; what stands below it does."""
    groups = linked(
        "Sehr geehrte Frau {P:Yalman},\n\nIhre Kundennummer: {C:K-1001}\n\nMit freundlichen Grüßen\n\n{P:Karl Meier}\n"
        "{E:k.meier@acme.de}\n"
    )
    assert {"Karl Meier", "k.meier@acme.de"} in groups
    assert not any({"K-1001", "Karl Meier"} <= group for group in groups)


PIECES = (
    "Name: ", "\n", "\n\n", " <", "> ", ", ", " | ", "his phone is ", "Dear ", "my ", " (", ") ", "| ", " and ",
    "née ", "Kind regards,\n", ". ", "{P:Galip Yalman}", "{P:Yalman, Galip}", "{P:G. Yalman}", "{P:.}", "{P:Anna}",
    "{P:12}", "{E:galip.yalman@x.de}", "{E:@}", "{E:info@x.de}", "{T:030 901820}", "{C:K-1}", "{C:-}",
    "{D:1.1.1970}", "{A:Lindenstraße 5}", "{I:DE02}",
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=24), st.booleans())
def test_any_text_gives_groups_of_what_it_holds(pieces: list[str], table: bool) -> None:
    """Nothing fails, no value is made up, and no group is of one value."""
    marked = "".join(pieces)
    if table:
        marked = "| A | B |\n| --- | --- |\n" + marked
    held = {match[2] for match in MARKED.finditer(marked)}
    for group in linked(marked, table=table):
        assert group <= held
        assert len(group) > 1
        assert "info@x.de" not in group
