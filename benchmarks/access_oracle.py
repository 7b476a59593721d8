"""Who may see what, held to a brute-force oracle: random access lists, random callers, real store and index.

    python benchmarks/access_oracle.py --cases 10000 --documents 4000

For each share of documents that a caller may see: documents shown that should not be (leaks), how much was found of
what ten hits had to hold (recall), how often a document was first for its own text, and how often one that the caller
may not see was shown for its own text. With no leak in n searches the rate is below 3/n, with 95 % confidence.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from ragkit.testing.access_oracle import Figures, run_cases


def main() -> None:
    """Run, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--documents", type=int, default=4_000)
    parser.add_argument("--corpora", type=int, default=4, help="So many sets of random lists, of as many cases each.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    began, every = time.monotonic(), list[Figures]()
    for number in range(given.corpora):
        with tempfile.TemporaryDirectory() as folder:
            every += run_cases(
                Path(folder), cases=given.cases // given.corpora, documents=given.documents, seed=given.seed + number
            )
        print(f"  {number + 1} of {given.corpora} after {time.monotonic() - began:,.0f} s", file=sys.stderr)
    summed = [_sum([one for one in every if one.share == share]) for share in sorted({one.share for one in every})]
    print(f"{'share':>8} {'cases':>7} {'visible':>9} {'leaks':>6} {'recall':>8} {'first':>11} {'baited':>11} {'ms':>6}")
    for one in reversed(summed):
        ms = 1000 * one.seconds / max(1, one.searches)
        print(f"{one.share:>8.2%} {one.cases:>7,} {one.visible:>9,.1f} {one.leaks:>6,} {one.recall:>8.4f} "
              f"{one.first:>5,}/{one.targets:<5,} {one.taken:>5,}/{one.baits:<5,} {ms:>6.2f}")  # fmt: skip
    searches, leaks = sum(one.searches for one in summed), sum(one.leaks for one in summed)
    print(f"{leaks} leaks in {searches:,} searches of {sum(one.cases for one in summed):,} callers"
          + (f": below {3 / searches:.4%} of searches, with 95 % confidence" if not leaks else ""))  # fmt: skip
    if given.json:
        told = {"documents": given.documents, "seed": given.seed, "rows": [asdict(one) for one in summed]}
        given.json.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    sys.exit(1 if leaks or any(one.recall < 1 for one in summed) else 0)


def _sum(some: list[Figures]) -> Figures:
    cases = sum(one.cases for one in some)
    return Figures(
        some[0].share,
        cases=cases,
        visible=sum(one.visible * one.cases for one in some) / max(1, cases),
        leaks=sum(one.leaks for one in some),
        wanted=sum(one.wanted for one in some),
        found=sum(one.found for one in some),
        targets=sum(one.targets for one in some),
        first=sum(one.first for one in some),
        baits=sum(one.baits for one in some),
        taken=sum(one.taken for one in some),
        seconds=sum(one.seconds for one in some),
        searches=sum(one.searches for one in some),
    )


if __name__ == "__main__":
    main()
