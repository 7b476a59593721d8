"""Addresses in the orders of many countries, over one line and several."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "address",
    [
        "Flat 3, 12 Oak Road, Leeds LS1 4AB, UK",
        "250 Front St W, Toronto, ON M5V 2T6",
        "88 Copper Bend, Springfield, Illinois 62704",
        "12 King Street, Sydney NSW 2000, Australia",
        "23 Maple Avenue\nApt 4B\nSpringfield, IL 62704\nUSA",
        "17 High Street\nAshcombe\nLS1 4AB\nUnited Kingdom",
        "Berliner Straße 12a, 10115 Berlin, Deutschland",
        "Lindenweg 3\n50667 Köln",
        "Am Alten Markt 5, 14467 Potsdam",
        "Kärntner Ring 5, 1010 Wien",
        "12 bis rue de la Paix, 75002 Paris",
        "3, place du 8 mai 1945, 93200 Saint-Denis",
        "calle monforte de lemos 129, 8C",
        "Avda. de França, s/n. 17007 Girona. España",
        "Corso Vittorio Emanuele II, 15/B, 10123 Torino",
        "Rua Augusta 24, 1100-053 Lisboa",
        "Storgatan 12, 111 23 Stockholm",
        "Nørregade 10, 2. tv, 1165 København",
        "Mannerheimintie 12, 00100 Helsinki",
        "Postfach 10 01 23, 50441 Köln",
        "24 Aubryi\u0307nönü Street, Springfield, IL 60768",
    ],
)
def test_addresses_of_many_orders(find, address):
    """Number before or after the street, units, boxes, postcodes, towns and countries, on one line or more."""
    found = find(f"wrote to\n{address}\nyesterday", "ADDRESS")
    assert address in found
    assert all(part in address for part in found)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Domicilio: Frexes No. 121 entre Miró y M. Lemus.", "Frexes No. 121 entre Miró y M. Lemus"),
        ("Anschrift: Zur alten Post 3\n50667 Köln\n", "Zur alten Post 3\n50667 Köln"),
        ("Adresse : Tour Horizon 4\n", "Tour Horizon 4"),
    ],
)
def test_a_form_says_what_is_an_address(find, text, address):
    """Behind a label the line is the address, with the lines that go on with it."""
    assert address in find(text, "ADDRESS")


@pytest.mark.parametrize(
    "text",
    [
        "12 Large, M5 4XL",
        "via the console to port 443 or Via API 5",
        "Address: 10.0.0.1:8080",
        "address: 0x7fff 1234",
        "im Ring 5 der Stadt",
        "Go this weg 5 times",
        "Calle is a word",
    ],
)
def test_near_addresses_of_other_orders(find, text):
    """Sizes, ports, machine addresses and words for a street without one are none."""
    assert find(text, "ADDRESS") == []
