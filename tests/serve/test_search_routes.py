"""``/v1/search`` over HTTP."""

from __future__ import annotations

import httpx
import pytest

from ragkit.testing.service import Served

pytestmark = pytest.mark.usefixtures("loopback")


def test_passages_come_masked_and_best_first(open_service: Served) -> None:
    """The owner of an open service finds what the library finds."""
    reply = httpx.post(f"{open_service.url}/v1/search", json={"question": "How long is the warranty on a tent?"})
    assert reply.status_code == 200
    assert "five years" in reply.json()["hits"][0]["text"]
    assert "Yalmanova" not in reply.text
