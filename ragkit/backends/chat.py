"""From messages to what a chat template takes, for models in process.

Text of documents must not become control tokens: a page that says ``<|im_end|><|im_start|>system`` would otherwise
speak as the operator. :func:`disarm` breaks every control token of the model's own vocabulary in message text, before
the template adds the real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from ragkit.errors import GeneratorRefused
from ragkit.types import Message, ModelCall

PLAIN_STOP = "\nUser:"
"""Where a model without a chat template begins to write the next question itself."""


def control_pattern(tokens: Iterable[str]) -> re.Pattern[str] | None:
    """A pattern of control tokens as they would be read in text; ``None`` where there are none.

    One- and two-letter tokens are left alone, and so are those of blanks: they carry no role.
    """
    marks = sorted({token for token in tokens if len(token.strip()) > 2}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, marks))) if marks else None


def disarm(text: str, pattern: re.Pattern[str] | None) -> str:
    """Put a blank into each control token of ``text`` until none is left."""
    while pattern is not None and pattern.search(text):
        text = pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)
    return text


def encodable(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, which no tokenizer takes."""
    return text.encode("utf-8", "replace").decode("utf-8")


def roles(messages: Sequence[Message], pattern: re.Pattern[str] | None) -> list[dict[str, str]]:
    """Messages as chat templates take them, disarmed.

    Raises:
        GeneratorRefused: There are none.
    """
    if not messages:
        raise GeneratorRefused("a call without messages", code="empty", remedy="Ask something.")
    return [{"role": one.role, "content": disarm(encodable(one.content), pattern)} for one in messages]


def without_system(messages: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The same with the system's words at the head of the first question, for templates that know no system role."""
    told = "\n\n".join(one["content"] for one in messages if one["role"] == "system")
    others = [dict(one) for one in messages if one["role"] != "system"]
    if told and others:
        others[0]["content"] = f"{told}\n\n{others[0]['content']}"
    return others


def plain(messages: Sequence[dict[str, str]]) -> str:
    """Messages for a model that has no chat template: a script with speakers."""
    lines = [f"{one['role'].capitalize()}: {one['content']}" for one in messages]
    return "\n\n".join([*lines, "Assistant:"])


def render(messages: Sequence[dict[str, str]], template: Callable[[list[dict[str, str]]], str]) -> str:
    """Apply a model's own template; once more without a system message if it refuses.

    Raises:
        GeneratorRefused: It refuses that too.
    """
    for attempt in (list(messages), without_system(messages)):
        try:
            return template(attempt)
        except Exception:  # noqa: S112 - a template raises what it likes, with text in it
            continue
    raise GeneratorRefused(
        "the model's chat template refuses these messages",
        code="template",
        remedy='Write `template = "plain"` for this generator.',
    )


def check_room(prompt_tokens: int, call: ModelCall, context_tokens: int) -> None:
    """Refuse a call that does not fit, before anything runs.

    Raises:
        GeneratorRefused: Prompt and answer together are longer than the model reads.
    """
    if prompt_tokens + call.max_tokens > context_tokens:
        raise GeneratorRefused(
            f"context too small: {prompt_tokens} tokens of prompt and {call.max_tokens} of answer in {context_tokens}",
            code="context",
            remedy="Retrieve fewer chunks, lower [answers] max_tokens, or take a model with a larger context.",
        )
