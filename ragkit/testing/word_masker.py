"""A masker that knows a list of words and nothing else, over a real vault table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ragkit import crypto
from ragkit.crypto import CollectionKeys
from ragkit.errors import ItemError, SecretFound
from ragkit.protocols import VaultTable
from ragkit.types import (
    Document,
    Masked,
    MaskedDocument,
    MaskedQuestion,
    MaskedSpan,
    MaskedText,
    Principal,
    RawQuestion,
    VaultRow,
)


class WordMasker:
    """Masks fixed words as persons, through a real vault table. A text with ``AKIA`` is refused as a secret."""

    def __init__(
        self, words: Iterable[str], vault: VaultTable, keys: CollectionKeys, *, policy: str = "words-1"
    ) -> None:
        self._words = sorted(words, key=len, reverse=True)
        self._vault = vault
        self._keys = keys
        self._policy = policy
        self._pending: dict[bytes, VaultRow] = {}
        self._stored: set[bytes] = set()
        self.masked = 0

    @property
    def policy(self) -> str:
        """The fingerprint given."""
        return self._policy

    def load(self) -> None:
        """Nothing to load."""

    def mask(self, documents: Sequence[Document]) -> list[MaskedDocument | ItemError]:
        """Mask documents in order."""
        return [self._document(document) for document in documents]

    def mask_question(self, question: RawQuestion, *, principal: Principal) -> MaskedQuestion:  # noqa: ARG002
        """Mask a question; nothing is inserted."""
        return MaskedQuestion(text=self._text(question.text, learn=False), collection="", policy=self._policy)

    def flush(self) -> None:
        """Insert the pending rows."""
        known = self._vault.by_mac(list(self._pending))
        self._vault.insert([row for mac, row in self._pending.items() if mac not in known])
        self._pending.clear()

    def discard(self) -> None:
        """Forget the pending rows."""
        self._pending.clear()

    def _document(self, document: Document) -> MaskedDocument | ItemError:
        self.masked += 1
        if "AKIA" in document.text:
            return SecretFound("credentials in the text", code="secret")
        text = self._text(document.text)
        return MaskedDocument(
            text=text,
            blocks=document.blocks,
            title=self._text(document.title),
            name=self._text(document.name),
            media_type=document.media_type,
            policy=self._policy,
            uri=self._text(document.uri) if document.uri else None,
            metadata={key: self._text(value) for key, value in document.metadata.items()},
            notices=document.notices,
            counts={"PERSON": len(text.spans)} if text.spans else {},
        )

    def _text(self, text: str, *, learn: bool = True) -> MaskedText:
        if not self._words:
            return MaskedText(Masked(text), Masked(text))
        record: list[str] = []
        index: list[str] = []
        spans: list[MaskedSpan] = []
        position = r = i = 0
        for found in re.finditer("|".join(map(re.escape, self._words)), text):
            token, surrogate = self._names(found.group(), learn=learn)
            plain = text[position : found.start()]
            r, i = r + len(plain), i + len(plain)
            spans.append(MaskedSpan("PERSON", *found.span(), r, r + len(token), i, i + len(surrogate)))
            record += [plain, token]
            index += [plain, surrogate]
            position, r, i = found.end(), r + len(token), i + len(surrogate)
        rest = text[position:]
        return MaskedText(Masked("".join([*record, rest])), Masked("".join([*index, rest])), tuple(spans))

    def _names(self, word: str, *, learn: bool) -> tuple[str, str]:
        mac = crypto.keyed_hash(self._keys.values, "PERSON", word)
        token = mac.hex()[:12].upper()
        surrogate = f"Person{mac.hex()[:6]}"
        if learn and mac not in self._pending:
            key = crypto.new_key()
            self._pending[mac] = VaultRow(
                value_mac=mac,
                kind="value",
                entity_type="PERSON",
                token=token,
                surrogate_mac=crypto.keyed_hash(self._keys.surrogates, surrogate),
                sealed_surrogate=crypto.seal(key, surrogate.encode(), bound_to="surrogate"),
                sealed_value=crypto.seal(key, word.encode(), bound_to="value"),
                wrapped_key=crypto.seal(self._keys.wrapping, key, bound_to="vault"),
            )
        return f"[PERSON:{token}]", surrogate
