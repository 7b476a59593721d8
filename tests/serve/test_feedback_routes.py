"""``/v1/feedback``: only who asked may rate an answer, and what they write is masked before it is kept."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from ragkit import Principal, open_workspace
from ragkit.serve.asked import AskedRequests
from ragkit.testing.in_process import in_process
from ragkit.testing.keyed_shop import KeyedShop
from ragkit.testing.service import KEYED, copy_shop

pytestmark = pytest.mark.usefixtures("loopback")

NAME = "Galina Yalmanova"


def _post(keyed: KeyedShop, name: str, path: str, body: dict[str, Any]) -> httpx.Response:
    return httpx.post(f"{keyed.url}{path}", json=body, headers=keyed.as_(name), timeout=30)


def _asked(keyed: KeyedShop, name: str) -> str:
    reply = _post(keyed, name, "/v1/ask", {"question": "How long is the warranty on a tent?", "collection": "shop"})
    return str(reply.json()["request_id"])


def _events(keyed: KeyedShop) -> list[dict[str, Any]]:
    files = sorted((keyed.folder / ".ragkit" / "events").glob("*.jsonl"))
    lines = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    return [line["data"] for line in lines if line["type"] == "feedback.given"]


def test_the_asker_rates_an_answer(keyed: KeyedShop) -> None:
    """It is kept masked, recorded without content, and the last of two counts."""
    number = _asked(keyed, "staff")
    assert _post(keyed, "staff", "/v1/feedback", {"request_id": number, "rating": "up"}).status_code == 204
    comment = f"{NAME} was told something else."
    body = {"request_id": number, "rating": "down", "reason": "outdated", "comment": comment}
    assert _post(keyed, "staff", "/v1/feedback", body).status_code == 204
    store = keyed.service.tenants.first.workspace.desk.store.feedback
    (kept,) = [one for one in store.since(0) if one.request_id == number]
    assert (kept.rating, kept.reason) == ("down", "outdated")
    assert "[PERSON:" in kept.comment
    assert "Yalmanova" not in kept.comment
    told = [one for one in _events(keyed) if one["of"] == number]
    assert [one["rating"] for one in told] == ["up", "down"]
    assert "told something" not in json.dumps(told)


def test_an_answer_in_openais_dialect_and_a_streamed_one_can_be_rated(keyed: KeyedShop) -> None:
    """Every way to ask leaves an answer that its asker may rate."""
    messages = [{"role": "user", "content": "How long is the warranty on a tent?"}]
    plain = _post(keyed, "customer", "/v1/chat/completions", {"model": "shop", "messages": messages})
    streamed = _post(keyed, "customer", "/v1/ask", {"question": "Can I return a tent?", "stream": True})
    (answer,) = [block for block in streamed.text.split("\n\n") if block.startswith("event: answer")]
    for number in (plain.json()["ragkit"]["request_id"], json.loads(answer.split("data: ")[1])["request_id"]):
        reply = _post(keyed, "customer", "/v1/feedback", {"request_id": number, "rating": "up"})
        assert reply.status_code == 204


def test_nobody_else_may(keyed: KeyedShop) -> None:
    """Somebody else's answer, and one that never was, are the same; so is a missing scope before either."""
    number = _asked(keyed, "staff")
    told = set()
    for name in ("customer", "ana"):
        for one in (number, "0" * 32, "x"):
            reply = _post(keyed, name, "/v1/feedback", {"request_id": one, "rating": "up"})
            assert reply.status_code == 404
            told.add(reply.text.partition('"request_id"')[0])
    assert len(told) == 1
    assert _post(keyed, "searcher", "/v1/feedback", {"request_id": number, "rating": "up"}).status_code == 403
    assert [one for one in _events(keyed) if one["of"] == number] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"rating": "sideways"},
        {"rating": "up", "reason": NAME},
        {"rating": "up", "comment": "x" * 2_001},
        {"rating": "up", "comment": "a\x00b"},
        {"rating": "up", "request_id": ""},
        {"rating": "up", "request_id": "x" * 201},
        {"rating": "up", "who": NAME},
        {},
    ],
    ids=lambda wrong: ascii(wrong)[:40],
)
def test_what_is_no_feedback_is_refused(keyed: KeyedShop, wrong: dict[str, Any]) -> None:
    """400, and nothing of it comes back."""
    reply = _post(keyed, "staff", "/v1/feedback", {"request_id": "0" * 32, **wrong})
    assert reply.status_code == 400
    assert "Yalmanova" not in reply.text


def test_old_feedback_goes_also_where_there_is_no_chatbot(synced_shop: Path, tmp_path: Path) -> None:
    """With its comment's key; nobody else lets go of it."""
    folder = copy_shop(synced_shop, tmp_path / "shop", extra=KEYED)
    with open_workspace(folder) as workspace:
        assert workspace.config.chat is None
        for number in "01":
            workspace.desk.give_feedback(
                request_id=number * 32, principal=Principal("crm|ben"), rating="down", comment="outdated"
            )
        with workspace.desk.store._file.writing() as database:
            database.execute("UPDATE feedback SET at = at - ? WHERE request = ?", (31 * 86_400_000, "0" * 32))
    with in_process(folder) as local:
        store, until = local.tenants.first.workspace.desk.store, time.monotonic() + 60
        while store.counts()["feedback"] > 1 and time.monotonic() < until:
            time.sleep(0.05)
        assert [one.request_id for one in store.feedback.since(0)] == ["1" * 32]
        assert len(store._keys.places()) == 1


def test_what_was_asked_is_remembered_up_to_a_bound() -> None:
    """The oldest is forgotten; then nobody may rate it."""
    from ragkit.auth.callers import Caller
    from ragkit.types import Principal

    known = AskedRequests(most=2)
    caller = Caller("shop", Principal("web|dan"), frozenset(), "key")
    for number in ("a", "b", "c"):
        known.note(caller, number, collection="shop")
    assert known.find("a") is None
    found = known.find("c")
    assert found is not None
    assert (found.tenant, found.subject, found.collection) == ("shop", "web|dan", "shop")
    assert "dan" not in repr(known)
