"""Takes down, before an erasure, the bytes that must be gone after it: texts, rows, keys and vectors of some people."""

from __future__ import annotations

import re
import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.company.people import Person
from benchmarks.company.setting import COLLECTION
from benchmarks.company.truth import SHORT, Truth
from benchmarks.residue import Found, Marks, search
from ragkit.crypto import key_number
from ragkit.errors import KeyMismatch
from ragkit.lifecycle.people import People
from ragkit.mask.tokens import find_tokens
from ragkit.workspace import Workspace

_SEALED = 48
"""Bytes of a sealed row that are looked for: nonce and the beginning."""


@dataclass(slots=True)
class Taken:
    """What was there of some people.

    Attributes:
        marks: For the scanner.
        chunks: Numbers of the chunks that held a value of theirs.
        documents: Ids of the documents that did, and of those, which are about one of them alone.
        tokens: Token ids of the values that nobody else has.
        shared: How many of their values somebody else has too.
        unlinked: Token ids of values that are theirs alone and that ragkit does not know to be theirs: no erasure can
            reach them, so they are counted apart and are in no mark.
        doubtful: Token ids of values that are theirs alone and that ragkit holds for somebody else's too, or for
            perhaps theirs: they stay, and the receipt says so, until whoever else there seems to be is erased too.
    """

    marks: Marks = field(default_factory=Marks)
    chunks: set[int] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)
    wholly: set[str] = field(default_factory=set)
    tokens: dict[str, str] = field(default_factory=dict)
    shared: int = 0
    unlinked: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)

    @property
    def excused(self) -> set[str]:
        """What may still be known, in the form that :func:`plain` gives."""
        return {plain(value) for value in (*self.unlinked.values(), *self.doubtful.values())}


def plain(value: str) -> str:
    """A value without case and separators."""
    return re.sub(r"[\W_]", "", value).casefold()


def take(workspace: Workspace, truth: Truth, people: Collection[Person]) -> Taken:
    """Look up everything of these people in an open workspace."""
    part = workspace._handles.reader(COLLECTION)
    gone, keys = Taken(), {one.id for one in people}
    texts: dict[str, str] = {}
    for one in people:
        for value, kind in one.values().items():
            if kind != SHORT and not truth.owners(value) - keys:
                texts[f"{kind} of {one.id}"] = value
    rows: dict[str, bytes] = {}
    vault = part.masker.vault
    known = People(part.store, vault)  # by number where the address was corrected
    found = [person for one in people for person in known.find(one.email) or known.find(one.number)]
    values = [held for person in found for held in person.values]
    linked = {token for held in values for token in _ids(held.token)}
    sure = {token for held in values if held.certain for token in _ids(held.token)}
    mine = {person.subject for person in found}
    for held in values:  # whoever else there seems to be keeps it
        if held.shared and {one.subject for one in known.find(held.value, entity_type=held.entity_type)} - mine:
            sure -= set(_ids(held.token))
    with closing(sqlite3.connect(f"file:{_records(workspace)}?mode=ro", uri=True)) as records:
        sealed = {
            token: tuple(row)
            for token, *row in records.execute(
                "select token, sealed_value, sealed_surrogate, wrapped_key from vault where token is not null"
            )
        }
        numbers: set[int] = set()
        for row in vault._rows.by_token(list(sealed)).values():
            with suppress(KeyMismatch):
                opened = vault._rows.open(row)
                owners = truth.owners(opened.value)
                if owners and owners <= keys and row.token and row.token not in linked:
                    gone.unlinked[row.token] = opened.value
                elif owners and owners <= keys and row.token and row.token not in sure:
                    gone.doubtful[row.token] = opened.value
                elif owners and owners <= keys and row.token:
                    gone.tokens[row.token] = opened.value
                    texts[f"token {row.token}"] = row.token
                    numbers.add(key_number(row.value_mac))
                    for name, raw in zip(("value", "surrogate", "key"), sealed[row.token]):
                        rows[f"sealed {name} {row.token}"] = raw[:_SEALED]
                elif owners & keys:
                    gone.shared += 1
        paths = {}
        for number, doc_id, text in texts_of(workspace):
            paths[number] = doc_id
            if any(token in text for token in gone.tokens):
                gone.chunks.add(number)
                gone.documents.add(doc_id)
        gone.wholly = {held.doc_id for person in found for held in person.documents if held.wholly}
        gone.documents |= gone.wholly
        gone.chunks |= {number for number, doc_id in paths.items() if doc_id in gone.wholly}
        vectors = _take_rows(records, gone, rows)
    keyed = _records(workspace).with_name("records.keys.db")
    if keyed.exists():
        with closing(sqlite3.connect(f"file:{keyed}?mode=ro", uri=True)) as database:
            for place, wrapped in database.execute("select place, wrapped from record_keys"):
                kind, _, rest = place.partition("/")
                doc_id = rest.partition("/")[0]
                if (kind == "d" and doc_id in gone.documents) or (kind == "v" and int(rest) in numbers):
                    rows[f"record key {place}"] = wrapped[:_SEALED]
    gone.marks = Marks(texts, {name: raw for name, raw in rows.items() if raw}, vectors)
    return gone


def _ids(token: str) -> list[str]:
    return [token_id for _, _, _, token_id in find_tokens(token)]


def left(folder: Path, gone: Taken) -> list[Found]:
    """What of it is still in the data directory: bytes, chunk numbers of live generations, vectors."""
    found = search(folder / ".ragkit", gone.marks)
    for path in (folder / ".ragkit" / "index").rglob("rows.npy"):
        held = set(np.load(path)["id"].tolist()) & gone.chunks
        if held:
            found.append(Found("chunk number", "rows.npy", str(path.relative_to(folder)), len(held)))
    for path in (folder / ".ragkit" / "index").rglob("chroma.sqlite3"):
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            ids = {row[0] for row in database.execute("select embedding_id from embeddings")}
            ids |= {row[0] for row in database.execute("select id from embeddings_queue")}
        if held := ids & {str(number) for number in gone.chunks}:
            found.append(Found("chunk id", "chroma", str(path.relative_to(folder)), len(held)))
    return found


def texts_of(workspace: Workspace) -> Iterator[tuple[int, str, str]]:
    """Number, document and everything shown of each live chunk."""
    part = workspace._handles.reader(COLLECTION)
    principal = workspace.config.workspace.principal
    ids = [row.chunk_id for row in part.store.index_source().rows(with_text=False)]
    source = part.store.hit_source()
    for at in range(0, len(ids), 256):
        for number, hit in source.hits(ids[at : at + 256], principal=principal).items():
            shown = (hit.title, hit.chunk.record, hit.chunk.heading, hit.chunk.context_record, hit.uri or "")
            yield number, hit.doc_id, "\n".join((*shown, *hit.metadata.values()))


def _take_rows(records: sqlite3.Connection, gone: Taken, rows: dict[str, bytes]) -> list[np.ndarray]:
    """Sealed bodies, headers and keys of the chunks and documents; vectors that no other chunk has."""
    alike: dict[bytes, int] = defaultdict(int)
    vectors: dict[int, bytes] = {}
    query = "select chunk_id, vector, sealed from chunks join bodies using (body_id)"
    for number, vector, sealed in records.execute(query):
        alike[vector] += 1
        if number in gone.chunks:
            vectors[number] = vector
            rows[f"sealed body {number}"] = sealed[:_SEALED]
            alike[vector] -= 1
    for doc_id, key, header in records.execute("select doc_id, wrapped_key, sealed_header from versions"):
        if doc_id in gone.documents:
            rows[f"document key {doc_id}"] = (key or b"")[:_SEALED]
            rows[f"sealed header {doc_id}"] = (header or b"")[:_SEALED]
    return [np.frombuffer(raw, dtype="<f4") for raw in vectors.values() if not alike[raw]]


def _records(workspace: Workspace) -> Path:
    return workspace.config.data_folder / "records.db"


def by_kind(found: Collection[Found]) -> dict[str, int]:
    """Findings by what was found, without ids, and the file's last name."""
    counts: dict[str, int] = defaultdict(int)
    for one in found:
        words = [word for word in one.label.split() if word.isalpha() and word.islower()]
        counts[f"{' '.join(words)} as {one.how} in {Path(one.file).name}"] += one.times
    return dict(counts)
