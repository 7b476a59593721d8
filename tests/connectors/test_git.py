"""The git connector over repositories made with dulwich: trees, packs, deltas, and what is broken or made to harm."""

from __future__ import annotations

import hashlib
import os
import stat
import zlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dulwich.objects import Blob, Commit, Tree
from dulwich.pack import write_pack
from dulwich.repo import Repo

from ragkit.errors import SourceError
from ragkit.testing.contracts import ConnectorContract, named_in, read_whole
from ragkit.types import Checkpoint, Listed, SourceItem
from ragkit_connectors.git import GitConnector
from ragkit_connectors.git_objects import Corrupt, Objects, TooLarge

Files = Mapping[str, bytes | tuple[int, bytes]]
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"a" * 64 + b"\nsize 12345\n"


def write_tree(repo: Repo, files: Files) -> bytes:
    """Write blobs and trees, and return the name of the top one. A tuple gives the mode as well."""
    tree, folders = Tree(), {}
    for path, what in files.items():
        name, _, rest = path.partition("/")
        if rest:
            folders.setdefault(name, {})[rest] = what
            continue
        mode, content = what if isinstance(what, tuple) else (0o100644, what)
        if mode == 0o160000:
            tree.add(os.fsencode(name), mode, content)
            continue
        blob = Blob.from_string(content)
        repo.object_store.add_object(blob)
        tree.add(os.fsencode(name), mode, blob.id)
    for name, inside in folders.items():
        tree.add(os.fsencode(name), stat.S_IFDIR, write_tree(repo, inside))
    repo.object_store.add_object(tree)
    return tree.id


def commit(repo: Repo, files: Files, *, when: int = 1_700_000_000, parents: list[bytes] | None = None) -> bytes:
    """Commit these files, and nothing else, to the branch ``main``."""
    made = Commit()
    made.tree = write_tree(repo, files)
    before = repo.refs.read_loose_ref(b"refs/heads/main")
    made.parents = parents if parents is not None else ([before] if before else [])
    made.author = made.committer = b"A Person <person@example.org>"
    made.author_time = made.commit_time = when
    made.author_timezone = made.commit_timezone = 7200
    made.message = b"a message"
    repo.object_store.add_object(made)
    repo.refs[b"refs/heads/main"] = made.id
    repo.refs.set_symbolic_ref(b"HEAD", b"refs/heads/main")
    return made.id


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """Return an empty bare repository."""
    (tmp_path / "a.git").mkdir()
    return Repo.init_bare(str(tmp_path / "a.git"))


def source(repo: Repo, **options: Any) -> GitConnector:
    """A connector over a repository."""
    return GitConnector(name="code", path=repo.path, **options)


def read(repo: Repo, **options: Any) -> dict[str, SourceItem]:
    """A whole pass by path."""
    return {item.native_id: item for item in read_whole(source(repo, **options))}


class TestGitContract(ConnectorContract):
    @pytest.fixture
    def connector(self, repo: Repo) -> GitConnector:
        commit(repo, {"README.md": b"# R", "src/a.py": b"a = 1", "src/sub/b.py": b"b = 2", "src.md": b"x", "link.md":
                      (0o120000, b"README.md"), "lfs.md": LFS})  # fmt: skip
        return source(repo, checkpoint_every=1, access=["pub"])

    @pytest.fixture
    def unreadable(self, tmp_path: Path) -> GitConnector:
        return GitConnector(name="code", path=str(tmp_path))


def test_an_item_carries_what_the_commit_knows(repo: Repo) -> None:
    """Path, folder, blob, and the time of the commit by which the file came; nothing of people or commits."""
    commit(repo, {"doc/a.md": b"one", "b.py": b"1"}, when=1_700_000_000)
    commit(repo, {"doc/a.md": b"two", "b.py": b"1"}, when=1_700_000_600)
    items = read(repo)
    item = items["doc/a.md"]
    assert (item.content, item.name, item.uri) == (b"two", "a.md", "doc/a.md")
    assert item.version == Blob.from_string(b"two").id.decode()
    assert item.metadata == {"folder": "doc", "extension": "md"}
    assert item.modified is not None
    assert (item.modified.timestamp(), item.modified.utcoffset()) == (1_700_000_600, timedelta(hours=2))
    assert items["b.py"].modified.timestamp() == 1_700_000_000  # type: ignore[union-attr]
    assert items["b.py"].media_type == "text/plain"
    assert "person" not in f"{[(i.metadata, i.title, i.uri) for i in items.values()]}"


def test_globs_choose_and_by_default_text_and_code(repo: Repo) -> None:
    """What is generated, brought along or binary is left out."""
    commit(
        repo,
        dict.fromkeys(("a.md", "b.PNG", "c.ts", "Makefile", "d/README", "node_modules/x.js", "e.min.js"), b"x"),
    )
    assert set(read(repo)) == {"a.md", "c.ts", "Makefile", "d/README"}
    assert set(read(repo, include=["**/*"], exclude=["d/**", "*.js"])) == {
        "a.md",
        "b.PNG",
        "c.ts",
        "Makefile",
        "node_modules/x.js",
    }
    assert source(repo).probe() == "a commit with 4 files to read"


def test_what_cannot_be_read_is_seen_and_not_lost(repo: Repo) -> None:
    """Links, submodules, pointers to large files, files over the limit, missing and corrupt blobs."""
    files: Files = {
        "link.md": (0o120000, b"/etc/passwd"), "sub.md": (0o160000, b"a" * 40), "lfs.md": LFS, "big.md": b"x" * 201,
        "good.md": b"x" * 200, "gone.md": b"gone", "bent.md": b"bent", "torn.md": b"torn" * 20, "other.md": b"other",
    }  # fmt: skip
    commit(repo, files)

    def loose(content: bytes) -> Path:
        name = Blob.from_string(content).id.decode()
        path = Path(repo.path, "objects", name[:2], name[2:])
        path.chmod(0o644)
        return path

    loose(b"gone").unlink()
    loose(b"bent").write_bytes(zlib.compress(b"blob 4\x00BENT"))
    loose(b"torn" * 20).write_bytes(loose(b"torn" * 20).read_bytes()[:14])
    loose(b"other").write_bytes(b"no such thing")
    assert {path: item.problem for path, item in read(repo, max_bytes=200).items() if item.problem} == {
        "link.md": "symbolic-link", "sub.md": "submodule", "lfs.md": "lfs-pointer", "big.md": "too-large",
        "gone.md": "corrupt-object", "bent.md": "corrupt-object", "torn.md": "corrupt-object",
        "other.md": "corrupt-object",
    }  # fmt: skip


def test_only_what_changed_has_another_version(repo: Repo) -> None:
    """A rename keeps the blob under another path; what is deleted is not named."""
    commit(repo, {"a.md": b"A", "b.md": b"B", "c.md": b"C"})
    before = {c.native_id: c.version for c in source(repo).changes(None) if isinstance(c, Listed)}
    commit(repo, {"a.md": b"A", "moved/b.md": b"B", "new.md": b"N"})
    after = {c.native_id: c.version for c in source(repo).changes(None) if isinstance(c, Listed)}
    assert after["a.md"] == before["a.md"]
    assert after["moved/b.md"] == before["b.md"]
    assert set(after) == {"a.md", "moved/b.md", "new.md"}
    assert list(source(repo).fetch(["b.md", "c.md", "../a.md", "", "moved"])) == []


def test_a_broken_pass_goes_on_in_the_same_commit(repo: Repo) -> None:
    """Though the branch moved meanwhile; in the new one where the old commit is no more."""
    first = commit(repo, {f"{number}.md": b"%d" % number for number in range(6)})
    changes = list(source(repo, checkpoint_every=2).changes(None))
    cursor = next(change.cursor for change in changes if isinstance(change, Checkpoint))
    commit(repo, {"other.md": b"x"})
    assert named_in(source(repo).changes(cursor)) == [f"{number}.md" for number in range(2, 6)]
    repo.object_store.delete_loose_object(first)
    assert named_in(source(repo).changes(cursor)) == ["other.md"]
    assert named_in(source(repo).changes("no cursor")) == ["other.md"]


def test_refs_of_all_kinds(repo: Repo) -> None:
    """Branch, tag, annotated tag, full ref, commit; packed refs; and none."""
    from dulwich.objects import Tag

    first = commit(repo, {"first.md": b"1"})
    tag = Tag()
    tag.name, tag.object, tag.message, tag.tagger = b"v1", (Commit, first), b"m", b"P <p@example.org>"
    tag.tag_time, tag.tag_timezone = 1, 0
    repo.object_store.add_object(tag)
    repo.refs[b"refs/tags/v1"] = tag.id
    commit(repo, {"second.md": b"2"})
    for ref, name in (
        ("HEAD", "second.md"), ("main", "second.md"), ("refs/heads/main", "second.md"), ("v1", "first.md"),
        (first.decode(), "first.md"),
    ):  # fmt: skip
        assert list(read(repo, ref=ref)) == [name]
    repo.refs.pack_refs(all=True)
    assert list(read(repo, ref="main")) == ["second.md"]
    for ref in ("nowhere", "../HEAD", "a" * 40, "", "refs/heads/../../HEAD", "\x00", "config"):
        with pytest.raises(SourceError) as caught:
            read(repo, ref=ref)
        assert caught.value.remedy
        assert repo.path not in str(caught.value)


def test_packs_with_deltas(repo: Repo) -> None:
    """As a server stores them: what is made from other objects counts with all that it is made from."""
    texts = {
        f"{number}.md": b"".join(b"line %d of many\n" % line for line in range(500)) + b"%d" % number
        for number in range(9)
    }
    commit(repo, texts)
    names = list(repo.object_store)
    folder = Path(repo.path, "objects", "pack")
    objects = [(repo.object_store[name], None) for name in names]
    write_pack(str(folder / "pack-x"), objects, deltify=True, object_format=repo.object_format)
    for name in names:
        repo.object_store.delete_loose_object(name)
    packed = folder / "pack-x.pack"
    assert packed.stat().st_size < 12_000  # the deltas are there
    assert {path: item.content for path, item in read(repo).items()} == texts
    sizes = {len(text) for text in texts.values()}
    assert {item.problem for item in read(repo, max_bytes=max(sizes) - 1).values()} == {"too-large"}
    assert {item.problem for item in read(repo, max_bytes=max(sizes)).values()} == {None}
    whole = packed.read_bytes()
    packed.chmod(0o644)
    seen: set[str | None] = set()
    for position in range(12, len(whole) - 20, 7):
        packed.write_bytes(whole[:position] + bytes([whole[position] ^ 0x55]) + whole[position + 1 :])
        try:
            for path, item in read(repo).items():
                assert item.problem or item.content == texts[path]
                seen.add(item.problem)
        except SourceError:
            seen.add("source")
    assert seen == {None, "corrupt-object", "source"} or seen == {None, "corrupt-object", "source", "too-large"}


def test_a_repository_that_is_none_or_broken_is_a_source_error(repo: Repo, tmp_path: Path) -> None:
    """Missing trees and commits, a pack index that is none, borrowed objects; nothing is taken for empty."""
    commit(repo, {"a/b.md": b"x", "c.md": b"y"})
    tree = next(name for name in repo.object_store if isinstance(repo.object_store[name], Tree) and
                b"b.md" in repo.object_store[name])  # fmt: skip
    repo.object_store.delete_loose_object(tree)
    with pytest.raises(SourceError, match="folder of the commit"):
        list(source(repo).changes(None))
    with pytest.raises(SourceError, match="folder of the commit"):
        list(source(repo).fetch(["c.md"]))
    (Path(repo.path) / "objects/info").mkdir(exist_ok=True)
    (Path(repo.path) / "objects/info/alternates").write_text("/srv/secret.git/objects\n")
    with pytest.raises(SourceError, match="from another one"):
        list(source(repo).changes(None))
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/.git").write_text(f"gitdir: {repo.path}\n")
    with pytest.raises(SourceError):
        list(GitConnector(name="code", path=str(tmp_path / "linked")).changes(None))


def test_bombs_end_early(repo: Repo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A blob that unpacks to more than it says or may, and a tree of few objects with a billion files."""
    objects = Path(repo.path, "objects")

    def plant(kind: bytes, content: bytes, said: int | None = None) -> bytes:
        head = b"%b %d\x00" % (kind, len(content) if said is None else said)
        name = hashlib.sha1(b"%b %d\x00" % (kind, len(content)) + content).hexdigest()
        (objects / name[:2]).mkdir(exist_ok=True)
        (objects / name[:2] / name[2:]).write_bytes(zlib.compress(head + content, 9))
        return bytes.fromhex(name)

    huge, liar = plant(b"blob", b"\0" * 50_000_000), plant(b"blob", b"\1" * 50_000_000, said=10)
    store = Objects(objects)
    for name in (huge, liar):
        with pytest.raises(TooLarge):
            store.read(name, 1000)
    with pytest.raises(Corrupt):
        store.read(plant(b"blob", b"short", said=10), 1000)
    store.close()
    tree = plant(b"tree", b"".join(b"100644 %d.md\x00" % number + huge for number in range(10)))
    for _ in range(9):
        tree = plant(b"tree", b"".join(b"40000 %d\x00" % number + tree for number in range(10)))
    head = plant(b"commit", b"tree " + tree.hex().encode() + b"\nauthor x <x> 1 +0000\ncommitter x <x> 1 +0000\n\nx")
    repo.refs[b"refs/heads/main"] = head.hex().encode()
    monkeypatch.setattr("ragkit_connectors.git._MAX_FILES", 20_000)
    taken: list = []
    with pytest.raises(SourceError, match="folder of the commit"):
        taken.extend(source(repo, ref="main", include=["nothing"]).changes(None))
    assert taken == []


def test_nothing_of_the_repository_is_obeyed_or_written(tmp_path: Path) -> None:
    """Configuration, hooks and attributes are not read, names of trees are no paths, no file changes."""
    repo = Repo.init(str(tmp_path / "w"), mkdir=True)
    commit(repo, {"a.md": b"a\r\n", ".gitattributes": b"* text filter=evil\n", "ü.md": b"u", "\udcff.md": b"f"})
    control = tmp_path / "w" / ".git"
    marker = tmp_path / "ran"
    (control / "config").write_text(
        f'[core]\nrepositoryformatversion = 99\nworktree = /etc\nfsmonitor = "touch {marker}"\n'
        f'[include]\npath = /dev/zero\n[filter "evil"]\nsmudge = touch {marker}\n'
    )
    for hook in ("post-checkout", "pre-commit"):
        (control / "hooks").mkdir(exist_ok=True)
        (control / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {marker}\n")
        (control / "hooks" / hook).chmod(0o755)
    evil = Tree()
    evil.add(b"..", 0o100644, Blob.from_string(b"a\r\n").id)
    evil.add(b"x.md", 0o100644, Blob.from_string(b"a\r\n").id)
    repo.object_store.add_object(evil)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    items = {item.native_id: item.content for item in read_whole(GitConnector(name="code", path=str(tmp_path / "w")))}
    assert items == {"a.md": b"a\r\n", "ü.md": b"u", "\\xff.md": b"f"}
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    made = Commit()
    made.tree, made.parents, made.message = evil.id, [], b"m"
    made.author = made.committer = b"x <x>"
    made.author_time = made.commit_time = made.author_timezone = made.commit_timezone = 0
    repo.object_store.add_object(made)
    repo.refs[b"refs/heads/evil"] = made.id
    evil_source = GitConnector(name="code", path=str(tmp_path / "w"), ref="evil", include=["**"])
    assert named_in(evil_source.changes(None)) == ["x.md"]
    assert "evil" not in repr(evil_source)
