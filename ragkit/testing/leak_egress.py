"""Drives every way in which a prompt leaves, over planted documents, and keeps what is sent and what is said.

::

    with Provider() as provider:
        world = EgressWorld(folder, provider)
        planting = plant(canaries, world.sources)
        exercise_egress(world, planting)
        findings = scan_egress(world, canaries)       # what the provider received, and all that is left behind

The provider counts as a remote destination. Canaries stand in documents, titles, file names, metadata, questions and
the turns of dialogues. The provider fails in every way it can; what it was sent comes back in its errors.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from ragkit import open_workspace
from ragkit.errors import RagkitError
from ragkit.telemetry.sources import use_providers
from ragkit.testing.bytescan import ByteScanner, Finding
from ragkit.testing.canaries import Canary
from ragkit.testing.leak_servers import MODES, Mode, Provider
from ragkit.testing.leaks import World, keep_error
from ragkit.testing.planting import Planting
from ragkit.types import Answer, Conversation, DataClass, Masked, Message, ModelCall
from ragkit.workspace import Workspace

RECEIVED = "received.bin"
"""What the provider got, under ``world.said``."""

KEY = "sk-egress-Quz7Rvn4Kp2Lw9"
"""The key of the provider; it may stand in the bytes sent and nowhere else."""

_DOWN = frozenset({"down", "busy", "cut", "reset"})
"""Modes that the gateway tries again, and leaves alone after five."""

_WRITES = frozenset({"answer", "echo", "mangle"})
"""Modes in which a dialogue goes on."""

_CONFIG = """\
[workspace]
name = "egress"
owner = "local|leaks"
[keys]
source = "env"
[generator]
use = "far"
[generators.far]
kind = "openai_compatible"
model = "far-1"
destination = "provider"
api_key = {{env = "RAGKIT_LEAKS_KEY"}}
[destinations.provider]
url = "{url}/v1"
location = "remote"
provider = "recorder"
max_data_class = "confidential"
retries = 1
total_seconds = 20
{more}
[collections.files]
data_class = "confidential"
access = ["u:local|leaks"]
reveal = ["u:local|leaks"]
filter_keys = ["remark"]
[[collections.files.sources]]
connector = "files"
name = "folder"
path = {files}
[[collections.files.sources]]
connector = "jsonl"
name = "lines"
path = {lines}
[collections.sealed]
data_class = "restricted"
access = ["u:local|leaks"]
[[collections.sealed.sources]]
connector = "jsonl"
name = "lines"
path = {lines}
"""

_POLICIES: dict[str, tuple[str, Mode]] = {
    "budget": ('[[budgets]]\nprincipal = "each"\ntokens = 20\n', "answer"),
    "fallback": ('[routing]\nfallback = "extractive"\n', "down"),
}


@dataclass(frozen=True, slots=True)
class EgressWorld(World):
    """A world whose questions are answered by a provider."""

    provider: Provider

    def environment(self) -> dict[str, str]:
        """As of any world, and the provider's key."""
        return {**World.environment(self), "RAGKIT_LEAKS_KEY": KEY}

    def prepare(self, *, more: str = "") -> None:
        """Make the folders and the configuration; ``more`` are further tables, such as budgets and routing."""
        for folder in (self.sources, self.workspace, self.said, self.temporary):
            folder.mkdir(parents=True, exist_ok=True)
        files, lines = (json.dumps(str(self.sources / name)) for name in ("files", "lines.jsonl"))
        text = _CONFIG.format(url=self.provider.url, files=files, lines=lines, more=more)
        (self.workspace / "ragkit.toml").write_text(text)


def exercise_egress(world: EgressWorld, planting: Planting, *, asked: int = 1) -> dict[str, str]:
    """Ask in every manner under every mode of the provider; return how each ended, ``ok`` or the name of the error.

    Args:
        world: Prepared, with documents planted.
        planting: Its questions are asked.
        asked: How many of them under each mode.
    """
    ends: dict[str, str] = {}
    with _listening(world), open_workspace(world.workspace) as workspace:
        kept: list[object] = [workspace.sync()]
        for name, work in _ways(workspace, world.provider, planting, asked):
            ends[name] = _try(world, name, work, kept)
        (world.said / "reprs.txt").write_text("\n".join(map(repr, kept)), encoding="utf-8")
    return ends


def exercise_policy(world: EgressWorld, planting: Planting) -> dict[str, str]:
    """Ask with a budget that is soon used up, and with a fallback for a provider that is down; as above."""
    ends: dict[str, str] = {}
    for name, (more, mode) in _POLICIES.items():
        world.prepare(more=more)
        world.provider.mode = mode
        with _listening(world), open_workspace(world.workspace) as workspace:
            for number, question in enumerate(planting.questions[:2]):
                work = partial(workspace.ask, question, collection="files")
                ends[f"{name} {number}"] = _try(world, f"{name} {number}", work, [])
    world.prepare()
    world.provider.mode = "answer"
    return ends


@contextmanager
def _listening(world: EgressWorld) -> Iterator[None]:
    """Keep every log line and every span of the block."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    handler = logging.FileHandler(world.said / "log.txt")
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    spans, tracer = InMemorySpanExporter(), TracerProvider()
    tracer.add_span_processor(SimpleSpanProcessor(spans))
    use_providers(tracer=tracer)
    try:
        yield
    finally:
        use_providers()
        with (world.said / "spans.jsonl").open("a", encoding="utf-8") as lines:
            lines.writelines(f"{span.to_json(indent=0)}\n" for span in spans.get_finished_spans())
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(logging.WARNING)
        handler.close()


def scan_egress(world: EgressWorld, canaries: Sequence[Canary]) -> list[Finding]:
    """Scan what was received, as it came and decoded from its JSON, and all that is left behind but the sources."""
    told = "\n".join(world.provider.texts()).encode()
    (world.said / RECEIVED).write_bytes(world.provider.received + b"\n" + told)
    scanner = ByteScanner(canaries)
    folders = (world.workspace / ".ragkit", world.said, world.temporary)
    return [one for folder in folders for one in scanner.scan_tree(folder)]


def keys_told(world: EgressWorld) -> list[str]:
    """The files left behind that hold the provider's key; what was received is not among them."""
    folders = (world.workspace, world.said, world.temporary)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.name != RECEIVED]
    return [path.name for path in files if KEY.encode() in path.read_bytes()]


def leaking_call(canary: Canary) -> ModelCall:
    """A call in which masking has failed: a prompt holds a value in clear, between words that nobody masked."""
    text = Masked(f"The desk noted this in May.\n{canary.sentence}\nIt was filed.")
    return ModelCall(messages=(Message("user", text),), data_class=DataClass.CONFIDENTIAL, collection="files")


def _ways(
    workspace: Workspace, provider: Provider, planting: Planting, asked: int
) -> Iterator[tuple[str, Callable[[], object]]]:
    questions = planting.questions
    for mode in MODES:
        provider.mode = mode
        for number, question in enumerate(questions[:asked]):
            yield f"{mode} ask {number}", partial(workspace.ask, question, collection="files")
            yield f"{mode} stream {number}", partial(_streamed, workspace, question)
        if mode in _WRITES:
            yield f"{mode} dialogue", partial(_dialogue, workspace, questions)
        if mode in _DOWN:
            provider.mode = "answer"
            yield f"{mode} over", partial(workspace.ask, questions[0], collection="files")  # and the circuit is closed
    provider.mode = "answer"
    yield "restricted", partial(workspace.ask, questions[0], collection="sealed")
    yield "wrong filter", partial(workspace.ask, questions[0], collection="files", filters={questions[0]: "x"})
    model = workspace._handles.reader("files").answering.bare("far")
    for canary in {one.entity_type: one for one in planting.canaries if one.cued}.values():
        yield f"leak {canary.entity_type}", partial(model.complete, leaking_call(canary))


def _streamed(workspace: Workspace, question: str) -> list[object]:
    return list(workspace.ask_stream(question, collection="files"))


def _dialogue(workspace: Workspace, questions: Sequence[str]) -> list[Answer]:
    conversation = Conversation()
    return [workspace.ask(one, collection="files", conversation=conversation) for one in questions[:2]]


def _try(world: EgressWorld, name: str, work: Callable[[], object], kept: list[object]) -> str:
    try:
        kept.append(work())
    except RagkitError as failed:
        error = failed
    else:
        return "ok"

    def again() -> None:
        raise error

    keep_error(world.said / f"error-{name.replace(' ', '-')}.txt", again)
    return type(error).__name__
