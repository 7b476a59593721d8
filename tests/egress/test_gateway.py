"""What may leave, what is recorded before it does, and what is never told."""

from __future__ import annotations

import json
import pickle
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ragkit.audit.recorder import EventRecorder
from ragkit.config_answering import DestinationSection
from ragkit.egress.api_words import strings_in
from ragkit.egress.attempts import Chances
from ragkit.egress.circuit import Circuit
from ragkit.egress.gateway import EgressGateway
from ragkit.egress.retrying import asked_wait, backoff
from ragkit.errors import AuditUnavailable, EgressLeak, EgressRefused, GeneratorUnavailable
from ragkit.testing.egress_parts import BODY, CALL, Events, OneName
from ragkit.testing.faulty_server import FaultyServer
from ragkit.testing.recording_server import RecordingServer
from ragkit.types import DataClass, Location, ModelCall

Make = Callable[..., EgressGateway]
PUBLIC = ModelCall(messages=(), data_class=DataClass.PUBLIC)
CONFIDENTIAL = ModelCall(messages=(), data_class=DataClass.CONFIDENTIAL)


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    """One that keeps every byte."""
    with RecordingServer(reply=b'{"ok": true}') as made:
        yield made


def test_a_prompt_goes_out_as_it_is(door: Make, server: RecordingServer, events: Events) -> None:
    """The very bytes, below the destination's path, with the caller's key and nothing else of ours."""
    gateway = door(f"{server.url}/v1")
    reply = gateway.post("/chat/completions?api-version=1", BODY, headers={"Authorization": "Bearer k"}, call=CALL)
    assert (reply.status, reply.body) == (200, b'{"ok": true}')
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /v1/chat/completions?api-version=1 HTTP/1.1",
        f"Host: 127.0.0.1:{server.port}".encode(),
        b"Authorization: Bearer k",
        b"User-Agent: ragkit",
        b"Accept-Encoding: identity",
        f"Content-Length: {len(BODY)}".encode(),
    ]
    assert body == BODY
    assert events.kinds == ["intent", "done"]
    assert events.kept[0][3]["region"] == "eu_north"


@pytest.mark.parametrize(
    "body",
    [
        b'{"messages": [{"content": "Ask Galip Yalman."}]}',
        b'{"messages": [{"content": "Ask \\u0059\\u0061lman."}]}',
        b'{"Yalman": 1}',
        b'{"a": "Yalman", "a": "nothing"}',
        b"plain Yalman",
        b'["' + b"[" * 50 + b'Yalman"]',
    ],
)
def test_personal_data_in_the_final_bytes_keeps_them_here(
    body: bytes, door: Make, server: RecordingServer, events: Events
) -> None:
    """However JSON writes it, in keys, and in values that a later key hides: counts, and no connection."""
    with pytest.raises(EgressLeak, match="PERSON 1") as caught:
        door(server.url).post("/chat", body, headers={}, call=CALL)
    assert "Yalman" not in repr(caught.value) + caught.value.remedy
    assert not server.connections
    (kind, outcome, reason, data), *others = events.kept
    assert (kind, outcome, reason, data["entities"]) == ("egress.blocked", "denied", "leak", {"PERSON": 1})
    assert not others


@pytest.mark.parametrize(
    ("settings", "call", "body", "reason"),
    [
        ({}, CONFIDENTIAL, BODY, "data-class"),
        ({"max_request_bytes": 10}, PUBLIC, BODY, "too-large"),
        ({}, PUBLIC, b"\xff\xfe\x00", "not-text"),
        ({}, PUBLIC, b"[" * 5000 + b"]" * 5000, "not-text"),
        ({}, PUBLIC, b'{"a":' * 400 + b"1" + b"}" * 400, "not-text"),
    ],
)
def test_what_policy_forbids_stays_here(
    settings: dict[str, object], call: ModelCall, body: bytes, reason: str,
    door: Make, server: RecordingServer, events: Events,
) -> None:  # fmt: skip
    """A class beyond the ceiling, too many bytes, bytes that nobody can read: refused and recorded, by the verdict."""
    gateway = door(server.url, **settings)
    verdict = gateway.judge(call, body)
    assert (verdict.allowed, verdict.reason) == (False, reason)
    assert not events.kept  # a verdict records nothing
    with pytest.raises(EgressRefused):
        gateway.post("/chat", body, headers={}, call=call)
    with pytest.raises(EgressRefused), gateway.stream("/chat", body, headers={}, call=call):
        pass
    assert [(kind, why) for kind, _, why, _ in events.kept] == [("egress.blocked", reason)] * 2
    assert not server.connections


def test_without_a_scanner_nothing_leaves(server: RecordingServer, events: Events) -> None:
    """Unless the destination says in `ragkit.toml` that none is wanted; that is in the event."""
    for rescan, allowed in (("block", False), ("unsafe_off", True)):
        section = DestinationSection(url=server.url, location="on-prem", provider="p", rescan=rescan)
        gateway = EgressGateway("box", section, scanner=None, recorder=events)
        assert gateway.judge(PUBLIC, BODY).allowed is allowed
    section = DestinationSection(url=server.url, location="on-prem", provider="p", rescan="unsafe_off")
    gateway = EgressGateway("box", section, scanner=OneName(), recorder=events)
    gateway.post("/chat", b'{"a": "Yalman"}', headers={}, call=PUBLIC)
    gateway.close()
    assert (events.kept[0][3]["scanned"], events.kept[0][3]["entities"]) == (False, {"PERSON": 1})


def test_intent_is_on_the_disk_before_the_first_byte(tmp_path: Path) -> None:
    """At the moment the server has read the request, the segment holds the intent; the bytes only as a keyed hash."""
    recorder = EventRecorder(tmp_path / "events", mode="required", software={}, actor_key=b"k" * 32)
    seen: list[str] = []

    def answer(request: bytes) -> bytes:
        seen.extend(path.read_text() for path in (tmp_path / "events").glob("*.jsonl"))
        return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    with RecordingServer(answer=answer) as server:
        section = DestinationSection(url=server.url, location="on-prem", provider="p", max_data_class="internal")
        gateway = EgressGateway("box", section, scanner=OneName(), recorder=recorder, key=b"k" * 32)
        gateway.post("/chat", BODY, headers={"Authorization": "Bearer sk-secret"}, call=CALL)
        gateway.close()
    recorder.close()
    events = [json.loads(line) for line in seen[0].splitlines()]
    intent = next(event for event in events if event["type"] == "egress.intent")
    assert intent["request"] == CALL.request_id
    assert intent["data"]["body"].startswith("hmac-sha256:")
    assert not any(event["type"] == "egress.done" for event in events)
    written = "".join(path.read_text() for path in (tmp_path / "events").glob("*.jsonl"))
    assert "Which" not in written
    assert "sk-secret" not in written


def test_no_record_no_action(door: Make, server: RecordingServer, events: Events) -> None:
    """If the intent cannot be recorded, nothing is connected to; the circuit is left as it was."""

    def full(kind: str) -> None:
        raise AuditUnavailable("disk full")

    events.after = full
    gateway = door(server.url)
    for _ in range(7):
        with pytest.raises(AuditUnavailable):
            gateway.post("/chat", BODY, headers={}, call=CALL)
        with pytest.raises(AuditUnavailable):
            gateway.get("/models", headers={})
        with pytest.raises(AuditUnavailable):
            gateway.post("/chat", b'"Yalman"', headers={}, call=CALL)
    assert not server.connections
    events.after = lambda _: None
    assert gateway.post("/chat", BODY, headers={}, call=CALL).status == 200


@pytest.mark.parametrize(
    "path",
    ["//evil.example/x", "/../admin", "/a/%2e%2e/b", "/%252e%252e/b", "/a/..%2fb", "/a\\..\\b", "https://evil.example/",
     "/a b", "/a\r\nX-Evil: 1", "/a#b", "/" + "a" * 600, "/Yalman", "/%59alman", "/a?q=Yalman"],
)  # fmt: skip
def test_a_path_leads_nowhere_else_and_tells_nothing(
    path: str, door: Make, server: RecordingServer, events: Events
) -> None:
    """No other origin, no way up however it is written, no line breaks, no personal data."""
    gateway = door(f"{server.url}/v1")
    with pytest.raises(EgressRefused):
        gateway.post(path, BODY, headers={}, call=CALL)
    with pytest.raises(EgressRefused):
        gateway.get(path, headers={})
    assert not server.connections
    assert events.kept[0][2] == "path"


@pytest.mark.parametrize(
    ("name", "value"),
    [("X-Prompt", "hello"), ("Cookie", "a=b"), ("Authorization", "Bearer a\r\nX: 1"), ("x-title", "Yalman"),
     ("Accept", "é"), ("Content-Type", "a" * 300), ("Transfer-Encoding", "chunked")],
)  # fmt: skip
def test_headers_carry_keys_and_versions_only(name: str, value: str, door: Make, server: RecordingServer) -> None:
    """No header of another name, none with line breaks, none that somebody could put a prompt into."""
    with pytest.raises(EgressRefused) as caught:
        door(server.url).post("/chat", BODY, headers={name: value}, call=CALL)
    assert value not in str(caught.value)
    assert not server.connections


def test_nothing_tells_keys_or_content(door: Make, server: RecordingServer) -> None:
    """Neither the gateway nor its verdict, and it cannot be pickled."""
    gateway = door(server.url, key=b"a-secret-key-of-the-events-ledger")
    gateway.post("/chat", BODY, headers={"Authorization": "Bearer sk-secret"}, call=CALL)
    told = repr(gateway) + repr(gateway.judge(CALL, BODY)) + repr(gateway.__dict__)
    assert "sk-secret" not in told
    assert "Which" not in told
    assert "a-secret" not in told
    with pytest.raises(TypeError):
        pickle.dumps(gateway)


def test_a_verdict_says_who_it_is(door: Make, server: RecordingServer) -> None:
    """All that is declared of a destination, and nothing that was sent."""
    verdict = door(server.url, contract="DPA-2026-17", retention="30 days", location="managed").judge(CALL, BODY)
    assert verdict.allowed
    assert verdict.bytes == len(BODY)
    one = verdict.destination
    assert (one.name, one.host, one.location, one.provider) == ("box", "127.0.0.1", "managed", "own")
    assert (one.region, one.contract, one.retention, one.ceiling) == ("eu north", "DPA-2026-17", "30 days", "internal")
    assert not server.connections


def test_plain_http_stays_on_this_machine(events: Events) -> None:
    """Also past the checks of the configuration, and through a proxy elsewhere."""
    for url, proxy in (("http://llm.example", None), ("http://127.0.0.1:1", "http://proxy.example:3128")):
        section = DestinationSection.model_construct(url=url, proxy=proxy, location=Location.ON_PREM, provider="p")
        gateway = EgressGateway("box", section, scanner=OneName(), recorder=events)
        assert gateway.judge(PUBLIC, BODY).reason == "tls"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let it pass."""
        self.slept.append(seconds)
        self.now += seconds


def test_the_server_says_when_to_come_again(door: Make) -> None:
    """Waits are what the server asks, or jitter; what goes beyond the total time is not waited for."""
    clock = Clock()
    chances = Chances(clock=clock, sleep=clock.sleep, draw=lambda: 0.5)
    with FaultyServer("429-after") as server:
        gateway = door(server.url, chances=chances, total_seconds=60)
        with pytest.raises(GeneratorUnavailable, match="429"):
            gateway.post("/chat", BODY, headers={}, call=CALL)
    assert clock.slept == [0.25, 0.5]  # the asked 0.05 s are less than half of 0.5 and of 1 s
    clock.slept.clear()
    with FaultyServer("429-absurd") as server:
        with pytest.raises(GeneratorUnavailable):
            door(server.url, chances=chances, total_seconds=60).post("/chat", BODY, headers={}, call=CALL)
        assert len(server.requests) == 1
    assert not clock.slept


def test_retry_after_is_read_as_it_may_be_written() -> None:
    """Seconds, a date, milliseconds; nonsense and the past ask for nothing. Jitter grows to a bound."""
    now = 1_445_412_480.0  # Wed, 21 Oct 2015 07:28:00 GMT
    assert asked_wait({"retry-after": "7"}, now) == 7
    assert asked_wait({"retry-after": "Wed, 21 Oct 2015 07:28:30 GMT"}, now) == 30
    assert asked_wait({"retry-after": "Wed, 21 Oct 2015 07:27:30 GMT"}, now) == 0
    assert asked_wait({"retry-after-ms": "250", "retry-after": "9"}, now) == 0.25
    for nonsense in ("", "soon", "-5", "1e9", "²", "NaN"):
        assert asked_wait({"retry-after": nonsense}, now) == 0
    assert asked_wait({"retry-after": "9" * 400}, now) > 1e9
    assert [backoff(attempt, 1.0) for attempt in (1, 2, 3, 9, 9999)] == [0.5, 1, 2, 8, 8]


def test_a_server_that_keeps_failing_is_left_alone(door: Make, events: Events) -> None:
    """After five failures in a row nothing more is sent; then one probe, and a success closes the circuit."""
    clock = Clock()
    chances = Chances(clock=clock, sleep=clock.sleep, draw=lambda: 0.0)
    with FaultyServer("500", first=6) as server:
        gateway = door(server.url, chances=chances, retries=4)
        with pytest.raises(GeneratorUnavailable, match="500"):
            gateway.post("/chat", BODY, headers={}, call=CALL)
        for _ in range(3):
            with pytest.raises(GeneratorUnavailable, match="left alone"):
                gateway.post("/chat", BODY, headers={}, call=CALL)
        assert len(server.requests) == 5
        assert events.kinds == ["intent", "failed"] * 5
        clock.now += 31
        with pytest.raises(GeneratorUnavailable):  # the probe is the sixth, and fails
            gateway.post("/chat", BODY, headers={}, call=CALL)
        assert len(server.requests) == 6
        clock.now += 31
        assert gateway.post("/chat", BODY, headers={}, call=CALL).status == 200
        assert gateway.post("/chat", BODY, headers={}, call=CALL).status == 200


def test_a_half_open_circuit_lets_one_thread_through() -> None:
    """Of twenty threads at once exactly one probes."""
    clock = Clock()
    circuit = Circuit(failures=1, rest_seconds=10, clock=clock)
    assert circuit.enter()
    circuit.failed()
    assert circuit.state == "open"
    clock.now += 10
    assert circuit.state == "half-open"
    let: list[bool] = []
    threads = [threading.Thread(target=lambda: let.append(circuit.enter())) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(let) == 1
    circuit.left()
    assert circuit.enter()
    circuit.succeeded()
    assert circuit.state == "closed"


def test_probing_carries_no_prompt(door: Make, server: RecordingServer, events: Events) -> None:
    """One request, recorded before; an answer of 400 and more is the backend's to read, and no server is an error."""
    assert door(server.url).get("/models", headers={"Authorization": "Bearer k"}).status == 200
    assert events.kinds == ["probed", "done"]
    with FaultyServer("401") as other:
        assert door(other.url).get("/models", headers={}).status == 401
    with FaultyServer("502") as other:
        with pytest.raises(GeneratorUnavailable):
            door(other.url).get("/models", headers={})
        assert len(other.requests) == 1


def test_words_of_the_api_and_of_the_configuration_are_not_people(server: RecordingServer, events: Events) -> None:
    """A model may be called Yalman, as one is called Claude; nobody in the prompt may, nor what only contains it."""
    section = DestinationSection(url=server.url, location="on-prem", provider="p")
    fixed = set(strings_in({"model": "yalman/Yalman-7B:8b", "extra_body": {"Yalman": [1, "Yalman"]}}))
    gateway = EgressGateway("box", section, scanner=OneName(), recorder=events, fixed=fixed)
    assert gateway.judge(PUBLIC, b'{"model": "yalman/Yalman-7B:8b", "Yalman": 1}').allowed
    assert not gateway.judge(PUBLIC, b'{"model": "yalman/Yalman-7B:8b", "a": "Yalman was here"}').allowed
    assert not gateway.judge(PUBLIC, b'{"model": "Yalman-7B:8b"}').allowed
    assert gateway.post("/model/yalman%2FYalman-7B%3A8b/converse", b"{}", headers={}, call=PUBLIC).status == 200
    with pytest.raises(EgressLeak):
        gateway.post("/model/Yalman-8B/converse", b"{}", headers={}, call=PUBLIC)
    gateway.close()
