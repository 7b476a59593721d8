"""The plain service that ``serve_load.py`` measures beside: FastAPI, sentence-transformers, Chroma, as people write it.

No masking, no access lists, no record of what was asked. Run ``python plain_service.py FOLDER PORT``.
"""

from __future__ import annotations

import sys

import chromadb
import uvicorn
from chromadb.config import Settings
from fastapi import FastAPI
from plain import model_folder
from pydantic import BaseModel
from sentence_transformers import SentenceTransformer


class Query(BaseModel):
    question: str
    k: int = 10


def build(folder: str) -> FastAPI:
    """Return the application."""
    app = FastAPI()
    model = SentenceTransformer(str(model_folder()), device="cpu")
    client = chromadb.PersistentClient(folder, settings=Settings(anonymized_telemetry=False))
    collection = client.get_collection("peer")

    @app.post("/v1/search")
    def search(query: Query) -> dict[str, list[dict[str, object]]]:
        vector = model.encode(query.question, normalize_embeddings=True)
        found = collection.query(query_embeddings=[vector.tolist()], n_results=query.k)
        rows = zip(found["ids"][0], found["documents"][0], found["distances"][0], strict=True)
        return {"hits": [{"id": chunk, "text": text, "distance": far} for chunk, text, far in rows]}

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    return app


if __name__ == "__main__":
    uvicorn.run(build(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]), log_level="warning", access_log=False)
