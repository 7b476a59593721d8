"""Code that must not type-check: each line marked ``# refused`` passes unmasked text where masked text is due."""

from __future__ import annotations

from ragkit.protocols import Chunker, Embedder, Generator, Masker, Retriever
from ragkit.types import DataClass, Document, GenerationRequest, MaskedDocument, Principal, RawQuestion


def chunk_a_raw_document(chunker: Chunker, document: Document) -> None:
    chunker.chunk(document)  # refused


def embed_plain_text(embedder: Embedder, text: str) -> None:
    embedder.embed([text])  # refused
    embedder.embed_question(text)  # refused


def retrieve_with_a_raw_question(retriever: Retriever, question: RawQuestion, principal: Principal) -> None:
    retriever.retrieve(question, k=3, principal=principal)  # refused


def retrieve_for_nobody(retriever: Retriever, question: RawQuestion) -> None:
    retriever.retrieve(question, k=3)  # refused


def generate_from_a_raw_question(generator: Generator, question: RawQuestion) -> None:
    generator.generate(GenerationRequest(question, (), DataClass.PUBLIC))  # refused


def mask_twice(masker: Masker, document: MaskedDocument) -> None:
    masker.mask([document])  # refused
