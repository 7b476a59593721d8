"""What a name in the configuration stands for: a table from ``kind/name`` to ``module:attribute``.

::

    registry = Registry(allow=config.plugins.allow)
    connector_type = registry.load("connectors", "files")

Looking a name up imports nothing; ``load`` imports the one module that the configuration names. Other distributions
add rows by entry point (groups ``ragkit.connectors``, ``ragkit.detectors`` and ``ragkit.generators``), read on the
first look-up that the built-in table does not answer; they run only if ``[plugins] allow`` names their distribution.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from inspect import signature
from typing import Any, Literal

from ragkit.errors import ConfigError, MissingDependency, UnknownKey

Kind = Literal["connectors", "detectors", "generators"]

KINDS: tuple[Kind, ...] = ("connectors", "detectors", "generators")
OWN_DISTRIBUTION = "ragkit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row: what to import, from which distribution, and the extra that brings what it needs."""

    kind: Kind
    name: str
    target: str
    extra: str | None = None
    distribution: str = OWN_DISTRIBUTION


BUILT_IN: tuple[Entry, ...] = (
    Entry(kind="connectors", name="confluence", target="ragkit_connectors.confluence:ConfluenceConnector"),
    Entry(kind="connectors", name="files", target="ragkit_connectors.files:FilesConnector"),
    Entry(kind="connectors", name="git", target="ragkit_connectors.git:GitConnector", extra="git"),
    Entry(kind="connectors", name="jsonl", target="ragkit_connectors.jsonl:JsonlConnector"),
    Entry(kind="connectors", name="llama_index", target="ragkit_connectors.llama_index:ReaderConnector"),
    Entry(kind="connectors", name="mailbox", target="ragkit_connectors.mailbox:MailboxConnector", extra="mailbox"),
    Entry(
        kind="connectors", name="object_store", target="ragkit_connectors.object_store:ObjectStoreConnector", extra="s3"
    ),
    Entry(kind="connectors", name="slack", target="ragkit_connectors.slack:SlackConnector"),
    Entry(kind="connectors", name="sql", target="ragkit_connectors.sql:SqlConnector", extra="postgres"),
    Entry(kind="connectors", name="web", target="ragkit_connectors.web:WebConnector", extra="web"),
    Entry(kind="connectors", name="zendesk", target="ragkit_connectors.zendesk:ZendeskConnector"),
    Entry(kind="connectors", name="uploads", target="ragkit.ingest.uploads:UploadsConnector"),
    Entry(kind="detectors", name="builtin", target="ragkit.detect.builtin:BuiltinDetector"),
    Entry(kind="detectors", name="gliner", target="ragkit.detect.gliner:GlinerDetector"),
    Entry(kind="detectors", name="huggingface", target="ragkit.detect.huggingface:HuggingFaceDetector"),
    Entry(kind="detectors", name="spacy", target="ragkit.detect.spacy:SpacyDetector"),
    Entry(kind="generators", name="anthropic", target="ragkit.backends.anthropic:AnthropicModel"),
    Entry(kind="generators", name="azure", target="ragkit.backends.azure:AzureModel"),
    Entry(kind="generators", name="bedrock", target="ragkit.backends.bedrock:BedrockModel", extra="bedrock"),
    Entry(kind="generators", name="extractive", target="ragkit.generate.extractive:ExtractiveGenerator"),
    Entry(kind="generators", name="llama_cpp", target="ragkit.backends.llama_cpp:LlamaCppModel", extra="llama-cpp"),
    Entry(kind="generators", name="llama_index", target="ragkit.interop.llm:LlamaIndexModel"),
    Entry(
        kind="generators", name="openai_compatible", target="ragkit.backends.openai_compatible:OpenAICompatibleModel"
    ),
    Entry(kind="generators", name="transformers", target="ragkit.backends.transformers:TransformersModel"),
)
"""ragkit's own rows, equal to the entry points in ``pyproject.toml``; a foreign row of the same name never wins."""


class Registry:
    """The table of one workspace.

    Args:
        allow: Distributions other than ragkit whose rows may be imported.
    """

    def __init__(self, *, allow: Collection[str] = ()) -> None:
        self._allow = frozenset(_normal(name) for name in allow)
        self._rows = {(entry.kind, entry.name): entry for entry in BUILT_IN}
        self._scanned = False

    def names(self, kind: Kind) -> list[str]:
        """Return every name of this kind, sorted, allowed or not."""
        self._scan()
        return sorted(name for row_kind, name in self._rows if row_kind == kind)

    def find(self, kind: Kind, name: str) -> Entry:
        """Return the row, without importing it.

        Raises:
            ConfigError: There is no such name, or its distribution is not allowed.
        """
        if (kind, name) not in self._rows:
            self._scan()
        entry = self._rows.get((kind, name))
        if entry is None:
            known = self.names(kind)
            guess = get_close_matches(name, known, n=1)
            hint = f"Did you mean `{guess[0]}`?" if guess else f"Known: {', '.join(known)}."
            raise ConfigError(f"there is no {kind[:-1]} of the name {name!r}", remedy=hint)
        if entry.distribution != OWN_DISTRIBUTION and entry.distribution not in self._allow:
            raise ConfigError(
                f"{kind[:-1]} {name!r} comes from the package {entry.distribution!r}, which is not allowed",
                remedy=f'Write `allow = ["{entry.distribution}"]` under [plugins] if you trust it with unmasked text.',
            )
        return entry

    def load(self, kind: Kind, name: str) -> Any:
        """Import and return what the name stands for: a class.

        Raises:
            ConfigError: As :meth:`find`; or the module has no such attribute.
            MissingDependency: A package it needs is not installed.
        """
        entry = self.find(kind, name)
        module_name, _, attribute = entry.target.partition(":")
        try:
            found: Any = import_module(module_name)
        except ImportError as failed:
            raise _missing(entry, failed) from failed
        for part in attribute.split("."):
            if not hasattr(found, part):
                raise ConfigError(
                    f"{kind[:-1]} {name!r} of the package {entry.distribution!r} is not where its entry point says",
                    remedy="Install another version of the package, or tell its authors.",
                )
            found = getattr(found, part)
        return found

    def check_options(
        self, kind: Kind, name: str, options: Collection[str], *, supplied: Collection[str] = ("name",)
    ) -> None:
        """Check the names of options against the constructor; ``supplied`` are given by ragkit itself.

        Raises:
            UnknownKey: It takes no such option.
            ConfigError: An option that it must have is absent; or as :meth:`load`.
        """
        parameters = signature(self.load(kind, name)).parameters.values()
        known = [one.name for one in parameters if one.kind in (one.KEYWORD_ONLY, one.POSITIONAL_OR_KEYWORD)]
        if not any(one.kind is one.VAR_KEYWORD for one in parameters):
            for option in options:
                if option not in known or option in supplied:
                    guess = get_close_matches(option, known, n=1)
                    hint = f"Did you mean `{guess[0]}`?" if guess else f"Known: {', '.join(sorted(known))}."
                    raise UnknownKey(f"{kind[:-1]} {name!r} has no option {option!r}", remedy=hint)
        for one in parameters:
            wanted = one.name in known and one.default is one.empty
            if wanted and one.name not in options and one.name not in supplied:
                raise ConfigError(
                    f"{kind[:-1]} {name!r} needs the option {one.name!r}", remedy=f"Write `{one.name} = …`."
                )

    def _scan(self) -> None:
        """Read the entry points of all installed distributions, once. Two foreign rows of one name are both refused."""
        if self._scanned:
            return
        self._scanned = True
        own = set(self._rows)
        for kind in KINDS:
            for point in entry_points(group=f"ragkit.{kind}"):
                distribution = _normal(point.dist.name) if point.dist else "unknown"
                key = (kind, point.name)
                if distribution == OWN_DISTRIBUTION or key in own:
                    continue
                rival = self._rows.get(key)
                if rival and rival.distribution != distribution:
                    raise ConfigError(
                        f"{rival.distribution!r} and {distribution!r} both bring a {kind[:-1]} {point.name!r}",
                        remedy="Uninstall one of them.",
                    )
                extra = next(iter(point.extras), None)
                target = f"{point.module}:{point.attr}"
                self._rows[key] = Entry(
                    kind=kind, name=point.name, target=target, extra=extra, distribution=distribution
                )


def _normal(name: str) -> str:
    """Normalise a distribution's name (PyPA, "Names and normalization")."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _missing(entry: Entry, failed: ImportError) -> MissingDependency:
    if entry.extra:
        wanted = f"'{entry.distribution}[{entry.extra}]'"
    else:
        wanted = (failed.name or entry.distribution).partition(".")[0]
    return MissingDependency(
        f"{entry.kind[:-1]} {entry.name!r} needs a package that is not installed", remedy=f"pip install {wanted}"
    )
