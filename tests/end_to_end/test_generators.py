"""One pipeline and one question over every kind of generator; which one answers is one line of ``ragkit.toml``."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.errors import EgressRefused, GenerationError, RagkitError
from ragkit.testing import sockets
from ragkit.testing.model_servers import ModelServer
from ragkit.testing.recording_server import RecordingServer
from ragkit.testing.tiny_models import make_llama
from ragkit.types import Answer, Location

from .conftest import DOCUMENTS, MakeWorkspace

QUESTION = "How long does the warranty on a tent last?"
SAYS = "The warranty on every tent lasts five years [1]."
GENERATORS = """
[generator]
use = "extractive"

[generators.home]
kind = "transformers"
path = "{tiny}"

[generators.house]
kind = "openai_compatible"
model = "tiny"
destination = "house"

[generators.far]
kind = "anthropic"
model = "tiny"
api_key = {{file = "{key}"}}
destination = "far"

[destinations.house]
url = "{house}"
location = "on-prem"
provider = "house"
max_data_class = "restricted"

[destinations.far]
url = "{far}"
location = "remote"
provider = "somebody"
max_data_class = "internal"

[answers]
max_tokens = 40
"""
LOCATIONS = {
    "extractive": Location.IN_PROCESS,
    "home": Location.IN_PROCESS,
    "house": Location.ON_PREM,
    "far": Location.REMOTE,
}


@dataclass(frozen=True)
class Shop:
    """A synced workspace and the servers it may ask."""

    folder: Path
    servers: dict[str, ModelServer]

    @property
    def config(self) -> Path:
        """The one file that decides."""
        return self.folder / "ragkit.toml"

    def use(self, name: str) -> list[str]:
        """Name another generator; return the changed lines of the file, as ``diff`` shows them."""
        before = self.config.read_text()
        now = next(line for line in before.splitlines() if line.startswith("use = "))
        self.config.write_text(before.replace(now, f'use = "{name}"', 1))
        told = difflib.unified_diff(before.splitlines(), self.config.read_text().splitlines(), lineterm="", n=0)
        return [line for line in told if line[0] in "+-" and line[:3] not in ("+++", "---")]


@pytest.fixture(scope="module")
def shop(make_workspace: MakeWorkspace, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """The documents of the other tests, indexed once, and four generators to choose from."""
    tiny = make_llama(tmp_path_factory.mktemp("tiny"), says=SAYS)
    key = tmp_path_factory.mktemp("secrets") / "far.key"
    key.touch(mode=0o600)
    key.write_text("sk-ant-tiny-0001")
    with (
        sockets.loopback(),
        ModelServer(lambda _: SAYS) as house,
        ModelServer(lambda _: SAYS, api="anthropic", key="sk-ant-tiny-0001") as far,
    ):
        extra = GENERATORS.format(tiny=tiny, house=house.url, far=far.url, key=key)
        folder = make_workspace(DOCUMENTS, collection='data_class = "internal"', extra=extra)
        with open_workspace(folder) as workspace:
            assert workspace.sync().exit_code == 0
        yield Shop(folder, {"house": house, "far": far})


def _ask(shop: Shop) -> tuple[Answer, str]:
    with open_workspace(shop.folder) as workspace:
        return workspace.ask(QUESTION, k=3), "".join(
            piece for piece in workspace.ask_stream(QUESTION, k=3) if isinstance(piece, str)
        )


@pytest.mark.parametrize("name", LOCATIONS)
def test_switching_is_one_line(shop: Shop, name: str) -> None:
    """The file differs in one line, nothing is indexed again, and the answer says who wrote it and cites the page."""
    shop.use("house" if name == "extractive" else "extractive")
    changed = shop.use(name)
    assert len(changed) == 2  # the line as it was, the line as it is
    assert changed[1] == f'+use = "{name}"'
    answer, streamed = _ask(shop)
    assert answer.account.backend == name
    assert answer.account.location is LOCATIONS[name]
    assert not answer.refused
    assert "five years" in answer.text
    assert "[1]" in answer.text
    assert {citation.title for citation in answer.citations} == {"Warranty"}
    assert streamed == answer.text
    assert answer.checks.invented_citations == 0


def test_what_is_in_process_sends_nothing(shop: Shop) -> None:
    """Neither server hears of a question that is answered here; each hears of its own only."""
    heard = {name: len(server.requests) for name, server in shop.servers.items()}
    for name in ("extractive", "home"):
        shop.use(name)
        _ask(shop)
    assert heard == {name: len(server.requests) for name, server in shop.servers.items()}
    shop.use("far")
    _ask(shop)
    assert len(shop.servers["far"].requests) > heard["far"]
    assert len(shop.servers["house"].requests) == heard["house"]


RESTRICTED = """
[generator]
use = "small"
[routing]
[generators.small]
kind = "openai_compatible"
model = "tiny"
destination = "house"
[generators.large]
kind = "openai_compatible"
model = "tiny"
destination = "far"
[destinations.house]
url = "http://127.0.0.1:{closed}/v1"
location = "on-prem"
provider = "house"
max_data_class = "restricted"
retries = 0
connect_seconds = 2
total_seconds = 5
[destinations.far]
url = "{far}/v1"
location = "remote"
provider = "somebody"
max_data_class = "confidential"
"""


@pytest.fixture(scope="module")
def sealed(make_workspace: MakeWorkspace) -> Iterator[tuple[Path, RecordingServer]]:
    """Restricted documents, a small model on-prem that is down, and a large one far away that keeps what it gets."""
    with sockets.loopback(), RecordingServer() as far:
        with RecordingServer() as gone:
            closed = gone.port
        extra = RESTRICTED.format(closed=closed, far=far.url)
        folder = make_workspace(DOCUMENTS, collection='data_class = "restricted"', extra=extra)
        with open_workspace(folder) as workspace:
            assert workspace.sync().exit_code == 0
        yield folder, far


@pytest.mark.parametrize(
    "routing",
    ["", 'fallback = "extractive"', 'large = "large"\nfallback = "large"', 'large = "large"\nescalate_at = 0.0'],
)
def test_a_restricted_question_never_leaves_when_the_small_model_fails(
    sealed: tuple[Path, RecordingServer], routing: str
) -> None:
    """The extractive answer or a typed error; the remote server receives not one byte and no connection."""
    folder, far = sealed
    config = folder / "ragkit.toml"
    whole = config.read_text()
    head, rest = whole.split("[routing]\n")
    config.write_text(f"{head}[routing]\n{routing}\n{rest[rest.index('[generators.small]') :]}")
    ended: Answer | RagkitError
    with open_workspace(folder) as workspace:
        try:
            ended = workspace.ask(QUESTION, k=3)
        except (GenerationError, EgressRefused) as error:
            ended = error
    assert far.received == b""
    assert far.connections == 0
    if routing.startswith("fallback"):
        assert isinstance(ended, Answer)
        assert ended.account.route == "fallback"
        assert "five years" in ended.text
    if isinstance(ended, Answer):
        assert ended.account.backend == "extractive"
