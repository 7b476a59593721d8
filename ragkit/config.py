"""The configuration: one ``ragkit.toml``, read into a frozen :class:`Config`.

::

    config = load_config("handbook/ragkit.toml")
    config.collections["handbook"].access        # ("u:local|ana",)

Unknown keys are refused with the nearest right one. Secrets are named, never written: ``{env = "VAR"}`` or
``{file = "path"}``. Relative paths count from the folder of ``ragkit.toml``. Reading a configuration imports no
connector and no model, and opens nothing but the file. The tables themselves are in ``ragkit.config_sections``.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from ragkit.config_answering import (
    AnswersSection,
    BudgetSection,
    DestinationSection,
    ModelSection,
    PricesSection,
    RoutingSection,
)
from ragkit.config_audit import AuditSection, RolesSection
from ragkit.config_errors import explain, nearest
from ragkit.config_keeping import BackupSection, RetentionSection
from ragkit.config_parsing import ParserSection
from ragkit.config_sections import (
    BUILTIN_DETECTOR,
    ChunkerSection,
    CollectionSection,
    DetectorSection,
    EmbedderSection,
    GeneratorSection,
    KeysSection,
    PluginsSection,
    Section,
    Slug,
    SourceSection,
    StoreSection,
    SyncSection,
    WorkspaceSection,
)
from ragkit.config_serve import ChatSection, ServeSection
from ragkit.errors import ConfigError
from ragkit.policy import Policy

FILE_NAME = "ragkit.toml"
DATA_FOLDER = ".ragkit"


class Config(Section):
    """A whole ``ragkit.toml``."""

    workspace: WorkspaceSection = Field(description="Who this workspace belongs to.")
    keys: KeysSection = Field(KeysSection(), description="The root key.")
    parser: ParserSection = Field(ParserSection(), description="Reading files.")
    store: StoreSection = Field(StoreSection(), description="Where the records are.")
    embedder: EmbedderSection = Field(EmbedderSection(), description="The encoder.")
    chunker: ChunkerSection = Field(ChunkerSection(), description="Cutting.")
    generator: GeneratorSection = Field(GeneratorSection(), description="Answering.")
    generators: dict[Slug, ModelSection] = Field({}, description="Generators to choose from; by name.")
    destinations: dict[Slug, DestinationSection] = Field({}, description="Where prompts may go; by name.")
    routing: RoutingSection = Field(RoutingSection(), description="Which generator answers.")
    budgets: tuple[BudgetSection, ...] = Field((), description="Limits on tokens and money; each holds.")
    prices: PricesSection = Field(PricesSection(), description="What calls cost.")
    answers: AnswersSection = Field(AnswersSection(), description="How a model's answer is asked for and checked.")
    audit: AuditSection = Field(AuditSection(), description="Recording, and what proves the record.")
    roles: RolesSection = Field(RolesSection(), description="Who may do what.")
    sync: SyncSection = Field(SyncSection(), description="Taking sources in.")
    serve: ServeSection = Field(ServeSection(), description="The HTTP service.")
    chat: ChatSection | None = Field(None, description="The customer-care chatbot.")
    plugins: PluginsSection = Field(PluginsSection(), description="Foreign packages.")
    backup: BackupSection = Field(BackupSection(), description="Copies.")
    retention: tuple[RetentionSection, ...] = Field((), description="How long documents may be kept; a rule each.")
    detectors: dict[Slug, DetectorSection] = Field({}, description="Learned detectors; by name.")
    policies: dict[Slug, Policy] = Field({}, description="What is masked, and how; by name.")
    collections: dict[Slug, CollectionSection] = Field(min_length=1, description="What can be asked; by name.")
    _folder: Path = PrivateAttr(default_factory=Path)

    @model_validator(mode="after")
    def _policies_exist(self) -> Self:
        known = ["default", *self.policies]
        for name, collection in self.collections.items():
            if collection.policy not in known:
                guess = nearest(collection.policy, known)
                raise PydanticCustomError(
                    "policy_name",
                    "collections.{name}.policy names a policy that is not there",
                    {"name": name, "remedy": f"Write `{guess or 'default'}`, or add the policy under [policies]."},
                )
        return self

    @model_validator(mode="after")
    def _detectors_exist(self) -> Self:
        for name, policy in self.policies.items():
            for detector in policy.detectors:
                if detector != BUILTIN_DETECTOR and detector not in self.detectors:
                    guess = nearest(detector, [BUILTIN_DETECTOR, *self.detectors])
                    raise PydanticCustomError(
                        "detector_name",
                        "policies.{name}.detectors names a detector that is not there",
                        {
                            "name": name,
                            "remedy": f"Write `{guess or BUILTIN_DETECTOR}`, or add a section under [detectors].",
                        },
                    )
        if BUILTIN_DETECTOR in self.detectors and self.detectors[BUILTIN_DETECTOR].kind != BUILTIN_DETECTOR:
            raise PydanticCustomError(
                "detector_kind",
                "detectors.builtin is of another kind",
                {"remedy": "Give the section another name, and write that name in the policy's `detectors`."},
            )
        return self

    @model_validator(mode="after")
    def _generators_exist(self) -> Self:
        wanted = {"generator.use": self.generator.use}
        wanted |= {f"routing.{key}": getattr(self.routing, key) for key in ("small", "large", "fallback")}
        wanted |= {f"routing.rules[{place}].use": rule.use for place, rule in enumerate(self.routing.rules)}
        wanted |= {f"budgets[{place}].generator": budget.generator for place, budget in enumerate(self.budgets)}
        roles = ["small", *(["large"] if self.routing.large else [])]
        for key, name in wanted.items():
            self._named(
                key, name, "generator", [*self.generators, "extractive", *roles * key.startswith("routing.rules")]
            )
        limited = {f"routing.rules[{place}]": rule.collection for place, rule in enumerate(self.routing.rules)}
        limited |= {f"budgets[{place}]": budget.collection for place, budget in enumerate(self.budgets)}
        limited |= {"chat": self.chat.collection} if self.chat else {}
        for key, name in limited.items():
            self._named(f"{key}.collection", name, "collection", list(self.collections))
        if "extractive" in self.generators and self.generators["extractive"].kind != "extractive":
            raise PydanticCustomError(
                "generator_kind",
                "generators.extractive is of another kind",
                {"remedy": "Give the section another name."},
            )
        for name, model in self.generators.items():
            self._named(f"generators.{name}.destination", model.destination, "destination", list(self.destinations))
        return self

    @staticmethod
    def _named(key: str, name: str | None, kind: str, known: list[str]) -> None:
        if name is not None and name not in known:
            guess = nearest(name, known) or ", ".join(known) or f"a section under [{kind}s]"
            raise PydanticCustomError(
                f"{kind}_name",
                "{key} names a {kind} that is not there",
                {"key": key, "kind": kind, "remedy": f"Write one that is: {guess}."},
            )

    @model_validator(mode="after")
    def _retained_exists(self) -> Self:
        for place, rule in enumerate(self.retention):
            held = self.collections.get(rule.collection)
            known = list(self.collections) if held is None else [one.name for one in held.sources]
            word = "collection" if held is None else "source"
            named = rule.collection if held is None else rule.source
            if named is not None and named not in known:
                guess = nearest(named, known) or ", ".join(known)
                raise PydanticCustomError(
                    "retention_name",
                    "retention[{place}].{word} names a {word} that is not there",
                    {"place": place, "word": word, "remedy": f"Write one that is: {guess}."},
                )
        return self

    @model_validator(mode="after")
    def _roles_written(self) -> Self:
        missing = [f"collections.{name}.officers" for name, one in self.collections.items() if not one.officers]
        missing += ["roles.auditors"] if not self.roles.auditors else []
        if self.audit.mode == "compliance" and missing:
            raise PydanticCustomError(
                "roles_written",
                "{key} must be written down in the mode `compliance`",
                {"key": missing[0], "remedy": f'Name who it is there, such as "u:{self.workspace.owner}".'},
            )
        if self.audit.mode == "compliance" and self.serve.authentication == "unsafe_none":
            raise PydanticCustomError(
                "serve_compliance",
                "serve.authentication must be `required` in the mode `compliance`",
                {"remedy": "Make keys with `ragkit keys create`, or configure [serve.oidc]."},
            )
        if self.roles.two_person and self.audit.mode == "unsafe_off":
            raise PydanticCustomError(
                "two_person_log",
                "roles.two_person needs the event log, and [audit] mode is `unsafe_off`",
                {"remedy": "Write another mode; approvals are read back from the log."},
            )
        return self

    @property
    def folder(self) -> Path:
        """The workspace folder, absolute."""
        return self._folder

    @property
    def data_folder(self) -> Path:
        """``.ragkit`` in the workspace folder."""
        return self._folder / DATA_FOLDER

    def resolve(self, path: str | PathLike[str]) -> Path:
        """Return ``path`` as seen from the workspace folder, ``~`` expanded."""
        return self._folder / Path(path).expanduser()

    def policy_of(self, collection: str) -> Policy:
        """Return the policy of a collection; ``default`` is ragkit's own unless ``[policies.default]`` is written."""
        name = self.collections[collection].policy
        return self.policies[name] if name in self.policies else Policy.default()

    def language_of(self, collection: str) -> str:
        """Return the two-letter language of a collection."""
        return self.collections[collection].language or self.workspace.language


def find_workspace(start: str | PathLike[str] = ".") -> Path:
    """Return the folder with a ``ragkit.toml``: ``start`` or the nearest above it.

    Raises:
        ConfigError: There is none.
    """
    here = Path(start).expanduser().resolve()
    for folder in (here, *here.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(
        f"there is no {FILE_NAME} here or in a folder above",
        remedy="Make a workspace with `ragkit init`, or name one with `--workspace`.",
    )


def load_config(path: str | PathLike[str]) -> Config:
    """Read a ``ragkit.toml``, or the one in the folder ``path``.

    Raises:
        ConfigError: The file is absent, not TOML, or refused.
        UnknownKey: It has a key that nobody reads.
    """
    given = Path(path).expanduser().absolute()
    file = given / FILE_NAME if given.is_dir() else given
    return parse_config(read_toml(_read(file)), folder=file.parent)


def parse_config(data: Mapping[str, Any], *, folder: Path) -> Config:
    """Validate parsed TOML as the configuration of the workspace in ``folder``. Raises as :func:`load_config`."""
    try:
        config = Config.model_validate(data)
    except ValidationError as found:
        refusal = explain(found, Config)
    else:
        config._folder = folder.resolve()
        return config
    raise refusal  # outside the handler, so that the chain holds no pydantic error with values in it


def read_toml(text: str) -> dict[str, Any]:
    """Return what a text in TOML says.

    Raises:
        ConfigError: It is none; the message says where, and repeats nothing.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as found:
        place = re.search(r"\(at .*\)", str(found))
        refusal = ConfigError(
            f"{FILE_NAME} is not valid TOML {place[0] if place else ''}".rstrip(),
            remedy="Correct the line; text needs quotes, tables need [brackets].",
        )
    raise refusal


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        refusal = ConfigError(f"{FILE_NAME} is not UTF-8", remedy="Save it as UTF-8.")
    except OSError as found:
        refusal = ConfigError(
            f"{FILE_NAME} cannot be read ({type(found).__name__})",
            remedy="Make a workspace with `ragkit init`, or name one with `--workspace`.",
        )
    raise refusal


def chosen_sources(
    config: Config, names: Sequence[str], source: str | None, *, only: Collection[str] = ()
) -> Iterator[tuple[str, list[SourceSection]]]:
    """Yield these collections with their sources: all, those of one name, or ``only`` some as ``collection/source``.

    Raises:
        ConfigError: None of them has a source of that name.
    """
    every = {name: config.collections[name].sources for name in names}
    places = {f"{name}/{one.name}": one.name for name in names for one in every[name]}
    if (source and source not in places.values()) or not set(only) <= set(places):
        known = sorted(places) if only else sorted(set(places.values()))
        raise ConfigError("there is no such source", remedy=f"Name one of: {', '.join(known)}.")
    chosen = {
        name: [one for one in every[name] if source in (None, one.name) and (not only or f"{name}/{one.name}" in only)]
        for name in names
    }
    return iter([(name, sources) for name, sources in chosen.items() if sources or not (source or only)])
