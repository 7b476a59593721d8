"""Any llama-index LLM as a chat model: the contract, what is allowed, what is refused, and what stays untouched."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from llama_index.core import Settings
from llama_index.core.instrumentation import get_dispatcher

from ragkit.errors import (
    ConfigError,
    GeneratorGarbled,
    GeneratorRefused,
    GeneratorUnavailable,
    MissingDependency,
)
from ragkit.interop.llm import LlamaIndexModel
from ragkit.interop.llm_replies import text_of
from ragkit.testing import sockets
from ragkit.testing.asking import call_of
from ragkit.testing.generator_contract import ChatModelContract
from ragkit.testing.model_servers import ModelServer
from ragkit.types import Completion, DataClass, Location

SAYS = "Returns are accepted within thirty days [1]. 東é😀"
KEY = "sk-secret-of-the-test"
MODULE = """
from llama_index.core.base.llms.types import ChatMessage, ChatResponse, CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM

class Failed(Exception):
    status_code = 0

class Said(CustomLLM):
    text: str = ""
    size: int = 3
    key: str = ""
    def __init__(self, **options):
        if options.get("key") == "wrong":
            raise ValueError(options["key"])
        super().__init__(**options)
    @property
    def metadata(self):
        return LLMMetadata(context_window=2048, model_name="said")
    def complete(self, prompt, formatted=False, **kwargs):
        return CompletionResponse(text=self.text)
    def stream_complete(self, prompt, formatted=False, **kwargs):
        told = ""
        for at in range(0, len(self.text), self.size):
            piece = self.text[at : at + self.size]
            told += piece
            yield CompletionResponse(text=told, delta=piece)

class Whole(Said):
    def stream_complete(self, prompt, formatted=False, **kwargs):
        raise NotImplementedError

class Failing(Said):
    status: int = 0
    def complete(self, prompt, formatted=False, **kwargs):
        error = Failed(prompt)
        error.status_code = self.status
        raise error
    def stream_complete(self, prompt, formatted=False, **kwargs):
        yield CompletionResponse(text="Begun", delta="Begun")
        self.complete(prompt)

class Odd(Said):
    def chat(self, messages, **kwargs):
        return ChatResponse.model_construct(message=ChatMessage.model_construct(role="assistant", blocks=[]), raw=None)

class NoModel: ...
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Install a distribution ``Acme.LLMs`` as pip would, and a module that belongs to none."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "acme_llms").mkdir()
    (folder / "acme_llms" / "__init__.py").touch()
    (folder / "acme_llms" / "said.py").write_text(MODULE)
    (folder / "acme_llms" / "needy.py").write_text("import a_package_nobody_has\n")
    (folder / "acme_stray.py").write_text(f"open({str(folder / 'ran')!r}, 'w').close()\nclass Stray: ...\n")
    info = folder / "acme_llms-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: Acme.LLMs\nVersion: 1.0\n")
    (info / "RECORD").write_text("acme_llms/__init__.py,,\nacme_llms/said.py,,\nacme_llms/needy.py,,\n")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def said(name: str = "Said", **options: object) -> LlamaIndexModel:
    """A model of the package."""
    given: dict[str, object] = {"allow": ["acme-llms"], "text": SAYS, **options}
    return LlamaIndexModel(target=f"acme_llms.said:{name}", **given)  # type: ignore[arg-type]


@pytest.mark.usefixtures("package")
class TestStreaming(ChatModelContract):
    """The contract, with an LLM that knows neither limit nor stop, so that they are kept for it."""

    @pytest.fixture
    def make(self) -> Callable[[], LlamaIndexModel]:
        return said

    @pytest.fixture
    def says(self) -> str:
        return SAYS


@pytest.mark.usefixtures("package")
class TestWhole(TestStreaming):
    """The contract, with an LLM that cannot stream."""

    @pytest.fixture
    def make(self) -> Callable[[], LlamaIndexModel]:
        return lambda: said("Whole")


def served() -> ModelServer:
    """A real server that gives one answer."""
    return ModelServer(lambda _: SAYS, api="openai", key=KEY, context_tokens=2048, model="tiny")


def openai_like(server: ModelServer, **options: object) -> LlamaIndexModel:
    """llama-index's own client of it."""
    given: dict[str, object] = {"model": "tiny", "api_base": server.url, "api_key": KEY, "is_chat_model": True}
    target, package = "llama_index.llms.openai_like:OpenAILike", "llama-index-llms-openai-like"
    return LlamaIndexModel(target=target, allow=[package], **given, **options)  # type: ignore[arg-type]


class TestOpenAILike(ChatModelContract):
    """The contract, with llama-index's own client of OpenAI-shaped servers, over a real one."""

    @pytest.fixture
    def says(self) -> str:
        return SAYS

    @pytest.fixture
    def make(self) -> Iterator[Callable[[], LlamaIndexModel]]:
        with sockets.loopback(), served() as server:
            yield lambda: openai_like(server, location="on-prem", context_window=2048, max_retries=0)


def test_the_servers_own_count_of_tokens_is_taken() -> None:
    """Where the integration hands it on; a stream cut by us is estimated."""
    with sockets.loopback(), served() as server:
        model = openai_like(server)
        assert not model.complete(call_of("What?", max_tokens=64)).usage.estimated
        *_, last = model.stream(call_of("What?", max_tokens=64, stop=("days",)))
    assert isinstance(last, Completion)
    assert last.text == "Returns are accepted within thirty "
    assert last.usage.estimated


def test_it_is_marked_and_held_to_internal() -> None:
    """Remote unless somebody says otherwise; never above ``internal``."""
    model = LlamaIndexModel(target="a.b:C")
    assert (model.location, model.unsafe, model.max_data_class) == (Location.REMOTE, True, DataClass.INTERNAL)
    assert LlamaIndexModel(target="a.b:C", location="in-process").max_data_class is DataClass.INTERNAL
    with pytest.raises(ConfigError):
        LlamaIndexModel(target="a.b:C", location="moon")


def test_only_allowed_packages_run(package: Path) -> None:
    """By the files that a distribution installed; nothing else is imported, however it is spelt."""
    said(allow=["Acme_LLMS"]).load()
    refused = [
        said(allow=[]),
        said(allow=["llama-index-core", "not-installed"]),
        LlamaIndexModel(target="acme_stray:Stray", allow=["acme-llms"]),
        LlamaIndexModel(target="acme_llms.other:Said", allow=["acme-llms"]),
        LlamaIndexModel(target="os:system", allow=["acme-llms"]),
        LlamaIndexModel(target="acme_llms.said", allow=["acme-llms"]),
        LlamaIndexModel(target="acme_llms.said:Said()", allow=["acme-llms"]),
        said("Absent"),
        said("NoModel"),
    ]
    for model in refused:
        with pytest.raises(ConfigError) as caught:
            model.load()
        assert caught.value.remedy
    assert not (package / "ran").exists()
    with pytest.raises(MissingDependency, match="needs a package"):
        LlamaIndexModel(target="acme_llms.needy:Needy", allow=["acme-llms"]).load()


def test_an_editable_install_is_found(tmp_path: Path) -> None:
    """A distribution that leads to its sources by a ``.pth`` file brings what lies there."""
    sources, site = tmp_path / "sources", tmp_path / "site"
    for folder in (sources, site / "acme_editable-1.0.dist-info"):
        folder.mkdir(parents=True)
    (sources / "acme_editable.py").write_text("class Some: ...\n")
    (site / "acme_editable-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-editable\n")
    (site / "acme_editable-1.0.dist-info" / "RECORD").write_text("_acme.pth,,\n")
    (site / "_acme.pth").write_text(f"import os\n{sources}\n")
    code = (
        f"import sys; sys.path[:0] = [{str(site)!r}, {str(sources)!r}]\n"
        "from ragkit.foreign_classes import foreign_class\n"
        "print(foreign_class('acme_editable:Some', allow=['acme-editable']).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Some\n"


@pytest.mark.usefixtures("package")
def test_errors_are_of_the_tree_and_empty() -> None:
    """What an integration raises may hold the prompt: only its kind and status are told."""
    cases = [(401, GeneratorRefused), (404, GeneratorRefused), (429, GeneratorUnavailable), (0, GeneratorUnavailable)]
    for status, kind in cases:
        model = said("Failing", status=status)
        for attempt in (model.complete, lambda call, model=model: list(model.stream(call))):
            with pytest.raises(kind) as caught:
                attempt(call_of("The password is Saffron-71."))
            assert caught.value.remedy
            assert "Saffron" not in f"{caught.value} {caught.value.remedy}"
            assert caught.value.__cause__ is None
    assert said("Odd").complete(call_of("What?")).text == ""
    with pytest.raises(ConfigError) as refused:
        said(key="wrong").load()
    assert "wrong" not in str(refused.value)
    with pytest.raises(ConfigError):
        LlamaIndexModel(target="acme_llms.said:Said", allow=["acme-llms"], size="many").load()


def test_a_piece_that_is_no_text_is_garbled() -> None:
    """An integration that hands on something else does not reach the answer."""
    with pytest.raises(GeneratorGarbled):
        text_of(3)


@pytest.mark.usefixtures("package")
def test_a_key_is_nowhere_to_be_seen() -> None:
    """Not in the repr, and it is not pickled."""
    model = said(key=KEY)
    model.load()
    assert KEY not in repr(model)
    with pytest.raises(TypeError):
        model.__reduce__()


@pytest.mark.usefixtures("package")
def test_the_librarys_globals_are_left_alone() -> None:
    """No setting, handler or callback of llama-index is there that was not before."""
    handlers = list(get_dispatcher().event_handlers), list(get_dispatcher().span_handlers)
    before = Settings._llm, Settings._callback_manager, Settings._embed_model
    said().complete(call_of("What?"))
    list(said().stream(call_of("What?")))
    assert (Settings._llm, Settings._callback_manager, Settings._embed_model) == before
    assert (list(get_dispatcher().event_handlers), list(get_dispatcher().span_handlers)) == handlers
