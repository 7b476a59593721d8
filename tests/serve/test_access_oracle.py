"""Random access lists and callers: nothing is shown to who may not see it, and nothing is kept from who may."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.auth.callers import Scope
from ragkit.auth.oidc import MOST_GROUPS
from ragkit.rootkey import create_key_file
from ragkit.testing.access_oracle import run_cases
from ragkit.testing.in_process import Local, in_process
from ragkit.testing.light import LightIngest
from ragkit.types import Principal, SourceItem

SEARCH: tuple[Scope, ...] = ("search", "documents.read")


@pytest.mark.parametrize("cases", [200, pytest.param(2_000, marks=pytest.mark.slow)])
def test_random_callers_see_what_the_oracle_says(tmp_path: Path, cases: int) -> None:
    """As ``benchmarks/access_oracle.py`` does with 10,000: no leak, and all that may be seen."""
    for one in run_cases(tmp_path, cases=cases, documents=200, seed=1):
        assert one.cases == cases // 4
        assert one.leaks == 0
        assert one.taken == 0
        assert one.recall == 1
        assert one.first == one.targets > cases // 6


def _item(name: str, *access: str) -> SourceItem:
    return SourceItem(native_id=name, name=name, content=b"A lamp.", media_type="text/plain", access=frozenset(access))


def test_a_list_that_a_sync_makes_narrower_holds_with_the_next_search(tmp_path: Path) -> None:
    """Also for who has the store open already, and whose index does not know of it yet."""
    light = LightIngest(tmp_path)
    light.sync({"a": _item("a", "g:crm|sales"), "b": _item("b", "g:crm|sales")})
    reader = LightIngest(tmp_path, writable=False)
    caller = Principal("crm|ana", frozenset({"crm|sales"}))
    assert set(reader.texts(caller)) == {"a", "b"}
    light.sync({"a": _item("a", "g:crm|sales"), "b": _item("b", "g:crm|board")})
    assert set(reader.texts(caller)) == {"a"}
    light.sync({"a": _item("a"), "b": _item("b", "g:crm|board")})
    assert reader.texts(caller) == {}


def test_as_many_groups_as_there_may_be_are_looked_up(tmp_path: Path) -> None:
    """And no filter is left out on the way."""
    light = LightIngest(tmp_path)
    light.sync({"a": _item("a", "g:corp|g4999"), "b": _item("b", "g:corp|g5001")})
    assert set(light.texts(Principal("corp|ana", frozenset(f"corp|g{n}" for n in range(MOST_GROUPS))))) == {"a"}


# --- over HTTP --------------------------------------------------------------------------------------------------------

GROUPS = [f"{source}|{name}" for source in ("crm", "erp") for name in ("sales", "board", "care", "Sales")]
LISTS = {
    f"note-{number}": tuple(sorted({*random.Random(number).sample([f"g:{one}" for one in GROUPS], number % 4),
                                    f"u:crm|person-{number}"}))
    for number in range(10)
}  # fmt: skip
"""Who may read each document: a source each, since lists are the sources'."""


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """A service over documents with a list each."""
    folder = tmp_path_factory.mktemp("listed")
    sources = list[str]()
    for name, access in LISTS.items():
        (folder / name).mkdir()
        (folder / name / f"{name}.txt").write_text("The warranty on this lamp lasts one year.\n")
        sources.append(
            f'[[collections.shop.sources]]\nconnector = "files"\nname = "{name}"\npath = "{name}"\n'
            f"access = {list(access)}\n"
        )
    key = tmp_path_factory.mktemp("key") / "root.key"
    (folder / "ragkit.toml").write_text(
        f'[workspace]\nname = "listed"\nowner = "local|ana"\n[keys]\npath = "{key}"\n[serve]\nport = 0\n'
        f'[collections.shop]\naccess = ["u:local|ana"]\n{"".join(sources)}'
    )
    create_key_file(key)
    with open_workspace(folder) as workspace:
        workspace.sync()
    with in_process(folder) as local:
        yield local


def test_each_key_sees_over_http_what_the_lists_say(listed: Local) -> None:
    """Search and the list of documents, for 40 random callers; of two `sales`, the one of their own system."""
    drawn = random.Random(3)
    keys = listed.tenants.first.workspace.api_keys
    for _ in range(40):
        subject = f"crm|person-{drawn.randrange(14)}"
        groups = drawn.sample(GROUPS, drawn.randrange(4))
        made = keys.create(subject, groups=groups, scopes=SEARCH)
        held = {f"u:{subject}", *(f"g:{one}" for one in groups)}
        visible = {f"{name}.txt" for name, access in LISTS.items() if not held.isdisjoint(access)}
        headers = listed.bearer(made.key)
        body = {"question": "How long is the warranty on a lamp?", "k": 50}
        hits = listed.client.post("/v1/search", json=body, headers=headers).json().get("hits", [])
        documents = listed.client.get("/v1/documents?limit=200", headers=headers).json().get("documents", [])
        assert {one["uri"] for one in hits} == visible
        assert len(documents) == len(visible)
