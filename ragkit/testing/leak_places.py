"""Sources of every connector on this machine, with planted values in each of their fields: real servers and files.

::

    with Places(folder, Supply(seed=81)) as places:
        places.tables            # [[collections.all.sources]] of every connector, for ragkit.toml
        places.environment       # the secrets that they name, and where a package of readers is
        places.change()          # things are renamed, changed and deleted

Words that a source tells and ragkit has no use for (authors of commits, ETags, ids of messages) are planted too, as are
ids and people who may read, which ragkit seals: they may be nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ragkit.testing import leak_local, leak_remote, sockets
from ragkit.testing.leak_supply import Supply

_PLANTERS: tuple[Callable[[Places], None], ...] = (
    leak_local.plant_files,
    leak_local.plant_lines,
    leak_local.plant_export,
    leak_local.plant_repository,
    leak_local.plant_reader,
    leak_local.plant_boxes,
    leak_local.plant_sqlite,
    leak_local.plant_postgresql,
    leak_remote.plant_bucket,
    leak_remote.plant_site,
    leak_remote.plant_wiki,
    leak_remote.plant_desk,
    leak_remote.plant_mail,
)


class Places:
    """Every kind of source, filled.

    Args:
        folder: Where what lies in files is written; it is not to be scanned.
        supply: What is planted.

    Attributes:
        tables: The sources for ``ragkit.toml``.
        environment: Variables for the processes that read them.
        absent: Servers that are not installed.
        reader: What the package of readers reads.
        stack: Ends servers.
        changes: What :meth:`change` does.
    """

    def __init__(self, folder: Path, supply: Supply) -> None:
        self.folder = folder
        self.supply = supply
        self.stack = ExitStack()
        self.changes: list[Callable[[], object]] = []
        self.tables = ""
        self.environment: dict[str, str] = {}
        self.absent: list[str] = []
        self.reader = folder / "reader.json"

    def __enter__(self) -> Self:
        try:
            with sockets.loopback():
                for plant in _PLANTERS:
                    plant(self)
        except BaseException:
            self.stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stack.close()

    def change(self) -> None:
        """Rename, change and delete something in every source that has a way to tell."""
        with sockets.loopback():
            for change in self.changes:
                change()

    def add(self, connector: str, name: str, **options: Any) -> None:
        """Add a source to the tables."""
        self.tables += table(connector, name, options)

    def secret(self, name: str, value: str) -> dict[str, str]:
        """Put a secret into the environment; return the reference to it."""
        self.environment[name] = value
        return {"env": name}

    def made(self, name: str) -> Path:
        """Make a folder."""
        folder = self.folder / name
        folder.mkdir(parents=True)
        return folder


def table(connector: str, name: str, options: Mapping[str, Any]) -> str:
    """A source as ``ragkit.toml`` has it."""
    lines = [f"{key} = {_toml(value)}" for key, value in {"connector": connector, "name": name, **options}.items()]
    return "\n[[collections.all.sources]]\n" + "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)
