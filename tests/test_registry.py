"""The registry: names to classes, without importing what nobody asked for."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from ragkit.errors import ConfigError, MissingDependency, UnknownKey
from ragkit.registry import BUILT_IN, Registry

ROOT = Path(__file__).parent.parent


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Install a distribution ``Acme.Plugins`` on the path, as pip would lay it out."""
    info = tmp_path / "Acme.Plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Acme.Plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[ragkit.connectors]\n"
        "acme-crm = acme_plugins_for_test.crm:Crm\n"
        "acme-bare = acme_plugins_for_test.bare:Bare [bare]\n"
        "acme-odd = acme_plugins_for_test.crm:Nothing\n"
        "files = acme_plugins_for_test.crm:Crm\n"
        "[ragkit.detectors]\n"
        "acme-ids = acme_plugins_for_test.ids:Ids\n"
    )
    package = tmp_path / "acme_plugins_for_test"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "crm.py").write_text("class Crm:\n    def __init__(self, *, name, path, limit=3): ...\n")
    (package / "bare.py").write_text("import a_package_nobody_has\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.startswith("acme_plugins_for_test")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_the_table_is_what_the_package_declares() -> None:
    """The built-in rows equal the entry points in pyproject.toml."""
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    declared = {
        (group.removeprefix("ragkit."), name): target for group, rows in groups.items() for name, target in rows.items()
    }
    assert {(entry.kind, entry.name): entry.target for entry in BUILT_IN} == declared


@pytest.mark.parametrize("entry", BUILT_IN, ids=lambda entry: f"{entry.kind}/{entry.name}")
def test_every_row_of_the_table_loads(entry: object) -> None:
    """Each built-in name leads to a class."""
    assert isinstance(Registry().load(entry.kind, entry.name), type)  # type: ignore[attr-defined]


def test_looking_up_imports_nothing() -> None:
    """Names and rows are known without importing a single connector or generator."""
    code = (
        "import sys; from ragkit.registry import Registry; r = Registry();"
        "r.names('connectors'), r.names('generators'), r.find('connectors', 'files');"
        "assert not [m for m in sys.modules if m.startswith(('ragkit_connectors', 'ragkit.generate'))]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_foreign_plugin_must_be_allowed(plugin: Path) -> None:
    """A plugin is listed but not importable until its distribution is allowed by name, however it is spelt."""
    assert "acme-crm" in Registry().names("connectors")
    with pytest.raises(ConfigError, match="not allowed") as caught:
        Registry().load("connectors", "acme-crm")
    assert 'allow = ["acme-plugins"]' in caught.value.remedy
    assert "acme_plugins_for_test" not in sys.modules
    for spelling in ("acme-plugins", "Acme.Plugins", "ACME_plugins"):
        assert Registry(allow=[spelling]).load("connectors", "acme-crm").__name__ == "Crm"


def test_a_foreign_detector_must_be_allowed(plugin: Path) -> None:
    """It sees unmasked text, so it runs only where its distribution is allowed."""
    with pytest.raises(ConfigError, match="not allowed"):
        Registry().find("detectors", "acme-ids")
    assert Registry(allow=["acme-plugins"]).find("detectors", "acme-ids").target.endswith("ids:Ids")


def test_a_foreign_plugin_never_takes_a_built_in_name(plugin: Path) -> None:
    """``files`` is ragkit's own even when an allowed distribution brings the same name."""
    registry = Registry(allow=["acme-plugins"])
    registry.names("connectors")
    assert registry.find("connectors", "files").distribution == "ragkit"


def test_a_missing_package_names_the_extra(plugin: Path) -> None:
    """An ImportError becomes MissingDependency with the pip line; it is an ImportError still."""
    with pytest.raises(MissingDependency) as caught:
        Registry(allow=["acme-plugins"]).load("connectors", "acme-bare")
    assert caught.value.remedy == "pip install 'acme-plugins[bare]'"
    assert isinstance(caught.value, ImportError)


def test_an_entry_point_that_leads_nowhere_is_an_error(plugin: Path) -> None:
    """A plugin whose class is gone is named, not an AttributeError."""
    with pytest.raises(ConfigError, match="not where its entry point says"):
        Registry(allow=["acme-plugins"]).load("connectors", "acme-odd")


def test_two_distributions_of_one_name_are_refused(plugin: Path) -> None:
    """Which of two plugins runs is never left to the order of the path."""
    info = plugin / "other_plugins-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other-plugins\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[ragkit.connectors]\nacme-crm = elsewhere:Crm\n")
    with pytest.raises(ConfigError, match="both bring"):
        Registry(allow=["acme-plugins", "other-plugins"]).find("connectors", "acme-crm")


def test_an_unknown_name_offers_the_nearest() -> None:
    """A misspelt connector is refused with the right name."""
    with pytest.raises(ConfigError) as caught:
        Registry().find("connectors", "file")
    assert "`files`" in caught.value.remedy


def test_options_are_checked_by_name(plugin: Path) -> None:
    """An unknown option names the nearest, a missing one is named, and ragkit's own are not for the user to give."""
    registry = Registry(allow=["acme-plugins"])
    registry.check_options("connectors", "acme-crm", ["path", "limit"])
    with pytest.raises(UnknownKey) as caught:
        registry.check_options("connectors", "acme-crm", ["path", "limits"])
    assert "`limit`" in caught.value.remedy
    with pytest.raises(ConfigError, match="needs the option 'path'"):
        registry.check_options("connectors", "acme-crm", [])
    with pytest.raises(UnknownKey):
        registry.check_options("connectors", "acme-crm", ["path", "name"])
