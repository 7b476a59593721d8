"""The detector as it is trained: MiniLM with LoRA (Hu et al. 2021) through PEFT, observations at the input, a head.

At run time ``ragkit.detect.tagger`` computes the same with the adapter merged into the weights.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import save_file
from torch import Tensor, nn
from transformers import BertModel

from ragkit.detect.decode import LABELS
from ragkit.detect.features import FEATURES_VERSION, WIDTHS
from ragkit.models.weights import find_model

OUTPUTS = 1 + 2 * len(LABELS)
TARGETS = ["query", "key", "value", "dense"]


class Tagger(nn.Module):
    """Pieces and observations in, one row of label logits a word out."""

    def __init__(self, *, rank: int, alpha: int, dropout: float) -> None:
        super().__init__()
        files = find_model()
        # Eager attention: the backward pass of torch's fused kernel takes a third of a step on this head size.
        bert = BertModel.from_pretrained(
            files.folder,
            local_files_only=True,
            add_pooling_layer=False,
            attn_implementation="eager",
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
        )
        bert.to(torch.bfloat16)  # frozen
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=TARGETS, lora_dropout=0.0, bias="none")
        self.encoder = get_peft_model(bert, config)  # keeps the adapter in float32
        for module in self.encoder.modules():  # autocast makes the products bf16; PEFT would cast to float32 and back
            if hasattr(module, "cast_input_dtype_enabled"):
                module.cast_input_dtype_enabled = False
        hidden = bert.config.hidden_size
        self.features = nn.ModuleDict({name: nn.Embedding(width, hidden) for name, width in WIDTHS.items()})
        for table in self.features.values():
            nn.init.normal_(table.weight, std=0.01)
        self.head = nn.Linear(hidden, OUTPUTS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, ids: Tensor, kept: Tensor, codes: Tensor, words: Tensor) -> Tensor:
        """Logits of the words.

        Args:
            ids: Pieces, (texts, length).
            kept: Which of them are real.
            codes: Observations of the pieces' words, (texts, length); see ``features.CODES``.
            words: Flat places of the words' first pieces.

        Returns:
            Shape (words, OUTPUTS), float32.
        """
        bert = self.encoder.base_model.model
        with torch.autocast("cpu", dtype=torch.bfloat16):
            embedded = bert.embeddings.word_embeddings(ids)
            seen = {"case": codes // 192, "gap": codes // 32 % 6, "lists": codes // 2 % 16, "accent": codes % 2}
            for name, table in self.features.items():
                embedded = embedded + table(seen[name])
            hidden = self.encoder(
                inputs_embeds=self.dropout(embedded).bfloat16(), attention_mask=kept
            ).last_hidden_state
        flat = hidden.reshape(-1, hidden.shape[-1])[words].float()
        logits: Tensor = self.head(self.dropout(flat))
        return logits

    def save(self, folder: Path, *, source: dict[str, Any]) -> None:
        """Write adapter (PEFT), head and observations (float16), and ``detector.json``."""
        folder.mkdir(parents=True, exist_ok=True)
        self.encoder.save_pretrained(str(folder), safe_serialization=True)
        (folder / "README.md").unlink(missing_ok=True)
        adapter = folder / "adapter_model.safetensors"
        from safetensors.torch import load_file

        save_file({name: tensor.half().contiguous() for name, tensor in load_file(adapter).items()}, adapter)
        head = {f"features.{name}": table.weight for name, table in self.features.items()}
        head |= {"head.weight": self.head.weight, "head.bias": self.head.bias}
        save_file(
            {name: tensor.detach().half().contiguous() for name, tensor in head.items()}, folder / "head.safetensors"
        )
        config = json.loads((folder / "adapter_config.json").read_text())
        config["base_model_name_or_path"] = "sentence-transformers/all-MiniLM-L6-v2"
        (folder / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
        described = {"features_version": FEATURES_VERSION, "labels": list(LABELS), **source}
        (folder / "detector.json").write_text(json.dumps(described, indent=1) + "\n")


def loss(logits: Tensor, gold: Tensor, allowed: Tensor) -> Tensor:
    """Cross entropy in which a word may have any of its allowed labels: ``-log sum p(allowed)``, averaged.

    Args:
        logits: (words, OUTPUTS).
        gold: Unused rows are -1.
        allowed: (words, OUTPUTS), true where a label does not contradict the annotation.
    """
    used = gold >= 0
    scores = torch.log_softmax(logits[used], dim=1)
    return -torch.logsumexp(scores.masked_fill(~allowed[used], float("-inf")), dim=1).mean()
