"""What a customer is shown of their conversation: its messages, a cited passage, the preview of a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ragkit.desk.feedback import Feedback, Rating
from ragkit.desk.records import Dialogue, Entry
from ragkit.desking import Preview
from ragkit.errors import KeyDestroyed, UnknownId
from ragkit.helpdesk.replying import Replying
from ragkit.types import Principal

_AROUND = 400
"""Characters of the chunks before and after that are shown with a passage."""
_RATED = ("answer", "refusal")


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as its customer is shown it.

    Attributes:
        clear: Of an agent's message, what they wrote, as far as it is kept.
    """

    entry: Entry
    feedback: Feedback | None = None
    clear: str | None = field(default=None, repr=False)


class Showing(Replying):
    """Shows a conversation to whose it is."""

    def find(self, number: str, *, principal: Principal) -> Dialogue:
        """Return a conversation of this principal.

        Raises:
            UnknownId: There is none, or it is somebody else's.
        """
        found = self._desk.store.conversations.owned(number, principal.subject)
        if found is None or found.collection != self.chat.collection:
            raise UnknownId("there is no such conversation", remedy="Begin a new one.")
        return found

    def read(self, number: str, *, principal: Principal, after: int = 0) -> tuple[Dialogue, Sequence[Shown]]:
        """Return a conversation and its messages after a position.

        Raises:
            UnknownId: There is no such conversation of theirs.
        """
        found, store = self.find(number, principal=principal), self._desk.store
        try:
            entries = store.conversations.entries(number, after=after)
            thumbs = store.feedback.of_conversation(number) if entries else {}
            written = store.conversations.raw(number, role="agent") if any(e.role == "agent" for e in entries) else {}
        except KeyDestroyed:
            raise UnknownId("there is no such conversation", remedy="Begin a new one.") from None
        return found, [Shown(one, thumbs.get(one.id), written.get(one.id)) for one in entries]

    def passage(self, number: str, passage: str, *, principal: Principal) -> dict[str, Any] | None:
        """Return a cited passage with what stands around it, if it is still there and the customer may see it.

        Args:
            number: The conversation.
            passage: Position of the message and marker, as ``2-1``.
            principal: Whose the conversation is.

        Raises:
            UnknownId: There is no such conversation of theirs.
        """
        dialogue = self.find(number, principal=principal)
        seq, _, marker = passage.partition("-")
        if not (seq.isdecimal() and seq.isascii() and marker.isdecimal() and len(passage) < 16):
            return None
        entries = self._desk.store.conversations.entries(number, after=int(seq) - 1)
        cited = entries[0].content.get("cited", {}).get(marker) if entries and entries[0].seq == int(seq) else None
        if cited is None:
            return None
        hit = self._desk.passage(cited["chunk"], collection=dialogue.collection, principal=principal)
        if hit is None:
            return None
        text, quote = str(hit.chunk.record), str(cited["quote"])
        start = text.find(quote)
        named = next(one for one in entries[0].content["sources"] if str(one["marker"]) == marker)
        return {
            "title": str(hit.title),
            "heading": named["heading"],
            "page": named["page"],
            "before": str(hit.before)[-_AROUND:],
            "text": text,
            "after": str(hit.after)[:_AROUND],
            "start": max(start, 0),
            "end": start + len(quote) if start >= 0 else 0,
        }

    def rate(
        self, number: str, message: str, *, principal: Principal, rating: Rating, reason: str = "", comment: str = ""
    ) -> bool:
        """Keep what a customer thinks of an answer; false where there is no such answer.

        Raises:
            UnknownId: There is no such conversation of theirs.
        """
        dialogue = self.find(number, principal=principal)
        found = self._desk.store.conversations.entry(number, message)
        if found is None or found.kind not in _RATED or not found.request:
            return False
        self._desk.give_feedback(
            request_id=found.request,
            principal=principal,
            rating=rating,
            reason=reason,
            comment=comment,
            collection=dialogue.collection,
            conversation=number,
            message=message,
        )
        return True

    def preview(self, text: str, *, principal: Principal) -> Preview:
        """Return a message as the generator would be given it, and where that is."""
        return self._desk.preview(text, collection=self.chat.collection, principal=principal)

    def generator(self) -> tuple[str, str]:
        """Return the name of the generator that answers, and where it runs."""
        return self._desk.generator(self.chat.collection)
