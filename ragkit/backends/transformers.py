"""A causal language model from a local folder, in this process, by ``transformers``.

::

    model = TransformersModel(path="/models/qwen3-4b-instruct")
    model.load()
    for piece in model.stream(call): ...

Weights in safetensors format only, no code of the folder is run, nothing is downloaded and no socket opened. One pass
runs at a time, of one call or of a batch.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from ragkit.backends.causal import Randomness, load_model, load_tokenizer, settle
from ragkit.backends.chat import PLAIN_STOP, check_room, control_pattern, encodable, plain, render, roles
from ragkit.backends.listening import Listener, streamed
from ragkit.backends.model_files import context_of, model_folder, read_config
from ragkit.backends.passes import Row, greedy_batches, rows_stopping
from ragkit.errors import ConfigError, GenerationError, GeneratorUnavailable, ModelError
from ragkit.models.loaded import note_loaded
from ragkit.models.weights import go_offline
from ragkit.types import Completion, Location, ModelCall, TokenUsage

DTYPES: tuple[str, ...] = ("auto", "bf16", "fp16", "fp32")


class TransformersModel:
    """Implements :class:`ragkit.protocols.ChatModel`. Safe to call from several threads.

    Args:
        path: Folder with ``config.json``, the tokenizer and the weights in safetensors format.
        dtype: ``auto`` takes the weights' own on an accelerator; on a processor bf16 where the weights have 16 bits and
            it multiplies bf16 in hardware, else fp32.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``. ``auto`` takes an accelerator where there is one.
        threads: Processor threads of torch, for the whole process; 0 leaves them as they are.
        context_tokens: Most tokens of prompt and answer; 0 takes what the model reads.
        batch: Calls in one pass of :meth:`complete_many`.
        template: ``model`` takes the folder's chat template, ``plain`` a script with speakers, for models without one.
        template_options: Further variables of the chat template, such as ``{ enable_thinking = false }``.
        model: The name in answers and events; by default the folder's.

    Raises:
        ConfigError: An option is out of form.
    """

    location = Location.IN_PROCESS
    destination = ""

    def __init__(
        self,
        *,
        path: str,
        dtype: str = "auto",
        device: str = "auto",
        threads: int = 0,
        context_tokens: int = 0,
        batch: int = 8,
        template: Literal["model", "plain"] = "model",
        template_options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> None:
        if dtype not in DTYPES:
            raise ConfigError("`dtype` of a generator is out of form", remedy=f"Write one of {', '.join(DTYPES)}.")
        if template not in ("model", "plain"):
            raise ConfigError("`template` of a generator is out of form", remedy="Write `model` or `plain`.")
        if min(threads, context_tokens) < 0 or batch < 1:
            raise ConfigError("a number of a generator is out of range", remedy="threads ≥ 0, batch ≥ 1.")
        self._given: dict[str, Any] = {
            "path": path,
            "dtype": dtype,
            "device": device,
            "threads": threads,
            "context_tokens": context_tokens,
            "batch": batch,
            "template": template,
            "template_options": dict(template_options or {}),
            "model": model,
        }
        self.model = model or Path(path).name
        self._lock = Lock()
        self._loading = Lock()
        self._model: Any = None
        self._tokenizer: Any = None
        self._sampled: dict[str, Any] = {}
        self._ends: frozenset[int] = frozenset()

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to a child process by value, unloaded."""
        return partial(type(self), **self._given), ()

    def __repr__(self) -> str:
        return "TransformersModel()"

    @cached_property
    def context_tokens(self) -> int:
        """Most tokens of prompt and answer together; reads ``config.json`` only.

        Raises:
            ModelError: The folder is no model, or its context is shorter than the configured one.
        """
        wanted = int(self._given["context_tokens"])
        config = read_config(model_folder(self._given["path"]))
        most = context_of(config) if not wanted or "max_position_embeddings" in config else wanted
        if wanted > most:
            raise ModelError(
                f"the model reads {most} tokens, fewer than `context_tokens` asks for",
                remedy=f"Write `context_tokens = {most}` or less.",
            )
        return wanted or most

    def load(self) -> None:
        """Load tokenizer and weights (imports transformers and torch).

        Raises:
            ModelError: The folder is no causal language model that can be read safely and whole.
        """
        with self._loading:
            if self._model is not None:
                return
            folder = model_folder(self._given["path"])
            _ = self.context_tokens
            go_offline()
            tokenizer = load_tokenizer(folder)
            if self._given["template"] == "model" and not tokenizer.chat_template:
                raise ModelError(
                    "the model has no chat template",
                    remedy='Use an instruction-tuned model, or write `template = "plain"` for this generator.',
                )
            model = load_model(folder, dtype=self._given["dtype"], device=self._given["device"])
            if self._given["threads"]:
                import torch

                torch.set_num_threads(self._given["threads"])
            self._ends, self._sampled = settle(model, tokenizer)
            note_loaded("generator", model="local", weights=list(folder.glob("*.safetensors")))
            self._tokenizer, self._model = tokenizer, model

    def probe(self) -> None:
        """Load, and write one token.

        Raises:
            ModelError: As :meth:`load`.
            GeneratorUnavailable: It cannot generate.
        """
        self.load()
        self._write([Row([next(iter(self._ends), 0)], 1, Listener(), self._tokenizer, self._ends)], None)

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, exactly; control tokens in it count as ordinary text."""
        self.load()
        return len(self._tokenizer.encode(encodable(text), add_special_tokens=False, split_special_tokens=True))

    def complete(self, call: ModelCall) -> Completion:
        """The whole answer.

        Raises:
            ModelError: As :meth:`load`.
            GeneratorRefused: No messages, or more than fit.
            GeneratorUnavailable: The model failed.
        """
        return self._answer(call, Listener(self._stops(call)))

    def stream(self, call: ModelCall) -> Iterator[str | Completion]:
        """The answer as it is written; raises what :meth:`complete` does."""
        return streamed(self._stops(call), partial(self._answer, call))

    def complete_many(self, calls: Sequence[ModelCall]) -> list[Completion]:
        """Whole answers of several calls, those at temperature 0 in batches of similar length.

        Raises:
            As :meth:`complete`, when any one does.
        """
        self.load()
        done: dict[int, Completion] = {}
        rows = [self._row(call, Listener(self._stops(call))) for call in calls]
        for group in greedy_batches(calls, rows, self._given["batch"]):
            started = time.perf_counter()
            self._write([rows[number] for number in group], calls[group[0]])
            for number in group:
                done[number] = self._completion(rows[number], started)
        return [done[number] for number in range(len(calls))]

    def _answer(self, call: ModelCall, listener: Listener) -> Completion:
        started = time.perf_counter()
        self.load()
        row = self._row(call, listener)
        self._write([row], call)
        return self._completion(row, started)

    def _row(self, call: ModelCall, listener: Listener) -> Row:
        prompt = self._prompt(call)
        check_room(len(prompt), call, self.context_tokens)
        return Row(prompt, call.max_tokens, listener, self._tokenizer, self._ends)

    def _stops(self, call: ModelCall) -> tuple[str, ...]:
        return (*call.stop, PLAIN_STOP) if self._given["template"] == "plain" else call.stop

    def _prompt(self, call: ModelCall) -> list[int]:
        tokenizer = self._tokenizer
        messages = roles(call.messages, self._control)
        if self._given["template"] == "plain":
            return list(tokenizer.encode(plain(messages)))
        template = partial(
            tokenizer.apply_chat_template, tokenize=False, add_generation_prompt=True, **self._given["template_options"]
        )
        return list(tokenizer.encode(render(messages, template), add_special_tokens=False))

    @cached_property
    def _control(self) -> Any:
        added = self._tokenizer.added_tokens_decoder.values()
        shaped = [str(one) for one in added if one.special or (str(one)[:1] == "<" and str(one)[-1:] == ">")]
        return control_pattern([*shaped, *self._tokenizer.all_special_tokens])

    def _write(self, rows: Sequence[Row], call: ModelCall | None) -> None:
        """One pass over left-padded rows; what is written goes to their listeners."""
        import torch

        longest = max(len(row.prompt) for row in rows)
        filler = next(iter(self._ends), 0)
        ids = torch.tensor([[filler] * (longest - len(row.prompt)) + row.prompt for row in rows])
        mask = torch.tensor([[0] * (longest - len(row.prompt)) + [1] * len(row.prompt) for row in rows])
        sampled = call is not None and call.temperature > 0
        options: dict[str, Any] = {"do_sample": False}
        if sampled:
            assert call is not None
            options = {**self._sampled, "do_sample": True, "temperature": call.temperature}
        try:
            with self._lock, Randomness(call.seed if call and sampled else None, sampled=sampled):
                self._model.generate(
                    input_ids=ids.to(self._model.device),
                    attention_mask=mask.to(self._model.device),
                    max_new_tokens=max(row.most for row in rows),
                    stopping_criteria=rows_stopping(rows, longest),
                    eos_token_id=sorted(self._ends) or None,
                    pad_token_id=filler,
                    **options,
                )
        except GenerationError:
            raise
        except Exception as failed:  # the library's messages may hold text
            raise GeneratorUnavailable(
                f"the model in process failed ({type(failed).__name__})",
                code="failed",
                remedy="Check the memory, and the model with: ragkit generators test",
            ) from None

    def _completion(self, row: Row, started: float) -> Completion:
        text = row.listener.end()
        now = time.perf_counter()
        return Completion(
            text=text,
            model=self.model,
            usage=TokenUsage(len(row.prompt), row.written),
            finish=row.finish,
            latency_ms=(now - started) * 1000,
            ttft_ms=((row.listener.first or now) - started) * 1000,
        )
