"""Names by their forms of address, labels and kin in several languages; titles, places and firms of forms."""

from __future__ import annotations

import pytest

FORM = (
    "\ufeffDatos del paciente.\nNombre: Pedro .\nApellidos: Rivera Bueno.\nLocalidad/ Provincia: Ciudad Real.\n"
    "País: España.\nEdad: 70 años Sexo: M.\n"
    "Fecha de Ingreso: 12/12/2016.\nMédico:  Ignacio Navarro Cuéllar NºCol: 28 28.\n"
    "Profesión: minero\nNacionalidad: española\nHospital: Hospital de León\n"
)


def test_a_spanish_form(find):
    """Each field is what its label says; the next label ends a value, and "Sexo: M." is no Monsieur."""
    assert set(find(FORM, "PERSON")) - {"Ignacio Navarro"} == {"Ignacio Navarro Cuéllar", "Pedro", "Rivera Bueno"}
    assert find(FORM, "LOCATION") == ["Ciudad Real", "España"]
    assert find(FORM, "TITLE") == ["minero"]
    assert find(FORM, "NRP") == ["española"]
    assert find(FORM, "ORGANIZATION") == ["Hospital de León"]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("represented by Mr A. Inal, a lawyer", "A. Inal"),
        ("Mr Cz. Sławski spoke", "Cz. Sławski"),
        ("la Sra. Price y otros", "Price"),
        ("Dr. Brown said", "Brown"),
        ("M. et Mme Robins", "Robins"),
        ("Ambassador H. Winkler, Head", "H. Winkler"),
        ("Judge Kovler dissented", "Kovler"),
        ("Nom de naissance : Lefèvre", "Lefèvre"),
        ("Ansprechpartnerin: Frau Dr. Lena Vogel", "Lena Vogel"),
        ("Hausarzt: Dr. Otto Kern Telefon: 1", "Otto Kern"),
        ('{"first_name": "Galip"}', "Galip"),
        ("by a Turkish national, Hakkı Karadavut (“the applicant”)", "Hakkı Karadavut"),
        ("deux ressortissants britanniques, John Harding Price (introduite", "John Harding Price"),
        ("their daughter Selma, who", "Selma"),
        ("Me llamo Zeynep Okoro y", "Zeynep Okoro"),
        ("gez. Anna Vogel", "Anna Vogel"),
        ("Cordialement,\nHélène Lefèvre\n", "Hélène Lefèvre"),
    ],
)
def test_names_by_what_stands_around_them(find, text, name):
    """Forms of address, offices, initials, labels, nationality, kin, introductions and signatures."""
    assert name in find(text, "PERSON")


def test_a_list_of_people_goes_on(find):
    """Behind a cue every name of the list is one."""
    text = "lodged by Turkish nationals, Resul Sadak, Nihat Osal, Rustem Bayar and Tahir Kutlu (the applicants)"
    assert find(text, "PERSON") == ["Nihat Osal", "Resul Sadak", "Rustem Bayar", "Tahir Kutlu"]


@pytest.mark.parametrize(
    "text",
    [
        "Mr President, the vitamin C. Afterwards we ate",
        "National Football League",
        "a service named AWS WAFV2, released",
        "Step A. Create a bucket\nB. Click Save",
        "The U.S. Army and the U.K. Government",
        "SignedHeaders=content-type",
        "an example of a Detective URL:",
        "Country: enabled",
    ],
)
def test_what_is_no_name(find, text):
    """Offices alone, list items, states, leagues and products."""
    assert find(text, "PERSON") == []


def test_titles(find):
    """Forms of address are titles when the policy asks for them, only before a name."""
    assert find("Dear Dr. Galip Yalman, Sir or Madam, Mrs Price", "TITLE") == ["Dr.", "Mrs"]
