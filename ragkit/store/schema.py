"""The tables of the record store. Migrations bring a file to this shape; ``tests/store/test_migrations.py`` compares.

::

    collections ─┬─ sources ── items          sync state: what the source has, seen or refused
                 ├─ documents ─▶ versions      a document answers with its current version
                 │                 ├─ bodies   sealed chunks and their vectors, staged, live or past
                 │                 ├─ filters  keyed hashes of the metadata values that can be filtered on
                 │                 ├─ mentions keyed hashes of the masked values that a readable document holds
                 │                 ├─ links    which of these values occur together as one person's
                 │                 ├─ periods  from when to when it answered, under which access class
                 │                 └─ past_mentions    as mentions, of a version that answers no more
                 ├─ chunks ─▶ bodies           a chunk is live when it has a number here
                 ├─ past_chunks ─▶ bodies      the numbers that chunks had in a period that is over
                 ├─ fates                      what became of versions that were destroyed
                 ├─ access_classes ── access_tokens
                 └─ vault ── vault_names       keyed hashes under which a question finds a name

A body is written while its version is only staged; it gets its ``chunk_id`` in the transaction that makes the version
current. So chunk numbers grow in the order of *publication*, and "everything after n" misses nothing, however long a
large document was being staged. A change of permissions gives a document's chunks new numbers and copies no text.

What a sync replaces is destroyed, unless a window of history is configured: then its numbers move to ``past_chunks``
under a period, and its version has the state ``past``, which nothing that answers looks at
(:mod:`ragkit.store.history`). Moments of validity are microseconds since 1970, UTC.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData()

migrations = Table(
    "migrations",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False),
    Column("applied_at", Text, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Text, primary_key=True, nullable=False),
    Column("name", Text, nullable=False, unique=True),
    Column("wrapped_key", LargeBinary, nullable=False),
    Column("data_class", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("encoder", Text, nullable=False),
    Column("chunker", Text, nullable=False),
    Column("created_at", Text, nullable=False),
    # 1 when the keys of documents and values are wrapped once more by record keys, in the key file.
    Column("key_form", Integer, nullable=False, server_default=text("0")),
    Column("kept_since", Integer),  # since when everything that was replaced is kept; NULL while no history is
)

sources = Table(
    "sources",
    metadata,
    Column("source_id", Integer, primary_key=True),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("sealed_cursor", LargeBinary),
    Column("pass_number", Integer, nullable=False),
    Column("pass_open", Integer, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("finished_at", Text),
    UniqueConstraint("collection_id", "name"),
)

items = Table(
    "items",
    metadata,
    Column("item_id", Integer, primary_key=True),
    Column("doc_id", Text, nullable=False, unique=True),
    Column("source_id", Integer, ForeignKey("sources.source_id", ondelete="CASCADE"), nullable=False, index=True),
    # active | quarantined | absent | expired (retention keeps it out) | held (gone at the source, kept by a hold)
    Column("status", Text, nullable=False),
    Column("sealed_native_id", LargeBinary),
    Column("content_mac", LargeBinary),
    Column("access_mac", LargeBinary),
    Column("fingerprint", Text, nullable=False),
    Column("last_seen_pass", Integer, nullable=False),
    Column("code", Text),
    Column("attempts", Integer, nullable=False),
    Column("version", Integer, nullable=False),  # the last number given, so that numbers go on after an absence
    Column("changed_at", Text, nullable=False),
    Column("indexed_at", Text),  # when this content was first taken in
    Column("sealed_dates", LargeBinary),  # what retention counts from, as the source has it
)

versions = Table(
    "versions",
    metadata,
    Column("version_id", Integer, primary_key=True),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("doc_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("state", Text, nullable=False),  # staged | current | past | retired
    Column("wrapped_key", LargeBinary),  # NULL once retired: the content can no longer be read
    Column("sealed_header", LargeBinary),
    Column("media_type", Text, nullable=False),
    Column("policy", Text, nullable=False),
    Column("encoder", Text, nullable=False),
    Column("chunk_count", Integer, nullable=False),
    Column("masked_counts", Text, nullable=False),  # JSON, entity type to count
    Column("notices", Text, nullable=False),  # JSON, code to count
    Column("created_at", Text, nullable=False),
    UniqueConstraint("doc_id", "number"),
)
Index("ix_versions_leftover", versions.c.state, sqlite_where=text("state <> 'current'"))

documents = Table(
    "documents",
    metadata,
    Column("document_id", Integer, primary_key=True),
    Column("doc_id", Text, nullable=False, unique=True),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version_id", Integer, ForeignKey("versions.version_id"), nullable=False, unique=True),
    Column("class_id", Text, ForeignKey("access_classes.class_id"), nullable=False, index=True),
    Column("valid_from", Integer, nullable=False, server_default=text("0")),  # this version, under this class
)

bodies = Table(
    "bodies",
    metadata,
    Column("body_id", Integer, primary_key=True),
    Column("version_id", Integer, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("source_start", Integer, nullable=False),
    Column("source_end", Integer, nullable=False),
    Column("page", Integer),
    Column("vector", LargeBinary, nullable=False),  # float32, little-endian
    Column("sealed", LargeBinary, nullable=False),
    UniqueConstraint("version_id", "ordinal"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("chunk_id", Integer, primary_key=True),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("body_id", Integer, ForeignKey("bodies.body_id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("class_id", Text, nullable=False),
    sqlite_autoincrement=True,  # a number is never used again, so the audit and a stale index can trust it
)

filters = Table(
    "filters",
    metadata,
    Column("key", Text, nullable=False),
    Column("value_mac", LargeBinary, nullable=False),
    Column("version_id", Integer, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "value_mac", "version_id"),
    sqlite_with_rowid=False,
)

access_classes = Table(
    "access_classes",
    metadata,
    Column("class_id", Text, primary_key=True, nullable=False),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_mac", LargeBinary, nullable=False),
    Column("class_id", Text, ForeignKey("access_classes.class_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("token_mac", "class_id"),
    sqlite_with_rowid=False,
)

mentions = Table(
    "mentions",
    metadata,
    # The class comes second, so that a look-up costs the same however many documents of other classes have the value.
    Column("key", Integer, nullable=False),
    Column("class_number", Integer, nullable=False),
    Column("version_id", Integer, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "class_number", "version_id"),
    sqlite_with_rowid=False,
)

links = Table(
    "links",
    metadata,
    # Numbers as in `mentions`. One `person` of a version is a group of values that occur together as one person's.
    Column("key", Integer, nullable=False),
    Column("version_id", Integer, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("person", Integer, nullable=False),
    PrimaryKeyConstraint("key", "version_id", "person"),
    sqlite_with_rowid=False,
)

periods = Table(
    "periods",
    metadata,
    # One stretch of time, now over, in which a version answered under one class: valid_from <= t < valid_to.
    Column("period_id", Integer, primary_key=True),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("version_id", Integer, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("class_id", Text, ForeignKey("access_classes.class_id"), nullable=False),
    Column("valid_from", Integer, nullable=False),
    Column("valid_to", Integer, nullable=False),
)
Index("ix_periods_age", periods.c.collection_id, periods.c.valid_to)

past_chunks = Table(
    "past_chunks",
    metadata,
    Column("chunk_id", Integer, primary_key=True),
    Column("body_id", Integer, ForeignKey("bodies.body_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("period_id", Integer, ForeignKey("periods.period_id", ondelete="CASCADE"), nullable=False, index=True),
)

past_mentions = Table(
    "past_mentions",
    metadata,
    Column("key", Integer, nullable=False),
    Column("version_id", Integer, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "version_id"),
    sqlite_with_rowid=False,
)

fates = Table(
    "fates",
    metadata,
    Column("doc_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("collection_id", Text, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("how", Text, nullable=False),  # erased | purged | unknown
    Column("at", Integer, nullable=False),
    PrimaryKeyConstraint("doc_id", "number"),
    sqlite_with_rowid=False,
)

vault = Table(
    "vault",
    metadata,
    Column("vault_id", Integer, primary_key=True),
    Column("collection_id", Text, nullable=False),
    Column("value_mac", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("entity_type", Text, nullable=False),
    Column("token", Text),
    Column("surrogate_mac", LargeBinary, nullable=False),
    Column("sealed_surrogate", LargeBinary, nullable=False),
    Column("sealed_value", LargeBinary, nullable=False),
    Column("wrapped_key", LargeBinary, nullable=False),
    UniqueConstraint("collection_id", "value_mac"),
    UniqueConstraint("collection_id", "token"),
    UniqueConstraint("collection_id", "surrogate_mac"),
    ForeignKeyConstraint(["collection_id"], ["collections.id"], ondelete="CASCADE"),
)

vault_names = Table(
    "vault_names",
    metadata,
    Column("key", Integer, nullable=False),
    Column("vault_id", Integer, ForeignKey("vault.vault_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "vault_id"),
    sqlite_with_rowid=False,
)
