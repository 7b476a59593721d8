"""Proofs for somebody who has one checkpoint: checked by the verifier that shares no code with what made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ragkit import open_workspace
from ragkit.assets import ragkit_verify
from ragkit.audit.note_file import NoteFile
from ragkit.errors import CheckpointRefused, ConfigError
from ragkit.rootkey import create_key_file


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A workspace whose log has several checkpoints, and a torn line."""
    (tmp_path / "ragkit.toml").write_text(
        f'[workspace]\nname = "test"\nid = "abc"\nowner = "local|ana"\n[keys]\npath = "{tmp_path}/root.key"\n'
        '[collections.shop]\naccess = ["u:local|ana"]\n'
    )
    create_key_file(tmp_path / "root.key")
    for number in range(3):
        record(tmp_path, 4 + number)
        if number == 0:
            with events_of(tmp_path).open("ab") as file:
                file.write(b'{"seq":8')
    return tmp_path


def record(folder: Path, count: int) -> None:
    """Record so many events and sign."""
    with open_workspace(folder) as here:
        for _ in range(count):
            here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})


def events_of(folder: Path) -> Path:
    """The log's one segment."""
    return folder / ".ragkit/events/00000001.jsonl"


def sizes(folder: Path) -> list[int]:
    """Sizes of the checkpoints."""
    return [note.checkpoint.size for note in NoteFile(events_of(folder).with_name("checkpoints.txt")).read()]


def checked(folder: Path, proof: dict[str, Any]) -> int:
    """What the verifier says of a proof: 0 if it holds."""
    with open_workspace(folder) as here:
        key = here.audit.signing_key().verifier_key
    run = ragkit_verify.Verification(None, [ragkit_verify.parse_key(key)])
    return int(run.run(proofs=[("proof", json.dumps(proof).encode())]))


def test_every_event_is_proven_and_no_other_in_its_place(folder: Path) -> None:
    """The line of each event, by its number and not its place: a torn line has no number."""
    lines = events_of(folder).read_bytes().splitlines()
    torn = lines.index(b'{"seq":8')
    seqs = (1, 2, 7, torn, torn + 1, torn + 4)
    with open_workspace(folder) as here:
        proofs = {seq: here.audit.prove(seq) for seq in seqs}
    for seq, proof in proofs.items():
        assert json.loads(proof["leaf_line"])["seq"] == seq
        assert lines[proof["index"]].decode() == proof["leaf_line"]
        assert checked(folder, proof) == 0
    assert [proofs[seq]["index"] for seq in seqs] == [0, 1, 6, torn - 1, torn + 1, torn + 4]  # of its own, no number
    wrong = {**proofs[7], "leaf_line": proofs[2]["leaf_line"]}
    assert checked(folder, wrong) == 1
    assert checked(folder, {**proofs[7], "index": proofs[7]["index"] + 1}) == 1


def test_growth_is_proven_from_every_checkpoint(folder: Path) -> None:
    """The log of now begins with each older one; with another note's size it does not."""
    signed = sizes(folder)
    with open_workspace(folder) as here:
        proofs = [here.audit.prove_growth(size) for size in signed]
    for size, proof in zip(signed, proofs, strict=True):
        assert (proof["size1"], proof["size2"]) == (size, signed[-1])
        assert checked(folder, proof) == 0
    assert checked(folder, {**proofs[0], "note1": proofs[1]["note1"]}) == 1
    assert checked(folder, {**proofs[0], "proof": proofs[1]["proof"]}) == 1


def test_what_cannot_be_proven(folder: Path) -> None:
    """An event that is not there or not signed yet, a size that no checkpoint has."""
    with open_workspace(folder) as here:
        here._handles.recorder.record("auth.ok", data={"verb": "ask", "via": "local"})
        unsigned = len(events_of(folder).read_bytes().splitlines())
        for seq in (0, 10_000, unsigned):
            with pytest.raises(ConfigError, match="no event"):
                here.audit.prove(seq)
        with pytest.raises(ConfigError, match="no checkpoint is of 3 lines") as found:
            here.audit.prove_growth(3)
    assert "There are some of" in found.value.remedy


def test_a_log_that_was_edited_proves_nothing(folder: Path) -> None:
    """No proof is made of lines that are not those that were signed."""
    lines = events_of(folder).read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"ok"', b'"OK"')
    events_of(folder).write_bytes(b"".join(lines))
    with open_workspace(folder) as here:
        for call in (lambda: here.audit.prove(1), lambda: here.audit.prove_growth(sizes(folder)[0])):
            with pytest.raises(CheckpointRefused, match="not those of the checkpoint"):
                call()
