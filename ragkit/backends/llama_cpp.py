"""A GGUF file in this process, by ``llama-cpp-python``.

::

    pip install 'ragkit[llama-cpp]'       # compiles llama.cpp, about nine minutes

    model = LlamaCppModel(path="/models/qwen3-4b-q4_k_m.gguf", context_tokens=8192)
    model.load()
    for piece in model.stream(call): ...

No socket is opened. llama.cpp reads the file in machine code: take files from people you trust. One call runs at a
time; prompts are read anew for each, so that an answer does not depend on what was asked before.
"""

from __future__ import annotations

import codecs
import os
import secrets
import time
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Literal

from ragkit.backends.chat import PLAIN_STOP, check_room, control_pattern, encodable, plain, render, roles
from ragkit.backends.gguf_header import context_of_gguf
from ragkit.backends.listening import Listener, streamed
from ragkit.backends.llama_vocabulary import chat_template, control_tokens, is_end
from ragkit.errors import ConfigError, GenerationError, GeneratorUnavailable, MissingDependency, ModelError
from ragkit.models.loaded import note_loaded
from ragkit.types import Completion, Location, ModelCall, TokenUsage


class LlamaCppModel:
    """Implements :class:`ragkit.protocols.ChatModel`. Safe to call from several threads.

    Args:
        path: A GGUF file; of several parts the first.
        context_tokens: Most tokens of prompt and answer, and never more than the model was trained on; 0 for all of
            those. Memory is taken for all of them at load.
        threads: Processor threads; 0 takes every processor this process may use.
        gpu_layers: Layers that an accelerator computes; -1 for all.
        template: ``model`` takes the file's chat template, ``plain`` a script with speakers, for models without one.
        template_options: Further variables of the chat template, such as ``{ enable_thinking = false }``.
        model: The name in answers and events; by default the file's, without its ending.

    Raises:
        ConfigError: An option is out of form.
    """

    location = Location.IN_PROCESS
    destination = ""

    def __init__(
        self,
        *,
        path: str,
        context_tokens: int = 4096,
        threads: int = 0,
        gpu_layers: int = 0,
        template: Literal["model", "plain"] = "model",
        template_options: Mapping[str, Any] | None = None,
        model: str | None = None,
    ) -> None:
        if template not in ("model", "plain"):
            raise ConfigError("`template` of a generator is out of form", remedy="Write `model` or `plain`.")
        if min(threads, context_tokens, gpu_layers + 1) < 0:
            raise ConfigError("a number of a generator is out of range", remedy="Write 0 or more.")
        self._given: dict[str, Any] = {
            "path": path,
            "context_tokens": context_tokens,
            "threads": threads,
            "gpu_layers": gpu_layers,
            "template": template,
            "template_options": dict(template_options or {}),
            "model": model,
        }
        self.model = model or Path(path).stem
        self._lock = Lock()
        self._loading = Lock()
        self._llama: Any = None
        self._control: Any = None
        self._template: Any = None

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to a child process by value, unloaded."""
        return partial(type(self), **self._given), ()

    def __repr__(self) -> str:
        return "LlamaCppModel()"

    @cached_property
    def context_tokens(self) -> int:
        """Most tokens of prompt and answer together; reads the head of the file only.

        Raises:
            ModelError: It is no GGUF model.
        """
        trained = context_of_gguf(self._given["path"])
        return min(self._given["context_tokens"] or trained, trained)

    def load(self) -> None:
        """Load the file.

        Raises:
            ModelError: It is no GGUF model that llama.cpp can read, or has no chat template.
            MissingDependency: ``llama-cpp-python`` is not installed.
        """
        with self._loading:
            if self._llama is not None:
                return
            llama = self._open(self.context_tokens)
            if self._given["template"] == "model":
                self._template = chat_template(llama)
            self._control = control_pattern(control_tokens(llama))
            note_loaded("generator", model="local", weights=[Path(self._given["path"]).expanduser()])
            self._llama = llama

    def _open(self, context: int) -> Any:
        try:
            from llama_cpp import Llama
        except ImportError as missing:
            raise MissingDependency(
                "a GGUF generator needs a package that is not installed", remedy="pip install 'ragkit[llama-cpp]'"
            ) from missing
        given = self._given
        try:
            threads = given["threads"] or len(os.sched_getaffinity(0))
            return Llama(
                str(Path(given["path"]).expanduser()),
                n_ctx=context,
                n_threads=threads,
                n_threads_batch=threads,
                n_gpu_layers=given["gpu_layers"],
                verbose=False,
            )
        except Exception as bad:  # messages hold the path
            raise ModelError(
                f"llama.cpp cannot load the configured file ({type(bad).__name__})",
                remedy="Check the file, the memory and `context_tokens`; a newer llama-cpp-python may know the model.",
            ) from None

    def probe(self) -> None:
        """Load, and write one token.

        Raises:
            ModelError: As :meth:`load`.
            GeneratorUnavailable: It cannot generate.
        """
        self.load()
        self._write(self._llama.tokenize(b"Hello", add_bos=True), 1, Listener())

    def count_tokens(self, text: str) -> int:
        """Tokens of a text, exactly; control tokens in it count as ordinary text."""
        self.load()
        return len(self._llama.tokenize(encodable(text).encode(), add_bos=False, special=False))

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

    def _stops(self, call: ModelCall) -> tuple[str, ...]:
        return (*call.stop, PLAIN_STOP) if self._given["template"] == "plain" else call.stop

    def _answer(self, call: ModelCall, listener: Listener) -> Completion:
        started = time.perf_counter()
        self.load()
        prompt = self._prompt(call)
        check_room(len(prompt), call, self.context_tokens)
        written, ended = self._write(prompt, call.max_tokens, listener, temperature=call.temperature, seed=call.seed)
        text = listener.end()
        now = time.perf_counter()
        return Completion(
            text=text,
            model=self.model,
            usage=TokenUsage(len(prompt), written),
            finish="stop" if ended or listener.stopped else "cut" if listener.left.is_set() else "length",
            latency_ms=(now - started) * 1000,
            ttft_ms=((listener.first or now) - started) * 1000,
        )

    def _prompt(self, call: ModelCall) -> list[int]:
        messages = roles(call.messages, self._control)
        if self._template is None:
            return list(self._llama.tokenize(plain(messages).encode(), add_bos=True, special=False))
        options = self._given["template_options"]
        text = render(messages, lambda told: str(self._template(messages=told, **options).prompt))
        return list(self._llama.tokenize(text.encode(), add_bos=False, special=True))

    def _write(
        self, prompt: list[int], most: int, listener: Listener, *, temperature: float = 0.0, seed: int | None = None
    ) -> tuple[int, bool]:
        """Generate; return how many tokens, the end included, and whether the model ended by itself."""
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        written = 0
        try:
            with self._lock:
                self._llama.reset()
                self._llama.set_seed(secrets.randbits(31) if seed is None else seed & 0x7FFFFFFF)
                tokens = self._llama.generate(prompt, temp=temperature)
                for token in tokens:
                    written += 1
                    if is_end(self._llama, token):
                        listener.hear(decoder.decode(b"", final=True))
                        return written, True
                    piece = decoder.decode(self._llama.detokenize([token]), final=written >= most)
                    if not listener.hear(piece) or written >= most:
                        break
                tokens.close()
        except GenerationError:
            raise
        except Exception as failed:  # the library's messages may hold text
            raise GeneratorUnavailable(
                f"the model in process failed ({type(failed).__name__})",
                code="failed",
                remedy="Check the memory, and the model with: ragkit generators test",
            ) from None
        return written, False
