"""schemathesis over the OpenAPI description: whatever is sent, no fault of the service, and replies as described.

The application runs in process, open to whoever reaches it, so that every route is behind the door; it is a copy of the
shop, since some of the routes upload, delete and sync. Seeds are fixed: a run finds what the last one found.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import ignored_auth, positive_data_acceptance
from schemathesis.core.failures import FailureGroup
from schemathesis.python import asgi

# Before any thread runs: pytest's import hook parses, and so may a thread of the service (python/cpython#106905).
from schemathesis.specs.openapi import schemas  # noqa: F401

from ragkit.config import load_config
from ragkit.serve.app import create_app
from ragkit.serve.tenants import open_tenants
from ragkit.serve.warming import warmth_of
from ragkit.serve.writer import one_writer
from ragkit.testing import sockets
from ragkit.testing.service import CHAT, OPEN, copy_shop

HERE = "http://127.0.0.1"
UNCHECKED = [
    ignored_auth,  # nobody is asked who they are here; the access matrix asks
    positive_data_acceptance,  # a text of the right form may still be blank, or name what is not there
]
FEW = settings(
    max_examples=3,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
MANY = settings(FEW, max_examples=300)


@pytest.fixture(scope="module")
def api(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The description and the application behind it."""
    folder = copy_shop(synced_shop, tmp_path_factory.mktemp("fuzz") / "shop", extra=OPEN + CHAT)
    with sockets.loopback(), open_tenants(load_config(folder)) as tenants, one_writer(tenants):
        app = create_app(tenants)
        try:
            described = schemathesis.openapi.from_asgi("/openapi.json", app, headers={"Host": "127.0.0.1"})
            end = time.monotonic() + 60
            while warmth_of(app.state.ragkit).missing():  # until then, 503 is the right reply of one route
                assert time.monotonic() < end
                time.sleep(0.05)
            yield described
        finally:
            asgi.shutdown_lifespans()


def _faults(api: Any, rules: settings) -> dict[str, str]:
    """Send requests of both kinds, right and wrong, to every operation; return what was found, by operation."""
    faults: dict[str, str] = {}
    for found in api.get_all_operations():
        operation = found.ok()
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

            @rules
            @given(case=operation.as_strategy(generation_mode=mode))
            def one(case: schemathesis.Case[Any]) -> None:
                case.call_and_validate(base_url=HERE, excluded_checks=UNCHECKED)

            try:
                one()
            except Unsatisfiable:  # there is no wrong request to what takes nothing
                pass
            except (Exception, FailureGroup) as fault:
                faults[f"{operation.label} ({mode.value})"] = str(fault)[:1_500]
    return faults


def test_no_route_fails(api: Any) -> None:
    """Some requests to each route: no 5xx, and status, content type and body as the description says."""
    faults = _faults(api, FEW)
    assert not faults, "\n\n".join(f"{where}: {what}" for where, what in faults.items())


@pytest.mark.slow
def test_no_route_fails_at_length(api: Any) -> None:
    """The same with hundreds of requests to each."""
    faults = _faults(api, MANY)
    assert not faults, "\n\n".join(f"{where}: {what}" for where, what in faults.items())
