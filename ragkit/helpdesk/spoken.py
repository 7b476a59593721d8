"""What the chatbot gives out while it answers, and how it says that it does not."""

from __future__ import annotations

from dataclasses import dataclass, field

from ragkit.desk.records import DeskConflict, Entry
from ragkit.errors import RagkitError


class ChatBusy(DeskConflict):
    """A message of this conversation is being answered; or it is closed, or too long."""


class TooFast(RagkitError):
    """A visitor writes faster than they may.

    Attributes:
        seconds: After which the next message may come.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__("too many messages in a minute", remedy=f"Wait {round(seconds)} seconds.")
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Said:
    """The customer's message, as it is kept."""

    entry: Entry


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the reply's text, as it is written; the whole reply follows and replaces it."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Done:
    """The whole reply, as it is kept."""

    entry: Entry


Spoken = Said | Piece | Done
