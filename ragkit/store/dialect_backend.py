"""What the record store asks of the database that it is in: one SQLite file, or a schema of PostgreSQL.

Nothing else of :mod:`ragkit.store` knows which it is. :mod:`ragkit.store.dialect_words` has what statements and tables
are made of, :mod:`ragkit.store.dialect_failures` what a database's errors mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

BUSY_TIMEOUT_MS = 10_000
"""How long a write waits for another."""


class Backend(ABC):
    """One place for one record store; opens nothing until asked."""

    name: ClassVar[str]
    """As SQLAlchemy has it."""
    remote: ClassVar[bool]
    """Its files are not in the data directory."""
    begins_whole: ClassVar[bool]
    """A new store is made by ``metadata.create_all`` and not by every migration in turn."""

    @abstractmethod
    def exists(self) -> bool:
        """Say whether there is a store, of whatever schema."""

    @abstractmethod
    def make(self) -> None:
        """Make the place, empty."""

    @abstractmethod
    def engine(self, *, writable: bool) -> Engine:
        """Return an engine whose transactions are one snapshot, or, with the option ``ragkit_write``, the only writer.

        Raises:
            MissingDependency: Its driver is not installed.
        """

    @abstractmethod
    def complete(self, connection: Connection) -> None:
        """Make what a new store needs besides its tables."""

    @abstractmethod
    def last_chunk_id(self, connection: Connection) -> int:
        """Return the highest chunk number given by any transaction that this one sees; 0 at first. Never shrinks."""

    @abstractmethod
    def set_last_chunk_id(self, connection: Connection, last: int) -> None:
        """Go on counting after this one, once rows were loaded; other numbers go on after the highest that is there."""

    @abstractmethod
    def size(self, connection: Connection) -> int:
        """Return how many bytes the store takes."""

    @abstractmethod
    def described(self, connection: Connection) -> str:
        """Return what it is, in words for an operator, without a host or a user.

        Raises:
            StoreError: What is stored and asked goes over a network in clear.
        """

    @abstractmethod
    def flaws(self, connection: Connection) -> tuple[int, int]:
        """Look over what the database itself keeps in order; return damaged pages and broken links."""

    @abstractmethod
    def clear(self, engine: Engine) -> bool:
        """Leave nothing that was deleted in the files of the tables.

        Returns:
            False when a reader held it up; call again later.
        """

    @abstractmethod
    def vacuum(self, engine: Engine) -> None:
        """Write everything anew. Waits for readers; not inside a transaction."""

    @abstractmethod
    def require_writer(self) -> None:
        """Make sure before a write that nobody else became the writer of this store.

        Raises:
            WriterBusy: Somebody did.
        """
