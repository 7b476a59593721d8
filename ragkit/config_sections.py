"""The tables of ``ragkit.toml``, each a frozen model.

``docs/configuration.md`` is generated from the descriptions here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from ragkit.types import DataClass, Principal, Trust

BUNDLED_MODEL = "all-MiniLM-L6-v2"
BUILTIN_DETECTOR = "builtin"
"""The detector that comes with the package; it needs no section."""
UPLOADS = "uploads"
"""The connector of documents that callers hand in, and ragkit keeps."""

_TOKEN = re.compile(r"pub|[ug]:[^|\s\x00-\x1f]+\|[^|\x00-\x1f]*[^|\s\x00-\x1f]")
_CREDENTIAL = re.compile(r"(^|_)(password|passwd|passphrase|secret|token|api_?key|private_key|credentials?)$", re.I)
_URL_PASSWORD = re.compile(r"://[^/@\s:]+:[^/@\s]+@")
_DURATION = re.compile(r"([1-9][0-9]{0,5})([smhd])")
_INLINE = {
    "remedy": 'Put it in an environment variable or a file of mode 0600 and write {env = "VAR"} or {file = "path"}.'
}


def _access_token(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise PydanticCustomError(
            "access_token",
            "is not an access token",
            {"remedy": "Write `u:issuer|name`, `g:source|name` or `pub`, such as `u:local|ana`."},
        )
    return token


def seconds_of(duration: str) -> int:
    """Return the seconds of a duration such as ``30s``, ``15m``, ``2h`` or ``1d``.

    Raises:
        ValueError: It is none, or nothing.
    """
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise ValueError("not a duration")
    return int(found[1]) * {"s": 1, "m": 60, "h": 3_600, "d": 86_400}[found[2]]


def _duration(written: str) -> str:
    try:
        seconds_of(written)
    except ValueError:
        raise PydanticCustomError(
            "duration", "is not a duration", {"remedy": "Write `30s`, `15m`, `2h` or `1d`."}
        ) from None
    return written


Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
FilterKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
AccessToken = Annotated[str, AfterValidator(_access_token)]
Duration = Annotated[str, AfterValidator(_duration)]


class Section(BaseModel):
    """A table of ``ragkit.toml``: frozen, unknown keys refused, values hidden from errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class SecretRef(Section):
    """Where a secret is: exactly one of an environment variable and a file. Read by ``ragkit.rootkey``."""

    env: str | None = Field(None, min_length=1, description="Name of an environment variable.")
    file: Path | None = Field(None, description="Path of a file of mode 0600.")

    @model_validator(mode="before")
    @classmethod
    def _no_literal(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise PydanticCustomError("inline_secret", "is a secret written inline", _INLINE)
        return value

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise PydanticCustomError("secret_ref", "needs exactly one of env and file", _INLINE)
        return self


class WorkspaceSection(Section):
    """Who this workspace belongs to."""

    name: Slug = Field(description="Name of the workspace, for people.")
    id: Slug | None = Field(None, description="Random name of the key file; `ragkit init` writes it.")
    owner: Annotated[str, StringConstraints(pattern=r"^[^|\s]+\|[^|]+$")] = Field(
        description="The principal a call without a principal runs as, `local|<user>`. Every use is recorded."
    )
    language: Language = Field("en", description="Main language of the documents, two letters.")

    @property
    def principal(self) -> Principal:
        """The local, audited principal."""
        return Principal(self.owner, kind="local")


class KeysSection(Section):
    """Where the root key comes from: always outside the data directory."""

    source: Literal["file", "env", "command"] = Field("file", description="Where the 32-byte root key comes from.")
    path: Path | None = Field(
        None, description="For `file`. Default: `$XDG_CONFIG_HOME/ragkit/<workspace id>.key`, mode 0600."
    )
    variable: str = Field("RAGKIT_ROOT_KEY", min_length=1, description="For `env`: the variable, base64 or hex.")
    command: tuple[str, ...] = Field(
        (), description="For `command`: program and arguments; prints the key, base64 or hex. No shell."
    )

    @model_validator(mode="after")
    def _command_given(self) -> Self:
        if self.source == "command" and not self.command:
            raise PydanticCustomError(
                "keys_command",
                "names no command",
                {"remedy": 'Write `command = ["program", "argument"]` under [keys].'},
            )
        return self


class StoreSection(Section):
    """Where the records are: in a SQLite file of the data directory, unless a server is named."""

    url: SecretRef | str | None = Field(
        None,
        description="A PostgreSQL database, `postgresql://user@host/name`; default: the file `records.db`. With a "
        'password in it, `{env = "VAR"}` or `{file = "path"}`.',
    )
    schema_name: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,62}$")] | None = Field(
        None, description="Schema of the workspace there, of no other; default: `ragkit_` and the workspace's id."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_password(cls, given: Any) -> Any:
        url = given.get("url") if isinstance(given, Mapping) else None
        if isinstance(url, str) and (_URL_PASSWORD.search(url) or "password=" in url):
            raise PydanticCustomError("inline_secret", "store.url is a secret written inline", _INLINE)
        if isinstance(url, Mapping):
            return {**given, "url": SecretRef.model_validate(url)}
        return given


class EmbedderSection(Section):
    """The encoder that turns text into vectors."""

    model: str = Field(
        BUNDLED_MODEL, min_length=1, description="The bundled encoder, or the folder of a sentence-transformers model."
    )
    threads: int = Field(0, ge=0, le=1024, description="Processor threads; 0 takes all.")
    dtype: Literal["auto", "bf16", "fp32"] = Field("auto", description="Precision of bulk embedding.")


class ChunkerSection(Section):
    """How documents are cut."""

    max_tokens: int = Field(0, ge=0, description="Longest chunk in word pieces; 0 takes the encoder's window.")
    overlap: int = Field(
        0, ge=0, description="Word pieces repeated between neighbouring chunks; a hit carries its neighbours anyway."
    )


class GeneratorSection(Section):
    """What writes the answer. Other keys go to the generator, which validates them."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Any]

    kind: Slug = Field("extractive", description="Kind of generator.")
    use: Slug | None = Field(None, description="One of [generators] by its name, instead of a kind.")

    @model_validator(mode="after")
    def _options(self) -> Self:
        if self.use is not None and (self.__pydantic_extra__ or "kind" in self.model_fields_set):
            raise PydanticCustomError(
                "generator_use",
                "names a generator and describes one",
                {"remedy": "Write `use` alone, and the options under [generators.NAME]."},
            )
        seal_options(self.__pydantic_extra__)
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """The generator's own options; secrets are :class:`SecretRef`."""
        return dict(self.__pydantic_extra__)


class DetectorSection(Section):
    """One learned detector, run for the policies that name it under `detectors`. Other keys go to the detector."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Any]

    kind: Slug = Field(description="`builtin`, `spacy`, `huggingface`, `gliner`, or the name a plugin registered.")
    path: str | None = Field(
        None, min_length=1, description="Folder of the model on this machine, or an installed spaCy package."
    )
    labels: dict[str, str] = Field({}, description="Entity type by the model's own label, where it is not the usual.")
    threshold: float | None = Field(
        None, ge=0, le=1, description="Least score; default: the policy's lowest. Its thresholds by type hold besides."
    )
    entities: tuple[str, ...] = Field((), description="Types taken from it; default: all that the policy wants.")

    @model_validator(mode="after")
    def _options(self) -> Self:
        seal_options(self.__pydantic_extra__)
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """What is written for the detector's constructor, relative paths as written."""
        own = {"path": self.path, "labels": self.labels or None, "threshold": self.threshold}
        return {key: value for key, value in own.items() if value is not None} | dict(self.__pydantic_extra__)


class PluginsSection(Section):
    """Which foreign packages may be imported."""

    allow: tuple[str, ...] = Field(
        (), description="Distributions other than ragkit whose connectors, generators and detectors may run."
    )


class SourceSection(Section):
    """One source of a collection. Other keys go to the connector, which validates them."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)
    __pydantic_extra__: dict[str, Any]

    connector: Slug = Field(description="Name of the connector, such as `files` or `jsonl`.")
    name: Slug = Field(description="Name of the source, unique in its collection.")
    access: tuple[AccessToken, ...] | None = Field(
        None, description="Who may see items whose source says nothing; default: the collection's access."
    )

    trust: Trust = Field(
        Trust.INTERNAL,
        description="Who may write into it: `trusted` (reviewed), `internal`, `external` (anybody: mail, tickets, "
        "web). Of a result at most half is external while others are at hand.",
    )

    every: Duration | None = Field(
        None, description="How often `ragkit sync --scheduled` syncs it: `30s`, `15m`, `2h`, `1d`."
    )
    permissions_every: Duration | None = Field(
        None, description="How often it reads again who may see what, besides the syncs."
    )

    @model_validator(mode="after")
    def _options(self) -> Self:
        seal_options(self.__pydantic_extra__)
        return self

    @property
    def options(self) -> Mapping[str, Any]:
        """The connector's own options as written; secrets are :class:`SecretRef`."""
        return dict(self.__pydantic_extra__)


class SyncSection(Section):
    """How sources are taken in."""

    parallel: int = Field(
        4, ge=1, le=8, description="How many sources are read side by side; one at a time is masked and written."
    )


class CollectionSection(Section):
    """Documents that share a policy, a data class and a set of readers."""

    data_class: DataClass = Field(DataClass.CONFIDENTIAL, description="How far the content may travel.")
    purpose: str | None = Field(
        None, description="Why these documents are kept; told to a person who asks what is held of them."
    )
    policy: Slug = Field("default", description="Name of a policy under [policies], or `default`.")
    access: tuple[AccessToken, ...] = Field(
        description="Who may see documents: `u:issuer|name`, `g:source|name`, `pub`. Empty: nobody."
    )
    reveal: tuple[AccessToken, ...] = Field((), description="Who may see masked values in clear. Default: nobody.")
    officers: tuple[AccessToken, ...] = Field(
        (),
        description="Who may answer people's requests (find, export, correct, restrict, erase), place holds and run "
        "retention. Default: nobody.",
    )
    filter_keys: tuple[FilterKey, ...] = Field((), description="Metadata keys that questions may filter on.")
    language: Language | None = Field(None, description="Language of the documents; default: the workspace's.")
    max_delete_share: float = Field(
        0.2,
        ge=0,
        le=1,
        description="A pass that would delete a larger share of a source's documents, and more than three, stops.",
    )
    sources: tuple[SourceSection, ...] = Field((), description="Where the documents come from.")

    @model_validator(mode="after")
    def _sources_differ(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) < len(names):
            raise PydanticCustomError(
                "source_names", "has two sources of the same name", {"remedy": "Give each source its own name."}
            )
        return self


def seal_options(options: dict[str, Any]) -> None:
    """Turn ``{env = …}`` and ``{file = …}`` into :class:`SecretRef` in place; refuse a literal that looks secret."""
    for key, value in options.items():
        if isinstance(value, Mapping) and value and set(value) <= {"env", "file"}:
            options[key] = SecretRef.model_validate(value)
        elif isinstance(value, str) and (_CREDENTIAL.search(key) or _URL_PASSWORD.search(value)):
            raise PydanticCustomError(
                "inline_secret", "option {option} is a secret written inline", {"option": key, **_INLINE}
            )
