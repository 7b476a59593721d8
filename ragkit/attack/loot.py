"""A thief's reading of a stolen workspace: files only, no key, and no code of ragkit that could open a seal.

::

    loot = steal(Path(".ragkit"))
    loot.terms.of("berlin")        # the documents whose index view holds this term
    loot.values[number]            # type and sealed size of a value of the vault

What is sealed stays sealed: this module reads columns that stand in clear, the terms and postings of tantivy, and the
*lengths* of what is sealed, since AES-GCM hides content and not size.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

from ragkit.attack.postings import Postings
from ragkit.errors import EvaluationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SEAL_BYTES = 28
"""Nonce and tag of AES-256-GCM, by which sealed text is longer than what it seals (``ragkit/crypto.py``, public)."""

FILLED_TO = 64
"""Values are filled up to a multiple of so many bytes before they are sealed; older ones are not. Public likewise."""

_COMMON = 0.5
"""A term in more than this share of the documents tells nothing, and its postings are not read."""


class SealedValue(NamedTuple):
    """A row of the vault as it stands in clear; ``size`` is that of the value in bytes, by the length of its seal."""

    kind: str
    entity_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Loot:
    """What a thief has of one collection.

    Attributes:
        documents: Opaque ids; everything else goes by position here.
        chunk_documents: The document of each chunk.
        vectors: float32, one a chunk.
        terms: Terms of the lexical index.
        numbers: Numbers of the values that a document mentions.
        values: Rows of the vault, by number.
        groups: Documents and the numbers linked there as one person's.
        language: Of the lexical index.
    """

    documents: tuple[str, ...]
    chunk_documents: NDArray[np.int32] = field(repr=False)
    vectors: NDArray[np.float32] = field(repr=False)
    terms: Postings[str] = field(repr=False)
    numbers: Postings[int] = field(repr=False)
    values: Mapping[int, SealedValue] = field(repr=False)
    groups: Sequence[tuple[int, frozenset[int]]] = field(repr=False)
    language: str = "en"


def read_only(path: Path) -> sqlite3.Connection:
    """Open a database of the stolen folder without changing a byte of it, its write-ahead log included if it can be."""
    for how in ("mode=ro", "immutable=1"):  # the second where the folder itself cannot be written: a mounted copy
        try:
            connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?{how}", uri=True)
            connection.execute("SELECT count(*) FROM sqlite_schema")
        except sqlite3.Error:
            continue
        return connection
    raise EvaluationError(
        "there is no record store in this folder", remedy="Name the data directory, mostly `.ragkit`."
    )


def steal(folder: Path, *, collection: str | None = None) -> Loot:
    """Take what is in clear of one collection.

    Args:
        folder: The data directory.
        collection: Its name, which stands in clear; by default the only one.

    Raises:
        EvaluationError: There is no record store, or no such collection, or it is empty.
    """
    import numpy as np

    connection = read_only(folder / "records.db")
    try:
        found = _collection(connection, collection)
        rows = connection.execute(_CHUNKS, (found,)).fetchall()
        if not rows:
            raise EvaluationError("the collection is empty", remedy="Run `ragkit sync` first.")
        places: dict[str, int] = {}
        owners = [places.setdefault(doc_id, len(places)) for _, doc_id, _, _ in rows]
        versions = {version: places[doc_id] for _, doc_id, version, _ in rows}
        chunks = {number: owner for (number, *_), owner in zip(rows, owners)}
        widest = max(len(raw) for *_, raw in rows)  # while a collection is embedded anew there are vectors of two sizes
        vectors = [raw if len(raw) == widest else bytes(widest) for *_, raw in rows]
        language, terms = _terms(folder / "index" / found, chunks)
        documents = len(places)
        mentions = connection.execute("SELECT key, version_id FROM mentions")
        return Loot(
            documents=tuple(places),
            chunk_documents=np.array(owners, dtype=np.int32),
            vectors=np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(rows), -1),
            terms=Postings(terms, documents=documents),
            numbers=Postings(
                ((key, versions[version]) for key, version in mentions if version in versions), documents=documents
            ),
            values=_values(connection, found),
            groups=_groups(connection, versions),
            language=language,
        )
    finally:
        connection.close()


def _collection(connection: sqlite3.Connection, name: str | None) -> str:
    found = connection.execute("SELECT id, name FROM collections ORDER BY created_at").fetchall()
    chosen = [row_id for row_id, row_name in found if name in (None, row_name)]
    if len(chosen) != 1:
        what = "no such collection" if not chosen else "several collections"
        raise EvaluationError(f"the record store holds {what}", remedy="Name one with `--collection`.")
    return str(chosen[0])


_CHUNKS = """
SELECT chunks.chunk_id, versions.doc_id, versions.version_id, bodies.vector FROM chunks
JOIN bodies ON bodies.body_id = chunks.body_id JOIN versions ON versions.version_id = bodies.version_id
WHERE chunks.collection_id = ? AND versions.state = 'current' ORDER BY chunks.chunk_id
"""


def _values(connection: sqlite3.Connection, collection: str) -> dict[int, SealedValue]:
    """Rows of the vault by number, which is how ``value_mac`` begins."""
    query = "SELECT value_mac, kind, entity_type, length(sealed_value) FROM vault WHERE collection_id = ?"
    return {
        int.from_bytes(mac[:8], "big", signed=True): SealedValue(kind, entity_type, length - SEAL_BYTES)
        for mac, kind, entity_type, length in connection.execute(query, (collection,))
    }


def _groups(connection: sqlite3.Connection, versions: Mapping[int, int]) -> list[tuple[int, frozenset[int]]]:
    if not connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'links'").fetchone():
        return []
    gathered: dict[tuple[int, int], set[int]] = {}
    for key, version, person in connection.execute("SELECT key, version_id, person FROM links"):
        if version in versions:
            gathered.setdefault((version, person), set()).add(key)
    return [(versions[version], frozenset(keys)) for (version, _), keys in gathered.items()]


# --- the lexical index ------------------------------------------------------------------------------------------------


def current_generation(index: Path) -> Path | None:
    """The generation that answers, or none."""
    try:
        return index / str(int((index / "current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        return None


def open_lexical(generation: Path) -> tuple[Any, str]:
    """Open a generation's terms with tantivy itself; the analyzer's name is enough to read them."""
    import tantivy

    manifest = json.loads((generation / "manifest.json").read_text(encoding="utf-8"))
    index = tantivy.Index.open(str(generation / "lexical"))
    return index, str(manifest.get("fingerprints", {}).get("language", "en"))


def _terms(index_folder: Path, chunks: Mapping[int, int]) -> tuple[str, Iterator[tuple[str, int]]]:
    generation = current_generation(index_folder)
    if generation is None:
        return "en", iter(())
    index, language = open_lexical(generation)
    return language, _postings(index, chunks)


def _postings(index: Any, chunks: Mapping[int, int]) -> Iterator[tuple[str, int]]:
    from tantivy import Query

    searcher = index.searcher()
    most = max(2, int(_COMMON * searcher.num_docs))
    for term, holding in searcher.terms_with_prefix("text", ""):
        if holding > most:
            continue
        found = searcher.search(Query.term_query(index.schema, "text", term, index_option="basic"), limit=holding)
        for number in searcher.fast_field_values("chunk", [address for _, address in found.hits]):
            if number in chunks:
                yield term, chunks[number]
