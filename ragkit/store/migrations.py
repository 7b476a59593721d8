"""Numbered migrations: each brings the store one step on, in one transaction, and is written down in a table.

A migration is frozen once released: its SQL says what was true then, whatever ``schema.py`` says now. It has statements
for each database: a SQLite file is made by all of them in turn, a PostgreSQL schema as ``schema.py`` says at the newest
number, so that it needs those after :data:`FIRST_SERVED` only.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, inspect, select

from ragkit.errors import StoreError
from ragkit.store.database import Database
from ragkit.store.schema import metadata
from ragkit.store.schema import migrations as applied


@dataclass(frozen=True, slots=True)
class Migration:
    """One step.

    Attributes:
        number: From 1, without gaps.
        name: A word for it.
        statements: For SQLite.
        served: For PostgreSQL; of those up to :data:`FIRST_SERVED` none.
    """

    number: int
    name: str
    statements: tuple[str, ...]
    served: tuple[str, ...] = ()

    def on(self, dialect: str) -> tuple[str, ...]:
        """Return the statements for a database."""
        return self.statements if dialect == "sqlite" else self.served


def upgrade(database: Database, *, steps: tuple[Migration, ...] | None = None) -> list[int]:
    """Apply what is missing, in order; each step is whole or absent.

    Returns:
        The numbers applied now.

    Raises:
        StoreError: The file was made by a newer ragkit.
    """
    with database.read() as connection:
        found = _version(connection)
    known = MIGRATIONS if steps is None else steps
    if not found and database.backend.begins_whole:
        return _begin(database, known)
    done = []
    for step in known:
        if step.number <= found:
            continue
        with database.write() as connection:
            if _version(connection) >= step.number:  # another process was faster
                continue
            for statement in step.on(connection.dialect.name):
                connection.exec_driver_sql(statement)
            _note(connection, step)
        done.append(step.number)
    return done


def _begin(database: Database, known: tuple[Migration, ...]) -> list[int]:
    """Make a new store in the shape of now."""
    with database.write() as connection:
        if _version(connection):  # another process was faster
            return []
        metadata.create_all(connection)
        database.backend.complete(connection)
        for step in known:
            _note(connection, step)
    return [step.number for step in known]


def _note(connection: Connection, step: Migration) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    connection.execute(applied.insert().values(number=step.number, name=step.name, applied_at=now))


def require_current(database: Database) -> None:
    """Refuse a file that this code does not understand.

    Raises:
        StoreError: Newer (update ragkit) or older (open it for writing once).
    """
    with database.read() as connection:
        found = _version(connection)
    newest = MIGRATIONS[-1].number
    if found > newest:
        raise StoreError(
            f"the record store has schema {found}, and this ragkit knows {newest}",
            remedy="Update ragkit; an older version never opens a newer store.",
        )
    if found < newest:
        raise StoreError(
            f"the record store has schema {found}, and this ragkit needs {newest}",
            remedy="Run `ragkit sync` once; it brings the store up to date.",
        )


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(applied.name):
        return 0
    return int(connection.execute(select(func.coalesce(func.max(applied.c.number), 0))).scalar_one())


FIRST_SERVED = 6
"""The oldest schema that there is on PostgreSQL."""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        1,
        "first tables",
        (
            """CREATE TABLE migrations (
                number INTEGER NOT NULL, name TEXT NOT NULL, applied_at TEXT NOT NULL, PRIMARY KEY (number)
            )""",
            """CREATE TABLE collections (
                id TEXT NOT NULL, name TEXT NOT NULL, wrapped_key BLOB NOT NULL, data_class TEXT NOT NULL,
                policy TEXT NOT NULL, encoder TEXT NOT NULL, chunker TEXT NOT NULL, created_at TEXT NOT NULL,
                PRIMARY KEY (id), UNIQUE (name)
            )""",
            """CREATE TABLE access_classes (
                class_id TEXT NOT NULL, collection_id TEXT NOT NULL, PRIMARY KEY (class_id),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_access_classes_collection_id ON access_classes (collection_id)",
            """CREATE TABLE sources (
                source_id INTEGER NOT NULL, collection_id TEXT NOT NULL, name TEXT NOT NULL, sealed_cursor BLOB,
                pass_number INTEGER NOT NULL, pass_open INTEGER NOT NULL, fingerprint TEXT NOT NULL,
                finished_at TEXT, PRIMARY KEY (source_id), UNIQUE (collection_id, name),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE
            )""",
            """CREATE TABLE vault (
                collection_id TEXT NOT NULL, value_mac BLOB NOT NULL, kind TEXT NOT NULL, entity_type TEXT NOT NULL,
                token TEXT, surrogate_mac BLOB NOT NULL, sealed_surrogate BLOB NOT NULL, sealed_value BLOB NOT NULL,
                wrapped_key BLOB NOT NULL, UNIQUE (collection_id, value_mac), UNIQUE (collection_id, token),
                UNIQUE (collection_id, surrogate_mac),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE
            )""",
            """CREATE TABLE versions (
                version_id INTEGER NOT NULL, collection_id TEXT NOT NULL, doc_id TEXT NOT NULL,
                number INTEGER NOT NULL, state TEXT NOT NULL, wrapped_key BLOB, sealed_header BLOB,
                media_type TEXT NOT NULL, policy TEXT NOT NULL, encoder TEXT NOT NULL, chunk_count INTEGER NOT NULL,
                masked_counts TEXT NOT NULL, notices TEXT NOT NULL, created_at TEXT NOT NULL,
                PRIMARY KEY (version_id), UNIQUE (doc_id, number),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE
            )""",
            "CREATE INDEX ix_versions_leftover ON versions (state) WHERE state <> 'current'",
            """CREATE TABLE access_tokens (
                token_mac BLOB NOT NULL, class_id TEXT NOT NULL, PRIMARY KEY (token_mac, class_id),
                FOREIGN KEY(class_id) REFERENCES access_classes (class_id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_access_tokens_class_id ON access_tokens (class_id)",
            """CREATE TABLE bodies (
                body_id INTEGER NOT NULL, version_id INTEGER NOT NULL, ordinal INTEGER NOT NULL,
                source_start INTEGER NOT NULL, source_end INTEGER NOT NULL, page INTEGER, vector BLOB NOT NULL,
                sealed BLOB NOT NULL, PRIMARY KEY (body_id), UNIQUE (version_id, ordinal),
                FOREIGN KEY(version_id) REFERENCES versions (version_id) ON DELETE CASCADE
            )""",
            """CREATE TABLE documents (
                document_id INTEGER NOT NULL, doc_id TEXT NOT NULL, collection_id TEXT NOT NULL,
                version_id INTEGER NOT NULL, class_id TEXT NOT NULL, PRIMARY KEY (document_id), UNIQUE (doc_id),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE, UNIQUE (version_id),
                FOREIGN KEY(version_id) REFERENCES versions (version_id),
                FOREIGN KEY(class_id) REFERENCES access_classes (class_id)
            )""",
            "CREATE INDEX ix_documents_class_id ON documents (class_id)",
            "CREATE INDEX ix_documents_collection_id ON documents (collection_id)",
            """CREATE TABLE filters (
                "key" TEXT NOT NULL, value_mac BLOB NOT NULL, version_id INTEGER NOT NULL,
                PRIMARY KEY ("key", value_mac, version_id),
                FOREIGN KEY(version_id) REFERENCES versions (version_id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_filters_version_id ON filters (version_id)",
            """CREATE TABLE items (
                item_id INTEGER NOT NULL, doc_id TEXT NOT NULL, source_id INTEGER NOT NULL, status TEXT NOT NULL,
                sealed_native_id BLOB, content_mac BLOB, access_mac BLOB, fingerprint TEXT NOT NULL,
                last_seen_pass INTEGER NOT NULL, code TEXT, attempts INTEGER NOT NULL, version INTEGER NOT NULL,
                changed_at TEXT NOT NULL, PRIMARY KEY (item_id), UNIQUE (doc_id),
                FOREIGN KEY(source_id) REFERENCES sources (source_id) ON DELETE CASCADE
            )""",
            "CREATE INDEX ix_items_source_id ON items (source_id)",
            """CREATE TABLE chunks (
                chunk_id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, collection_id TEXT NOT NULL,
                body_id INTEGER NOT NULL, class_id TEXT NOT NULL,
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE, UNIQUE (body_id),
                FOREIGN KEY(body_id) REFERENCES bodies (body_id) ON DELETE CASCADE
            )""",
            "CREATE INDEX ix_chunks_collection_id ON chunks (collection_id)",
        ),
    ),
    Migration(
        2,
        "what a question may recognise",
        (
            """CREATE TABLE mentions (
                "key" INTEGER NOT NULL, class_number INTEGER NOT NULL, version_id INTEGER NOT NULL,
                PRIMARY KEY ("key", class_number, version_id),
                FOREIGN KEY(version_id) REFERENCES versions (version_id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_mentions_version_id ON mentions (version_id)",
            "ALTER TABLE vault RENAME TO vault_1",
            """CREATE TABLE vault (
                vault_id INTEGER NOT NULL, collection_id TEXT NOT NULL, value_mac BLOB NOT NULL, kind TEXT NOT NULL,
                entity_type TEXT NOT NULL, token TEXT, surrogate_mac BLOB NOT NULL, sealed_surrogate BLOB NOT NULL,
                sealed_value BLOB NOT NULL, wrapped_key BLOB NOT NULL, PRIMARY KEY (vault_id),
                UNIQUE (collection_id, value_mac), UNIQUE (collection_id, token),
                UNIQUE (collection_id, surrogate_mac),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE
            )""",
            """INSERT INTO vault (collection_id, value_mac, kind, entity_type, token, surrogate_mac,
                sealed_surrogate, sealed_value, wrapped_key)
                SELECT collection_id, value_mac, kind, entity_type, token, surrogate_mac,
                sealed_surrogate, sealed_value, wrapped_key FROM vault_1 ORDER BY rowid""",
            "DROP TABLE vault_1",
            """CREATE TABLE vault_names (
                "key" INTEGER NOT NULL, vault_id INTEGER NOT NULL, PRIMARY KEY ("key", vault_id),
                FOREIGN KEY(vault_id) REFERENCES vault (vault_id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_vault_names_vault_id ON vault_names (vault_id)",
        ),
    ),
    Migration(
        3,
        "which values are one person's, and record keys in a file of their own",
        (
            """CREATE TABLE links (
                "key" INTEGER NOT NULL, version_id INTEGER NOT NULL, person INTEGER NOT NULL,
                PRIMARY KEY ("key", version_id, person),
                FOREIGN KEY(version_id) REFERENCES versions (version_id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_links_version_id ON links (version_id)",
            "ALTER TABLE collections ADD COLUMN key_form INTEGER DEFAULT 0 NOT NULL",
        ),
    ),
    Migration(
        4,
        "how old a source item is",
        (
            "ALTER TABLE items ADD COLUMN indexed_at TEXT",
            "ALTER TABLE items ADD COLUMN sealed_dates BLOB",
        ),
    ),
    Migration(
        5,
        "versions as they were",
        (
            "ALTER TABLE collections ADD COLUMN kept_since INTEGER",
            "ALTER TABLE documents ADD COLUMN valid_from INTEGER DEFAULT 0 NOT NULL",
            # When a version was made is the nearest there is to when it began to answer.
            """UPDATE documents SET valid_from = coalesce((
                SELECT CAST(strftime('%s', versions.created_at) AS INTEGER) * 1000000 FROM versions
                WHERE versions.version_id = documents.version_id
            ), 0)""",
            """CREATE TABLE periods (
                period_id INTEGER NOT NULL, collection_id TEXT NOT NULL, version_id INTEGER NOT NULL,
                class_id TEXT NOT NULL, valid_from INTEGER NOT NULL, valid_to INTEGER NOT NULL,
                PRIMARY KEY (period_id),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE,
                FOREIGN KEY(version_id) REFERENCES versions (version_id) ON DELETE CASCADE,
                FOREIGN KEY(class_id) REFERENCES access_classes (class_id)
            )""",
            "CREATE INDEX ix_periods_version_id ON periods (version_id)",
            "CREATE INDEX ix_periods_age ON periods (collection_id, valid_to)",
            """CREATE TABLE past_chunks (
                chunk_id INTEGER NOT NULL, body_id INTEGER NOT NULL, period_id INTEGER NOT NULL,
                PRIMARY KEY (chunk_id),
                FOREIGN KEY(body_id) REFERENCES bodies (body_id) ON DELETE CASCADE,
                FOREIGN KEY(period_id) REFERENCES periods (period_id) ON DELETE CASCADE
            )""",
            "CREATE INDEX ix_past_chunks_body_id ON past_chunks (body_id)",
            "CREATE INDEX ix_past_chunks_period_id ON past_chunks (period_id)",
            """CREATE TABLE past_mentions (
                "key" INTEGER NOT NULL, version_id INTEGER NOT NULL, PRIMARY KEY ("key", version_id),
                FOREIGN KEY(version_id) REFERENCES versions (version_id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
            "CREATE INDEX ix_past_mentions_version_id ON past_mentions (version_id)",
            """CREATE TABLE fates (
                doc_id TEXT NOT NULL, number INTEGER NOT NULL, collection_id TEXT NOT NULL, how TEXT NOT NULL,
                "at" INTEGER NOT NULL, PRIMARY KEY (doc_id, number),
                FOREIGN KEY(collection_id) REFERENCES collections (id) ON DELETE CASCADE
            ) WITHOUT ROWID""",
        ),
    ),
    Migration(
        6,
        "what is only listed, what was moved, and how far a source is trusted",
        (
            "ALTER TABLE items ADD COLUMN version_mac BLOB",
            "ALTER TABLE items ADD COLUMN body_mac BLOB",
            "ALTER TABLE items ADD COLUMN came_pass INTEGER",
            "CREATE INDEX ix_items_body ON items (source_id, body_mac)",
            "ALTER TABLE sources ADD COLUMN trust TEXT",
        ),
    ),
)
