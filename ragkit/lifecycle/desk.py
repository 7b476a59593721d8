"""Conversations with the chatbot go with a person who is erased, and are told to one who asks what is held of them.

A person stands in a conversation by a token of the vault, by the token that a stranger's question has for the same
value (:meth:`ragkit.mask.creation.Creation.strange`), or in clear: in what a customer typed, where a ticket keeps it,
or where no detector found them. A conversation that names the person is forgotten as a whole: it is somebody's question
about them, or their own, and neither is kept for its own sake.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ragkit.folding import fold
from ragkit.mask.people import name_keys
from ragkit.mask.tokens import TOKEN

if TYPE_CHECKING:
    from ragkit.desk.store import DeskStore, Held
    from ragkit.lifecycle.erase_plan import Item, Plan
    from ragkit.lifecycle.erase_survey import Find
    from ragkit.lifecycle.people import Person
    from ragkit.mask.vault import Vault
    from ragkit.protocols import Recorder

_MOST_NAMES = 2_000
_LEAST_LETTERS = 4


def erase_conversations(
    desk: DeskStore, collection: str, plan: Plan, find: Find, vault: Vault, recorder: Recorder, *, request: str
) -> dict[str, int]:
    """Forget the conversations in which the person of a plan stands. Returns counts for the receipt."""
    doomed, read = naming(desk, collection, plan, find, vault)
    if doomed:
        data = {"conversations": len(doomed), "cause": "erasure", "collection": collection}
        recorder.record("chat.forgotten", request=request, data=data)
        recorder.flush()
    return {"conversations": desk.forget(doomed), "conversations_read": read}


def naming(desk: DeskStore, collection: str, plan: Plan, find: Find, vault: Vault) -> tuple[list[str], int]:
    """Return the conversations that name the person of a plan, and how many were read."""
    tokens = {*filter(None, plan.tokens), *strangers(plan.own, vault, frozenset(plan.numbers))}
    found, read = list[str](), 0
    for held in desk.held(collection):
        read += 1
        if _has(held, tokens) or any(find(text) for text in (*_bare(held.texts), *held.raw)):
            found.append(held.conversation)
    return found, read


def held_conversations(desk: DeskStore, collection: str, person: Person, vault: Vault) -> list[dict[str, Any]]:
    """Return the conversations in which a person stands, for that person: their own values in clear, others' hidden."""
    own = {one.token: one.value for one in person.values if one.certain and one.token}
    certain = [(one.entity_type, one.value) for one in person.values if one.certain]
    numbers = frozenset(one.number for one in person.values)
    shown = {token.strip("[]").rpartition(":")[2]: value for token, value in own.items()}
    shown |= strangers(certain, vault, numbers)
    values = [value for _, value in certain]
    found = []
    for held in desk.held(collection):
        if not (_has(held, shown) or any(fold(value) in fold(text) for value in values for text in held.raw)):
            continue
        messages = [
            {"role": one.role, "at": _iso(one.at), "text": _revealed(one.text, shown)}
            for one in desk.conversations.entries(held.conversation)
        ]
        found.append({"begun": _iso(held.begun), "messages": messages})
    return found


def strangers(items: Iterable[Item], vault: Vault, numbers: Collection[int]) -> dict[str, str]:
    """Return the ids of the tokens that these values have in a question of somebody who may not read of them.

    A word of a name stands for the person too where nobody else in the vault goes by it.

    Args:
        items: Types and values of the person.
        vault: Of the collection.
        numbers: Of the person's values.
    """
    every = list(items)
    words = {
        ("PERSON", key[1]): value
        for kind, value in every
        if kind == "PERSON"
        for key in name_keys(kind, value)
        if key[0] == "word" and len(key[1]) >= _LEAST_LETTERS and not set(vault.named(key, _MOST_NAMES)) - set(numbers)
    }
    wanted = {**words, **{item: item[1] for item in every}}
    made = vault.stand_ins(list(wanted), ())
    return {token.strip("[]").rpartition(":")[2]: wanted[item] for item, (token, _) in made.items()}


def _has(held: Held, tokens: Collection[str]) -> bool:
    return any(token[2] in tokens for text in held.texts for token in TOKEN.finditer(text))


def _bare(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield TOKEN.sub(" ", text)


def _revealed(text: str, shown: Mapping[str, str]) -> str:
    return TOKEN.sub(lambda token: shown.get(token[2], token[0]), text)


def _iso(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="seconds")
