"""Messages of Slack as Markdown: what was said in the end, by whom, and what it answers.

Source: api.slack.com, "Formatting text for app surfaces" and the message events.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from typing import Any

from ragkit_connectors.slack_export import User

_KEPT = frozenset(
    {"", "thread_broadcast", "file_share", "me_message", "file_comment", "reply_broadcast", "bot_message"}
)
"""Subtypes of messages in which somebody says something; the others are events such as joining."""
_MARKED = re.compile(r"<([^<>]*)>")
_CODE = re.compile(r"(```.*?```|`[^`\n]+`)", re.DOTALL)
_LINE = re.compile(r"^( {0,3})(?=[#>|]|={3,}|-{3,})", re.MULTILINE)
"""Where a line would begin a heading, a quotation or a table."""
_ENTITIES = {"&lt;": "<", "&gt;": ">", "&amp;": "&"}


@dataclass(slots=True)
class Thread:
    """A message, and the replies to it."""

    ts: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def day(self) -> str:
        """The day of the message, by UTC."""
        return _time(self.ts).strftime("%Y-%m-%d")

    @property
    def last(self) -> datetime:
        """When the last of it was said."""
        return _time(max((str(one["ts"]) for one in self.messages), key=float))


def threads(events: Iterable[Mapping[str, Any]], *, bots: bool) -> list[Thread]:
    """Put the events of a channel together: edits and deletions carried out, replies with what they answer."""
    said: dict[str, dict[str, Any]] = {}
    gone: set[str] = set()
    for event in events:
        subtype = _word(event, "subtype")
        if subtype == "message_deleted":
            gone.add(str(event.get("deleted_ts") or _inner(event, "previous_message").get("ts")))
        elif subtype == "message_changed":
            _keep(said, _inner(event, "message"), gone, bots)
        else:
            _keep(said, event, gone, bots)
    found: dict[str, Thread] = {}
    for ts in sorted(said, key=float):
        if ts not in gone:
            root = said[ts].get("thread_ts")
            root = root if isinstance(root, str) and _is_time(root) else ts
            found.setdefault(root, Thread(root)).messages.append(said[ts])
    return sorted(found.values(), key=lambda thread: float(thread.ts))


def _keep(said: dict[str, dict[str, Any]], event: Mapping[str, Any], gone: set[str], bots: bool) -> None:
    ts, subtype = event.get("ts"), _word(event, "subtype")
    if not isinstance(ts, str) or not _is_time(ts):
        return
    if subtype == "tombstone" or event.get("hidden"):
        gone.add(ts)
    elif subtype in _KEPT and (bots or not (event.get("bot_id") or subtype == "bot_message")):
        before = said.get(ts)
        if before is None or _edited(event) >= _edited(before):
            said[ts] = dict(event)


def _edited(event: Mapping[str, Any]) -> float:
    when = str(_inner(event, "edited").get("ts") or "0")
    return float(when) if _is_time(when) else 0.0


def _inner(event: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = event.get(key)
    return value if isinstance(value, dict) else {}


def _word(event: Mapping[str, Any], key: str) -> str:
    value = event.get(key)
    return value if isinstance(value, str) else ""


def _rows(event: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    value = event.get(key)
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _is_time(ts: str) -> bool:
    return re.fullmatch(r"\d{1,10}(\.\d{1,6})?", ts) is not None


def _time(ts: str) -> datetime:
    return datetime.fromtimestamp(float(ts), UTC)


class Writer:
    """Writes messages down.

    Args:
        users: By id.
        channels: Names by id.
    """

    def __init__(self, users: Mapping[str, User], channels: Mapping[str, str]) -> None:
        self._users = users
        self._channels = channels

    def write(self, held: Sequence[Thread]) -> str:
        """The threads of one document; replies stand one heading lower."""
        parts = []
        for thread in held:
            for message in thread.messages:
                level = "##" if str(message["ts"]) == thread.ts else "###"
                when = _time(str(message["ts"])).strftime("%Y-%m-%d %H:%M")
                parts.append(f"{level} {_inline(self._author(message))}, {when}\n\n{self._body(message)}\n")
        return "\n".join(parts)

    def _author(self, message: Mapping[str, Any]) -> str:
        user = self._users.get(str(message.get("user") or ""))
        if user is not None:
            return user.name
        profile = _inner(message, "user_profile")
        names = (profile.get("display_name"), profile.get("real_name"), message.get("username"))
        return next((" ".join(one.split()) for one in names if isinstance(one, str) and one.strip()), "someone")

    def _body(self, message: Mapping[str, Any]) -> str:
        lines = [self.text(text) for text in _texts(message)]
        for file in _rows(message, "files"):
            if file.get("mode") != "tombstone":
                name = file.get("title") or file.get("name")
                lines.append(f"File: {_inline(str(name))}" if name else "File")
        return "\n\n".join(lines)

    def text(self, raw: str) -> str:
        """Slack's marking as Markdown, in which nothing else than code is marked as anything but text."""
        pieces = []
        for number, piece in enumerate(_CODE.split(raw)):
            marked = _MARKED.sub(lambda match: self._marked(match[1]), piece)
            if number % 2:
                pieces.append(_fenced(_plain(marked)) if piece.startswith("```") else _plain(marked))
            else:
                pieces.append(_LINE.sub(r"\1\\", marked.replace("`", "\\`")))
        return "".join(pieces).strip()

    def _marked(self, inside: str) -> str:
        """What stands between angle brackets: a person, a channel, a group, a date or a link."""
        target, _, label = inside.partition("|")
        if target.startswith("@"):
            user = self._users.get(target[1:])
            return "@" + _inline(user.name if user is not None else label or "someone")
        if target.startswith("#"):
            return "#" + _inline(label or self._channels.get(target[1:], "channel"))
        if target.startswith("!"):
            return _inline(label) if label else "@" + _inline(target[1:].partition("^")[0])
        address = target.removeprefix("mailto:")
        return address if not label or label == address else f"{label} ({address})"


def _texts(message: Mapping[str, Any]) -> Iterator[str]:
    """The text of a message; of its blocks where it has none; and of what it quotes or unfurls."""
    text = _word(message, "text")
    if text.strip():
        yield text
    else:
        said = "".join(_leaves(message.get("blocks"), 0))
        if said.strip():
            yield said
    for quoted in _rows(message, "attachments"):
        lines = [line for key in ("title", "text") if (line := _word(quoted, key)).strip()]
        yield from lines or filter(str.strip, [_word(quoted, "fallback")])


def _leaves(block: Any, depth: int) -> Iterator[str]:
    """The text in nested blocks, people and links marked as in plain messages."""
    if depth > 20:
        return
    if isinstance(block, list):
        for one in block:
            yield from _leaves(one, depth + 1)
    elif isinstance(block, dict):
        kind = block.get("type")
        if kind == "user":
            yield f"<@{block.get('user_id', '')}>"
        elif kind == "channel":
            yield f"<#{block.get('channel_id', '')}>"
        elif kind == "link":
            yield f"<{block.get('url', '')}|{block.get('text') or block.get('url', '')}>"
        elif isinstance(block.get("text"), str):  # all but mrkdwn is text as it stands
            yield str(block["text"]) if kind == "mrkdwn" else escape(str(block["text"]), quote=False)
        else:
            yield from _leaves(block.get("text"), depth + 1)
            yield from _leaves(block.get("elements"), depth + 1)
            yield from _leaves(block.get("fields"), depth + 1)
        if kind in ("rich_text_section", "section", "header", "rich_text_quote", "rich_text_preformatted"):
            yield "\n"


def _fenced(code: str) -> str:
    inside = code.removeprefix("```").removesuffix("```").strip("\n")
    return f"\n\n```\n{inside}\n```\n\n"


def _plain(text: str) -> str:
    for entity, character in _ENTITIES.items():
        text = text.replace(entity, character)
    return text


def _inline(name: str) -> str:
    """A name in a line of Markdown: no marking of its own, no tag."""
    return re.sub(r"([\\`*_\[\]<>&#|])", r"\\\1", " ".join(name.split()))
