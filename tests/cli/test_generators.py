"""``ragkit generators`` over a real workspace, and servers that are as they should be or not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ragkit.backends.presets import PRESETS
from ragkit.create import create_workspace
from ragkit.registry import Registry
from ragkit.testing import sockets
from ragkit.testing.model_servers import ModelServer

NUMBERS = ", ".join(["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"])


@pytest.fixture(autouse=True)
def reachable() -> Iterator[None]:
    """Let servers of this test be reached."""
    with sockets.loopback():
        yield


def configure(folder: Path, text: str) -> None:
    """Make a workspace with these tables after its own."""
    made = create_workspace(folder)
    made.config.write_text(made.config.read_text() + text)


def served(url: str, *, model: str = "tiny", more: str = "", **destination: str) -> str:
    """Return the tables of a generator ``small`` at a URL."""
    facts = {"location": "on-prem", "provider": "test", "max_data_class": "confidential"} | destination
    said = "".join(f'{key} = "{value}"\n' for key, value in facts.items())
    return (
        f'\n[generators.small]\nkind = "openai_compatible"\nmodel = "{model}"\ndestination = "box"\n'
        f'context_tokens = 4000\n{more}\n[destinations.box]\nurl = "{url}"\nretries = 0\nidle_seconds = 2\n{said}'
    )


def test_the_list_tells_of_each(ragkit_cli: Any, tmp_path: Path) -> None:
    """Kind, destination, location and ceiling of each, what is wrong with one, and the presets; no socket is opened."""
    broken = '\n[generators.lost]\npreset = "ollama"\nmodel = "x"\n'
    configure(tmp_path, served("http://127.0.0.1:1/v1", max_data_class="internal") + broken)
    with sockets.expected() as tried:
        done = ragkit_cli("generators", "list", "--json")
    assert not tried
    assert done.exit_code == 1
    found = {one["name"]: one for one in json.loads(done.stdout)["generators"]}
    assert found["extractive"] == {
        "name": "extractive", "kind": "extractive", "preset": "", "model": "", "destination": "",
        "location": "in-process", "ceiling": "restricted", "default": True, "problem": "",
    }  # fmt: skip
    assert (found["small"]["location"], found["small"]["ceiling"]) == ("on-prem", "internal")
    assert found["lost"]["kind"] == "openai_compatible"
    assert "destination" in found["lost"]["problem"]
    assert [one["name"] for one in json.loads(done.stdout)["presets"]] == list(PRESETS)
    shown = ragkit_cli("generators", "list").stdout
    assert all(name in shown for name in (*found, *PRESETS))


def test_a_sound_generator_passes(ragkit_cli: Any, tmp_path: Path) -> None:
    """Every check is ok, the figures are there, and the events tell of a probe and a call."""
    with ModelServer(lambda _: NUMBERS, pause=0.005) as server:
        configure(tmp_path, served(server.url))
        done = ragkit_cli("generators", "test", "small", "--json")
        shown = ragkit_cli("generators", "test", "small")
    assert done.exit_code == shown.exit_code == 0, done.stdout
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["checks"]] == ["section", "load", "probe", "call", "speed"]
    assert (found["ok"], found["code"], found["model"], found["context_tokens"]) == (True, "", "tiny", 4000)
    assert found["output_tokens"] == 12
    assert 0 < found["ttft_ms"] < 10_000
    assert 5 < found["tokens_per_second"] < 1_000  # 200, but for the clock's grain and waits that end early
    assert "tokens a second" in shown.stdout
    events = (tmp_path / ".ragkit/events/00000001.jsonl").read_text()
    kinds = [json.loads(line)["type"] for line in events.splitlines()]
    assert [kind for kind in kinds if kind.startswith("egress")][:3] == [
        "egress.probed",
        "egress.done",
        "egress.intent",
    ]
    assert "numbers from one" not in events


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no such model": ({"model": "huge"}, "model"),
    "key missing": ({"server": {"key": "right"}}, "key-missing"),
    "key wrong": ({"server": {"key": "right"}, "more": 'api_key = {env = "TEST_KEY"}\n'}, "key"),
    "key not set": ({"more": 'api_key = {env = "TEST_KEY_ABSENT"}\n'}, "section"),
    "context too small": ({"server": {"context_tokens": 2000}}, "context"),
    "slow": ({"server": {"pause": 0.25}}, "slow"),
    "no API there": ({"path": "/v2"}, "path"),
    "no TLS there": ({"scheme": "https"}, "tls"),
    "an option it has not": ({"more": "modle = 1\n"}, "section"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_told(wrong: str, ragkit_cli: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit code 1, a word, a sentence and a remedy; only the last check failed."""
    given, code = WRONG[wrong]
    monkeypatch.setenv("TEST_KEY", "wrong")
    with ModelServer(lambda _: NUMBERS, **given.get("server", {})) as server:
        url = server.url.replace("http:", f"{given.get('scheme', 'http')}:") + given.get("path", "")
        configure(tmp_path, served(url, model=given.get("model", "tiny"), more=given.get("more", "")))
        done = ragkit_cli("generators", "test", "small", "--json")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["ok"], found["code"]) == (1, False, code), found
    assert [one["ok"] for one in found["checks"]] == [True] * (len(found["checks"]) - 1) + [False]
    assert found["checks"][-1]["remedy"]
    assert "wrong" not in done.stdout


def test_nobody_there(ragkit_cli: Any, tmp_path: Path) -> None:
    """A server that is off is told as such, on paper too."""
    with ModelServer() as server:
        url = server.url
    configure(tmp_path, served(url))
    done = ragkit_cli("generators", "test", "small")
    assert done.exit_code == 1
    assert "WRONG probe" in done.stdout
    assert "try:" in done.stdout


def test_one_without_a_model(ragkit_cli: Any, tmp_path: Path) -> None:
    """``extractive`` needs no server: it is made and loaded; an unknown name is refused with the known ones."""
    configure(tmp_path, "")
    done = ragkit_cli("generators", "test", "--json")
    assert (done.exit_code, json.loads(done.stdout)["name"]) == (0, "extractive")
    refused = ragkit_cli("generators", "test", "nobody")
    assert refused.exit_code == 2
    assert "extractive" in refused.stderr


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit_their_kind(name: str) -> None:
    """Every preset names a kind that there is, options that it takes, a page that says so, and a sound URL."""
    preset = PRESETS[name]
    Registry().check_options("generators", preset.kind, [*preset.options, "model"], supplied=("door",))
    assert preset.source.startswith("https://")
    assert preset.url.startswith("http://127.0.0.1:" if not preset.needs_key else "https://")
    assert not preset.url.endswith("/")
