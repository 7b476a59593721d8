"""Whether the receipts of an erasure say what is so."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from benchmarks.residue import Marks, search
from ragkit import open_workspace

_CONTEXT = b"ragkit/receipt/1\n"
_LEVELS = ("L0", "L1", "L2", "L3")


def check_receipts(folder: Path, requests: Sequence[str], texts: Marks, *, nothing_left: bool) -> list[str]:
    """Return what is wrong with the receipts of these requests. The signature is checked without ragkit.

    Args:
        folder: The workspace.
        requests: Those that were closed.
        texts: What no receipt may hold.
        nothing_left: Whether an independent scan found no byte.
    """
    wrong: list[str] = []
    told = folder.with_name(f"{folder.name}-receipts")
    told.mkdir()
    with open_workspace(folder) as workspace:
        for number, request in enumerate(requests):
            text = workspace.subjects.receipt(request)
            (told / f"{number}.json").write_text(text)
            if not workspace.subjects.check_receipt(text).ok:
                wrong.append("ragkit does not accept its own receipt")
            if workspace.subjects.check_receipt(text.replace('"deleted":', '"deleted":1', 1)).ok:
                wrong.append("an altered receipt is accepted")
            whole = json.loads(text)
            if not _is_signed(whole):
                wrong.append("the signature does not hold")
            facts = whole["receipt"]
            if not facts.get("out_of_scope"):
                wrong.append("nothing is out of scope")
            reached = {name: facts["levels"][name]["reached"] for name in _LEVELS}
            wrong += [f"{name} not reached: {value}" for name, value in reached.items() if value == "false"]
            if reached["L2"] == "true" and not nothing_left:
                wrong.append("says L2, and bytes are left")
    wrong += [f"a receipt holds {one.label.split()[0]}" for one in search(told, texts)]
    return wrong


def _is_signed(whole: dict[str, object]) -> bool:
    signature = whole["signature"]
    assert isinstance(signature, dict)
    message = json.dumps(whole["receipt"], sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["public_key"]))
    try:
        key.verify(base64.b64decode(signature["value"]), _CONTEXT + message)
    except InvalidSignature:
        return False
    return True
