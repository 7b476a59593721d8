"""From configuration to live objects: the only place where names become instances.

::

    collection = OpenCollection(config, "handbook", database=…, root_key=…, embedder=…, recorder=…)
    collection.assistant.ask(…)

Parts are made when first asked for, and load their libraries later still.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property, partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.config import Config
from ragkit.config_sections import BUNDLED_MODEL, UPLOADS, SourceSection
from ragkit.errors import ConfigError
from ragkit.policy import Policy
from ragkit.protocols import Connector, Detector, Progress
from ragkit.registry import Registry
from ragkit.rootkey import open_options
from ragkit.types import Principal

if TYPE_CHECKING:  # each of these costs more to import than a configuration check may take
    from ragkit.answering import Answering, Spending
    from ragkit.assistant import Assistant
    from ragkit.audit.noticing import NoticingRecorder
    from ragkit.index.chunker import SentenceChunker
    from ragkit.index.collection import CollectionIndex
    from ragkit.index.embedder import MiniLMEmbedder
    from ragkit.index.manifest import Fingerprints
    from ragkit.ingest.settings import Ahead, Watch
    from ragkit.ingest.uploads import Kept
    from ragkit.lifecycle.history import Purged
    from ragkit.lifecycle.uploads import Uploads
    from ragkit.mask.masker import CollectionMasker
    from ragkit.mask.rescan import CollectionScanner
    from ragkit.parse.ocr_setup import Ocr
    from ragkit.parse.sandbox import SandboxedParser
    from ragkit.pipeline import Ingestor
    from ragkit.retrieve.retriever import HybridRetriever
    from ragkit.store.catalog import Collection
    from ragkit.store.database import Database
    from ragkit.store.records import RecordStore
    from ragkit.store.valuekeys import ValueKeys


SUPPLIED = ("name", "kept", "allow")
"""Options of connectors that ragkit gives itself; none of them can be written in ``ragkit.toml``."""


def build_spending(config: Config, *, usage_key: bytes, egress_key: bytes) -> Spending:
    """Return what the meters of a workspace share; the ledger is opened by the first call."""
    from ragkit.answering import Spending
    from ragkit.generator_names import default_name
    from ragkit.routing.budgets import Budgets
    from ragkit.routing.ledger import UsageLedger
    from ragkit.routing.prices import load_catalogue

    file = config.prices.file
    catalogue = cache(lambda: load_catalogue(config.resolve(file) if file else None))
    ledger = UsageLedger(config.data_folder / "usage.db", key=usage_key)
    small = config.routing.small or default_name(config)
    budgets = Budgets(config.budgets, ledger, currency=lambda: catalogue().currency, small=small)
    return Spending(budgets, ledger, catalogue, egress_key)


def model_of(config: Config) -> str:
    """Return the encoder as the index names it: ``builtin:…``, or an absolute folder."""
    model = config.embedder.model
    return f"builtin:{model}" if model == BUNDLED_MODEL else str(config.resolve(model))


def build_embedder(config: Config) -> MiniLMEmbedder:
    """Return the encoder named by ``[embedder]``."""
    from ragkit.index.embedder import MiniLMEmbedder

    section = config.embedder
    return MiniLMEmbedder(model=model_of(config), threads=section.threads or None, dtype=section.dtype)


def build_detectors(config: Config, policy: Policy) -> list[Detector]:
    """Return the learned detectors that a policy of this workspace names, unloaded.

    Raises:
        ConfigError: One is not there, or refuses its options.
        ModelError: Its model is not there.
    """
    from ragkit.detect.build import build_learned

    return build_learned(
        policy,
        config.detectors,
        registry=Registry(allow=config.plugins.allow),
        folder=config.folder,
        threads=config.embedder.threads or None,
    )


def find_ocr_of(config: Config) -> Ocr:
    """Return how pictures are read on this machine under ``[parser]``, which may be not at all."""
    from ragkit.parse.ocr_setup import Ocr, find_ocr

    section = config.parser
    if section.ocr == "off":
        return Ocr()
    return find_ocr(languages=section.ocr_languages, pages=section.ocr_pages, timeout_s=section.timeout_s)


def build_parser(config: Config) -> SandboxedParser:
    """Return the parser of ``[parser]`` in its confined child processes."""
    from ragkit.parse.sandbox import SandboxedParser

    section = config.parser
    return SandboxedParser(
        workers=section.workers, timeout_s=section.timeout_s, memory_mb=section.memory_mb, ocr=find_ocr_of(config)
    )


def build_connector(config: Config, source: SourceSection, *, kept: Kept | None = None) -> Connector:
    """Return a source's connector, its options checked by name and its secrets read.

    ``kept`` are the originals of the source's collection, for the connector that reads them.

    Raises:
        ConfigError: No such connector, a foreign one that is not allowed, or options it refuses.
    """
    registry = Registry(allow=config.plugins.allow)
    registry.check_options("connectors", source.connector, source.options, supplied=SUPPLIED)
    options: dict[str, Any] = open_options(source.options, folder=config.folder)
    if source.connector == UPLOADS:
        options["kept"] = kept
    if source.access is not None:
        options["access"] = source.access
    found = registry.load("connectors", source.connector)
    if "allow" in signature(found).parameters:
        options["allow"] = tuple(config.plugins.allow)
    try:
        connector: Connector = found(name=source.name, **options)
    except (TypeError, ValueError) as refused:
        raise ConfigError(
            f"connector {source.connector!r} refuses the options of source {source.name!r} ({type(refused).__name__})",
            remedy="Compare them with the connector's documentation: connectors/README.md.",
        ) from None
    return connector


class OpenCollection:
    """One collection of an open workspace and its parts.

    Args:
        config: The workspace's configuration.
        name: A collection it names.
        database: The record store, open for reading or writing.
        collection: Its row there, with its keys.
        embedder: Shared by all collections.
        recorder: Likewise.
        spending: Gives the budgets and prices, likewise.
    """

    def __init__(
        self,
        config: Config,
        name: str,
        *,
        database: Database,
        collection: Collection,
        embedder: MiniLMEmbedder,
        recorder: NoticingRecorder,
        spending: Callable[[], Spending],
    ) -> None:
        self.config = config
        self.name = name
        self.section = config.collections[name]
        self.collection = collection
        self.embedder = embedder
        self.recorder = recorder
        self._spending = spending
        self._database = database

    @property
    def index_folder(self) -> Path:
        """Where the generations are."""
        return self.config.data_folder / "index" / self.collection.id

    @cached_property
    def store(self) -> RecordStore:
        """The record store, for this collection."""
        from ragkit.store.records import RecordStore

        return RecordStore(self._database, self.collection, keeps_past=self.config.audit.history_days > 0)

    @cached_property
    def people(self) -> ValueKeys:
        """Numbers and keys of the people in it, for the evidence store."""
        from ragkit.store.valuekeys import ValueKeys

        return ValueKeys(self._database, self.collection)

    @cached_property
    def masker(self) -> CollectionMasker:
        """The masker under the collection's policy, on the collection's vault."""
        from ragkit.mask.build import build_masker

        policy = self.config.policy_of(self.name)
        learned = build_detectors(self.config, policy)
        return build_masker(
            policy,
            self.collection.keys,
            self.store.vault(),
            self.name,
            learned=learned,
            folder=self.config.folder,
            rulings=self.store.rulings(),
        )

    @cached_property
    def chunker(self) -> SentenceChunker:
        """The chunker, cutting to the encoder's window."""
        from ragkit.index.chunker import SentenceChunker

        return SentenceChunker(
            model=model_of(self.config),
            max_tokens=self.config.chunker.max_tokens or self.embedder.max_tokens,
            overlap=self.config.chunker.overlap,
        )

    @cached_property
    def fingerprints(self) -> Fingerprints:
        """What an index of this collection must have been made with."""
        from ragkit.index.manifest import Fingerprints

        return Fingerprints(
            policy=self.masker.policy,
            encoder=self.embedder.fingerprint,
            chunker=self.chunker.fingerprint,
            dimension=self.embedder.dimension,
            language=self.config.language_of(self.name),
        )

    @cached_property
    def index(self) -> CollectionIndex:
        """The generation that answers, and the delta."""
        from ragkit.index.collection import CollectionIndex

        source = self.store.index_source(encoder=self.embedder.fingerprint, in_force=True)
        return CollectionIndex(self.index_folder, source, self.fingerprints)

    @cached_property
    def retriever(self) -> HybridRetriever:
        """From masked question to re-checked hits."""
        from ragkit.retrieve.retriever import HybridRetriever

        hits = self.store.hit_source(filter_keys=self.section.filter_keys)
        return HybridRetriever(self.index, hits, self.embedder, self.recorder, collection=self.name)

    @cached_property
    def assistant(self) -> Assistant:
        """The asking half of the spine."""
        from ragkit.assistant import Assistant

        return Assistant(
            collection=self.name,
            data_class=self.section.data_class,
            masker=self.masker,
            retriever=self.retriever,
            generator=self.answering.deferred(),
            recorder=self.recorder,
            filter_mac=self.store.filter_mac,
            history=self.config.answers.history,
            evidence=self.config.audit.keeps_evidence,
        )

    @cached_property
    def scanner(self) -> CollectionScanner:
        """The last look over what is about to leave, under the collection's policy and on its vault."""
        from ragkit.mask.rescan import CollectionScanner

        masker = self.masker
        return CollectionScanner(masker.rules, masker.detectors, masker.vault, folder=self.config.folder)

    @cached_property
    def answering(self) -> Answering:
        """Every generator that can answer from this collection, by name."""
        from ragkit.answering import Answering

        return Answering(
            self.config,
            embedder=self.embedder,
            scanner=lambda: self.scanner,
            recorder=self.recorder,
            spending=self._spending,
        )

    def ingestor(
        self,
        parser: SandboxedParser,
        *,
        progress: Progress | None = None,
        retry_quarantined: bool | frozenset[str] = False,
        max_delete_share: float | None = None,
        watch: Watch | None = None,
        ahead: Ahead | None = None,
        actor: Principal | None = None,
    ) -> Ingestor:
        """Return the ingesting half of the spine; the write lock must be held. ``actor`` is who runs it.

        ``max_delete_share`` holds in place of the collection's own.
        """
        from ragkit.lifecycle.holds import Holds
        from ragkit.lifecycle.retention_rules import SourceAge, rules_of
        from ragkit.pipeline import Ingestor

        return Ingestor(
            store=self.store,
            parser=parser,
            masker=self.masker,
            chunker=self.chunker,
            embedder=self.embedder,
            recorder=self.recorder,
            progress=progress,
            access=frozenset(self.section.access),
            filter_keys=self.section.filter_keys,
            max_delete_share=self.section.max_delete_share if max_delete_share is None else max_delete_share,
            retry_quarantined=retry_quarantined,
            trust={source.name: source.trust for source in self.section.sources},
            watch=watch,
            ahead=ahead,
            ageing=partial(SourceAge, rules_of(self.config.retention, self.name)),
            held=Holds(self._database, self.collection).held,
            actor=actor,
            token_hash=self.recorder.token,
        )

    @cached_property
    def uploads(self) -> Uploads:
        """What was uploaded to it, and what becomes of that."""
        from ragkit.lifecycle.uploads import Uploads

        return Uploads(self.config.data_folder, self._database.key_file, self.collection, self.recorder)

    def connector(self, source: SourceSection) -> Connector:
        """Return the connector of one of its sources. Raises as :func:`build_connector`."""
        uploaded = source.connector == UPLOADS
        kept = replace(self.uploads.kept, access=frozenset(self.section.access)) if uploaded else None
        return build_connector(self.config, source, kept=kept)

    def end_history(self) -> Purged:
        """Destroy what is past the window of history; the write lock must be held."""
        from ragkit.lifecycle.history import purge_past
        from ragkit.lifecycle.holds import Holds

        return purge_past(
            self.store,
            Holds(self._database, self.collection),
            self.recorder,
            days=self.config.audit.history_days,
            keep_days=self.config.backup.keep_days,
            fate_days=self.config.audit.retention_days,
        )

    def close(self) -> None:
        """Close what was opened."""
        if "index" in self.__dict__:
            self.index.close()
