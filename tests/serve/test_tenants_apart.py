"""Two tenants in one process: nothing of one is ever seen through the other."""

from __future__ import annotations

import io
import json
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ragkit import open_workspace
from ragkit.auth.callers import SCOPES
from ragkit.config import load_config
from ragkit.errors import ConfigError
from ragkit.serve.app import create_app
from ragkit.serve.tenants import open_tenants
from ragkit.testing import sockets
from ragkit.testing.in_process import Local, in_process
from ragkit.testing.issuer import TestIssuer
from ragkit.testing.service import KEYED, copy_shop, make_shop

CANARIES = {"shop": "quagmirelamp", "other": "zephyrstove"}
"""A word that stands in one tenant's documents alone."""
OPERATE = '[roles]\noperators = ["u:local|ana"]\n'


@dataclass(frozen=True)
class Pair:
    """A service of two tenants, with a key of the owner of each."""

    local: Local
    folder: Path
    keys: dict[str, str]
    issuer: TestIssuer

    def call(self, tenant: str, method: str, path: str, **more: Any) -> Any:
        """Call as a tenant's owner."""
        headers = self.local.bearer(self.keys[tenant])
        return self.local.client.request(method, path, headers=headers, **more)


@pytest.fixture(scope="module")
def pair(synced_shop: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two shops that were made apart, each with its canary; both trust one issuer, for audiences of their own."""
    folder = tmp_path_factory.mktemp("pair")
    with ExitStack() as stack:
        stack.enter_context(sockets.loopback())
        issuer = stack.enter_context(TestIssuer())
        trusts = {name: issuer.toml("corp", audience=f"ragkit-{name}") for name in CANARIES}
        other = make_shop(folder, name="other", extra=KEYED + OPERATE + trusts["other"])
        tenants = f'[serve.tenants]\nother = "{other}"\n'
        shop = copy_shop(synced_shop, folder / "shop", extra=KEYED + OPERATE + tenants + trusts["shop"])
        keys = dict[str, str]()
        for name, one in (("shop", shop), ("other", other)):
            (one / "open" / "canary.md").write_text(f"# {CANARIES[name]}\n\nThe {CANARIES[name]} is out of stock.\n")
            with open_workspace(one) as workspace:
                workspace.sync()
                keys[name] = workspace.api_keys.create("local|ana", scopes=SCOPES).key
        yield Pair(stack.enter_context(in_process(shop)), shop, keys, issuer)


def documents(pair: Pair, tenant: str) -> list[str]:
    """Ids of a tenant's documents."""
    return [one["id"] for one in pair.call(tenant, "GET", "/v1/documents").json()["documents"]]


def test_no_word_of_one_tenant_is_seen_through_the_other(pair: Pair) -> None:
    """In answers, passages, lists, errors, metrics, the log: asked for by word, by id, with the other's dialogue."""
    for mine, theirs in (("shop", "other"), ("other", "shop")):
        canary, question = CANARIES[theirs], {"question": f"Is the {CANARIES[theirs]} in stock?"}
        begun = pair.call(theirs, "POST", "/v1/ask", json={**question, "conversation": "new"}).json()
        assert canary in begun["text"]
        calls: list[tuple[str, str, Any]] = [
            ("POST", "/v1/search", {**question, "k": 100}),
            ("POST", "/v1/ask", question),
            ("POST", "/v1/ask", {"question": "And now?", "conversation": begun["conversation"]}),
            ("GET", f"/v1/conversations/{begun['conversation']}", None),
            ("DELETE", f"/v1/conversations/{begun['conversation']}", None),
            ("POST", "/v1/feedback", {"request_id": begun["request_id"], "rating": "down"}),
            ("POST", "/v1/chat/completions",
             {"model": "ragkit", "messages": [{"role": "user", "content": question["question"]}]}),
            ("GET", "/v1/documents", None),
            ("GET", "/metrics", None),
            ("GET", "/v1/models", None),
            ("GET", "/readyz", None),
            *[("GET", f"/v1/documents/{one}", None) for one in documents(pair, theirs)],
            *[("GET", f"/v1/documents/{one}/passages", None) for one in documents(pair, theirs)],
            *[("DELETE", f"/v1/documents/{one}", None) for one in documents(pair, theirs)],
        ]  # fmt: skip
        for method, path, body in calls:
            told = pair.call(mine, method, path, **({"json": body} if body else {}))
            seen = told.text.replace(question["question"], "")
            assert canary not in seen, f"{method} {path} as {mine}"
        own = pair.call(theirs, "POST", "/v1/search", json=question).json()["hits"]
        assert any(canary in hit["text"] for hit in own)
    log = pair.local.lines.getvalue()
    assert not any(canary in log for canary in CANARIES.values())


def test_metrics_of_one_tenant_do_not_name_the_other(pair: Pair) -> None:
    """An operator of one does not learn that there is another."""
    told = pair.call("other", "GET", "/metrics").text
    assert 'tenant="shop"' not in told


def test_a_key_opens_its_own_tenant(pair: Pair) -> None:
    """Whatever else the request names."""
    for name in CANARIES:
        assert pair.call(name, "GET", "/session").json()["tenant"] == name


def test_a_token_is_replayed_nowhere_else(pair: Pair) -> None:
    """One issuer, two audiences: each opens its own; a token for both is nobody's; one tenant's keys do not help."""
    client, bearer = pair.local.client, pair.local.bearer
    for name in CANARIES:
        told = client.get("/session", headers=bearer(pair.issuer.token(aud=f"ragkit-{name}")))
        assert (told.status_code, told.json()["tenant"]) == (200, name)
    for audience in (["ragkit-shop", "ragkit-other"], "ragkit", ["other"]):
        assert client.get("/session", headers=bearer(pair.issuer.token(aud=audience))).status_code == 401
    with TestIssuer("https://other.example.org/") as foreign:  # its key under the good one's name
        forged = foreign.token(aud="ragkit-shop", iss=pair.issuer.name)
        assert client.get("/session", headers=bearer(forged)).status_code == 401
        assert client.get("/session", headers=bearer(foreign.token(aud="ragkit-shop"))).status_code == 401


def test_tenants_between_whom_a_token_could_not_tell_do_not_start(
    synced_shop: Path, tmp_path: Path, loopback: None
) -> None:
    """Same issuer, same audience: refused at the start, not at the first token."""
    with TestIssuer() as issuer:
        other = copy_shop(synced_shop, tmp_path / "other", extra=KEYED + issuer.toml("corp"))
        tenants = f'[serve.tenants]\nother = "{other}"\n'
        shop = copy_shop(synced_shop, tmp_path / "shop", extra=KEYED + tenants + issuer.toml("login"))
        with open_tenants(load_config(shop)) as opened, pytest.raises(ConfigError, match="would be of both"):
            create_app(opened)


def test_what_is_absent_and_what_is_hidden_take_the_same_time(pair: Pair) -> None:
    """The median over pairs asked in turns: closer than a fifth, or half a millisecond; on a busy machine at last."""
    hidden = documents(pair, "other")[0]
    assert any(_alike(pair, hidden, "a" * len(hidden)) for _ in range(4))


def _alike(pair: Pair, hidden: str, absent: str) -> bool:
    """Whether the median times of two that are answered with 404 are about the same."""
    taken: dict[str, list[float]] = {hidden: [], absent: []}
    for number in range(60):
        for one in (hidden, absent) if number % 2 else (absent, hidden):
            began = time.perf_counter()
            assert pair.call("shop", "GET", f"/v1/documents/{one}").status_code == 404
            taken[one].append(time.perf_counter() - began)
    first, second = (statistics.median(times) for times in taken.values())
    return abs(first - second) < max(0.0005, 0.2 * max(first, second))


def test_the_log_says_which_tenant_and_no_more(pair: Pair) -> None:
    """A line a request: no subject, no question, no title."""
    pair.call("shop", "POST", "/v1/search", json={"question": "Is the quagmirelamp in stock?"})
    last = [json.loads(line) for line in io.StringIO(pair.local.lines.getvalue())][-1]
    assert "ana" not in json.dumps(last)
    assert "quagmire" not in json.dumps(last)
