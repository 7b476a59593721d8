"""A child of ``test_generators_quiet``: imports and constructs every registered generator, and tells what it opened."""

from __future__ import annotations

import json
import sys
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from ragkit.config_answering import DestinationSection
from ragkit.egress.gateway import EgressGateway
from ragkit.registry import BUILT_IN, Registry
from ragkit.testing.stages import FakeEmbedder, RecordingRecorder

_opened: list[str] = []
_watched = False

DESTINATION = DestinationSection.model_validate(
    {"url": "https://llm.example.com/v1", "location": "remote", "provider": "somebody", "ca_file": "/no/such/ca.pem"}
)
GIVEN: dict[str, Any] = {
    "embedder": FakeEmbedder(),
    "model": "model-1",
    "path": "/no/such/model",
    "target": "no_such_package:NoLLM",
    "api_key": "sk-0000000000000000",
    "region": "eu-central-1",
    "access_key": "AKIA0000000000000000",
    "secret_key": "0" * 40,
    "context_tokens": 4096,
}
"""Arguments by name; the key and the server are nobody's."""


def _note(event: str, args: tuple[Any, ...]) -> None:
    if _watched and (event.startswith("socket.") or event in {"open", "subprocess.Popen", "os.listdir", "os.scandir"}):
        _opened.append(event)


def _construct(kind: type[Any]) -> Any:
    door = EgressGateway("there", DESTINATION, scanner=None, recorder=RecordingRecorder())
    parameters = signature(kind).parameters.values()
    named = {one.name for one in parameters if one.kind is not Parameter.VAR_KEYWORD}
    if "access_key" in named:
        named.discard("api_key")  # one or the other
    wanted = {name: {**GIVEN, "door": door}[name] for name in named if name in GIVEN or name == "door"}
    return kind(**wanted)


def main() -> None:
    """Print, for each generator, what constructing it opened, and its location."""
    global _watched
    sys.addaudithook(_note)
    told = {}
    for entry in BUILT_IN:
        if entry.kind != "generators":
            continue
        kind = Registry().load("generators", entry.name)
        _opened.clear()
        _watched = True
        made = _construct(kind)
        location, shown = str(made.location), repr(made)
        _watched = False
        told[entry.name] = {"opened": list(_opened), "location": location, "repr": shown}
    print(json.dumps({"generators": told, "folder": [path.name for path in Path().iterdir()]}))


if __name__ == "__main__":
    main()
