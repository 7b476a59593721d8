"""The events of one call through the gateway: intent before the first byte, and what became of it."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ragkit.egress.attempts import Answered
from ragkit.egress.verdicts import Destination, Verdict
from ragkit.protocols import Recorder
from ragkit.types import Evidence, ModelCall

_ODD = re.compile(r"[^0-9a-zA-Z.+:_-]")
_ID = re.compile(r"[0-9a-z]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PROMPT = re.compile(r"[0-9a-zA-Z][0-9a-zA-Z.+:_-]{0,99}")


class Ledger:
    """Writes the gateway's events; counts, words and keyed hashes only.

    Args:
        recorder: Takes the events.
        destination: Where the calls go.
        key: Under which the bytes of a prompt are hashed, so that a prompt in hand can be compared and no other found.
        evidence: Hand the bytes themselves to the recorder too, for its evidence store.
    """

    def __init__(self, recorder: Recorder, destination: Destination, key: bytes, *, evidence: bool = False) -> None:
        self._recorder = recorder
        self._evidence = evidence
        self._key = key
        self._facts: dict[str, Any] = {
            "destination": destination.name,
            "location": destination.location.value,
            "host": destination.host,
        }
        self._declared = self._facts | {"provider": destination.provider}
        for name in ("region", "contract", "retention"):
            if value := getattr(destination, name):
                self._declared[name] = _ODD.sub("_", value)

    def intent(self, call: ModelCall, verdict: Verdict, body: bytes, attempt: int) -> None:
        """Bytes are about to leave. Durable when this returns.

        Raises:
            AuditUnavailable: It could not be recorded; nothing may be sent.
        """
        data = self._declared | {
            "data_class": call.data_class.value,
            "ceiling": verdict.destination.ceiling.value,
            "bytes": len(body),
            "attempt": attempt,
            "body": self._keyed(body),
            "scanned": verdict.destination.rescan == "block",
        }
        if verdict.findings:
            data["entities"] = dict(verdict.findings)
        if call.placed:
            data["placed"] = list(call.placed)
        if call.collection:
            data["collection"] = call.collection
        if _ID.fullmatch(call.conversation):
            data["conversation"] = call.conversation
        if _PROMPT.fullmatch(call.prompt):
            data["prompt"] = call.prompt
        first = body if attempt == 1 else b""  # the next attempts send the same: see the hash
        self._write("egress.intent", call, data, evidence=self._kept(call, "request_body", first))

    def blocked(self, call: ModelCall, verdict: Verdict) -> None:
        """Something was kept from leaving."""
        data = self._facts | {
            "data_class": call.data_class.value,
            "ceiling": verdict.destination.ceiling.value,
            "bytes": verdict.bytes,
        }
        if verdict.findings:
            data["entities"] = dict(verdict.findings)
        if call.collection:
            data["collection"] = call.collection
        self._write("egress.blocked", call, data, outcome="denied", reason=verdict.reason)

    def ended(
        self,
        call: ModelCall | None,
        *,
        word: str,
        status: int,
        received: int,
        ms: float,
        attempts: int,
        answered: Answered,
    ) -> None:
        """The reply is in, or the attempt failed; ``word`` is empty for a reply that came whole."""
        data = self._facts | {"status": status, "bytes": received, "ms": round(ms), "attempts": attempts}
        peer = answered.peer
        data |= {
            key: value
            for key, value in (("peer", peer.address), ("tls", peer.tls), ("tls_name", peer.tls_name))
            if value
        }
        if answered.provider_request:
            data["provider_request"] = self._keyed(answered.provider_request.encode())
        failed = bool(word) and word != "left"
        kind = "egress.failed" if failed else "egress.done"
        evidence = self._kept(call, "response_body", answered.body)
        self._write(kind, call, data, outcome="error" if failed else "ok", reason=word, evidence=evidence)

    def probed(self) -> None:
        """A request without a prompt is about to leave."""
        self._write("egress.probed", None, self._declared)

    def _write(
        self,
        kind: str,
        call: ModelCall | None,
        data: Mapping[str, Any],
        *,
        outcome: str = "ok",
        reason: str = "",
        evidence: Evidence | None = None,
    ) -> None:
        request = call.request_id or None if call is not None else None
        session = call.conversation if call is not None and _ID.fullmatch(call.conversation) else ""
        self._recorder.record(
            kind, outcome=outcome, reason=reason, request=request, data=data, session=session, evidence=evidence
        )

    def _kept(self, call: ModelCall | None, role: str, content: bytes) -> Evidence | None:
        """What is to be kept of a call; of one about no collection, such as a test of a generator, nothing."""
        if not self._evidence or call is None or not call.collection or not content:
            return None
        return Evidence(
            collection=call.collection,
            conversation=call.conversation,
            parts={role: content},
            documents=call.documents,
            tokens=call.tokens,
        )

    def _keyed(self, body: bytes) -> str:
        return "hmac-sha256:" + hmac.new(self._key, body, sha256).hexdigest()

    def __repr__(self) -> str:
        return f"Ledger({self._facts['destination']!r})"
