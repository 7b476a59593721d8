"""Org: headings, lists, blocks, tables, inline markup."""

from __future__ import annotations

import time

PAGE = """#+TITLE: Lamps
#+AUTHOR: Ana
# a remark
* TODO Care :home:light:
  SCHEDULED: <2026-11-02 Mon>
  :PROPERTIES:
  :ID: 17
  :END:
Turn it *off*, see [[https://x.test/a][the site]] and =code *x*=.

1) first
   - [X] inner
2) second

** Rates
#+CAPTION: By city
| City | Days |
|------+------|
| Bonn |    2 |

#+BEGIN_SRC python
a  =  1
,* no heading
#+END_SRC
#+BEGIN_QUOTE
Said so.
#+END_QUOTE
#+INCLUDE: "secret.txt"
#+BEGIN_COMMENT
hidden words
#+END_COMMENT
"""


def test_structure_survives(parse) -> None:
    """What a reader sees, in order; comments are hidden text, includes are not followed."""
    parsed = parse(PAGE, "a.org")
    assert parsed.title == "Lamps"
    assert parsed.shown() == [
        ("paragraph", "Lamps"),
        ("heading", "Care"),
        ("paragraph", "Turn it off, see the site and code *x*."),
        ("list-item", "1. first"),
        ("list-item", "- inner"),
        ("list-item", "2. second"),
        ("heading", "Rates"),
        ("paragraph", "By city"),
        ("table", "| City | Days |\n| --- | --- |\n| Bonn | 2 |"),
        ("code", "a  =  1\n,* no heading"),
        ("paragraph", "Said so."),
    ]
    assert parsed.notices["hidden-text"].count == 2


def test_hostile_lines_cost_no_time(parse) -> None:
    """Openings without ends, drawers without one, a million marks."""
    begun = time.monotonic()
    for content in ("*a " * 15_000, ":X:\n" * 5_000, "[[" * 100_000, "#+begin_src\n" * 2_000, "|" * 100_000):
        parse(content + "\n", "a.org")
    assert time.monotonic() - begun < 15
