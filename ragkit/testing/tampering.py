"""Ways to tamper with an event log on the disk, each one a function of its folder. None of them has a key.

Each leaves a log that is as whole as it can be made by that way: ``renumbered`` deletes an event and numbers the rest
anew, ``rewritten`` edits one and puts every later line into canonical form again.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from random import Random

from ragkit.testing.made_log import as_line

Tamper = Callable[[Path, Random], None]

NOTES = "checkpoints.txt"


def segments(folder: Path) -> list[Path]:
    """Return the segments of a log."""
    return sorted(folder.glob("*.jsonl"))


def lines_of(folder: Path) -> list[bytes]:
    """Return all whole lines."""
    return [line for path in segments(folder) for line in path.read_bytes().split(b"\n")[:-1]]


def put(folder: Path, lines: list[bytes]) -> None:
    """Write lines back into the segments, each as many as it had; the last takes what is left."""
    paths = segments(folder)
    at = 0
    for path in paths:
        held = path.read_bytes().count(b"\n")
        end = len(lines) if path == paths[-1] else at + held
        path.write_bytes(b"".join(line + b"\n" for line in lines[at:end]))
        at = end


def place_in(lines: list[bytes], draw: Random) -> int:
    """Return the place of an event that is neither among the first nor the last lines, nor tells of the log itself."""
    own = (b'"type":"log.', b'"type":"checkpoint"')
    fit = [at for at in range(2, len(lines) - 3) if lines[at].endswith(b"}") and not any(o in lines[at] for o in own)]
    return draw.choice(fit)


def edited(folder: Path, draw: Random) -> None:
    """Change one value of one event."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    event = json.loads(lines[at])
    event["mono_ns"] += 1
    lines[at] = as_line(event)
    put(folder, lines)


def reformatted(folder: Path, draw: Random) -> None:
    """Write an event with other white space; what it says is the same."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    lines[at] = lines[at].replace(b'":"', b'": "', 1)
    put(folder, lines)


def deleted(folder: Path, draw: Random) -> None:
    """Take one event out."""
    lines = lines_of(folder)
    del lines[place_in(lines, draw)]
    put(folder, lines)


def renumbered(folder: Path, draw: Random) -> None:
    """Take one event out and close the gap in the numbers, and in the announced sizes."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    rest = []
    for line in lines[at + 1 :]:
        try:
            event = json.loads(line)
        except ValueError:
            rest.append(line)
            continue
        event["seq"] -= 1
        if event["type"] == "checkpoint":
            event["data"]["size"] -= 1
        rest.append(as_line(event))
    put(folder, [*lines[:at], *rest])


def inserted(folder: Path, draw: Random) -> None:
    """Put an event in that was never written."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    event = {**json.loads(lines[at]), "outcome": "denied"}
    put(folder, [*lines[:at], as_line(event), *lines[at:]])


def swapped(folder: Path, draw: Random) -> None:
    """Swap two neighbours."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    put(folder, lines)


def swapped_numbers(folder: Path, draw: Random) -> None:
    """Swap what two neighbours say and leave their numbers in order."""
    lines = lines_of(folder)
    at = next(
        at for at in range(place_in(lines, draw), 0, -1) if lines[at].endswith(b"}") and lines[at - 1][-1:] == b"}"
    )
    one, two = json.loads(lines[at - 1]), json.loads(lines[at])
    one["seq"], two["seq"] = two["seq"], one["seq"]
    lines[at - 1], lines[at] = as_line(two), as_line(one)
    put(folder, lines)


def duplicated(folder: Path, draw: Random) -> None:
    """Write one event twice."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    put(folder, [*lines[:at], lines[at], *lines[at:]])


def cut(folder: Path, draw: Random) -> None:
    """Cut off the last lines, and leave the notes."""
    lines = lines_of(folder)
    put(folder, lines[: -draw.randint(1, 5)])


def torn(folder: Path, draw: Random) -> None:
    """Cut off a part of the last signed line."""
    path = segments(folder)[-1]
    raw = path.read_bytes()
    path.write_bytes(raw[: -draw.randint(1, 60)])


def pretended_torn(folder: Path, draw: Random) -> None:
    """Make an event unreadable and say that it was torn, with the event that follows a torn line."""
    lines = lines_of(folder)
    at = place_in(lines, draw)
    event = json.loads(lines[at])
    event |= {"type": "log.recovered", "data": {"segment": 1, "bytes": 40}}
    put(folder, [*lines[:at], lines[at][:40], as_line(event), *lines[at + 1 :]])


def segment_taken(folder: Path, _draw: Random) -> None:
    """Remove a segment and name the later ones anew."""
    paths = segments(folder)
    paths[0].unlink()
    for before, after in pairwise(paths):
        after.rename(before)


def segment_missing(folder: Path, draw: Random) -> None:
    """Remove a segment."""
    draw.choice(segments(folder)).unlink()


def segments_swapped(folder: Path, _draw: Random) -> None:
    """Swap two segments."""
    one, two = segments(folder)[:2]
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)


def note_changed(folder: Path, draw: Random) -> None:
    """Change a root in the notes."""
    path = folder / NOTES
    notes = path.read_text().split("\n\n")
    at = draw.randrange(len(notes) // 2) * 2
    origin, size, root, *more = notes[at].split("\n")
    notes[at] = "\n".join([origin, size, ("B" if root[0] == "A" else "A") + root[1:], *more])
    path.write_text("\n\n".join(notes))


def last_note_taken(folder: Path, _draw: Random) -> None:
    """Take the newest note away, and edit a line that only it covers."""
    path = folder / NOTES
    parts = path.read_text().split("\n\n")
    path.write_text("\n\n".join([*parts[:-3], ""]))
    lines = lines_of(folder)
    event = json.loads(lines[-2])
    event["reason"] = "never-mind"
    put(folder, [*lines[:-2], as_line(event), lines[-1]])


def notes_swapped(folder: Path, _draw: Random) -> None:
    """Swap two notes."""
    path = folder / NOTES
    parts = path.read_text().split("\n\n")
    parts[0:2], parts[2:4] = parts[2:4], parts[0:2]
    path.write_text("\n\n".join(parts))


def notes_taken(folder: Path, _draw: Random) -> None:
    """Take all notes away."""
    (folder / NOTES).write_bytes(b"")


WITHOUT_KEY: Mapping[str, Tamper] = {
    "edited": edited,
    "reformatted": reformatted,
    "deleted": deleted,
    "deleted and renumbered": renumbered,
    "inserted": inserted,
    "swapped": swapped,
    "swapped, numbers in order": swapped_numbers,
    "duplicated": duplicated,
    "end cut off": cut,
    "last line torn": torn,
    "made to look torn": pretended_torn,
    "segment taken, others renamed": segment_taken,
    "segment missing": segment_missing,
    "segments swapped": segments_swapped,
    "note changed": note_changed,
    "last note taken, line edited": last_note_taken,
    "notes swapped": notes_swapped,
    "all notes taken": notes_taken,
}
"""What is noticed from the log and a key alone, by name."""


def spliced(first: Path, second: Path, out: Path) -> None:
    """Put the first segment of one log before the later ones of another, and its notes before theirs."""
    shutil.copytree(second, out)
    (out / "00000001.jsonl").write_bytes((first / "00000001.jsonl").read_bytes())
    held = len(lines_of(first)[: (first / "00000001.jsonl").read_bytes().count(b"\n")])

    def sized(folder: Path) -> list[tuple[int, str]]:
        parts = (folder / NOTES).read_text().split("\n\n")
        return [(int(text.split("\n")[1]), f"{text}\n\n{by}\n\n") for text, by in zip(parts[::2], parts[1::2])]

    notes = [note for size, note in sized(first) if size <= held]
    notes += [note for size, note in sized(second) if size > held]
    (out / NOTES).write_text("".join(notes))
