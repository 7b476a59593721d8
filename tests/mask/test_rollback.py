"""A transaction that fails: no token is given out afterwards that is not in the vault."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import text as sql

from ragkit.errors import RagkitError, StoreError
from ragkit.mask.build import build_masker
from ragkit.mask.vault import Vault
from ragkit.policy import Policy
from ragkit.testing.fakes import MemoryVaultTable
from ragkit.testing.light import ANA, LightIngest
from ragkit.types import RawQuestion, VaultRow


class FullDisk(MemoryVaultTable):
    """A table whose transactions fail: at the insert, or after it."""

    def __init__(self, *, at_insert: bool = False) -> None:
        super().__init__()
        self.at_insert = at_insert

    def insert(self, rows: Sequence[VaultRow]) -> None:
        """Store rows, unless the disk is full."""
        if self.at_insert:
            raise StoreError("the disk is full")
        super().insert(rows)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Take back everything when the block fails."""
        kept = (dict(self.rows), dict(self._tokens), set(self._surrogates))
        try:
            yield
        except BaseException:
            self.rows, self._tokens, self._surrogates = kept
            raise


def fail_after_flush(vault: Vault, table: FullDisk) -> None:
    """Flush in a transaction that is rolled back, then discard, as the pipeline does."""
    with suppress(StoreError), table.transaction():
        vault.flush()
        raise StoreError("the disk is full")
    vault.discard()


def test_a_rolled_back_flush_is_forgotten(keys):
    """The value is made anew and stored by the next flush; its token can be revealed."""
    table = FullDisk()
    vault = Vault(keys, table, "support")
    vault.allocate("PERSON", "Galip Yalman")
    fail_after_flush(vault, table)
    token, _ = vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    assert vault.reveal(f"ask {token}") == ("ask Galip Yalman", {"PERSON": 1})
    assert vault.lookup("PERSON", "Galip Yalman")[0] == token


def test_a_look_up_after_a_failure_knows_nothing(keys):
    """Nor do parts and other spellings outlive the failure."""
    table = FullDisk()
    vault = Vault(keys, table, "support")
    vault.allocate_many([("PERSON", "Galip Yalman"), ("PERSON", "GALIP YALMAN")])
    fail_after_flush(vault, table)
    assert not vault._rows.rows(
        [vault._rows.value_mac("PERSON", "galip yalman"), vault._rows.part_mac("name", "yalman")]
    )
    for spelling in ("GALIP YALMAN", "Galip Yalman", "Mr Yalman"):
        token, _ = vault.allocate("PERSON", spelling)
        vault.flush()
        assert vault.reveal(token)[0] == spelling


def test_a_failed_insert_leaves_nothing_pending(keys):
    """When the insert itself fails, discard forgets the rows, and the same value is stored later."""
    table = FullDisk(at_insert=True)
    vault = Vault(keys, table, "support")
    vault.allocate("PERSON", "Galip Yalman")
    with pytest.raises(StoreError):
        vault.flush()
    vault.discard()
    assert vault.pending == 0
    table.at_insert = False
    token, _ = vault.allocate("PERSON", "Galip Yalman")
    vault.flush()
    assert vault.reveal(token)[0] == "Galip Yalman"


def test_a_sync_that_fails_at_the_commit_can_be_repeated(tmp_path):
    """The store refuses the documents after their vault rows went in; the next sync's tokens can all be revealed."""
    light = LightIngest(tmp_path)
    light.masker = build_masker(Policy.default(), light.collection.keys, light.store.vault(), "default")  # type: ignore[assignment]
    trigger = "CREATE TRIGGER full BEFORE INSERT ON documents BEGIN SELECT RAISE(ABORT, 'full'); END"
    with light.database.write() as connection:
        connection.execute(sql(trigger))
    with pytest.raises(RagkitError):
        light.sync({"a": "Dear Ms Galina Yalmanova,\n\nhello"})
    assert light.store.vault().count() == 0
    with light.database.write() as connection:
        connection.execute(sql("DROP TRIGGER full"))
    light.sync({"a": "Dear Ms Galina Yalmanova,\n\nhello"})
    [stored] = light.texts().values()
    assert "Yalmanova" not in "".join(stored)
    assert "Galina Yalmanova" in light.masker.vault.reveal("".join(stored))[0]  # type: ignore[attr-defined]
    question = light.masker.mask_question(RawQuestion("what of yalmanova?"), principal=ANA)
    assert question.counts == {"PERSON": 1}
    light.database.close()
