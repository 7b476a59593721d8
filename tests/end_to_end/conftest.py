"""A small shop, indexed once, and a way to make others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.config import load_config
from ragkit.rootkey import create_key_file
from ragkit.workspace import Workspace

MakeWorkspace = Callable[..., Path]

DOCUMENTS = {
    "warranty.md": "# Warranty\n\n## Tents\n\nThe warranty on every tent lasts five years from purchase.\n\n"
    "## Stoves\n\nStoves are covered for two years. Burners are wearing parts and are not covered.\n",
    "returns.md": "# Returns\n\nUnused goods can be returned within thirty days. The refund goes to the card used.\n",
    "prices.csv": "article,name,price\nT-100,Tarn tent,249.00\nS-200,Ember stove,59.50\nB-300,Ridge backpack,119.00\n",
    "tickets/1042.txt": "Ticket 1042\n\nDear Ms Galina Yalmanova,\n\nthank you for your call. The zip of your Tarn "
    "tent will be repaired free of charge. Your e-mail address is galina.yalmanova@example.org and your phone number "
    "is +44 20 7946 0018.\n\nKind regards,\nPeter Ostrowsky\n",
    "tickets/1043.txt": "Ticket 1043\n\nDear Mr Henrik Thorvald,\n\nthe stove you sent us has a broken burner. "
    "Burners are wearing parts.\n\nKind regards,\nPeter Ostrowsky\n",
}
"""Five documents, two of them with people in them."""


def write_documents(folder: Path, documents: Mapping[str, str | bytes]) -> None:
    """Write files, making folders as needed."""
    for name, content in documents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture(scope="session")
def make_workspace(tmp_path_factory: pytest.TempPathFactory) -> MakeWorkspace:
    """Return a function that makes a workspace over a folder of documents and returns its folder."""

    def make(documents: Mapping[str, str | bytes], *, collection: str = "", extra: str = "") -> Path:
        folder = tmp_path_factory.mktemp("workspace")
        write_documents(folder / "documents", documents)
        key = tmp_path_factory.mktemp("keys") / "root.key"
        (folder / "ragkit.toml").write_text(
            f"""
[workspace]
name = "test"
owner = "local|ana"
[keys]
source = "file"
path = "{key}"
[collections.shop]
access = ["u:local|ana"]
reveal = ["u:local|ana"]
{collection}
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
{extra}
"""
        )
        load_config(folder)
        create_key_file(key)
        return folder

    return make


@pytest.fixture(scope="session")
def shop(make_workspace: MakeWorkspace) -> Iterator[Workspace]:
    """The shop, synced; for tests that only read."""
    with open_workspace(make_workspace(DOCUMENTS)) as workspace:
        report = workspace.sync()
        assert report.exit_code == 0
        yield workspace
