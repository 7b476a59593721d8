"""Words around values: labels of a form, kin and staff, companies, given and family names as headers. Folded."""

# ruff: noqa: SIM905 (a list of words reads better as one text than as a list of texts)

from __future__ import annotations

import re

from ragkit.folding import fold

LABELS = frozenset(
    "tel telephone phone phones mobile cell cellphone handy telefon telefonnummer mobil mobiltelefon fax direct dial "
    "direkt durchwahl extension ext e-mail email emails mail mailto address adresse anschrift street home private "
    "work postal billing delivery mailing wohnhaft wohnt wohnhaften residing resident resides lives living living "
    "domiciled demeurant domicilie domicilio residente residencia born geboren geb ne nee nato nata nacido nacida "
    "birth birthday birthdate dob date geburtsdatum geburtstag customer client patient member employee personnel "
    "staff policy insurance insured account contract passport ssn social security tax steuer national identity "
    "identification id card credit debit iban konto kontonummer bank number numbers no nr num numero nummer ref "
    "reference kunde kunden kundennummer kundennr kdnr kunden-nr mitgliedsnummer mrn medical record health plan "
    "license licence driver driving plate kennzeichen registration vehicle vin phone-number contact reachable reached "
    "reach called calls calling call rang under unter on at in am le el il via with the a of de du der die das his "
    "her their seine ihre sein ihr son sa sus su url profile linkedin username user login ip order ticket case by "
    "whose who is was has using uses mit und and y et e data details detail c/o d.o.b p m t f telefono movil correo "
    "telephone portable courriel mel adres telefoon geboortedatum klantnummer klant numero di nascita nacimiento "
    "fecha naissance codice fiscale dni nif nie nhs nino insee number(s) current new old main alternative second "
    "please write".split()
)
SPOKEN = frozenset(
    "my mine me your yours our ours mein meine meiner meinem meinen dein deine ihre ihrer ihrem ihren ihr unser unsere "
    "mon ma mes votre vos ton tu mi mis or oder ou o to an for fur pour para not nicht no-one against gegen".split()
)
"""Words after which a value is the writer's or the reader's, or another person's: a sentence has to tell whose."""
KIN = frozenset(
    "emergency spouse kin guardian partner husband wife mother father parent parents child son daughter sibling "
    "brother sister beneficiary relative dependent dependant next notfallkontakt notfall ehepartner ehegatte ehefrau "
    "ehemann mutter vater kind tochter angehoriger conjoint epoux epouse mere pere conyuge madre padre hijo hija "
    "coniuge second secondary joint co-applicant co-insured mitversicherte mitversicherter".split()
)
STAFF = frozenset(
    "agent advisor adviser manager assignee assigned handler handled clerk doctor physician nurse therapist consultant "
    "representative rep officer owner author reviewer reviewed approver approved editor supervisor lawyer attorney "
    "solicitor sachbearbeiter sachbearbeiterin arzt arztin hausarzt betreuer betreuerin berater beraterin bearbeiter "
    "vorgesetzter medecin conseiller conseillere medico asesor gestor teacher recruiter engineer technician by "
    "sales salesperson support prepared signed witness notary landlord".split()
)
FIRM = frozenset(
    "switchboard central zentrale reception hotline helpdesk helpline headquarters hq company firm office support "
    "service registered empfang buro sekretariat freephone tollfree toll-free accueil standard centralita "
    "emergency-line customer-service department dept branch filiale".split()
)
PLAIN = frozenset(
    "name full first last given family number no nr id phone telephone tel mobile e-mail email mail address date of "
    "birth born account contact the and or person customer client".split()
)
GIVEN = re.compile(r"(?:first|given|christian|middle)[ _-]?names?|forename|vorname|prenoms?|nombre|nome|voornaam|"
                    r"fornamn|fornavn|imie|adi")  # fmt: skip
FAMILY = re.compile(r"(?:last|family)[ _-]?names?|surname|nachname|familienname|nom(?: de famille)?|apellidos?|"
                     r"cognome|achternaam|efternamn|etternavn|nazwisko|soyadi|sobrenome")  # fmt: skip


def is_label(value: str) -> bool:
    """Whether what was taken for a name is the label of a field: ``IBAN``, ``Phone number``."""
    words = fold(value).split()
    return max(map(len, words), default=0) > 2 and all(word.strip(".:") in LABELS for word in words)
