"""Kills syncs at every named crash point, at random moments and while the index is written; takes the disk away.

Run ``python benchmarks/crash.py``; ``--random 20 --aimed 5 --times 1`` for a trial, ``--jobs 1`` on a quiet machine.
Each trial copies a workspace (``ragkit.testing.crash_scene``) whose sources have changed in every way since its last
sync, kills the sync with SIGKILL, builder of the index included, and then looks:

- at once, before anything else is run: is each document whole, old or new, and there once; does the store pass its own
  check; how long until the first question is answered (target 30 s, by exact search if need be);
- after the next sync, and no other step: is everything equal to a sync that nothing interrupted; how long until then
  (target 60 s); does one more sync find nothing to do.

The faults: a file system that is full, then enlarged; one that is read-only, then writable; write(2), pwrite64(2) and
fsync(2) that fail with EIO or ENOSPC from the nth call on, by ``strace -e inject``; a second process on the data
directory, a hundred times. What was not written must not be told as done.

Peer in the same run: Chroma alone, written by the plain loop of its documentation and killed in the same way, aimed at
its index files (research: chroma-core/chroma#7510, #7678). Needs root for tmpfs and strace; says so where it is not.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from reporting import print_table, write_json

from ragkit.testing.crash_scene import POINTS, CrashScene, as_text, lost_or_twice, run

SEED = 2026


@dataclass
class Kind:
    """The trials of one kind."""

    trials: int = 0
    died: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    ready: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Trial:
    """One of them: its kind, where it happens, its folder's name, and the sync that is broken."""

    kind: str
    scene: CrashScene
    name: str
    sync: Callable[[Path], Any]


def trial(scene: CrashScene, before: Any, folder: Path, kind: Kind, sync: Callable[[Path], Any], word: str) -> None:
    """Break a sync, look, and let it be mended by the next."""
    scene.copy(folder)
    try:
        outcome = sync(folder)
        kind.trials += 1
        kind.died += outcome.status != 0
        now = scene.state(folder)
        if now.status:
            kind.wrong["not to be opened"] += 1
            return
        kind.wrong.update(lost_or_twice(before, scene.expected(), now.result))
        asked = scene.search(folder, word)
        kind.ready.append(asked.seconds)
        if asked.status:
            kind.wrong["no answer"] += 1
        mended = scene.sync(folder)
        kind.whole.append(mended.seconds)
        if mended.status:
            kind.wrong["not mended by a sync"] += 1
        elif as_text(scene.state(folder).result) != as_text(scene.expected()):
            kind.wrong["not equal in the end"] += 1
        again = scene.sync(folder).result
        if again is None or (again["added"], again["updated"], again["deleted"]) != (0, 0, 0):
            kind.wrong["not at rest"] += 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def at_random(longest: float, chance: random.Random) -> Callable[[int], None]:
    """Kill at a moment that is drawn from the whole duration."""
    moment = chance.uniform(0, longest)

    def kill(leader: int) -> None:
        time.sleep(moment)
        _kill(leader)

    return kill


def at_the_index(folder: Path, chance: random.Random) -> Callable[[int], None]:
    """Kill within 30 ms after the nth change of a file of a generation that is being written."""
    changes, late = chance.randint(1, 25), chance.uniform(0, 0.03)

    def kill(leader: int) -> None:
        seen: dict[str, tuple[int, int]] = {}
        left = changes
        until = time.monotonic() + 60
        while time.monotonic() < until:
            for file in (folder / ".ragkit").glob("index/*/*.building/**/*"):
                try:
                    status = file.stat()
                except OSError:
                    continue
                mark = status.st_size, status.st_mtime_ns
                if file.is_file() and seen.get(str(file)) != mark:
                    seen[str(file)] = mark
                    left -= 1
            if left <= 0 or not _alive(leader):
                break
            time.sleep(0.001)
        time.sleep(late)
        _kill(leader)

    return kill


def _alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _kill(leader: int) -> None:
    """Kill a process and everything that it started, sessions of their own included."""
    for process in (leader, *_below(leader)):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def _below(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            children = [int(child) for child in task.read_text(encoding="ascii").split()]
        except OSError:
            continue
        for child in children:
            found += [child, *_below(child)]
    return found


# --- the disk ---------------------------------------------------------------------------------------------------


def injected(folder: Path, error: str, nth: int) -> Any:
    """Sync while every write from the nth on to a file of the data directory fails, by strace."""
    data = folder / ".ragkit"
    files = [file for file in data.rglob("*") if file.is_file() and "index" not in file.parts]
    files += [file.with_name(f"{file.name}-wal") for file in files if file.suffix == ".db"]
    paths = [argument for file in files for argument in ("-P", str(file))]
    calls = "write,pwrite64,fsync,fdatasync"
    command = ["strace", "-f", "-qq", "-o", "/dev/null", *paths, "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:error={error}:when={nth}+"]
    return _synced(command, folder)


def on_a_small_disk(folder: Path, spare: int, *, read_only: bool = False) -> Any:
    """Sync on a tmpfs that has room for so many bytes more, or that cannot be written; then make it large again."""
    data, kept = folder / ".ragkit", folder / "kept"
    data.rename(kept)
    data.mkdir()
    used = sum(-(-file.stat().st_size // 4096) * 4096 + 4096 for file in kept.rglob("*"))
    _mount(data, f"size={used + spare}")
    try:
        shutil.copytree(kept, data, dirs_exist_ok=True)
        if read_only:
            _remount(data, "ro")
        outcome = _synced([], folder)
        _remount(data, "rw,size=256m")
        return outcome
    finally:  # the trial goes on with what is on the tmpfs, in a folder that can be removed
        shutil.rmtree(kept)
        shutil.copytree(data, kept)
        _unmount(data)
        shutil.rmtree(data)
        kept.rename(data)


@dataclass(frozen=True)
class Told:
    """How a sync in a process of its own ended."""

    status: int
    said: str


def _synced(before: list[str], folder: Path) -> Told:
    command = [*before, sys.executable, "-m", "ragkit.testing.crash_scene", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    return Told(done.returncode, done.stdout.strip())


def _unmount(folder: Path) -> None:
    """Unmount, when no child that another thread has just forked still holds what we had open."""
    until = time.monotonic() + 20
    while subprocess.run(["umount", str(folder)], check=False, capture_output=True).returncode:
        if time.monotonic() > until:
            raise SystemExit("a tmpfs cannot be unmounted; something holds it")
        time.sleep(0.1)


def _mount(where: Path, options: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"{options},mode=700", "tmpfs", str(where)], check=True)


def _remount(where: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(where)], check=True)


def no_false_word(kind: Kind, scene: CrashScene, sync: Callable[[Path], Told], folder: Path) -> Told:
    """Sync in trouble; what says that it went well must have done everything."""
    told = sync(folder)
    if told.status == 0 and as_text(scene.state(folder).result) != as_text(scene.expected()):
        kind.wrong["told as done, and not done"] += 1
    if told.status not in (0, 2, -signal.SIGKILL):
        kind.wrong[f"ended with {told.status}"] += 1
    return told


def second_processes(scene: CrashScene, folder: Path, kind: Kind, times: int) -> None:
    """While one process writes, so many others try to; each is told so within a second, and nothing is damaged."""
    scene.copy(folder)

    def meanwhile(_leader: int) -> None:
        time.sleep(0.5)
        for _ in range(times):
            tried = scene.sync(folder)
            kind.trials += 1
            kind.ready.append(tried.seconds)
            if tried.status != 2 or tried.result["error"] != "WriterBusy":
                kind.wrong["not refused"] += 1

    held = run(
        partial(_hold, folder, folder.parent / "enough"), kill=lambda leader: _then_release(leader, meanwhile, folder)
    )
    if held.status or scene.sync(folder).status or as_text(scene.state(folder).result) != as_text(scene.expected()):
        kind.wrong["damaged"] += 1


def _then_release(leader: int, meanwhile: Callable[[int], None], folder: Path) -> None:
    meanwhile(leader)
    (folder.parent / "enough").touch()


def _hold(folder: Path, enough: Path) -> bool:
    from ragkit import open_workspace

    with open_workspace(folder)._handles.writing("sync"):
        while not enough.exists():
            time.sleep(0.01)
    return True


# --- the peer ---------------------------------------------------------------------------------------------------


def plain_chroma(folder: Path, times: int, chance: random.Random) -> Counter[str]:
    """Chroma alone, killed within 30 ms after a change of its graph's files; what the next process can do with it."""
    found: Counter[str] = Counter()
    for number in range(times):
        store = folder / f"chroma{number}"
        run(partial(_fill, store), kill=at_the_graph(store, chance))
        looked = run(partial(_look, store))
        if looked.status < 0:
            found["crashes the process that opens it"] += 1
        elif looked.result is None or isinstance(looked.result, dict):
            found["cannot be used"] += 1
        else:
            found["answers"] += 1
        shutil.rmtree(store, ignore_errors=True)
    return found


def at_the_graph(store: Path, chance: random.Random) -> Callable[[int], None]:
    """Kill within 30 ms after the nth change of a file of the graph."""
    changes, late = chance.randint(5, 40), chance.uniform(0, 0.03)

    def kill(leader: int) -> None:
        seen: dict[str, tuple[int, int]] = {}
        left, until = changes, time.monotonic() + 60
        while left > 0 and _alive(leader) and time.monotonic() < until:
            for file in store.glob("*/*.bin"):
                status = file.stat()
                if seen.get(file.name) != (status.st_size, status.st_mtime_ns):
                    seen[file.name] = status.st_size, status.st_mtime_ns
                    left -= 1
            time.sleep(0.0005)
        time.sleep(late)
        _kill(leader)

    return kill


def _fill(store: Path) -> bool:
    import chromadb
    import numpy as np

    collection = chromadb.PersistentClient(str(store)).create_collection("plain", embedding_function=None)
    vectors = np.random.default_rng(1).standard_normal((20_000, 384)).astype(np.float32)
    for start in range(0, len(vectors), 500):
        some = vectors[start : start + 500]
        collection.add(ids=[str(start + number) for number in range(len(some))], embeddings=list(some))
    return True


def _look(store: Path) -> object:
    import chromadb
    import numpy as np

    try:
        collection = chromadb.PersistentClient(str(store)).get_collection("plain", embedding_function=None)
        collection.query(query_embeddings=[np.ones(384, np.float32)], n_results=5)
        return collection.count()
    except Exception as bad:
        return {"error": type(bad).__name__}


# --- all of it --------------------------------------------------------------------------------------------------


def main() -> None:
    """Run the trials and report."""
    options = _options()
    chance = random.Random(SEED)
    kinds: dict[str, Kind] = {}
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        small = CrashScene.make(base / "small", documents=options.documents)
        large = CrashScene.make(base / "large", documents=options.documents, sections=2_600)
        before = {scene: scene.state(scene.folder).result for scene in (small, large)}
        for scene in (small, large):
            scene.expected()
        longest = max(small.sync(small.copy(base / f"timed{n}")).seconds for n in range(2))
        print(f"{len(POINTS)} named points; an uninterrupted sync takes {longest:.1f} s")
        reached = {scene: scene.reached(scene.copy(base / f"counted{n}")) for n, scene in enumerate((small, large))}
        if absent := set(POINTS) - set(reached[large]):
            raise SystemExit(f"never reached: {', '.join(sorted(absent))}")
        trials: list[Trial] = []
        for point in POINTS:
            scene = small if point in reached[small] else large
            for n in range(options.times):
                # Not the last time that one run reached it: how a sync cuts its batches differs a little.
                times = 1 + n % max(1, reached[scene][point] - 1)
                trials.append(Trial("named point", scene, f"{point}{n}", partial(scene.sync, point=point, times=times)))
        for number in range(options.random):
            kill = at_random(longest, random.Random(chance.random()))
            trials.append(Trial("random moment", small, f"random{number}", partial(small.sync, kill=kill)))
        for number in range(options.aimed):
            kill = at_the_index(base / f"aimed{number}", random.Random(chance.random()))
            trials.append(Trial("index write", small, f"aimed{number}", partial(small.sync, kill=kill)))
        for number in range(options.faults):
            error, nth = ("EIO", "ENOSPC")[number % 2], chance.randint(1, 400)
            trials.append(Trial(f"{error} injected", small, f"fault{number}", partial(injected, error=error, nth=nth)))
            spare = partial(on_a_small_disk, spare=chance.randint(0, 1_500_000))
            trials.append(Trial("disk full", small, f"full{number}", spare))
        for number in range(min(options.faults, 3)):
            unwritable = partial(on_a_small_disk, spare=1 << 26, read_only=True)
            trials.append(Trial("read-only", small, f"fault-readonly{number}", unwritable))
        for name in dict.fromkeys(one.kind for one in trials):
            kinds[name] = Kind()

        def attempt(one: Trial) -> None:
            kind, sync = kinds[one.kind], one.sync
            if one.name.startswith(("fault", "full")):
                sync = partial(no_false_word, kind, one.scene, one.sync)
            trial(one.scene, before[one.scene], base / one.name, kind, sync, "word4")
            done = sum(one.trials for one in kinds.values())
            if done % 40 == 0:
                print(f"  {done} of {len(trials)} trials", flush=True)

        with ThreadPoolExecutor(options.jobs) as pool:
            try:
                list(pool.map(attempt, trials))
            except KeyboardInterrupt:
                pool.shutdown(cancel_futures=True)
                print("interrupted: what was tried so far")
                options.random = 0
        kinds["second process"] = Kind()
        second_processes(small, base / "second", kinds["second process"], options.second)
        peer = plain_chroma(base, options.peer, chance)
    _report(kinds, peer, options)


def _report(kinds: dict[str, Kind], peer: Counter[str], options: argparse.Namespace) -> None:
    rows = []
    for name, kind in kinds.items():
        wrong = ", ".join(f"{count} {what}" for what, count in kind.wrong.items()) or "nothing"
        longest = [f"{max(times):.1f} s" if times else "" for times in (kind.ready, kind.whole)]
        rows.append((name, kind.trials, kind.died, wrong, *longest))
    columns = ("kill or fault", "trials", "died or failed", "wrong", "longest until an answer", "until whole")
    print_table(f"{len(POINTS)} named points, {options.documents} documents", columns, rows)
    print_table("Chroma alone, killed at its graph", ("then it", "times"), sorted(peer.items()))
    figures = {
        name: {
            "trials": kind.trials,
            "died": kind.died,
            "wrong": dict(kind.wrong),
            "ready_s": max(kind.ready, default=0.0),
            "whole_s": max(kind.whole, default=0.0),
        }
        for name, kind in kinds.items()
    }
    trial_only = options.random < 200 or options.aimed < 50 or options.times < 3
    write_json("crash", {"points": len(POINTS), "kinds": figures, "plain_chroma": dict(peer)}, trial=trial_only)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in (
        ("times", 3), ("random", 200), ("aimed", 50), ("faults", 20), ("second", 100), ("peer", 20), ("documents", 20),
        ("jobs", 2),
    ):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser.parse_args()


if __name__ == "__main__":
    main()
