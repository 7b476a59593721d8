"""The tables of the key file: what must outlive a restore of the record store, or be destroyed for good.

::

    record_keys      one random key a document version and a vault value, wrapped by the collection's wrapping key
    wrapping_keys    the collection's wrapping key of now, wrapped by the workspace key
    roots            the workspace key, once for each root key that opens it
    secrets          collection keys, and what was derived from a root key of before, wrapped by the workspace key
    requests         what is being done for a data subject, step by step, so that it goes on after a kill
    rulings          keyed hashes of values that are redacted or corrected in all that is masked from now on
    denials          tokens and documents that nobody is shown
    holds            what must not be deleted, and why
    receipts         signed statements of what was erased
    copies           backups and copies of this file and of the root key that were made
    copy_places      where the copy of this file is
    uploads          which original of which uploaded document lies in which file, and what became of it
    changes          counters by which other processes learn that keys were destroyed

Nothing here is in clear but opaque ids, states and dates. The file is left out of an ordinary backup: a backup can then
be read only with the keys that still exist (security.md, B2.2 and B2.4).
"""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, PrimaryKeyConstraint, Table, Text

metadata = MetaData()

record_keys = Table(
    "record_keys",
    metadata,
    Column("collection_id", Text, nullable=False),
    Column("place", Text, nullable=False),  # d/<doc id>/<number>, v/<value number>, n/<doc id> or u/<file>
    Column("wrapped", LargeBinary, nullable=False),
    Column("released_at", Text),  # when its record was replaced in the ordinary way; kept a while for older backups
    PrimaryKeyConstraint("collection_id", "place"),
    sqlite_with_rowid=False,
)

wrapping_keys = Table(
    "wrapping_keys",
    metadata,
    Column("collection_id", Text, primary_key=True, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("wrapped", LargeBinary, nullable=False),
    Column("made_at", Text, nullable=False),
)

roots = Table(
    "roots",
    metadata,
    Column("mark", Text, primary_key=True, nullable=False),  # check value of a root key
    Column("wrapped", LargeBinary, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("made_at", Text, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True, nullable=False),  # collection/<id> | events | copies | signing
    Column("wrapped", LargeBinary, nullable=False),
)

requests = Table(
    "requests",
    metadata,
    Column("request", Text, primary_key=True, nullable=False),
    Column("collection_id", Text, nullable=False),
    Column("verb", Text, nullable=False),  # erase | correct | restrict | retention
    Column("step", Text, nullable=False),  # what is done already; "done" at the end
    Column("sealed", LargeBinary, nullable=False),  # the plan
    Column("opened_at", Text, nullable=False),
    Column("closed_at", Text),
)

rulings = Table(
    "rulings",
    metadata,
    Column("request", Text, nullable=False),
    Column("collection_id", Text, nullable=False),
    Column("verb", Text, nullable=False),  # erase | correct
    Column("role", Text, nullable=False),  # own: wherever it stands; shared: only beside one of the request's own
    Column("number", Integer, nullable=False),  # as in `mentions`
    Column("sealed", LargeBinary),  # of a correction: what it becomes
    PrimaryKeyConstraint("collection_id", "number", "request"),
    sqlite_with_rowid=False,
)

denials = Table(
    "denials",
    metadata,
    Column("collection_id", Text, nullable=False),
    Column("kind", Text, nullable=False),  # token | document | number | place
    Column("key", Text, nullable=False),  # token id as in the vault, document id, value number, or "document token"
    Column("request", Text, nullable=False),
    PrimaryKeyConstraint("collection_id", "kind", "key", "request"),
    sqlite_with_rowid=False,
)

holds = Table(
    "holds",
    metadata,
    Column("hold", Text, primary_key=True, nullable=False),
    Column("collection_id", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # what is held, and the reason
    Column("placed_at", Text, nullable=False),
    Column("released_at", Text),
)

receipts = Table(
    "receipts",
    metadata,
    Column("request", Text, primary_key=True, nullable=False),
    Column("body", Text, nullable=False),  # signed JSON without content
    Column("issued_at", Text, nullable=False),
)

copies = Table(
    "copies",
    metadata,
    Column("copy", Text, primary_key=True, nullable=False),
    Column("kind", Text, nullable=False),  # records | keys | root
    Column("made_at", Text, nullable=False),
    Column("gone_at", Text),
)

copy_places = Table(
    "copy_places",
    metadata,
    Column("copy", Text, primary_key=True, nullable=False),
    Column("sealed", LargeBinary, nullable=False),  # where the copy of this file is, so that an erasure renews it
    sqlite_with_rowid=False,
)

uploads = Table(
    "uploads",
    metadata,
    # One original; two of one upload while a replacement is not taken in yet. Nothing but opaque ids.
    Column("collection_id", Text, nullable=False),
    Column("upload", Text, nullable=False),  # the item's own id at its source
    Column("file", Text, nullable=False),  # empty once the original is gone
    Column("doc_id", Text, nullable=False, index=True),
    Column("source", Text, nullable=False),
    Column("seq", Integer, nullable=False),  # grows with each change; where a pass goes on
    Column("state", Text, nullable=False),  # new | kept | destroyed (what is indexed stays) | gone
    Column("code", Text, nullable=False, server_default=""),  # why what came after it, or the upload, was refused
    PrimaryKeyConstraint("collection_id", "upload", "file"),
    sqlite_with_rowid=False,
)

changes = Table(
    "changes",
    metadata,
    Column("kind", Text, primary_key=True, nullable=False),  # destroyed
    Column("number", Integer, nullable=False),
    sqlite_with_rowid=False,
)

Index("ix_record_keys_released", record_keys.c.released_at, sqlite_where=record_keys.c.released_at.is_not(None))
