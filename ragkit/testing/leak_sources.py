"""Takes in sources of every kind by ``ragkit`` processes that log all they can, and keeps whatever they say.

::

    world = World(folder)
    with Places(world.sources, supply) as places:
        live(world, places, supply)
    findings = scan(world, supply.canaries)      # ragkit.testing.leaks

Each process logs everything of every library at DEBUG to its standard error, which is kept under ``world.said``.
"""

from __future__ import annotations

import logging
import os
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from ragkit import open_workspace
from ragkit.testing import sockets
from ragkit.testing.leak_places import Places
from ragkit.testing.leak_supply import Supply
from ragkit.testing.leaks import VIEWS, World, keep_error, masked_views
from ragkit.workspace import Workspace

_HEAD = """\
[workspace]
name = "leaks"
owner = "local|leaks"
[keys]
source = "env"
[plugins]
allow = ["acme-leaks"]
[collections.all]
access = ["u:local|leaks"]
officers = ["u:local|leaks"]
max_delete_share = 1.0
"""
_LOUD = """\
import logging
logging.basicConfig(level=logging.DEBUG, format="%(name)s %(message)s")
"""


def live(world: World, places: Places, supply: Supply, broken: str = "") -> None:
    """Sync, look, change, sync again, be killed, go on; all in processes, and once more in this one.

    Args:
        world: Made; its configuration is written over.
        places: Open.
        supply: Plants what questions and options say.
        broken: The sources of another workspace, none of which can be read.
    """
    (world.workspace / "ragkit.toml").write_text(_HEAD + places.tables)
    (world.broken / "ragkit.toml").write_text(_HEAD.replace('"leaks"', '"broken"', 1) + broken)
    loud = world.sources / "loud"
    loud.mkdir()
    (loud / "sitecustomize.py").write_text(_LOUD)
    command = partial(_command, world, places)
    _side_by_side(
        partial(command, "dry-run", "sync", "--dry-run", "--json"),
        partial(command, "sources-test", "sources", "test", "--json"),
    )
    command("killed", "sync", more={"RAGKIT_CRASH_POINT": "sync.before_commit"})
    command("sync", "sync", "--json")
    _look(world, places, supply, broken=bool(broken))
    places.change()
    command("diff-changed", "diff", "--json")
    command("killed-again", "sync", more={"RAGKIT_CRASH_POINT": "index.before_publish"})
    command("sync-again", "sync")
    with logged(world.said / "log.txt"), sockets.loopback(), open_workspace(world.workspace) as workspace:
        _use(workspace, world, supply)


def _look(world: World, places: Places, supply: Supply, *, broken: bool) -> None:
    """Everything that tells of what was taken in, and of what could not be."""
    command, question = partial(_command, world, places), f"What about this: {supply.say('question')}"
    _side_by_side(
        partial(command, "diff", "diff"),
        partial(command, "permissions", "sync", "--permissions", "--json"),
        partial(command, "retry", "quarantine", "retry", "--json"),
    )
    with open_workspace(world.workspace) as workspace:
        set_aside = [one.doc_id for one in workspace.quarantined()]
    word, url = supply.hide("option"), f"http://127.0.0.1:1/{supply.hide('option url')}"
    _side_by_side(
        partial(command, "sources", "sources", "list", "--json"),
        partial(command, "quarantine", "quarantine", "list"),
        partial(command, "quarantine-json", "quarantine", "list", "--json"),
        partial(command, "quarantine-show", "quarantine", "show", set_aside[0]),
        partial(command, "status", "status"),
        partial(command, "search", "search", question, "--json"),
        partial(command, "ask", "ask", question),
        partial(command, "add-wrong-value", "sources", "add", "files", "w", "-o", f'path="/{word}"'),
        partial(command, "add-gone", "sources", "add", "web", "w", "-o", f'start="{url}"'),
        partial(command, "add-secret", "sources", "add", "zendesk", "w", "-o", f'url="{url}"', "-o", f'token="{word}"'),
        partial(command, "show-unknown", "quarantine", "show", supply.hide("unknown document")),
        *(
            partial(command, f"broken-{name}", *words, workspace=world.broken)
            for name, words in (("sync", ["sync", "--json"]), ("test", ["sources", "test"]), ("diff", ["diff"]))
            if broken
        ),
    )


def _side_by_side(*commands: partial[None]) -> None:
    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(command) for command in commands]:
            one.result()


def _environment(world: World, places: Places) -> dict[str, str]:
    paths = [str(world.sources / "loud"), places.environment.get("PYTHONPATH", ""), os.environ.get("PYTHONPATH", "")]
    given = {**os.environ, **world.environment(), **places.environment}
    return {**given, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONWARNINGS": "default"}


def _command(
    world: World,
    places: Places,
    name: str,
    *words: str,
    workspace: Path | None = None,
    more: Mapping[str, str] | None = None,
) -> None:
    """Run ``ragkit`` where it would drop a core, and keep both its outputs and its status."""
    whole = [sys.executable, "-m", "ragkit", *words, "--workspace", str(workspace or world.workspace)]
    done = subprocess.run(  # noqa: S603 - our own command
        whole,
        capture_output=True,
        env={**_environment(world, places), **(more or {})},
        cwd=world.temporary,
        check=False,
    )
    told = b"\n---\n".join((done.stdout, done.stderr, f"status {done.returncode}".encode()))
    (world.said / f"command-{name}.txt").write_bytes(told)


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Log to a file all that this process and its libraries can log, but for what the servers of the test do."""
    handler, root = logging.FileHandler(path), logging.getLogger()
    handler.addFilter(lambda record: not record.name.startswith(("werkzeug", "moto")))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger(__name__).debug("everything is logged")
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(logging.WARNING)
        handler.close()


def _use(workspace: Workspace, world: World, supply: Supply) -> None:
    questions = [f"What about this: {supply.say('question')}" for _ in range(3)]
    kept: list[object] = [
        workspace.sources.test(),
        *workspace.sources.diff(),
        workspace.sync(),
        *workspace.quarantined(),
    ]
    kept += [workspace.sources.list(), workspace.status(), workspace.doctor()]
    for hits in workspace.search_many(questions, k=3):
        kept += hits
    kept += [workspace.ask(question) for question in questions]
    with (world.said / VIEWS).open("a", encoding="utf-8") as views:
        for view in masked_views(workspace, "all"):
            views.write(f"{view}\n")
    (world.said / "reprs.txt").write_text("\n".join(map(repr, [*kept, workspace])), encoding="utf-8")
    (world.said / "pickles.bin").write_bytes(b"".join(map(pickle.dumps, kept)))
    for number, word in enumerate((questions[0], supply.hide("name of a source"))):
        for way, failing in enumerate(_failures(workspace, word)):
            keep_error(world.said / f"error-{number}-{way}.txt", failing)


def _failures(workspace: Workspace, word: str) -> Sequence[Callable[[], object]]:
    return (
        partial(workspace.sync, source=word),
        partial(workspace.sources.diff, source=word),
        partial(workspace.sources.test, source=word),
        partial(workspace.sources.retry, (word,)),
        partial(workspace.sources.name, word, collection="all", purpose=word),
    )
