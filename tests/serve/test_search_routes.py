"""``/v1/search`` over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from ragkit.testing.keyed_shop import KeyedShop
from ragkit.testing.service import Served

pytestmark = pytest.mark.usefixtures("loopback")

QUESTION = "How long is the warranty on a tent?"
TICKET = "Which part of the tent will be repaired free of charge?"


def _search(keyed: KeyedShop, name: str, **body: Any) -> httpx.Response:
    return httpx.post(f"{keyed.url}/v1/search", json=body, headers=keyed.as_(name), timeout=30)


def test_passages_come_masked_and_best_first(open_service: Served) -> None:
    """The owner of an open service finds what the library finds."""
    reply = httpx.post(f"{open_service.url}/v1/search", json={"question": QUESTION}, timeout=30)
    assert reply.status_code == 200
    hits = reply.json()["hits"]
    assert "five years" in hits[0]["text"]
    assert [hit["score"] for hit in hits] == sorted((hit["score"] for hit in hits), reverse=True)
    assert "Yalmanova" not in reply.text


def test_several_questions_at_once(keyed: KeyedShop) -> None:
    """Their passages come in their order, as if each was asked alone; ``k`` holds for each."""
    questions = [QUESTION, "Can unused goods be returned?"]
    found = _search(keyed, "customer", questions=questions, k=2).json()
    assert found["hits"] == []
    assert [len(one) for one in found["results"]] == [2, 2]
    assert [one[0]["title"] for one in found["results"]] == ["Warranty", "Returns"]
    for question, hits in zip(questions, found["results"], strict=True):
        alone = _search(keyed, "customer", question=question, k=2).json()
        assert [one["document"] for one in alone["hits"]] == [one["document"] for one in hits]
        assert alone["results"] is None


def test_nobody_finds_what_they_may_not_read(keyed: KeyedShop) -> None:
    """The staff find the ticket; the customer finds only what is open, and cannot tell that there is more."""
    staff = _search(keyed, "staff", question=TICKET).json()["hits"]
    assert {"1042", "1043"} < {hit["title"] for hit in staff}
    customer = _search(keyed, "customer", question=TICKET)
    assert {hit["title"] for hit in customer.json()["hits"]} <= {"Warranty", "Returns", "prices"}
    assert "zip" not in customer.text


def test_a_letter_is_searched_for(keyed: KeyedShop) -> None:
    """Longer than the encoder reads, and found."""
    letter = "Dear shop, our tent leaks, and I ask for the warranty on the tent, how long it is in years. " * 40
    assert _search(keyed, "customer", question=letter).json()["hits"][0]["title"] == "Warranty"


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({}, "invalid_request", "body"),
        ({"question": "x", "questions": ["y"]}, "invalid_request", "body"),
        ({"question": ""}, "empty_text", "question"),
        ({"question": "\u00a0\n"}, "empty_text", "question"),
        ({"question": "x" * 8_001}, "text_too_long", "question"),
        ({"questions": []}, "invalid_request", "questions"),
        ({"questions": ["x", "a\x00b"]}, "invalid_characters", "questions.1"),
        ({"questions": ["x"] * 33}, "invalid_request", "questions"),
        ({"question": "x", "filters": {"unknown": "y"}}, "filter_refused", None),
        ({"question": "x", "filters": {}}, "filter_refused", None),
        ({"question": "x", "k": 1_000}, "invalid_request", "k"),
        ({"question": "x", "collection": "x" * 100}, "invalid_request", "collection"),
    ],
)
def test_what_is_no_search_is_refused(keyed: KeyedShop, body: dict[str, Any], code: str, param: str | None) -> None:
    """400, with the field and a remedy."""
    reply = _search(keyed, "customer", **body)
    error = reply.json()["error"]
    assert (reply.status_code, error["code"], error["param"]) == (400, code, param)
    assert error["remedy"]


def test_a_hidden_collection_is_not_there(keyed: KeyedShop) -> None:
    """As one that never was; who may know of it is told otherwise."""
    replies = [_search(keyed, "customer", question="x", collection=name) for name in ("vault", "nothing")]
    assert {reply.status_code for reply in replies} == {404}
    assert len({reply.text.partition('"request_id"')[0] for reply in replies}) == 1
    assert _search(keyed, "ana", question="x", collection="vault").status_code != 404
