"""Writes ragkit's detector as a Hugging Face token-classification folder, so that others can run the same model.

``python benchmarks/hf_export.py FOLDER``. The adapter is added to the encoder's weights; the head becomes the
classifier, labels in the BIO scheme. What cannot go along is what ragkit puts in beside the word pieces (case, what
stands before a word, name lists): the folder gets one vector for all words, that of a capitalised word after a blank.
So it finds less well, at the same cost: use it to compare speed, never quality.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from ragkit.detect.builtin import _folder
from ragkit.detect.decode import LABELS
from ragkit.detect.features import CASES, GAPS
from ragkit.detect.tagger import DetectorFiles
from ragkit.models.adapter import read_deltas
from ragkit.models.weights import find_model

_TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def export(folder: Path) -> Path:
    """Write the folder and return it."""
    import torch
    from safetensors.torch import load_file
    from transformers import BertConfig, BertForTokenClassification

    files, encoder = DetectorFiles(_folder()), find_model()
    weight, bias, table = files.head()
    names = ["O", *(f"{prefix}-{label}" for label in LABELS for prefix in "BI")]
    config = BertConfig.from_pretrained(encoder.folder, local_files_only=True)
    config.id2label = dict(enumerate(names))
    config.label2id = {name: number for number, name in enumerate(names)}
    config.architectures = ["BertForTokenClassification"]
    model = BertForTokenClassification(config)
    tensors = {name.removeprefix("bert."): one for name, one in load_file(encoder.folder / "model.safetensors").items()}
    for name, delta in read_deltas(files.folder).items():
        tensors[name] = tensors[name].float() + torch.from_numpy(delta)
    usual = (CASES.index("title") * len(GAPS) * 16) * 2 + GAPS.index("space") * 32
    kinds = "embeddings.token_type_embeddings.weight"
    tensors[kinds] = tensors[kinds].float() + torch.from_numpy(table[usual])
    wanted = model.bert.state_dict()
    model.bert.load_state_dict({name: one.float() for name, one in tensors.items() if name in wanted})
    model.classifier.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    for name in _TOKENIZER:
        if (encoder.folder / name).exists():
            shutil.copyfile(encoder.folder / name, folder / name)
    return folder


if __name__ == "__main__":
    export(Path(sys.argv[1]))
