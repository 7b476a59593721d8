"""Lists of terms that the policy names: read from a file or a database, held in memory, never written anywhere.

No term enters an error, a log or a repr; a list is called by its key in the policy.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ragkit.errors import ConfigError, RagkitError
from ragkit.policy import TermQuery, TermSource

_SHORTEST = 2
"""Letters and digits; a shorter term ("-", "X") would mask half a document and is left out."""


class Terms:
    """One list, read at the first use and kept.

    Args:
        name: How the list is called in errors, such as ``deny list customers``.
        source: Where it comes from.
        folder: What relative paths count from.
    """

    def __init__(self, name: str, source: TermSource, folder: Path) -> None:
        self.name = name
        self.source = source
        self._folder = folder
        self._terms: tuple[str, ...] | None = None

    def __iter__(self) -> Iterator[str]:
        return iter(self.read())

    def __len__(self) -> int:
        return len(self.read())

    def read(self) -> tuple[str, ...]:
        """The terms, each once, sorted; those under two letters or digits left out.

        Raises:
            ConfigError: The list cannot be read, or has fewer terms than ``at_least``.
            SecretUnavailable: The reference to the database's URL leads nowhere.
        """
        if self._terms is None:
            raw = self._from_file() if self.source.sql is None else self._from_database(self.source.sql)
            terms = {" ".join(str(term).split()) for term in raw if term is not None}
            kept = tuple(sorted(term for term in terms if sum(map(str.isalnum, term)) >= _SHORTEST))
            if len(kept) < self.source.at_least:
                raise ConfigError(
                    f"the {self.name} has {len(kept)} terms, fewer than its `at_least`",
                    remedy="Look whether its export is whole; if so many are right, lower `at_least`.",
                )
            self._terms = kept
        return self._terms

    @property
    def fingerprint(self) -> str:
        """Changes with the list's settings and, if it is tracked, with its terms. Not for the disk: see ``Policy``."""
        settings = self.source.model_dump_json(exclude={"file", "sql", "column", "delimiter", "at_least"})
        digest = hashlib.sha256(f"{self.name}={settings}".encode())
        for term in self if self.source.tracked else ():
            digest.update(b"\0" + term.encode("utf-8", "surrogatepass"))
        return digest.hexdigest()[:16]

    def _from_file(self) -> list[Any]:
        try:
            path = self._folder / Path(self.source.file or "").expanduser()
            with path.open(encoding="utf-8-sig", newline="") as file:
                return list(self._lines(file))
        except RagkitError:
            raise
        except UnicodeDecodeError:
            refusal = ConfigError(f"the {self.name} is not UTF-8", remedy="Save its file as UTF-8.")
        except (OSError, csv.Error) as failed:
            refusal = ConfigError(
                f"the file of the {self.name} cannot be read ({type(failed).__name__})",
                remedy="Check its `file` in the policy; relative paths count from the folder of ragkit.toml.",
            )
        raise refusal

    def _lines(self, file: Iterable[str]) -> Iterator[str | None]:
        if self.source.column is None:
            yield from file
            return
        rows = csv.DictReader(file, delimiter=self.source.delimiter)
        if self.source.column not in (rows.fieldnames or ()):
            raise ConfigError(
                f"the file of the {self.name} has no column of that name",
                remedy="Name a column of its first line as `column`, and what stands between columns as `delimiter`.",
            )
        yield from (row[self.source.column] for row in rows)

    def _from_database(self, sql: TermQuery) -> list[Any]:
        """Run the query in a transaction that is rolled back. The database's own message may hold the URL or a row."""
        from ragkit.rootkey import read_secret

        url = read_secret(sql.url, folder=self._folder)
        try:
            return list(_rows(url, sql))
        except RagkitError:
            raise
        except Exception as failed:  # drivers raise what they like
            kind = type(failed).__name__
        raise ConfigError(
            f"the query of the {self.name} failed ({kind})",
            remedy="Run it with the database's own client; check `url`, `query`, `column`, and that the driver of "
            "the URL is installed.",
        )

    def __repr__(self) -> str:
        return f"Terms({self.name!r})"


def _rows(url: str, sql: TermQuery) -> Iterator[Any]:
    from sqlalchemy import create_engine, make_url, text
    from sqlalchemy.pool import NullPool

    place = make_url(url)
    missing = place.get_backend_name() == "sqlite" and not Path(place.database or "").is_file()
    if missing and not (place.database or "").startswith("file:"):
        raise FileNotFoundError  # SQLite would make an empty database there
    engine = create_engine(place, poolclass=NullPool, hide_parameters=True)
    with engine.connect() as connection:
        result = connection.execution_options(stream_results=True).execute(text(sql.query))
        yield from result.scalars(0 if sql.column is None else sql.column)
        connection.rollback()


def terms_of(kind: str, sources: Mapping[str, TermSource], folder: Path) -> dict[str, Terms]:
    """Return the lists of a policy by key, unread; ``kind`` is ``deny`` or ``allow``."""
    return {key: Terms(f"{kind} list {key!r}", source, folder) for key, source in sources.items()}
