"""A class named in the configuration, imported only from a distribution that ``[plugins] allow`` names.

Which distribution a module belongs to is read from the files that were installed with it, before anything of it runs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from importlib import import_module
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from ragkit.errors import ConfigError, MissingDependency

_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def foreign_class(target: str, *, allow: Collection[str]) -> type:
    """Import and return a class.

    Args:
        target: ``package.module:Class``.
        allow: Distributions whose modules may be imported.

    Raises:
        ConfigError: The target is malformed, its module belongs to no allowed distribution, or there is no such class.
        MissingDependency: A package that the module needs is not installed.
    """
    if not _TARGET.fullmatch(target):
        raise ConfigError("the name of a class is out of form", remedy="Write `package.module:Class`.")
    module, _, name = target.partition(":")
    if not any(_brings(one, module) for one in _installed(allow)):
        raise ConfigError(
            f"the module {module!r} belongs to no installed package that is allowed",
            remedy="Install the package that brings it, and name that under `allow` in [plugins] if you trust it.",
        )
    try:
        found: Any = getattr(import_module(module), name, None)
    except ImportError as failed:
        raise MissingDependency(
            f"the module {module!r} needs a package that is not installed",
            remedy=f"pip install {(failed.name or module).partition('.')[0]}",
        ) from failed
    if not isinstance(found, type):
        raise ConfigError(f"the module {module!r} has no class {name!r}", remedy="Correct the name of the class.")
    return found


def _installed(names: Collection[str]) -> Iterator[Distribution]:
    for name in names:
        try:
            yield distribution(name)
        except PackageNotFoundError:
            continue


def _brings(one: Distribution, module: str) -> bool:
    """Whether a distribution installed this module, or leads to a folder that holds it (an editable install)."""
    stem = module.replace(".", "/")
    wanted = {f"{stem}.py", f"{stem}/__init__.py"}
    for file in one.files or ():
        if file.as_posix() in wanted:
            return True
        if file.suffix == ".pth":
            where = Path(str(file.locate()))
            if any(_holds(where.parent / line, wanted) for line in _lines(where)):
                return True
    return False


def _lines(file: Path) -> list[str]:
    try:
        lines = (line.strip() for line in file.read_text(encoding="utf-8").splitlines())
        return [line for line in lines if line and not line.startswith(("import ", "import\t", "#"))]
    except (OSError, UnicodeDecodeError):
        return []


def _holds(folder: Path, wanted: Collection[str]) -> bool:
    return any((folder / name).is_file() for name in wanted)
