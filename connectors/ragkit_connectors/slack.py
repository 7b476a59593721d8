"""Slack as a source: a workspace's export, as the zip file that Slack gives or unpacked in a folder. No network.

::

    [[collections.NAME.sources]]
    connector = "slack"
    name = "slack"
    path = "exports/example.zip"            # or the folder; the next export takes its place
    kinds = ["public", "private"]           # also "direct" (dms.json) and "group" (mpims.json)
    unit = "day"                            # a document a channel and day, or "thread": one a thread
    issuer = "corp"                         # members of private channels: `u:corp|U012AB`
    people = "id"                           # or "email": `u:corp|ada@example.org`

A document is Markdown: each message under its author's display name and time (UTC), replies below the message that
they answer, whatever day they came. Mentions stand as names, links as their text and address, files by their names;
they are not fetched. What was deleted is not there, what was edited stands as it was last; people joining and leaving
and the like are left out, and messages of bots unless ``bots``. Each pass reads the whole export: what is not in it
any more is deleted.

A public channel takes the source's ``access``, by default the collection's. Private channels and conversations may be
read by the members that the export names, without those who are deactivated or, with ``people = "email"``, have no
address in it (addresses in lower case); where it names none, nobody, and so where two channels have one folder.
Channels that no list of the export names are left out.

Limits: ``max_bytes`` for a day's file and for a document (``too-large``; a file that is no JSON is ``malformed``, and
with ``unit = "day"`` its document stays as it was), a channel in memory at a time; in a zip a million entries, and
files by the names that the lists make only.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from ragkit.types import Change, Checkpoint, SourceItem, Upsert
from ragkit_connectors.slack_export import Channel, Export, open_export
from ragkit_connectors.slack_text import Thread, Writer, threads
from ragkit_connectors.texts import MIB, of_source
from ragkit_connectors.tokens import check_scope, user_tokens

_KINDS = frozenset({"public", "private", "direct", "group"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConnector:
    """Reads one export of a workspace.

    Args:
        name: The source's name in the configuration.
        path: The zip file, or the folder that it was unpacked into.
        kinds: Which conversations are read, of ``public``, ``private``, ``direct``, ``group``.
        channels: Names of channels; empty for all of the kinds.
        unit: ``day`` or ``thread``.
        bots: Whether messages of bots and applications are read.
        access: Access tokens of public channels; ``None`` takes the collection's.
        issuer: Issuer in the tokens of members; by default the source's name.
        people: Whether members stand in tokens by their ``id`` or their ``email``.
        max_bytes: Of a file of the export, and of a document.
        checkpoint_every: Items between checkpoints.

    Raises:
        ValueError: An option has a value that it cannot have.
    """

    name: str
    path: str = field(repr=False)
    kinds: Sequence[str] = ("public", "private")
    channels: Sequence[str] = ()
    unit: Literal["day", "thread"] = "day"
    bots: bool = False
    access: Sequence[str] | None = None
    issuer: str = ""
    people: Literal["id", "email"] = "id"
    max_bytes: int = 50 * MIB
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        check_scope(self.issuer or self.name)
        if not set(self.kinds) <= _KINDS or self.unit not in ("day", "thread") or self.people not in ("id", "email"):
            raise ValueError("unknown kinds, unit or people")

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """Read the export channel by channel; the cursor is void once there is another export.

        Raises:
            SourceError: There is no export at the path, or it cannot be read.
        """
        with open_export(self.path, self.name, self.max_bytes) as export:
            after = _after(cursor, export.mark)
            since = 0
            for channel in self._chosen(export):
                if channel.id < after:
                    continue
                for item in self._items(export, channel):
                    since += 1
                    yield Upsert(item)
                if since >= self.checkpoint_every:
                    since = 0
                    yield Checkpoint(json.dumps({"export": export.mark, "channel": channel.id + "\0"}))
        yield Checkpoint(None, complete=True)

    def probe(self) -> str:
        """Count the channels.

        Raises:
            SourceError: There is no export at the path, or it cannot be read.
        """
        with open_export(self.path, self.name, self.max_bytes) as export:
            return f"{len(self._chosen(export))} channels"

    def _chosen(self, export: Export) -> list[Channel]:
        return [
            channel
            for channel in export.channels
            if channel.kind in self.kinds and (not self.channels or channel.name in self.channels)
        ]

    def _items(self, export: Export, channel: Channel) -> Iterator[SourceItem]:
        messages: list[dict[str, Any]] = []
        lost: set[str] = set()
        for day in export.days(channel):
            found = export.messages(channel, day)
            if isinstance(found, str):
                if self.unit == "day":
                    lost.add(day)
                yield self._item(export, channel, day if self.unit == "day" else f"{day}/file", day, problem=found)
            else:
                messages += found
        writer = Writer(export.users, {one.id: one.name for one in export.channels})
        documents: dict[str, list[Thread]] = {}
        for thread in threads(messages, bots=self.bots):
            documents.setdefault(thread.day if self.unit == "day" else thread.ts, []).append(thread)
        for key, held in documents.items():
            if key in lost:  # late replies to what cannot be read; the document stays as it was
                continue
            content = writer.write(held).encode("utf-8", "replace")
            last = max(thread.last for thread in held)
            if len(content) > self.max_bytes:
                yield self._item(export, channel, key, held[0].day, b"", last, "too-large")
            else:
                yield self._item(export, channel, key, held[0].day, content, last)

    def _item(
        self,
        export: Export,
        channel: Channel,
        key: str,
        day: str,
        content: bytes = b"",
        last: datetime | None = None,
        problem: str | None = None,
    ) -> SourceItem:
        title = f"{'#' if channel.kind in ('public', 'private') else ''}{channel.name}, {day}"
        return SourceItem(
            native_id=f"{channel.id}/{key}",
            content=content,
            name=title,
            title=title,
            media_type="text/markdown",
            version=None if problem else hashlib.sha256(content).hexdigest(),
            modified=last,
            access=self._access(export, channel),
            metadata={"channel": channel.name, "kind": channel.kind, "day": day},
            problem=problem,
        )

    def _access(self, export: Export, channel: Channel) -> frozenset[str] | None:
        if channel.kind == "public":
            return of_source(self.access)
        known = [export.users[one] for one in channel.members if one in export.users]
        names = [user.email.lower() if self.people == "email" else user.id for user in known if not user.deactivated]
        return user_tokens(self.issuer or self.name, (name for name in names if name))


def _after(cursor: str | None, mark: str) -> str:
    try:
        state = json.loads(cursor or "{}")
        return str(state["channel"]) if state["export"] == mark else ""
    except (ValueError, TypeError, KeyError):
        return ""
