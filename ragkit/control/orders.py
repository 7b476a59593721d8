"""What a caller of the control socket wants done: checked piece by piece, and made into a call of the library."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

import ragkit
from ragkit.control import wire
from ragkit.control.deeds import DEEDS, argument, principal
from ragkit.errors import ConfigError, ServiceGone
from ragkit.protocols import Progress
from ragkit.workspace import Workspace

_DEFECT = "This is a defect: report it."


def read_order(workspace: Workspace, request: Mapping[str, Any], *, mark: str) -> tuple[str, Callable[[Progress], Any]]:
    """Return what is wanted, and what does it.

    Args:
        workspace: On which it is done.
        request: The first message of a caller.
        mark: Of the service's configuration (:func:`ragkit.control.wire.config_mark`).

    Raises:
        ServiceGone: The caller is of another version.
        ConfigError: It has another ragkit.toml, or something in the order is not in order. None of it is repeated.
    """
    if request.get("ragkit") != wire.VERSION or request.get("software") != ragkit.__version__:
        raise ServiceGone(
            f"the service is of another version, {ragkit.__version__}",
            remedy="Start the service again with the ragkit that the command line has.",
        )
    if request.get("config") != mark:
        raise ConfigError(
            "ragkit.toml is another than when the service was started",
            remedy="Start the service again, then run this once more.",
        )
    verb, given = request.get("verb"), request.get("arguments")
    if not isinstance(verb, str) or verb not in DEEDS or not isinstance(given, dict):
        raise ConfigError("the service does no such thing", remedy="Run `ragkit --help`.")
    room, _, name = verb.rpartition(".")
    method = getattr(getattr(workspace, room) if room else workspace, name)
    signature = inspect.signature(method)
    if not given.keys() <= signature.parameters.keys() - {"principal", "progress"}:
        raise ConfigError(f"{verb} has no such argument", remedy=_DEFECT)
    arguments = {one: _read(argument(one), value, one) for one, value in given.items()}
    asking = _read(principal(), request.get("as"), "who asks")

    def work(progress: Progress) -> Any:
        more = {"progress": progress} if "progress" in signature.parameters else {}
        bound = signature.bind(**arguments, principal=asking, **more)
        return method(*bound.args, **bound.kwargs)

    return verb, work


def _read(form: TypeAdapter[Any], value: Any, what: str) -> Any:
    try:
        return form.validate_python(value)
    except ValidationError:
        raise ConfigError(f"{what} is not of the right form", remedy=_DEFECT) from None
