"""Ten thousand random cases against an oracle that knows the rule by heart and shares no code: no wrong send."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from ragkit.config_answering import DestinationSection
from ragkit.egress.attempts import Chances
from ragkit.egress.boundary import may_receive, widens
from ragkit.egress.gateway import EgressGateway
from ragkit.errors import EgressRefused, GeneratorUnavailable
from ragkit.net_replies import Incoming
from ragkit.net_sockets import NetFailure
from ragkit.testing.egress_parts import BODY, Events
from ragkit.types import DataClass, Location, ModelCall

CASES = 10_000

# The oracle: written out, no arithmetic on ranks.
TAKES = {
    "public": {"public"},
    "internal": {"public", "internal"},
    "confidential": {"public", "internal", "confidential"},
    "restricted": {"public", "internal", "confidential", "restricted"},
}
FURTHER_OUT = {
    "in-process": {"on-prem", "managed", "remote"},
    "on-prem": {"managed", "remote"},
    "managed": {"remote"},
    "remote": set(),
}


def should_receive(data_class: str, location: str, ceiling: str, kind: str) -> bool:
    """The rule of the handbook, for one generator."""
    if kind == "foreign":
        return data_class in {"public", "internal"}
    if location == "in-process":
        return True
    return data_class in TAKES[ceiling] and (data_class != "restricted" or location == "on-prem")


class Quiet:
    """A scanner that finds nothing."""

    def scan(self, text: str) -> Mapping[str, int]:
        """Nothing."""
        return {}


@dataclass
class Counting:
    """A wire that counts what is sent, and fails if it is told to."""

    fails: bool
    sent: int = 0
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @contextmanager
    def open(
        self, method: str, path: str, *, headers: Mapping[str, str], body: bytes, seconds: float
    ) -> Iterator[Incoming]:
        """Count it."""
        self.sent += 1
        if self.fails:
            raise NetFailure("reset")
        yield self

    def pieces(self) -> Iterator[bytes]:
        """A short reply."""
        yield b"{}"

    def close(self) -> None:
        """Nothing is open."""


@dataclass
class Candidate:
    """One generator of a case."""

    kind: str
    location: str
    ceiling: str
    wire: Counting
    section: DestinationSection | None
    door: EgressGateway | None

    def call(self, call: ModelCall) -> None:
        """Ask it, through its gateway if it has one."""
        if self.door is not None:
            self.door.post("/chat", BODY, headers={}, call=call)
            return
        self.wire.sent += 1
        if self.wire.fails:
            raise GeneratorUnavailable("it failed")


def draw(dice: random.Random, events: Events) -> Candidate:
    """A generator at random: in process, behind a gateway, or a foreign one."""
    kind = dice.choice(["own", "sent", "sent", "sent", "foreign"])
    wire = Counting(fails=dice.random() < 0.5)
    ceiling = dice.choice([*TAKES])
    if kind != "sent":
        location = "in-process" if kind == "own" else dice.choice([*FURTHER_OUT])
        return Candidate(kind, location, ceiling, wire, None, None)
    location = dice.choice(["on-prem", "managed", "remote"])
    settings = {
        "url": dice.choice(["https://llm.example/v1", "http://127.0.0.1:8000"]),
        "location": Location(location),
        "provider": "one",
        "max_data_class": DataClass(ceiling),
        "retries": 0,
    }
    # past the checks of the configuration, which refuses some of these: the gateway holds by itself
    section = DestinationSection.model_construct(**settings)  # type: ignore[arg-type]
    quick = Chances(sleep=lambda _: None)
    door = EgressGateway("d", section, scanner=Quiet(), recorder=events, key=b"k", wire=wire, chances=quick)
    return Candidate(kind, location, ceiling, wire, section, door)


def walk(chain: list[Candidate], call: ModelCall) -> list[int]:
    """Who is asked in turn: the rule as routing uses it, for a first choice and its fallbacks."""
    asked: list[int] = []
    failed: Candidate | None = None
    for place, one in enumerate(chain):
        if not may_receive(call.data_class, one.section, passes_gateway=one.kind != "foreign"):
            continue
        if failed is not None and widens(Location(failed.location), Location(one.location)):
            continue
        asked.append(place)
        try:
            one.call(call)
        except GeneratorUnavailable:
            failed = one
            continue
        break
    return asked


def expected(chain: list[Candidate], data_class: str) -> list[int]:
    """The same by the oracle."""
    asked: list[int] = []
    last = ""
    for place, one in enumerate(chain):
        right = should_receive(data_class, one.location, one.ceiling, one.kind)
        if right and not (last and one.location in FURTHER_OUT[last]):
            asked.append(place)
            if not one.wire.fails:
                break
            last = one.location
    return asked


def test_no_wrong_send_in_ten_thousand_cases() -> None:
    """Every gateway asked directly, as by a router gone wrong, and every chain of fallbacks."""
    dice, events = random.Random(20261122), Events()
    wrong = sends = refusals = 0
    for _ in range(CASES):
        chain = [draw(dice, events) for _ in range(dice.randint(1, 4))]
        data_class = dice.choice([*TAKES])
        call = ModelCall(messages=(), data_class=DataClass(data_class))
        for one in chain:
            if one.door is None:
                continue
            right = should_receive(data_class, one.location, one.ceiling, one.kind)
            try:
                one.door.post("/chat", BODY, headers={}, call=call)
            except EgressRefused:
                refusals += 1
            except GeneratorUnavailable:
                pass
            wrong += one.wire.sent != int(right)
            one.wire.sent = 0
        wrong += walk(chain, call) != expected(chain, data_class)
        wrong += [one.wire.sent for one in chain] != [
            int(place in expected(chain, data_class)) for place in range(len(chain))
        ]
        sends += sum(one.wire.sent for one in chain)
        events.kept.clear()
    assert wrong == 0
    assert sends > CASES // 3
    assert refusals > CASES // 3
