"""Labels of forms and what they introduce: ``Apellidos:`` a person, ``Localidad:`` a place, ``Domicilio:`` an address.

One pass over the colons of a text, each looked at backwards: an alternation of 300 labels at each line costs ten times
as much. English, German, French, Spanish, Italian, Dutch, Portuguese, Swedish, Norwegian, Polish and Turkish.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_STRONG_NAMES = (
    "full name|customer name|client name|contact person|contact name|patient|patient name|patientin|employee|"
    "employee name|"
    "account holder|card holder|cardholder|accountholder|beneficiary|first name|last name|surname|family name|"
    "given name|"
    "given names|middle name|maiden name|recipient|sender|signed by|signatory|passenger|applicant|insured|tenant|"
    "landlord|"
    "witness|claimant|defendant|plaintiff|next of kin|emergency contact|physician|doctor|attending physician|"
    "referring physician|treating physician|attending doctor|spouse|guardian|firstname|lastname|fullname|customername|"
    "patientname|contactname|"
    "kunde|kundin|kundenname|ansprechpartner|ansprechpartnerin|vorname|nachname|familienname|geburtsname|kontoinhaber|"
    "kontoinhaberin|sachbearbeiter|sachbearbeiterin|mitarbeiter|mitarbeiterin|empfänger|empfängerin|absender|"
    "absenderin|"
    "versicherter|versicherte|antragsteller|antragstellerin|vor- und nachname|name und vorname|arzt|ärztin|"
    "hausarzt|hausärztin|"
    "behandelnder arzt|behandelnde ärztin|kläger|klägerin|beklagter|beklagte|zeuge|zeugin|unterzeichner|"
    "vertreter|mieter|"
    "mieterin|vermieter|vermieterin|"
    "nom|nom complet|nom de famille|nom de naissance|nom d'usage|nom d’usage|nom et prénom|nom et prénoms|nom du "
    "patient|"
    "prénom|prénoms|prénom et nom|client|cliente|interlocuteur|titulaire|patiente|assuré|assurée|destinataire|"
    "expéditeur|"
    "signataire|demandeur|salarié|salariée|médecin|médecin traitant|locataire|bailleur|représentant|"
    "nombre|nombre completo|nombre y apellidos|nombre del paciente|apellido|apellidos|primer apellido|segundo "
    "apellido|titular|"
    "paciente|medico|médico|médica|medico responsable|médico responsable|responsable clínico|responsable clinico|"
    "remitido por|"
    "solicitante|representante|demandante|demandado|destinatario|remitente|firmado|firmado por|autor|autora|trabajador|"
    "trabajadora|empleado|facultativo|"
    "cognome|nome|nome completo|nome e cognome|paziente|intestatario|medico curante|naam|voornaam|achternaam|klant|"
    "contactpersoon|patiënt|huisarts|sobrenome|apelido|namn|förnamn|efternamn|kund|navn|fornavn|etternavn|imię|"
    "imię i nazwisko|"
    "nazwisko|klient|pacjent|lekarz|adı|soyadı"
)
_WEAK_NAMES = (
    "name|customer|contact|author|owner|attn|attention|assignee|reporter|manager|agent|from|to|cc|bcc|von|an|de|"
    "para|van|aan|"
    "reply-to"
)
_ADDRESSES = (
    "address|home address|street address|mailing address|postal address|billing address|shipping address|"
    "delivery address|"
    "residential address|residence|street|anschrift|adresse|wohnanschrift|postanschrift|lieferadresse|rechnungsadresse|"
    "straße|strasse|straße und hausnummer|wohnhaft|adresse postale|domicile|demeurant|domicilio|dirección|direccion|"
    "domicilio particular|indirizzo|residenza|adres|woonadres|straat|morada|endereço|adress|gatuadress|adres "
    "zamieszkania|adres e"
)
_PLACES = (
    "city|town|country|place of birth|birthplace|city of birth|country of birth|country of residence|"
    "ort|wohnort|stadt|geburtsort|geburtsland|heimatort|ville|commune|pays|lieu de naissance|ville de naissance|"
    "pays de naissance|localité|localidad|localidad/ provincia|localidad/provincia|localidad / provincia|"
    "provincia|municipio|"
    "ciudad|población|pais|país|país de nacimiento|pais de nacimiento|lugar de nacimiento|"
    "città|comune|paese|luogo di nascita|plaats|woonplaats|geboorteplaats|cidade|naturalidade|local de nascimento|"
    "stad|födelseort|miejscowość|miejsce urodzenia"
)
_TITLES = (
    "job title|occupation|profession|beruf|berufsbezeichnung|métier|fonction|profesión|ocupación|professione|"
    "beroep|profissão|"
    "yrke|zawód|stanowisko"
)
_NATIONALITIES = (
    "nationality|citizenship|staatsangehörigkeit|nationalität|nationalité|nacionalidad|nazionalità|nationaliteit|"
    "nacionalidade|nationalitet|obywatelstwo|religion|religión|ethnicity"
)
_FIRMS = (
    "company|company name|employer|arbeitgeber|firma|employeur|société|empresa|empleador|hospital|klinik|"
    "krankenhaus|azienda|datore di lavoro|werkgever|bedrijf|empregador|arbetsgivare"
)

_KINDS: dict[str, str] = {
    label: kind
    for kind, labels in (
        ("PERSON", _STRONG_NAMES),
        ("name", _WEAK_NAMES),
        ("ADDRESS", _ADDRESSES),
        ("LOCATION", _PLACES),
        ("TITLE", _TITLES),
        ("NRP", _NATIONALITIES),
        ("ORGANIZATION", _FIRMS),
    )
    for label in labels.split("|")
}
_ENDS = re.compile(r"[:|\uff1a]")
_LONGEST = 36
_EDGES = str.maketrans(dict.fromkeys('|*>\u2022\t;(\ufeff,.{["', "\n"))
_SUFFIX = re.compile(r"\([a-z/]{1,4}\)$")
_GAP = re.compile(r"\"?[*_]{0,2}[ \t\u00a0]*\"?")


class Label(NamedTuple):
    """What a label introduces (an entity type, or ``name`` where the value must read like one), and where."""

    kind: str
    value: int


def labels_in(text: str, lowered: str) -> Iterator[Label]:
    """The labels of a text that introduce a person, a place, an address, a job, a nationality or a firm."""
    for end in _ENDS.finditer(lowered):
        kind = _before(lowered, end.start())
        if kind is not None and (gap := _GAP.match(text, end.end())) is not None:
            yield Label(kind, gap.end())


def _before(lowered: str, position: int) -> str | None:
    first = max(0, position - _LONGEST)
    segment = lowered[first:position].rstrip(' \t\u00a0*_"')
    if segment.endswith(")"):
        segment = _SUFFIX.sub("", segment).rstrip()
    _, edge, label = segment.translate(_EDGES).rpartition("\n")
    if not edge and first:
        return None
    return _KINDS.get(label.replace("_", " ").strip(" -\u00a0'"))
