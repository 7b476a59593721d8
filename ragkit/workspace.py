"""The public face: a folder with a ``ragkit.toml``, opened.

::

    with open_workspace("handbook") as workspace:
        workspace.sync()
        answer = workspace.ask("How long is the warranty?")

Reading needs no lock: any number of processes may ask while one syncs. Writing takes the workspace's lock for as long
as it lasts; a second writer is told who holds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ragkit.build import OpenCollection, build_connector, build_embedder, build_parser, build_recorder
from ragkit.config import Config, find_workspace, load_config
from ragkit.errors import AccessDenied, ConfigError
from ragkit.protocols import Progress
from ragkit.rootkey import load_root_key
from ragkit.types import Answer, Hit, MaskedText, Principal, RawQuestion, Span

if TYPE_CHECKING:
    from ragkit.audit.recorder import EventRecorder
    from ragkit.config_sections import SourceSection
    from ragkit.doctor import Check
    from ragkit.index.embedder import MiniLMEmbedder
    from ragkit.ingest.report import SyncReport
    from ragkit.store.database import Database


class Workspace:
    """An open workspace. Use :func:`ragkit.open_workspace`; close it, or use it as a context manager.

    A call without a ``principal`` runs as the workspace's owner, and the events say so. A call without a
    ``collection`` takes the only one there is.

    Args:
        config: The configuration, checked.
        root_key: 32 bytes from outside the data directory.
    """

    def __init__(self, config: Config, *, root_key: bytes) -> None:
        self.config = config
        self._root_key = root_key
        self._reading: Database | None = None
        self._open: dict[str, OpenCollection] = {}

    @classmethod
    def open(cls, path: str | PathLike[str] = ".") -> Self:
        """Open the workspace in this folder or the nearest above. Raises as :func:`ragkit.open_workspace`."""
        config = load_config(find_workspace(path))
        root_key = load_root_key(config)
        make_private(config.data_folder)
        return cls(config, root_key=root_key)

    @cached_property
    def embedder(self) -> MiniLMEmbedder:
        """The encoder, shared by all collections."""
        return build_embedder(self.config)

    @cached_property
    def recorder(self) -> EventRecorder:
        """Takes the events of everything done here."""
        return build_recorder(self.config, self._root_key)

    def sync(
        self,
        *,
        collection: str | None = None,
        source: str | None = None,
        dry_run: bool = False,
        retry_quarantined: bool = False,
        progress: Progress | None = None,
    ) -> SyncReport:
        """Bring the index in step with the sources: all of them, or those named.

        Interrupted, it is started again and goes on where it was. Questions are answered meanwhile.

        Raises:
            WriterBusy: Another process is writing; the message names it.
            SourceError: A source cannot be read; what came before is kept.
            MassDeletion: A source would lose more documents than ``max_delete_share`` allows.
        """
        from ragkit.lifecycle.rebuild import fold
        from ragkit.ingest.report import SyncReport

        reports = []
        with self._writing("sync") as database, build_parser() as parser:
            for name, sources in self._chosen(collection, source):
                part = self._collection(name, database, create=True)
                part.store.sweep()
                ingestor = part.ingestor(parser, progress=progress, retry_quarantined=retry_quarantined)
                for section in sources:
                    connector = build_connector(self.config, section)
                    reports.append(ingestor.sync(connector, section.name, dry_run=dry_run))
                if not dry_run:
                    fold(part.index, recorder=self.recorder, collection=name, progress=progress)
                part.close()
        return SyncReport.together(reports)

    def ask(
        self,
        question: str,
        *,
        collection: str | None = None,
        principal: Principal | None = None,
        k: int = 8,
        filters: Mapping[str, str] | None = None,
        history: Sequence[str] = (),
    ) -> Answer:
        """Answer a question from the documents the principal may see, with citations, masked.

        Args:
            question: As typed; it is masked before anything else happens.
            k: How many chunks to read.
            filters: Metadata that documents must have, by whitelisted key.
            history: Earlier questions of the conversation, oldest first.

        Raises:
            ManifestMismatch: The index was built under another policy or encoder; sync first.
            FilterRefused: A filter key is not whitelisted.
            AuditUnavailable: The answer could not be recorded, so it is not given.
        """
        asked = RawQuestion(question, tuple(history))
        assistant = self._reader(collection).assistant
        return assistant.ask(asked, principal=self._principal(principal), k=k, filters=filters)

    def search(
        self,
        question: str,
        *,
        k: int = 10,
        collection: str | None = None,
        principal: Principal | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> list[Hit]:
        """Return the chunks found for a question, best first, masked. Raises as :meth:`ask`."""
        assistant = self._reader(collection).assistant
        return assistant.search(RawQuestion(question), principal=self._principal(principal), k=k, filters=filters)

    def search_many(
        self,
        questions: Sequence[str],
        *,
        k: int = 10,
        collection: str | None = None,
        principal: Principal | None = None,
        filters: Mapping[str, str] | None = None,
    ) -> list[list[Hit]]:
        """Return the chunks found for each question, embedding many together. Raises as :meth:`ask`."""
        assistant = self._reader(collection).assistant
        asked = [RawQuestion(question) for question in questions]
        return assistant.search_many(asked, principal=self._principal(principal), k=k, filters=filters)

    def mask_text(
        self, text: str, *, collection: str | None = None, store: bool = True
    ) -> tuple[MaskedText, list[Span]]:
        """Mask a text by a collection's policy; return both views and what was found, in the text as given.

        Args:
            store: Keep the values in the vault, so that :meth:`reveal` can undo it. Without, unknown values get tokens that
                nothing can turn back, and no lock is taken.

        Raises:
            SecretFound, ItemRefused: The policy refuses such a text.
            WriterBusy: Another process is writing, and ``store`` is true.
        """
        if not store:
            part = self._reader(collection)
            part.masker.load()
            spans, masked = part.masker.mask_text(text)
        else:
            with self._writing("mask") as database:
                part = self._collection(self._name(collection), database, create=True)
                part.masker.load()
                spans, masked = part.masker.mask_text(text, store=True)
                with database.write():
                    part.masker.flush()
        self.recorder.record("text.masked", data={"collection": part.name, "characters": len(text)})
        return masked, spans

    def reveal(
        self,
        text: str,
        *,
        purpose: str,
        principal: Principal | None = None,
        collection: str | None = None,
    ) -> str:
        """Put the original values back into masked text, for somebody the collection's ``reveal`` names.

        Tokens are restored by exact match with their checksum; a mangled or unknown token stays as it is.

        Args:
            purpose: Why; its keyed hash is recorded with the principal.

        Raises:
            AccessDenied: The principal may not; the same whether or not the tokens exist.
            AuditUnavailable: The access could not be recorded, so nothing is shown.
        """
        part = self._reader(collection)
        asking = self._principal(principal)
        if not purpose.strip() or not asking.tokens & frozenset(part.section.reveal):
            self.recorder.record("auth.denied", actor=asking, outcome="denied", data={"verb": "reveal"})
            raise AccessDenied(
                "this principal may not see masked values here, or gave no purpose",
                remedy="State a purpose; the collection's `reveal` in ragkit.toml names who may.",
            )
        clear, entities = part.masker.vault.reveal(text)
        self.recorder.record(
            "pii.unmasked",
            actor=asking,
            data={
                "collection": part.name,
                "tokens": sum(entities.values()),
                "entities": dict(entities),
                "purpose": self.recorder.keyed(purpose),
                "characters": len(text),
            },
        )
        return clear

    def native_ids(self, doc_ids: Sequence[str], *, collection: str | None = None) -> dict[str, str]:
        """Return the sources' own ids by document id. Unmasked: for evaluation against the source's judgements."""
        return self._reader(collection).store.native_ids(doc_ids)

    def rebuild(self, *, collection: str | None = None, progress: Progress | None = None) -> None:
        """Build the index anew from the record store, without masking or embedding. Raises ``WriterBusy``."""
        from ragkit.lifecycle.rebuild import fold

        with self._writing("rebuild") as database:
            for name, _ in self._chosen(collection, None):
                part = self._collection(name, database, create=True)
                fold(part.index, recorder=self.recorder, collection=name, progress=progress, force=True)
                part.close()

    def status(self) -> dict[str, Any]:
        """Return figures of the workspace and of each collection, plain values only."""
        from ragkit.doctor import describe

        return describe(self.config, self._known())

    def doctor(self) -> list[Check]:
        """Examine every part; each check says what was found and what to do."""
        from ragkit.doctor import examine

        return examine(self.config, self._known(), embedder=self.embedder, recorder=self.recorder)

    def close(self) -> None:
        """Close files and record the end."""
        for part in self._open.values():
            part.close()
        self._open.clear()
        if self._reading is not None:
            self._reading.close()
            self._reading = None
        if "recorder" in self.__dict__:
            self.recorder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workspace({self.config.workspace.name!r})"

    def _principal(self, principal: Principal | None) -> Principal:
        return principal or self.config.workspace.principal

    def _name(self, collection: str | None) -> str:
        names = list(self.config.collections)
        if collection is None and len(names) == 1:
            return names[0]
        if collection not in self.config.collections:
            what = "there are several collections" if collection is None else "there is no such collection"
            raise ConfigError(what, remedy=f"Name one of: {', '.join(names)}.")
        return collection

    def _chosen(self, collection: str | None, source: str | None) -> Iterator[tuple[str, list[SourceSection]]]:
        names = [self._name(collection)] if collection else list(self.config.collections)
        chosen = {
            name: [one for one in self.config.collections[name].sources if source in (None, one.name)] for name in names
        }
        if source and not any(chosen.values()):
            known = sorted({one.name for name in names for one in self.config.collections[name].sources})
            raise ConfigError("there is no such source", remedy=f"Name one of: {', '.join(known)}.")
        return iter([(name, sources) for name, sources in chosen.items() if sources or not source])

    @contextmanager
    def _writing(self, verb: str) -> Iterator[Database]:
        """Hold the write lock and a writable record store."""
        from ragkit.store.database import open_database
        from ragkit.store.lock import WriterLock

        with ExitStack() as stack:
            stack.enter_context(WriterLock(self.config.data_folder / "lock", command=verb))
            database = open_database(self._database_file, writable=True)
            stack.callback(database.close)
            yield database

    @property
    def _database_file(self) -> Path:
        return self.config.data_folder / "records.db"

    def _collection(self, name: str, database: Database, *, create: bool = False) -> OpenCollection:
        from ragkit.store.catalog import open_collection

        data_class = self.config.collections[name].data_class
        row = open_collection(database, self._root_key, name, create=create, data_class=data_class)
        return OpenCollection(
            self.config, name, database=database, collection=row, embedder=self.embedder, recorder=self.recorder
        )

    def _reader(self, collection: str | None) -> OpenCollection:
        """Return a collection open for reading, kept open from call to call."""
        from ragkit.store.database import open_database

        name = self._name(collection)
        if name not in self._open:
            if self._reading is None:
                self._reading = open_database(self._database_file, writable=False)
            self._open[name] = self._collection(name, self._reading)
        return self._open[name]

    def _known(self) -> dict[str, OpenCollection]:
        """Return the collections that have been synced, open for reading."""
        from ragkit.store.catalog import list_collections
        from ragkit.store.database import open_database

        if not self._database_file.exists():
            return {}
        if self._reading is None:
            self._reading = open_database(self._database_file, writable=False)
        there = set(list_collections(self._reading))
        return {name: self._reader(name) for name in self.config.collections if name in there}


def make_private(folder: Path) -> None:
    """Make the data directory, mode 0700.

    Raises:
        ConfigError: It is there and others may read it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if os.stat(folder).st_mode & 0o077:
        raise ConfigError("the data directory is open to others", remedy="Run `chmod 700 .ragkit` in the workspace.")
