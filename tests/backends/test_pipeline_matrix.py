"""One pipeline and one question over every backend, each a real library or a real server on a tiny model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.errors import EgressRefused
from ragkit.rootkey import create_key_file
from ragkit.testing import sockets
from ragkit.testing.local_servers import LocalServer
from ragkit.testing.model_servers import ModelServer
from ragkit.types import Answer, Location
from ragkit.workspace import Workspace

QUESTION = "How long is the warranty on a tent?"
SAYS = "The warranty on every tent of 東é😀 lasts five years [1]."  # TINY_SAYS of conftest
KEY = "sk-ant-tiny-0001"
CONFIG = """
[workspace]
name = "matrix"
owner = "local|ana"
[keys]
source = "file"
path = "{key}"
[plugins]
allow = ["llama-index-llms-openai-like"]
[collections.shop]
access = ["u:local|ana"]
data_class = "internal"
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
[generator]
use = "extractive"
[answers]
max_tokens = 48
[generators.transformers]
kind = "transformers"
path = "{models}/tiny"
threads = 1
[generators.transformers-serve]
kind = "openai_compatible"
model = "{models}/tiny"
context_tokens = 8192
destination = "transformers-serve"
[generators.llama-index]
kind = "llama_index"
target = "llama_index.llms.openai_like:OpenAILike"
location = "on-prem"
model = "{models}/tiny"
api_base = "{serve}"
api_key = {{ env = "MATRIX_TEST_KEY" }}
is_chat_model = true
context_window = 8192
[generators.anthropic]
kind = "anthropic"
model = "tiny"
api_key = {{ env = "MATRIX_TEST_KEY" }}
destination = "anthropic"
[destinations.transformers-serve]
url = "{serve}"
location = "on-prem"
provider = "transformers"
max_data_class = "restricted"
total_seconds = 300
idle_seconds = 120
[destinations.anthropic]
url = "{anthropic}"
location = "remote"
provider = "anthropic"
max_data_class = "internal"
"""
COMPILED = """
[generators.llama-cpp]
kind = "llama_cpp"
path = "{models}/tiny.gguf"
threads = 1
context_tokens = 8192
[generators.llama-cpp-server]
kind = "openai_compatible"
model = "tiny"
context_tokens = 2048
destination = "llama-cpp-server"
[destinations.llama-cpp-server]
url = "{llama}"
location = "on-prem"
provider = "llama-cpp"
max_data_class = "restricted"
total_seconds = 300
idle_seconds = 120
"""
LOCATIONS = {
    "extractive": Location.IN_PROCESS,
    "transformers": Location.IN_PROCESS,
    "transformers-serve": Location.ON_PREM,
    "llama-index": Location.ON_PREM,
    "anthropic": Location.REMOTE,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two documents."""
    made = tmp_path_factory.mktemp("matrix")
    (made / "documents").mkdir()
    (made / "documents" / "warranty.md").write_text(
        "# Warranty\n\nThe warranty on every tent of 東é😀 lasts five years.\n"
    )
    (made / "documents" / "returns.md").write_text("# Returns\n\nUnused goods can be returned within thirty days.\n")
    create_key_file(made / "root.key")
    return made


@pytest.fixture(scope="module")
def workspace(folder: Path, tiny_models: Path, transformers_server: LocalServer) -> Iterator[Workspace]:
    """Synced once; each generator is a name in its one configuration."""
    with (
        pytest.MonkeyPatch.context() as patch,
        sockets.loopback(),
        ModelServer(lambda _: SAYS, api="anthropic", key=KEY) as anthropic,
    ):
        patch.setenv("MATRIX_TEST_KEY", KEY)
        config = CONFIG.format(
            key=folder / "root.key", models=tiny_models, serve=transformers_server.url, anthropic=anthropic.url
        )
        (folder / "ragkit.toml").write_text(config)
        with open_workspace(folder) as opened:
            assert opened.sync().exit_code == 0
            yield opened


def check(workspace: Workspace, name: str, location: Location) -> None:
    """The answer, whole and streamed, with its citation and account."""
    answer = workspace.ask(QUESTION, k=2, generator=name)
    assert not answer.refused
    assert "five years" in answer.text
    assert "[1]" in answer.text
    (cited,) = answer.citations
    assert cited.title == "Warranty"
    assert (answer.account.backend, answer.account.location) == (name, location)
    if name != "extractive":
        assert answer.text == SAYS
        assert answer.account.usage.input > 20
        assert answer.account.usage.output > 5
        assert answer.account.model
        assert answer.checks.invented_citations == answer.checks.unsupported_sentences == 0
    *pieces, last = workspace.ask_stream(QUESTION, k=2, generator=name)
    assert isinstance(last, Answer)
    assert "".join(str(piece) for piece in pieces) == last.text == answer.text


@pytest.mark.parametrize("name", LOCATIONS)
def test_every_backend_answers(workspace: Workspace, name: str) -> None:
    """From the same chunks, with the same citation, and says where it ran and what it took."""
    check(workspace, name, LOCATIONS[name])


@pytest.mark.slow
@pytest.mark.usefixtures("workspace")
def test_compiled_backends_answer(folder: Path, tiny_models: Path, llama_server: LocalServer) -> None:
    """llama.cpp in process and behind its own server; the folder is indexed already."""
    config = folder / "ragkit.toml"
    config.write_text(config.read_text() + COMPILED.format(models=tiny_models, llama=llama_server.url))
    with open_workspace(folder) as again:
        check(again, "llama-cpp", Location.IN_PROCESS)
        check(again, "llama-cpp-server", Location.ON_PREM)


@pytest.mark.usefixtures("workspace")
def test_what_passes_no_gateway_gets_nothing_above_internal(folder: Path) -> None:
    """The llama-index model is on our own machines and refused all the same; the others answer."""
    config = folder / "ragkit.toml"
    before = config.read_text()
    config.write_text(before.replace('data_class = "internal"', 'data_class = "confidential"', 1))
    try:
        with open_workspace(folder) as raised:
            assert raised.ask(QUESTION, k=2, generator="transformers-serve").text == SAYS
            assert raised.ask(QUESTION, k=2, generator="transformers").text == SAYS
            for name in ("llama-index", "anthropic"):
                with pytest.raises(EgressRefused):
                    raised.ask(QUESTION, k=2, generator=name)
    finally:
        config.write_text(before)
