"""The one way out for the bytes of a prompt.

::

    door = EgressGateway("gpu-box", config.destinations["gpu-box"], scanner=scanner, recorder=recorder, key=key)
    reply = door.post("/chat/completions", body, headers={"Authorization": f"Bearer {api_key}"}, call=call)

In this order: may this data class go there; is the body within its limit; does a last look over the final bytes find
personal data; is the intent durably recorded. Only then a connection is opened, to the destination's host and no
other. Nothing is opened, read or looked up before the first call.
"""

from __future__ import annotations

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from ragkit.config_answering import DestinationSection, is_loopback
from ragkit.egress.api_words import API_WORDS
from ragkit.egress.attempts import Answered, Chances, Sending, send
from ragkit.egress.bodies import NotText, texts_of
from ragkit.egress.boundary import may_receive
from ragkit.egress.circuit import Circuit
from ragkit.egress.ledger import Ledger
from ragkit.egress.paths import SPOKEN, checked, segments, target
from ragkit.egress.verdicts import Destination, Reason, Verdict
from ragkit.errors import EgressLeak, EgressRefused
from ragkit.net import HttpClient, Wire
from ragkit.protocols import Recorder, ReplyStream, Scanner
from ragkit.types import Location, ModelCall, Reply


class EgressGateway:
    """Implements :class:`ragkit.protocols.Door` for one declared destination.

    Args:
        name: Of the destination in ``ragkit.toml``.
        section: What is declared of it.
        scanner: Looks over the final bytes. Without one nothing is sent, unless ``rescan = "unsafe_off"``.
        recorder: Takes the events; what it cannot take is not sent.
        key: 32 bytes under which the events hash what was sent; by default random, so that nobody can compare.
        circuit: Shared by all gateways to the same server; by default one's own.
        wire: What sends; by default a client over httpcore.
        chances: Clock, sleep and dice.
        fixed: Strings that the configuration gives and bodies hold, such as a model's name; not looked over.
        folder: What a relative ``ca_file`` counts from.
        evidence: Hand the recorder the bytes that leave and come back, for its evidence store.
    """

    def __init__(
        self,
        name: str,
        section: DestinationSection,
        *,
        scanner: Scanner | None,
        recorder: Recorder,
        key: bytes = b"",
        circuit: Circuit | None = None,
        wire: Wire | None = None,
        chances: Chances | None = None,
        fixed: Collection[str] = (),
        folder: Path = Path(),
        evidence: bool = False,
    ) -> None:
        self._section = section
        self._scanner = scanner
        self._chances = chances or Chances()
        self._destination = Destination.declared(name, section)
        self._evidence = evidence
        self._ledger = Ledger(recorder, self._destination, key or secrets.token_bytes(32), evidence=evidence)
        self._circuit = circuit or Circuit(clock=self._chances.clock)
        self._wire = wire
        self._fixed = API_WORDS.union(fixed)
        self._folder = folder
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The destination's name."""
        return self._destination.name

    @property
    def location(self) -> Location:
        """Where it is."""
        return self._destination.location

    def judge(self, call: ModelCall, body: bytes) -> Verdict:
        """Whether a body may leave for this call. Sends nothing and records nothing."""
        findings: Mapping[str, int] = {}
        reason: Reason = "ok"
        if not may_receive(call.data_class, self._section):
            reason = "data-class"
        elif not self._section.url.startswith("https://") and not self._stays_here():
            reason = "tls"
        elif len(body) > self._section.max_request_bytes:
            reason = "too-large"
        elif self._scanner is None:
            reason = "ok" if self._section.rescan == "unsafe_off" else "not-scanned"
        else:
            try:
                findings = _found(self._scanner, texts_of(body), self._fixed)
            except NotText:
                reason = "not-text"
            if findings:
                reason = "leak"
        let = self._section.rescan == "unsafe_off" and reason in ("leak", "not-text")
        return Verdict(
            allowed=let or reason == "ok",
            reason="ok" if let else reason,
            findings=findings,
            data_class=call.data_class,
            bytes=len(body),
            destination=self._destination,
        )

    def post(self, path: str, body: bytes, *, headers: Mapping[str, str], call: ModelCall) -> Reply:
        """Send a body and wait for the whole reply; a status from 400 to 499 is for the caller to read."""
        reply = send(self._sending(path, body, headers, call), self._client(), self._circuit, whole=True)
        return Reply(status=reply.status, headers=reply.headers, body=b"".join(reply.pieces()))

    @contextmanager
    def stream(self, path: str, body: bytes, *, headers: Mapping[str, str], call: ModelCall) -> Iterator[ReplyStream]:
        """Send a body and read the reply as it comes; leaving the context ends the call."""
        reply = send(self._sending(path, body, headers, call), self._client(), self._circuit)
        try:
            yield reply
        finally:
            reply.close()

    def get(self, path: str, *, headers: Mapping[str, str]) -> Reply:
        """Ask for something without a prompt, once: for probing."""
        where, sent = self._addressed(path, headers)
        sending = Sending(
            name=self.name,
            method="GET",
            target=where,
            headers=sent,
            body=b"",
            retries=0,
            seconds=self._section.total_seconds,
            before=lambda _: self._ledger.probed(),
            ended=self._ended(None),
            chances=self._chances,
        )
        reply = send(sending, self._client(), Circuit(failures=2), whole=True)
        return Reply(status=reply.status, headers=reply.headers, body=b"".join(reply.pieces()))

    def close(self) -> None:
        """Let go of the connections that are kept."""
        with self._lock:
            if self._wire is not None:
                self._wire.close()

    def _sending(self, path: str, body: bytes, headers: Mapping[str, str], call: ModelCall) -> Sending:
        verdict = self.judge(call, body)
        if not verdict.allowed:
            self._ledger.blocked(call, verdict)
            _refuse(verdict)
        try:
            where, sent = self._addressed(path, headers)
        except EgressRefused:
            self._ledger.blocked(call, replace(verdict, allowed=False, reason="path"))
            raise
        return Sending(
            name=self.name,
            method="POST",
            target=where,
            headers=sent,
            body=body,
            retries=self._section.retries,
            seconds=self._section.total_seconds,
            before=lambda attempt: self._ledger.intent(call, verdict, body, attempt),
            ended=self._ended(call),
            chances=self._chances,
            keeps=self._evidence,
        )

    def _addressed(self, path: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
        """Path and headers as they may be sent: below the destination's path, and nothing personal in them."""
        where, sent = target(self._section.url, path), checked(headers)
        if self._scanner is not None and self._section.rescan == "block":
            spoken = [*segments(path), *(value for name, value in sent.items() if name.lower() in SPOKEN)]
            if _found(self._scanner, spoken, self._fixed):
                raise EgressLeak("the path or a header holds personal data; nothing was sent", remedy=_LEAK_REMEDY)
        return where, sent

    def _ended(self, call: ModelCall | None) -> Callable[[str, int, int, float, int, Answered], None]:
        def ended(word: str, status: int, received: int, ms: float, attempts: int, answered: Answered) -> None:
            self._ledger.ended(
                call, word=word, status=status, received=received, ms=ms, attempts=attempts, answered=answered
            )

        return ended

    def _client(self) -> Wire:
        with self._lock:
            if self._wire is None:
                section = self._section
                self._wire = HttpClient(
                    section.url,
                    purpose="generate",
                    ca_file=self._folder / section.ca_file if section.ca_file else None,
                    proxy=section.proxy,
                    connect_seconds=section.connect_seconds,
                    idle_seconds=section.idle_seconds,
                    max_bytes=section.max_reply_bytes,
                )
            return self._wire

    def _stays_here(self) -> bool:
        through = urlsplit(self._section.proxy).hostname if self._section.proxy else None
        return is_loopback(self._section.host) and is_loopback(through or "localhost")

    def __repr__(self) -> str:
        return f"EgressGateway({self.name!r}, {self.location.value})"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a gateway holds connections and is not pickled")


_LEAK_REMEDY = "This is a defect of what wrote the prompt: report it, with the counts and without the data."
_REMEDIES: Mapping[str, tuple[str, str]] = {
    "data-class": (
        "content of this class may not go there",
        "Use a generator in process or on-prem; `max_data_class` of the destination says how far content may travel.",
    ),
    "tls": ("the way there is not encrypted", "Write `https://` in `url`."),
    "too-large": ("the prompt is longer than `max_request_bytes`", "Raise it, or give fewer or shorter chunks."),
    "not-text": ("the bytes are no text that could be looked over", "Send JSON or text in UTF-8."),
    "not-scanned": ("nothing is there to look over the final bytes", "This is a defect of the wiring: report it."),
}


def _refuse(verdict: Verdict) -> NoReturn:
    where = f"destination {verdict.destination.name!r}"
    if verdict.reason == "leak":
        counts = ", ".join(f"{entity_type} {count}" for entity_type, count in sorted(verdict.findings.items()))
        raise EgressLeak(f"{where}: personal data in the final bytes ({counts}); nothing was sent", remedy=_LEAK_REMEDY)
    text, remedy = _REMEDIES[verdict.reason]
    raise EgressRefused(f"{where}: {text}; nothing was sent", remedy=remedy)


def _found(scanner: Scanner, texts: Iterable[str], fixed: Collection[str]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for text in texts:
        if text not in fixed:
            counts.update(scanner.scan(text))
    return {entity_type: count for entity_type, count in counts.items() if count > 0}
