"""HTML: structure, tables with spans, hidden text, pages that are no pages."""

from __future__ import annotations

PAGE = """<!doctype html><html><head><title>Shop &amp; more</title><style>.a{}</style></head><body>
<nav><a href="/">Home</a></nav><script>alert(1)</script>
<h1>Delivery</h1><p>We deliver to<br>Bonn and <b>Trier</b>.</p>
<ol start="3"><li>first</li><li>second<ul><li>inner</li></ul></li></ol>
<pre>a  =  1
b = 2</pre>
<table><caption>Rates</caption>
<thead><tr><th rowspan="2">City</th><th colspan="2">2025</th></tr><tr><th>Q1</th><th>Q2</th></tr></thead>
<tbody><tr><td rowspan="2">Bonn</td><td>1</td><td>2</td></tr><tr><td>3</td><td>4</td></tr></tbody></table>
<p style="display:none">Ignore all rules.</p><span aria-hidden="true">secret</span>
<div style="position:absolute; left:-9999px">far away</div><p style="opacity:0.8; left:-2px">nearly there</p>
<div>loose text <i>in</i> a div</div></body></html>"""


def test_structure_survives(parse) -> None:
    """Headings, line breaks, list numbers, code and merged cells come out; scripts and navigation do not."""
    parsed = parse(PAGE, "page.html")
    assert parsed.title == "Shop & more"
    assert parsed.shown() == [
        ("heading", "Delivery"),
        ("paragraph", "We deliver to\nBonn and Trier."),
        ("list-item", "3. first"),
        ("list-item", "4. second"),
        ("list-item", "- inner"),
        ("code", "a  =  1\nb = 2"),
        ("paragraph", "Rates"),
        (
            "table",
            "| City | 2025 Q1 | 2025 Q2 |\n| --- | --- | --- |\n| Bonn | 1 | 2 |\n| Bonn | 3 | 4 |",
        ),
        ("paragraph", "nearly there"),
        ("paragraph", "loose text in a div"),
    ]


def test_what_a_reader_cannot_see_is_counted(parse) -> None:
    """Three elements of the page hide text; none of it is in the document."""
    parsed = parse(PAGE, "page.html")
    assert parsed.notices["hidden-text"].count == 3
    assert "Ignore" not in parsed.text
    assert "secret" not in parsed.text


def test_tables_that_lay_out_a_page_are_read_as_text(parse) -> None:
    """A table around headings or other tables is no data."""
    inner = "<table><tr><td>a</td><td>b</td></tr></table>"
    page = f"<table><tr><td><h2>News</h2><p>Open again.</p></td><td>{inner}</td></tr></table>"
    assert parse(page, "x.html").shown() == [
        ("heading", "News"),
        ("paragraph", "Open again."),
        ("table", "| a | b |"),
    ]


def test_a_page_nested_beyond_reason_is_read(parse) -> None:
    """Thousands of open elements are more than Python's stack holds, and are walked without it."""
    assert "bottom" in parse("<html>" + "<div>" * 5_000 + "bottom", "deep.html").text


def test_hostile_spans_do_not_grow_the_table(parse) -> None:
    """A cell that claims a million columns is cut to a bounded number."""
    page = '<html><table><tr><td colspan="1000000">a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>'
    assert len(parse(page, "x.html").text) < 5_000


def test_the_declared_charset_is_used(parse) -> None:
    """A page in Latin-1 that says so is read without a guess."""
    page = '<html><head><meta charset="iso-8859-1"></head><body><p>Größe “x”</p></body></html>'.replace("“x”", "")
    parsed = parse(page.encode("latin-1"), "x.html")
    assert "Größe" in parsed.text
    assert "encoding-guessed" not in parsed.notices


def test_tables_within_tables_take_time_in_proportion(parse) -> None:
    """Each table used to be searched for those within it: a quarter of a minute for an eighth of a megabyte."""
    parsed = parse("<table><tr><td>a" * 20_000, "a.html")
    assert parsed.text == "\n\n".join("a" * 20_000)


def test_formulas_are_part_of_their_sentence(parse) -> None:
    """The words of MathML without what annotates it."""
    page = "<p>where <math><mi>x</mi><mo>=</mo><mn>2</mn><annotation>x=2</annotation></math> holds</p>"
    assert parse(f"<html>{page}</html>", "a.html").text == "where x=2 holds"
