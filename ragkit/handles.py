"""What an open workspace holds open: the record store for reading, its collections, and, while writing, the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from ragkit.build import OpenCollection, build_embedder, build_spending
from ragkit.config import Config
from ragkit.errors import AccessDenied, ConfigError
from ragkit.recording import build_evidence, build_recorder
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.answering import Spending
    from ragkit.audit.evidence import EvidenceStore
    from ragkit.audit.noticing import NoticingRecorder
    from ragkit.desk.store import DeskStore
    from ragkit.index.embedder import MiniLMEmbedder
    from ragkit.store.database import Database
    from ragkit.store.dialect_postgresql import PostgreSQL
    from ragkit.store.turns import WriterTurns

_T = TypeVar("_T")


class _once(Generic[_T]):  # noqa: N801  # a decorator
    """Make an attribute when it is first asked for, once, whichever threads ask.

    ``functools.cached_property`` has no lock from Python 3.12 on: two first requests would open two ledgers.
    """

    def __init__(self, make: Callable[[Any], _T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    @overload
    def __get__(self, handles: None, owner: type) -> _once[_T]: ...
    @overload
    def __get__(self, handles: Handles, owner: type) -> _T: ...
    def __get__(self, handles: Handles | None, owner: type) -> _once[_T] | _T:
        """Return the value; once it is made, the instance's own attribute of that name comes before this."""
        if handles is None:
            return self
        with handles.making:
            if self._name not in handles.__dict__:
                handles.__dict__[self._name] = self._make(handles)
            made: _T = handles.__dict__[self._name]
            return made


class Handles:
    """Opens things when they are first needed and closes them together.

    Args:
        config: The configuration, checked.
        root_key: 32 bytes from outside the data directory.
    """

    def __init__(self, config: Config, *, root_key: bytes) -> None:
        self.config = config
        self._root_key = root_key
        self._reading: Database | None = None
        self._open: dict[str, OpenCollection] = {}
        self._opening = RLock()
        self.making = RLock()
        self._writable: Database | None = None
        self.begun = 0
        """Erasures and corrections that a writer here found begun and not finished."""

    @property
    def root_key(self) -> bytes:
        """The root key, for what opens a key file of its own."""
        return self._root_key

    def use_root_key(self, root_key: bytes) -> None:
        """Go on with another root key, after a change of keys; questions that are under way do so too."""
        with self._opening:
            self._root_key = root_key
            for part in self._open.values():
                part.collection.records.use_root_key(root_key)

    def renew(self) -> None:
        """Open all that reads anew when it is asked for: what was masked by other word lists needs another masker.

        Questions that are under way finish first.
        """
        with self._opening:
            retired, self._open = self._open, {}
        for part in retired.values():
            part.close()

    @_once
    def turns(self) -> WriterTurns:
        """Whose turn it is to write, of processes and of threads of this one."""
        from ragkit.store.turns import WriterTurns

        return WriterTurns(self.config.data_folder / "lock", server=self.server)

    @_once
    def server(self) -> PostgreSQL | None:
        """Where the records are instead of in a file."""
        from ragkit.store.place import record_server

        return record_server(self.config)

    @_once
    def embedder(self) -> MiniLMEmbedder:
        """The encoder, shared by all collections."""
        return build_embedder(self.config)

    @_once
    def recorder(self) -> NoticingRecorder:
        """Takes the events of everything done here."""
        return build_recorder(self.config, actor_key=self.secret("events"), keeper=lambda: self.evidence)

    @_once
    def evidence(self) -> EvidenceStore:
        """What answers were made of, also where none is kept any more."""
        return build_evidence(self.config, secret=self.secret("evidence"), people=lambda name: self.reader(name).people)

    @_once
    def desk(self) -> DeskStore:
        """What the chatbot keeps: conversations, tickets, feedback."""
        from ragkit.desk.store import DeskStore

        return DeskStore(self.config.data_folder, secret=self.secret("desk"))

    @_once
    def spending(self) -> Spending:
        """Budgets, prices and what was used."""
        return build_spending(self.config, usage_key=self.secret("usage"), egress_key=self.secret("egress"))

    def secret(self, purpose: str) -> bytes:
        """Return the workspace's own 32-byte secret for a purpose; it stays the same when the root key is changed.

        Raises:
            KeyMismatch: The root key is not this workspace's.
        """
        from ragkit.store.keyfile import open_key_file
        from ragkit.store.workspacekeys import WorkspaceKeys

        key_file = open_key_file(self.config.data_folder / "records.keys.db", writable=False)
        try:
            return WorkspaceKeys(key_file, self._root_key).derived(purpose)
        finally:
            key_file.close()

    def name(self, collection: str | None) -> str:
        """Return the collection meant: the one named, or the only one.

        Raises:
            ConfigError: There is none of that name, or several and none was named.
        """
        names = list(self.config.collections)
        if collection is None and len(names) == 1:
            return names[0]
        if collection not in self.config.collections:
            what = "there are several collections" if collection is None else "there is no such collection"
            raise ConfigError(what, remedy=f"Name one of: {', '.join(names)}.")
        return collection

    def reader(self, collection: str | None) -> OpenCollection:
        """Return a collection open for reading; it stays open from call to call.

        Raises:
            StoreError: Nothing was ever synced.
            KeyMismatch: The root key is not the one the collection was made with.
        """
        name = self.name(collection)
        with self._opening:
            if name not in self._open:
                self._open[name] = self.collection(name, self._database())
            return self._open[name]

    def known(self) -> dict[str, OpenCollection]:
        """Return the collections that are in the record store, open for reading."""
        from ragkit.store.catalog import list_collections
        from ragkit.store.place import has_records

        if not has_records(self.config):
            return {}
        there = set(list_collections(self._database()))
        return {name: self.reader(name) for name in self.config.collections if name in there}

    @contextmanager
    def writing(self, verb: str) -> Iterator[Database]:
        """Hold the write lock and a writable record store; within another block of this thread, share what that has.

        Raises:
            WriterBusy: Another process is writing, or another thread of this one; the message names it.
        """
        from ragkit.store.database import open_database
        from ragkit.store.requests import unfinished

        with self.turns.turn(verb) as outermost:
            if not outermost:
                assert self._writable is not None
                yield self._writable
                return
            database = self._writable = open_database(self._file, writable=True, server=self.server)
            try:
                self.begun = unfinished(database.key_file, "erase") + unfinished(database.key_file, "correct")
                yield database
            finally:
                self._writable = None
                database.close()

    def collection(self, name: str, database: Database, *, create: bool = False) -> OpenCollection:
        """Open a collection of this record store, making its row and key if asked."""
        from ragkit.store.catalog import list_collections, open_collection

        data_class = self.config.collections[name].data_class
        there = list_collections(database) if create else (name,)
        row = open_collection(database, self._root_key, name, create=create, data_class=data_class)
        if name not in there:
            made = [{"scope": "root"}] * (not there) + [{"scope": "collection", "collection": name}]
            for data in made:
                self.recorder.record("key.created", data={**data, "keys": 1})
        return OpenCollection(
            self.config,
            name,
            database=database,
            collection=row,
            embedder=self.embedder,
            recorder=self.recorder,
            spending=lambda: self.spending,
        )

    def officer(
        self, verb: str, *, purpose: str, principal: Principal | None = None, collection: str | None = None
    ) -> Principal:
        """Return who asks, if ``officers`` names them and a purpose is given; a refusal is recorded.

        Args:
            verb: What is to be done, for the event.
            purpose: Why; the event of what is done holds its keyed hash.
            principal: Who asks; by default the owner.
            collection: Whose officers; ``None`` for what concerns all collections: an officer of each is wanted.

        Raises:
            AccessDenied: Not an officer, or no purpose; the same whether or not anything is there.
        """
        asking = principal or self.config.workspace.principal
        names = list(self.config.collections) if collection is None else [self.name(collection)]
        mine = [asking.tokens & frozenset(self.config.collections[name].officers) for name in names]
        if not purpose.strip() or not all(mine) or not mine:
            self.denied(asking, verb, collection=names[0] if len(names) == 1 else "")
            raise AccessDenied(
                "this principal may not do this here, or gave no purpose",
                remedy="State a purpose; the collection's `officers` in ragkit.toml names who may.",
            )
        return asking

    def denied(self, asking: Principal, verb: str, *, collection: str = "") -> None:
        """Record that a principal was turned away; where nothing was ever synced there is no log, and nothing to see.

        Raises:
            AuditUnavailable: It could not be recorded.
        """
        if not (self.config.data_folder / "records.keys.db").exists():
            return
        about = {"verb": verb, "via": "local" if asking.kind == "local" else "caller"}
        if collection:
            about["collection"] = collection
        self.recorder.record("auth.denied", actor=asking, outcome="denied", data=about)

    def close(self) -> None:
        """Close everything that was opened, and record the end."""
        self.renew()
        with self._opening:
            if self._reading is not None:
                self._reading.close()
                self._reading = None
        if "spending" in self.__dict__:
            self.spending.ledger.close()
        if "recorder" in self.__dict__:
            self.recorder.close()
        if "evidence" in self.__dict__:
            self.evidence.close()
        if "desk" in self.__dict__:
            self.desk.close()

    @property
    def _file(self) -> Path:
        return self.config.data_folder / "records.db"

    def _database(self) -> Database:
        from ragkit.store.database import open_database

        with self._opening:
            if self._reading is None:
                self._reading = open_database(self._file, writable=False, server=self.server)
            return self._reading


def make_private(folder: Path) -> None:
    """Make the data directory, mode 0700.

    Raises:
        ConfigError: It is there and others may read it.
    """
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.stat().st_mode & 0o077:
        raise ConfigError("the data directory is open to others", remedy="Run `chmod 700 .ragkit` in the workspace.")
