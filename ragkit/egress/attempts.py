"""One call in as many attempts as it takes: until a reply begins, the time is over, or nothing more is to be hoped.

Nothing is sent again once a caller has seen a byte of a reply.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from ragkit.egress.circuit import Circuit
from ragkit.egress.failures import failure, never_answered, redirected, resting
from ragkit.egress.retrying import DOWN, LOST, asked_wait, backoff, is_passing
from ragkit.net import Wire
from ragkit.net_replies import Incoming, Peer
from ragkit.net_sockets import NetFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class Chances:
    """What time and chance are, so that tests can say."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    draw: Callable[[], float] = random.random


@dataclass(frozen=True, slots=True)
class Answered:
    """Who answered an attempt, and the id the provider gave the call, to ask them by; both may be empty.

    ``body`` is what came, where replies are kept as evidence.
    """

    peer: Peer = field(default_factory=Peer)
    provider_request: str = field(default="", repr=False)
    body: bytes = field(default=b"", repr=False)

    @classmethod
    def by(cls, incoming: Incoming) -> Answered:
        """What a reply tells of that; a wire in a test tells nothing."""
        number = next((incoming.headers[name] for name in _CALL_IDS if name in incoming.headers), "")
        return cls(getattr(incoming, "peer", Peer()), number)


_CALL_IDS = ("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "x-ms-request-id")


@dataclass(slots=True, kw_only=True, repr=False)
class Sending:
    """A request and how it is to be sent.

    Attributes:
        name: Of the destination, for messages.
        retries: Further tries.
        seconds: For all of it.
        before: Called with the number of the attempt before each; what it raises ends the call unsent.
        ended: Called once an attempt: a word or nothing, the status or 0, bytes received, milliseconds, its number,
            and who answered.
        keeps: Whether ``ended`` is given the reply's body.
    """

    name: str
    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    retries: int
    seconds: float
    before: Callable[[int], None]
    ended: Callable[[str, int, int, float, int, Answered], None]
    chances: Chances = field(default_factory=Chances)
    keeps: bool = False


class OpenReply:
    """A reply that has begun: the :class:`~ragkit.protocols.ReplyStream` that backends read.

    The end of its reading closes the books: the event, the circuit, the connection.
    """

    def __init__(self, sending: Sending, incoming: Incoming, stack: ExitStack, circuit: Circuit, begun: float) -> None:
        self.status = incoming.status
        self.headers = incoming.headers
        self.attempt = 1
        self.answered = Answered.by(incoming)
        self._sending = sending
        self._stack = stack
        self._circuit = circuit
        self._begun = begun
        self._received = 0
        self._open = True
        self._pieces = incoming.pieces()
        self._held: list[bytes] = []
        self._kept = bytearray()

    def __repr__(self) -> str:
        return f"OpenReply({self.status})"

    def prefetch(self) -> None:
        """Wait for the first bytes, while the call can still be sent again."""
        self._held.append(next(self._pieces, b""))

    def gather(self) -> None:
        """Wait for all of it. In one piece: ten million pieces of one byte would be fifty times as large."""
        whole = bytearray()
        for piece in self._pieces:
            whole += piece
        self._held.append(bytes(whole))

    def pieces(self) -> Iterator[bytes]:
        """The body's bytes as they come.

        Raises:
            GeneratorUnavailable: It fell silent or took too long.
            GeneratorGarbled: It broke off, or is longer than it may be.
        """
        try:
            while (piece := self._next()) is not None:
                self._received += len(piece)
                if self._sending.keeps:
                    self._kept += piece
                if piece:
                    yield piece
        except NetFailure as failed:
            self.close(failed.word)
            raise failure(self._sending.name, failed.word) from None
        self.close("")

    def close(self, word: str = "left") -> None:
        """End it; ``left`` when the caller has read enough."""
        if not self._open:
            return
        self._open = False
        self._stack.close()
        if word in ("", "left"):
            self._circuit.succeeded()
        else:
            self._circuit.failed()
        passed = (self._sending.chances.clock() - self._begun) * 1000
        answered = replace(self.answered, body=bytes(self._kept)) if self._kept else self.answered
        self._sending.ended(word, self.status, self._received, passed, self.attempt, answered)

    def _next(self) -> bytes | None:
        if self._held:
            return self._held.pop(0)
        return next(self._pieces, None)


def send(sending: Sending, wire: Wire, circuit: Circuit, *, whole: bool = False) -> OpenReply:
    """Send until a reply has begun that is worth reading.

    Args:
        sending: What and how.
        wire: What sends.
        circuit: Of the destination.
        whole: Read the body to its end before anything is handed out; then a reply that broke off is sent for again.

    Raises:
        GeneratorUnavailable: No reply, or none but "not now".
        GeneratorRefused: It sends elsewhere.
        GeneratorGarbled: What came is no reply.
        EgressRefused: Another host would be connected to.
    """
    chances = sending.chances
    until = chances.clock() + sending.seconds
    attempt = 0
    while True:
        attempt += 1
        if not circuit.enter():
            raise resting(sending.name)
        begun = chances.clock()
        try:
            sending.before(attempt)
        except BaseException:
            circuit.left()
            raise
        reply, word, status, wait, answered = _attempt(sending, wire, circuit, until, whole=whole)
        if reply is not None:
            reply.attempt = attempt
            return reply
        (circuit.failed if word in DOWN or word in LOST or word == "status" else circuit.left)()
        ms = (chances.clock() - begun) * 1000
        sending.ended(_event_word(word, status), status, 0, ms, attempt, answered)
        if word == "redirect":
            raise redirected(sending.name)
        again = word in LOST or word == "status"
        pause = max(wait, backoff(attempt, chances.draw()))
        if not again or attempt > sending.retries or chances.clock() + pause >= until:
            raise never_answered(sending.name, status, attempt) if word == "status" else failure(sending.name, word)
        chances.sleep(pause)


def _attempt(
    sending: Sending, wire: Wire, circuit: Circuit, until: float, *, whole: bool
) -> tuple[OpenReply | None, str, int, float, Answered]:
    """A reply, or a word, a status and how long the server asks to wait; and who answered, if anybody did."""
    chances = sending.chances
    begun = chances.clock()
    stack, status, answered = ExitStack(), 0, Answered()
    try:
        incoming = stack.enter_context(
            wire.open(
                sending.method, sending.target, headers=sending.headers, body=sending.body,
                seconds=max(0.0, until - begun),
            )
        )  # fmt: skip
        status, answered = incoming.status, Answered.by(incoming)
        if is_passing(status):
            stack.close()
            return None, "status", status, asked_wait(incoming.headers, chances.now()), answered
        if 300 <= status < 400:
            stack.close()
            return None, "redirect", status, 0.0, answered
        reply = OpenReply(sending, incoming, stack, circuit, begun)
        if whole:
            reply.gather()
        else:
            reply.prefetch()
    except NetFailure as failed:
        stack.close()
        return None, failed.word, status, 0.0, answered
    except BaseException:
        stack.close()
        circuit.left()
        raise
    return reply, "", status, 0.0, answered


def _event_word(word: str, status: int) -> str:
    return f"status-{status}" if word == "status" else word
