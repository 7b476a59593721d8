"""The tables of ``ragkit.toml`` on who writes the answer, where a prompt may go, and what it may cost.

::

    [generator]
    use = "small"                        # one line switches the whole pipeline

    [generators.small]
    kind = "openai_compatible"
    model = "qwen3-4b"
    destination = "gpu-box"

    [destinations.gpu-box]
    url = "https://llm.example.internal/v1"
    location = "on-prem"
    provider = "vllm"
    max_data_class = "confidential"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ragkit.config_sections import AccessToken, Section, Slug, seal_options
from ragkit.types import DataClass, Location

_HOST = re.compile(r"[A-Za-z0-9.:_-]{1,253}")


def is_loopback(host: str) -> bool:
    """Whether a host of a URL is this machine by its own name, without asking anybody."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.casefold() == "localhost"


def _url(text: str) -> str:
    parts = urlsplit(text)
    plain = parts.username is None and parts.password is None and not parts.query and not parts.fragment
    if parts.scheme not in ("http", "https") or not parts.hostname or not _HOST.fullmatch(parts.hostname) or not plain:
        raise PydanticCustomError(
            "destination_url",
            "is not the URL of a server",
            {"remedy": "Write `https://host/path`, without user, password, query or fragment."},
        )
    return text.rstrip("/")


Url = Annotated[str, AfterValidator(_url)]
Label = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 .:/_-]{0,99}$")]


class ModelSection(Section):
    """One generator that `[generator] use`, routing and `ragkit eval answers` can name.

    Other keys go to the generator, which validates them.
    """

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Any]

    kind: Slug | None = Field(None, description="Kind of generator; a preset brings its own.")
    preset: Slug | None = Field(None, description="A usual server, by name: `ragkit generators list`.")
    destination: Slug | None = Field(None, description="Where its prompts go; absent for generators in process.")

    @model_validator(mode="after")
    def _options(self) -> Self:
        if (self.kind is None) == (self.preset is None):
            raise PydanticCustomError(
                "generator_kind", "needs exactly one of kind and preset", {"remedy": 'Write `kind = "…"`.'}
            )
        seal_options(self.__pydantic_extra__)
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """The generator's own options; secrets are :class:`~ragkit.config_sections.SecretRef`."""
        return dict(self.__pydantic_extra__)


class DestinationSection(Section):
    """A server that prompts may be sent to, and how far content may travel there. Nothing leaves for any other."""

    url: Url = Field(description="Root of its API, such as `https://api.example.com/v1`. Redirects are not followed.")
    location: Literal[Location.ON_PREM, Location.MANAGED, Location.REMOTE] = Field(
        description="`on-prem`: your own machines. `managed`: a host that runs a model for you. `remote`: a provider."
    )
    provider: Slug = Field(description="Who runs it, for the register and the events.")
    region: Label | None = Field(None, description="Where it runs, such as `eu-central-1`.")
    contract: Label | None = Field(None, description="Reference of the contract on processing, such as `DPA-2026-17`.")
    retention: Label | None = Field(
        None, description="How long the provider keeps prompts, such as `none` or `30 days`."
    )
    max_data_class: DataClass = Field(
        DataClass.PUBLIC, description="Most sensitive class of retrieved content that may go there."
    )
    rescan: Literal["block", "unsafe_off"] = Field(
        "block", description="What a last look for personal data in the final bytes does when it finds any."
    )
    ca_file: Path | None = Field(None, description="Certificates to trust there, instead of the usual ones.")
    proxy: Url | None = Field(None, description="Proxy to it; none is ever taken from the environment.")
    connect_seconds: float = Field(10, gt=0, le=120, description="Longest wait for a connection.")
    idle_seconds: float = Field(20, gt=0, le=600, description="Longest silence while a reply comes.")
    total_seconds: float = Field(60, gt=0, le=3600, description="Longest call, retries included.")
    retries: int = Field(2, ge=0, le=10, description="Further tries after 429, 5xx or a lost connection.")
    max_request_bytes: int = Field(1_000_000, gt=0, description="Longest prompt in bytes; a longer one is not sent.")
    max_reply_bytes: int = Field(10_000_000, gt=0, description="Longest reply in bytes; reading stops there.")

    @property
    def host(self) -> str:
        """The one host that may be connected to."""
        return str(urlsplit(self.url).hostname)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if urlsplit(self.url).scheme == "http" and not is_loopback(self.host):
            raise PydanticCustomError(
                "destination_tls",
                "is another machine and not encrypted",
                {"remedy": "Write `https://`; for a private certificate name its `ca_file`."},
            )
        if self.max_data_class is DataClass.RESTRICTED and self.location is not Location.ON_PREM:
            raise PydanticCustomError(
                "destination_class",
                "may not receive restricted content",
                {"remedy": "Restricted content stays in process or on-prem; lower `max_data_class`."},
            )
        return self


class RouteRule(Section):
    """A rule of routing: what matches all that is given takes this generator. The first that matches holds."""

    collection: Slug | None = Field(None, description="Only questions to this collection.")
    data_class: DataClass | None = Field(None, description="Only content of this class or a more sensitive one.")
    principal: AccessToken | None = Field(None, description="Only questions of who holds this access token.")
    use: Slug = Field(description="The generator, by name; `small` or `large` for those of `[routing]`.")


class RoutingSection(Section):
    """Which generator answers: a small one first, a large one where policy allows it and the need shows."""

    small: Slug | None = Field(None, description="Answers first; by default the one `[generator]` names.")
    large: Slug | None = Field(None, description="Answers where the small one is not enough. Default: none.")
    fallback: Slug | None = Field(
        None, description="Answers where both fail. Never one that widens the boundary; `extractive` always fits."
    )
    escalate_at: float = Field(
        0.5, ge=0, le=1, description="Estimated probability of a wrong small answer from which the large one is asked."
    )
    rules: tuple[RouteRule, ...] = Field((), description="Rules that go before everything else.")


class BudgetSection(Section):
    """A limit on tokens or money, reserved before each call."""

    period: Literal["day", "month"] = Field("month", description="When it begins anew, in UTC.")
    principal: AccessToken | Literal["each"] | None = Field(
        None, description="Whose: one access token's, or `each` principal's own. Default: all together."
    )
    collection: Slug | None = Field(None, description="Only questions to this collection.")
    generator: Slug | None = Field(None, description="Only calls of this generator.")
    tokens: int | None = Field(None, gt=0, description="Most tokens, prompt and answer together.")
    cost: Decimal | None = Field(None, ge=Decimal("0.000001"), description="Most money, in the currency of the prices.")
    then: Literal["small", "refuse"] = Field("refuse", description="What a used-up budget does: the small one, or no.")

    @model_validator(mode="after")
    def _limits(self) -> Self:
        if self.tokens is None and self.cost is None:
            raise PydanticCustomError("budget", "limits nothing", {"remedy": "Write `tokens` or `cost`."})
        return self


class PricesSection(Section):
    """What calls cost."""

    file: Path | None = Field(None, description="A catalogue of your own, instead of the dated one that ragkit brings.")


class AnswersSection(Section):
    """How a model's answer is asked for and checked."""

    max_tokens: int = Field(512, ge=16, le=32_768, description="Most tokens of an answer.")
    unsupported: Literal["keep", "mark", "remove"] = Field(
        "mark", description="What happens to a sentence that its sources do not support."
    )
    nli: Path | None = Field(
        None, description="Folder of a model of textual entailment, to check sentences by meaning as well as by words."
    )
    history: int = Field(3, ge=0, le=50, description="Earlier turns that go into retrieval and prompt.")
