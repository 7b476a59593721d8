"""Every example of the OpenAPI description is what it says: it fits its schema, and sent to the service it works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from ragkit.testing.service import Served

pytestmark = pytest.mark.usefixtures("loopback")

MINE = {
    "search", "ask", "get_conversation", "forget_conversation", "give_feedback", "create_chat_completion",
    "list_models", "get_model", "create_embeddings",
}  # fmt: skip
"""Operation ids, which clients made from the description name their functions by: they stay."""
HAVE_BODIES = {"search", "ask", "give_feedback", "create_chat_completion", "create_embeddings"}


@pytest.fixture(scope="module")
def described(open_service: Served) -> dict[str, Any]:
    """The OpenAPI description."""
    return open_service.app.openapi()


def _operations(described: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _schema(described: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
    """The schema of a JSON body, with what its references need."""
    return {**content["application/json"]["schema"], "components": described["components"]}


def _examples(described: dict[str, Any], content: dict[str, Any]) -> list[Any]:
    schema = content.get("application/json", {}).get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    given = content.get("application/json", {}).get("examples", {})
    of_the_schema = described["components"]["schemas"].get(name, {}).get("examples", [])
    return [*of_the_schema, *(one["value"] for one in given.values())]


def test_operation_ids_stay(described: dict[str, Any]) -> None:
    """Each route has one of its own, in words, and those of the API are the ones that clients know."""
    ids = [operation["operationId"] for _, _, operation in _operations(described)]
    assert len(ids) == len(set(ids))
    assert set(ids) >= MINE


def test_every_operation_says_what_it_is(described: dict[str, Any]) -> None:
    """Summary, description, tag, and the errors it may answer with."""
    for method, path, operation in _operations(described):
        if operation["operationId"] not in MINE:
            continue
        where = f"{method} {path}"
        assert operation["summary"], where
        assert len(operation["description"]) > 20, where
        assert operation["tags"], where
        assert {"400", "401", "429", "500", "503"} <= set(operation["responses"]), where


def test_every_example_of_a_schema_fits_it(described: dict[str, Any]) -> None:
    """Bodies and replies alike, everybody's."""
    seen = 0
    for name, schema in described["components"]["schemas"].items():
        for example in schema.get("examples", []):
            found = list(Draft202012Validator({**schema, "components": described["components"]}).iter_errors(example))
            assert not found, (name, [error.message for error in found])
            seen += 1
    assert seen > 12


def test_every_body_has_an_example_that_works(open_service: Served, described: dict[str, Any]) -> None:
    """Sent as it stands, it is answered with success, by a reply that fits its schema."""
    tried: set[str] = set()
    with httpx.Client(base_url=open_service.url, timeout=30) as client:
        asked = client.post("/v1/ask", json={"question": "How long is the warranty on a tent?"}).json()["request_id"]
        for method, path, operation in _operations(described):
            if operation["operationId"] not in HAVE_BODIES:
                continue
            for example in _examples(described, operation["requestBody"]["content"]):
                body = {**example, "request_id": asked} if "request_id" in example else example
                reply = client.request(method, path, json=body)
                assert reply.is_success, (path, body, reply.text)
                content = operation["responses"][str(reply.status_code)].get("content", {})
                kind = reply.headers.get("content-type", "").partition(";")[0]
                assert kind in content or (kind == "" and reply.status_code == 204), (path, kind)
                if kind == "application/json":
                    found = list(Draft202012Validator(_schema(described, content)).iter_errors(reply.json()))
                    assert not found, (path, [error.message for error in found])
                tried.add(operation["operationId"])
    assert tried == HAVE_BODIES


def test_both_ways_to_answer_are_described(described: dict[str, Any]) -> None:
    """What can stream says so, with an example of its events that reads as one."""
    for path in ("/v1/ask", "/v1/chat/completions"):
        content = described["paths"][path]["post"]["responses"]["200"]["content"]
        assert set(content) == {"application/json", "text/event-stream"}
        example = content["text/event-stream"]["example"]
        assert all(re.match(r"(event: \w+\n)?data: ", block) for block in example.strip().split("\n\n"))
