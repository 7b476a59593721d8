"""Answer one question with the plain pipeline, from the shell: the cold start that ``ragkit ask`` stands beside.

Usage: ``python benchmarks/plain_ask.py FOLDER QUESTION``. The folder is one that ``PlainPipeline`` filled. There is no
model that writes, so the answer is the text found.
"""

from __future__ import annotations

import sys
from pathlib import Path

from plain import PlainPipeline


def main() -> None:
    """Open the store, mask the question, print what is found."""
    if len(sys.argv) != 3:
        raise SystemExit("usage: plain_ask.py FOLDER QUESTION")
    pipeline = PlainPipeline(Path(sys.argv[1]))
    for document, text in pipeline.search(sys.argv[2], k=8):
        print(f"[{document}] {text}\n")


if __name__ == "__main__":
    main()
