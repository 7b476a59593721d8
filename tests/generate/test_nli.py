"""A local model of entailment, tiny and random: it proves the loading, not the judging."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ragkit.errors import ModelError
from ragkit.generate.nli import NliModel
from ragkit.models.weights import DEFAULT_MODEL, find_model


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier of three classes with a real tokenizer."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(1)
    path = tmp_path_factory.mktemp("nli")
    tokenizer = AutoTokenizer.from_pretrained(str(find_model(DEFAULT_MODEL).folder), local_files_only=True)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        max_position_embeddings=64,
        id2label={0: "CONTRADICTION", 1: "ENTAILMENT", 2: "NEUTRAL"},
    )
    BertForSequenceClassification(config).save_pretrained(path)
    tokenizer.save_pretrained(path)
    return path


def test_a_local_folder_scores_each_premise(folder: Path) -> None:
    """The best premise counts; long ones are cut; none is nothing."""
    model = NliModel(folder)
    model.load()
    one, other = (model.entails([text], "It lasts.") for text in ("It lasts long.", "Cheese is blue. " * 200))
    assert 0 < one < 1
    assert model.entails(["It lasts long.", "Cheese is blue. " * 200], "It lasts.") == pytest.approx(
        max(one, other), abs=0.01
    )
    assert model.entails([], "It lasts.") == 0.0
    assert repr(model) == "NliModel()"


def test_a_folder_without_a_class_for_entailment_is_refused(folder: Path, tmp_path: Path) -> None:
    """So is one without safetensors."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text())
    config["id2label"] = {"0": "good", "1": "bad", "2": "ugly"}
    config["label2id"] = {"good": 0, "bad": 1, "ugly": 2}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="entailment"):
        NliModel(str(tmp_path)).load()
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        NliModel(tmp_path).load()
