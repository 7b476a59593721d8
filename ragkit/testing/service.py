"""A small shop with readers of several kinds, and a real service over it on a free port, for tests.

::

    folder = make_shop(tmp_path)                       # synced; `copy_shop` is cheaper for each further one
    with served(folder) as service:
        httpx.get(f"{service.url}/healthz")
"""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.config import load_config
from ragkit.rootkey import create_key_file

if TYPE_CHECKING:
    from fastapi import FastAPI

    from ragkit.serve.running import Server, Service
    from ragkit.serve.tenants import Tenants

OPEN = '[serve]\nauthentication = "unsafe_none"\nport = 0\n'
KEYED = "[serve]\nport = 0\n"
CHAT = '[chat]\ncollection = "shop"\ntitle = "Tarn & Ember"\nquick_replies = ["How long is the warranty on a tent?"]\n'

OPEN_DOCUMENTS: Mapping[str, str] = {
    "warranty.md": "# Warranty\n\n## Tents\n\nThe warranty on every tent lasts five years from purchase.\n\n"
    "## Stoves\n\nStoves are covered for two years. Burners are wearing parts and are not covered.\n",
    "returns.md": "# Returns\n\nUnused goods can be returned within thirty days. The refund goes to the card used.\n",
    "prices.csv": "article,name,price\nT-100,Tarn tent,249.00\nS-200,Ember stove,59.50\nB-300,Ridge backpack,119.00\n",
}
"""What everybody may read."""

STAFF_DOCUMENTS: Mapping[str, str] = {
    "1042.txt": "Ticket 1042\n\nDear Ms Galina Yalmanova,\n\nthank you for your call. The zip of your Tarn "
    "tent will be repaired free of charge. Your e-mail address is galina.yalmanova@example.org and your phone number "
    "is +44 20 7946 0018.\n\nKind regards,\nPeter Ostrowsky\n",
    "1043.txt": "Ticket 1043\n\nDear Mr Henrik Thorvald,\n\nthe stove you sent us has a broken burner. "
    "Burners are wearing parts.\n\nKind regards,\nPeter Ostrowsky\n",
}
"""What the group ``crm|staff`` may read, and the owner."""


def make_shop(
    folder: Path,
    *,
    name: str = "shop",
    extra: str = OPEN,
    key: Path | None = None,
    further: Mapping[str, str] | None = None,
) -> Path:
    """Write and sync a workspace in ``folder/name``; its root key lies beside, outside it.

    ``further`` are more documents that everybody may read.
    """
    from ragkit import open_workspace

    shop = folder / name
    for place, documents in (("open", {**OPEN_DOCUMENTS, **(further or {})}), ("staff", STAFF_DOCUMENTS)):
        (shop / place).mkdir(parents=True)
        for file, text in documents.items():
            (shop / place / file).write_text(text, encoding="utf-8")
    key = key or folder / f"{name}.key"
    (shop / "ragkit.toml").write_text(_toml(name, key) + extra, encoding="utf-8")
    load_config(shop)
    create_key_file(key)
    with open_workspace(shop) as workspace:
        workspace.sync()
    return shop


def copy_shop(shop: Path, folder: Path, *, extra: str) -> Path:
    """Copy a synced shop, with its key where it was, and give the copy other tables at the end of its ragkit.toml."""
    shutil.copytree(shop, folder)
    text = (folder / "ragkit.toml").read_text(encoding="utf-8")
    (folder / "ragkit.toml").write_text(text[: text.index(_MARK) + len(_MARK)] + extra, encoding="utf-8")
    load_config(folder)
    return folder


_MARK = "# --- what a test adds\n"


def _toml(name: str, key: Path) -> str:
    return f"""
[workspace]
name = "{name}"
owner = "local|ana"

[keys]
source = "file"
path = "{key}"

[collections.shop]
access = ["u:local|ana"]
reveal = ["u:local|ana", "g:crm|agents"]
officers = ["u:local|ana"]

[[collections.shop.sources]]
connector = "files"
name = "open"
path = "open"
access = ["pub"]

[[collections.shop.sources]]
connector = "files"
name = "staff"
path = "staff"
access = ["g:crm|staff", "u:local|ana"]

{_MARK}"""


@dataclass(frozen=True, slots=True)
class Served:
    """A service that runs."""

    url: str
    app: FastAPI
    tenants: Tenants
    server: Server
    lines: io.StringIO

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log so far, line by line."""
        return [json.loads(line) for line in self.lines.getvalue().splitlines()]


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    """Run the service over a workspace in a thread, on a free port of 127.0.0.1; stop it at the end.

    It is what ``ragkit serve`` runs, the server and its limits included; only signals do not reach it.
    """
    from ragkit.serve.running import open_service
    from ragkit.serve.service_log import ServiceLog

    config = load_config(folder)
    config = config.model_copy(update={"serve": config.serve.model_copy(update={"port": 0})})
    lines, failed = io.StringIO(), []

    def run(service: Service) -> None:
        try:
            service.run()
        except BaseException as error:  # told below, in the thread that waits
            failed.append(error)

    with open_service(config, log=ServiceLog(lines)) as service, service.log.takes_over():
        thread = threading.Thread(target=run, args=(service,), daemon=True)
        thread.start()
        try:
            while not service.server.started:
                if not thread.is_alive():
                    raise RuntimeError("the service did not start") from (failed[0] if failed else None)
                thread.join(0.01)
            yield Served(service.url, service.app, service.tenants, service.server, lines)
        finally:
            service.server.should_exit = True
            thread.join(15)
