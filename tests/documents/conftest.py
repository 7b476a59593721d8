"""A workspace with a source of uploads, opened once for this worker and empty at the beginning of every test.

Empty for whoever asks: some passages that nobody may see are there, or an index of nothing would be built each time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragkit.testing.uploading import Desk, make_desk, uploading

BALLAST = '[[collections.handbook.sources]]\nconnector = "files"\nname = "ballast"\npath = "ballast"\naccess = []\n'


@pytest.fixture(scope="session")
def opened_desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Open for all tests: the encoder is loaded once."""
    folder = tmp_path_factory.mktemp("desk")
    place = make_desk(folder, extra=BALLAST) / "ballast"
    place.mkdir()
    (place / "b.md").write_text("\n\n".join(f"# Part {n}\n\n" + f"Nothing of note {n}. " * 40 for n in range(40)))
    with uploading(folder) as made:
        made.workspace.sync()
        yield made


@pytest.fixture
def desk(opened_desk: Desk) -> Iterator[Desk]:
    """The same, and nothing is left in it afterwards."""
    yield opened_desk
    for one in opened_desk.documents.list(limit=200).documents:
        opened_desk.documents.take_back(one.doc_id)
    opened_desk.documents.catch_up()
    assert opened_desk.files() == []
    assert opened_desk.documents.list().documents == ()
