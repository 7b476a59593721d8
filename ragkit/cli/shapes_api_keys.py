"""The ``--json`` outputs of ``ragkit keys``; ``ragkit.cli.shapes`` lists them with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Fields, Shape

_API_KEY: Fields = {
    "id": ("text", "the part of the key between `rk_` and the second `_`; no secret"),
    "state": ("text", "`valid`, `revoked` or `expired`"),
    "name": ("text", "what its maker called it"),
    "subject": ("text", "who calls with it, `issuer|name`"),
    "groups": ("list of text", "their groups, `source|name`"),
    "scopes": ("list of text", "what it may be used for"),
    "created": ("text", "ISO 8601, UTC"),
    "expires": ("text or null", "ISO 8601, UTC; null for never"),
    "revoked": ("text or null", "ISO 8601, UTC; null while it is not"),
    "last_used": ("text", "day of the last use, UTC; empty for never"),
    "replaces": ("text", "id of the key that it was made to replace; empty for none"),
}

API_KEYS: Mapping[str, Shape] = {
    "api_key": Shape(about="What is known of an API key.", fields=_API_KEY),
    "keys_create": Shape(
        verb="keys create --json",
        about="A new API key. It is told here and never again.",
        fields={"key": ("text", "the key itself"), "record": ("api_key", "what is kept of it")},
    ),
    "keys_list": Shape(
        verb="keys list --json",
        about="What is known of each API key, the oldest first.",
        fields={"keys": ("list of api_key", "one each")},
    ),
    "keys_revoke": Shape(
        verb="keys revoke --json",
        about="The API key that opens nothing any more.",
        fields={"record": ("api_key", "what is kept of it")},
    ),
    "keys_rotate": Shape(
        verb="keys rotate --json",
        about="An API key in place of another. It is told here and never again.",
        fields={"key": ("text", "the new key itself"), "record": ("api_key", "what is kept of it")},
    ),
    "keys_prune": Shape(
        verb="keys prune --json",
        about="How many records of API keys were taken out.",
        fields={"removed": ("int", "records of keys that were over for so long")},
    ),
}
