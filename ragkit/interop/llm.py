"""Any LLM of llama-index as a chat model, so that the whole of that ecosystem can answer.

::

    [generators.claude]
    kind = "llama_index"
    target = "llama_index.llms.anthropic:Anthropic"
    location = "remote"
    model = "claude-sonnet"                     # this and what follows goes to the class
    api_key = { env = "ANTHROPIC_API_KEY" }

    [plugins]
    allow = ["llama-index-llms-anthropic"]

The bytes of such a model do not pass ragkit's egress gateway: it is marked ``unsafe``, its calls are recorded as such,
and content above class ``internal`` never goes to it. llama-index's global ``Settings``, callbacks and instrumentation
are left as they are; whatever an application hangs on them sees the prompts.
"""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator
from threading import Lock
from typing import Any, ClassVar

from ragkit.backends.estimate import estimate_prompt, estimate_tokens
from ragkit.errors import ConfigError, GeneratorRefused, RagkitError
from ragkit.foreign_classes import foreign_class
from ragkit.interop.llm_replies import HeldAnswer, error_for, text_of
from ragkit.types import Completion, DataClass, Location, ModelCall

_WORDS = re.compile(r"\s*\S+|\s+")


class LlamaIndexModel:
    """Implements :class:`ragkit.protocols.ChatModel`. As safe to call from several threads as the LLM is.

    Args:
        target: The class, ``package.module:Class``, of a distribution in ``allow``.
        allow: Distributions that may run; ragkit gives what ``[plugins] allow`` says.
        location: Where the model runs. Only you know; without word of it, ``remote``.
        context_tokens: Most tokens of prompt and answer; 0 takes what the LLM says.
        options: Everything else goes to the class when it is made, at :meth:`load`.

    Attributes:
        unsafe: Its bytes do not pass the egress gateway.
        max_data_class: Most sensitive class of content that may go to it, wherever it runs.

    Raises:
        ConfigError: ``location`` is none.
    """

    unsafe: ClassVar[bool] = True
    max_data_class: ClassVar[DataClass] = DataClass.INTERNAL
    destination = ""

    def __init__(
        self,
        *,
        target: str,
        allow: Collection[str] = (),
        location: str = Location.REMOTE,
        context_tokens: int = 0,
        **options: Any,
    ) -> None:
        if location not in list(Location):
            raise ConfigError("`location` of a generator is out of form", remedy=f"Write one of {', '.join(Location)}.")
        self.location = Location(location)
        self._given: dict[str, Any] = {
            "target": target,
            "allow": tuple(allow),
            "location": location,
            "context_tokens": context_tokens,
        }
        self._options = options
        self._loading = Lock()
        self._llm: Any = None
        self._takes: frozenset[str] = frozenset()

    def __reduce__(self) -> tuple[object, ...]:
        """Refuse: the options may hold a key."""
        raise TypeError("a llama-index model is not pickled")

    def __repr__(self) -> str:
        return "LlamaIndexModel()"

    @property
    def model(self) -> str:
        """The model asked for, by the options; else the name of the class."""
        named = self._options.get("model") or self._options.get("model_name")
        return str(named or self._given["target"].partition(":")[2])

    @property
    def context_tokens(self) -> int:
        """Most tokens of prompt and answer together; loads the LLM where the configuration does not say."""
        if self._given["context_tokens"]:
            return int(self._given["context_tokens"])
        self.load()
        return int(self._llm.metadata.context_window)

    def load(self) -> None:
        """Import the class and make the LLM.

        Raises:
            ConfigError: The class is not allowed, no LLM of llama-index, or refuses its options.
            MissingDependency: Its package is not installed.
        """
        with self._loading:
            if self._llm is not None:
                return
            found = foreign_class(self._given["target"], allow=self._given["allow"])
            from llama_index.core.base.llms.base import BaseLLM

            if not issubclass(found, BaseLLM):
                raise ConfigError("`target` of a generator is no LLM of llama-index", remedy="Name an LLM class.")
            try:
                self._llm = found(**self._options)
            except RagkitError:
                raise
            except Exception as refused:  # the message may hold a key
                raise ConfigError(
                    f"{found.__name__} refuses its options ({type(refused).__name__})",
                    remedy="Compare them with the documentation of the llama-index package.",
                ) from None
            self._takes = frozenset(type(self._llm).model_fields) & {"max_tokens", "temperature"}

    def probe(self) -> None:
        """Load it; nothing is sent, since every word to it may cost and none passes the gateway.

        Raises:
            ConfigError, MissingDependency: As :meth:`load`.
        """
        self.load()

    def count_tokens(self, text: str) -> int:
        """About how many tokens a text is, see :mod:`ragkit.backends.estimate`."""
        return estimate_tokens(text)

    def complete(self, call: ModelCall) -> Completion:
        """The whole answer.

        Raises:
            ConfigError, MissingDependency: As :meth:`load`.
            GeneratorRefused: No messages, more than fit, or the server refuses them.
            GeneratorUnavailable: The LLM failed.
            GeneratorGarbled: It answered with something that is no text.
        """
        started = time.perf_counter()
        messages = self._messages(call)
        try:
            response = self._llm.chat(messages, **self._settings(call))
        except Exception as failed:
            raise error_for(failed) from None
        answer = HeldAnswer(call)
        for piece in _WORDS.findall(text_of(response.message.content)):
            if not answer.hear(piece):
                break
        return answer.completion(response, self.model, started)

    def stream(self, call: ModelCall) -> Iterator[str | Completion]:
        """The answer as it is written; of an LLM that cannot stream, at once. Raises what :meth:`complete` does."""
        started = time.perf_counter()
        answer = HeldAnswer(call)
        responses: Any = None
        last: Any = None
        try:
            try:
                responses = self._llm_stream(call)
                for last in responses:
                    wanted = answer.hear(text_of(last.delta))
                    yield from answer.taken()
                    if not wanted:
                        break
            finally:
                getattr(responses, "close", lambda: None)()
        except NotImplementedError:
            done = self.complete(call)
            yield from filter(None, [done.text])
            yield done
            return
        except RagkitError:
            raise
        except Exception as failed:
            raise error_for(failed) from None
        done = answer.completion(last, self.model, started)
        yield from answer.taken()
        yield done

    def _llm_stream(self, call: ModelCall) -> Any:
        messages = self._messages(call)
        return self._llm.stream_chat(messages, **self._settings(call))

    def _messages(self, call: ModelCall) -> list[Any]:
        self.load()
        from llama_index.core.base.llms.types import ChatMessage

        if not call.messages:
            raise GeneratorRefused("a call without messages", code="empty", remedy="Ask something.")
        prompt = estimate_prompt(call)
        if prompt + call.max_tokens > self.context_tokens:
            raise GeneratorRefused(
                f"context too small: about {prompt} tokens of prompt and {call.max_tokens} of answer",
                code="context",
                remedy="Retrieve fewer chunks, lower [answers] max_tokens, or write `context_tokens`.",
            )
        return [ChatMessage(role=one.role, content=str(one.content)) for one in call.messages]

    def _settings(self, call: ModelCall) -> dict[str, Any]:
        """Limits by keyword, for the classes that have them: their clients take by call what they take when made."""
        wanted = {"max_tokens": call.max_tokens, "temperature": call.temperature}
        return {name: value for name, value in wanted.items() if name in self._takes}
