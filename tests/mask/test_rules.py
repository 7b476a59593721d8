"""Rules: what each family finds, and the near misses it must leave alone."""

from __future__ import annotations

from functools import partial

import pytest

from ragkit.testing.clock import cpu_seconds


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Please ask Ms Yalman about it.", "Yalman"),
        ("Dr. Galip Yalman wrote.", "Galip Yalman"),
        ("Sehr geehrte Frau Dr. Weißmüller, danke.", "Weißmüller"),
        ("Bonjour M. Lefèvre, merci", "Lefèvre"),
        ("La Sra. Núñez de Arce llamó", "Núñez de Arce"),
        ("Mevrouw van der Berg belde. Dhr. Jansen ook.", "Jansen"),
        ("Dear Anna,\nthanks", "Anna"),
        ("Hi Zeynep!\nhow", "Zeynep"),
        ("Full name: Ana María Ortega", "Ana María Ortega"),
        ("Patient: Ömer Şahin\nWard 3", "Ömer Şahin"),
        ("Kunde: Lena Vogel", "Lena Vogel"),
        ("**Customer name:** Priya Raman", "Priya Raman"),
        ("From: Galip Yalman <g@x.de>\nTo: b@x.de", "Galip Yalman"),
        ("Name: Yalman, Galip\nAge", "Yalman, Galip"),
        ("as agreed.\n\nKind regards,\nJohn Okoro\nSales", "John Okoro"),
        ("Mit freundlichen Grüßen\n\nSabine Krüger", "Sabine Krüger"),
        ("we met Priya Raman there", "Priya Raman"),
        ("Mr. O'Connor-Smith's dog", "O'Connor-Smith"),
        ("Mr J. R. Hartley rang", "J. R. Hartley"),
        ("Прошу Dr. Иванов ответить", "Иванов"),
    ],
)
def test_names_are_found(find, text, name):
    """Honorifics, labels, greetings, signatures, mail headers and known pairs give names away."""
    assert name in find(text, "PERSON")


@pytest.mark.parametrize(
    "text",
    [
        "Dear Customer,\nyour order",
        "Dear Sir or Madam,",
        "Hi there, all good",
        "Hello Team,",
        "Name: MyBucket",
        "| Name | Description |\n|---|---|\n| BucketName | The bucket |",
        "May I ask? Will it work? Reading is fun. Mark the box.",
        "Use Amazon Athena with Amazon Aurora in Virginia.",
        "The MRI scan and the Drive letter, Mst Kept.",
        "Kind regards,\nCustomer Support Team",
        "Read the Terms of Service and the Privacy Policy.",
    ],
)
def test_ordinary_prose_holds_no_names(find, text):
    """Capitalised words without evidence are left alone."""
    assert find(text, "PERSON") == []


def test_a_name_column_of_a_table_is_names(find):
    """Cells under a header that names a person are names; other columns are not."""
    text = (
        "| Order | Customer | City |\n|---|:---:|---|\n| A1 | Anna Kowalska | Berlin |\n| A2 | Bo Li | Paris |\n\nEnd"
    )
    assert find(text, "PERSON") == ["Anna Kowalska", "Bo Li"]


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("She was born on 12 March 1985 in Rome", "12 March 1985"),
        ("Date of birth: 1985-03-12", "1985-03-12"),
        ("geboren am 3. März 1979", "3. März 1979"),
        ("née le 14 juillet 1990", "14 juillet 1990"),
        ("Fecha de nacimiento: 12/03/1985", "12/03/1985"),
        ("DOB 03/12/85", "03/12/85"),
        ("urodzony 5 września 1961", "5 września 1961"),
    ],
)
def test_birth_dates_are_found(find, text, date):
    """A date by a word of birth is a birth date, in words or numbers, in many languages."""
    assert find(text, "DATE_OF_BIRTH") == [date]


@pytest.mark.parametrize(
    "text", ["Released on 12 March 2024", "Version 1.2.2024", "born leaders of 1985", "since 1999"]
)
def test_other_dates_are_not_birth_dates(find, text):
    """A release date, a version and a bare year are nobody's birth date."""
    assert find(text, "DATE_OF_BIRTH") == []


def test_every_date_is_found_when_asked(find):
    """The policy may ask for all dates."""
    assert find("on 12 March 2024, le 3 mai 2020 and 2021-12-31", "DATE_TIME") == [
        "12 March 2024",
        "2021-12-31",
        "3 mai 2020",
    ]


@pytest.mark.parametrize(
    ("text", "ages"),
    [
        ("a 34-year-old man", ["34"]),
        ("aged 7", ["7"]),
        ("Alter: 61", ["61"]),
        ("34 Jahre alt", ["34"]),
        ("page 34", []),
        ("aged 30 days", []),
    ],
)
def test_ages(find, text, ages):
    """Ages of people, not of pages and caches."""
    assert find(text, "AGE") == ages


@pytest.mark.parametrize(
    "address",
    [
        "221B Baker Street, London NW1 6XE",
        "1600 Pennsylvania Avenue, Washington, DC 20500",
        "Lindenstraße 5, 10115 Berlin",
        "12 rue de la Paix, 75002 Paris",
        "Calle Mayor 14, 28013 Madrid",
        "Via Garibaldi 7, 20121 Milano",
        "Prinsengracht 263, 1016 GV Amsterdam",
        "P.O. Box 1234",
    ],
)
def test_addresses_are_found_whole(find, address):
    """English, German, French, Spanish, Italian and Dutch shapes, with postcode and town."""
    assert find(f"Send it to {address} please", "ADDRESS") == [address]


@pytest.mark.parametrize(
    "address",
    [
        "19 Fuller's Bank, Pellbridge, YO97 1DX",
        "19 Fuller’s Bank, Pellbridge",
        "3 Quarry Steps, Ashcombe, LS1 4AB",
        "7 Tanner's Yard",
        "42 Hartwell Rise, Northmere, SW1A 1AA",
        "5 Old Mill\nPellbridge\nYO97 1DX",
        "8a Gooseberry Cottages, Great Ouseburn, YO26 9RQ",
        "Lindenstraße 12, 50667 Köln",
        "C/ Gran Vía 12, 3º B, 28013 Madrid",
        "Calle de Alcalá 42, 28014 Madrid",
        "123 Main St Apt 4, Springfield, IL 62704",
        "88 Copper Bend, Springfield, IL 62704",
    ],
)
@pytest.mark.parametrize("place", ["Send it to {} please", "Galip\n{}\nThanks", "| Address | {} |"])
def test_addresses_without_a_street_word_are_found(find, address, place):
    """A postcode behind number and capitalised words, or a possessive, tells a street called Bank, Steps or Yard."""
    found = find(place.format(address), "ADDRESS")
    assert address in found
    assert all(part in address for part in found)  # the resolver unites those that overlap


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Address: 3 Quarry Steps, Ashcombe", "3 Quarry Steps, Ashcombe"),
        ("She lives at 3 Quarry Steps.", "3 Quarry Steps"),
        ("Please deliver to 11 Low Common", "11 Low Common"),
        ("Postcode: YO97 1DX", "YO97 1DX"),
    ],
)
def test_a_label_tells_an_address(find, text, address):
    """Where a label says so, neither postcode nor possessive is needed; a postcode alone needs one."""
    assert find(text, "ADDRESS") == [address]


@pytest.mark.parametrize(
    "text",
    [
        "3 Next Steps",
        "the 19 Chase Bank branches",
        "5 Easy Steps, then Relax",
        "Part AB1 2CD is sold out, so is YO97 1DX",
        "EC2 C5 M4, 2 Amazon S3 Buckets, EC2",
        "12 Large Instances, C5 4XL",
        "near 3 Green Park",
        "On 5 May Ashcombe closed",
        "12 Men's Boots and 3 Children's Tents, Pellbridge",
        "ship to 3 Amazon Regions",
        "version 1.19 Fuller's Bank",
        "the address is 10 Bytes Long",
    ],
)
def test_near_addresses_without_a_street_word(find, text):
    """Steps, banks, part numbers, sizes and goods are left alone."""
    assert find(text, "ADDRESS") == []


@pytest.mark.parametrize("text", ["The 5 Star Drive is fast", "open 24 hours a day", "chapter 12 of the Way"])
def test_near_addresses(find, text):
    """Numbers and street words apart from each other are no address."""
    assert "hours" not in "".join(find(text, "ADDRESS"))
    assert find(text.lower(), "ADDRESS") == []


@pytest.mark.parametrize(
    ("text", "entity_type", "value"),
    [
        ("customer no. C-4711-22", "CUSTOMER_NUMBER", "C-4711-22"),
        ("Kundennummer: 880912", "CUSTOMER_NUMBER", "880912"),
        ("your order number 4711-2234 left", "ORDER_NUMBER", "4711-2234"),
        ("Rechnungsnr. 2024-0099", "ORDER_NUMBER", "2024-0099"),
        ("account no: 12345678", "ACCOUNT_NUMBER", "12345678"),
        ("Ticket #88123 is open", "TICKET_NUMBER", "88123"),
        ("Case ID: AB-2024-17", "CASE_NUMBER", "AB-2024-17"),
        ("application no. 36110/03", "CASE_NUMBER", "36110/03"),
        ("Aktenzeichen: 5 O 123/24", "CASE_NUMBER", "5 O 123/24"),
        ("número de cliente 99123", "CUSTOMER_NUMBER", "99123"),
        ("numéro de commande : 77-1234", "ORDER_NUMBER", "77-1234"),
    ],
)
def test_reference_numbers_by_label(find, text, entity_type, value):
    """A number is personal by what it is called."""
    assert value in find(text, entity_type)


@pytest.mark.parametrize(
    "text", ["in order to", "the case of 12 bottles", "customers since 2019", "order 3 items", "file size 12345 KB"]
)
def test_numbers_without_a_label_stay(find, text):
    """A number beside a word that could be a label is not yet a reference."""
    types = ("CUSTOMER_NUMBER", "ORDER_NUMBER", "ACCOUNT_NUMBER", "TICKET_NUMBER", "CASE_NUMBER")
    assert [find(text, entity_type) for entity_type in types] == [[]] * 5


def test_profiles_and_money(find):
    """Personal pages are found; amounts only because this detector asks for them."""
    assert find("see https://www.linkedin.com/in/galip-yalman now", "PROFILE_URL") == [
        "https://www.linkedin.com/in/galip-yalman"
    ]
    for page in ("linkedin.com/in/galip-yalman/", "x.com/galip_yalman/status/1", "facebook.com/galip.yalman/about"):
        assert find(f"see https://{page} now", "PROFILE_URL") == [f"https://{page}"]
    assert find("it costs €1,299.00 or 12 USD", "MONEY") == ["12 USD", "€1,299.00"]


def test_every_rule_is_linear(rules):
    """Texts made to run a search in circles take no longer than others."""
    units = ["A", "A-", "Aa ", "1.", "Dear ", "name: ", "| a ", "Straße", "1,", "born ", "@", "Ms A"]
    units += ["1 Aa, ", "1 Aa's ", "YO97 1DX ", "1 Aa Aa, YO97 1DX, ", "address: 1 A "]
    units += [
        "no. 111/22, ",
        "1 and ",
        "1 May, ",
        "May ",
        "1999, ",
        "aged ",
        "year old ",
        "EUR 1 ",
        "two years and ",
        "Calle Aa de ",
    ]
    units += [
        "calle a ",
        "12 rue A ",
        "straße 1 ",
        "Aa s/n ",
        "A. A ",
        "national, Aa Aa, ",
        "Nombre:",
        "niña a, ",
        "Adresse: A1\n",
    ]
    for unit in units:
        text = (unit * 20_000)[:20_000]
        assert cpu_seconds(partial(rules.detect, [text])) < 1.0, unit
