"""Which learned detectors a policy gets: by name, by need, by permission, with the policy's thresholds."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ragkit.config_sections import DetectorSection
from ragkit.detect import build
from ragkit.detect.build import build_learned, wanted_of
from ragkit.detect.builtin import BuiltinDetector
from ragkit.detect.spacy import SpacyDetector
from ragkit.errors import ConfigError, RagkitError, UnknownKey
from ragkit.policy import Policy
from ragkit.registry import Registry
from ragkit.types import Span


class Ids:
    """A detector as another package would bring it; it keeps what it was given."""

    def __init__(
        self,
        path: str,
        *,
        name: str,
        entities: Collection[str],
        threshold: float,
        thresholds: Mapping[str, float],
        limit: int = 3,
    ) -> None:
        if limit < 0:
            raise ValueError(path)
        self.given = {"path": path, "name": name, "entities": entities, "threshold": threshold, "limit": limit}
        self.thresholds = thresholds
        self.name = f"learned:{name}"
        self.fingerprint = name

    def load(self) -> None: ...

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        return [[] for _ in texts]


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The distribution ``acme-ids`` with :class:`Ids`, on the path and allowed."""
    info = tmp_path / "acme_ids-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-ids\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ragkit.detectors]\nacme-ids = acme_ids_for_test:Ids\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "acme_ids_for_test", sys.modules[__name__])
    return Registry(allow=["acme-ids"])


def section(**settings: Any) -> dict[str, DetectorSection]:
    """One section of the name ``ours``."""
    return {"ours": DetectorSection(**settings)}


def policy(**settings: Any) -> Policy:
    """A policy that names that section."""
    return Policy(detectors=("ours",), **settings)


def test_a_detector_of_another_package_gets_what_it_takes(plugin: Registry, tmp_path: Path) -> None:
    """Wanted types, the lowest threshold, the thresholds that were written, its own options, a path made absolute."""
    rules = {"PERSON": {"threshold": 0.6}, "AGE": "token", "URL": "keep"}
    made = build_learned(
        policy(entities=rules, default_threshold=0.4),
        section(kind="acme-ids", path="models/ids", limit=5),
        registry=plugin,
        folder=tmp_path,
    )[0]
    assert isinstance(made, Ids)
    assert made.given == {
        "path": str(tmp_path / "models" / "ids"),
        "name": "ours",
        "entities": {"PERSON", "AGE"},
        "threshold": 0.4,
        "limit": 5,
    }
    assert made.thresholds == {"PERSON": 0.6}


def test_the_section_may_set_the_threshold_and_the_types(plugin: Registry) -> None:
    """What is written for the detector counts; a threshold by type in the policy counts more."""
    written = section(kind="acme-ids", path="p", threshold=0.8, entities=("PERSON", "AGE", "MONEY"))
    made = build_learned(policy(entities={"PERSON": {"threshold": 0.6}, "AGE": "token"}), written, registry=plugin)[0]
    assert isinstance(made, Ids)
    assert made.given["threshold"] == 0.8
    assert made.given["entities"] == {"PERSON", "AGE"}
    assert made.thresholds == {"PERSON": 0.6, "AGE": 0.8}


def test_a_package_must_be_allowed(plugin: Registry) -> None:
    """A detector sees unmasked text."""
    with pytest.raises(ConfigError, match="not allowed"):
        build_learned(policy(), section(kind="acme-ids", path="p"), registry=Registry())


def test_a_detector_that_could_find_nothing_wanted_is_not_built() -> None:
    """Neither the shipped one nor one of a section; its module is not even looked for."""
    accounts = {"IBAN_CODE": "token"}
    assert build_learned(Policy(entities=accounts), {}) == []
    assert build_learned(policy(), section(kind="no-such", entities=("MONEY",))) == []
    assert build_learned(Policy.unsafe_nothing(), {}) == []
    assert build_learned(Policy(detectors=()), {}) == []
    assert wanted_of(Policy(entities={"PERSON": "keep", "AGE": "token"}), build._BUILTIN) == {"AGE"}


def test_the_shipped_detector_keeps_its_thresholds_unless_the_policy_writes_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It needs no section; a section of its kind may set one threshold for all that the policy leaves open."""
    rules = Policy(entities={"PERSON": {"threshold": 0.3}, "AGE": "token", "IBAN_CODE": "token"})
    plain = build_learned(rules, {})[0]
    assert isinstance(plain, BuiltinDetector)
    assert plain.name == "learned:minilm"
    assert plain._thresholds == {"PERSON": 0.3, "AGE": 0.5}
    lower = build_learned(rules, {"builtin": DetectorSection(kind="builtin", threshold=0.4)})[0]
    assert isinstance(lower, BuiltinDetector)
    assert lower._thresholds == {"PERSON": 0.3, "AGE": 0.4}


def test_national_numbers_may_be_taken_from_a_detector() -> None:
    """A section may name a country's type where the policy says NATIONAL_ID."""
    assert wanted_of(Policy.default(), DetectorSection(kind="spacy", entities=("US_SSN", "URL"))) == {"US_SSN"}


def test_a_spacy_package_keeps_its_bare_name(tmp_path: Path) -> None:
    """A folder of the workspace is a path; what is no folder there may be an installed package."""
    (tmp_path / "pipeline").mkdir()
    for path, place in (("en_core_web_lg", "en_core_web_lg"), ("pipeline", str(tmp_path / "pipeline"))):
        made = build_learned(policy(), section(kind="spacy", path=path), folder=tmp_path)[0]
        assert isinstance(made, SpacyDetector)
        assert made._path == place
        assert made.name == "learned:ours"


@pytest.mark.parametrize(
    ("settings", "error", "said"),
    [
        ({"kind": "spacyy", "path": "p"}, ConfigError, "no detector of the name"),
        ({"kind": "spacy"}, ConfigError, "needs the option 'path'"),
        ({"kind": "spacy", "path": "p", "batchsize": 1}, UnknownKey, "no option 'batchsize'"),
        ({"kind": "spacy", "path": "p", "name": "x"}, UnknownKey, "no option 'name'"),
        ({"kind": "acme-ids", "path": "secret/place", "limit": -1}, ConfigError, "refuses its options (ValueError)"),
    ],
)
def test_what_a_detector_refuses_is_said(
    settings: dict[str, Any], error: type[RagkitError], said: str, plugin: Registry
) -> None:
    """With a remedy, and without the values."""
    with pytest.raises(error) as caught:
        build_learned(policy(), section(**settings), registry=plugin)
    assert said in str(caught.value)
    assert caught.value.remedy
    assert "secret/place" not in str(caught.value)


def test_a_name_without_a_section_is_refused() -> None:
    """A policy made in a program is checked here; one in ragkit.toml when it is read."""
    with pytest.raises(ConfigError, match="'ours'"):
        build_learned(policy(), {})


def test_building_loads_nothing_heavy(tmp_path: Path) -> None:
    """A masker for the default policy, with the detectors that it names, imports no model library."""
    code = (
        "import sys; from ragkit.detect.build import build_learned; from ragkit.config_sections import DetectorSection;"
        "from ragkit.policy import Policy;"
        "build_learned(Policy(detectors=('builtin', 'a')), {'a': DetectorSection(kind='spacy', path='x')});"
        "print({'torch', 'transformers', 'spacy', 'presidio_analyzer'} & set(sys.modules))"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "set()"
