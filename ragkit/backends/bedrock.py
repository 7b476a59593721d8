"""A model at Amazon Bedrock by Converse and ConverseStream, with a bearer key or signed requests.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html. Keys come from options alone:
never from the environment, a profile, or the metadata of the machine. botocore signs and reads the frames of streams;
its HTTP client is not used, so that the bytes the egress gateway scanned are those that were signed and are sent.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final
from urllib.parse import quote

from ragkit.backends.bedrock_reply import BedrockReply
from ragkit.backends.replies import PUBLIC_CALL, messages_of
from ragkit.backends.served import ServedModel
from ragkit.backends.shown import ShownText
from ragkit.backends.wire import checked_key
from ragkit.errors import ConfigError, GeneratorGarbled, MissingDependency
from ragkit.protocols import Door
from ragkit.types import ModelCall

_REGION: Final = re.compile(r"[a-z]{2}(-[a-z]+)+-[0-9]{1,2}")
_HOST: Final = re.compile(r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?")
_OURS: Final = frozenset({"modelId", "messages", "system", "inferenceConfig", "toolConfig"})


class BedrockModel(ServedModel):
    """A model at Amazon Bedrock.

    Args:
        door: The way out; its URL is ``https://bedrock-runtime.REGION.amazonaws.com``, or a private endpoint's.
        model: Model id, inference profile or ARN.
        region: Such as ``eu-central-1``; needed to sign.
        api_key: A Bedrock API key, sent as a bearer token.
        access_key: With ``secret_key``, instead of a key: requests are signed (Signature Version 4).
        secret_key: Likewise.
        session_token: Of temporary credentials.
        host: Of the destination's URL, where it is not the region's usual one.
        context_tokens: How much prompt and answer may be together.
        extra_body: Further fields of the request, such as ``{additionalModelRequestFields = {…}}``.

    Raises:
        ConfigError: Neither one key nor one pair, or a region or host that is none.
    """

    optional: ClassVar[Mapping[str, str | None]] = {"temperature": None, "stopSequences": None}

    def __init__(
        self,
        door: Door,
        *,
        model: str,
        region: str | None = None,
        api_key: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        host: str | None = None,
        context_tokens: int = 32_768,
        extra_body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(door, model=model, context_tokens=context_tokens, keyed=True)
        self._key = checked_key(api_key)
        self._pair = (checked_key(access_key), checked_key(secret_key), checked_key(session_token))
        signing = access_key is not None and secret_key is not None
        if (api_key is not None) == signing or (not signing and any(self._pair)):
            raise ConfigError(
                "Bedrock needs a key", remedy="Write `api_key`, or `access_key` and `secret_key`, as secrets."
            )
        if signing and not (region and _REGION.fullmatch(region)):
            raise ConfigError("no region to sign for", remedy='Write `region`, such as "eu-central-1".')
        self._region = region or ""
        self._host = host or f"bedrock-runtime.{region}.amazonaws.com"
        if not _HOST.fullmatch(self._host):
            raise ConfigError("`host` is no host", remedy="Write the host of the destination's URL, or leave it out.")
        self._extra = dict(extra_body or {})
        if taken := sorted(_OURS & self._extra.keys()):
            raise ConfigError(
                f"`extra_body` sets {taken[0]!r}, which ragkit makes itself", remedy="Leave it out of `extra_body`."
            )

    def load(self) -> None:
        """Import botocore.

        Raises:
            MissingDependency: It is not installed.
        """
        _botocore()

    def probe(self) -> None:
        """Ask a tiny public question: this host has no list of models."""
        try:
            self.complete(PUBLIC_CALL)
        except GeneratorGarbled as bad:
            if bad.code != "empty":  # it answers; what it says is not our question here
                raise

    def _path(self, *, streamed: bool) -> str:
        return f"/model/{quote(self.model, safe='')}/{'converse-stream' if streamed else 'converse'}"

    def _headers(self, path: str, body: bytes, *, streamed: bool) -> dict[str, str]:
        accept = "application/vnd.amazon.eventstream" if streamed else "application/json"
        headers = {"Content-Type": "application/json", "Accept": accept}
        if self._key is not None:
            return headers | {"Authorization": f"Bearer {self._key}"}
        return self._signed(path, body, headers)

    def _signed(self, path: str, body: bytes, headers: dict[str, str]) -> dict[str, str]:
        auth, request, credentials = _botocore()
        asked = request(method="POST", url=f"https://{self._host}{path}", data=body, headers=dict(headers))
        auth(credentials(*self._pair), "bedrock", self._region).add_auth(asked)
        return {name: value for name, value in asked.headers.items() if name.lower() != "host"}

    def _body(self, call: ModelCall, *, streamed: bool) -> dict[str, Any]:  # noqa: ARG002 - the path says it
        system, others = messages_of(call)
        limits: dict[str, Any] = {"maxTokens": call.max_tokens}
        if "temperature" not in self._left_out:
            limits["temperature"] = call.temperature
        if (stops := [stop for stop in call.stop if stop.strip()]) and "stopSequences" not in self._left_out:
            limits["stopSequences"] = stops
        body: dict[str, Any] = {
            "messages": [{"role": role, "content": [{"text": text}]} for role, text in others],
            "inferenceConfig": limits,
        }
        if system:
            body["system"] = [{"text": system}]
        return body | self._extra

    def _reader(self, call: ModelCall) -> BedrockReply:
        return BedrockReply(ShownText(call.stop), model=self.model, destination=self.destination)


def _botocore() -> tuple[Any, Any, Any]:
    """Return botocore's signer, request and credentials; imported when first needed."""
    try:
        from botocore.auth import SigV4Auth
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials
    except ImportError:
        raise MissingDependency(
            "Bedrock needs a package that is not installed", remedy="pip install 'ragkit[bedrock]'"
        ) from None
    return SigV4Auth, AWSRequest, Credentials
