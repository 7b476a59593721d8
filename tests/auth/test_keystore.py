"""API keys at rest and at the door: what is on the disk, what opens, what does not any more."""

from __future__ import annotations

import sqlite3
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from ragkit.auth.keystore import FILE, KEY, KeyRecord, KeyStore, new_id, now
from ragkit.errors import KeyMismatch, StoreError

SECRET = bytes(range(32))


def record(**more: object) -> KeyRecord:
    """What is kept of a key."""
    plain = KeyRecord(
        id=new_id(),
        subject="crm|galina.yalmanova",
        groups=frozenset({"crm|staff"}),
        scopes=frozenset({"search"}),
        created=now(),
        expires=now() + 3600,
        name="Galina's laptop",
    )
    return replace(plain, **more)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> KeyStore:
    """A store without a key."""
    return KeyStore(tmp_path, SECRET)


def test_a_key_opens_what_was_kept_of_it(store: KeyStore) -> None:
    """All of the record comes back, and the key is of 32 random bytes."""
    kept = record(replaced=new_id())
    key = store.add(kept)
    assert KEY.fullmatch(key)
    assert store.check(key) == kept
    assert store.every() == [kept]


def test_what_is_nearly_a_key_opens_nothing(store: KeyStore) -> None:
    """Another secret, another id, another spelling, a piece, something around it."""
    first, second = store.add(record()), store.add(record())
    head, secret = first.rsplit("_", 1)[0][:19], first[20:]
    wrong = [
        "",
        "rk_",
        first[:-1],
        first + "A",
        first + "\n",
        " " + first,
        first.upper(),
        first.replace("rk_", "sk_"),
        f"{head}_{second[20:]}",
        f"{second[:19]}_{secret}",
        f"{head}_{'A' * 43}",
        f"rk_{'a' * 16}_{secret}",
        f"rk_' OR 1=1 --_{secret}",
        first[:-1] + ("B" if first[-1] != "B" else "C"),
    ]
    assert [store.check(one) for one in wrong] == [None] * len(wrong)
    assert store.check(first) is not None


def test_the_last_character_is_part_of_the_key(store: KeyStore) -> None:
    """Base64 of 32 bytes leaves two bits over: another last character decodes to the same bytes, and is another key."""
    key = store.add(record())
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    others = [key[:-1] + one for one in alphabet if one != key[-1]]
    assert not any(store.check(one) for one in others)


def test_without_a_file_nothing_opens_and_none_is_made(tmp_path: Path) -> None:
    """Looking makes nothing."""
    store = KeyStore(tmp_path, SECRET)
    assert store.check(f"rk_{'a' * 16}_{'A' * 43}") is None
    assert store.every() == []
    assert list(tmp_path.iterdir()) == []


def test_the_file_is_the_owners_and_names_nobody(store: KeyStore, tmp_path: Path) -> None:
    """Mode 0600; no name, subject, group, scope or key in its bytes, nor in the repr of anything."""
    kept = record()
    key = store.add(kept)
    store.used(kept.id, "2026-11-22")
    store.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    for secret in (key, key[20:], kept.subject, "crm|staff", "galina", "Galina", "search"):
        assert secret.encode() not in raw
        assert secret not in repr(store) + repr(kept.id) + repr((kept.subject and store,))
    assert "galina" not in repr(kept).lower()
    assert kept.id.encode() in raw


def test_records_of_different_people_are_of_one_size(store: KeyStore, tmp_path: Path) -> None:
    """The length of a sealed record does not tell whose it is."""
    store.add(record(subject="crm|bo", name=""))
    store.add(record(subject="crm|" + "x" * 60))
    store.close()
    with sqlite3.connect(tmp_path / FILE) as database:
        sizes = {row[0] for row in database.execute("SELECT length(sealed) FROM api_keys")}
    assert len(sizes) == 1


def test_revoked_means_revoked_in_every_open_store(store: KeyStore, tmp_path: Path) -> None:
    """Another process's revocation is seen by the next look, and taking the mark away revives nothing."""
    kept = record()
    key = store.add(kept)
    elsewhere = KeyStore(tmp_path, SECRET)
    assert elsewhere.check(key) is not None
    assert store.revoke(kept.id, now())
    assert not store.revoke(kept.id, now())
    for found in (elsewhere.check(key), elsewhere.find(kept.id)):
        assert found is not None
        assert not found.alive(now())
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute("UPDATE api_keys SET revoked = NULL")
    database.close()
    assert (found := elsewhere.check(key)) is not None
    assert not found.alive(now())


def test_a_row_cannot_be_widened_or_moved(store: KeyStore, tmp_path: Path) -> None:
    """Whoever can write the file but has no secret can neither add a key nor give one another's rights."""
    weak, strong = record(), record(scopes=frozenset({"operate"}))
    key = store.add(weak)
    store.add(strong)
    with sqlite3.connect(tmp_path / FILE) as database:
        database.execute(
            "UPDATE api_keys SET sealed = (SELECT sealed FROM api_keys WHERE id = ?) WHERE id = ?",
            (strong.id, weak.id),
        )
    database.close()
    with pytest.raises(KeyMismatch):
        store.check(key)


def test_another_secret_opens_nothing(store: KeyStore, tmp_path: Path) -> None:
    """A copy of the file in another workspace is worth nothing."""
    key = store.add(record())
    assert KeyStore(tmp_path, bytes(32)).check(key) is None


def test_a_key_ends(store: KeyStore) -> None:
    """At its time and not a second later; one without an end does not."""
    kept = record(expires=1000)
    assert kept.alive(999.9)
    assert not kept.alive(1000)
    assert replace(kept, expires=None).alive(1e12)
    key = store.add(kept)
    store.end(kept, 500)
    assert (found := store.check(key)) is not None
    assert found.expires == 500


def test_a_link_is_not_written_through(tmp_path: Path) -> None:
    """A link in the data directory could name any file of the user."""
    elsewhere = tmp_path / "elsewhere"
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / FILE).symlink_to(elsewhere)
    with pytest.raises(StoreError, match="link"):
        KeyStore(folder, SECRET).add(record())
    assert not elsewhere.exists()


def test_many_threads_look_while_one_writes(store: KeyStore, tmp_path: Path) -> None:
    """Nobody sees an error, and a key that is made is found at once."""
    keys = [store.add(record())]
    failures: list[object] = []
    over = threading.Event()

    def look() -> None:
        while not over.is_set():
            try:
                if store.check(keys[-1]) is None:
                    failures.append("a key was not found")
            except Exception as bad:
                failures.append(bad)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for one in threads:
        one.start()
    writer = KeyStore(tmp_path, SECRET)
    for made in (writer.add(record()) for _ in range(10)):
        keys.append(made)  # noqa: PERF402 - each is looked up while the next is made
    over.set()
    for one in threads:
        one.join()
    assert failures == []


def test_a_store_is_not_pickled(store: KeyStore) -> None:
    """It holds the secret."""
    with pytest.raises(TypeError):
        store.__reduce__()


def test_no_key_is_made_of_anything_that_is_told(store: KeyStore) -> None:
    """Two keys of one id, holder and moment have nothing in common (as CVE-2025-69286: derived from another token)."""
    kept = record()
    first = store.add(kept)
    store.remove([kept.id])
    second = store.add(kept)
    assert first[:20] == second[:20] == f"rk_{kept.id}_"
    assert first[20:] != second[20:]
    assert store.check(first) is None
    assert len({new_id() for _ in range(1000)}) == 1000
