"""Random access lists and callers against a brute-force oracle: is anything shown to who may not see it, or hidden?

::

    figures = run_cases(folder, cases=500, documents=600, seed=1)
    assert figures.leaks == 0

The record store, the index (a generation of Chroma and tantivy, what came after it, lists that changed since) and the
retriever are those of the product; parser, masker, chunker and encoder are light. The callers are made by the layer
that makes them in the service: API keys that are looked up, tokens whose signature is checked.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ragkit.auth.jwks import Jwks
from ragkit.auth.keystore import KeyRecord, KeyStore, new_id, now
from ragkit.auth.oidc import Issuer, read_token
from ragkit.config_serve import OidcSection
from ragkit.index.collection import CollectionIndex
from ragkit.index.manifest import Fingerprints
from ragkit.retrieve.retriever import HybridRetriever
from ragkit.testing.issuer import AUDIENCE, TestIssuer
from ragkit.testing.light import LightIngest
from ragkit.testing.stages import RecordingRecorder
from ragkit.types import Masked, MaskedQuestion, MaskedText, Principal, SourceItem

SHARES = (0.5, 0.05, 0.005, 0.0005)
"""Of the documents, how many a caller of each sort may see, at least one."""
K = 10
_NOISE = 400
_POLICY = "words-1"


@dataclass(slots=True)
class Figures:
    """What came of the cases, by the share of documents that the caller may see.

    Attributes:
        cases: How many.
        visible: Mean number of documents that they might see.
        leaks: Documents that were shown and should not be.
        wanted: Documents that a search for ten had to give.
        found: Of these, those that it gave.
        targets: Searches for the text of a document that the caller may see, and how many had it first.
        baits: Searches for the text of a document that the caller may not see, and how many showed it.
        seconds: Of all searches.
        searches: How many there were.
    """

    share: float
    cases: int = 0
    visible: float = 0
    leaks: int = 0
    wanted: int = 0
    found: int = 0
    targets: int = 0
    first: int = 0
    baits: int = 0
    taken: int = 0
    seconds: float = 0
    searches: int = 0

    @property
    def recall(self) -> float:
        """Share of what had to be found that was found."""
        return self.found / max(1, self.wanted)


@dataclass(slots=True)
class _Corpus:
    items: dict[str, SourceItem]
    tokens: dict[str, frozenset[str]] = field(default_factory=dict)


def run_cases(folder: Path, *, cases: int, documents: int, seed: int) -> list[Figures]:
    """Run so many random cases over one corpus of random access lists. Returns the figures, a share each."""
    drawn = random.Random(seed)
    corpus = _corpus(drawn, documents)
    retriever, names = _indexed(folder, corpus, drawn)
    figures = {share: Figures(share) for share in SHARES}
    for number, principal in enumerate(_callers(folder, drawn, cases)):
        share = SHARES[number % len(SHARES)]
        _check(figures[share], corpus, retriever, names, principal, drawn)
    return list(figures.values())


def _check(
    figures: Figures,
    corpus: _Corpus,
    retriever: HybridRetriever,
    names: Callable[[list[str]], dict[str, str]],
    principal: Principal,
    drawn: random.Random,
) -> None:
    held = {f"u:{principal.subject}", "pub", *(f"g:{group}" for group in principal.groups)}
    visible = {name for name, tokens in corpus.tokens.items() if not held.isdisjoint(tokens)}
    hidden = sorted(corpus.tokens.keys() - visible)
    figures.cases += 1
    figures.visible += (len(visible) - figures.visible) / figures.cases

    def search(text: str) -> list[str]:
        question = MaskedQuestion(MaskedText(Masked(text), Masked(text)), "default", _POLICY)
        began = time.perf_counter()
        hits = retriever.retrieve(question, k=K, principal=principal)
        figures.seconds += time.perf_counter() - began
        figures.searches += 1
        by_id = names(sorted({hit.doc_id for hit in hits}))
        shown = [by_id[hit.doc_id] for hit in hits]
        figures.leaks += len(set(shown) - visible)
        figures.wanted += min(K, len(visible))
        figures.found += len(set(shown) & visible)
        return shown

    if visible:
        target = drawn.choice(sorted(visible))
        figures.targets += 1
        figures.first += search(_asked(target))[:1] == [target]
    if hidden:
        bait = drawn.choice(hidden)
        figures.baits += 1
        figures.taken += bait in search(_asked(bait))


def _corpus(drawn: random.Random, documents: int) -> _Corpus:
    """Documents with random lists: for each share a group that so many name, and names that no or few callers have."""
    names = [f"d{number:05d}" for number in range(documents)]
    lists: dict[str, set[str]] = {name: set() for name in names}
    for place, share in enumerate(SHARES):
        for name in drawn.sample(names, max(1, round(share * documents))):
            lists[name].add(f"g:corp|share-{place}")
    for name in names:
        lists[name] |= {f"g:corp|noise-{drawn.randrange(_NOISE)}" for _ in range(drawn.randrange(3))}
        lists[name] |= {f"g:erp|share-{drawn.randrange(len(SHARES))}" for _ in range(drawn.randrange(2))}
        lists[name] |= {f"u:corp|person-{drawn.randrange(_NOISE)}" for _ in range(drawn.randrange(2))}
    tokens = {name: frozenset(held) for name, held in lists.items()}
    return _Corpus({name: _item(name, tokens[name]) for name in names}, tokens)


def _item(name: str, tokens: frozenset[str]) -> SourceItem:
    return SourceItem(native_id=name, name=name, content=_text(name).encode(), media_type="text/plain", access=tokens)


def _asked(name: str) -> str:
    """What is embedded of a document, its title before its text, so that it is the nearest to itself."""
    return f"{name}\n{_text(name)}"


def _text(name: str) -> str:
    words = random.Random(name).sample(_WORDS, 6)
    return f"{name} {' '.join(words)}"


_WORDS = [f"{first}{second}" for first in ("lam", "sto", "ten", "bur", "fil", "zip") for second in
          ("ar", "el", "in", "or", "us", "et", "ig", "ob", "um", "ax")]  # fmt: skip


def _indexed(
    folder: Path, corpus: _Corpus, drawn: random.Random
) -> tuple[HybridRetriever, Callable[[list[str]], dict[str, str]]]:
    """Half in a published generation, half after it; then a twentieth of the lists change, as a sync finds them."""
    light = LightIngest(folder, policy=_POLICY)
    fingerprints = Fingerprints(
        policy=_POLICY,
        encoder=light.embedder.fingerprint,
        chunker=light.chunker.fingerprint,
        dimension=light.embedder.dimension,
        language="en",
    )
    index = CollectionIndex(folder / "index", light.store.index_source(), fingerprints)
    names = list(corpus.items)
    light.sync({name: corpus.items[name] for name in names[: len(names) // 2]})
    index.generations.fold()
    light.sync(dict(corpus.items))
    for name in drawn.sample(names, len(names) // 20):
        corpus.tokens[name] = frozenset(drawn.sample(sorted(corpus.tokens[name]), len(corpus.tokens[name]) // 2))
        corpus.items[name] = _item(name, corpus.tokens[name])
    light.sync(dict(corpus.items))
    retriever = HybridRetriever(
        index, light.store.hit_source(), light.embedder, RecordingRecorder(), collection="default"
    )
    return retriever, light.store.native_ids


def _callers(folder: Path, drawn: random.Random, cases: int) -> Iterator[Principal]:
    """As many callers, by key and by token in turns; each with the group of its share, and others at random."""
    store = KeyStore(folder, drawn.randbytes(32))
    issuer = TestIssuer(algorithm="EdDSA")
    section = OidcSection(
        issuer=issuer.name, audience=AUDIENCE, jwks_url="https://login.example.org/keys", algorithms=("EdDSA",)
    )
    trusted = Issuer("corp", section, jwks=Jwks(section, fetch=lambda: json.dumps(issuer.jwks()).encode()))
    for number in range(cases):
        groups = [f"share-{number % len(SHARES)}", *(f"noise-{drawn.randrange(100 * _NOISE)}" for _ in range(3))]
        person = f"person-{drawn.randrange(100 * _NOISE)}"
        if number % 50:
            yield trusted.verify(read_token(issuer.token(person, groups=groups))).principal
            continue
        record = KeyRecord(
            id=new_id(),
            subject=f"corp|{person}",
            groups=frozenset(f"corp|{group}" for group in groups),
            scopes=frozenset({"search"}),
            created=now(),
            expires=None,
        )
        found = store.check(store.add(record))
        assert found is not None
        yield Principal(found.subject, found.groups)
