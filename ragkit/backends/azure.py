"""A model deployed at Azure OpenAI: the v1 API, or the older path by deployment with a dated version.

https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, Literal
from urllib.parse import quote

from ragkit.backends.openai_compatible import OpenAICompatibleModel
from ragkit.backends.wire import checked_key
from ragkit.errors import ConfigError
from ragkit.protocols import Door
from ragkit.types import ModelCall

_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(-preview)?")


class AzureModel(OpenAICompatibleModel):
    """A deployment at Azure OpenAI.

    Args:
        door: The way out. Its URL is ``https://RESOURCE.openai.azure.com/openai/v1``; with ``api_version`` it ends in
            ``/openai``.
        model: The deployment's name.
        api_key: Sent as ``api-key``.
        entra_token: A token of Microsoft Entra instead of a key; ragkit does not renew it.
        api_version: Of the older API, such as ``2024-10-21``; without it the v1 API is spoken.
        context_tokens: How much prompt and answer may be together.
        extra_body: As for any OpenAI-compatible server.
        max_tokens_field: Likewise.

    Raises:
        ConfigError: Both or none of key and token, or no such version.
    """

    def __init__(
        self,
        door: Door,
        *,
        model: str,
        api_key: str | None = None,
        entra_token: str | None = None,
        api_version: str | None = None,
        context_tokens: int = 8192,
        extra_body: Mapping[str, Any] | None = None,
        max_tokens_field: Literal["auto", "max_tokens", "max_completion_tokens"] = "auto",
    ) -> None:
        if api_key is not None and entra_token is not None:
            raise ConfigError("a key and a token are given", remedy="Write one of `api_key` and `entra_token`.")
        if api_version is not None and not _VERSION.fullmatch(api_version):
            raise ConfigError("`api_version` is no version of the API", remedy='Write one such as "2024-10-21".')
        super().__init__(
            door,
            model=model,
            api_key=api_key or entra_token,
            context_tokens=context_tokens,
            extra_body=extra_body,
            max_tokens_field=max_tokens_field,
            model_list="ignore",  # it lists what could be deployed, not what is
        )
        self._token = checked_key(entra_token)
        self._query = f"?api-version={api_version}" if api_version else ""

    def _authorization(self) -> dict[str, str]:
        if self._token is not None:
            return {"Authorization": f"Bearer {self._token}"}
        return {"api-key": self._key} if self._key else {}

    def _models_path(self) -> str:
        return f"/models{self._query}"

    def _path(self, *, streamed: bool) -> str:
        if not self._query:
            return super()._path(streamed=streamed)
        return f"/deployments/{quote(self.model, safe='')}/chat/completions{self._query}"

    def _body(self, call: ModelCall, *, streamed: bool) -> dict[str, Any]:
        body = super()._body(call, streamed=streamed)
        if self._query:
            del body["model"]  # it stands in the path
        return body
