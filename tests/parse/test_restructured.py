"""reStructuredText: structure, directives nobody knows, and what it must not do."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

PAGE = """
Delivery
========

We deliver to **Bonn** and `Trier <https://x.test>`_, see :ref:`the list <cities>`.

.. a remark nobody sees

3. third
4. fourth

   * inner

Rates
-----

.. list-table:: Prices
   :header-rows: 1

   * - City
     - Days
   * - Bonn
     - 2

=====  ====
City   Fee
=====  ====
Trier  none
=====  ====

.. code-block:: python

   a  =  1

.. versionadded:: 2.0
   Now with **lamps**.

.. tab-set::
   :sync: x

   .. tab-item:: Linux

      Use the ``lamp`` tool.

.. toctree::

   one
   two

Term
   What it means.

:Author: Ana

.. image:: lamp.png
   :alt: A lamp

A note [1]_.

.. [1] The small print.
"""


def test_structure_survives(parse) -> None:
    """Headings, lists, tables, code, and the contents of directives that only Sphinx knows."""
    parsed = parse(PAGE, "a.rst")
    assert parsed.title == "Delivery"
    assert parsed.shown() == [
        ("heading", "Delivery"),
        ("paragraph", "We deliver to Bonn and Trier, see the list."),
        ("list-item", "3. third"),
        ("list-item", "4. fourth"),
        ("list-item", "- inner"),
        ("heading", "Rates"),
        ("paragraph", "Prices"),
        ("table", "| City | Days |\n| --- | --- |\n| Bonn | 2 |"),
        ("table", "| City | Fee |\n| --- | --- |\n| Trier | none |"),
        ("code", "a  =  1"),
        ("paragraph", "2.0"),
        ("paragraph", "Now with lamps."),
        ("paragraph", "Linux"),
        ("paragraph", "Use the lamp tool."),
        ("paragraph", "Term: What it means."),
        ("paragraph", "Author: Ana"),
        ("paragraph", "A lamp"),
        ("paragraph", "A note 1."),
        ("list-item", "[1] The small print."),
    ]
    assert [block.level for block in parsed.blocks if block.level] == [1, 2]
    assert parsed.notices["hidden-text"].count == 1


@pytest.mark.parametrize(
    "directive",
    [".. include:: {}", ".. literalinclude:: {}", ".. csv-table::\n   :file: {}", ".. raw:: html\n   :file: {}",
     ".. raw:: html\n   :url: file://{}", ".. csv-table::\n   :url: file://{}"],
)  # fmt: skip
def test_no_file_is_read(parse, tmp_path: Path, directive: str) -> None:
    """Whatever a directive asks for."""
    (tmp_path / "secret").write_text("the secret words", encoding="utf-8")
    parsed = parse(f"Before.\n\n{directive.format(tmp_path / 'secret')}\n\nAfter.\n", "a.rst")
    assert "secret words" not in parsed.text
    assert parsed.text.startswith("Before.")
    assert parsed.text.endswith("After.")


def test_raw_passages_are_left_out(parse) -> None:
    """They are for a browser, and may hold anything."""
    assert "alert" not in parse(".. raw:: html\n\n   <script>alert(1)</script>\n\nText.\n", "a.rst").text


def test_errors_never_end_the_item(parse) -> None:
    """A title of the wrong length, a table out of form, an open quotation: the words stay."""
    text = parse(
        "Title\n==\n\n====  ==\na     b c d\n====  ==\n\n`open and *open\n\n.. bad::\n\n   words\n", "a.rst"
    ).text
    for words in ("Title", "b c d", "open", "words"):
        assert words in text
    assert "docutils" not in text


@pytest.mark.parametrize(
    "content",
    [
        "* " * 3_000 + "deep words",
        "\n".join("  " * n + "deeper" for n in range(400)) + " deep words",
        "deep words " + "x" * 20_000,
        "deep words\n\n" + "A line of some length.\n" * 230_000,
    ],
)
def test_what_docutils_cannot_take_is_read_as_text(parse, content: str) -> None:
    """Nesting beyond Python's stack, lines beyond its patterns."""
    parsed = parse(content, "a.rst")
    assert "deep words" in parsed.text
    assert "read-as-text" in parsed.notices


def test_substitutions_do_not_multiply(parse) -> None:
    """The laughs of XML, in its own way."""
    lines = [".. |l0| replace:: lol"] + [f".. |l{n}| replace:: {f'|l{n - 1}|' * 10}" for n in range(1, 8)]
    begun = time.monotonic()
    parsed = parse("\n".join(lines) + "\n\nSay |l7|.\n", "a.rst")
    assert len(parsed.text) < 200_000
    assert time.monotonic() - begun < 10


def test_what_docutils_itself_fails_on_is_read_as_text(parse) -> None:
    """A chain of substitutions without an end raises a KeyError in the library; the words are still there."""
    chain = "".join(f".. |s{n}| replace:: |s{n + 1}|\n" for n in range(200))
    parsed = parse(f"{chain}\nThe lamp |s0| flickers.\n", "a.rst")
    assert "The lamp |s0| flickers." in parsed.text
    assert "read-as-text" in parsed.notices
