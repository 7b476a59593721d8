"""The ways out for officers: people's requests, holds, backups, keys, attacks, with planted values in every argument.

::

    told = run_people(world, planting, people)      # after ragkit.testing.leaks.exercise
    told["erase"].status, told["held"].status       # 0, 2

What a command says is kept under ``world.said``, and so is each backup, key copy and restored workspace. What officers
are meant to read in clear (an export, the reason of a hold) goes to ``world.officer``, where nothing is scanned but by
:func:`strangers`. The commands run in this process, whose environment is the world's.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ragkit.testing.bytescan import ByteScanner
from ragkit.testing.canaries import Canary
from ragkit.testing.leaks import World
from ragkit.testing.planting import Planting

EXPORT = "export.json"


@dataclass(frozen=True, slots=True)
class Told:
    """The end of one command."""

    status: int
    out: str

    def __repr__(self) -> str:
        return f"Told(status {self.status})"


def run_people(world: World, planting: Planting, people: Sequence[Canary]) -> dict[str, Told]:
    """Find, export, correct, restrict, hold, erase, back up, restore and change keys; return what became of each.

    Args:
        world: Lived in; its sources are as they were.
        planting: What was planted.
        people: As for :func:`ragkit.testing.planting.plant_lists`; the third to sixth stand in no document.
    """
    kept: dict[str, Told] = {}

    def run(name: str, *command: str, officer: bool = False) -> Told:
        kept[name] = _run(world, name, command, officer=officer)
        return kept[name]

    found, corrected, restricted, erased = _people_of(planting)
    why, spare = planting.questions[0], [one.value for one in people[2:6]]
    for_why, here = ("--purpose", why), ("--collection", "files")
    run("find", "subject", "find", found.value, *for_why, *here, officer=True)
    run("nobody", "subject", "find", spare[0], *for_why, *here)
    run("no-purpose", "subject", "find", found.value, *here)
    export = world.officer / EXPORT
    run("export", "subject", "export", found.value, "--to", str(export), *for_why, *here)
    run("export-again", "subject", "export", found.value, "--to", str(export), *for_why, *here)
    run("correct", "subject", "correct", corrected.value, "--to", spare[1], *for_why, *here)
    run("correct-nobody", "subject", "correct", spare[2], "--to", spare[1], *for_why, *here)
    ask = ("subject", "restrict", restricted.value, "--reason", why, *for_why, *here, "--json")
    told = run("restrict", *ask)
    run("lift-wrong", "subject", "lift", spare[3], "--reason", why, *for_why, *here)
    run("lift", "subject", "lift", _field(told, "request"), "--reason", why, *for_why, *here)
    hold = run("hold", "hold", "place", erased.value, "--reason", why, *here, "--json", officer=True)
    erase = ("subject", "erase", erased.value, *for_why, *here)
    run("held", *erase, "--yes")
    run("holds", "hold", "list", *here, officer=True)
    run("release-wrong", "hold", "release", spare[3], "--reason", why, *here)
    run("release", "hold", "release", _field(hold, "hold"), "--reason", spare[2], *here, officer=True)
    run("backup", "backup", str(world.said / "backup"), "--keys", str(world.said / "key-copy"))
    run("backup-again", "backup", str(world.said / "backup"))
    run("erase-dry", *erase, "--dry-run", "--json")
    run("erase-unsure", *erase)
    told = run("erase", *erase, "--yes", "--json")
    run("resume", "subject", "resume", *here)
    run("receipt", "subject", "receipt", _field(told, "request"))
    run("receipt-wrong", "subject", "receipt", spare[3])
    run("backup-later", "backup", str(world.said / "backup-later"), "--keys", str(world.said / "key-copy"), "--json")
    run("retention", "retention", "run", "--dry-run", "--purpose", why)
    run("keys", "key", "show", "--json")
    run("rotate", "key", "rotate", "--wrapping", "--yes")
    _escrow_and_attack(world, planting, run)
    damaged = world.said / "damaged"
    shutil.copytree(world.said / "backup", damaged)
    (damaged / "manifest.json").write_bytes(why.encode())  # our words, so it goes before the scan
    (restored := world.said / "restored").mkdir()
    keys = ("--keys", str(world.said / "key-copy"))
    run("restore-damaged", "restore", str(damaged), "--to", str(restored), *keys, "--yes")
    shutil.rmtree(damaged)
    run("restore", "restore", str(world.said / "backup"), "--to", str(restored), *keys, "--yes")
    return kept


def _escrow_and_attack(world: World, planting: Planting, run: Callable[..., Told]) -> None:
    """Put the root key into escrow under a planted passphrase, bring it back, and play the thief who knows everybody.

    The list of people and the passphrases are what officers have; they lie beside the sources.
    """
    passphrase, wrong, escrow = world.officer / "passphrase", world.officer / "wrong", world.said / "escrow"
    for path, text in ((passphrase, planting.questions[0]), (wrong, planting.questions[1])):
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
    run("escrow", "key", "escrow", str(escrow), "--passphrase-file", str(passphrase), "--json")
    (shares := world.officer / "shares").mkdir()
    run("escrow-shares", "key", "escrow", str(shares), "--shares", "2/3", "--json")
    back = ("--to", str(world.officer / "recovered"))
    run("recover-wrong", "key", "recover", str(escrow), "--passphrase-file", str(wrong), *back)
    run("recover", "key", "recover", str(escrow), "--passphrase-file", str(passphrase), *back)
    names = [one.value for one in planting.canaries if one.entity_type == "PERSON"]
    known, nameless = world.officer / "known.jsonl", world.officer / "nameless.jsonl"
    known.write_text("\n".join(json.dumps({"name": name}) for name in names), encoding="utf-8")
    nameless.write_text(json.dumps({"somebody": names[0], names[1]: "x"}), encoding="utf-8")
    as_owner = ("--purpose", planting.questions[0], "--collection", "lines", "--no-baseline")
    run("attack", "attack", "--people", str(known), *as_owner, "--json")
    run("attack-nameless", "attack", "--people", str(nameless), *as_owner)
    run("attack-nowhere", "attack", "--people", names[0], *as_owner)
    run("stolen", "attack", "--folder", str(world.workspace / ".ragkit"))


def strangers(world: World, canaries: Sequence[Canary], own: Canary) -> set[int]:
    """The canaries other than ``own`` that the export of it holds."""
    found = ByteScanner(canaries).scan_file(world.officer / EXPORT)
    return {one.canary for one in found if canaries[one.canary] != own}


def exported(planting: Planting) -> Canary:
    """Whose export it is."""
    return _people_of(planting)[0]


def _people_of(planting: Planting) -> list[Canary]:
    """Four people who stand in documents of the collection ``files``, where a detector finds them."""
    placed = zip(planting.canaries, planting.places)
    known = [one for one, place in placed if one.entity_type == "PERSON" and one.cued and place in {"text", "title"}]
    assert len(known) >= 2, "too few canaries were planted"
    others = [
        one
        for one, place in zip(planting.canaries, planting.places)
        if place == "text" and one.entity_type in {"EMAIL_ADDRESS", "PHONE_NUMBER", "IBAN_CODE", "CUSTOMER_NUMBER"}
    ]
    return [*known, *others][:4]


def _field(told: Told, name: str) -> str:
    try:
        return str(json.loads(told.out)[name])
    except (ValueError, KeyError):
        return "none"


def _run(world: World, name: str, command: Sequence[str], *, officer: bool) -> Told:
    from typer.testing import CliRunner

    from ragkit.cli.main import app

    where = [] if command[0] == "restore" else ["--workspace", str(world.workspace)]
    done = CliRunner().invoke(app, [*command, *where])
    out = done.stdout if not officer else ""
    lines = (out, done.stderr, "" if done.exception is None else repr(done.exception), f"status {done.exit_code}")
    (world.said / f"people-{name}.txt").write_text("\n---\n".join(lines), encoding="utf-8")
    if officer:
        (world.officer / f"{name}.txt").write_text(done.stdout, encoding="utf-8")
    return Told(done.exit_code, done.stdout)


def texts_kept(world: World) -> Iterator[Path]:
    """What the commands said."""
    yield from sorted(world.said.glob("people-*.txt"))
