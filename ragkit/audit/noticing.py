"""A recorder that also notes, once a process, what is behind its events: who acts, and what was opened.

::

    recorder = NoticingRecorder(data / "events", …, opening=note_opening, closing=net_counts.begin)

``principal.seen`` stands before the first event of a principal with these access tokens, so that it can be told later
who could have seen what; the tokens are keyed hashes, the same as in ``acl.class``. ``model.loaded`` stands before the
first event after a model's weights are hashed, at the latest before ``log.closed``.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ragkit.audit.recorder import EventRecorder
from ragkit.models.loaded import Loaded, loaded
from ragkit.types import Evidence, Principal

_AT_ONCE = 500
"""Tokens in one event; who holds more gets several with the same ``groups``."""

_PRINCIPALS = 1_000
"""So many are remembered; who comes again after more than these is noted again."""


class NoticingRecorder(EventRecorder):
    """An :class:`~ragkit.audit.recorder.EventRecorder` that notes who acts and what was opened.

    Args:
        opening: Called with the recorder before the first event of a process, to record what was opened.
        closing: Called at the same time; what it returns is called at the end and gives more data of ``log.closed``.
        **more: As :class:`~ragkit.audit.recorder.EventRecorder`.
    """

    def __init__(
        self,
        *args: Any,
        opening: Callable[[EventRecorder], None] | None = None,
        closing: Callable[[], Callable[[], Mapping[str, Any]]] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self._opening = opening
        self._closing = closing
        self._since: Callable[[], Mapping[str, Any]] | None = None
        self._noticing = 0
        self._turn, self._beginning = threading.RLock(), False
        self._seen: set[tuple[str, frozenset[str]]] = set()
        self._models: list[Loaded] = []

    def record(
        self,
        kind: str,
        *,
        outcome: str = "ok",
        reason: str = "",
        request: str | None = None,
        actor: Principal | None = None,
        data: Mapping[str, Any] | None = None,
        session: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        """Append one event, after those that have to stand before it. Raises as the recorder below."""
        if self.mode != "unsafe_off":
            self._notice(actor, last=kind == "log.closed")
            if kind == "log.closed" and self._since is not None:
                data = {**(data or {}), **self._since()}
        super().record(
            kind,
            outcome=outcome,
            reason=reason,
            request=request,
            actor=actor,
            data=data,
            session=session,
            evidence=evidence,
        )

    def token(self, token: str) -> str:
        """Return the keyed hash under which events name an access token: ``h:…``."""
        return self.keyed(f"token\0{token}")

    def close(self) -> None:
        """Record the end and close; the next event begins anew."""
        super().close()
        self._noticing = 0

    def _notice(self, actor: Principal | None, *, last: bool = False) -> None:
        if self._noticing != os.getpid():
            with self._turn:  # others wait until what has to stand first does
                if self._beginning:
                    return
                if self._noticing != os.getpid():
                    self._begin_here()
        if len(self._models) < len(loaded()):
            self._note_models(last=last)
        if actor is None:
            return
        who = (actor.subject, actor.tokens)
        if who in self._seen:
            return
        with self._turn:  # another thread's event of the same principal waits until this one's is written
            if who in self._seen:
                return
            self._note_principal(actor)
            if len(self._seen) >= _PRINCIPALS:
                self._seen.clear()
            self._seen.add(who)

    def _note_principal(self, actor: Principal) -> None:
        tokens = sorted(self.token(token) for token in actor.tokens)
        for start in range(0, len(tokens), _AT_ONCE):
            super().record(
                "principal.seen",
                actor=actor,
                data={
                    "groups": self.groups(actor),
                    "tokens": tokens[start : start + _AT_ONCE],
                    "via": "local" if actor.kind == "local" else "caller",
                },
            )

    def _begin_here(self) -> None:
        self._beginning = True
        try:
            self._seen.clear()
            self._models.clear()
            self._since = self._closing() if self._closing is not None else None
            if self._opening is not None:
                self._opening(self)
            self._noticing = os.getpid()
        finally:
            self._beginning = False

    def _forked(self) -> None:
        super()._forked()
        self._turn, self._beginning = threading.RLock(), False

    def _note_models(self, *, last: bool) -> None:
        """Record the models that were loaded and are hashed; the last time, wait for the hashes."""
        for one in list(loaded()):
            if one in self._models or not (last or one.hash.done()):
                continue
            self._models.append(one)
            if one.hash.exception() is not None:
                continue  # the weights went away meanwhile; the model is in the memory and stays nameless
            data: dict[str, Any] = {"part": one.part, "model": _plain(one.model), "hash": one.hash.result()}
            if one.dimension:
                data["dimension"] = one.dimension
            super().record("model.loaded", data=data)


def _plain(model: str) -> str:
    return re.sub(r"[^0-9a-zA-Z.+:_-]", "_", model)[:100] or "local"
