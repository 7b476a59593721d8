"""What identifying numbers are called on forms, cards and letters: a table of labels by entity type.

A label begins with a literal *stem*, which is looked for first and costs little; the rest is a regular expression in
lower case. How sure a label is says what must follow it before a value:

- ``sure``: nothing (``MRN 448213``);
- ``plain``: nothing if the value is long, else as ``asked`` (``account 4482137``);
- ``asked``: a word for number, or a mark such as a colon (``chart no. 4482``, ``policy # 4482``).

English, German, French and Spanish, with some Italian, Dutch and Portuguese.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Label:
    """One way to name a number.

    Attributes:
        entity_type: What the number is.
        stem: How the label begins, in lower case.
        rest: The rest of the label, a regular expression.
        sure: ``sure``, ``plain`` or ``asked``.
        value: Which shape the value has: ``code``, ``long``, ``plate``, ``postcode``, ``npi`` or ``vin``.
    """

    entity_type: str
    stem: str
    rest: str
    sure: str
    value: str = "code"


_NUMBER = (
    r"(?:(?:numbers?|numero|número|numéro|nummer|nr|num|nbr|no|code|kennung|reference|ref|"
    r"id(?:ent(?:ifier|ification)?)?|i\.d)\.?(?:[ \-]?(?:numbers?|no|nr|code|id)\b\.?|[ ]?\#)?(?![a-z])|n[°º]\.?|[#№])"
)
_MARK = r"(?:[:=|#>~]|[.]{2,}(?!\n)|_{2,}|[\-–—](?=[ \t]))"
_SAID = r"(?:(?:is|was|are|reads?|ending(?: in)?|ends in|ist|lautet|est|es|è|listed as|shown as|recorded as)(?![a-z]))"
_ASIDE = r"(?:[ \t]*\([^()\n]{1,24}\))?"
_GAP = r"[ \t*_\"'`]{0,8}"
_TO_VALUE = rf"{_ASIDE}{_GAP}{_SAID}?{_GAP}{_MARK}{{0,3}}{_GAP}(?:\n[ \t]{{0,8}})?[#(\"']?"
_ENDING = r"(?:ending|ends)(?: in)?[ \t]+"
_MARKED = (
    rf"{_ASIDE}{_GAP}(?:{_ENDING}|{_NUMBER}{_TO_VALUE}|"
    rf"{_SAID}?{_GAP}{_MARK}{{1,3}}{_GAP}(?:\n[ \t]{{0,8}})?[#(\"']?)"
)
_AT_ONCE = rf"{_ASIDE}(?:{_GAP}{_NUMBER})?{_TO_VALUE}"

_VALUES = {
    "code": (
        r"(?:[x*•]{2,12}[ \-]?(?=\d)|[a-z]{1,4}[ ](?=\d))?[a-z0-9]+(?:[\-/._:][a-z0-9]+){0,7}"
        r"(?:[ ](?=[a-z]{0,3}\d)[a-z0-9]{2,6}(?:-[a-z0-9]+)?(?![\w/.:]\w|\w)){0,5}"
    ),
    "long": r"[a-z]{0,3}\d(?:[ \-./]?[a-z0-9]){6,24}",
    "plate": r"[a-z0-9äöü]{1,8}(?:[ \-·•][a-z0-9]{1,5}){0,3}(?!\w)",
    "ssn": r"\d{3}[ \-.]?\d{2}[ \-.]?\d{4}(?!\w)",
    "postcode": (
        r"(?:\d{5}(?:[ ]?-[ ]?\d{4})?|[a-z]{1,2}\d[a-z\d]?[ ]?\d[a-z]{2}|\d{4}[ ]?[a-z]{2}|[a-z]\d[a-z][ ]?\d[a-z]\d|"
        r"\d{4}|\d{2}-\d{3}|\d{4}-\d{3})(?!\w)"
    ),
    "phone": r"[+\uff0b]?[ ]?\(?\d(?:[ \u00a0.\-/()]{0,3}\d){6,14}(?![\w])",
    "npi": r"[12]\d{9}(?!\w)",
    "vin": r"[a-hj-npr-z0-9]{11,17}(?!\w)",
}

_OF_A_BODY = (
    r"[a-z]{0,2}(?:[ ](?:geometry|vein|biometric|recognition|scan|image|data)){0,2}[ ]"
    r"(?:template|record|profile|hash|code|scan|id(?:ent(?:ifier|ity))?|ref(?:erence)?|no|number|enrol+ment|#)"
    r"(?:[ ](?:id|no|number|code|hash|ref(?:erence)?|#))?(?![a-z])\.?"
)
"""After a part of the body: what is stored of it. A key's fingerprint is none."""

_ROWS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    # entity type, how sure, shape of the value, labels as "stem" or "stem~rest"
    ("MEDICAL_RECORD_NUMBER", "sure", "code", (
        "mrn", "mr~[ ]?(?:#|no\\b\\.?|number\\b)", "med~(?:\\.|ical)?[ ]?rec(?:ord|\\.)?s?(?![a-z])", "medrec",
        "empi",
        "nhc", "historia clínica", "historia clinica", "patient identifier", "aufnahmenummer", "patientennummer",
        "fallnummer", "pat.-nr",
    )),
    ("MEDICAL_RECORD_NUMBER", "asked", "code", (
        "patient", "pt~\\.?", "chart", "hospital", "clinic", "unit~(?=[ ](?:no|number|#))", "case notes",
        "casenotes", "record", "health record",
        "inpatient", "outpatient", "patienten~-?", "fall~-?(?=nr|nummer|id)", "dossier~(?: médical| patient)?",
        "ipp", "expediente~ (?:clínico|médico)",
        "paziente", "patiënt", "cartella clinica", "prontuário",
    )),
    ("HEALTH_PLAN_NUMBER", "sure", "code", (
        "mbi", "hicn", "health insurance claim number", "medicare beneficiary", "rxgrp", "nass",
        "krankenversichertennummer", "versichertennummer",
        "kvnr", "health plan beneficiary", "número de afiliación", "tarjeta sanitaria",
    )),
    ("HEALTH_PLAN_NUMBER", "asked", "code", (
        "member", "membership", "subscriber", "policy", "policyholder",
        "insurance~(?: (?:policy|card|plan|member))?", "insured~(?:['’]?s)?", "group", "grp",
        "plan", "health plan", "beneficiary", "enrollee", "dependent", "certificate holder", "cardholder",
        "payer member", "medicaid", "medi-cal", "medicare", "tricare", "aetna", "anthem", "bcbs",
        "blue cross", "blue shield", "cigna", "humana", "kaiser", "uhc", "united~ ?health(?:care)?",
        "versicherten~-?", "versicherungs~-?(?:schein)?-?", "krankenkasse",
        "krankenkassen~-?", "policen~-?", "mitglieds~-?", "adhérent", "assuré", "mutuelle", "sécurité sociale",
        "póliza", "asegurado", "afiliado", "polizza", "polis",
    )),
    ("HEALTH_PLAN_NUMBER", "plain", "long", ("medicare~ card", "medicare", "medicaid~ card", "insurance card",
        "health card")),
    ("ACCOUNT_NUMBER", "plain", "code", (
        "account~s?(?: holder)?(?=[^a-z])", "acct~s?\\.?", "a/c", "dda", "har~(?=[ :#])", "guarantor~ account",
    )),
    ("ACCOUNT_NUMBER", "asked", "code", (
        "guarantor", "routing", "aba", "sort code", "statement", "savings", "checking", "konto~-?", "depot~-?",
        "compte", "cuenta", "conto", "rekening", "rib",
        "bank~ (?:account|acct\\.?)", "card", "loan", "mortgage",
    )),
    ("LICENSE_NUMBER", "sure", "npi", ("npi", "national provider")),
    ("LICENSE_NUMBER", "sure", "code",
        ("dea~[ ]?(?:reg(?:istration)?\\.?|lic(?:ense)?\\.?)?(?=[ ]?(?:[#:]|n[ou]|id))", "clia", "lanr", "rpps",
        "adeli", "upin")),
    ("LICENSE_NUMBER", "asked", "code", (
        "licen~[sc]e[ds]?", "lic~\\.?", "driver~['’]?s?['’]?[ ](?:licen[sc]e|lic\\.?)", "driving licen~[sc]e",
        "dl", "cdl", "state id", "medical licen~[sc]e",
        "certificate", "certification", "cert~\\.?", "board cert~\\.?(?:ificat(?:e|ion))?", "passport", "permit",
        "credential", "accreditation", "führerschein~-?",
        "approbation~s?-?", "reisepass~-?", "ausweis~-?", "personalausweis~-?", "passeport", "permis~ de conduire",
        "pasaporte", "permiso~ de conducir", "colegiado", "patente", "passaporto", "rijbewijs",
        "birth certificate", "death certificate", "marriage certificate", "bar~(?=[ ](?:no|number|#))", "npi~ type",
    )),
    ("LICENSE_NUMBER", "plain", "long", ("driver~['’]?s?['’]?[ ]licen[sc]e", "medical licen~[sc]e",
        "physician licen~[sc]e", "passport", "nursing licen~[sc]e")),
    ("VEHICLE_ID", "sure", "vin", ("vin", "v.i.n~\\.?", "vehicle identification", "chassis", "fahrgestell~-?",
        "fin~(?=[ :])", "bastidor", "telaio", "châssis")),
    ("VEHICLE_ID", "asked", "code", ("vehicle", "chassis", "fahrzeug~-?(?:ident(?:ifizierungs)?-?)?", "hull",
        "tail", "vessel", "boat")),
    ("LICENSE_PLATE", "sure", "plate", (
        "licen~[sc]e[ ](?:plates?|tag)", "lic~\\.?[ ](?:plates?|tag)", "number plate~s?", "numberplate",
        "car plate", "vehicle plate", "vehicle registration", "car registration",
        "vehicle tag", "plate~s?(?=[ ]?(?:no\\b|number|#|:|id\\b))", "tag~(?=[ ](?:no\\b|number|#))",
        "with plate~s?", "kfz-kennzeichen", "kennzeichen", "immatriculation", "immatriculé~e?", "matrícula",
        "matricula", "targa", "kenteken",
        "registration~(?=[ ](?:no\\b|number|plate|mark))", "reg~\\.?(?=[ ](?:no\\b|number))", "plaque",
    )),
    ("DEVICE_ID", "sure", "code", (
        "imei", "imsi", "iccid", "meid", "udi", "unique device id~(?:entifier)?",
        "serial~(?=[ ]?(?:n[ou]|nr|#|:|id\\b|code))", "ser~\\.?[ ]?(?=no\\b|#|num)", "s/n", "seriennummer",
        "serien-nr", "numéro de série", "número de serie", "numero di serie", "serienummer", "gerätenummer",
        "esn~(?=[ :#])", "udid", "idfa",
    )),
    ("DEVICE_ID", "plain", "code", ("serial", "sn~(?=[ .:#])")),
    ("DEVICE_ID", "asked", "code", (
        "device", "equipment", "asset~(?: tag)?", "android", "advertising", "implant", "pacemaker", "generator",
        "pump", "lead", "prosthesis", "hardware", "handset",
        "geräte~-?", "appareil", "dispositivo", "sim~(?: card)?", "monitor", "ventilator", "hearing aid", "meter",
    )),
    ("BIOMETRIC_ID", "sure", "code", tuple(
        f"{stem}~{_OF_A_BODY}"
        for stem in (
            "fingerprint", "finger print", "thumbprint", "thumb print", "handprint", "palmprint", "palm print",
        "palm", "hand", "voiceprint", "voice print", "voice", "iris", "retina", "retinal",
            "faceprint", "face print", "face", "facial", "biometric", "dna", "genetic", "gait", "ear print",
        )
    )),
    ("BIOMETRIC_ID", "sure", "code", ("voiceprint", "faceprint", "fingerabdruck~-?(?:id|nummer|vorlage|template)",
        "empreinte digitale", "huella dactilar", "biometrie~-?(?:id|nummer)")),
    ("UNIQUE_ID", "sure", "code", ("csn", "accession~(?=[ ]?(?:n[ou]|#|:|id))", "fin~(?=[ ]?[#:])",
        "participant id", "subject id")),
    ("UNIQUE_ID", "asked", "code", (
        "study", "subject", "participant", "trial", "enrollee", "enrolment", "enrollment", "donor", "specimen",
        "sample", "accession", "encounter", "visit", "claim", "case", "referral", "reference",
        "auth~(?:orization)?", "authorization", "prior auth~(?:orization)?", "approval", "confirmation", "rx",
        "prescription", "script", "randomi~[sz]ation", "screening", "employee", "staff", "student", "badge",
        "user", "resident", "inmate", "volunteer", "respondent", "proband~en-?", "probanden~-?",
        "studien~-?(?:teilnehmer)?-?", "teilnehmer~-?", "auftrags~-?", "befund~-?", "essai", "étude",
        "participante", "estudio", "sujeto", "muestra",
        "registration", "registry", "requisition", "order", "tracking", "ticket", "incident", "appointment",
        "admission", "discharge", "transaction", "file", "request", "episode", "barcode", "bar code", "kit",
    )),
    ("UNIQUE_ID", "plain", "code", (
        "ticket", "claim", "incident", "issue", "request", "referral", "study", "subject", "participant",
        "accession", "specimen", "case", "donor",
    )),
    ("PHONE_NUMBER", "sure", "phone", (
        "phone~s?", "telephone", "tel~\\.?(?![a-z])", "mobile", "cell~(?: ?phone)?(?![a-z])", "fax", "facsimile",
        "telefax", "pager~(?=[ :#])", "callback",
        "whatsapp", "ph~\\.?(?=[ ]?[:#]|\\.? ?\\()", "fx~\\.?(?=[ ]?:)", "telefon", "handy~(?=[ :])",
        "mobil~(?=[ :.]|nummer)", "téléphone", "tél~\\.?(?![a-z])",
        "teléfono", "móvil", "telefono", "cellulare", "telefoon", "telefone",
    )),
    ("US_SSN", "sure", "ssn", ("ssn", "s.s.n~\\.?", "social security~(?: (?:number|no\\.?|#))?",
        "soc~\\.? sec\\.?", "ss~[ ]?(?:#|no\\b|number)", "social~(?=[ ]?(?::|is))")),
    ("POSTCODE", "sure", "postcode", (
        "zip~(?:[ \\-]?codes?|\\+4)?(?![a-z])", "postal code", "postcode", "post code", "plz", "postleitzahl",
        "code postal", "código postal", "codigo postal", "codice postale", "cap~(?=[ ]?:)",
        "c.p~\\.", "cep~(?=[ ]?:)", "eircode", "pin code",
    )),
    ("VAT_NUMBER", "sure", "long", (
        "vat~(?:[ \\-](?:id|reg(?:istration)?))?(?=[^a-z])", "ust~\\.?-?id(?:nr|-nr)?", "mwst~-?",
        "umsatzsteuer~-?(?:id|identifikations)?-?(?:nr|nummer)?", "tva~(?: intracom+unautaire)?", "n.i.f~\\.?",
        "cif~(?=[ :])", "partita iva", "p.iva", "p. iva", "btw~-?", "moms~-?", "mva~-?",
    )),
)  # fmt: skip


@cache
def labels(entity_type: str) -> tuple[Label, ...]:
    """The labels of one entity type."""
    rows = [row for row in _ROWS if row[0] == entity_type]
    return tuple(
        Label(entity_type, stem, rest, sure, value)
        for _, sure, value, written in rows
        for stem, _, rest in (label.partition("~") for label in written)
    )


def entity_types() -> tuple[str, ...]:
    """Every type that the table has labels for, in its order."""
    return tuple(dict.fromkeys(row[0] for row in _ROWS))


@cache
def pattern(label: Label) -> re.Pattern[str]:
    """Matches a lower-case text from the label's stem to the end of its value, the group ``value``.

    The group ``marked`` takes part when a word for number or a mark stands before the value.
    """
    head = re.escape(label.stem) + label.rest
    value = f"(?P<value>{_VALUES[label.value]})"
    if label.sure == "asked":
        return re.compile(rf"{head}(?P<marked>{_MARKED}){value}")
    return re.compile(rf"{head}(?:(?P<marked>{_MARKED})|{_AT_ONCE}){value}")


@cache
def header(entity_types: tuple[str, ...]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Full matches for the heads of columns, in lower case, by entity type; a head must say number, or be sure."""
    found: list[tuple[re.Pattern[str], str]] = []
    for entity_type in entity_types:
        alternatives = []
        for label in labels(entity_type):
            # A look-ahead in a label asks for what follows it, which a head has no more.
            rest = re.sub(r"\(\?=(?:[^()]|\([^()]*\))*\)", "", label.rest)
            number = f"[ _-]?{_NUMBER}" + ("?" if label.sure == "sure" or label.stem in _BARE_HEADS else "")
            alternatives.append(re.escape(label.stem) + rest + number)
        found.append((re.compile("|".join(f"(?:{one})" for one in alternatives)), entity_type))
    return tuple(found)


_BARE_HEADS = frozenset({"account", "acct", "serial", "plate", "passport", "licen"})
