"""Makes tiny language models on the spot, for tests that need real files and real libraries but no downloaded weights.

::

    folder = make_llama(tmp_path / "tiny")                          # random weights: proves protocols, not quality
    folder = make_llama(tmp_path / "tiny", says="Thirty days [1].")  # answers every prompt with this sentence
    file = make_gguf(folder, tmp_path / "tiny.gguf")                 # the same weights for llama.cpp

Half a second and two megabytes each; the same arguments give the same weights. Needs torch and transformers, and
:func:`make_gguf` the ``gguf`` package.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.errors import MissingDependency
from ragkit.models.weights import go_offline

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TEMPLATE = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""The chat template of the tiny models. The answer begins after ``<|assistant|>`` and ends with ``<|end|>``."""

SPECIAL: tuple[str, ...] = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")

_CORPUS = (
    "Returns are accepted within thirty days of delivery when the item is unused.",
    "The warranty covers faults of material for two years and does not cover wear.",
    "You answer only from the sources and cite each statement by the number of its source in brackets, such as [1].",
    "Contact the help desk by telephone or by e-mail on working days between nine and five.",
)
_HEADS, _SIZE = 4, 64


def make_llama(
    folder: Path,
    *,
    says: str | None = None,
    seed: int = 0,
    context: int = 8192,
    vocabulary: int = 512,
    template: str | None = TEMPLATE,
) -> Path:
    """Write a Llama of two layers with its tokenizer, in safetensors format.

    Args:
        folder: Made where it is not there.
        says: What it answers to every prompt at temperature 0. Its weights are then set by hand: each token of the
            sentence leads to the next, and attention adds nothing. ``None`` for random weights.
        seed: Of the random weights.
        context: Tokens that it reads and writes at most.
        vocabulary: Tokens, the 256 bytes and the five special ones included.
        template: The chat template; ``None`` for a model without one.

    Returns:
        The folder.

    Raises:
        ValueError: ``says`` has the same token twice, so that it cannot be told what comes after.
    """
    go_offline()
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()

    words = (says or "").encode("ascii", "ignore").decode()  # other letters stay single bytes, cut by every stream
    tokenizer = _train([*_CORPUS, *([words] * 50)], vocabulary)
    chain = _chain(tokenizer, says) if says else []
    size = max(_SIZE, -(-len(chain) // _SIZE) * _SIZE)
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=size,
        intermediate_size=2 * size,
        num_hidden_layers=2,
        num_attention_heads=_HEADS,
        num_key_value_heads=_HEADS // 2,
        max_position_embeddings=context,
        initializer_range=0.2,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id("<|end|>"),
        pad_token_id=tokenizer.token_to_id("<|pad|>"),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    if chain:
        _lead(model, chain)
    model.generation_config = GenerationConfig(eos_token_id=config.eos_token_id, pad_token_id=config.pad_token_id)
    model.save_pretrained(folder)
    whole = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|end|>",  # noqa: S106 - no password
        pad_token="<|pad|>",  # noqa: S106 - no password
        additional_special_tokens=list(SPECIAL[2:]),
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    whole.chat_template = template
    whole.save_pretrained(folder)
    return folder


def make_gguf(folder: Path, file: Path) -> Path:
    """Write a model of :func:`make_llama` as a GGUF file in float32; return the file.

    Raises:
        MissingDependency: The ``gguf`` package is not installed.
    """
    try:
        from gguf import GGUFWriter, TokenType
    except ImportError as error:
        raise MissingDependency(
            "writing a GGUF file needs a package that is not installed", remedy="pip install gguf"
        ) from error
    import json

    from safetensors.numpy import load_file
    from tokenizers import Tokenizer

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    writer = GGUFWriter(str(file), "llama")
    writer.add_name("tiny")
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_rope_dimension_count(config["hidden_size"] // heads)
    writer.add_rope_freq_base(float(config["rope_parameters"]["rope_theta"]))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    pieces = [str(tokenizer.id_to_token(number)) for number in range(config["vocab_size"])]
    writer.add_token_list(pieces)
    writer.add_token_types([TokenType.CONTROL if piece in SPECIAL else TokenType.NORMAL for piece in pieces])
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([merge if isinstance(merge, str) else " ".join(merge) for merge in merges])
    writer.add_eos_token_id(config["eos_token_id"])
    writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(False)
    template = folder / "chat_template.jinja"
    if template.is_file():
        writer.add_chat_template(template.read_text(encoding="utf-8"))
    for name, tensor in load_file(folder / "model.safetensors").items():
        if name.endswith("q_proj.weight"):
            tensor = _interleave(tensor, heads)
        elif name.endswith("k_proj.weight"):
            tensor = _interleave(tensor, kv_heads)
        writer.add_tensor(_gguf_name(name), tensor)
    file.parent.mkdir(parents=True, exist_ok=True)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return file


def _train(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _chain(tokenizer: Tokenizer, says: str) -> list[int]:
    ids = tokenizer.encode(says, add_special_tokens=False).ids
    if len(set(ids)) < len(ids):
        raise ValueError("a tiny model cannot say the same token twice; write another sentence")
    begin, end = (tokenizer.encode(mark).ids[0] for mark in ("<|assistant|>", "<|end|>"))
    return [begin, *ids, end]


def _lead(model: Any, chain: Sequence[int]) -> None:
    """Set the weights so that each token of the chain leads to the next, whatever stands before it."""
    import torch

    with torch.no_grad():
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight.zero_()
            layer.mlp.down_proj.weight.zero_()
        words, head = model.model.embed_tokens.weight, model.lm_head.weight
        words.zero_()
        head.zero_()
        for place, (this, following) in enumerate(pairwise(chain)):
            words[this, place] = 1.0
            head[following, place] = 4.0


def _interleave(weight: Any, heads: int) -> Any:
    """Reorder the rows of a query or key projection from transformers' rotary layout to llama.cpp's."""
    rows, columns = weight.shape
    split = weight.reshape(heads, 2, rows // heads // 2, columns)
    return split.swapaxes(1, 2).reshape(rows, columns).copy()


_GGUF_NAMES = {
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def _gguf_name(name: str) -> str:
    stem = name.removesuffix(".weight")
    if stem.startswith("model.layers."):
        _, _, number, part = stem.split(".", 3)
        return f"blk.{number}.{_GGUF_NAMES[part]}.weight"
    return f"{_GGUF_NAMES[stem]}.weight"
