"""The workspaces that one service answers from: each a directory with data, keys and callers of its own.

Nothing is shared between two tenants but the process: no collection, no cache, no counter, no key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from ragkit.config import Config, load_config
from ragkit.errors import ConfigError
from ragkit.workspace import Workspace


@dataclass(slots=True)
class Tenant:
    """One workspace that is served.

    Attributes:
        name: Its name in ``[serve.tenants]``, or the workspace's own.
        workspace: Open, for all callers of this tenant; safe to use from several threads.
        parts: What modules of the service keep for this tenant, by their name; closed with it where it has ``close``.
    """

    name: str
    workspace: Workspace
    parts: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def config(self) -> Config:
        """The workspace's configuration."""
        return self.workspace.config

    def close_parts(self) -> None:
        """Close what modules of the service keep here, the newest first."""
        while self.parts:
            _, part = self.parts.popitem()
            if callable(close := getattr(part, "close", None)):
                close()


class Tenants:
    """All tenants of a service, the first one the workspace that it was started in."""

    def __init__(self, tenants: Mapping[str, Tenant]) -> None:
        self._tenants = dict(tenants)

    @property
    def first(self) -> Tenant:
        """The workspace that the service was started in; its ``[serve]`` holds for the process."""
        return next(iter(self._tenants.values()))

    def __iter__(self) -> Iterator[Tenant]:
        return iter(self._tenants.values())

    def __len__(self) -> int:
        return len(self._tenants)

    def __getitem__(self, name: str) -> Tenant:
        return self._tenants[name]


@contextmanager
def open_tenants(config: Config) -> Iterator[Tenants]:
    """Open the workspace of a configuration and those that its ``[serve.tenants]`` names; close them at the end.

    Raises:
        ConfigError: A folder is no workspace, or is named twice.
        KeyMismatch: A root key is not its workspace's.
    """
    configs = {config.workspace.name: config}
    for name, path in config.serve.tenants.items():
        folder = config.resolve(path).resolve()
        if name in configs or folder in {one.folder for one in configs.values()}:
            raise ConfigError("two tenants are one", remedy="Give each its own name and folder in [serve.tenants].")
        configs[name] = load_config(folder)
    with ExitStack() as stack:
        opened = dict[str, Tenant]()
        for name, one in configs.items():
            opened[name] = Tenant(name, stack.enter_context(Workspace.open(one.folder)))
            stack.callback(opened[name].close_parts)
        yield Tenants(opened)
