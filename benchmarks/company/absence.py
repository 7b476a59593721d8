"""Whether somebody who was erased is back: after a touched source, a sync, another policy, a rebuild and a restore."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.company.marks import Taken, left, plain, texts_of
from benchmarks.company.people import Person
from benchmarks.company.setting import COLLECTION, PURPOSE, restore_beside, write_config
from benchmarks.company.truth import SHORT, Truth
from ragkit import open_workspace
from ragkit.errors import KeyMismatch, ManifestMismatch
from ragkit.keeping import restore_workspace
from ragkit.workspace import Workspace


def shown(workspace: Workspace, truth: Truth, people: Sequence[Person], *, excused: Collection[str] = ()) -> list[str]:
    """What the workspace still knows of people: in the vault, in stored texts, in what is found and revealed.

    Values that somebody else has too may stay. Told by kind, never by value.
    """
    keys = {one.id for one in people}
    every = [(value, kind) for one in people for value, kind in one.values().items() if kind != SHORT]
    own = {value: kind for value, kind in every if not truth.owners(value) - keys and plain(value) not in excused}
    problems: Counter[str] = Counter()
    part = workspace._handles.reader(COLLECTION)
    tokens = _tokens(workspace)
    for row in part.masker.vault._rows.by_token(tokens).values():
        with suppress(KeyMismatch):
            value = part.masker.vault._rows.open(row).value
            owners = truth.owners(value)
            if owners and owners <= keys and plain(value) not in excused:
                kinds = {one.values().get(value, "a spelling") for one in people}
                problems[f"vault holds {sorted(kinds)[0]}"] += 1
    for _, _, text in texts_of(workspace):
        for value, kind in own.items():
            if value in text:
                problems[f"stored text has {kind} in clear"] += 1
    for one in people:
        for question in (f"What is known of {one.full}?", f"Who has the number {one.number}?", one.email):
            for told in _found(workspace, question):
                clear = workspace.reveal(told, purpose=PURPOSE, collection=COLLECTION)
                for value, kind in own.items():
                    if value in clear:
                        problems[f"{kind} is shown"] += 1
        if workspace.subjects.find(one.email, purpose=PURPOSE, collection=COLLECTION):
            problems["found by e-mail"] += 1
    return [f"{what} ({times})" for what, times in problems.items()]


def _found(workspace: Workspace, question: str) -> list[str]:
    """What is shown for a question; nothing where the index waits to be masked again."""
    try:
        hits = workspace.search(question, k=20, collection=COLLECTION)
    except ManifestMismatch:
        return []
    return ["\n".join((hit.title, hit.chunk.record, hit.before, hit.after, *hit.metadata.values())) for hit in hits]


def reappeared(
    folder: Path, truth: Truth, people: Sequence[Person], gone: Taken, dice: random.Random
) -> dict[str, list[str]]:
    """Do all that could bring people back, and tell after which step what was seen of them."""
    restored = folder.with_name(f"{folder.name}-restored")

    def touch() -> None:
        for one in people:
            for path in truth.named_in(one.id):
                file = folder / "source" / "files" / path
                if file.suffix in {".txt", ".md"}:
                    file.write_bytes(file.read_bytes() + f"\nLooked at {dice.randrange(99)} times.\n".encode())
        with open_workspace(folder) as workspace:
            workspace.sync()

    def remask() -> None:
        write_config(folder, policy="harder", extra='[policies.harder]\nprofile = "strict"\n')
        with open_workspace(folder) as workspace:
            workspace.remask()

    def rebuild() -> None:
        with open_workspace(folder) as workspace:
            workspace.rebuild()

    def restore() -> None:
        restore_beside(folder, folder.with_name(f"{folder.name}-backup"), restored)

    def restore_here() -> None:
        restore_workspace(folder.with_name(f"{folder.name}-backup"), to=folder)

    def again() -> None:
        with open_workspace(restored) as workspace:
            workspace.remask()
            workspace.sync()

    told: dict[str, list[str]] = {}
    steps: tuple[tuple[str, Path, Callable[[], None]], ...] = (
        ("erasure", folder, lambda: None),
        ("sync", folder, touch),
        ("remask", folder, remask),
        ("rebuild", folder, rebuild),
        ("restore", restored, restore),
        ("remask and sync after restore", restored, again),
        ("restore in place", folder, restore_here),
    )
    for name, place, act in steps:
        act()
        with open_workspace(place) as workspace:
            problems = shown(workspace, truth, people, excused=gone.excused)
        problems += [
            f"bytes: {one.label.split()[0]} as {one.how} in {Path(one.file).name}" for one in left(place, gone)
        ]
        told[name] = sorted(set(problems))
    return told


def _tokens(workspace: Workspace) -> list[str]:
    from sqlalchemy import select

    from ragkit.store.schema import vault

    with workspace._handles.reader(COLLECTION).store.database.read() as connection:
        return list(connection.execute(select(vault.c.token).where(vault.c.token.is_not(None))).scalars())
