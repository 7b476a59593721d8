"""The README's code is run: the fifteen-line connector passes the contract as printed."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "connectors" / "README.md"
BLOCKS = re.findall(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
_module = types.ModuleType("connectors_readme")
sys.modules[_module.__name__] = _module  # dataclasses look their module up
_scope = vars(_module)
for _block in BLOCKS:
    exec(compile(_block, str(README), "exec"), _scope)

TestNotesConnector = _scope["TestNotesConnector"]


def test_the_connector_is_as_short_as_the_heading_says() -> None:
    """Fifteen lines of code, blank lines aside."""
    assert len(BLOCKS) == 2
    assert sum(bool(line.strip()) for line in BLOCKS[0].splitlines()) <= 15


def test_the_contract_can_fail() -> None:
    """A connector that skips an item on resuming, or repeats an identity, does not pass."""
    from ragkit.testing.contracts import ConnectorContract
    from ragkit.types import Checkpoint, SourceItem, Upsert

    class Forgetful:
        def changes(self, cursor):
            for number in range(4):
                if cursor is None or number > int(cursor) + 1:
                    yield Upsert(SourceItem(native_id=f"n{number % 3}", name="x", content=b"x"))
                    yield Checkpoint(str(number))
            yield Checkpoint(None, complete=True)

    contract = ConnectorContract()
    with pytest.raises(AssertionError):
        contract.test_identities_are_unique_in_a_pass(Forgetful())
    with pytest.raises(AssertionError):
        contract.test_a_pass_resumes_after_every_checkpoint(Forgetful())
