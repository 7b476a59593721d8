"""From a model's own labels to ragkit's entity types, and the settings that every detector from a folder shares.

::

    settings = Settings("huggingface", labels={"HCW": "PERSON"}, threshold=0.4, entities=None)
    settings.type_of("B-PER")        # "PERSON"

Labels are compared without case, without a BIO prefix, and with ``_``, ``-`` and spaces alike.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from ragkit.errors import ConfigError, ModelError

_TYPE = re.compile(r"[A-Z][A-Z0-9_]{1,39}")
_PREFIX = re.compile(r"^[BIEOLSU]-(?=.)")
_APART = re.compile(r"[\s_-]+")

_USUAL: Mapping[str, str] = {
    "PERSON": "per person persons people name names fullname firstname middlename lastname surname givenname"
    " familyname patient doctor staff hcw",
    "LOCATION": "loc location locationother gpe geo geoloc fac facility place city state county country region"
    " hospital",
    "ADDRESS": "address street streetaddress streetnum postaladdress homeaddress fulladdress buildingnumber building"
    " secondaryaddress secaddress",
    "POSTCODE": "zip zipcode postcode postalcode",
    "ORGANIZATION": "org organization organisation company companyname corporation vendor employer group patorg",
    "NRP": "norp nrp nationality religion politicalgroup ethnicity",
    "TITLE": "title prefix jobtitle job profession occupation jobarea jobtype",
    "DATE_TIME": "date time datetime duration",
    "DATE_OF_BIRTH": "dob bod dateofbirth birthdate birthday",
    "AGE": "age ages",
    "QUANTITY": "quantity percent",
    "MONEY": "money amount",
    "EMAIL_ADDRESS": "email emailaddress mail",
    "PHONE_NUMBER": "phone phonenumber telephone telephonenum telephonenumber tel mobile fax",
    "URL": "url website web",
    "IP_ADDRESS": "ip ipaddress ipv4 ipv6",
    "MAC_ADDRESS": "mac macaddress",
    "CREDIT_CARD": "creditcard creditcardnumber cardnumber",
    "IBAN_CODE": "iban ibancode",
    "ACCOUNT_NUMBER": "account accountnum accountnumber bankaccount",
    "NATIONAL_ID": "ssn socialnum socialsecuritynumber nationalid idcard idcardnum passport passportnumber taxnum"
    " taxnumber driverlicense driverlicensenum driverslicense drivinglicense",
    "MEDICAL_RECORD_NUMBER": "medicalrecord medicalrecordnumber mrn",
    "HEALTH_PLAN_NUMBER": "healthplan healthplannumber",
    "LICENSE_NUMBER": "license licence licensenumber",
    "VEHICLE_ID": "vehicle vin vehiclevin",
    "LICENSE_PLATE": "licenseplate vehiclevrm numberplate",
    "DEVICE_ID": "device deviceid imei phoneimei serialnumber",
    "BIOMETRIC_ID": "bioid biometric biometricid",
    "CRYPTO": "crypto bitcoinaddress ethereumaddress litecoinaddress",
    "UNIQUE_ID": "id idnum code identifier uniqueid uniqueidentifier username",
}
"""By entity type the labels that stand for it, as OntoNotes, CoNLL, WNUT, i2b2 and ai4privacy models name them."""


def normal(label: str) -> str:
    """A label as it is compared: no case, no BIO prefix, no white space, ``_`` or ``-``."""
    return _APART.sub("", _PREFIX.sub("", label)).casefold()


_DEFAULT = {normal(word): entity_type for entity_type, words in _USUAL.items() for word in words.split()}


class Settings:
    """What a detector from a local folder is told, checked.

    Args:
        name: Of the detector; its findings' recognizer is ``learned:<name>``.
        labels: Entity type by the model's label; an empty type drops the label. Labels that are not named here keep
            the usual meaning (``PER`` is ``PERSON``), and a label that is itself a type of ragkit's stands for itself.
        threshold: Least score in 0..1.
        entities: Types wanted; ``None`` for all.

    Raises:
        ConfigError: The name, a type or the threshold is out of form.
    """

    def __init__(
        self,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        threshold: float = 0.5,
        entities: Collection[str] | None = None,
    ) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
            raise ConfigError("a detector's name is out of form", remedy="Use small letters, digits, `_` and `-`.")
        if not 0.0 <= threshold <= 1.0:
            raise ConfigError("a detector's threshold is out of range", remedy="Give a number from 0 to 1.")
        if any(kind and not _TYPE.fullmatch(kind) for kind in (labels or {}).values()):
            raise ConfigError(
                "a detector's label stands for something that is not an entity type",
                remedy="Types are capital letters, digits and underscores, such as PERSON; an empty one drops a label.",
            )
        self.recognizer = f"learned:{name}"
        self.threshold = threshold
        self.entities = None if entities is None else frozenset(entities)
        self.own = dict(labels or {})
        self._own = {normal(label): kind for label, kind in self.own.items()}

    def type_of(self, label: str) -> str | None:
        """The wanted entity type that a label stands for, or ``None``."""
        key = normal(label)
        bare = _PREFIX.sub("", label)
        kind = self._own.get(key, _DEFAULT.get(key))
        if kind is None and bare in _DEFAULT_TYPES:
            kind = bare
        if not kind or (self.entities is not None and kind not in self.entities):
            return None
        return kind

    def types_of(self, labels: Iterable[str]) -> dict[str, str]:
        """Entity type by label, for the labels that stand for a wanted one.

        Raises:
            ModelError: None of them does, whatever types are wanted: the model would find nothing, silently.
        """
        every = list(labels)
        wanted = {label: kind for label in every if (kind := self.type_of(label)) is not None}
        if not wanted and not any(Settings("x", labels=self.own).type_of(label) for label in every):
            raise ModelError(
                "none of the model's labels stands for an entity type",
                remedy='Map its labels in the detector\'s section, such as `labels = {LABEL_1 = "PERSON"}`.',
            )
        return wanted

    def fingerprint(self, kind: str, files: str, **more: Any) -> str:
        """What identifies the output: the sort of detector, its files and its settings."""
        told = [
            self.recognizer,
            self._own,
            self.threshold,
            sorted(self.entities) if self.entities is not None else None,
        ]
        document = json.dumps([files, told, more], sort_keys=True)
        return f"{kind}:{hashlib.sha256(document.encode()).hexdigest()[:24]}"


_DEFAULT_TYPES = frozenset(_USUAL)
