"""AsciiDoc: headings, lists, listings, tables, inline markup."""

from __future__ import annotations

import time

PAGE = """= Lamps
Ana Pérez <ana@x.test>
:product: Lamp 3000
:toc:

// a remark
[[intro]]
== Care of the {product}

Turn it *off*, see https://x.test/a[the site] and <<rates,the rates>>.
It costs `3`.

////
hidden words
////

. first
.. inner
. second
+
with more

* [ ] a dash

[source,python]
----
a  =  1
* no list
----

.Rates
[cols="1,2", options="header"]
|===
|City |Days

|Bonn
|2 a|and more
|===

Fee:: none

|===
3+|All
|a |b |c
|===

include::secret.txt[]
image::lamp.png[A lamp,200]
NOTE: Mind *the* `glass`.
"""


def test_structure_survives(parse) -> None:
    """What a reader sees, in order; comments are hidden text, includes are not followed."""
    parsed = parse(PAGE, "a.adoc")
    assert parsed.title == "Lamps"
    assert parsed.shown() == [
        ("heading", "Lamps"),
        ("paragraph", "Ana Pérez <ana@x.test>"),
        ("heading", "Care of the Lamp 3000"),
        ("paragraph", "Turn it off, see the site and the rates. It costs 3."),
        ("list-item", "1. first"),
        ("list-item", "1. inner"),
        ("list-item", "2. second"),
        ("paragraph", "with more"),
        ("list-item", "- [ ] a dash"),
        ("code", "a  =  1\n* no list"),
        ("paragraph", "Rates"),
        ("table", "| City | Days |\n| --- | --- |\n| Bonn | 2 |\n| and more |  |"),
        ("paragraph", "Fee: none"),
        ("table", "| All |  |  |\n| a | b | c |"),
        ("paragraph", "A lamp"),
        ("paragraph", "NOTE: Mind the glass."),
    ]
    assert parsed.notices["hidden-text"].count == 2


def test_attributes_do_not_multiply(parse) -> None:
    """An attribute stands for its text once, whatever that text holds."""
    lines = [":a0: lol"] + [f":a{n}: {f'{{a{n - 1}}}' * 10}" for n in range(1, 12)]
    assert len(parse("\n".join(lines) + "\n\nSay {a11}.\n", "a.adoc").text) < 200


def test_hostile_lines_cost_no_time(parse) -> None:
    """Openings without ends, a table without one, a million marks."""
    begun = time.monotonic()
    for content in (
        "*a " * 15_000,
        "|===\n" + "|" * 100_000,
        "[[" * 100_000,
        "link:" * 15_000,
        "`" * 100_000,
        "a " * 1_000_000 + "::",
    ):
        parse(content + "\n", "a.adoc")
    assert time.monotonic() - begun < 15
