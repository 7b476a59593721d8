"""Drives a workspace through everything it does on planted documents, keeps all it says, and scans what it leaves.

::

    world = World(folder)
    planting = plant(canaries, world.sources)
    plant_lists(people, world.sources)
    exercise(world, planting)
    run_commands(world, planting)              # ragkit.testing.leak_paths
    findings = scan(world, [*canaries, *people])

What a process says (logs, errors, ``repr``, pickles, command-line output) is written under ``world.said``; what it
stores and drops is under ``world.workspace`` and ``world.temporary``. The scan covers all of it. ``views.txt`` holds
both masked views of every chunk and question: a needle there was missed by detection, and would be sealed in the store.
"""

from __future__ import annotations

import contextlib
import json
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ragkit import open_workspace
from ragkit.errors import RagkitError
from ragkit.testing.bytescan import ByteScanner, Finding
from ragkit.testing.canaries import Canary
from ragkit.testing.leak_chat import talk
from ragkit.testing.planting import Planting
from ragkit.types import RawQuestion, Span
from ragkit.workspace import Workspace

VIEWS = "views.txt"
_TALKED = 4

_CONFIG = """\
[workspace]
name = "leaks"
owner = "local|leaks"

[keys]
source = "env"

[policies.ours]
profile = {profile}
[policies.ours.deny.customers]
entity_type = "PERSON"
file = {customers}
[policies.ours.deny.crm]
entity_type = "PERSON"
sql = {{url = {{env = "RAGKIT_LEAKS_CRM"}}, query = "select name from customers"}}
[policies.ours.allow.products]
file = {products}
column = "product"

[collections.files]
access = ["u:local|leaks"]
officers = ["u:local|leaks"]
policy = "ours"
filter_keys = ["remark"]
[[collections.files.sources]]
connector = "files"
name = "folder"
path = {files}

[collections.lines]
access = ["u:local|leaks"]
reveal = ["u:local|leaks"]
officers = ["u:local|leaks"]
filter_keys = ["remark"]
[[collections.lines.sources]]
connector = "jsonl"
name = "lines"
path = {lines}

[audit.evidence]
keep = true

[[retention]]
collection = "files"
days = 36500
"""
_PRIVATE_KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA0Z3VS5JJcds3xfn\n-----END RSA PRIVATE KEY-----\n"


@dataclass(frozen=True, slots=True)
class World:
    """The folders of one run, all below one."""

    folder: Path

    @property
    def sources(self) -> Path:
        """Documents in clear; not scanned."""
        return self.folder / "sources"

    @property
    def workspace(self) -> Path:
        """Configuration, record store, index, events."""
        return self.folder / "workspace"

    @property
    def said(self) -> Path:
        """Logs, errors, reprs, pickles, output."""
        return self.folder / "said"

    @property
    def broken(self) -> Path:
        """A workspace whose lists cannot be read; scanned but for its configuration, which is in clear."""
        return self.folder / "broken"

    @property
    def officer(self) -> Path:
        """What officers are meant to read in clear: exports, reasons of holds. Not scanned."""
        return self.folder / "officer"

    @property
    def temporary(self) -> Path:
        """What was set as the folder for temporary files and as home."""
        return self.folder / "temporary"

    def environment(self) -> dict[str, str]:
        """Variables that keep temporary files and caches inside the world; the key is for this world only."""
        place = str(self.temporary)
        crm = f"sqlite:///{self.sources / 'lists' / 'crm.db'}"
        return {
            "TMPDIR": place,
            "HOME": place,
            "XDG_CACHE_HOME": place,
            "RAGKIT_ROOT_KEY": "5a" * 32,
            "RAGKIT_LEAKS_CRM": crm,
        }

    def make(self, *, profile: str = "default") -> None:
        """Make the folders and the workspace's configuration; again with another profile, the policy has changed."""
        for folder in (self.sources / "lists", self.workspace, self.said, self.broken, self.officer, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        places = {
            "files": "files", "lines": "lines.jsonl",
            "customers": "lists/customers.txt", "products": "lists/products.csv",
        }  # fmt: skip
        written = {name: json.dumps(str(self.sources / place)) for name, place in places.items()}
        config = _CONFIG.format(profile=json.dumps(profile), **written)
        (self.workspace / "ragkit.toml").write_text(config)


def exercise(world: World, planting: Planting, *, asked: int = 20) -> None:
    """Sync, ask, search, mask, fail and pickle, all in this process, whose environment is the world's.

    Args:
        world: Made, with documents planted.
        planting: Its questions are searched.
        asked: How many of them are also asked, and put into what fails.
    """
    _plant_failures(world, planting)
    handler = logging.FileHandler(world.said / "log.txt")
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        with open_workspace(world.workspace) as workspace:
            _use(workspace, world, planting, asked)
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
        handler.close()


def scan(world: World, canaries: Sequence[Canary]) -> list[Finding]:
    """Scan everything but the sources."""
    scanner = ByteScanner(canaries)
    folders = (world.workspace, world.said, world.temporary, world.broken / ".ragkit")
    return [one for folder in folders for one in scanner.scan_tree(folder)]


def missed(findings: Sequence[Finding]) -> set[int]:
    """The canaries that detection missed: they stand in a masked view, and so in what is stored and shown."""
    return {one.canary for one in findings if Path(one.where).name == VIEWS}


def lexical_terms(world: World, canaries: Sequence[Canary]) -> list[int]:
    """Return the canaries that are terms of a lexical index: a compressed automaton, where a byte scan is blind.

    Only needles of one word are looked up: the numbers of a card are terms by themselves in any text.
    """
    from ragkit.index.lexical import LexicalIndex

    found: set[int] = set()
    for meta in world.workspace.rglob("lexical/meta.json"):
        index = LexicalIndex.open(meta.parent, language="en", classes=())
        for number, canary in enumerate(canaries):
            words = [word for needle in canary.needles for word in index.terms(needle) if needle.isalnum()]
            if any(index.frequencies(words).values()):
                found.add(number)
    return sorted(found)


def _use(workspace: Workspace, world: World, planting: Planting, asked: int) -> None:
    questions = planting.questions
    report = workspace.sync()
    kept: list[object] = [report, workspace.sync(), workspace.status(), workspace.doctor(), workspace]
    with (world.said / VIEWS).open("w", encoding="utf-8") as views:
        for collection in ("files", "lines"):
            for hits in workspace.search_many(questions, k=3, collection=collection):
                kept += hits
            kept += [workspace.ask(one, collection=collection) for one in questions[:asked]]
            masked = [workspace.mask_text(one, collection=collection, store=False)[0] for one in questions]
            kept += masked
            both = [view for one in masked for view in (one.record, one.index)]
            for view in (*masked_views(workspace, collection), *both):
                views.write(f"{view}\n")
    for number, failing in enumerate(_failures(workspace, world, questions[:asked])):
        keep_error(world.said / f"error-{number}.txt", failing)
    talked = talk(workspace, questions[: min(asked, _TALKED)], collection="lines")
    (world.said / "reprs.txt").write_text("\n".join([*map(repr, kept), *talked]), encoding="utf-8")
    pickles = [one for one in kept if one is not workspace]
    (world.said / "pickles.bin").write_bytes(b"".join(map(pickle.dumps, pickles)))


def masked_views(workspace: Workspace, collection: str) -> Iterator[str]:
    """Both masked views of every document that can be found, and what stands around them."""
    part = workspace._handles.reader(collection)
    principal = workspace.config.workspace.principal
    ids = [row.chunk_id for row in part.store.index_source().rows(with_text=False)]
    source = part.store.hit_source(filter_keys=part.section.filter_keys)
    for at in range(0, len(ids), 256):
        for hit in source.hits(ids[at : at + 256], principal=principal).values():
            chunk = hit.chunk
            yield from (chunk.record, chunk.index, chunk.context_record, chunk.context_index, chunk.heading)
            yield from (hit.title, hit.uri or "", *hit.metadata.values())


def _plant_failures(world: World, planting: Planting) -> None:
    """Documents that cannot be read or are refused, with a planted value in name and content."""
    words = planting.questions[0].replace("/", "-")
    files = world.sources / "files"
    (files / f"broken {words}.pdf").write_bytes(b"%PDF-1.7\n" + words.encode())
    (files / f"broken {words}.xlsx").write_bytes(b"PK\x03\x04" + words.encode() * 9)
    (files / f"secret {words}.txt").write_text(f"{words}\n\n{_PRIVATE_KEY}")


class _Failing:
    """A detector of somebody else's that says too much when it fails."""

    name = "learned:failing"
    fingerprint = "failing"

    def load(self) -> None:
        """Nothing to load."""

    def detect(self, texts: Sequence[str]) -> list[list[Span]]:
        """Fail with the text in the message and in the cause."""
        try:
            raise KeyError(texts[0])
        except KeyError as bad:
            raise ValueError(f"cannot read: {texts}") from bad


def _failures(workspace: Workspace, world: World, questions: Sequence[str]) -> Iterator[Callable[[], object]]:
    from ragkit.evaluation import evaluate_retrieval
    from ragkit.mask.masker import CollectionMasker

    part = workspace._handles.reader("files")
    masker = CollectionMasker(part.masker.rules, [_Failing()], part.masker.vault, collection="files")
    principal = workspace.config.workspace.principal

    bad = world.temporary / "bad.jsonl"
    for question in questions:
        yield partial(workspace.search, question, collection="files", filters={question: "x"})
        yield partial(workspace.search, question, collection=question)
        yield partial(workspace.reveal, question, purpose=question, collection="files")
        yield partial(evaluate_retrieval, workspace, Path(question), bad, collection="files")
        yield partial(masker.mask_question, RawQuestion(question), principal=principal)


def keep_error(path: Path, failing: Callable[[], object]) -> None:
    """Keep the traceback, message, remedy, ``repr`` and pickle of what is raised."""
    try:
        failing()
    except RagkitError as error:
        told = "".join(traceback.format_exception(error))
        path.write_text(f"{told}\n{error}\n{error.remedy}\n{error!r}\n", encoding="utf-8")
        with contextlib.suppress(TypeError), path.with_suffix(".pickle").open("wb") as file:
            pickle.dump(error, file)
    else:
        path.write_text("did not fail\n")
