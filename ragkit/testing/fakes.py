"""In-memory parts that keep the contracts of :mod:`ragkit.protocols`, for tests without files."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ragkit.crypto import key_number
from ragkit.errors import VaultError
from ragkit.types import Principal, VaultRow


class MemoryVaultTable:
    """A :class:`~ragkit.protocols.VaultTable` in a dictionary, with the store's uniqueness constraints.

    It knows of no documents: whatever was inserted counts as readable by everybody.
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, VaultRow] = {}
        self._tokens: dict[str, bytes] = {}
        self._surrogates: set[bytes] = set()
        self.calls = 0

    def epoch(self) -> int:
        """Nothing is ever destroyed here."""
        return 0

    def by_mac(self, macs: Collection[bytes]) -> dict[bytes, VaultRow]:
        """Rows of these values."""
        self.calls += 1
        return {mac: self.rows[mac] for mac in macs if mac in self.rows}

    def by_token(self, tokens: Collection[str]) -> dict[str, VaultRow]:
        """Rows of these token ids."""
        self.calls += 1
        return {token: self.rows[self._tokens[token]] for token in tokens if token in self._tokens}

    def surrogates_taken(self, surrogate_macs: Collection[bytes]) -> set[bytes]:
        """Which of these surrogates are somebody's."""
        self.calls += 1
        return self._surrogates & set(surrogate_macs)

    def named(self, name: int, limit: int) -> list[VaultRow]:
        """Rows with this name key."""
        self.calls += 1
        return [row for row in self.rows.values() if name in row.names][:limit]

    def classes_for(self, principal: Principal) -> frozenset[int]:  # noqa: ARG002 (nobody is shut out)
        """One class, which everybody may read."""
        return frozenset({0})

    def seen(self, numbers: Collection[int], classes: Collection[int]) -> set[int]:
        """Which of these numbers any row has."""
        self.calls += 1
        known = {key_number(mac) for mac in self.rows}.union(*(row.names for row in self.rows.values()))
        return known & set(numbers) if classes else set()

    def denied(self) -> frozenset[str]:
        """Nothing is denied here."""
        return frozenset()

    def insert(self, rows: Sequence[VaultRow]) -> None:
        """Store rows.

        Raises:
            VaultError: A value, token or surrogate is there already.
        """
        for row in rows:
            taken = row.value_mac in self.rows or row.surrogate_mac in self._surrogates or row.token in self._tokens
            if taken:
                raise VaultError("a value, token or surrogate is in the vault already", remedy="Look it up first.")
            self.rows[row.value_mac] = row
            self._surrogates.add(row.surrogate_mac)
            if row.token is not None:
                self._tokens[row.token] = row.value_mac
