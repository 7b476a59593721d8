"""The ``--json`` output of ``serve``; ``ragkit.cli.shapes`` lists it with the others."""

from __future__ import annotations

from collections.abc import Mapping

from ragkit.cli.shape import Shape

SERVING: Mapping[str, Shape] = {
    "serving": Shape(
        verb="serve --json",
        about="Where the service answers. Printed once, when it does; its log goes to standard error.",
        fields={
            "url": ("text", "scheme, address and port"),
            "workspace": ("text", "name of the workspace it was started in"),
            "tenants": ("list of text", "names of all workspaces it answers from"),
            "authentication": ("text", "`required` or `unsafe_none`"),
            "keys": ("int or null", "API keys that are valid; null where whoever starts it may not know"),
            "issuers": ("list of text", "whose tokens are taken, by their name in ragkit.toml"),
            "pages": ("list of text", "paths of the pages it shows"),
            "description": ("text", "path of the OpenAPI description"),
        },
    ),
}
