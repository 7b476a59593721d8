"""What a service asks of one tenant: whose key, whose token, whose cookie; and where it tells whom it let in or not."""

from __future__ import annotations

from contextlib import suppress

from ragkit.auth.callers import Via
from ragkit.auth.keystore import KeyRecord, KeyStore
from ragkit.auth.oidc import Issuer
from ragkit.auth.sessions import Visitors
from ragkit.errors import ConfigError, StoreError
from ragkit.handles import Handles
from ragkit.types import Principal


class Gate:
    """One tenant's callers. Made by :meth:`ragkit.auth.keys.ApiKeys.gate`; safe to use from several threads.

    Attributes:
        tenant: Name under which the service knows the workspace.
        keys: Its API keys.
        issuers: Those of its ``[serve.oidc]``.
        visitors: Makes and reads cookies of the chatbot's visitors.
    """

    def __init__(self, handles: Handles, tenant: str) -> None:
        self._handles = handles
        secret = handles.secret("api-keys")
        self.tenant = tenant
        self.keys = KeyStore(handles.config.data_folder, secret)
        self.visitors = Visitors(tenant, secret)
        self.issuers = [
            Issuer(name, section, ca_file=handles.config.resolve(section.ca_file) if section.ca_file else None)
            for name, section in handles.config.serve.oidc.items()
        ]

    def used(self, record: KeyRecord, day: str) -> None:
        """Note the day on which a key was used; a store that cannot be written now keeps nobody out."""
        with suppress(StoreError):
            self.keys.used(record.id, day)

    def let_in(self, principal: Principal, *, via: Via, key: str = "") -> None:
        """Record that somebody was let in.

        Raises:
            AuditUnavailable: It could not be recorded.
        """
        data = {"via": via, "verb": "serve", **({"key": key} if key else {})}
        self._handles.recorder.record("auth.ok", actor=principal, data=data)

    def turned_away(
        self, *, code: str, verb: str = "serve", key: str = "", peer: str = "", times: int = 1,
        principal: Principal | None = None, via: Via | None = None,
    ) -> None:  # fmt: skip
        """Record that somebody was turned away.

        Args:
            code: Why, a word.
            verb: What for.
            key: Id of the API key, where there is such a key.
            peer: Address of the caller; its keyed hash is recorded.
            times: How often this peer was turned away lately.
            principal: Who it was, where that is known.
            via: By which kind of credential, where there was one.

        Raises:
            AuditUnavailable: It could not be recorded.
        """
        recorder = self._handles.recorder
        data: dict[str, object] = {"verb": verb, "code": code, "times": times}
        if key:
            data["key"] = key
        if via:
            data["via"] = via
        if peer:
            data["peer"] = recorder.keyed(f"peer\0{peer}")
        recorder.record("auth.denied", actor=principal, outcome="denied", reason=code, data=data)

    def close(self) -> None:
        """Close the file of keys, and what fetches those of issuers."""
        self.keys.close()

    def __repr__(self) -> str:
        return f"Gate({self.tenant!r})"


def require_distinct(issuers: list[Issuer]) -> None:
    """Refuse issuers between which a token could not tell, of one tenant or of two.

    Raises:
        ConfigError: Same issuer and audience, and no required claim with different values.
    """
    for place, one in enumerate(issuers):
        for other in issuers[place + 1 :]:
            if not one.section.is_told_from(other.section):
                raise ConfigError(
                    f"a token would be of both [serve.oidc.{one.name}] and [serve.oidc.{other.name}]",
                    remedy="Give each tenant an audience of its own, or a claim in `required` that tells them apart.",
                )
