"""The peer: the chunks of one person in a plain Chroma collection, deleted as its documentation says."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from benchmarks.company.marks import by_kind
from benchmarks.company.truth import SHORT, Truth
from benchmarks.residue import Marks, search


def plain_delete(base: Path, truth: Truth, folder: Path) -> dict[str, int]:
    """Put the documents into a Chroma collection, delete one person's, and return what bytes stay.

    Args:
        base: Unused but for its name; the truth has the documents.
        truth: Of the company.
        folder: Where the collection is made.
    """
    import chromadb
    from chromadb.config import Settings

    dice = np.random.default_rng(5)
    client = chromadb.PersistentClient(str(folder), Settings(anonymized_telemetry=False))
    made = client.create_collection("plain", embedding_function=None)
    documents = [one for one in truth.company.documents if not one.path.endswith(".docx")]
    vectors = dice.standard_normal((len(documents), 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    for at in range(0, len(documents), 500):
        some = documents[at : at + 500]
        made.add(
            ids=[one.path for one in some],
            documents=[one.content.decode("utf-8", "replace") for one in some],
            metadatas=[{"file": one.path} for one in some],
            embeddings=vectors[at : at + 500],
        )
    person = random.Random(5).choice([one for one in truth.company.people if len(truth.named_in(one.id)) > 2])
    paths = sorted(truth.named_in(person.id) & {one.path for one in documents})
    kept = [one.content for one in documents if one.path not in paths]
    own = {value: kind for value, kind in person.values().items() if kind != SHORT}
    texts = {kind: value for value, kind in own.items() if not any(value.encode() in content for content in kept)}
    places = {one.path: place for place, one in enumerate(documents)}
    marks = Marks(texts | {f"id {n}": path for n, path in enumerate(paths)}, {}, [vectors[places[p]] for p in paths])
    before = sum(one.times for one in search(folder, marks))
    made.delete(ids=paths)
    del made, client
    found = search(folder, marks)
    told = {f"{what}": times for what, times in by_kind(found).items()}
    return {f"marks before ({base.name})": before, "marks after": sum(one.times for one in found), **told}
