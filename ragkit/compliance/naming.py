"""The names behind keyed hashes, where the configuration gives them: the log itself names nobody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ragkit.compliance.events import Event
from ragkit.config import Config


class Hasher(Protocol):
    """Hashes as the recorder of this workspace does."""

    def known_as(self, subject: str) -> str: ...

    def token(self, token: str) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Somebody who acts, as far as the log tells.

    Attributes:
        actor: Keyed hash; ``system`` for ragkit itself.
        name: Where ``ragkit.toml`` names them, otherwise empty.
        kind: ``user``, ``service``, ``local`` or ``system``.
        auth: ``local``, ``caller`` or ``system``: who vouches for them.
        groups: Keyed hash of all their access tokens.
        tokens: The tokens, by name where ``ragkit.toml`` names them, as keyed hashes otherwise; empty where the log
            does not list them.
    """

    actor: str
    name: str = ""
    kind: str = ""
    auth: str = ""
    groups: str = ""
    tokens: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """The name, or a short form of the hash."""
        return self.name or short(self.actor)


class Names:
    """Looks names up by hash.

    Args:
        config: Its owner and its access tokens are the names there are.
        hasher: The recorder of the same workspace.
    """

    def __init__(self, config: Config, hasher: Hasher) -> None:
        self._hasher = hasher
        owner = config.workspace.principal
        tokens = {*_tokens(config.model_dump(mode="python")), *owner.tokens, "pub"}
        subjects = {token.removeprefix("u:") for token in tokens if token.startswith("u:")}
        self._principals = {hasher.known_as(subject): subject for subject in subjects}
        self._tokens = {hasher.token(token): token for token in tokens}

    def __repr__(self) -> str:
        return f"Names({len(self._principals)} principals, {len(self._tokens)} tokens)"

    def principal(self, actor: str) -> str:
        """Return the name of an actor, or nothing."""
        return self._principals.get(actor, "")

    def shown(self, actor: str) -> str:
        """Return the name of an actor, or a short form of the hash."""
        return self.principal(actor) or short(actor)

    def hashed(self, actor: str) -> str:
        """Return the hash of an actor who is given by hash, by name (``local|ana``), or as ``system``."""
        return actor if actor == "system" or actor.startswith("h:") else self._hasher.known_as(actor)

    def token(self, hashed: str) -> str:
        """Return an access token by its hash, or the hash."""
        return self._tokens.get(hashed, hashed)

    def who(self, event: Event, tokens: Iterable[str] = ()) -> Who:
        """Return who acted in an event; ``tokens`` are the hashes of their access tokens."""
        actor: Mapping[str, Any] = event.get("actor") or {}
        hashed = str(actor.get("id", ""))
        return Who(
            actor=hashed,
            name=self.principal(hashed),
            kind=str(actor.get("kind", "")),
            auth=str(actor.get("auth", "")),
            groups=str(actor.get("groups", "")),
            tokens=tuple(sorted(self.token(one) for one in tokens)),
        )


def short(hashed: str) -> str:
    """Return a form of a keyed hash or id that fits a line: ``#`` and its first eight characters."""
    plain = hashed.removeprefix("h:")
    return hashed if hashed in ("", "system") else f"#{plain[:8]}"


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        if value.startswith(("u:", "g:")):
            yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _tokens(inner)
    elif isinstance(value, Iterable) and not isinstance(value, bytes):
        for inner in value:
            yield from _tokens(inner)
