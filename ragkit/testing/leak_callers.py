"""The ways out that are callers: keys whose bearers, groups and labels name people, and credentials that do.

What is kept, logged, recorded, said in errors and shown by ``repr`` comes under :func:`ragkit.testing.leaks.scan`. Who
one is, of one's own, is told to oneself and is not kept here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ragkit import open_workspace
from ragkit.testing.canaries import Canary
from ragkit.testing.in_process import URL, in_process
from ragkit.testing.issuer import TestIssuer
from ragkit.testing.leaks import World

REFUSED = "callers-refused.txt"


def name_callers(world: World, people: Sequence[Canary]) -> None:
    """Make a key for each of these people, use and revoke it, and come with credentials that name them.

    Args:
        world: Lived in; its environment is this process's.
        people: Whose values stand in no document.
    """
    told = list[str]()
    with open_workspace(world.workspace) as workspace:
        made = [
            workspace.api_keys.create(f"crm|{one.value}", groups=[f"crm|{one.value}"], name=one.value[:120])
            for one in people
        ]
        told += [repr(one) + repr(one.record) + repr(workspace.api_keys.list()) for one in made]
    with in_process(world.workspace) as local:
        for key in made:
            local.client.cookies.clear()
            local.client.get("/v1/models", headers=local.bearer(key.key))
            local.client.post("/session", json={"key": key.key})
            told.append(local.client.post("/v1/search", json={"question": "lamp"}).text)  # from no page of the service
            local.client.delete("/session", headers={"Origin": URL})
        local.tenants.first.workspace.api_keys.revoke(made[0].record.id)
        local.client.cookies.clear()
        for header in _credentials(people, made[0].key):
            reply = local.client.get("/v1/models", headers=header)
            told.append(f"{reply.status_code} {reply.headers} {reply.text}")
        told += [repr(local.app.state.ragkit.parts["door"].sessions), local.lines.getvalue()]
    (world.said / REFUSED).write_text("\n".join(told), encoding="utf-8")


def _credentials(people: Sequence[Canary], revoked: str) -> Iterator[dict[str, str]]:
    issuer = TestIssuer(algorithm="EdDSA")
    yield {"Authorization": f"Bearer {revoked}"}
    for one in people:
        name = one.value.encode("ascii", "ignore").decode().strip()
        yield {"Authorization": f"Bearer {issuer.token(one.value, groups=[one.value], aud=one.value)}"}
        yield {"Authorization": f"Basic {name}"}
        yield {"Authorization": f"Bearer {name}"}
        yield {"x-api-key": name}
        yield {"Cookie": f"ragkit_session={name.replace(' ', '')}"}
