"""Which collections and generators a caller may name; what a name means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.auth.callers import Caller
from ragkit.serve.choices import Choice, CollectionUnnamed, ModelNotFound, choice_of, choices_of, collection_of
from ragkit.serve.replies import NotFound
from ragkit.serve.tenants import Tenant
from ragkit.testing.service import OPEN
from ragkit.types import Principal

MORE = """
[collections.vault]
access = ["u:local|ana"]

[collections.ragkit]
access = ["g:crm|house"]

[collections.notes]
access = []
[[collections.notes.sources]]
connector = "files"
name = "notes"
path = "open"
access = ["g:crm|notes"]
"""


def caller(subject: str = "web|dan", *groups: str) -> Caller:
    """Somebody with a key."""
    return Caller("shop", Principal(subject, frozenset(groups)), frozenset({"ask"}), "key")


@pytest.fixture
def tenant(make_copy: Callable[[str], Path]) -> Iterator[Tenant]:
    """The shop, with collections of which nothing was synced yet."""
    with open_workspace(make_copy(OPEN + MORE)) as workspace:
        yield Tenant("shop", workspace)


@pytest.mark.parametrize(
    ("who", "visible"),
    [
        (caller(), ["shop"]),
        (caller("local|ana"), ["shop", "vault"]),
        (caller("web|dan", "crm|notes"), ["shop", "notes"]),
        (caller("web|dan", "crm|house"), ["shop", "ragkit"]),
        (caller("web|dan", "other|notes"), ["shop"]),
    ],
)
def test_who_may_see_something_of_a_collection_may_know_of_it(tenant: Tenant, who: Caller, visible: list[str]) -> None:
    """By the access of the collection or of one of its sources; groups of another source are others."""
    assert tenant.workspace.visible_collections(principal=who.principal) == visible
    assert [choice.collection for choice, generator in choices_of(tenant, who) if generator is None] == visible


def test_what_single_documents_allow_counts(make_copy: Callable[[str], Path]) -> None:
    """Documents that were synced for everybody are seen by everybody, though the configuration names only the owner."""
    folder = make_copy(OPEN)
    text = (folder / "ragkit.toml").read_text()
    (folder / "ragkit.toml").write_text(text.replace('access = ["pub"]\n', "").replace('"g:crm|staff", ', ""))
    with open_workspace(folder) as workspace:
        assert workspace.visible_collections(principal=caller().principal) == ["shop"]
        assert workspace.search("warranty", principal=caller().principal)


def test_the_only_collection_need_not_be_named(tenant: Tenant) -> None:
    """Who knows of several is told their names, and no others."""
    assert collection_of(tenant, caller(), None) == "shop"
    with pytest.raises(CollectionUnnamed) as refused:
        collection_of(tenant, caller("local|ana"), None)
    assert refused.value.remedy == "Name one of: shop, vault."


@pytest.mark.parametrize("name", ["vault", "notes", "ragkit", "nothing", "", "shop "])
def test_hidden_and_absent_are_one(tenant: Tenant, name: str) -> None:
    """The same error, to the letter."""
    with pytest.raises(NotFound) as refused:
        collection_of(tenant, caller(), name)
    assert str(refused.value) == str(NotFound())
    if name != "ragkit":
        with pytest.raises(ModelNotFound):
            choice_of(tenant, caller(), name)


@pytest.mark.parametrize(
    ("who", "model", "choice"),
    [
        (caller(), "shop", Choice("shop")),
        (caller(), "ragkit", Choice("shop")),
        (caller(), "ragkit:extractive", Choice("shop", "extractive")),
        (caller("web|dan", "crm|house"), "ragkit", Choice("ragkit")),
    ],
)
def test_what_a_models_name_means(tenant: Tenant, who: Caller, model: str, choice: Choice) -> None:
    """``ragkit`` is the only collection, unless one has that name."""
    assert choice_of(tenant, who, model) == choice
    assert choice.model == (choice.collection if choice.generator is None else f"{choice.collection}:extractive")
