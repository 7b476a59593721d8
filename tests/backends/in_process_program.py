"""Generates with the models in process and makes those that are not: run where there is no network, under a guard."""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path

from ragkit.backends.llama_cpp import LlamaCppModel
from ragkit.backends.transformers import TransformersModel
from ragkit.interop.llm import LlamaIndexModel
from ragkit.protocols import ChatModel
from ragkit.testing.asking import call_of
from ragkit.testing.tiny_models import make_gguf, make_llama
from ragkit.types import Completion

SAYS = "Returns are accepted within thirty days [1]."


def main() -> None:
    """Answer with each."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        make_gguf(make_llama(folder / "tiny", says=SAYS), folder / "tiny.gguf")
        models: list[ChatModel] = [TransformersModel(path=str(folder / "tiny"))]
        if find_spec("llama_cpp"):  # an extra
            models.append(LlamaCppModel(path=str(folder / "tiny.gguf"), threads=1))
        call = call_of("When?", max_tokens=64)
        for model in models:
            model.probe()
            *_, last = model.stream(call)
            assert isinstance(last, Completion)
            assert last.text == model.complete(call).text == SAYS
    LlamaIndexModel(target="llama_index.core.llms.mock:MockLLM", allow=["llama-index-core"]).complete(call)
    target = "llama_index.llms.openai_like:OpenAILike"
    LlamaIndexModel(target=target, allow=["llama-index-llms-openai-like"], model="m", api_key="k").load()


if __name__ == "__main__":
    main()
