"""MiniLMEmbedder against sentence-transformers, and the checks of its weights."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ragkit.errors import ChunkTooLong, ModelError
from ragkit.index.embedder import MiniLMEmbedder
from ragkit.models import weights
from ragkit.models.bert_numpy import _gelu
from ragkit.models.weights import find_model, verify_models
from ragkit.types import Masked

WORDS = re.findall(
    r"\w+",
    "invoice delivery of the garden chair was late because customs held it in Rotterdam and nobody told the buyer "
    "whose refund Überweisung 14 days price list attached warranty covers hinges but not the paint Yalman wrote again",
)


def sentences(count: int, longest: int, seed: int = 7) -> list[Masked]:
    """Texts of one to ``longest`` words, all lengths about equally often."""
    rng = np.random.default_rng(seed)
    return [Masked(" ".join(rng.choice(WORDS, size=int(rng.integers(1, longest + 1))))) for _ in range(count)]


@pytest.fixture(scope="module")
def embedder() -> MiniLMEmbedder:
    """One embedder for all tests."""
    made = MiniLMEmbedder()
    made.load()
    return made


@pytest.fixture(scope="module")
def library() -> Any:
    """sentence-transformers on the same files, float32."""
    weights.go_offline()
    import torch
    from sentence_transformers import SentenceTransformer

    torch.set_num_threads(1)  # two threads that wait for each other crawl when other tests share the processors
    return SentenceTransformer(str(find_model().folder), device="cpu")


def cosines(left: Any, right: Any) -> Any:
    """Row by row."""
    return (left * right).sum(axis=1)


def test_bulk_vectors_are_those_of_sentence_transformers(embedder: MiniLMEmbedder, library: Any) -> None:
    """In any order of length, each text keeps its own vector, at cosine .9999 to the library's float32."""
    texts = [*sentences(90, 140), Masked(""), Masked("x")]
    expected = library.encode(list(texts), normalize_embeddings=True)
    vectors = embedder.embed(texts)
    assert vectors.shape == (len(texts), embedder.dimension)
    assert vectors.dtype == np.float32
    assert cosines(vectors, expected).mean() > 0.9999
    assert cosines(vectors, expected).min() > 0.9998
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_fp32_bulk_is_exact(library: Any) -> None:
    """Where the processor has no bf16, the vectors are the library's to six digits."""
    texts = sentences(24, 120)
    vectors = MiniLMEmbedder(dtype="fp32", threads=2, batch_tokens=300).embed(texts)
    expected = library.encode(list(texts), normalize_embeddings=True)
    assert cosines(vectors, expected).min() > 0.999999


def test_questions_are_those_of_sentence_transformers(embedder: MiniLMEmbedder, library: Any) -> None:
    """200 questions on numpy alone: cosine at least .9999, one by one or together."""
    texts = sentences(200, 30)
    expected = library.encode(list(texts), normalize_embeddings=True)
    together = embedder.embed_questions(texts)
    assert cosines(together, expected).min() > 0.9999
    alone = np.stack([embedder.embed_question(text) for text in texts[:20]])
    assert alone.shape == (20, 384)
    assert cosines(alone, expected[:20]).min() > 0.9999


def test_questions_agree_with_bulk(embedder: MiniLMEmbedder) -> None:
    """A question meets the chunk that says the same."""
    texts = sentences(20, 40)
    assert cosines(embedder.embed_questions(texts), embedder.embed(texts)).min() > 0.9998


def test_a_longer_text_is_an_error(embedder: MiniLMEmbedder) -> None:
    """256 word pieces pass, 257 raise: nothing is cut silently."""
    fits, long = Masked("a " * 254), Masked("a " * 255)
    assert embedder.count_tokens([fits, long]) == [256, 257]
    assert embedder.embed([fits]).shape == (1, 384)
    with pytest.raises(ChunkTooLong):
        embedder.embed([fits, long])
    with pytest.raises(ChunkTooLong):
        embedder.embed_question(long)


def test_counts_are_not_those_of_the_padded_file(embedder: MiniLMEmbedder) -> None:
    """The model's own tokenizer file pads and cuts at 128; ragkit does neither."""
    assert embedder.count_tokens([Masked("one two"), Masked("a " * 200)]) == [4, 202]


def test_no_texts_no_vectors(embedder: MiniLMEmbedder) -> None:
    """An empty batch has an empty answer of the right width."""
    assert embedder.embed([]).shape == (0, 384)
    assert embedder.embed_questions([]).shape == (0, 384)


def test_gelu_is_exact_to_six_digits() -> None:
    """The formula's error stays below one in a million over the whole range, relative to values of order one."""
    x = np.linspace(-9, 9, 40_001, dtype=np.float32)
    exact = np.array([value * 0.5 * (1 + math.erf(value / math.sqrt(2))) for value in x.astype(float)])
    assert np.abs(_gelu(x.copy()) - exact).max() < 1e-6


def test_a_question_imports_no_torch() -> None:
    """Load and embed one question in a fresh process: neither torch nor transformers is imported."""
    code = (
        "import sys; from ragkit.index.embedder import MiniLMEmbedder; MiniLMEmbedder().embed_question('who pays?'); "
        "print(sorted({'torch', 'transformers', 'sentence_transformers', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_threads_of_the_caller_are_left_alone(embedder: MiniLMEmbedder) -> None:
    """Loading the single-threaded workers does not change how many threads torch uses elsewhere."""
    import torch

    before = torch.get_num_threads()
    MiniLMEmbedder(threads=3).embed([Masked("one")])
    assert torch.get_num_threads() == before


def copy_model(folder: Path) -> Path:
    """A writable copy of the model."""
    shutil.copytree(find_model().folder, folder)
    return folder


def test_a_local_folder_of_the_same_architecture_gives_the_same_vectors(
    embedder: MiniLMEmbedder, tmp_path: Path
) -> None:
    """A path instead of the builtin name: same numbers, another fingerprint, no path in the repr."""
    local = MiniLMEmbedder(model=str(copy_model(tmp_path / "model")))
    text = Masked("Who pays for the return?")
    np.testing.assert_array_equal(local.embed_question(text), embedder.embed_question(text))
    assert local.fingerprint != embedder.fingerprint
    assert str(tmp_path) not in repr(find_model(str(tmp_path / "model")))


def test_another_architecture_runs_on_the_library(library: Any, tmp_path: Path) -> None:
    """A model that ragkit's own forward does not compute goes through sentence-transformers, window and all."""
    folder = copy_model(tmp_path / "model")
    pooling = folder / "1_Pooling" / "config.json"
    pooling.write_text(
        json.dumps({"word_embedding_dimension": 384, "pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False})
    )
    other = MiniLMEmbedder(model=str(folder))
    texts = sentences(4, 20)
    assert find_model(str(folder)).bert is None
    vectors = other.embed(texts)
    np.testing.assert_allclose(other.embed_questions(texts), vectors, atol=1e-5)
    assert cosines(vectors, library.encode(list(texts), normalize_embeddings=True)).max() < 0.99
    with pytest.raises(ChunkTooLong):
        other.embed([Masked("a " * 300)])


def test_fingerprint_is_stable_and_follows_the_files(embedder: MiniLMEmbedder, tmp_path: Path) -> None:
    """The builtin's fingerprint is fixed by its pins; a changed file changes a folder's."""
    assert embedder.fingerprint == MiniLMEmbedder(dtype="fp32", threads=1).fingerprint
    folder = copy_model(tmp_path / "model")
    before = MiniLMEmbedder(model=str(folder)).fingerprint
    (folder / "config.json").write_text((folder / "config.json").read_text() + "\n")
    assert MiniLMEmbedder(model=str(folder)).fingerprint != before


def test_other_bytes_under_the_builtin_name_are_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One changed byte in the weights or the tokenizer stops the load, with a remedy."""
    package = tmp_path / "gt_tampered"
    copy_model(package / "model")
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    known = weights._BUILTIN[weights.DEFAULT_MODEL]
    monkeypatch.setitem(weights._BUILTIN, weights.DEFAULT_MODEL, weights._Builtin("gt_tampered", "model", known.pins))
    assert verify_models()[0].ok
    with (package / "model" / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01")
    with pytest.raises(ModelError) as caught:
        MiniLMEmbedder().load()
    assert caught.value.remedy
    [line] = verify_models()
    assert not line.ok
    assert line.remedy


@pytest.mark.parametrize("model", ["builtin:nothing", "/nowhere/at/all"])
def test_an_absent_model_is_an_error_with_a_remedy(model: str) -> None:
    """Neither an unknown name nor a missing folder starts a download, and no path is named."""
    with pytest.raises(ModelError) as caught:
        MiniLMEmbedder(model=model).load()
    assert caught.value.remedy
    assert "nowhere" not in str(caught.value) + caught.value.remedy
