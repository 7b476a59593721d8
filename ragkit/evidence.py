"""What an event was about, for the evidence store. Imported through :mod:`ragkit.types`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an event was about, handed to the recorder beside the event. The event itself holds no word of it.

    A recorder without an evidence store drops it.

    Attributes:
        collection: Whose documents and people it is about.
        conversation: Id of the dialogue; all of a dialogue is under one key. Empty: a dialogue of its own.
        parts: Masked content by role: ``question``, ``retrieved``, ``prompt``, ``request_body``, ``response_body``,
            ``answer``.
        documents: Document versions it holds text of, as (document id, version).
        tokens: Ids of the tokens of people it tells of that do not stand in the parts themselves, such as those behind
            the aliases of a prompt. Those that do stand in the parts are found there.
    """

    collection: str
    conversation: str = ""
    parts: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    documents: tuple[tuple[str, int], ...] = ()
    tokens: frozenset[str] = field(default=frozenset(), repr=False)
