"""Where API keys are kept: ``callers.db`` in the data folder, mode 0600, written by any number of processes.

Of a key there is its id, the keyed hash of the whole (HMAC-SHA256 under the workspace's own secret, which stays the
same when the root key is changed), and, sealed under that secret, whose it is and what it may. So a copy of the file
opens no door and names nobody, and without the secret nobody can add a key or widen one. A revoked key loses its hash:
putting the mark back does not revive it. The file is in no backup, since a restored one would revive what was revoked.

Each request looks the row up in the file, by the id alone: what another process revoked is revoked at once.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, LargeBinary, MetaData, String, Table, delete, insert, select, update

from ragkit import crypto
from ragkit.config_serve import SCOPES, Scope
from ragkit.errors import StoreError
from ragkit.store.keyfile import KeyFile

FILE = "callers.db"
KEY = re.compile(r"rk_([a-z2-7]{16})_([A-Za-z0-9_-]{43})")
"""How an API key is written: its id, and 32 random bytes in base64url."""

_VERSION = 1
_ID_BYTES = 10
_SECRET_BYTES = 32
_NOBODYS = bytes(32)
_metadata = MetaData()
_keys = Table(
    "api_keys",
    _metadata,
    Column("id", String, primary_key=True),
    Column("mac", LargeBinary, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("last_used", String, nullable=False),
    Column("revoked", Integer),
)
_BY_ID = "SELECT mac, sealed, last_used, revoked FROM api_keys WHERE id = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRecord:
    """What is known of an API key.

    Attributes:
        id: Opaque, part of the key, no secret.
        subject: Who calls with it, ``issuer|name``.
        groups: Their groups, ``source|name``.
        scopes: What it may be used for.
        created: Unix time, as are ``expires`` and ``revoked``.
        expires: ``None`` for never.
        name: What its maker called it.
        replaced: Id of the key that it replaces; empty for none.
        last_used: Day, UTC, ISO 8601; empty for never.
    """

    id: str
    subject: str = field(repr=False)
    groups: frozenset[str] = field(repr=False)
    scopes: frozenset[Scope]
    created: int
    expires: int | None
    name: str = field(default="", repr=False)
    replaced: str = ""
    last_used: str = ""
    revoked: int | None = None

    def alive(self, now: float) -> bool:
        """Whether it opens anything at a time."""
        return self.revoked is None and (self.expires is None or now < self.expires)


class KeyStore:
    """The file; safe to use from several threads. Opened by the first look, made with the first key.

    Args:
        folder: The data folder.
        secret: The workspace's own secret for ``api-keys``, 32 bytes.
    """

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._path = folder / FILE
        self._pepper = crypto.derive(secret, "api-key-hash")
        self._sealing = crypto.derive(secret, "api-key-record")
        self._file = KeyFile(self._path, writable=True)

    def check(self, text: str) -> KeyRecord | None:
        """Return the record of a key, also of one that is over; ``None`` for what is no key here.

        An unknown id costs what a known one with a wrong secret costs.

        Raises:
            StoreError: The file cannot be read.
        """
        parts = KEY.fullmatch(text)
        number = parts[1] if parts else "a" * 16
        rows = self._rows(_BY_ID, (number,))
        kept = rows[0][0] if rows else _NOBODYS
        mac = self._mac(number, parts[2] if parts else "A" * 43)
        fits, fitted = (hmac.compare_digest(kept, one) for one in (mac, self._spent(mac)))
        if not rows or not (fits or fitted):
            return None
        record = self._opened(number, *rows[0][1:])
        return record if fits else replace(record, revoked=record.revoked or 0)

    def find(self, number: str) -> KeyRecord | None:
        """Return the record of an id, also of a key that is over.

        Raises:
            StoreError: The file cannot be read.
        """
        rows = self._rows(_BY_ID, (number,))
        return self._opened(number, *rows[0][1:]) if rows else None

    def every(self) -> list[KeyRecord]:
        """Return all records, the oldest first.

        Raises:
            StoreError: The file cannot be read.
        """
        rows = self._rows("SELECT id, sealed, last_used, revoked FROM api_keys")
        return sorted((self._opened(*row) for row in rows), key=lambda one: (one.created, one.id))

    def add(self, record: KeyRecord) -> str:
        """Keep a new key with this record and return the key; it is told here and never again."""
        text = f"rk_{record.id}_{secrets.token_urlsafe(_SECRET_BYTES)}"
        parts = KEY.fullmatch(text)
        assert parts is not None
        row = {
            "id": record.id,
            "mac": self._mac(record.id, parts[2]),
            "sealed": self._sealed(record),
            "last_used": "",
            "revoked": None,
        }
        with self._writing() as connection:
            connection.execute(insert(_keys).values(**row))
        return text

    def end(self, record: KeyRecord, expires: int) -> None:
        """Let a key end at a time."""
        sealed = self._sealed(replace(record, expires=expires))
        with self._writing() as connection:
            connection.execute(update(_keys).where(_keys.c.id == record.id).values(sealed=sealed))

    def revoke(self, number: str, at: int) -> bool:
        """Revoke a key: its hash gives way to one by which it is only recognised. False when it was revoked before."""
        mine = (_keys.c.id == number) & (_keys.c.revoked.is_(None))
        with self._writing() as connection:
            mac = connection.execute(select(_keys.c.mac).where(mine)).scalar_one_or_none()
            if mac is not None:
                connection.execute(update(_keys).where(mine).values(revoked=at, mac=self._spent(mac)))
            return mac is not None

    def used(self, number: str, day: str) -> None:
        """Note the day on which a key was used."""
        with self._writing() as connection:
            connection.execute(update(_keys).where(_keys.c.id == number).values(last_used=day))

    def remove(self, numbers: list[str]) -> None:
        """Take records out."""
        with self._writing() as connection:
            for number in numbers:
                connection.execute(delete(_keys).where(_keys.c.id == number))

    def close(self) -> None:
        """Close the file; it opens again when it is needed."""
        self._file.close()

    def _rows(self, query: str, parameters: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        version = self._file.look("PRAGMA user_version")
        return self._file.look(query, parameters) if version and version[0][0] else []  # made, and nothing in it yet

    @contextmanager
    def _writing(self) -> Iterator[Any]:
        if self._path.is_symlink():
            raise StoreError("callers.db is a link", remedy="Put the file itself in the data directory.")
        if not self._path.exists():
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
        with self._file.write() as connection:
            version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
            if version > _VERSION:
                raise StoreError("callers.db is of a newer ragkit", remedy="Use the newer version.")
            if version < _VERSION:
                _metadata.create_all(connection)
                connection.exec_driver_sql(f"PRAGMA user_version = {_VERSION}")
            yield connection

    def _mac(self, number: str, secret: str) -> bytes:
        return crypto.keyed_hash(self._pepper, "api-key", number, secret)

    def _spent(self, mac: bytes) -> bytes:
        """What stands for a revoked key; nothing leads back from it."""
        return crypto.keyed_hash(self._pepper, "revoked", mac)

    def _sealed(self, record: KeyRecord) -> bytes:
        told = {
            "subject": record.subject,
            "groups": sorted(record.groups),
            "scopes": sorted(record.scopes),
            "created": record.created,
            "expires": record.expires,
            "name": record.name,
            "replaced": record.replaced,
        }
        return crypto.seal(self._sealing, crypto.pad(json.dumps(told).encode(), 256), bound_to=f"api-key/{record.id}")

    def _opened(self, number: str, sealed: bytes, last_used: str, revoked: int | None) -> KeyRecord:
        told = json.loads(crypto.unpad(crypto.unseal(self._sealing, sealed, bound_to=f"api-key/{number}")))
        told["groups"] = frozenset(told["groups"])
        told["scopes"] = frozenset(one for one in SCOPES if one in told["scopes"])
        return KeyRecord(id=number, last_used=last_used, revoked=revoked, **told)

    def __repr__(self) -> str:
        return "KeyStore()"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a store of keys is not pickled; open it again where it is needed")


def new_id() -> str:
    """Return a new random id of a key: 80 bits, 16 characters of base32."""
    return base64.b32encode(secrets.token_bytes(_ID_BYTES)).decode().lower()


def now() -> int:
    """The Unix time in whole seconds."""
    return int(time.time())
