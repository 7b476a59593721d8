"""The tables ``[serve]`` and ``[chat]`` of ``ragkit.toml``: the HTTP service, who may call it, and the chatbot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ragkit.config_answering import Url, is_loopback
from ragkit.config_sections import Section, Slug

Scope = Literal[
    "search", "ask", "embed", "feedback", "documents.read", "documents.write", "sync", "agent", "operate", "reveal"
]
"""What a credential may be used for. Roles and access lists hold besides: a scope narrows, it never widens."""

SCOPES: tuple[Scope, ...] = (
    "search",
    "ask",
    "embed",
    "feedback",
    "documents.read",
    "documents.write",
    "sync",
    "agent",
    "operate",
    "reveal",
)
RESERVED_ISSUERS = frozenset({"local", "chat", "pub", "system"})
"""Issuers of subjects that are not tokens': whoever works on this machine, visitors of the chatbot."""

GroupName = Annotated[str, StringConstraints(pattern=r"^[^|\s\x00-\x1f]+\|[^|\x00-\x1f]*[^|\s\x00-\x1f]$")]
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OidcSection(Section):
    """One issuer of bearer tokens (OpenID Connect, RFC 9068). A token of any other is refused."""

    issuer: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="The claim `iss`, to the letter."
    )
    audience: Annotated[str, StringConstraints(min_length=1, max_length=500)] = Field(
        description="What the claim `aud` must hold: the name of this service there."
    )
    jwks_url: Url = Field(description="Where its keys are. Never taken from a token or from discovery.")
    ca_file: Path | None = Field(None, description="Certificates to trust there, instead of the usual ones.")
    proxy: Url | None = Field(None, description="Proxy to it; none is ever taken from the environment.")
    algorithms: tuple[Algorithm, ...] = Field(("RS256", "ES256", "EdDSA"), min_length=1, description="Allowed ones.")
    access_tokens_only: bool = Field(False, description="Refuse tokens that are not of the type `at+jwt`.")
    required: Mapping[str, str] = Field(
        {}, description="Claims that a token must have with this value, such as the tenant's id."
    )
    subject_claim: str = Field("sub", min_length=1, description="The claim that says who it is.")
    groups_claim: str = Field("groups", min_length=1, description="The claim with the groups.")
    groups: Mapping[str, tuple[GroupName, ...]] = Field(
        {},
        description='Groups here by group there, such as `sales = ["crm|sales"]`. Besides, a group `x` of the issuer '
        "`[serve.oidc.NAME]` is always `NAME|x`.",
    )
    scope_claim: str = Field("scope", min_length=1, description="The claim with the scopes, separated by spaces.")
    scopes: tuple[Scope, ...] = Field(
        ("search", "ask", "feedback", "documents.read"),
        description="What a token may be used for at most; where it has the claim, only what is in both.",
    )
    keys_seconds: int = Field(300, ge=1, le=86_400, description="How long fetched keys are used without asking again.")
    leeway_seconds: int = Field(60, ge=0, le=300, description="How far clocks may differ.")

    def is_told_from(self, other: OidcSection) -> bool:
        """Whether no token can be of both: another issuer, another audience, or a required claim with other values."""
        if (self.issuer, self.audience) != (other.issuer, other.audience):
            return True
        return any(other.required.get(name, value) != value for name, value in self.required.items())

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        host = self.jwks_url.split("://", 1)[1].split("/", 1)[0].rsplit(":", 1)[0].strip("[]")
        if self.jwks_url.startswith("http://") and not is_loopback(host):
            raise PydanticCustomError(
                "jwks_tls", "fetches keys over an open line", {"remedy": "Write `https://` in `jwks_url`."}
            )
        return self


class LimitsSection(Section):
    """What one caller may take of the service, so that the others get theirs."""

    body_bytes: int = Field(1_000_000, ge=1_000, description="Longest body of a request other than an upload.")
    upload_bytes: int = Field(25_000_000, ge=1_000, description="Longest uploaded document.")
    header_bytes: int = Field(16_384, ge=1_024, le=262_144, description="Longest request line and headers together.")
    question_characters: int = Field(8_000, ge=1, le=1_000_000, description="Longest question.")
    header_seconds: float = Field(10, gt=0, le=600, description="Time in which the headers must have come.")
    body_seconds: float = Field(30, gt=0, le=600, description="Time in which the body must have come.")
    request_seconds: float = Field(120, gt=0, le=3600, description="Longest answer, the wait for a place included.")
    connections: int = Field(2_000, ge=1, description="Open connections; further ones are closed.")
    running: int = Field(4, ge=1, le=256, description="Questions worked on at the same time.")
    waiting: int = Field(64, ge=0, description="Questions that wait for a place; further ones get 429.")
    per_caller: int = Field(16, ge=1, description="Questions of one caller that run or wait.")
    stop_seconds: float = Field(20, ge=0, le=600, description="How long running questions may take at the end.")


class ServeSection(Section):
    """The HTTP service: `ragkit serve`."""

    host: Annotated[str, StringConstraints(min_length=1, max_length=253)] = Field(
        "127.0.0.1", description="Address to listen on."
    )
    port: int = Field(8321, ge=0, le=65_535, description="Port; 0 takes a free one.")
    authentication: Literal["required", "unsafe_none"] = Field(
        "required",
        description="`required`: API keys and bearer tokens. `unsafe_none`: whoever reaches it acts as the owner; only "
        "on this machine, and never in the mode `compliance`.",
    )
    certificate: Path | None = Field(None, description="TLS certificate chain, PEM.")
    certificate_key: Path | None = Field(None, description="Its key, PEM, mode 0600.")
    behind_proxy: bool = Field(
        False, description="TLS ends at a reverse proxy in front, over a line that nobody else can read."
    )
    hosts: tuple[str, ...] = Field(
        (),
        description="Names by which it is called (`Host`); default: the address it listens on. Protects against DNS "
        "rebinding.",
    )
    tenants: Mapping[Slug, Path] = Field(
        {}, description="Further workspaces served besides this one, by name: each with data, keys and callers alone."
    )
    oidc: Mapping[Slug, OidcSection] = Field({}, description="Issuers of bearer tokens; by name.")
    limits: LimitsSection = Field(LimitsSection(), description="Limits.")
    conversation_minutes: int = Field(60, ge=1, le=60 * 24 * 30, description="How long a quiet conversation is kept.")

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.certificate is None) != (self.certificate_key is None):
            raise PydanticCustomError(
                "serve_tls", "has half of a certificate", {"remedy": "Write `certificate` and `certificate_key`."}
            )
        if self.authentication == "unsafe_none" and not is_loopback(self.host):
            raise PydanticCustomError(
                "serve_open",
                "would let everybody in from other machines",
                {
                    "remedy": 'Remove `authentication = "unsafe_none"` and make keys with `ragkit keys create`, or '
                    "listen on 127.0.0.1."
                },
            )
        if self.authentication == "unsafe_none" and self.behind_proxy:
            raise PydanticCustomError(
                "serve_open_proxied",
                "would let everybody in who reaches the proxy",
                {"remedy": 'Remove `authentication = "unsafe_none"` and make keys, or remove `behind_proxy`.'},
            )
        self._issuers_apart()
        if not is_loopback(self.host) and self.certificate is None and not self.behind_proxy:
            raise PydanticCustomError(
                "serve_clear",
                "would answer other machines in clear",
                {"remedy": "Write `certificate` and `certificate_key`, or `behind_proxy = true`."},
            )
        return self

    def _issuers_apart(self) -> None:
        for name in RESERVED_ISSUERS & self.oidc.keys():
            raise PydanticCustomError(
                "serve_issuer",
                "oidc.{name} has a name that ragkit gives to others",
                {"name": name, "remedy": "Give the section another name: its subjects would be taken for theirs."},
            )
        named = list(self.oidc.items())
        for place, (name, one) in enumerate(named):
            for other, two in named[place + 1 :]:
                if not one.is_told_from(two):
                    raise PydanticCustomError(
                        "serve_issuers",
                        "oidc.{name} and oidc.{other} would both take the same token",
                        {"name": name, "other": other, "remedy": "Give each an audience or a required claim alone."},
                    )


class HandoffSection(Section):
    """When the chatbot gives a conversation to a person."""

    after_refusals: int = Field(2, ge=1, le=20, description="Questions in a row that it could not answer.")
    topics: Mapping[Slug, tuple[str, ...]] = Field(
        {}, description="Words and phrases by topic that a person is to deal with, besides those that are built in."
    )
    without: tuple[Slug, ...] = Field((), description="Built-in topics that the chatbot may deal with all the same.")


class ChatSection(Section):
    """The customer-care chatbot that `ragkit serve` shows at `/chat`. Absent: there is none."""

    collection: Slug = Field(description="What it answers from.")
    title: Annotated[str, StringConstraints(min_length=1, max_length=80)] = Field(
        "Customer care", description="Name on the page."
    )
    disclosure: Annotated[str, StringConstraints(min_length=20, max_length=500)] = Field(
        "You are talking to an AI system. It answers from our documents, shows where each answer comes from, and can "
        "be wrong. You can ask for a person at any time.",
        description="Shown and recorded before the first answer (AI Act, Article 50(1)).",
    )
    disclosure_version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")] = Field(
        "1", description="Recorded with it; raise it when the text changes."
    )
    visitors: tuple[GroupName, ...] = Field(
        ("chat|visitors",), description="Groups of whoever opens the page: what they may see is what these may."
    )
    quick_replies: tuple[Annotated[str, StringConstraints(min_length=1, max_length=120)], ...] = Field(
        (), max_length=8, description="Questions offered at the beginning."
    )
    handoff: HandoffSection = Field(HandoffSection(), description="Giving over to a person.")
    messages_per_minute: int = Field(20, ge=1, le=600, description="Messages that one visitor may send.")
    keep_days: int = Field(30, ge=1, le=3650, description="How long closed tickets, feedback and questions are kept.")
