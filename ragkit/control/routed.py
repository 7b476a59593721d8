"""A workspace whose writing goes through the service where one runs; everything else is done here.

::

    here = routed(open_workspace("."), say=print)
    here.sync()              # in the service, or here: nobody has to know which
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, cast

from ragkit.control.client import find_service
from ragkit.control.deeds import DEEDS, ROOMS
from ragkit.workspace import Workspace


def routed(workspace: Workspace, *, say: Callable[[str], None]) -> Workspace:
    """Return a stand-in for an open workspace, of which each call that writes looks for a service first.

    Args:
        workspace: Open; closed by whoever opened it.
        say: Tells the user something while a call waits.
    """
    return cast("Workspace", _Routed(workspace, say)) if isinstance(workspace, Workspace) else workspace


class _Routed:
    """Passes on everything but what :data:`~ragkit.control.deeds.DEEDS` names."""

    def __init__(self, workspace: Workspace, say: Callable[[str], None]) -> None:
        self._workspace = workspace
        self._say = say
        self._begun = 0

    @property
    def begun(self) -> int:
        """As the workspace's; of the service's, where that wrote."""
        return max(self._workspace.begun, self._begun)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._workspace, name)
        if name in ROOMS:
            return _Room(self, name, found)
        return self._through(name, found) if name in DEEDS else found

    def _through(self, verb: str, method: Callable[..., Any]) -> Callable[..., Any]:
        deed = DEEDS[verb]

        def call(*args: Any, **kwargs: Any) -> Any:
            bound = inspect.signature(method).bind(*args, **kwargs)
            arguments = dict(bound.arguments)
            if deed.reads_with is not None and arguments.get(deed.reads_with[0]) == deed.reads_with[1]:
                return method(*args, **kwargs)
            service = find_service(self._workspace.config, say=self._say)
            if service is None:
                return method(*args, **kwargs)
            asking, progress = arguments.pop("principal", None), arguments.pop("progress", None)
            done = service.call(verb, arguments, asking=asking, progress=progress)
            self._begun = service.begun
            return done

        return call


class _Room:
    """A room of the workspace, such as ``subjects``."""

    def __init__(self, of: _Routed, name: str, room: Any) -> None:
        self._of = of
        self._name = name
        self._room = room

    def __getattr__(self, name: str) -> Any:
        found, verb = getattr(self._room, name), f"{self._name}.{name}"
        return self._of._through(verb, found) if verb in DEEDS else found
