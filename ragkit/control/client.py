"""The command line's end of the control socket: has the running service write.

::

    service = find_service(config)          # None where none runs
    service.call("sync", {"collection": "shop"}, progress=bars)
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

import ragkit
from ragkit.control import wire
from ragkit.control.deeds import argument, principal, result
from ragkit.control.wire import Lines, Malformed
from ragkit.errors import AccessDenied, RagkitError, ServiceGone
from ragkit.protocols import Progress
from ragkit.types import Principal

if TYPE_CHECKING:
    from ragkit.config import Config

CONNECT_S = 5.0
TAKEN_S = 30.0
SEND_S = 60.0


class Service:
    """A service that runs, reached over one connection; one call can be made.

    Args:
        connection: Connected.
        mark: Of the configuration here.
        say: Tells the user something.
    """

    def __init__(self, connection: socket.socket, *, mark: str, say: Callable[[str], None]) -> None:
        self._connection = connection
        self._lines = Lines(connection)
        self._mark = mark
        self._say = say
        self.begun = 0
        """Erasures and corrections that the service found begun and not finished, after the call."""

    def call(
        self, verb: str, arguments: Mapping[str, Any], *, asking: Principal | None, progress: Progress | None
    ) -> Any:
        """Have one thing done, and return its result.

        Raises:
            RagkitError: The error of the method, as if it had been called here.
            ServiceGone: The service ended, is stuck, or is of another version.
            KeyboardInterrupt: The user stopped it; what was done until then stays, as without a service.
        """
        request = {
            "ragkit": wire.VERSION,
            "software": ragkit.__version__,
            "config": self._mark,
            "verb": verb,
            "arguments": {
                name: argument(name).dump_python(_here(value), mode="json") for name, value in arguments.items()
            },
            "as": principal().dump_python(asking, mode="json"),
        }
        with self._connection:
            try:
                self._send(request)
                reply = self._followed(progress)
            except (TimeoutError, Malformed):
                raise ServiceGone(
                    "the service does not answer", remedy="Look at its log; start it again, or stop it."
                ) from None
            except OSError:
                raise _gone() from None
        self.begun = int(reply.get("begun", 0))
        try:
            return result(verb).validate_python(reply["result"])
        except (KeyError, ValidationError):
            raise ServiceGone("the service gave no result that can be read", remedy="Start it again.") from None

    def _send(self, request: Mapping[str, Any]) -> None:
        try:
            self._lines.send(request, wait_s=SEND_S)
        except TimeoutError:
            raise
        except OSError:
            pass  # it may have said why before it hung up

    def _followed(self, progress: Progress | None) -> dict[str, Any]:
        """Read what it tells until the end."""
        stopping, taken = False, False
        while True:
            try:
                message = self._lines.receive(wait_s=None if taken else TAKEN_S, most=4 * wire.LINE_BYTES)
                if progress is not None and message and "progress" in message:
                    progress(*message["progress"])
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                self._say("Stopping it in the service; once more leaves without waiting.")
                self._lines.send({"cancel": True}, wait_s=SEND_S)
                continue
            if message is None:
                raise _gone()
            if "error" in message:
                raise wire.raised(message["error"])
            if "stopped" in message or ("result" in message and stopping):
                stopped = "stopped" in message
                self._say("Stopped; run it again, and it goes on." if stopped else "It was done before it could stop.")
                raise KeyboardInterrupt
            if "result" in message:
                return message
            taken = True


def find_service(config: Config, *, say: Callable[[str], None] = lambda _: None) -> Service | None:
    """Return the service that runs over a data directory, ``None`` where none does.

    Args:
        config: Of the workspace.
        say: Tells the user something while a call waits.

    Raises:
        AccessDenied: The socket is another user's.
        ServiceGone: Something listens there and does not take the connection.
    """
    folder = config.data_folder
    if not (folder / wire.SOCKET).exists():
        return None
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(CONNECT_S)
        with wire.address(folder) as address:
            connection.connect(address)
        mine = wire.trusted(wire.peer(connection), folder=folder)
    except (ConnectionRefusedError, FileNotFoundError):
        connection.close()
        return None  # left behind by one that was killed
    except PermissionError:
        connection.close()
        raise AccessDenied(
            "the service here is another user's", remedy="Run this as the user of the service."
        ) from None
    except OSError:
        connection.close()
        raise ServiceGone("the service does not answer", remedy="Start it again, or stop it.") from None
    if not mine:
        connection.close()
        raise AccessDenied("what listens here is another user's", remedy="Run this as the user of the service.")
    return Service(connection, mark=wire.config_mark(config), say=say)


def _here(value: Any) -> Any:
    """A path means what it means here, wherever the service runs."""
    return value.expanduser().absolute() if isinstance(value, Path) else value


def _gone() -> RagkitError:
    return ServiceGone(
        "the service ended while it was writing for this command",
        remedy="Run it again, through the service when it runs again or without it; it goes on where it was.",
    )
