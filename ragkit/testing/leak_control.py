"""The way out that is the control socket: what the service keeps, logs and answers of people whom an order names.

Every field of an order gets a planted text, in orders that are in order and in such as are not. What comes back is kept
under ``world.said``, where :func:`ragkit.testing.leaks.scan` looks; so is the service's log.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import ragkit
from ragkit.control import wire
from ragkit.control.routed import routed
from ragkit.testing import sockets
from ragkit.testing.leaks import World, keep_error
from ragkit.testing.service import served
from ragkit.workspace import Workspace

REPLIES = "control-replies.txt"


def give_orders(world: World, questions: Sequence[str]) -> None:
    """Serve the workspace, and have it write what names people.

    Args:
        world: Lived in; its environment is this process's.
        questions: Planted ones, each with somebody's data.
    """
    with sockets.loopback(), served(world.workspace) as service, (world.said / REPLIES).open("wb") as told:
        workspace = service.tenants.first.workspace
        for number, question in enumerate(questions):
            for order in _orders(workspace, question):
                told.write(_reply(workspace, order))
            here = routed(workspace, say=lambda _: None)
            erase = partial(here.subjects.erase, question[:200], purpose=question, collection="files")
            keep_error(world.said / f"control-{number}-erase.txt", erase)
            lift = partial(here.subjects.lift, question[:200], reason=question, purpose=question, collection="files")
            keep_error(world.said / f"control-{number}-lift.txt", lift)
            here.mask_text(question, collection="files")
            hold = here.keeping.place_hold(source="folder", reason=question, collection="files")
            here.keeping.release_hold(hold.hold, reason=question, collection="files")
        (world.said / "control-log.txt").write_text(service.lines.getvalue(), encoding="utf-8")


def _orders(workspace: Workspace, text: str) -> Iterator[bytes]:
    good: dict[str, Any] = {
        "ragkit": wire.VERSION,
        "software": ragkit.__version__,
        "config": wire.config_mark(workspace.config),
        "verb": "keeping.place_hold",
        "arguments": {"reason": "r", "source": "folder", "collection": "files"},
        "as": None,
    }
    changed: list[dict[str, Any]] = [{name: text} for name in good]
    changed += [{"as": {"subject": text, "groups": [text]}}, {"as": {"subject": 7, "groups": text}}]
    changed += [{"arguments": {**good["arguments"], name: text}} for name in ("collection", "source", "value", text)]
    changed += [{"arguments": {**good["arguments"], "document": {text: text}}}, {text: text, "verb": "sync "}]
    for one in changed:
        yield json.dumps({**good, **one}).encode() + b"\n"
    yield json.dumps({**good, "verb": text}).encode()[:-3] + b"\n"
    yield text.encode() + b"\n"


def _reply(workspace: Workspace, order: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(60)
        connection.connect(str(workspace.config.data_folder / wire.SOCKET))
        connection.sendall(order)
        return b"".join(iter(lambda: connection.recv(65_536), b""))
