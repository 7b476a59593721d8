"""One stored document and what it becomes when masked values in it are replaced."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from typing import TYPE_CHECKING

from ragkit.lifecycle.rewriting import DocumentRewriter, Replace
from ragkit.lifecycle.rewriting_clear import Find, hidden
from ragkit.lifecycle.rewriting_texts import Token, tokens_in
from ragkit.lifecycle.rewriting_window import Window
from ragkit.mask.vault import Item, Vault
from ragkit.spans import NOTHING
from ragkit.store.republish import StoredDocument, read_document
from ragkit.types import Chunk, Masked, MaskedDocument

if TYPE_CHECKING:
    from ragkit.store.payload import Header
    from ragkit.store.records import RecordStore

Refilter = Callable[[str, Masked], "str | None"]
"""Metadata key and new record view to the clear value that is filtered on; ``None`` lets the filter go."""


@dataclass(slots=True, repr=False)
class Rewritten:
    """One document on its way: what it becomes."""

    stored: StoredDocument
    document: MaskedDocument
    chunks: list[Chunk]
    filters: Mapping[str, bytes]
    spans: Mapping[str, int]
    unaligned: int

    stale: list[int] = field(init=False)
    """Positions of the chunks that must be embedded again."""

    def __post_init__(self) -> None:
        old = self.stored.version.chunks
        self.stale = [at for at, chunk in enumerate(self.chunks) if chunk.embedded != old[at].embedded]


class Maker:
    """Makes the new versions of one run, in memory.

    Args:
        store: The record store.
        vault: Tells the numbers of the values that stay.
        window: Keeps chunks within the encoder's window.
        replace: What comes in the place of a token.
        surrogates: What comes in the place of surrogates that stand in contexts only.
        refilter: The clear value of a rewritten metadata field; ``None`` drops the filter.
        find: What is to be redacted though it is not masked.
    """

    def __init__(
        self,
        store: RecordStore,
        vault: Vault,
        window: Window,
        replace: Replace,
        *,
        surrogates: Mapping[str, str] | None = None,
        refilter: Refilter | None = None,
        find: Find | None = None,
        beside: Collection[str] = (),
    ) -> None:
        self._store, self._vault, self._window = store, vault, window
        self._find, self._beside = find, frozenset(beside)
        self._replace, self._surrogates, self._refilter = replace, dict(surrogates or {}), refilter

    def make(self, doc_id: str) -> Rewritten | None:
        """Rewrite one document in memory; ``None`` when it holds nothing to replace."""
        stored = read_document(self._store.database, self._store.collection, doc_id)
        if stored is None:
            return None
        before = stored.version.chunks
        found = hidden(stored, self._find) if self._find else stored
        if found is stored and not any(self._replace(*token) for token in set(_tokens(stored))):
            return None
        header = found.version.header
        texts = DocumentRewriter(self._replace, self._surrogates, beside=self._beside_in(stored))
        others = [header.name, *([header.uri] if header.uri else ()), *header.metadata.values()]
        texts.learn(found.version.chunks, header.title, others)
        pairs = zip(found.version.chunks, before, strict=True)
        chunks = [self._window.fit(texts.chunk(chunk), old) for chunk, old in pairs]
        if found is stored and chunks == list(before) and not texts.changed([header.title, *others]):
            return None  # what could be replaced stands beside somebody else
        document = self._document(stored, header, texts, chunks)
        filters = self._filters(stored, document)
        return Rewritten(stored, document, chunks, filters, dict(texts.replaced), texts.unaligned)

    def _beside_in(self, stored: StoredDocument) -> frozenset[str]:
        """What a replacement must stand beside; nothing where the document puts all of it together with that person."""
        if not self._beside:
            return self._beside
        tokens = set(_tokens(stored))
        items = self._vault.items_of({token_id for _, token_id in tokens})
        own = {number for token_id in self._beside & items.keys() for number in self._both(*items[token_id])}
        gone = {
            number for kind, i in tokens if i in items and self._replace(kind, i) for number in self._both(*items[i])
        }
        groups = [group for group in stored.people if group & gone]
        return frozenset() if groups and all(group & own for group in groups) else self._beside

    def _both(self, item: Item, own: int) -> tuple[int, int]:
        """The number of a value, and that of its spelling's row."""
        return self._vault.value_number(item), own

    def _document(
        self, stored: StoredDocument, header: Header, texts: DocumentRewriter, chunks: Sequence[Chunk]
    ) -> MaskedDocument:
        document = MaskedDocument(
            text=texts.text((NOTHING, NOTHING)),  # the text is in the chunks
            blocks=(),
            title=texts.text(header.title),
            name=texts.text(header.name),
            uri=texts.text(header.uri) if header.uri else None,
            metadata={key: texts.text(pair) for key, pair in header.metadata.items()},
            media_type=stored.media_type,
            policy=stored.version.policy,
            notices=stored.notices,
            counts=stored.version.counts,
        )
        fields = (document.title, document.name, document.uri, *document.metadata.values())
        left = set(tokens_in([*(one.record for one in fields if one), *(text for c in chunks for text in _views(c))]))
        mentions, people = self._numbers(stored, left)
        return changed(document, mentions=mentions, people=people)

    def _numbers(
        self, stored: StoredDocument, left: Collection[Token]
    ) -> tuple[frozenset[int], tuple[frozenset[int], ...]]:
        """The numbers of the values that are in the document now, and which of them stand together.

        They are made anew from what is left: a word of a name that went stays when another name has it.
        """
        before = set(_tokens(stored))
        items = self._vault.items_of({token_id for _, token_id in before | set(left)})
        numbers = {token_id: self._both(*one) for token_id, one in items.items()}
        stay = {number for _, token_id in left for number in numbers.get(token_id, ())}
        became: dict[int, int] = {}
        for entity_type, token_id in before:
            new = self._replace(entity_type, token_id)
            token = next(tokens_in([new.record]), None) if new else None
            if token and token_id in items and token[1] in items:
                became |= dict(zip(numbers[token_id], numbers[token[1]]))
        mentions = self._vault.mentions({items[token_id][0] for _, token_id in left if token_id in items}) | stay
        mine = {number for token_id in self._beside for number in numbers.get(token_id, ())}
        groups = (
            frozenset(became.get(n, n) if n not in stay or group & mine else n for n in group) & stay
            for group in stored.people
        )
        return mentions, tuple(group for group in groups if group)

    def _filters(self, stored: StoredDocument, document: MaskedDocument) -> dict[str, bytes]:
        filters = dict(stored.filters)
        for key in stored.filters:
            old, new = stored.version.header.metadata.get(key), document.metadata.get(key)
            if old is None or new is None or old[0] == new.record:
                continue
            clear = self._refilter(key, new.record) if self._refilter else None
            if clear is None:
                del filters[key]
            else:
                filters[key] = self._store.filter_mac(key, clear)
        return filters


def _tokens(stored: StoredDocument) -> Iterator[Token]:
    header = stored.version.header
    pairs = (header.title, header.name, header.uri, *header.metadata.values())
    yield from tokens_in(pair[0] for pair in pairs if pair)
    for chunk in stored.version.chunks:
        yield from tokens_in(_views(chunk))


def _views(chunk: Chunk) -> tuple[Masked, ...]:
    """Everything of a chunk in the record view."""
    return chunk.record, chunk.heading, chunk.context_record, *(path for _, path in chunk.headings)
