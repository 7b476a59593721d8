"""The generators of one collection, by the names of ``ragkit.toml``, each behind what must stand before it.

::

    answering = Answering(config, embedder=…, scanner=…, recorder=…, spending=…)
    answering.generator().generate(request)          # what [generator] and [routing] say
    answering.generator("large").generate(request)   # one by its name

A model becomes a generator by :mod:`ragkit.generate.prompted`; its bytes go through the gateway of its destination; a
meter stands around each; the router around all, where one is configured. A generator is made when it is first asked
for, and loads its libraries later still.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from inspect import signature
from typing import TYPE_CHECKING, Any

from ragkit.config import Config
from ragkit.errors import ConfigError
from ragkit.generator_names import Named, check_generator, default_name, named_generators, routed_names
from ragkit.protocols import ChatModel, Door, Generator, Recorder
from ragkit.registry import Registry
from ragkit.rootkey import open_options
from ragkit.types import DataClass, Generation, GenerationRequest, Location, Masked, Message, ModelCall

if TYPE_CHECKING:
    from ragkit.config_answering import DestinationSection
    from ragkit.egress.circuit import Circuit
    from ragkit.egress.gateway import EgressGateway
    from ragkit.generate.ranking import SentenceEncoder
    from ragkit.mask.rescan import CollectionScanner
    from ragkit.routing.budgets import Budgets
    from ragkit.routing.ledger import UsageLedger
    from ragkit.routing.metered import Metered
    from ragkit.routing.prices import Catalogue


@dataclass(frozen=True, slots=True)
class Spending:
    """What the meters of a workspace share, and the key under which what leaves is hashed."""

    budgets: Budgets
    ledger: UsageLedger
    catalogue: Callable[[], Catalogue]
    egress_key: bytes = b""
    circuits: dict[str, Circuit] = field(default_factory=dict)

    def __repr__(self) -> str:
        return "Spending()"


class Answering:
    """Makes generators, once each.

    Args:
        config: The workspace's configuration.
        embedder: Given to generators that take one.
        scanner: Makes what looks over the bytes that leave for the first destination that is used.
        recorder: Takes the events of gateway, meter and router.
        spending: Budgets and prices.
    """

    def __init__(
        self,
        config: Config,
        *,
        embedder: SentenceEncoder,
        scanner: Callable[[], CollectionScanner],
        recorder: Recorder,
        spending: Callable[[], Spending],
    ) -> None:
        self.config = config
        self._embedder = embedder
        self._scanner = scanner
        self._recorder = recorder
        self._spending = spending
        self._registry = Registry(allow=config.plugins.allow)
        self._doors: dict[str, EgressGateway] = {}
        self._bare: dict[str, Any] = {}
        self._ready: dict[str, Metered] = {}

    @property
    def default(self) -> str:
        """The name of the generator that answers where no routing is configured."""
        return default_name(self.config)

    @cached_property
    def named(self) -> Mapping[str, Named]:
        """Every generator that can be asked for."""
        return named_generators(self.config)

    def generator(self, name: str | None = None) -> Generator:
        """Return a generator by its name, or the one that ``[generator]`` and ``[routing]`` make.

        Raises:
            ConfigError: There is none of that name, or it refuses its options.
            MissingDependency: A package it needs is not installed.
        """
        if name is None and not routed_names(self.config):
            name = self.default
        if name is None:
            return self._router
        if name not in self._ready:
            self._ready[name] = self._metered(name)
        return self._ready[name]

    def deferred(self, name: str | None = None) -> Generator:
        """Return the same, made when it is first asked: a key that is missing stops no search."""
        section = self._section(self.find(name)) if name is not None else None
        return _Deferred(name or self.default, partial(self.generator, name), section.location if section else None)

    def telling(
        self,
        name: str | None,
        messages: Sequence[Message],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        stop: tuple[str, ...] = (),
    ) -> Generator:
        """Return a generator that tells the model behind another these messages, out of the masker, and no more.

        Raises:
            ConfigError: There is none of that name, or it has no model.
        """
        from ragkit.egress.guarded import VouchedGenerator
        from ragkit.generate.messages import MessagesGenerator
        from ragkit.routing.metered import Metered

        name = name or self.default
        if not hasattr(self.bare(name), "complete"):
            raise ConfigError(
                f"generator {name!r} has no model that could be told anything",
                remedy="Name one of [generators] with a model behind it.",
            )
        usual = self.generator(name)
        assert isinstance(usual, Metered)  # every generator by a name is
        teller: Generator = MessagesGenerator(
            self._held(name),
            name=name,
            messages=messages,
            max_tokens=max_tokens,
            temperature=temperature,
            stop=stop,
            told=partial(self._keep_prompt, name) if self.config.audit.keeps_evidence else None,
        )
        if self.find(name).destination:
            texts = [one.content for one in messages]
            teller = VouchedGenerator(teller, lambda _: self._scanner().vouch(texts))
        return Metered(
            teller,
            usual.tariff,
            name=name,
            budgets=usual.budgets,
            catalogue=usual.catalogue,
            recorder=self._recorder,
        )

    def bare(self, name: str, *, door: Door | None = None) -> Any:
        """Return the :class:`~ragkit.protocols.ChatModel` or generator of that name itself, or one at another door."""
        if door is not None:
            return self._make(self.find(name), door)
        if name not in self._bare:
            self._bare[name] = self._make(self.find(name))
        return self._bare[name]

    def door(self, destination: str) -> EgressGateway:
        """Return the gateway to a declared destination; nothing is opened."""
        from ragkit.egress.api_words import strings_in
        from ragkit.egress.circuit import Circuit
        from ragkit.egress.gateway import EgressGateway

        if destination not in self._doors:
            self._doors[destination] = EgressGateway(
                destination,
                self.config.destinations[destination],
                scanner=_Late(self._scanner),
                recorder=self._recorder,
                key=self._spending().egress_key,
                circuit=self._spending().circuits.setdefault(destination, Circuit()),
                fixed={text for one in self.named.values() for text in strings_in(one.options)},
                folder=self.config.folder,
                evidence=self.config.audit.keeps_evidence,
            )
        return self._doors[destination]

    def allowed(self, name: str, data_class: DataClass) -> bool:
        """Whether content of this class may go to that generator: :mod:`ragkit.egress.boundary`."""
        from ragkit.egress.boundary import fits, may_receive

        ceiling = self._ceiling(name)
        seen = may_receive(data_class, self._section(self.find(name)), passes_gateway=ceiling is None)
        return seen and (ceiling is None or fits(data_class, ceiling))

    def prepare(self, request: GenerationRequest, name: str | None = None) -> ModelCall | None:
        """Return the very call that a generator would send; ``None`` for one without a model behind it."""
        made = self._whole(name or self.default)
        prepare: Callable[[GenerationRequest], ModelCall] | None = getattr(made, "prepare", None)
        if prepare is None:
            return None
        made.load()  # a model in process counts tokens itself
        return prepare(request)

    def _metered(self, name: str) -> Metered:
        from ragkit.routing.metered import Metered
        from ragkit.routing.tariff import Tariff

        named, spending = self.find(name), self._spending()
        section, model = self._section(named), self.bare(name)
        tariff = Tariff(
            provider=section.provider if section else "",
            model=str(getattr(model, "model", "")),
            destination=named.destination or "",
            max_tokens=self.config.answers.max_tokens,
            seconds=section.total_seconds if section else 60.0,
            count_tokens=getattr(model, "count_tokens", None),
        )
        return Metered(
            self._whole(name),
            tariff,
            name=name,
            budgets=spending.budgets,
            catalogue=spending.catalogue,
            recorder=self._recorder,
        )

    def _whole(self, name: str) -> Generator:
        """A generator with its prompt and checks, if a model is behind it, and without meter."""
        from ragkit.egress.unsafe import unseen_generator

        model, ceiling = self.bare(name), self._ceiling(name)
        if not hasattr(model, "complete"):
            own: Generator = model
            return (
                own if ceiling is None else unseen_generator(own, name=name, ceiling=ceiling, recorder=self._recorder)
            )
        from ragkit.egress.guarded import VouchedGenerator
        from ragkit.generate.prompted import PromptedGenerator

        chat = self._held(name)
        nli = self.config.answers.nli
        prompted = PromptedGenerator(
            chat,
            name=name,
            settings=self.config.answers,
            **({"nli": self._nli(str(self.config.resolve(nli)))} if nli else {}),
            told=partial(self._keep_prompt, name) if self.config.audit.keeps_evidence else None,
        )
        return VouchedGenerator(prompted, self._vouch) if self.find(name).destination else prompted

    def _held(self, name: str) -> ChatModel:
        """The model of that name, held to its ceiling where its bytes pass no gateway."""
        from ragkit.egress.unsafe import Unseen

        model, ceiling = self.bare(name), self._ceiling(name)
        chat: ChatModel = model
        return chat if ceiling is None else Unseen(chat, name=name, ceiling=ceiling, recorder=self._recorder)

    def _keep_prompt(self, name: str, request: GenerationRequest, call: ModelCall, code: str) -> None:
        """Let what a model is about to be told be kept as evidence."""
        from ragkit.audit.evidence_forms import prompted

        data = {"collection": request.question.collection, "generator": name, "prompt": call.prompt}
        self._recorder.record(
            "prompt.written",
            request=request.request_id or None,
            actor=request.principal,
            data=data | {"placed": list(call.placed)},
            session=request.conversation.id,
            evidence=prompted(request, call, code),
        )

    def _ceiling(self, name: str) -> DataClass | None:
        """The most sensitive class where bytes pass no gateway; ``None`` where they do, or none leave."""
        from ragkit.egress.boundary import UNSEEN_CEILING

        model = self.bare(name)
        declared: DataClass | None = getattr(model, "max_data_class", None)
        outside = self.find(name).destination is None and model.location is not Location.IN_PROCESS
        return declared or (UNSEEN_CEILING if outside else None)

    def _vouch(self, request: GenerationRequest) -> None:
        from ragkit.generate.aliases import AliasBook
        from ragkit.generate.prompt import FIXED

        scanner, book = self._scanner(), AliasBook(request.conversation)
        scanner.vouch(FIXED, always=True)
        scanner.vouch_request(request)
        # A model's own mangled aliases lose their form on the way out, and must not look like something new then.
        scanner.vouch(book.hide(turn.answer) for turn in request.conversation.turns)

    @staticmethod
    def _nli(folder: str) -> Any:
        from ragkit.generate.nli import NliModel

        return NliModel(folder)

    @cached_property
    def _router(self) -> Generator:
        from ragkit.generate.support import SupportEstimator
        from ragkit.routing.need import NeedModel
        from ragkit.routing.router import Router

        need = NeedModel(SupportEstimator(self._embedder).estimate)
        return Router(
            {name: self.deferred(name) for name in routed_names(self.config)},
            self.config.routing,
            default=self.default,
            allowed=self.allowed,
            need=need.before,
            after=need.after,
            room=self._room,
            recorder=self._recorder,
        )

    def _room(self, name: str, request: GenerationRequest) -> bool:
        from ragkit.routing.metered import Metered

        meter = self.generator(name)
        return not isinstance(meter, Metered) or meter.room(request)

    def _make(self, named: Named, door: Door | None = None) -> Any:
        found = check_generator(self._registry, named)
        parameters = signature(found).parameters
        given: dict[str, Any] = {}
        if named.destination is not None:
            given["door"] = door or self.door(named.destination)
        if "embedder" in parameters:
            given["embedder"] = self._embedder
        if "allow" in parameters:
            given["allow"] = frozenset(self.config.plugins.allow)
        try:
            return found(**given, **open_options(named.options, folder=self.config.folder))
        except (TypeError, ValueError) as refused:
            raise ConfigError(
                f"generator {named.name!r} refuses its options ({type(refused).__name__})",
                remedy="Compare them with `ragkit generators list` and the docstring of its class.",
            ) from None

    def find(self, name: str) -> Named:
        """Return what is configured under a name.

        Raises:
            ConfigError: There is no generator of that name.
        """
        if name not in self.named:
            raise ConfigError("there is no generator of that name", remedy=f"Name one of: {', '.join(self.named)}.")
        return self.named[name]

    def _section(self, named: Named) -> DestinationSection | None:
        return self.config.destinations[named.destination] if named.destination else None


class _Deferred:
    """A generator that is made when it is first asked."""

    def __init__(self, name: str, make: Callable[[], Generator], location: Location | None) -> None:
        self.name = name
        self._make = make
        self._location = location

    @cached_property
    def _made(self) -> Generator:
        return self._make()

    @property
    def location(self) -> Location:
        return self._location or self._made.location

    def load(self) -> None:
        self._made.load()

    def generate(self, request: GenerationRequest) -> Generation:
        return self._made.generate(request)

    def stream(self, request: GenerationRequest) -> Iterator[Masked | Generation]:
        yield from self._made.stream(request)


class _Late:
    """A scanner that is made for the first text it looks over: no model is loaded for a door that stays shut."""

    def __init__(self, make: Callable[[], CollectionScanner]) -> None:
        self._make = make

    @cached_property
    def _scanner(self) -> CollectionScanner:
        return self._make()

    def scan(self, text: str) -> Mapping[str, int]:
        """Look over a text that is about to leave."""
        return self._scanner.scan(text)
