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
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

from ragkit.store.dialect_words import Bytes, Whole, Words

metadata = MetaData()

migrations = Table(
    "migrations",
    metadata,
    Column("number", Whole, primary_key=True),
    Column("name", Words, nullable=False),
    Column("applied_at", Words, nullable=False),
)

collections = Table(
    "collections",
    metadata,
    Column("id", Words, primary_key=True, nullable=False),
    Column("name", Words, nullable=False, unique=True),
    Column("wrapped_key", Bytes, nullable=False),
    Column("data_class", Words, nullable=False),
    Column("policy", Words, nullable=False),
    Column("encoder", Words, nullable=False),
    Column("chunker", Words, nullable=False),
    Column("created_at", Words, nullable=False),
    # 1 when the keys of documents and values are wrapped once more by record keys, in the key file.
    Column("key_form", Whole, nullable=False, server_default=text("0")),
    Column("kept_since", Whole),  # since when everything that was replaced is kept; NULL while no history is
)

sources = Table(
    "sources",
    metadata,
    Column("source_id", Whole, primary_key=True),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("name", Words, nullable=False),
    Column("sealed_cursor", Bytes),
    Column("pass_number", Whole, nullable=False),
    Column("pass_open", Whole, nullable=False),  # 0 ended | 1 has stored a cursor | 2 has not yet
    Column("fingerprint", Words, nullable=False),
    Column("finished_at", Words),
    Column("trust", Words),  # of what it holds, by the configuration of the last sync
    UniqueConstraint("collection_id", "name"),
)

items = Table(
    "items",
    metadata,
    Column("item_id", Whole, primary_key=True),
    Column("doc_id", Words, nullable=False, unique=True),
    Column("source_id", Whole, ForeignKey("sources.source_id", ondelete="CASCADE"), nullable=False, index=True),
    # active | quarantined | absent | expired (retention keeps it out) | held (gone at the source, kept by a hold)
    Column("status", Words, nullable=False),
    Column("sealed_native_id", Bytes),
    Column("content_mac", Bytes),
    Column("access_mac", Bytes),
    Column("fingerprint", Words, nullable=False),
    Column("last_seen_pass", Whole, nullable=False),
    Column("code", Words),
    Column("attempts", Whole, nullable=False),
    Column("version", Whole, nullable=False),  # the last number given, so that numbers go on after an absence
    Column("changed_at", Words, nullable=False),
    Column("indexed_at", Words),  # when this content was first taken in
    Column("sealed_dates", Bytes),  # what retention counts from, as the source has it
    Column("version_mac", Bytes),  # keyed hash of the source's version mark
    Column("body_mac", Bytes),  # keyed hash of the bytes alone, by which a renamed item is recognised
    Column("came_pass", Whole),  # the pass in which it came, or came back
    Index("ix_items_body", "source_id", "body_mac"),
)

versions = Table(
    "versions",
    metadata,
    Column("version_id", Whole, primary_key=True),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("doc_id", Words, nullable=False),
    Column("number", Whole, nullable=False),
    Column("state", Words, nullable=False),  # staged | current | past | retired
    Column("wrapped_key", Bytes),  # NULL once retired: the content can no longer be read
    Column("sealed_header", Bytes),
    Column("media_type", Words, nullable=False),
    Column("policy", Words, nullable=False),
    Column("encoder", Words, nullable=False),
    Column("chunk_count", Whole, nullable=False),
    Column("masked_counts", Words, nullable=False),  # JSON, entity type to count
    Column("notices", Words, nullable=False),  # JSON, code to count
    Column("created_at", Words, nullable=False),
    UniqueConstraint("doc_id", "number"),
)
_LEFTOVER = text("state <> 'current'")
Index("ix_versions_leftover", versions.c.state, sqlite_where=_LEFTOVER, postgresql_where=_LEFTOVER)

documents = Table(
    "documents",
    metadata,
    Column("document_id", Whole, primary_key=True),
    Column("doc_id", Words, nullable=False, unique=True),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("version_id", Whole, ForeignKey("versions.version_id"), nullable=False, unique=True),
    Column("class_id", Words, ForeignKey("access_classes.class_id"), nullable=False, index=True),
    Column("valid_from", Whole, nullable=False, server_default=text("0")),  # this version, under this class
)

bodies = Table(
    "bodies",
    metadata,
    Column("body_id", Whole, primary_key=True),
    Column("version_id", Whole, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Whole, nullable=False),
    Column("source_start", Whole, nullable=False),
    Column("source_end", Whole, nullable=False),
    Column("page", Whole),
    Column("vector", Bytes, nullable=False),  # float32, little-endian
    Column("sealed", Bytes, nullable=False),
    UniqueConstraint("version_id", "ordinal"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("chunk_id", Whole, primary_key=True),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("body_id", Whole, ForeignKey("bodies.body_id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("class_id", Words, nullable=False),
    sqlite_autoincrement=True,  # a number is never used again, so the audit and a stale index can trust it
)

filters = Table(
    "filters",
    metadata,
    Column("key", Words, nullable=False),
    Column("value_mac", Bytes, nullable=False),
    Column("version_id", Whole, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "value_mac", "version_id"),
    sqlite_with_rowid=False,
)

access_classes = Table(
    "access_classes",
    metadata,
    Column("class_id", Words, primary_key=True, nullable=False),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("token_mac", Bytes, nullable=False),
    Column("class_id", Words, ForeignKey("access_classes.class_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("token_mac", "class_id"),
    sqlite_with_rowid=False,
)

mentions = Table(
    "mentions",
    metadata,
    # The class comes second, so that a look-up costs the same however many documents of other classes have the value.
    Column("key", Whole, nullable=False),
    Column("class_number", Whole, nullable=False),
    Column("version_id", Whole, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "class_number", "version_id"),
    sqlite_with_rowid=False,
)

links = Table(
    "links",
    metadata,
    # Numbers as in `mentions`. One `person` of a version is a group of values that occur together as one person's.
    Column("key", Whole, nullable=False),
    Column("version_id", Whole, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("person", Whole, nullable=False),
    PrimaryKeyConstraint("key", "version_id", "person"),
    sqlite_with_rowid=False,
)

periods = Table(
    "periods",
    metadata,
    # One stretch of time, now over, in which a version answered under one class: valid_from <= t < valid_to.
    Column("period_id", Whole, primary_key=True),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("version_id", Whole, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("class_id", Words, ForeignKey("access_classes.class_id"), nullable=False),
    Column("valid_from", Whole, nullable=False),
    Column("valid_to", Whole, nullable=False),
)
Index("ix_periods_age", periods.c.collection_id, periods.c.valid_to)

past_chunks = Table(
    "past_chunks",
    metadata,
    Column("chunk_id", Whole, primary_key=True),
    Column("body_id", Whole, ForeignKey("bodies.body_id", ondelete="CASCADE"), nullable=False, index=True),
    Column("period_id", Whole, ForeignKey("periods.period_id", ondelete="CASCADE"), nullable=False, index=True),
)

past_mentions = Table(
    "past_mentions",
    metadata,
    Column("key", Whole, nullable=False),
    Column("version_id", Whole, ForeignKey("versions.version_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "version_id"),
    sqlite_with_rowid=False,
)

fates = Table(
    "fates",
    metadata,
    Column("doc_id", Words, nullable=False),
    Column("number", Whole, nullable=False),
    Column("collection_id", Words, ForeignKey("collections.id", ondelete="CASCADE"), nullable=False),
    Column("how", Words, nullable=False),  # erased | purged | unknown
    Column("at", Whole, nullable=False),
    PrimaryKeyConstraint("doc_id", "number"),
    sqlite_with_rowid=False,
)

vault = Table(
    "vault",
    metadata,
    Column("vault_id", Whole, primary_key=True),
    Column("collection_id", Words, nullable=False),
    Column("value_mac", Bytes, nullable=False),
    Column("kind", Words, nullable=False),
    Column("entity_type", Words, nullable=False),
    Column("token", Words),
    Column("surrogate_mac", Bytes, nullable=False),
    Column("sealed_surrogate", Bytes, nullable=False),
    Column("sealed_value", Bytes, nullable=False),
    Column("wrapped_key", Bytes, nullable=False),
    UniqueConstraint("collection_id", "value_mac"),
    UniqueConstraint("collection_id", "token"),
    UniqueConstraint("collection_id", "surrogate_mac"),
    ForeignKeyConstraint(["collection_id"], ["collections.id"], ondelete="CASCADE"),
)

vault_names = Table(
    "vault_names",
    metadata,
    Column("key", Whole, nullable=False),
    Column("vault_id", Whole, ForeignKey("vault.vault_id", ondelete="CASCADE"), nullable=False, index=True),
    PrimaryKeyConstraint("key", "vault_id"),
    sqlite_with_rowid=False,
)
