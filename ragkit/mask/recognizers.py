"""The pinned list of Presidio recognizers, by entity type and country, each with its gate.

Not Presidio's default registry: that one changes with the version, downloads a spaCy model, and masks every bare
date and domain name. ``confirmed`` marks recognizers that count only when a context word stands nearby, since their
patterns match any long number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from ragkit.errors import ConfigError
from ragkit.mask import checksums, gates
from ragkit.mask.gates import Gate


@dataclass(frozen=True, slots=True)
class Row:
    """One recognizer: its class in ``presidio_analyzer.predefined_recognizers`` and where it is worth running.

    Attributes:
        entity_type: What it finds.
        class_name: Its class.
        gate: Where it is worth running.
        confirmed: It counts only beside a context word, whatever its score.
        grouped: How the number is written on paper, as a regular expression; without a context word it counts only so.
            Empty where the check digits tell enough by themselves.
    """

    entity_type: str
    class_name: str
    gate: Gate = gates.numbered_lines
    confirmed: bool = False
    grouped: str = ""


UNIVERSAL: tuple[Row, ...] = (
    Row("CREDIT_CARD", "CreditCardRecognizer", gates.cards),
    Row("IBAN_CODE", "IbanRecognizer", gates.ibans),
    Row("EMAIL_ADDRESS", "EmailRecognizer", gates.emails),
    Row("IP_ADDRESS", "IpRecognizer", gates.addresses),
    Row("MAC_ADDRESS", "MacAddressRecognizer", gates.macs),
    Row("CRYPTO", "CryptoRecognizer", gates.wallets),
    Row("PHONE_NUMBER", "PhoneRecognizer", gates.phones),
    Row("URL", "UrlRecognizer", gates.urls),
    Row("UUID", "UuidRecognizer", gates.uuids),
)

NATIONAL: dict[str, tuple[Row, ...]] = {
    "us": (
        Row("US_SSN", "UsSsnRecognizer", gates.social_security),
        Row("US_ITIN", "UsItinRecognizer", gates.social_security),
        Row("US_BANK_NUMBER", "UsBankRecognizer", confirmed=True),
        Row("US_DRIVER_LICENSE", "UsLicenseRecognizer", confirmed=True),
        Row("US_PASSPORT", "UsPassportRecognizer", confirmed=True),
        Row("US_MBI", "UsMbiRecognizer"),
    ),
    "uk": (
        Row("UK_NHS", "NhsRecognizer", grouped=r"\d{3} \d{3} \d{4}"),
        Row("UK_NINO", "UkNinoRecognizer"),
        Row("UK_DRIVING_LICENCE", "UkDrivingLicenceRecognizer"),
        Row("UK_PASSPORT", "UkPassportRecognizer", confirmed=True),
    ),
    "de": (
        Row("DE_TAX_ID", "DeTaxIdRecognizer"),
        Row("DE_SOCIAL_SECURITY", "DeSocialSecurityRecognizer"),
        Row("DE_HEALTH_INSURANCE", "DeHealthInsuranceRecognizer"),
        Row("DE_ID_CARD", "DeIdCardRecognizer", confirmed=True),
        Row("DE_PASSPORT", "DePassportRecognizer", confirmed=True),
        Row("DE_FUEHRERSCHEIN", "DeFuehrerscheinRecognizer", confirmed=True),
    ),
    "es": (
        Row("ES_NIF", "EsNifRecognizer"),
        Row("ES_NIE", "EsNieRecognizer"),
        Row("ES_PASSPORT", "EsPassportRecognizer", confirmed=True),
    ),
    "it": (
        Row("IT_FISCAL_CODE", "ItFiscalCodeRecognizer"),
        Row("IT_DRIVER_LICENSE", "ItDriverLicenseRecognizer", confirmed=True),
        Row("IT_PASSPORT", "ItPassportRecognizer", confirmed=True),
        Row("IT_IDENTITY_CARD", "ItIdentityCardRecognizer", confirmed=True),
    ),
    "au": (
        Row("AU_TFN", "AuTfnRecognizer", grouped=r"\d{3} \d{3} \d{3}"),
        Row("AU_MEDICARE", "AuMedicareRecognizer", grouped=r"\d{4} \d{5} \d"),
    ),
    "ca": (Row("CA_SIN", "CaSinRecognizer", grouped=r"\d{3}[ -]\d{3}[ -]\d{3}"),),
    "fi": (Row("FI_PERSONAL_IDENTITY_CODE", "FiPersonalIdentityCodeRecognizer"),),
    "in": (
        Row("IN_PAN", "InPanRecognizer"),
        Row("IN_AADHAAR", "InAadhaarRecognizer"),
        Row("IN_VOTER", "InVoterRecognizer"),
        Row("IN_PASSPORT", "InPassportRecognizer", confirmed=True),
    ),
    "kr": (Row("KR_RRN", "KrRrnRecognizer"),),
    "ng": (Row("NG_NIN", "NgNinRecognizer"),),
    "pl": (Row("PL_PESEL", "PlPeselRecognizer"),),
    "se": (Row("SE_PERSONNUMMER", "SePersonnummerRecognizer"),),
    "sg": (Row("SG_NRIC_FIN", "SgFinRecognizer"),),
    "th": (Row("TH_TNIN", "ThTninRecognizer"),),
    "tr": (Row("TR_NATIONAL_ID", "TrNationalIdRecognizer"),),
    "za": (Row("ZA_ID_NUMBER", "ZaIdNumberRecognizer"),),
}


def rows(entities: Collection[str] | None, countries: Collection[str]) -> Iterator[Row]:
    """The recognizers for these entity types (``None`` for all) and countries.

    Raises:
        ConfigError: A country that ragkit knows no identity numbers of.
    """
    known = set(NATIONAL) | set(checksums.NATIONAL)
    unknown = sorted(set(countries) - known)
    if unknown:
        raise ConfigError(
            f"no identity numbers are known for: {', '.join(unknown)}",
            remedy=f"Choose `countries` from: {', '.join(sorted(known))}.",
        )
    for row in (*UNIVERSAL, *(row for country in countries for row in NATIONAL.get(country, ()))):
        if entities is None or row.entity_type in entities:
            yield row
