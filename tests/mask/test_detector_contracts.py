"""Every detector of the masking room keeps the contract that is shipped for plugins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ragkit.mask.custom import CustomDetector
from ragkit.mask.denied import ListDetector
from ragkit.mask.dictionary import DictionaryDetector
from ragkit.mask.presidio import PresidioDetector
from ragkit.mask.rules import RulesDetector
from ragkit.mask.secrets import SecretDetector
from ragkit.policy import DenyList, Dictionary, Recognizer
from ragkit.protocols import Detector
from ragkit.testing.contracts import DetectorContract

TEXTS = (
    "Dear Ms Zdravka Qvortrup, your badge 482913 opens room 7.",
    "Write to zdravka.qvortrup@mail.example or call 020 7946 0958; card 4111 1111 1111 1111.",
    "Nothing here.",
    "Project Blue Falcon: key AKIAQWERTYUIOPASDF23, born on 3 May 1981.\nMs Qvortrup signed.",
)


class _Contract(DetectorContract):
    @pytest.fixture
    def texts(self) -> Sequence[str]:
        return TEXTS


class TestPresidio(_Contract):
    @pytest.fixture
    def detector(self) -> Detector:
        return PresidioDetector(["EMAIL_ADDRESS", "CREDIT_CARD", "PHONE_NUMBER", "IP_ADDRESS"])


class TestRules(_Contract):
    @pytest.fixture
    def detector(self) -> Detector:
        return RulesDetector()


class TestDictionary(_Contract):
    @pytest.fixture
    def detector(self) -> Detector:
        return DictionaryDetector({"own": Dictionary(entity_type="PROJECT", terms=("Blue Falcon",))})


class TestCustom(_Contract):
    @pytest.fixture
    def detector(self) -> Detector:
        settings = {"entity_type": "BADGE", "patterns": [r"\b\d{6}\b"], "context": ["badge"]}
        return CustomDetector({"own": Recognizer(**settings)})


class TestSecrets(_Contract):
    @pytest.fixture
    def detector(self) -> Detector:
        return SecretDetector()


class TestLists(_Contract):
    @pytest.fixture
    def detector(self, tmp_path: Path) -> Detector:
        (tmp_path / "names.txt").write_text("Zdravka Qvortrup\nQvortrup\n")
        return ListDetector({"own": DenyList(entity_type="PERSON", file=Path("names.txt"))}, tmp_path)
