"""What a server of :mod:`ragkit.testing.model_servers` says as Amazon Bedrock: Converse, its frames, its signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
import struct
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from ragkit.testing.model_dialects import Answer, Asked, Dialect, Refusal


class Bedrock(Dialect):
    """``Converse`` and ``ConverseStream``; the key a bearer's, or a pair that must sign."""

    content_type = "application/vnd.amazon.eventstream"

    def check_key(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> None:
        if not isinstance(self.key, tuple):
            super().check_key(method, path, headers, body)
        elif headers.get("authorization") != aws_signature(self.key, method, path, headers, body):
            raise Refusal(403, "InvalidSignatureException", "The request signature we calculated does not match.")

    def error(self, refused: Refusal) -> bytes:
        said = {"model_not_found": "The provided model identifier is invalid."}.get(refused.code, refused.message)
        return json.dumps({"__type": refused.code, "message": said}).encode()

    def models(self, path: str) -> Any:  # noqa: ARG002 - there is no list at this host
        raise Refusal(404, "UnknownOperationException", "")

    def read(self, path: str, query: str, body: Any) -> Asked:  # noqa: ARG002
        model, _, verb = path.removeprefix("/model/").rpartition("/")
        if verb not in ("converse", "converse-stream"):
            raise Refusal(404, "UnknownOperationException", "")
        turns = [("system", part["text"]) for part in body.get("system", ())]
        turns += [(one["role"], "".join(part["text"] for part in one["content"])) for one in body["messages"]]
        limits = body["inferenceConfig"]
        return Asked(model, turns, verb == "converse-stream", limits["maxTokens"], frozenset({*body, *limits}))

    def _usage(self, asked: Asked, answer: Answer) -> Any:
        return {"inputTokens": asked.words - 2, "cacheReadInputTokens": 2, "outputTokens": len(answer.words)}

    def whole(self, asked: Asked, answer: Answer) -> Any:
        thought = [{"reasoningContent": {"reasoningText": {"text": answer.thought}}}] if answer.thought else []
        message = {"role": "assistant", "content": [*thought, {"text": answer.text}]}
        usage = {"usage": self._usage(asked, answer)} if answer.usage else {}
        return {"output": {"message": message}, "stopReason": answer.finish or "end_turn", **usage}

    def stream(self, asked: Asked, answer: Answer) -> Iterator[bytes]:
        yield aws_frame("messageStart", {"role": "assistant"})
        if answer.thought:
            delta: Any = {"reasoningContent": {"text": answer.thought}}
            yield aws_frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": delta})
        for word in answer.words:
            yield aws_frame("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"text": word}})
        yield aws_frame("contentBlockStop", {"contentBlockIndex": 1})
        yield aws_frame("messageStop", {"stopReason": answer.finish or "end_turn"})
        if answer.usage:
            yield aws_frame("metadata", {"usage": self._usage(asked, answer), "metrics": {"latencyMs": 1}})


def aws_frame(kind: str, payload: Any, *, exception: bool = False) -> bytes:
    """Return one message of ``application/vnd.amazon.eventstream``: prelude, checksum, headers, payload, checksum."""
    named = "exception" if exception else "event"
    headers = b""
    for name, value in ((f":{named}-type", kind), (":content-type", "application/json"), (":message-type", named)):
        headers += (
            struct.pack("!B", len(name)) + name.encode() + b"\x07" + struct.pack("!H", len(value)) + value.encode()
        )
    body = json.dumps(payload).encode()
    prelude = struct.pack("!II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack("!I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack("!I", zlib.crc32(message))


def aws_signature(key: tuple[str, str], method: str, path: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the ``Authorization`` header that a request must have, by the rules of Signature Version 4.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    given = headers.get("authorization", "")
    fields = dict(part.strip().partition("=")[::2] for part in given.removeprefix("AWS4-HMAC-SHA256").split(","))
    scope = fields.get("Credential", "").partition("/")[2]
    names = fields.get("SignedHeaders", "host")
    parts = urlsplit(path)
    lines = [f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in names.split(";")]
    canonical = "\n".join(
        [method, quote(parts.path, safe="/-_.~"), parts.query, "".join(lines), names, hashlib.sha256(body).hexdigest()]
    )
    stamp = headers.get("x-amz-date", "")
    told = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    secret = ("AWS4" + key[1]).encode()
    for part in scope.split("/"):
        secret = hmac.digest(secret, part.encode(), "sha256")
    signature = hmac.new(secret, told.encode(), "sha256").hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={key[0]}/{scope}, SignedHeaders={names}, Signature={signature}"
