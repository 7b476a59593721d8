"""The estimate of tokens against real vocabularies: by language on XQuAD, then on prose and tables of the other sets.

Run ``python benchmarks/token_estimate.py``. A figure is the estimate divided by the count, all texts together;
``least`` is that of one paragraph, and below 1 it is too few. The vocabularies are the two that llama-index carries.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from data import corpus, data_folder
from reporting import print_table, write_json

from ragkit.backends.estimate import estimate_tokens

NAMES = ("cl100k_base", "o200k_base")
PROSE = ("clapnq", "hint3", "scifact")
MOST = 300


def vocabularies() -> dict[str, Any]:
    """Return the vocabularies from llama-index's folder; nothing is downloaded."""
    carrier = find_spec("llama_index.core")
    assert carrier is not None
    os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(str(carrier.origin)).parent / "_static" / "tiktoken_cache")
    import tiktoken

    return {name: tiktoken.get_encoding(name) for name in NAMES}


def texts() -> dict[str, list[str]]:
    """Return the texts by language or set."""
    found: dict[str, list[str]] = defaultdict(list)
    for row in corpus("xquad"):
        found[f"xquad {row['id'].partition('-')[0]}"].append(row["text"])
    for name in PROSE:
        found[name] = [row["text"] for row in corpus(name)[:MOST]]
    for path in sorted((data_folder() / "wikitables" / "files").iterdir())[:MOST]:
        found["wikitables, as files"].append(path.read_text(encoding="utf-8", errors="replace"))
    return found


def ratios(found: Sequence[str], encoding: Any) -> tuple[float, float]:
    """Return estimate to count of all texts together, and of the text where it is least."""
    pairs = [(estimate_tokens(one), len(encoding.encode(one, disallowed_special=()))) for one in found if one]
    return sum(pair[0] for pair in pairs) / sum(pair[1] for pair in pairs), min(a / b for a, b in pairs)


def main() -> None:
    """Print the table."""
    known = vocabularies()
    rows: list[Iterable[object]] = []
    figures: dict[str, Any] = {}
    for name, found in texts().items():
        got = {vocabulary: ratios(found, encoding) for vocabulary, encoding in known.items()}
        figures[name] = {"texts": len(found), **got}
        rows.append([name, len(found), *(round(value, 2) for pair in got.values() for value in pair)])
    columns = ["texts of", "number", *(f"{name}{least}" for name in NAMES for least in ("", ", least"))]
    print_table("Estimated tokens by counted tokens", columns, [list(row) for row in rows])
    write_json("token_estimate", {"ratios": figures}, trial=False)


if __name__ == "__main__":
    main()
