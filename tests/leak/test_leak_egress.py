"""Planted personal data reaches no provider, and nothing of a prompt is left behind, whatever the provider does."""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ragkit import open_workspace
from ragkit.generate.prompt import ANSWER
from ragkit.testing import sockets
from ragkit.testing.canaries import Canary, entity_types, make_canaries
from ragkit.testing.leak_egress import (
    KEY,
    RECEIVED,
    EgressWorld,
    exercise_egress,
    exercise_policy,
    keys_told,
    scan_egress,
)
from ragkit.testing.leak_egress_commands import run_egress_commands
from ragkit.testing.leak_servers import MODES, Provider
from ragkit.testing.planting import Planting, plant
from ragkit.types import Conversation

COUNT = len(entity_types()) * 2
ALIAS = re.compile(r"\[[A-Z_]+_\d+·[a-z0-9]+\]")
RECORD_TOKEN = re.compile(r"\[[A-Z_]+:[A-Z0-9]{10,}-[A-Z0-9]{2}\]")


@dataclass
class Lived:
    """What happened."""

    world: EgressWorld
    canaries: list[Canary]
    planting: Planting
    ends: dict[str, str]
    codes: dict[str, int]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    """A workspace that has asked a provider in every manner and under every failure."""
    with Provider() as provider, pytest.MonkeyPatch.context() as patch, sockets.loopback():
        world = EgressWorld(tmp_path_factory.mktemp("egress"), provider)
        world.prepare()
        canaries = make_canaries(COUNT, seed=44)
        planting = plant(canaries, world.sources)
        for name, value in world.environment().items():
            patch.setenv(name, value)
        patch.setattr(tempfile, "tempdir", None)
        ends = exercise_egress(world, planting)
        ends |= exercise_policy(world, planting)
        codes = run_egress_commands(world, planting)
        yield Lived(world, canaries, planting, ends, codes)


def test_no_planted_value_leaves_or_is_left_behind(lived: Lived) -> None:
    """In no encoding: in the bytes the provider received, logs, errors, events, the ledger of usage, spans, output."""
    leaked = scan_egress(lived.world, lived.canaries)
    where = Counter(
        (lived.planting.places[one.canary], one.entity_type, one.encoding, Path(one.where).name) for one in leaked
    )
    assert not leaked, where


def test_the_scan_would_see_a_leak(lived: Lived, tmp_path: Path) -> None:
    """Were one prompt sent with a value in clear, the same scan over what was received would find it."""
    said = EgressWorld(tmp_path, lived.world.provider)
    said.prepare()
    body = json.dumps({"messages": [{"content": f"Source 1: {lived.canaries[0].sentence}"}]})
    lived.world.provider.requests.append(b"POST / HTTP/1.1\r\n\r\n" + body.encode())
    try:
        assert {one.canary for one in scan_egress(said, lived.canaries)} == {0}
    finally:
        lived.world.provider.requests.pop()


def test_the_provider_really_got_the_documents(lived: Lived) -> None:
    """Prompts with aliases of people, and no token of the record view."""
    texts = list(lived.world.provider.texts())
    assert len(texts) > 25
    assert sum(bool(ALIAS.search(text)) for text in texts) > 15
    assert not any(RECORD_TOKEN.search(text) for text in texts)
    assert (lived.world.said / RECEIVED).stat().st_size > 50_000


def test_every_way_out_was_taken(lived: Lived) -> None:
    """Each mode ended as it should: an answer, or its own error; a restricted collection and a spent budget refuse."""
    ends = lived.ends
    # The turn after a mangled alias may be stopped: its words are vouched for by nobody, and the last look is wary.
    wary = {"EgressLeak"} if ends["mangle dialogue"] != "ok" else set()
    for mode in ("answer", "echo", "mangle"):
        seen = {end for name, end in ends.items() if name.startswith(f"{mode} ")}
        assert seen - (wary if mode == "mangle" else set()) == {"ok"}, mode
    assert {end for name, end in ends.items() if name.endswith(" over")} == {"ok"}
    assert ends["refuse ask 0"] == "GeneratorRefused"
    assert ends["garbage ask 0"] == "GeneratorGarbled"
    assert {ends[f"{mode} ask 0"] for mode in ("down", "busy", "reset")} == {"GeneratorUnavailable"}
    assert ends["restricted"] == "EgressRefused"
    assert ends["wrong filter"] == "FilterRefused"
    assert ends["budget 1"] == "BudgetExceeded"
    assert (ends["fallback 0"], ends["fallback 1"]) == ("ok", "ok")
    assert len({name.split()[0] for name in ends} & set(MODES)) == len(MODES)


def test_a_value_in_clear_is_blocked_whatever_its_type(lived: Lived) -> None:
    """Where masking had failed, the last look stops the call; the error names the type and not the value."""
    leaks = {name.removeprefix("leak "): end for name, end in lived.ends.items() if name.startswith("leak ")}
    assert set(leaks) == set(entity_types())
    assert {kind: end for kind, end in leaks.items() if end != "EgressLeak"} == {}


def test_commands_did_what_they_should(lived: Lived) -> None:
    """Each command that sends, explains or counts ran, so that there was something to scan."""
    wrong = {"explain-sealed", "test-wrong", "answers-wrong"}
    assert {name: code for name, code in lived.codes.items() if name not in wrong and code} == {}
    assert all(lived.codes[name] for name in ("test-wrong", "answers-wrong"))
    said = (lived.world.said / "command-explain-json.txt").read_text()
    assert ALIAS.search(said) or ALIAS.search(said.encode().decode("unicode_escape"))


def test_the_key_of_the_provider_stays_in_memory(lived: Lived) -> None:
    """It went to the provider in a header, and stands in no file."""
    assert KEY.encode() in lived.world.provider.received
    assert keys_told(lived.world) == []


def test_two_conversations_about_one_person_share_no_name(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question in two conversations: neither an alias nor another random string comes twice."""
    provider, asked = lived.world.provider, lived.planting.canaries
    person = next(one for one, place in zip(asked, lived.planting.places) if place == "text" and one.cued)
    seen = []
    for name, value in lived.world.environment().items():
        monkeypatch.setenv(name, value)
    with open_workspace(lived.world.workspace) as workspace:
        for _ in range(2):
            before = len(provider.requests)
            conversation = Conversation()
            for question in (f"What about this: {person.sentence}", "And what else is known?"):
                workspace.ask(question, collection="files", conversation=conversation)
            seen.append(b"\n".join(provider.requests[before:]))
    examples = set(ALIAS.findall(ANSWER.system))  # the rules show one
    first, second = (
        {str(one) for call in _bodies(part) for text in call for one in ALIAS.findall(text)} - examples for part in seen
    )
    assert first
    assert second
    assert len(first & second) <= 1  # two check letters of 32: one alias in a thousand is equal by chance
    documents = b"".join(path.read_bytes() for path in lived.world.sources.rglob("*") if path.is_file())
    codes = [set(re.findall(rb"\b[a-z0-9]{12,}\b", part)) for part in seen]
    shared = {code for code in codes[0] & codes[1] if re.search(rb"\d", code) and code not in documents}
    assert shared == set()


def _bodies(raw: bytes) -> Iterator[list[str]]:
    for part in raw.split(b"\r\n\r\n")[1:]:
        body = part.partition(b"\nPOST ")[0]
        yield [str(message["content"]) for message in json.loads(body)["messages"]]
