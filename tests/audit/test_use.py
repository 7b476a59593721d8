"""The catalogue and the code agree: whatever any part records is in the catalogue, keys included."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ragkit.audit.catalogue import CATALOGUE

ROOT = Path(__file__).parents[2]
_ENVELOPE = {"outcome", "reason", "request", "actor", "data", "session", "evidence"}


def recorded() -> Iterator[tuple[str, str, set[str]]]:
    """Yield where, which type, and which keys, for every call that records an event by a literal name."""
    for folder in ("ragkit", "connectors"):
        for module in sorted((ROOT / folder).rglob("*.py")):
            if "assets" in module.parts or module.name == "verifying.py":  # these tell the verifier's findings
                continue
            for call in ast.walk(ast.parse(module.read_text())):
                if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.args):
                    continue
                kind = call.args[0]
                named = isinstance(kind, ast.Constant) and isinstance(kind.value, str)
                if named and call.func.attr.lstrip("_") in ("record", "tell"):
                    yield f"{module.name}:{call.lineno}", kind.value, _keys(call)  # type: ignore[attr-defined]


def _keys(call: ast.Call) -> set[str]:
    keys = {word.arg for word in call.keywords if word.arg and word.arg not in _ENVELOPE}
    for word in call.keywords:
        if word.arg == "data" and isinstance(word.value, ast.Dict):
            keys |= {key.value for key in word.value.keys if isinstance(key, ast.Constant)}
    return keys


CALLS = list(recorded())


@pytest.mark.parametrize(("where", "kind", "keys"), CALLS, ids=[f"{kind}@{where}" for where, kind, _ in CALLS])
def test_what_is_recorded_is_in_the_catalogue(where: str, kind: str, keys: set[str]) -> None:
    """Type and keys of each call are known; otherwise the call would be refused at run time."""
    assert kind in CATALOGUE
    assert keys <= CATALOGUE[kind].fields.keys()


def test_the_stages_do_record() -> None:
    """The scan finds the calls of several parts, so that it cannot pass by finding nothing."""
    assert len({where.partition(":")[0] for where, _, _ in CALLS}) >= 4
