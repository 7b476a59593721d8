"""From nothing to the first cited answer: a new virtual environment, installation, 200 files, one question.

Run ``python benchmarks/first_answer.py``. The files are 200 documents of the AWS documentation, as Markdown files in
folders. Everything is timed as a person would do it: ``pip install``, ``ragkit init``, ``ragkit sync``, ``ragkit ask``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from data import aws_docs
from reporting import print_table, write_json

ROOT = Path(__file__).resolve().parent.parent
LIMIT_S = 600
FILES = 200


def write_files(folder: Path, count: int) -> str:
    """Write documents as files in folders; return the title of one, to ask about."""
    title = ""
    for number, row in zip(range(count), aws_docs(27)):
        path = folder / f"{number % 10}" / f"{number}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(row["text"]), encoding="utf-8")
        title = title or str(row["title"])
    return title


def main() -> None:
    """Do it all once, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=FILES, help="files, for a trial")
    count = parser.parse_args().limit
    seconds: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        title = write_files(folder / "documents", count)
        environment = {**os.environ, "XDG_CONFIG_HOME": str(folder / "config")}
        environment.pop("PYTHONPATH", None)

        def step(name: str, *command: str | Path, cwd: Path = folder) -> str:
            began = time.perf_counter()
            done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
            seconds[name] = time.perf_counter() - began
            if done.returncode not in (0, 1):
                raise SystemExit(f"{name} failed:\n{done.stderr[-2000:]}")
            return done.stdout

        began = time.perf_counter()
        venv.create(folder / "venv", with_pip=True)
        seconds["virtual environment"] = time.perf_counter() - began
        python, ragkit = folder / "venv/bin/python", folder / "venv/bin/ragkit"
        pinned = ("--quiet", "--constraint", ROOT / "constraints.txt")
        step("pip install", python, "-m", "pip", "install", *pinned, "torch==2.13.0", ROOT)
        step("ragkit init", ragkit, "init", "handbook", "--source", "documents")
        step("ragkit sync", ragkit, "sync", cwd=folder / "handbook")
        answer = step("ragkit ask", ragkit, "ask", f"What is {title}?", cwd=folder / "handbook")
    total = sum(seconds.values())
    rows = [*seconds.items(), ("all", total)]
    print_table(f"{count} files, first answer", ("step", "seconds"), [(name, round(spent, 1)) for name, spent in rows])
    print(
        f"\ncited: {'[1]' in answer}; limit {LIMIT_S} s: {'met' if total < LIMIT_S and '[1]' in answer else 'missed'}"
    )
    write_json("first_answer", {"seconds": seconds, "all": total, "cited": "[1]" in answer}, trial=count != FILES)


if __name__ == "__main__":
    sys.exit(main())
