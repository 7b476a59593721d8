"""After a restore: what was erased since the backup was made is erased from it too, before anybody asks.

Record keys that were destroyed make most of a backup unreadable already. What is left is done here: documents that are
to stay away, tokens that nothing can turn back any more, and what stands in clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ragkit.lifecycle.history import destroy_past
from ragkit.lifecycle.rewrite import rewrite
from ragkit.mask.operators import redacted
from ragkit.mask.tokens import find_tokens
from ragkit.store.erasure import ErasureRows
from ragkit.store.pastrows import PastRows

if TYPE_CHECKING:
    from ragkit.mask.rulings import Rulings
    from ragkit.mask.vault import Vault
    from ragkit.mask.views import Replacement
    from ragkit.protocols import Embedder, Progress, Recorder
    from ragkit.store.records import RecordStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What a replay did, in counts: documents removed, documents redacted, vault rows deleted, names forgotten."""

    removed: int = 0
    redacted: int = 0
    values: int = 0
    names: int = 0


def replay(
    store: RecordStore,
    vault: Vault,
    rulings: Rulings,
    embedder: Embedder,
    *,
    recorder: Recorder,
    progress: Progress | None = None,
) -> Replayed:
    """Apply all erasures to a restored collection; the write lock is held. Documents without a key are gone already.

    Can be repeated. The caller folds the index afterwards.

    Args:
        store: The restored records, open for writing.
        vault: Their values.
        rulings: What was erased.
        embedder: Embeds what is redacted.
        recorder: Gets a ``doc.rewritten`` for each document redacted, and what is destroyed of past versions.
        progress: Called with ``"rewrite"``.
    """
    rows = ErasureRows(store.database, store.collection)
    known = rulings.known
    away = sorted(store.rulings().kept_away(rows.documents()))
    removed = rows.set_aside(away)
    erased = [bytes(mac) for mac in _erased_rows(rows, vault, known.own)]
    store.collection.records.destroy_values([int.from_bytes(mac[:8], "big", signed=True) for mac in erased])
    values = rows.delete_values(erased)
    vault.discard()
    find = rulings.erased_in
    dead: dict[str, bool] = {}

    def replace(entity_type: str, token_id: str) -> Replacement | None:
        return redacted(entity_type) if dead.get(token_id) else None

    def names_erased(texts: list[str]) -> bool:
        tokens = {token_id for text in texts for _, _, _, token_id in find_tokens(text)} - dead.keys()
        living = vault.items_of(tokens)
        dead.update({token_id: token_id not in living for token_id in tokens})
        here = (token_id for text in texts for _, _, _, token_id in find_tokens(text))
        return any(dead[token_id] for token_id in here) or (bool(known) and any(find(text) for text in texts))

    past = PastRows(store.database, store.collection)
    old = [place for place, texts in past.texts() if names_erased(texts)]
    destroy_past(store, old, "erasure", recorder=recorder)
    again = [doc_id for doc_id, texts in rows.texts() if names_erased(texts)]
    report = rewrite(
        store, embedder, vault, again, replace, recorder=recorder, find=find if known else None, progress=progress
    )
    named = [doc_id for doc_id, name in rows.native_ids() if rulings.names_erased(name)]
    rows.forget_names(named)
    return Replayed(removed=removed, redacted=len(report.documents), values=values, names=len(named))


def _erased_rows(rows: ErasureRows, vault: Vault, own: dict[int, list[tuple[str, str, str | None]]]) -> list[bytes]:
    """The vault rows of values that are ruled out wherever they stand."""
    gone = {number for number, rules in own.items() if any(verb == "erase" for _, verb, _ in rules)}
    if not gone:
        return []
    return [
        row.value_mac
        for some in rows.vault_rows()
        for row in some
        if row.kind == "value" and vault.value_number((row.entity_type, vault.opened(row).value)) in gone
    ]
