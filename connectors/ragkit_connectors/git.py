"""A git repository on this machine as a source: the files of one commit, by path.

::

    [[collections.NAME.sources]]
    connector = "git"
    name = "handbook"
    path = "/srv/git/handbook.git"      # bare, or a working tree
    ref = "main"                        # branch, tag, full ref or commit; by default HEAD

**Passes** list the tree of the commit that ``ref`` stands for, and read only blobs that are not known in this version;
a broken pass goes on in the same commit. **Deletions** are by absence; a rename comes as one path gone and another
there, which the sync recognises by the content. **Permissions**: a repository tells none; every file has the tokens of
``access``, or the collection's.

``modified`` of a file is the committer's time of the commit by which it came to the branch as it is (first parents,
2,000 commits back, else unknown). It is told when the file is read, and no commit or author is among the metadata: they
would change, or name people, without the file having changed.

**Quarantined** are ``symbolic-link``, ``submodule``, ``lfs-pointer`` (the content is on another server), ``too-large``
and ``corrupt-object``. **Limits**: SHA-1 repositories with files for refs; one that borrows objects of another
(``objects/info/alternates``), a linked working tree and a reftable are refused. Read by dulwich: no git program runs,
no hook, filter, attribute or setting of the repository is obeyed, nothing is written. Remote repositories are not
fetched: mirror them to this machine.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path, PurePosixPath

from ragkit.errors import MissingDependency, SourceError
from ragkit.types import Change, Checkpoint, Listed, SourceItem
from ragkit_connectors.git_objects import BLOB, Corrupt, Objects, TooLarge, borrows, control_folder, resolve
from ragkit_connectors.git_tree import Broken, Entry, arrivals, entries, read_commit
from ragkit_connectors.globs import Globs
from ragkit_connectors.texts import MIB, of_source

_TEXT = ("md", "markdown", "mdx", "rst", "txt", "adoc", "org", "html", "htm", "csv", "tsv", "ipynb", "tex")
_CODE = (
    "py", "pyi", "js", "jsx", "mjs", "ts", "tsx", "java", "kt", "kts", "scala", "go", "rs", "c", "h", "cc",
    "cpp", "cxx", "hpp", "cs", "swift", "m", "rb", "php", "pl", "lua", "r", "jl", "sh", "bash", "zsh", "ps1",
    "sql", "proto", "graphql", "yaml", "yml", "toml", "ini", "cfg", "conf", "json", "jsonl", "xml", "tf",
    "gradle", "cmake", "dockerfile", "vue", "svelte", "css", "scss", "ex", "exs", "erl", "hs", "clj", "dart",
    "groovy", "vb", "f90", "asm", "s",
)  # fmt: skip
DEFAULT_INCLUDE = (
    *(f"**/*.{suffix}" for suffix in (*_TEXT, *_CODE)),
    *(
        f"**/{name}"
        for name in ("README*", "LICENSE*", "CHANGELOG*", "NOTICE*", "Makefile", "Dockerfile", "CODEOWNERS")
    ),
)
DEFAULT_EXCLUDE = ("**/node_modules/**", "**/vendor/**", "**/*.min.js", "**/*.min.css", "**/package-lock.json")
_PLAIN = frozenset(_CODE) - {"json", "jsonl", "xml"}
_MAX_FILES = 500_000
_MAX_COMMITS = 2_000
_LFS = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\r?\n")


@dataclass(slots=True)
class _Memory:
    """What was read of a commit, for the many calls of :meth:`GitConnector.fetch` in one pass."""

    commit: bytes = b""
    files: dict[str, Entry] = field(default_factory=dict)
    dates: dict[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitConnector:
    """Reads the files of one commit.

    Args:
        name: The source's name in the configuration.
        path: The repository: bare, or the folder of its working tree.
        ref: Branch, tag, full ref or commit.
        include: Globs on the path; by default Markdown, text and code by their suffixes.
        exclude: Globs that win over ``include``.
        max_bytes: A larger file becomes an item with the problem ``too-large``.
        access: Access tokens of every item; ``None`` takes the collection's.
        checkpoint_every: Files between checkpoints.

    Raises:
        MissingDependency: dulwich is not installed.
    """

    name: str
    path: str = field(repr=False)
    ref: str = field(default="HEAD", repr=False)
    include: Sequence[str] = field(default=DEFAULT_INCLUDE, repr=False)
    exclude: Sequence[str] = field(default=DEFAULT_EXCLUDE, repr=False)
    max_bytes: int = 10 * MIB
    access: Sequence[str] | None = None
    checkpoint_every: int = 500
    _memory: _Memory = field(default_factory=_Memory, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if find_spec("dulwich") is None:
            raise MissingDependency(
                f"source {self.name!r} reads git repositories with dulwich", remedy="pip install 'ragkit[git]'"
            )

    def changes(self, cursor: str | None) -> Iterator[Change]:
        """List the files of the commit; the cursor names it and counts what was listed.

        Raises:
            SourceError: There is no repository or commit, or its trees cannot be read.
        """
        access = of_source(self.access)
        globs = Globs(self.include, self.exclude)
        with self._objects() as (objects, head):
            commit, done = _position(cursor)
            try:
                tree = read_commit(objects, commit or head).tree
            except Broken:  # it was collected since
                commit, done = b"", 0
                tree = self._tree(objects, head)
            listed = 0
            try:
                for path, entry in entries(objects, tree, limit=_MAX_FILES):
                    if not globs.match(path):
                        continue
                    listed += 1
                    if listed <= done:
                        continue
                    yield Listed(path, entry.sha.hex(), access)
                    if listed % self.checkpoint_every == 0:
                        yield Checkpoint(json.dumps({"commit": (commit or head).hex(), "done": listed}))
            except Broken:
                raise self._unreadable("a folder of the commit is missing or corrupt") from None
        yield Checkpoint(None, complete=True)

    def fetch(self, native_ids: Sequence[str]) -> Iterator[SourceItem]:
        """Read files of the commit that ``ref`` stands for now.

        Raises:
            SourceError: There is no repository or commit, or its trees cannot be read.
        """
        globs = Globs(self.include, self.exclude)
        with self._objects() as (objects, head):
            memory = self._memory
            if memory.commit != head:
                tree = self._tree(objects, head)
                try:
                    memory.files = dict(entries(objects, tree, limit=_MAX_FILES))
                except Broken:
                    raise self._unreadable("a folder of the commit is missing or corrupt") from None
                memory.dates, memory.commit = arrivals(objects, head, most=_MAX_COMMITS), head
            for path in native_ids:
                entry = memory.files.get(path)
                if entry is not None and globs.match(path):
                    yield self._item(objects, path, entry)

    def probe(self) -> str:
        """Count the files.

        Raises:
            SourceError: There is no repository or commit.
        """
        number = sum(isinstance(change, Listed) for change in self.changes(None))
        return f"a commit with {number} files to read"

    def _item(self, objects: Objects, path: str, entry: Entry) -> SourceItem:
        content, problem = b"", entry.problem
        if problem is None:
            try:
                kind, content = objects.read(entry.sha, self.max_bytes)
                problem = None if kind == BLOB else "corrupt-object"
            except TooLarge:
                problem = "too-large"
            except (KeyError, Corrupt):
                problem = "corrupt-object"
        if problem is None and len(content) < 1024 and _LFS.match(content):
            problem = "lfs-pointer"
        relative = PurePosixPath(path)
        suffix = relative.suffix.lower().removeprefix(".")
        return SourceItem(
            native_id=path,
            content=b"" if problem else content,
            name=relative.name,
            media_type="text/plain" if suffix in _PLAIN else None,
            uri=path,
            version=entry.sha.hex(),
            modified=self._memory.dates.get(path),
            access=of_source(self.access),
            metadata={"folder": path.rpartition("/")[0], "extension": suffix},
            problem=problem,
        )

    def _tree(self, objects: Objects, commit: bytes) -> bytes:
        try:
            return read_commit(objects, commit).tree
        except Broken:
            raise self._unreadable("the commit of `ref` is missing or corrupt") from None

    @contextmanager
    def _objects(self) -> Iterator[tuple[Objects, bytes]]:
        folder = control_folder(Path(self.path).expanduser())
        if folder is None:
            raise self._unreadable("no git repository is there that can be read")
        if borrows(folder):
            raise SourceError(
                f"source {self.name!r}: the repository takes objects from another one",
                remedy="Make it whole with `git repack -a -d` and remove objects/info/alternates, or mirror it.",
            )
        head = resolve(folder, self.ref)
        if head is None:
            raise self._unreadable("it has no such branch, tag or commit")
        try:
            objects = Objects(folder / "objects")
        except Exception as broken:
            raise self._unreadable(f"its packs cannot be opened ({type(broken).__name__})") from None
        try:
            yield objects, head
        finally:
            objects.close()

    def _unreadable(self, what: str) -> SourceError:
        return SourceError(
            f"source {self.name!r}: {what}",
            remedy="Check `path` and `ref` of this source in ragkit.toml, and the repository with `git fsck`.",
        )


def _position(cursor: str | None) -> tuple[bytes, int]:
    try:
        held = json.loads(cursor or "")
        return bytes.fromhex(held["commit"]), int(held["done"])
    except (ValueError, KeyError, TypeError):
        return b"", 0
