"""A child of ``test_no_socket``: detection, measurement and remask in one process, which may open no socket."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from ragkit import open_workspace

NOTE = "Yesterday {} collected the parcel at the counter. According to {}, the tent came without its poles. "
PEOPLE = ("Anna Ortegalind", "Marek Holubowski", "Chidi Okonjoba", "Priya Ramanuja", "Lars Thorvaldsen")
CONFIG = """
[workspace]
name = "masking"
owner = "local|ana"
[keys]
source = "env"
[policies.ours]
profile = "{profile}"
[collections.notes]
access = ["u:local|ana"]
policy = "ours"
[[collections.notes.sources]]
connector = "files"
name = "folder"
path = "notes"
"""


def main(folder: Path) -> None:
    """Sync, ask, measure, change the policy, mask again, ask again."""
    os.environ["RAGKIT_ROOT_KEY"] = base64.b64encode(bytes(range(32))).decode()
    (folder / "notes").mkdir()
    lines = []
    for number, one in enumerate(PEOPLE):
        text = NOTE.format(one, PEOPLE[number - 1])
        (folder / "notes" / f"{number}.txt").write_text(text * 12)  # long enough for the forward pass of bulk
        spans = [{"start": at, "end": at + len(who), "label": "PERSON"} for who in (one, PEOPLE[number - 1])
                 for at in [text.index(who)]]  # fmt: skip
        lines.append(json.dumps({"text": text, "spans": spans}))
    (folder / "labelled.jsonl").write_text("\n".join(lines))
    (folder / "ragkit.toml").write_text(CONFIG.format(profile="default"))
    with open_workspace(folder) as workspace:
        assert workspace.sync().added == len(PEOPLE)
        masked, spans = workspace.mask_text(NOTE.format(*PEOPLE[:2]))
        assert any(span.recognizer.startswith("learned:") for span in spans), "the learned detector did not run"
        assert "PERSON" in workspace.ask("Who collected the parcel at the counter?").text, masked
    told = _ragkit("eval", "pii", str(folder / "labelled.jsonl"), "--json", "--misses", "5", "--workspace", str(folder))
    assert json.loads(told)["documents"] == len(PEOPLE)
    (folder / "ragkit.toml").write_text(CONFIG.format(profile="strict"))
    assert json.loads(_ragkit("remask", "--dry-run", "--json", "--workspace", str(folder)))["documents"] == len(PEOPLE)
    with open_workspace(folder) as workspace:
        assert workspace.remask().documents == len(PEOPLE)
        assert workspace.search("Who collected the parcel at the counter?", k=1)


def _ragkit(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "ragkit", *arguments], capture_output=True, text=True, check=True
    ).stdout


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        main(Path(made))
