"""What a store really holds, opened beside the product: what detection found in which document, and what is linked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from benchmarks.company.setting import COLLECTION
from benchmarks.company.truth import plain, same
from ragkit.crypto import key_number
from ragkit.errors import KeyMismatch
from ragkit.workspace import Workspace


class Held:
    """The vault's values by document, and the groups of values that stand together as one person's.

    Attributes:
        paths: The company's paths by document id.
        groups: By path, the groups of values that the store links.
    """

    def __init__(self, workspace: Workspace) -> None:
        from sqlalchemy import select

        from ragkit.store.schema import links, mentions, vault, versions

        part = workspace._handles.reader(COLLECTION)
        own = part.masker.vault
        by_number: dict[int, set[str]] = defaultdict(set)
        found: dict[str, set[str]] = defaultdict(set)
        together: dict[tuple[str, int], set[str]] = defaultdict(set)
        with part.store.database.read() as connection:
            tokens = connection.execute(select(vault.c.token).where(vault.c.token.is_not(None))).scalars().all()
            for row in own._rows.by_token(tokens).values():
                with suppress(KeyMismatch):
                    value = own._rows.open(row).value
                    for number in (own.value_number((row.entity_type, value)), key_number(row.value_mac)):
                        by_number[number].add(value)
            current = versions.c.state == "current"
            query = select(versions.c.doc_id, mentions.c.key).join(
                mentions, mentions.c.version_id == versions.c.version_id
            )
            for doc_id, number in connection.execute(query.where(current)):
                found[doc_id] |= by_number.get(number, set())
            linked = select(versions.c.doc_id, links.c.person, links.c.key).join(
                links, links.c.version_id == versions.c.version_id
            )
            for doc_id, person, number in connection.execute(linked.where(current)):
                together[doc_id, person] |= by_number.get(number, set())
        self.paths = paths_of(workspace, sorted({*found, *(doc_id for doc_id, _ in together)}))
        self._values = {self.paths[doc_id]: values for doc_id, values in found.items()}
        self._plain = {path: {plain(value) for value in values} for path, values in self._values.items()}
        self.groups: dict[str, list[set[str]]] = defaultdict(list)
        for (doc_id, _), values in together.items():
            self.groups[self.paths[doc_id]].append(values)

    def values(self, path: str) -> set[str]:
        """What detection found in a document, as the vault has it; one spelling may stand for another."""
        return self._values.get(path, set())

    def has(self, path: str, value: str) -> bool:
        """Whether detection found this value, or most of it, in this document."""
        return plain(value) in self._plain.get(path, ()) or any(same(one, value) for one in self.values(path))


def paths_of(workspace: Workspace, doc_ids: Sequence[str]) -> dict[str, str]:
    """The company's paths by document id."""
    native = workspace._handles.reader(COLLECTION).store.native_ids(doc_ids)
    return {key: f"records.jsonl#{name}" if name.startswith("call-") else name for key, name in native.items()}
