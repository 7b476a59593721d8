"""A mailbox over IMAP, read only.

Listing goes by message numbers, which a server may not shift while nothing but FETCH is sent (RFC 3501 section 7.4.1),
and so costs one command for 250 messages however far apart their UIDs are. A folder that cannot be opened but is still
listed ends the pass: taken as empty, all of its documents would be deleted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from ragkit.errors import SourceError
from ragkit.types import Change, Checkpoint, Listed, SourceItem
from ragkit_connectors.mailbox_rules import RECIPIENTS, Rules
from ragkit_connectors.mailbox_session import Account, session
from ragkit_connectors.pace import Pace

_WINDOW = 250
_BREAKS = 3
_BATCH_BYTES = 8 * 1024 * 1024
_NATIVE_ID = re.compile(r"(.*);UIDVALIDITY=(\d+)/;UID=(\d+)", re.DOTALL)
_HEADER = f"BODY.PEEK[HEADER.FIELDS ({' '.join(RECIPIENTS)})]"
_CLOSED = frozenset({"\\noselect", "\\nonexistent"})


@dataclass(frozen=True, slots=True)
class _Message:
    uid: int
    size: int
    came: datetime | None
    access: frozenset[str] | None


class ImapMailbox:
    """What :class:`ragkit_connectors.mailbox.MailboxConnector` does over IMAP; one connection a call.

    Args:
        name: The source's name.
        account: The server and user.
        rules: What counts.
        per_second: Commands a second at the most.
    """

    def __init__(self, name: str, account: Account, rules: Rules, *, per_second: float = 0.0) -> None:
        self._name = name
        self._account = account
        self._rules = rules
        self._pace = Pace(per_second)
        self._words = ["UID", "RFC822.SIZE", "FLAGS", "INTERNALDATE", *([_HEADER] if rules.issuer else [])]

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List every message; the cursor holds a folder, its UIDVALIDITY and the last UID."""
        at_folder, at_validity, at_uid = _place(cursor)
        with self._connected() as client:
            for folder in self._folders(client):
                if folder < at_folder:
                    continue
                opened = self._open(client, folder)
                if opened is None:
                    continue
                validity, count, following = opened
                after = at_uid if (folder, validity) == (at_folder, at_validity) else 0
                for messages in self._list(client, count, following):
                    fresh = [one for one in messages if one.uid > after]
                    for one in fresh:
                        yield Listed(
                            f"{folder};UIDVALIDITY={validity}/;UID={one.uid}", f"{validity}.{one.uid}", one.access
                        )
                    if fresh:
                        yield Checkpoint(json.dumps([folder, validity, fresh[-1].uid]))
        yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read messages, a few megabytes at a time; those that are gone or marked as deleted are left out."""
        wanted: dict[tuple[str, int], list[int]] = {}
        for native_id in native_ids:
            if found := _NATIVE_ID.fullmatch(native_id):
                wanted.setdefault((found[1], int(found[2])), []).append(int(found[3]))
        for (folder, validity), uids in sorted(wanted.items()):
            for start in range(0, len(uids), _WINDOW):
                yield from self._carefully(folder, validity, sorted(uids[start : start + _WINDOW]))

    def probe(self) -> str:
        """Count folders and messages."""
        with self._connected() as client:
            counts = [opened[1] for folder in self._folders(client) if (opened := self._open(client, folder))]
        return f"{len(counts)} folders, {sum(counts)} messages"

    def _carefully(self, folder: str, validity: int, left: list[int]) -> Iterator[SourceItem]:
        """Read messages of one folder. One at which the server hangs up again and again is a problem of its own.

        dovecot does so at a message that it cannot read, and would at every sync; so after a break they are read one
        by one, and where the folder can be opened but its first one not, that one is to blame.
        """
        breaks = 0
        while left:
            found: list[_Message] = []
            try:
                with self._connected() as client:
                    opened = self._open(client, folder)
                    if opened is None or opened[0] != validity:
                        return  # the folder is gone, or has begun anew: these messages are no more
                    self._pace.wait()
                    client.use_uid = True
                    found = self._messages(client, client.fetch(left, self._words))
                    left = [one.uid for one in found]
                    for item, uid in self._read(client, folder, validity, found, single=breaks > 0):
                        left.remove(uid)
                        breaks = min(breaks, 1)
                        yield item
                    return
            except SourceError:
                breaks += 1
                if not found:
                    raise
                if breaks > _BREAKS:
                    blamed = next(one for one in found if one.uid == left[0])
                    yield self._item(folder, validity, blamed, None, problem="unreadable")
                    left, breaks = left[1:], 1

    def _read(
        self, client: Any, folder: str, validity: int, found: Sequence[_Message], *, single: bool
    ) -> Iterator[tuple[SourceItem, int]]:
        batch: list[_Message] = []
        for one in found:
            if one.size > self._rules.max_bytes:
                yield self._item(folder, validity, one, None, problem="too-large"), one.uid
                continue
            if batch and (single or sum(each.size for each in batch) + one.size > _BATCH_BYTES):
                yield from self._bodies(client, folder, validity, batch)
                batch = []
            batch.append(one)
        yield from self._bodies(client, folder, validity, batch)

    def _bodies(
        self, client: Any, folder: str, validity: int, batch: Sequence[_Message]
    ) -> Iterator[tuple[SourceItem, int]]:
        if not batch:
            return
        self._pace.wait()
        found = client.fetch([one.uid for one in batch], ["BODY.PEEK[]"])
        for one in batch:
            body = found.pop(one.uid, {}).get(b"BODY[]")
            if body is not None:
                large = len(body) > self._rules.max_bytes  # the server told less
                yield self._item(folder, validity, one, body, problem="too-large" if large else None), one.uid

    def _item(
        self, folder: str, validity: int, one: _Message, body: bytes | None, *, problem: str | None
    ) -> SourceItem:
        server = f"{self._account.host}:{self._account.port}"
        shown = _shown(folder)
        return SourceItem(
            native_id=f"{folder};UIDVALIDITY={validity}/;UID={one.uid}",
            content=b"" if problem or body is None else body,
            name=f"{one.uid}.eml",
            media_type="message/rfc822",
            uri=f"imap://{server}/{quote(shown)};UIDVALIDITY={validity}/;UID={one.uid}",
            version=f"{validity}.{one.uid}",
            modified=one.came,
            access=one.access,
            metadata={"folder": shown},
            problem=problem,
        )

    def _list(self, client: Any, count: int, following: int) -> Iterator[list[_Message]]:
        """Yield the messages of the open folder, by number and so by UID, a window at a time.

        Raises:
            SourceError: The server told nothing of one that is there; not named, it would be deleted.
        """
        met: set[int] = set()
        for first in range(1, count + 1, _WINDOW):
            self._pace.wait()
            client.use_uid = False
            found = client.fetch(range(first, min(first + _WINDOW, count + 1)), self._words)
            met.update(data[b"UID"] for data in found.values() if b"UID" in data)
            yield self._messages(client, found)
        if len(met) < count:  # some were removed meanwhile, as a rule
            self._pace.wait()
            client.use_uid = True
            if any(uid < following and uid not in met for uid in client.search("ALL")):
                raise SourceError(
                    f"the server of source {self._name!r} lists a folder in part only",
                    remedy="Sync again; see the server's own log.",
                )

    def _messages(self, client: Any, found: Any) -> list[_Message]:
        messages = []
        for key, data in found.items():
            uid = key if client.use_uid else data.get(b"UID")
            flags = {bytes(flag).lower() for flag in data.get(b"FLAGS", ())}
            came = data.get(b"INTERNALDATE")
            if uid is None or b"\\deleted" in flags or not self._rules.takes_day(came):
                continue
            header = next((value for name, value in data.items() if name.startswith(b"BODY[HEADER")), b"")
            messages.append(_Message(uid, data.get(b"RFC822.SIZE", 0), came, self._rules.readers(header or b"")))
        return sorted(messages, key=lambda one: one.uid)

    def _connected(self) -> AbstractContextManager[Any]:
        self._pace.wait()
        return session(self._name, self._account)

    def _folders(self, client: Any) -> list[str]:
        """Return the folders that count, sorted, in the server's own spelling.

        Raises:
            SourceError: There is none; taken as empty, the whole source would be deleted.
        """
        taken = [name for name, plain, roles in self._named(client) if self._rules.takes_folder(plain, roles)]
        if not taken:
            raise SourceError(
                f"source {self._name!r} has no folder", remedy="Compare `include` and `exclude` with the mailbox."
            )
        return sorted(taken)

    def _named(self, client: Any) -> list[tuple[str, str, list[str]]]:
        """Return name, name with ``/`` between levels, and roles of each folder that can be opened."""
        self._pace.wait()
        client.folder_encode = False  # names as they stand: some servers write what is no modified UTF-7
        found = []
        for flags, delimiter, raw in client.list_folders():
            marks = {bytes(flag).decode("ascii", "replace").lower() for flag in flags}
            if not marks & _CLOSED:
                name = raw.decode("ascii") if isinstance(raw, bytes) else raw
                level = bytes(delimiter or b"/").decode("ascii", "replace")
                found.append((name, _shown(name).replace(level, "/"), [mark.removeprefix("\\") for mark in marks]))
        return found

    def _open(self, client: Any, folder: str) -> tuple[int, int, int] | None:
        """Return UIDVALIDITY, number of messages and UIDNEXT (0 if not told), ``None`` when the folder is gone."""
        from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

        self._pace.wait()
        client.folder_encode = False
        try:
            answer = client.select_folder(folder, readonly=True)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            if any(name == folder for name, _, _ in self._named(client)):
                raise
            return None
        return int(answer[b"UIDVALIDITY"]), int(answer[b"EXISTS"]), int(answer.get(b"UIDNEXT", 0))


def _shown(folder: str) -> str:
    """A folder's name as people see it (RFC 3501 section 5.1.3), or as it stands where it is out of form."""
    from imapclient.imap_utf7 import decode

    try:
        return str(decode(folder.encode("ascii")))
    except ValueError:
        return folder


def _place(cursor: str | None) -> tuple[str, int, int]:
    try:
        folder, validity, uid = json.loads(cursor or "null")
        return str(folder), int(validity), int(uid)
    except (ValueError, TypeError):
        return "", 0, 0
