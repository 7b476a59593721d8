"""Who may do what: every role at every verb, and that being let through shows an operator no content."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit import Principal, open_workspace
from ragkit.config import load_config
from ragkit.doctor import Check
from ragkit.errors import AccessDenied, ConfigError, RagkitError
from ragkit.rootkey import create_key_file
from ragkit.workspace import Workspace

PEOPLE = {
    name: Principal(f"crm|{name}")
    for name in ("reader", "ingester", "operator", "auditor", "officer", "revealer", "stranger")
}
SECRET = "galina.yalmanova@example.org"
WHY: dict[str, Any] = {"purpose": "case 7"}
Act = Callable[[Workspace, Principal], Any]

INGESTING: dict[str, Act] = {
    "sync": lambda w, who: w.sync(principal=who),
    "remask": lambda w, who: w.remask(principal=who),
    "rebuild": lambda w, who: w.rebuild(principal=who),
    "mask": lambda w, who: w.mask_text("x", principal=who),
}
OPERATING: dict[str, Act] = {
    "status": lambda w, who: w.status(principal=who),
    "doctor": lambda w, who: w.doctor(principal=who),
    "usage": lambda w, who: w.usage(principal=who),
    "backup": lambda w, who: w.keeping.backup(w.config.folder / f"copy-{who.subject[4:]}", principal=who),
    "due": lambda w, who: w.keeping.due(principal=who),
    "generators.test": lambda w, who: w.generators.test(principal=who),
    "keys.show": lambda w, who: w.keys.show(principal=who),
    "keys.escrow": lambda w, who: w.keys.escrow_to_passphrase(w.config.folder / "x.key", "p" * 30, principal=who),
    "keys.rotate_wrapping": lambda w, who: w.keys.rotate_wrapping(principal=who),
}
AUDITING: dict[str, Act] = {
    "audit.log": lambda w, who: list(w.audit.log(limit=1, principal=who)),
    "audit.egress": lambda w, who: w.audit.egress(principal=who),
    "audit.access": lambda w, who: list(w.audit.access(principal=who)),
    "audit.diff": lambda w, who: w.audit.diff(1, 2, principal=who),
    "audit.gaps": lambda w, who: w.audit.gaps(principal=who),
    "audit.guards": lambda w, who: w.audit.guards(principal=who),
    "audit.oversight": lambda w, who: w.audit.oversight(principal=who),
    "audit.retained": lambda w, who: w.audit.retained(principal=who),
    "audit.show": lambda w, who: w.audit.show("0" * 32, principal=who),
    "audit.export": lambda w, who: w.audit.export("csv", w.config.folder / "events.csv", principal=who),
    "audit.blast_radius": lambda w, who: w.audit.blast_radius("0" * 26, principal=who),
    "audit.verify": lambda w, who: w.audit.verify(principal=who),
    "audit.replay": lambda w, who: w.audit.replay("0" * 32, principal=who),
}
OFFICERS: dict[str, Act] = {
    "audit.evidence": lambda w, who: w.audit.evidence("0" * 32, principal=who, **WHY),
    "audit.forget": lambda w, who: w.audit.forget(request="0" * 32, principal=who, **WHY),
    "subjects.find": lambda w, who: w.subjects.find(SECRET, principal=who, **WHY),
    "subjects.export": lambda w, who: w.subjects.export(SECRET, principal=who, **WHY),
    "subjects.correct": lambda w, who: w.subjects.correct(SECRET, "x@y.example", principal=who, **WHY),
    "subjects.restrict": lambda w, who: w.subjects.restrict(SECRET, reason="r", principal=who, **WHY),
    "subjects.lift": lambda w, who: w.subjects.lift("0" * 32, reason="r", principal=who, **WHY),
    "subjects.erase": lambda w, who: w.subjects.erase(SECRET, principal=who, **WHY),
    "subjects.resume": lambda w, who: w.subjects.resume(principal=who),
    "place_hold": lambda w, who: w.keeping.place_hold(value=SECRET, reason="r", principal=who),
    "holds": lambda w, who: w.keeping.holds(principal=who),
    "release_hold": lambda w, who: w.keeping.release_hold("0" * 32, reason="r", principal=who),
    "retain": lambda w, who: w.keeping.retain(principal=who),
}
REVEALING: dict[str, Act] = {
    "reveal": lambda w, who: w.reveal("x", principal=who, **WHY),
    "reveal_stream": lambda w, who: list(w.reveal_stream(["x"], principal=who, **WHY)),
    "quarantined": lambda w, who: w.quarantined(principal=who, **WHY),
}
SEVERAL: dict[str, tuple[Act, set[str]]] = {
    "audit.approvals": (lambda w, who: w.audit.approvals(principal=who), {"auditor", "officer"}),
    "audit.close_incident": (
        lambda w, who: w.audit.close_incident("0" * 32, reason="r", principal=who),
        {"auditor", "officer"},
    ),
    "audit.approve": (lambda w, who: w.audit.approve("0" * 32, principal=who, **WHY), {"officer", "revealer"}),
}
MATRIX: dict[str, tuple[Act, set[str]]] = {
    **{verb: (act, {"ingester"}) for verb, act in INGESTING.items()},
    **{verb: (act, {"operator"}) for verb, act in OPERATING.items()},
    **{verb: (act, {"auditor"}) for verb, act in AUDITING.items()},
    **{verb: (act, {"officer"}) for verb, act in OFFICERS.items()},
    **{verb: (act, {"revealer"}) for verb, act in REVEALING.items()},
    **SEVERAL,
}


def _toml(folder: Path, more: str = "") -> str:
    return f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{folder / "root.key"}"
[policies.forms]
profile = "default"
detectors = []
{more}
[collections.shop]
policy = "forms"
access = ["u:crm|reader"]
reveal = ["u:crm|revealer"]
officers = ["u:crm|officer"]
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
[[retention]]
collection = "shop"
days = 1000
"""


ROLES = """
[roles]
ingesters = ["u:crm|ingester"]
operators = ["u:crm|operator"]
auditors = ["u:crm|auditor"]
"""


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """A workspace whose every role is somebody else's, with one value in its vault and no document."""
    folder = tmp_path_factory.mktemp("roles")
    (folder / "documents").mkdir()
    (folder / "ragkit.toml").write_text(_toml(folder, ROLES + f'[audit.key]\npath = "{folder / "audit.key"}"\n'))
    create_key_file(folder / "root.key")
    with open_workspace(folder) as opened:
        opened.mask_text(f"Write to {SECRET}.", principal=PEOPLE["ingester"])
        yield opened


def _denials(workspace: Workspace) -> list[dict[str, Any]]:
    files = sorted((workspace.config.data_folder / "events").glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    return [line for line in lines if line["type"] == "auth.denied"]


@pytest.mark.parametrize("verb", MATRIX)
def test_every_role_at_every_verb(workspace: Workspace, verb: str) -> None:
    """Who has the role is let through, and nobody else, the owner included where another is named."""
    act, allowed = MATRIX[verb]
    for name, who in {**PEOPLE, "owner": workspace.config.workspace.principal}.items():
        before = len(_denials(workspace))
        try:
            act(workspace, who)
            refused = False
        except AccessDenied:
            refused = True
        except RagkitError:  # let through, and found nothing to do it on
            refused = False
        assert refused == (name not in allowed), f"{name} at {verb}"
        denied = _denials(workspace)[before:]
        assert len(denied) == refused
        if refused:
            assert denied[0]["actor"]["id"] == workspace._handles.recorder.known_as(who.subject)
            assert denied[0]["data"]["verb"]


def test_who_is_not_written_down_is_the_owner(tmp_path: Path) -> None:
    """Without ``[roles]`` the owner may do everything that is not an officer's or a revealer's, and nobody else."""
    (tmp_path / "documents").mkdir()
    (tmp_path / "ragkit.toml").write_text(_toml(tmp_path))
    create_key_file(tmp_path / "root.key")
    with open_workspace(tmp_path) as opened:
        opened.mask_text("x")
        opened.status()
        assert list(opened.audit.log(limit=1))
        for name in ("ingester", "operator", "auditor"):
            with pytest.raises(AccessDenied):
                opened.status(principal=PEOPLE[name])


def test_an_empty_list_is_nobody(tmp_path: Path) -> None:
    """An empty list of a role is nobody's, the owner's neither."""
    (tmp_path / "ragkit.toml").write_text(_toml(tmp_path, "[roles]\nauditors = []\n"))
    create_key_file(tmp_path / "root.key")
    with open_workspace(tmp_path) as opened, pytest.raises(AccessDenied, match="no auditor"):
        opened.audit.log()


def test_pub_gives_the_owner_no_role_and_a_written_pub_gives_it_to_all(tmp_path: Path) -> None:
    """Everybody holds ``pub``; it counts only where somebody wrote it down."""
    (tmp_path / "ragkit.toml").write_text(_toml(tmp_path, '[roles]\noperators = ["pub"]\n'))
    create_key_file(tmp_path / "root.key")
    with open_workspace(tmp_path) as opened:
        opened.status(principal=PEOPLE["stranger"])
        with pytest.raises(AccessDenied):
            opened.sync(principal=PEOPLE["stranger"])


def test_an_operator_is_shown_no_content(workspace: Workspace) -> None:
    """Status, doctor and keys hold neither a value nor a token of the vault."""
    operator = PEOPLE["operator"]
    shown: list[Any] = [workspace.status(principal=operator), workspace.keys.show(principal=operator)]
    checks: list[Check] = workspace.doctor(principal=operator)
    shown += [(check.name, check.detail, check.remedy) for check in checks]
    text = repr(shown)
    assert SECRET not in text
    assert "[EMAIL_ADDRESS" not in text
    assert "galina" not in text.lower()


@pytest.mark.parametrize(
    ("more", "missing"),
    [
        ('[audit]\nmode = "compliance"\n', "roles.auditors"),
        ('[audit]\nmode = "compliance"\n[roles]\nauditors = []\n', "roles.auditors"),
    ],
)
def test_compliance_wants_the_roles_written_down(tmp_path: Path, more: str, missing: str) -> None:
    """In that mode nobody is an auditor or an officer by omission; the owner may be named."""
    (tmp_path / "ragkit.toml").write_text(_toml(tmp_path, more))
    with pytest.raises(ConfigError, match=missing) as caught:
        load_config(tmp_path)
    assert '"u:local|ana"' in caught.value.remedy
    named = more.replace("auditors = []", "") + ("" if "[roles]" in more else "[roles]\n")
    (tmp_path / "ragkit.toml").write_text(_toml(tmp_path, f'{named}auditors = ["u:local|ana"]\n'))
    assert load_config(tmp_path).roles.auditors == ("u:local|ana",)
    (tmp_path / "ragkit.toml").write_text(
        _toml(tmp_path, f'{named}auditors = ["u:local|ana"]\n').replace('officers = ["u:crm|officer"]', "")
    )
    with pytest.raises(ConfigError, match=r"collections\.shop\.officers"):
        load_config(tmp_path)


def test_two_people_need_a_log(tmp_path: Path) -> None:
    """Without a log there is nothing to read an approval back from."""
    more = '[audit]\nmode = "unsafe_off"\n[roles]\ntwo_person = ["erase"]\n'
    (tmp_path / "ragkit.toml").write_text(_toml(tmp_path, more))
    with pytest.raises(ConfigError, match="two_person needs the event log"):
        load_config(tmp_path)
