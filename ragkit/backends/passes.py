"""Rows of a generating pass: from token ids to text as they come, each with its own end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ragkit.backends.listening import Listener
from ragkit.completions import Finish
from ragkit.types import ModelCall

_HALF = "\ufffd"
_PATIENCE = 5
"""Tokens that may be part of one character; a character of UTF-8 has at most four bytes."""


class Row:
    """One answer being written.

    Args:
        prompt: Token ids.
        most: Tokens it may have.
        listener: Takes its text.
        tokenizer: Of ``transformers``.
        ends: Tokens that end it.

    Attributes:
        written: Tokens written, the end included.
        finish: Why it ended.
    """

    def __init__(self, prompt: list[int], most: int, listener: Listener, tokenizer: Any, ends: frozenset[int]) -> None:
        self.prompt = prompt
        self.most = most
        self.listener = listener
        self.written = 0
        self.finish: Finish = "length"
        self.done = False
        self._tokenizer = tokenizer
        self._ends = ends
        self._ids: list[int] = []
        self._shown = 0
        self._read = 0

    def take(self, token: int) -> bool:
        """Take the next token; return whether that was the last."""
        if self.done:
            return True
        self.written += 1
        if token in self._ends:
            return self._close("stop")
        self._ids.append(token)
        wanted = self.listener.hear(self._text(whole=self.written >= self.most))
        if self.listener.stopped:
            return self._close("stop")
        if not wanted:
            return self._close("cut")
        return self.written >= self.most and self._close("length")

    def _close(self, finish: Finish) -> bool:
        if finish == "stop" and not self.listener.stopped:
            self.listener.hear(self._text(whole=True))
        self.finish = finish
        self.done = True
        return True

    def _text(self, *, whole: bool) -> str:
        """Text that the last tokens add, empty while a character is only half there.

        What a token adds depends on those before it, so it is read as the difference of two decodings, as the
        servers do (text-generation-inference, ``Model.decode_token``).
        """
        before = self._decode(self._ids[self._shown : self._read])
        now = self._decode(self._ids[self._shown :])
        half = now.endswith(_HALF) and len(self._ids) - self._read < _PATIENCE
        if len(now) <= len(before) or (half and not whole):
            return ""
        self._shown, self._read = self._read, len(self._ids)
        return now[len(before) :]

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


def rows_stopping(rows: Sequence[Row], longest: int) -> Any:
    """A stopping criterion that hands each new token to its row, and ends the rows one by one."""
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class Rows(StoppingCriteria):  # type: ignore[misc]  # transformers is not followed by mypy
        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:  # noqa: ARG002 - the library's call
            last = input_ids[:, -1].tolist() if input_ids.shape[1] > longest else [None] * len(rows)
            ended = [row.done if token is None else row.take(token) for row, token in zip(rows, last)]
            return torch.tensor(ended, device=input_ids.device, dtype=torch.bool)

    return StoppingCriteriaList([Rows()])


def greedy_batches(calls: Sequence[ModelCall], rows: Sequence[Row], size: int) -> list[list[int]]:
    """Numbers of the calls that go together: greedy ones by length, sampled ones alone so that their seeds hold."""
    greedy = sorted(
        (number for number, call in enumerate(calls) if call.temperature <= 0), key=lambda n: len(rows[n].prompt)
    )
    groups = [greedy[start : start + size] for start in range(0, len(greedy), size)]
    return [*groups, *([number] for number, call in enumerate(calls) if call.temperature > 0)]
