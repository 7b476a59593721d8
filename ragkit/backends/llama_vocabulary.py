"""What a loaded GGUF model says of its tokens: which end an answer, which carry a role, and its chat template."""

from __future__ import annotations

from typing import Any

from ragkit.errors import ModelError

_CONTROL = 1 << 3
_USER_DEFINED = 1 << 4
"""``LLAMA_TOKEN_ATTR_CONTROL`` and ``LLAMA_TOKEN_ATTR_USER_DEFINED`` of ``llama.h``."""


def _vocabulary(llama: Any) -> Any:
    import llama_cpp

    return llama_cpp.llama_model_get_vocab(llama.model)


def is_end(llama: Any, token: int) -> bool:
    """Whether a token ends the answer."""
    import llama_cpp

    return bool(llama_cpp.llama_vocab_is_eog(_vocabulary(llama), token))


def _text_of(llama: Any, token: int) -> str:
    import llama_cpp

    return bytes(llama_cpp.llama_vocab_get_text(_vocabulary(llama), token)).decode("utf-8", "replace")


def control_tokens(llama: Any) -> list[str]:
    """The control tokens of a loaded model, as they would stand in text; 0.1 s for 150,000 tokens."""
    import llama_cpp

    vocabulary = _vocabulary(llama)
    found = []
    for token in range(llama.n_vocab()):
        kind = llama_cpp.llama_vocab_get_attr(vocabulary, token)
        if kind & (_CONTROL | _USER_DEFINED):
            text = _text_of(llama, token)
            if kind & _CONTROL or (text[:1] == "<" and text[-1:] == ">"):
                found.append(text)
    return found


def chat_template(llama: Any) -> Any:
    """The file's chat template in a sandbox of Jinja.

    Raises:
        ModelError: It has none, or one that is none.
    """
    from llama_cpp.llama_chat_format import Jinja2ChatFormatter

    text = llama.metadata.get("tokenizer.chat_template")
    if not text:
        raise ModelError(
            "the model has no chat template",
            remedy='Use an instruction-tuned model, or write `template = "plain"` for this generator.',
        )
    begin, end = (_text_of(llama, token) if token >= 0 else "" for token in (llama.token_bos(), llama.token_eos()))
    try:
        return Jinja2ChatFormatter(template=text, eos_token=end, bos_token=begin)
    except Exception as bad:
        raise ModelError(
            f"the model's chat template cannot be read ({type(bad).__name__})", remedy='Write `template = "plain"`.'
        ) from None
