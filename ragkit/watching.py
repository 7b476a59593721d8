"""Which sources have files that changed, as the operating system tells it.

::

    with Watching(places_of(config, chosen), ignore=config.data_folder) as watching:
        watching.pause(60.0)         # {"shop/docs"}, or nothing after a minute
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ragkit.errors import ConfigError, MissingDependency, RagkitError

if TYPE_CHECKING:
    from ragkit.config import Config
    from ragkit.config_sections import SourceSection

LOCAL = frozenset({"files", "jsonl", "slack", "mailbox", "git"})
"""Connectors of which the option ``path`` is a place on this machine."""
QUIET_MS = 500
"""A stretch without a change ends a batch of them."""
LONGEST_MS = 5_000
"""A batch is told after so long also while changes go on."""
LOOK_MS = 500
"""So often it is looked whether what is watched is still what stands there; the system follows a folder that moved."""
_GLOB = frozenset("*?[")


def places_of(config: Config, chosen: Iterable[tuple[str, Sequence[SourceSection]]]) -> dict[Path, frozenset[str]]:
    """Return what is to be watched, and for which sources; those that are not on this machine are left out.

    Raises:
        ConfigError: There is nothing to watch, or what a source names is not there.
    """
    found: dict[Path, frozenset[str]] = {}
    for name, sections in chosen:
        for section in sections:
            path = section.options.get("path")
            if section.connector not in LOCAL or not isinstance(path, str):
                continue
            root = _root(config.resolve(path))
            if not root.exists():
                raise ConfigError(
                    f"the path of source {section.name!r} is not there, and cannot be watched",
                    remedy="Check `path` of this source in ragkit.toml, or that it is mounted.",
                )
            root = root.resolve()
            found[root] = found.get(root, frozenset()) | {f"{name}/{section.name}"}
    if not found:
        raise ConfigError(
            "none of these sources has files on this machine", remedy="Use `--every 15m` for sources elsewhere."
        )
    return found


def _root(path: Path) -> Path:
    """Return the folder or file above the first part of a path that is a pattern."""
    whole = [number for number, part in enumerate(path.parts) if _GLOB & set(part)]
    return Path(*path.parts[: whole[0]]) if whole and not path.exists() else path


class Watching:
    """Watches folders and files. Use as a context manager.

    Args:
        roots: What, and for which sources.
        ignore: A folder of which changes do not count: the data directory may lie inside what is watched.
    """

    def __init__(self, roots: Mapping[Path, frozenset[str]], *, ignore: Path) -> None:
        self._roots = dict(roots)
        self._ignore = ignore.resolve()
        self._changed: set[str] = set()
        self._news = threading.Event()
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._failure: RagkitError | None = None
        self._threads: list[threading.Thread] = []

    def pause(self, seconds: float) -> set[str]:
        """Wait so long, or until something changed; return the sources that did.

        Raises:
            RagkitError: Nothing can be watched any more.
        """
        self._news.wait(seconds)
        with self._lock:
            changed, self._changed = self._changed, set()
            self._news.clear()
            if self._failure is not None:
                raise self._failure
        return changed

    def __enter__(self) -> Self:
        """Begin to watch.

        Raises:
            MissingDependency: The package for it is not installed.
        """
        try:
            import watchfiles
        except ImportError:
            raise MissingDependency(
                "watching files needs a package that is not installed", remedy="pip install 'ragkit[watch]'"
            ) from None
        del watchfiles
        folders = [root for root in self._roots if root.is_dir()]
        files = [root.parent for root in self._roots if not root.is_dir()]  # an editor puts another in its place
        for paths, deep in ((folders, True), (files, False)):
            if paths:
                ready = threading.Event()
                about = (list(dict.fromkeys(paths)), deep, ready)
                thread = threading.Thread(target=self._watch, args=about, name="ragkit-watch", daemon=True)
                self._threads.append(thread)
                thread.start()
                ready.wait()  # what changes from here on is told
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _bad: BaseException | None, _tb: TracebackType | None
    ) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(2.0)

    def _watch(self, paths: Sequence[Path], deep: bool, ready: threading.Event) -> None:
        """Watch until the end, and anew where another folder stands in the place of one, or one went or came back."""
        news: list[Path] = []
        try:
            while not self._end.is_set():
                self._follow(paths, deep, news, ready)
                news = [root for root in self._roots if root in paths or root.parent in paths]
        except Exception as failed:
            with self._lock:
                self._failure = RagkitError(
                    f"files cannot be watched any more ({type(failed).__name__})",
                    remedy="Check that the folders are there; for many folders raise `fs.inotify.max_user_watches`.",
                )
                self._news.set()
        finally:
            ready.set()

    def _follow(self, paths: Sequence[Path], deep: bool, news: Iterable[Path], ready: threading.Event) -> None:
        """Watch what is there for as long as it is the same; ``news`` may have changed while nothing was watched."""
        from watchfiles import Change, watch

        while not (there := _standing(paths)):
            ready.set()
            if self._end.wait(LOOK_MS / 1000):
                return
        with suppress(FileNotFoundError):  # it went since we looked
            for changes in watch(
                *there,
                watch_filter=None,
                debounce=LONGEST_MS,
                step=QUIET_MS,
                stop_event=self._end,
                rust_timeout=LOOK_MS,
                yield_on_timeout=True,
                recursive=deep,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                self._note([*news, *(Path(path) for _, path in changes)])
                news = ()
                ready.set()
                # A new folder may have the number of the one that was deleted, so that is looked for too.
                gone = any(kind is Change.deleted and Path(path) in there for kind, path in changes)
                if gone or _standing(paths) != there:
                    return
        self._end.wait(LOOK_MS / 1000)

    def _note(self, paths: Iterable[Path]) -> None:
        places: set[str] = set()
        for path in paths:
            if not path.is_relative_to(self._ignore):
                places |= {one for root, some in self._roots.items() if path.is_relative_to(root) for one in some}
        if places:
            with self._lock:
                self._changed |= places
                self._news.set()


def _standing(paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return those that are there, with what tells a folder from another in its place."""
    found = {}
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            found[path] = (status.st_dev, status.st_ino)
    return found
