"""The same pipeline over the clouds' APIs and presets: real workspace, real last look, signatures that are checked."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ragkit import open_workspace
from ragkit.rootkey import create_key_file
from ragkit.testing import sockets
from ragkit.testing.model_servers import ModelServer
from ragkit.types import Answer
from ragkit.workspace import Workspace

pytestmark = pytest.mark.slow  # 15 s of processor time; the contract of each model is in test_served_contract

QUESTION = "How long is the warranty on a tent?"
SAYS = "The warranty on every tent lasts five years [1]."
PAIR = ("AKIA0000TEST00000000", "s3cr3t/of+the+test")
CONFIG = """
[workspace]
name = "clouds"
owner = "local|ana"
[keys]
source = "file"
path = "{key}"
[collections.shop]
access = ["u:local|ana"]
data_class = "internal"
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
[generators.azure]
preset = "azure"
model = "gpt-small"
api_key = {{ env = "CLOUD_TEST_KEY" }}
destination = "azure"
[generators.azure-dated]
kind = "azure"
model = "gpt-small"
api_version = "2024-10-21"
api_key = {{ env = "CLOUD_TEST_KEY" }}
destination = "azure-dated"
[generators.bedrock]
preset = "bedrock"
model = "eu.amazon.nova-micro-v1:0"
region = "eu-central-1"
host = "{bedrock_host}"
access_key = {{ env = "CLOUD_TEST_ACCESS" }}
secret_key = {{ env = "CLOUD_TEST_SECRET" }}
destination = "bedrock"
[generators.openai]
preset = "openai"
model = "gpt-small"
api_key = {{ env = "CLOUD_TEST_KEY" }}
destination = "openai"
"""
DESTINATION = """
[destinations.{name}]
url = "{url}"
location = "remote"
provider = "test"
max_data_class = "internal"
"""
NAMES = ("azure", "azure-dated", "bedrock", "openai")


@pytest.fixture(scope="module")
def clouds() -> Iterator[dict[str, ModelServer]]:
    """A server of each kind."""
    with (
        sockets.loopback(),
        ModelServer(lambda _: SAYS, api="azure", model="gpt-small", key="k-1", context_tokens=99_999) as azure,
        ModelServer(
            lambda _: SAYS, api="bedrock", model="eu.amazon.nova-micro-v1:0", key=PAIR, context_tokens=99_999
        ) as bedrock,
        ModelServer(
            lambda _: SAYS, model="gpt-small", key="k-1", context_tokens=200_000, refuses=("max_tokens", "temperature")
        ) as openai,
    ):
        yield {"azure": azure, "azure-dated": azure, "bedrock": bedrock, "openai": openai}


@pytest.fixture(scope="module")
def workspace(clouds: dict[str, ModelServer], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Synced once; each generator is a name in its one configuration."""
    folder = tmp_path_factory.mktemp("clouds")
    (folder / "documents").mkdir()
    (folder / "documents" / "warranty.md").write_text("# Warranty\n\nThe warranty on every tent lasts five years.\n")
    create_key_file(folder / "root.key")
    text = CONFIG.format(key=folder / "root.key", bedrock_host=clouds["bedrock"].host)
    for name in NAMES:
        text += DESTINATION.format(name=name, url=clouds[name].url + ("/v1" if name == "azure" else ""))
    (folder / "ragkit.toml").write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in (("KEY", "k-1"), ("ACCESS", PAIR[0]), ("SECRET", PAIR[1])):
            patch.setenv(f"CLOUD_TEST_{variable}", value)
        with open_workspace(folder) as opened:
            assert opened.sync().exit_code == 0
            yield opened


@pytest.mark.parametrize("name", NAMES)
def test_clouds_answer(name: str, workspace: Workspace, clouds: dict[str, ModelServer]) -> None:
    """Whole and streamed, with the citation and the account; the test of the generator passes too."""
    tested = workspace.generators.test(name)
    assert tested.ok, tested.checks
    answer = workspace.ask(QUESTION, k=2, generator=name)
    assert answer.text == SAYS
    assert [cited.title for cited in answer.citations] == ["Warranty"]
    assert (answer.account.backend, answer.account.location) == (name, "remote")
    assert answer.account.model == clouds[name].model
    assert not answer.account.usage.estimated
    *pieces, last = workspace.ask_stream(QUESTION, k=2, generator=name)
    assert isinstance(last, Answer)
    assert "".join(str(piece) for piece in pieces) == last.text == SAYS


def test_openai_is_told_to_store_nothing(workspace: Workspace, clouds: dict[str, ModelServer]) -> None:
    """The preset's defaults reach the server, and what it refuses is left out."""
    workspace.ask(QUESTION, k=2, generator="openai")
    sent = clouds["openai"].requests[-1].json
    assert sent["store"] is False
    assert "max_completion_tokens" in sent
    assert "temperature" not in sent
