"""``examples/company_app`` and ``examples/llama_index_engine.py`` do what they say."""

from __future__ import annotations

import importlib.util
import json
import runpy
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from fastapi.testclient import TestClient

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
QUESTION = "What is the notice period in the probation period?"


@pytest.fixture(scope="module")
def app_module() -> Iterator[ModuleType]:
    """The example, imported from its file."""
    spec = importlib.util.spec_from_file_location("company_app", EXAMPLES / "company_app" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["company_app"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    del sys.modules["company_app"]


@pytest.fixture(scope="module")
def folder(app_module: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its workspace."""
    made: Path = app_module.prepare(tmp_path_factory.mktemp("company"))
    return made


@pytest.fixture(scope="module")
def client(app_module: ModuleType, folder: Path) -> Iterator[TestClient]:
    """The application, synced."""
    with TestClient(app_module.create_app(folder, sync_seconds=0.2)) as client:
        until = time.monotonic() + 60
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.05)
        yield client


def _ask(client: TestClient, user: str, text: str = QUESTION) -> list[dict[str, Any]]:
    reply = client.post("/answer", json={"text": text}, headers={"Authorization": f"Bearer {user}"})
    assert reply.status_code == 200
    return [json.loads(line) for line in reply.text.splitlines()]


def test_each_user_gets_what_their_groups_may_read(client: TestClient) -> None:
    """The people team reads the notice period, with its source; others are refused, as if it were not there."""
    *pieces, last = _ask(client, "token-of-otto")
    assert "two weeks" in last["answer"]["text"]
    assert "".join(one["piece"] for one in pieces) == last["answer"]["text"]
    assert last["answer"]["sources"][0]["title"] == "Probation"
    refused = _ask(client, "token-of-mira")[-1]["answer"]
    assert refused["refused"]
    assert refused["sources"] == []
    assert "second class" in _ask(client, "token-of-mira", "In which class are trains booked?")[-1]["answer"]["text"]


def test_nobody_is_shown_a_name(client: TestClient) -> None:
    """Answers are masked, for who may read the document too."""
    said = json.dumps(_ask(client, "token-of-otto", "Whose probation period ends on 31 March?"))
    assert "Quillfeather" not in said
    assert "anselm.rookwood" not in said


def test_who_is_not_logged_in_asks_nothing(client: TestClient) -> None:
    """The example's own table of users decides, before ragkit is asked."""
    assert client.post("/answer", json={"text": QUESTION}).status_code == 401
    assert client.post("/answer", json={"text": ""}, headers={"Authorization": "Bearer x"}).status_code in (401, 422)


def test_a_document_that_changes_is_answered_anew(
    app_module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The background sync takes a change in while the application answers."""
    workspace = app_module.prepare(tmp_path)
    documents = tmp_path / "documents"
    documents.mkdir()
    rule = documents / "parking.md"
    rule.write_text("# Parking\n\nParking costs four euros a day.\n")
    text = (workspace / "ragkit.toml").read_text()
    (workspace / "ragkit.toml").write_text(
        text.replace(f'"{EXAMPLES}/company_app/documents/everyone"', f'"{documents}"')
    )
    with TestClient(app_module.create_app(workspace, sync_seconds=0.2)) as client:
        wanted, until = ["four euros", "six euros"], time.monotonic() + 60
        while wanted and time.monotonic() < until:
            answer = {}
            if client.get("/readyz").status_code == 200:
                answer = _ask(client, "token-of-mira", "What does parking cost?")[-1]["answer"]
            if wanted[0] in answer.get("text", ""):
                wanted.pop(0)
                rule.write_text("# Parking\n\nParking costs six euros a day.\n")
            time.sleep(0.1)
    assert not wanted


def test_the_llama_index_engine_answers_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    """The script prints an answer, its source and a refusal."""
    runpy.run_path(str(EXAMPLES / "llama_index_engine.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()
    assert "[1]" in lines[0]
    assert lines[1].startswith("[1] ")
    assert any("(refused: " in line for line in lines)
