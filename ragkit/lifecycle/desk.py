"""Conversations with the chatbot go with a person who is erased, and are told to one who asks what is held of them.

A person stands in a conversation by a token of the vault, by the token that a stranger's question has for the same
value (:meth:`ragkit.mask.creation.Creation.strange`), or in clear: in what a customer typed, where a ticket keeps it,
or where no detector found them. A conversation that names the person is forgotten as a whole: it is somebody's question
about them, or their own, and neither is kept for its own sake.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ragkit.folding import fold_text
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
    """Forget the conversations and comments in which the person of a plan stands. Returns counts for the receipt."""
    doomed, read = naming(desk, collection, plan, find, vault)
    talks = [one.conversation for one in doomed if not one.comment]
    comments = [one.conversation for one in doomed if one.comment]
    if doomed:
        data = {"conversations": len(talks), "cause": "erasure", "collection": collection}
        data |= {"comments": len(comments)} if comments else {}
        recorder.record("chat.forgotten", request=request, data=data)
        recorder.flush()
    counts = {"conversations": desk.forget(talks), "conversations_read": read}
    return counts | ({"comments": desk.forget(comments)} if comments else {})


def naming(desk: DeskStore, collection: str, plan: Plan, find: Find, vault: Vault) -> tuple[list[Held], int]:
    """Return the conversations and comments that name the person of a plan, and how many were read."""
    tokens = {*filter(None, plan.tokens), *strangers(plan.own, vault, frozenset(plan.numbers))}
    found, read = list["Held"](), 0
    for held in desk.held(collection):
        read += 1
        if _has(held, tokens) or any(find(text) for text in (*_bare(held.texts), *held.raw)):
            found.append(held)
    return found, read


def held_conversations(desk: DeskStore, collection: str, person: Person, vault: Vault) -> list[dict[str, Any]]:
    """Return the conversations in which a person stands, for that person: their own values in clear, others' hidden.

    Only a value that nobody else has tells that it is them. What they left to be reached by is given as it was typed.
    """
    own = [one for one in person.values if one.certain]
    alone = [one for one in own if not one.shared]
    numbers = frozenset(one.number for one in person.values)
    shown = {one.token.strip("[]").rpartition(":")[2]: one.value for one in own if one.token}
    shown |= strangers([(one.entity_type, one.value) for one in own], vault, numbers)
    theirs = {one.token.strip("[]").rpartition(":")[2] for one in alone if one.token}
    theirs |= strangers([(one.entity_type, one.value) for one in alone], vault, numbers).keys()
    clear = _any_of(one.value for one in alone)
    found = []
    for held in desk.held(collection):
        if not (_has(held, theirs) or any(clear(text) for text in (*_bare(held.texts), *held.raw))):
            continue
        if held.comment:
            said = [{"role": "comment", "at": _iso(held.begun), "text": _revealed(text, shown)} for text in held.texts]
        else:
            said = _said(desk, held, shown)
            contacts = [one.contact for one in desk.tickets.of(held.conversation) if clear(one.contact)]
            said += [{"role": "contact", "at": _iso(held.begun), "text": text} for text in contacts]
        found.append({"begun": _iso(held.begun), "messages": said})
    return found


def _said(desk: DeskStore, held: Held, shown: Mapping[str, str]) -> list[dict[str, str]]:
    entries: list[tuple[str, int, str]] = [
        (one.role, one.at, one.text) for one in desk.conversations.entries(held.conversation)
    ]
    entries += [("comment", held.begun, text) for text in desk.feedback.comments(held.conversation)]
    return [{"role": role, "at": _iso(at), "text": _revealed(text, shown)} for role, at, text in entries]


def _any_of(values: Iterable[str]) -> Callable[[str], bool]:
    """Whether one of these values stands in a text, as a word or several; nothing shorter than a name."""
    every = [re.escape(made) for value in values if len(made := fold_text(value)) >= _LEAST_LETTERS]
    if not every:
        return lambda _: False
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(every)})(?!\w)")
    return lambda text: pattern.search(fold_text(text)) is not None


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
