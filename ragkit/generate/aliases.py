"""The prompt view: the record view with each token replaced by an alias of the conversation, ``[PERSON_3·k7]``.

The tokens of the record view are the same in every conversation, so a provider could follow a person by one. An alias
is a number in order of first use and check letters from the conversation's secret. The way back is by exact match and
nothing else: a mangled alias, one of another conversation or an invented one stays as the model wrote it, since a guess
would show the wrong person. No two aliases of a conversation share their check letters, so that a slip in the type,
the number or the letters alone never makes another.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from itertools import count
from threading import Lock

from ragkit.types import Conversation, Masked

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_SIGN = "[0-9a-hjkmnp-tv-z]"
_TYPE = "[A-Z][A-Z0-9_]{1,39}"
EXAMPLE = "[PERSON_3·k7]"
"""Stands in the rules that a model is given, so no conversation gives these letters to anybody."""

_ATTEMPTS = 8  # with two letters, before a third is taken

# The form of ragkit.mask.tokens.TOKEN. Whether the check characters fit is for the vault to say: what does not stands
# for nobody, is given an alias like the others, and comes back as it was.
TOKEN = re.compile(rf"\[({_TYPE}):([0-9A-HJKMNP-TV-Z]{{10,24}}-[0-9A-HJKMNP-TV-Z]{{2}})\]")
_ALIAS = re.compile(rf"\[{_TYPE}_[1-9]\d{{0,5}}·{_SIGN}{{2,6}}\]")

_DOT = "[·•∙⋅・‧・．᛫⸱]"
_PLAIN_ALIAS = re.compile(rf"[\[【［]\s?([A-Za-z][A-Za-z0-9_]{{1,45}}?)_(\d{{1,6}})\s?{_DOT}\s?\w{{1,6}}\s?[\]】］]")
_LIKE_ALIAS = re.compile(rf"(?<![A-Za-z0-9_])([A-Za-z][A-Za-z0-9_]{{1,45}}?)[_ -]\d{{1,6}}\s?{_DOT}\s?\w{{1,6}}")
_NO_CHECK = re.compile(rf"\[({_TYPE})_[1-9]\d{{0,5}}(?:[.:\-_ ]\w{{1,6}})?\]")

_ALIAS_BEGUN = re.compile(rf"\[(?:[A-Z][A-Z0-9_]{{0,46}}(?:·{_SIGN}{{0,6}})?)?")
_SIGNS = "[0-9A-HJKMNP-TV-Z]"
_TOKEN_BEGUN = re.compile(
    rf"\[(?:[A-Z][A-Z0-9_]{{0,39}}|{_TYPE}:(?:{_SIGNS}{{0,24}}|{_SIGNS}{{10,24}}-{_SIGNS}{{0,2}}))?"
)
_LONGEST = len("[") + 40 + len(":") + 24 + len("-00]")

_lock = Lock()  # two questions of one conversation may be asked at once


class AliasBook:
    """Goes between the record view and the prompt view of one conversation; what it hands out is kept there."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation

    def __repr__(self) -> str:
        return f"AliasBook({len(self._conversation.aliases)} aliases)"

    def hide(self, text: Masked) -> Masked:
        """Return a text in the prompt view. What looks like an alias and is plain text loses its form."""
        plain = _PLAIN_ALIAS.sub(lambda like: f"({like[1]} {like[2]})", text)
        return Masked(TOKEN.sub(lambda token: self._alias(token[1], token[2]), plain))

    def restore(self, text: str) -> str:
        """Return a text with the tokens of the record view in place of this conversation's aliases."""
        if "·" not in text:
            return text
        known = self._known()
        return _ALIAS.sub(lambda alias: known.get(alias[0], alias[0]), text)

    def disarm(self, text: str) -> str:
        """Change the brackets of a token of the record view that this conversation never had: it must not be revealed.

        A model sees none, so one that it writes was made up, or smuggled in by somebody who knows it from elsewhere.
        """
        if ":" not in text:
            return text
        aliases = self._conversation.aliases
        return TOKEN.sub(lambda token: token[0] if token[0][1:-1] in aliases else f"‹{token[0][1:-1]}›", text)

    def count_unknown(self, text: str) -> int:
        """Count what in a model's text looks like an alias or a token and is none of this conversation."""
        known = self._known()
        types = {token[1:].partition(":")[0] for token in known.values()}
        rest, exact = _ALIAS.subn(lambda alias: " " if alias[0] in known else alias[0], text)
        rest = rest if exact else text
        unchecked = sum(found[1] in types for found in _NO_CHECK.finditer(rest))
        tokens = sum(found[0][1:-1] not in self._conversation.aliases for found in TOKEN.finditer(rest))
        like = sum(found[1].upper() in types or _stands_as_alias(rest, found) for found in _LIKE_ALIAS.finditer(rest))
        return like + unchecked + tokens

    def _known(self) -> dict[str, str]:
        return {alias: f"[{token}]" for token, alias in self._conversation.aliases.copy().items()}

    def _alias(self, entity_type: str, token_id: str) -> str:
        aliases, token = self._conversation.aliases, f"{entity_type}:{token_id}"
        with _lock:
            if token not in aliases:
                number = 1 + sum(known.startswith(f"{entity_type}:") for known in aliases)
                taken = {"k7]", *(alias.rpartition("·")[2] for alias in aliases.values())}
                check = next(one for one in self._checks(entity_type, number) if f"{one}]" not in taken)
                aliases[token] = f"[{entity_type}_{number}·{check}]"
            return aliases[token]

    def _checks(self, entity_type: str, number: int) -> Iterator[str]:
        """Check letters for an alias, best first: the first that no other has is taken."""
        for attempt in count():
            message = f"{entity_type}_{number} {attempt}".encode()
            digest = hmac.digest(self._conversation.secret, message, "sha256")
            letters = min(2 + attempt // _ATTEMPTS, 6)
            yield "".join(_ALPHABET[byte & 31] for byte in digest[:letters])


class AliasStream:
    """Puts record tokens for aliases in a text that comes in pieces; holds back only what may still become an alias."""

    def __init__(self, book: AliasBook) -> None:
        self._book = book
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return all that can be told by now."""
        text = self._held + piece
        cut = _begun_at(text, _ALIAS_BEGUN)
        self._held = text[cut:]
        return self._book.restore(text[:cut])

    def flush(self) -> str:
        """Return what was held back, as no more comes."""
        held, self._held = self._held, ""
        return self._book.restore(held)


class DisarmStream:
    """Does what :meth:`AliasBook.disarm` does to a text that comes in pieces."""

    def __init__(self, book: AliasBook) -> None:
        self._book = book
        self._held = ""

    def feed(self, piece: str) -> str:
        """Return all that can be told by now."""
        text = self._held + piece
        cut = _begun_at(text, _TOKEN_BEGUN)
        self._held = text[cut:]
        return self._book.disarm(text[:cut])

    def flush(self) -> str:
        """Return what was held back, as no more comes."""
        held, self._held = self._held, ""
        return self._book.disarm(held)


def _stands_as_alias(text: str, found: re.Match[str]) -> bool:
    return found.start() > 0 and _ALIAS.match(text, found.start() - 1) is not None


def _begun_at(text: str, begun: re.Pattern[str]) -> int:
    """Where the beginning of a bracket that matters starts at the end of a text; the text's length without one."""
    start = text.rfind("[", -_LONGEST)  # none holds a second bracket, so only the last one can be open
    return start if start >= 0 and begun.fullmatch(text, start) else len(text)


def sized(text: str) -> str:
    """Return a text with aliases of the usual length in place of its tokens: to count by, before any is given out."""
    return TOKEN.sub(lambda token: f"[{token[1]}_10·00]", text)


def without_tokens(text: str) -> str:
    """Return a text without the tokens of the record view."""
    return TOKEN.sub(" ", text)


def tokens_in(text: str) -> frozenset[str]:
    """Return the tokens of the record view that a text holds, without their brackets."""
    return frozenset(token[0][1:-1] for token in TOKEN.finditer(text))
