"""Plants personal data in everything that reaches the event log, uses every way in, and looks for it in the log.

::

    seeds = make_seeds(60, seed=7)
    with open_workspace(write_workspace(folder, seeds)) as workspace:
        use(workspace, seeds)
    scan_bytes(folder / ".ragkit" / "events", seeds)      # as UTF-8, UTF-16, JSON, base64, hexadecimal …
    scan_strings(folder / ".ragkit" / "events")            # what ragkit's own detectors think of every text in it

Names, e-mail addresses and the like stand in documents, file names and questions; names of principals and groups,
purposes, reasons, paths and metadata hold words that occur nowhere else.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragkit.audit.catalogue import CATALOGUE
from ragkit.audit.fields import is_hash, is_host, is_id
from ragkit.errors import ApprovalNeeded, RagkitError
from ragkit.lifecycle.bytescan import Found, PatternScanner, spellings
from ragkit.testing.canaries import Canary, make_canaries
from ragkit.types import Conversation, Principal

if TYPE_CHECKING:
    from ragkit.workspace import Workspace

_ROLES = ("purpose", "reason", "group", "subject", "file", "path", "remark", "question", "incident", "note")
_OPAQUE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z|[0-9a-z]{8}:\d+:\d+|[0-9a-f]{32}|[0-9a-f]{16}|[0-9a-f-]{36}|"
    r"[!-~]+/ragkit/[!-~]+|[a-z0-9-]+:[0-9a-f]{8,64}(:\d+)?"
)
_TYPE = re.compile(r"[A-Z][A-Z0-9_]+")
_ENVELOPE = (
    "v log tenant seq id ts mono_ns boot writer type data outcome reason actor kind groups auth request session trace "
    "span sw ragkit cfg payload role ref len mac"
)
_INFRASTRUCTURE = frozenset({"host", "peer", "tls_name"})


@dataclass(frozen=True, slots=True)
class Seeds:
    """What is planted: personal data, and words by what they name. Each occurs nowhere else."""

    canaries: Sequence[Canary]
    words: Mapping[str, Sequence[str]]

    def word(self, role: str, place: int = 0) -> str:
        """One of the words of a role."""
        return self.words[role][place % len(self.words[role])]

    def needles(self) -> list[str]:
        """Everything to look for."""
        return [needle for one in self.canaries for needle in one.needles] + [
            word for some in self.words.values() for word in some
        ]


def make_seeds(count: int, *, seed: int = 0) -> Seeds:
    """Make so many values, and for each role a tenth as many words, at least three."""
    people = make_canaries(max(3, count // 10) * len(_ROLES), seed=seed + 1, entity_types=["PERSON"])
    canaries = make_canaries(count, seed=seed, avoid=people)
    words = {role: [one.needles[0] for one in people[place :: len(_ROLES)]] for place, role in enumerate(_ROLES)}
    return Seeds(canaries, words)


def write_workspace(folder: Path, seeds: Seeds, *, detectors: str = "[]", extra: str = "") -> Path:
    """Write documents and configuration; the owner's and everybody's name is a seed."""
    from ragkit.rootkey import create_key_file

    documents = folder / "documents"
    documents.mkdir(parents=True)
    for place, canary in enumerate(seeds.canaries):
        name = f"{seeds.word('file', place)}-{place}.md"
        (documents / name).write_text(
            f"# About the warranty of {canary.value}\n\n{canary.sentence} Tents last years.\n"
        )
    (documents / f"{seeds.word('file')} broken.pdf").write_bytes(b"%PDF-1.4 " + seeds.word("note").encode())
    owner = f"local|{seeds.word('subject')}"
    officers = f'["u:{owner}", "u:crm|{seeds.word("subject", 1)}", "g:crm|{seeds.word("group")}"]'
    (folder / "ragkit.toml").write_text(
        f"""
[workspace]
name = "test"
owner = "{owner}"
[keys]
source = "file"
path = "{folder / "root.key"}"
[audit]
mode = "compliance"
[audit.key]
path = "{folder / "audit.key"}"
[roles]
auditors = {officers}
two_person = ["reveal"]
[policies.ours]
profile = "default"
detectors = {detectors}
[collections.shop]
policy = "ours"
purpose = "{seeds.word("purpose")}"
access = {officers}
reveal = {officers}
officers = {officers}
[[collections.shop.sources]]
connector = "files"
name = "folder"
path = "documents"
[[retention]]
collection = "shop"
days = 36500
{extra}
"""
    )
    create_key_file(folder / "root.key")
    return folder


def use(workspace: Workspace, seeds: Seeds, *, asked: int = 8, generators: Sequence[str] = ()) -> None:
    """Use every way in, well and refused, with seeds as everything that can be given.

    Args:
        workspace: As :func:`write_workspace` made it, not synced.
        seeds: What to use.
        asked: How many questions are asked in each way.
        generators: Names of further generators to ask.
    """
    second = Principal(f"crm|{seeds.word('subject', 1)}", groups=frozenset({f"crm|{seeds.word('group', 1)}"}))
    stranger = Principal(f"crm|{seeds.word('subject', 2)}", groups=frozenset({f"crm|{seeds.word('group', 2)}"}))
    why = {"purpose": f"call from {seeds.word('purpose')} on {seeds.canaries[0].value}"}
    workspace.sync(retry_quarantined=True)
    answers = list(_ask(workspace, seeds, asked, second))
    _decide(workspace, seeds, why, second)
    for generator in generators:
        with suppress(RagkitError):
            workspace.ask(seeds.canaries[0].sentence, generator=generator)
        workspace.generators.test(generator)
    for who in (None, second, stranger):
        for act in _acts(workspace, seeds, answers, why, who):
            with suppress(RagkitError):
                act()
    with suppress(RagkitError):
        workspace.remask()


def _ask(workspace: Workspace, seeds: Seeds, asked: int, second: Principal) -> Iterator[str]:
    conversation = Conversation()
    for place, canary in enumerate(seeds.canaries[:asked]):
        question = f"What of {canary.value} and {seeds.word('question', place)}?"
        answer = workspace.ask(question, conversation=conversation)
        list(workspace.ask_stream(question, history=[canary.sentence], principal=second))
        workspace.search(question)
        yield answer.request_id
    workspace.search_many([canary.sentence for canary in seeds.canaries[:asked]])


def _decide(workspace: Workspace, seeds: Seeds, why: dict[str, Any], second: Principal) -> None:
    """One asks for clear text, the other approves."""
    masked = workspace.mask_text(seeds.canaries[0].sentence)[0].record
    with suppress(ApprovalNeeded):
        workspace.reveal(masked, **why)
    workspace.audit.approve(workspace.audit.approvals()[-1].approval, principal=second, **why)
    workspace.reveal(masked, **why)


def _acts(
    workspace: Workspace, seeds: Seeds, answers: Sequence[str], why: dict[str, Any], who: Principal | None
) -> Iterator[Any]:
    """Everything else; who may not is refused, and that is recorded."""
    first, other = seeds.canaries[0], seeds.canaries[1]
    folder = workspace.config.folder
    mine: dict[str, Any] = {"principal": who}
    both: dict[str, Any] = {**why, **mine}
    reason = f"as {seeds.word('reason')} wrote"
    place = f"{seeds.word('path')}-{who.subject.replace('|', '-') if who else 'owner'}"
    masked = workspace.mask_text(f"{first.sentence} {other.sentence}")[0].record
    yield lambda: workspace.mask_text(seeds.word("note"), store=False, **mine)
    yield lambda: workspace.mask_text(other.sentence, **mine)
    yield lambda: workspace.ask("About filters?", filters={seeds.word("remark"): "x"}, **mine)
    yield lambda: workspace.reveal(masked, **both)
    yield lambda: list(workspace.reveal_stream([masked], **both))
    yield lambda: workspace.quarantined(**both)
    yield lambda: workspace.unsafe_native_ids(["0" * 26], **mine)
    yield lambda: workspace.egress.explain(first.sentence, **mine)
    yield lambda: workspace.generators.test(**mine)
    yield lambda: workspace.usage(**mine)
    yield lambda: workspace.doctor(**mine)
    yield lambda: workspace.keeping.backup(folder / place, **mine)
    yield lambda: workspace.keeping.retain(**both)
    yield lambda: workspace.keeping.place_hold(value=other.value, reason=reason, **mine)
    yield lambda: [
        workspace.keeping.release_hold(one.hold, reason=reason, **mine) for one in workspace.keeping.holds(**mine)
    ]
    yield lambda: workspace.keys.escrow_to_passphrase(folder / f"{place}.key", seeds.word("note") * 4, **mine)
    for request in answers[:2]:
        yield lambda request=request: workspace.audit.show(request, **mine)
        yield lambda request=request: workspace.audit.evidence(request, **both)
        yield lambda request=request: workspace.audit.replay(request, **mine)
        yield lambda request=request: workspace.audit.reviewed(request, "wrong", **mine)
        yield lambda request=request: workspace.audit.handed_off(request, **mine)
    yield lambda: workspace.subjects.find(first.value, native_ids=True, **both)
    yield lambda: workspace.subjects.export(first.value, **both)
    yield lambda: workspace.subjects.restrict(other.value, reason=reason, **both)
    yield lambda: workspace.subjects.correct(seeds.canaries[2].value, f"New {seeds.word('note', 1)}", **both)
    yield lambda: workspace.subjects.erase(seeds.canaries[3].value, also=[seeds.word("note", 2)], **both)
    yield lambda: list(workspace.audit.log(mentions=seeds.word("note"), **mine))
    yield lambda: workspace.audit.export("csv", folder / f"{place}.csv", **mine)
    yield lambda: workspace.audit.blast_radius(first.value, source="folder", **both)
    yield lambda: workspace.audit.disclosed(text="2026-11", **mine)
    yield lambda: workspace.audit.close_incident(
        workspace.audit.report_incident("high", reason=f"{seeds.word('incident')} was named", **mine),
        reason=seeds.word("incident", 1),
        **mine,
    )
    yield lambda: workspace.audit.forget(asker=f"local|{seeds.word('subject')}", **both)
    yield lambda: workspace.audit.verify(**mine)


def scan_bytes(events: Path, seeds: Seeds) -> list[Found]:
    """Return every place of the log that holds a seed, in any encoding; names of files included."""
    needles = seeds.needles()
    scanner = PatternScanner(pattern for place, text in enumerate(needles) for pattern in spellings(text, place))
    return list(scanner.scan_tree(events))


def texts_of(events: Path) -> Iterator[tuple[str, str]]:
    """Yield every text of every event once with its key.

    Left out are opaque ids, hashes and times, which can be told by form, words of a closed list, and the names and
    addresses of servers that ``ragkit.toml`` names. Names of keys are among them where they come from outside the
    catalogue, such as the parts of a configuration.
    """
    closed = _closed()
    seen: set[tuple[str, str]] = {("key", name) for name in _vocabulary()}
    for path in sorted(events.glob("*.jsonl")):
        for line in path.read_bytes().splitlines():
            for key, text in _strings(json.loads(line), ""):
                opaque = is_hash(text) or is_id(text) or _OPAQUE.fullmatch(text) is not None
                known = (key in _INFRASTRUCTURE and is_host(text)) or (key == "key" and _TYPE.fullmatch(text))
                if text and not opaque and not known and key not in closed and (key, text) not in seen:
                    seen.add((key, text))
                    yield key, text


def scan_strings(events: Path, workspace: Workspace) -> Counter[str]:
    """Count, by key and entity type, what the workspace's own masker would mask in the texts of the log."""
    masker = workspace._handles.reader(None).masker
    masker.load()
    found: Counter[str] = Counter()
    for key, text in texts_of(events):
        spans, _ = masker.mask_text(text)
        found.update(f"{key}: {span.entity_type}" for span in spans)
    return found


def _closed() -> frozenset[str]:
    """Keys that take one of a few words, wherever they occur, and nothing else."""
    shapes = [(key, shape.__name__) for kind in CATALOGUE.values() for key, shape in kind.fields.items()]
    return frozenset(key for key, name in shapes if name == "is_one") - {
        key for key, name in shapes if name != "is_one"
    }


def _vocabulary() -> Iterator[str]:
    """Names of keys that the format fixes."""
    yield from _ENVELOPE.split()
    for kind in CATALOGUE.values():
        yield from kind.fields
    yield from ("chunk", "doc", "version", "score_u", "rank", "text")


def _strings(value: Any, key: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield "key", name
            yield from _strings(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner, key)
