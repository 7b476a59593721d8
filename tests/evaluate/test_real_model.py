"""``benchmarks/real_model.py`` and what it stands on, with scripted models on a few questions of our own."""

from __future__ import annotations

import json
import sys
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from ragkit.config_answering import AnswersSection
from ragkit.evaluate.answer_questions import AnswerItem
from ragkit.generate.prompted import PromptedGenerator
from ragkit.testing import sockets
from ragkit.testing.model_dialects import Turns
from ragkit.testing.model_servers import ModelServer
from ragkit.testing.scripted_model import ScriptedModel

FOLDER = Path(__file__).parents[2] / "benchmarks"
DOCUMENTS = [
    {"id": "warranty", "title": "Warranty", "text": "The warranty on every tent lasts 24 months from purchase."},
    {"id": "returns", "title": "Returns", "text": "Unused goods can be sent back within thirty days."},
    {"id": "stoves", "title": "Stoves", "text": "Burners of stoves are wearing parts and are not covered."},
]


def _import(name: str) -> ModuleType:
    """Scripts import each other by their own names."""
    sys.path.insert(0, str(FOLDER))
    try:
        return import_module(name)
    finally:
        sys.path.remove(str(FOLDER))


real_model, answer_sets, facts, peers, halves = (
    _import(name) for name in ("real_model", "answer_sets", "facts", "peers", "halves")
)


@pytest.fixture(scope="module")
def keep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that several runs go on in: the documents are indexed once."""
    return tmp_path_factory.mktemp("keep")


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """One set of one collection: two questions with an answer, one without."""
    path = tmp_path_factory.mktemp("sources") / "docs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in DOCUMENTS))
    items = [
        AnswerItem(
            id="q1",
            question="How long is the warranty on a tent?",
            facts=(("24 months",),),
            references=("24 months",),
            evidence=("warranty",),
            cluster="warranty",
        ),
        AnswerItem(
            id="q2",
            question="Within how many days can goods be sent back?",
            facts=(("thirty days",),),
            evidence=("returns",),
            cluster="returns",
        ),
        AnswerItem(id="q3", question="Who won the cup in 1998?", answerable=False, cluster="q3"),
    ]
    fitting = [("How long is the tent covered?", True), ("What is the capital of Peru?", False)]
    return {"ours": [answer_sets.AnswerPart("ours", path, items, fitting)]}


@pytest.fixture
def server() -> Iterator[ModelServer]:
    """An OpenAI-shaped server whose model knows one answer."""

    def answer(turns: Turns) -> str:
        return "The warranty lasts 24 months [1]." if "on a tent" in turns[-1][1] else "Mars [1]."

    with sockets.loopback(), ModelServer(answer, context_tokens=8192) as one:
        yield one


def test_a_server_is_measured_beside_the_others_and_a_run_goes_on(
    keep: Path, sets: dict[str, list[Any]], server: ModelServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """Four generators on the same chunks, through the gateway; the second run asks nothing and tells the same."""
    generator = real_model.section(kind="openai_compatible", model="tiny", url=server.url, location="on-prem")
    runs = real_model.run_answers(keep, sets, generator=generator)
    [run] = runs.values()
    assert [one.generator for one in run.scores] == ["extractive", "candidate", "top chunk", "one threshold"]
    candidate = run.scores[1]
    assert candidate.measures["errors"].value == 0.0, [row.reason for row in candidate.rows]
    assert candidate.rows[0].facts == 1.0
    assert candidate.input_tokens > 0
    assert len(run.comparisons) == 6
    asked = len(server.requests)
    again = real_model.run_answers(keep, sets, generator=generator)
    assert len([one for one in server.requests[asked:] if one.path.endswith("completions")]) == 0
    assert again["ours"].as_json() == run.as_json()
    real_model.report(runs)
    real_model.show_cost(runs)
    shown = capsys.readouterr().out
    assert all(part in shown for part in ("calibrated F1", "candidate", "no price known", "Pairs"))


def test_a_scripted_model_in_process_is_measured(keep: Path, sets: dict[str, list[Any]]) -> None:
    """A chat model behind the prompt, given in place of a configured one; a cut answer is an error."""

    def more(_: Any) -> dict[str, Any]:
        good, cut = ScriptedModel("It lasts 24 months [1]."), ScriptedModel("It lasts 24", finish="length")
        return {
            name: PromptedGenerator(model, name=name, settings=AnswersSection())
            for name, model in (("good", good), ("cut", cut))
        }

    [run] = real_model.run_answers(keep, sets, more=more).values()
    scores = {one.generator: one for one in run.scores}
    assert scores["good"].rows[0].facts == 1.0
    assert scores["cut"].measures["truncated"].value == 1.0
    assert scores["cut"].measures["fact_recall"].value == 0.0


def test_a_section_is_what_ragkit_reads() -> None:
    """Folders, presets, keys by name of their variable, further options; what names no model is refused."""
    local = tomllib.loads("[g]\n" + real_model.section(kind="transformers", path="/m/x", options={"threads": 2}))
    assert local == {"g": {"kind": "transformers", "path": "/m/x", "threads": 2}}
    preset = tomllib.loads("[g]\n" + real_model.section(preset="ollama", model="q", key_env="K"))
    assert preset["g"] == {"preset": "ollama", "model": "q", "api_key": {"env": "K"}, "destination": "candidate"}
    assert preset["destinations"]["candidate"]["location"] == "on-prem"
    for wrong in ({}, {"kind": "a", "preset": "b"}, {"kind": "llama_cpp"}):
        with pytest.raises(SystemExit):
            real_model.section(**wrong)


def test_required_facts_follow_their_rule() -> None:
    """Dates, amounts and names, without sources, numbering, file names and what the question says; else its words."""
    gold = (
        "1. For the quarter ended July 1, 2023, sales of Acme were $39,669 million, up 12% (2023 Q3 AAPL.pdf).\n"
        "2. Jane agreed with the Board of Directors in 2023.\n\nSOURCE(S): 2023 Q3 AAPL.pdf, 10-Q"
    )
    found = [one for [one] in facts.required_facts(gold, "What were the sales of Acme?")]
    assert found == ["July 1, 2023", "$39,669", "12%", "Board of Directors"]
    assert facts.required_facts("It is a normal gene which mutates.", "what is a gene") == [["normal"], ["mutates"]]


def test_the_threshold_is_the_best_one_and_the_halves_stay() -> None:
    """A clean split is found; a question falls into the same half for ever, with its passage."""
    assert peers.best_threshold([0.1, 0.2, 0.6, 0.7], [False, False, True, True]) == 0.6
    one = {"id": "a", "gold_doc": "d", "text": "x"}
    assert halves.half("clapnq", one) == halves.half("clapnq", {"id": "b", "distractor_doc": "d", "text": "y"})
    both = {halves.half("hint3", {"id": str(place), "text": f"message {place}"}) for place in range(40)}
    assert both == {"fit", "eval"}
