"""XML: articles, records, tables, and what is hostile or broken."""

from __future__ import annotations

import time

import pytest

from ragkit.errors import ItemError

ARTICLE = """<?xml version="1.0"?><!DOCTYPE article PUBLIC "-//NLM//DTD JATS//EN" "JATS.dtd">
<article xmlns:mml="http://www.w3.org/1998/Math/MathML"><front>
<journal-meta><journal-title>Lamps</journal-title></journal-meta>
<article-meta><article-id>10.1/x</article-id>
<title-group><article-title>On <italic>dim</italic> lamps</article-title>
</title-group><contrib-group><contrib><name><surname>Pérez</surname><given-names>Ana</given-names></name></contrib>
<contrib><collab>The lamp group</collab></contrib></contrib-group><aff><label>1</label>Bonn&nbsp;University</aff>
<volume>7</volume><abstract><p>They flicker.</p></abstract><kwd-group><kwd>lamp</kwd><kwd>light</kwd></kwd-group>
<funding-group><award-group><award-id>42</award-id></award-group></funding-group></article-meta></front>
<body><sec><label>1.</label><title>Method</title><p>We looked<xref>[1]</xref> at CO<sub>2</sub>:
<list><list-item><p>one</p></list-item><list-item><p>two</p></list-item></list> and wrote.</p>
<sec><title>Light</title><p>It is <inline-formula>
<tex-math>\\usepackage{x}\\begin{document}$E=mc^2$\\end{document}</tex-math>
<mml:math><mml:mi>E</mml:mi></mml:math></inline-formula>.</p></sec>
<table-wrap><label>Table 1</label><caption><title>Lamps by city</title></caption>
<table><thead><tr><th>City</th><th>n</th>
</tr></thead><tbody><tr><td rowspan="2">Bonn</td><td>1</td></tr><tr><td>2</td></tr></tbody></table></table-wrap>
</sec></body><back><ref-list><title>References</title><ref><label>1</label><element-citation><name><surname>Doe</surname>
<given-names>J</given-names></name><year>2020</year></element-citation></ref></ref-list></back></article>"""


def test_an_article_keeps_its_structure(parse) -> None:
    """Title, people, sections with their numbers, lists within paragraphs, formulas once, tables, references."""
    parsed = parse(ARTICLE, "a.nxml")
    assert parsed.title == "On dim lamps"
    assert parsed.shown() == [
        ("heading", "On dim lamps"),
        ("paragraph", "Ana Pérez, The lamp group"),
        ("paragraph", "1 Bonn University"),
        ("heading", "Abstract"),
        ("paragraph", "They flicker."),
        ("paragraph", "lamp, light"),
        ("paragraph", "funding-group.award-group.award-id: 42"),
        ("heading", "1. Method"),
        ("paragraph", "We looked[1] at CO2:"),
        ("list-item", "- one"),
        ("list-item", "- two"),
        ("paragraph", "and wrote."),
        ("heading", "Light"),
        ("paragraph", "It is $E=mc^2$ ."),
        ("paragraph", "Table 1 Lamps by city"),
        ("table", "| City | n |\n| --- | --- |\n| Bonn | 1 |\n| Bonn | 2 |"),
        ("heading", "References"),
        ("list-item", "- 1 Doe J 2020"),
    ]
    assert [block.level for block in parsed.blocks if block.level] == [1, 2, 2, 3, 2]


def test_a_manual_keeps_its_structure(parse) -> None:
    """DocBook, with listings and a CALS table."""
    book = (
        "<book><title>Lamps</title><chapter><title>Care</title><para>Turn <emphasis>off</emphasis>.</para>"
        "<programlisting>a  =  1\nb</programlisting><table><title>Parts</title><tgroup cols='2'>"
        "<colspec colname='a'/><colspec colname='b'/><thead><row><entry>Part</entry><entry>Price</entry></row></thead>"
        "<tbody><row><entry>Bulb</entry><entry>3</entry></row>"
        "<row><entry namest='a' nameend='b'>on request</entry></row></tbody></tgroup></table></chapter></book>"
    )
    assert parse(book, "a.xml").shown() == [
        ("heading", "Lamps"),
        ("heading", "Care"),
        ("paragraph", "Turn off."),
        ("code", "a  =  1\nb"),
        ("paragraph", "Parts"),
        ("table", "| Part | Price |\n| --- | --- |\n| Bulb | 3 |\n| on request |  |"),
    ]


def test_records_are_a_table(parse) -> None:
    """Fields in attributes and elements alike."""
    content = (
        "<list><lamp id='1'><name>Ada</name><price cur='EUR'>10</price></lamp>"
        "<lamp id='2'><name>Bo</name><price cur='EUR'>12</price></lamp></list>"
    )
    assert parse(content, "a.xml").of("table") == [
        (
            "| id | name | price.cur | price.text |\n| --- | --- | --- | --- |\n"
            "| 1 | Ada | EUR | 10 |\n| 2 | Bo | EUR | 12 |"
        )
    ]


def test_a_feed_is_read_without_its_markup(parse) -> None:
    """Every word of every item."""
    feed = (
        "<?xml version='1.0'?><rss><channel><title>News</title>"
        "<item><title>Open</title><description>We are open.</description></item>"
        "<item><title>Closed</title><description>We are closed.</description></item></channel></rss>"
    )
    text = parse(feed, "a.rss").text
    for words in ("News", "Open", "We are open.", "Closed", "We are closed."):
        assert words in text


def test_a_table_around_others_is_no_table_of_data(parse) -> None:
    """Every cell once."""
    inner = "<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>"
    content = f"<article><p>words</p><table><tr><td>{inner}</td><td><p>beside</p></td></tr></table></article>"
    parsed = parse(content, "a.xml")
    assert parsed.of("table") == ["| a | b |\n| --- | --- |\n| c | d |"]
    assert parsed.text.count("beside") == 1


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (f'<!DOCTYPE a [<!ENTITY l0 "lol">{LAUGHS}]><a>&l9;</a>', "xml-entities"),
        (f'<!DOCTYPE a [<!ENTITY x "{"x" * 50_000}">]><a>{"&x;" * 50_000}</a>', "xml-entities"),
        ('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "xml-entities"),
        ("<!DOCTYPE a [<!ENTITY % p \"<!ENTITY &#37; q SYSTEM 'file:///etc/passwd'>\">%p;]><a>x</a>", "xml-entities"),
        ("<a>" * 5_000 + "</a>" * 5_000, "too-nested"),
    ],
)
def test_hostile_xml_is_refused(parse, content: str, code: str) -> None:
    """Billion laughs, quadratic growth, files, and more depth than anyone writes - at once, and in no memory."""
    begun = time.monotonic()
    with pytest.raises(ItemError) as caught:
        parse(f"<?xml version='1.0'?>{content}", "a.xml")
    assert caught.value.code == code
    assert time.monotonic() - begun < 2


def test_a_dtd_is_never_opened(parse, monkeypatch) -> None:
    """Neither a file nor an address; what it would have defined stays as it is written, or is known from HTML."""
    import builtins

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    parse("<a>warm</a>", "a.xml")
    monkeypatch.setattr(builtins, "open", refuse)
    content = (
        '<?xml version="1.0"?><!DOCTYPE a SYSTEM "file:///etc/passwd" [<!ENTITY firm "Lamp and Co">'
        '<!ENTITY pic SYSTEM "x.gif" NDATA gif><!ENTITY % more SYSTEM "http://x.test/y"> %more;]>'
        "<a><p>&firm; 5&nbsp;m &what;</p></a>"
    )
    assert parse(content, "a.xml").text == "Lamp and Co 5 m &what;"


@pytest.mark.parametrize("content", ["<?xml version='1.0'?><a><p>some words<b>", "<a><p>some words & more</p></a>"])
def test_broken_xml_keeps_its_words(parse, content: str) -> None:
    """Cut off, or never well-formed."""
    parsed = parse(content, "a.xml")
    assert "some words" in parsed.text
    assert "read-as-text" in parsed.notices


def test_encodings_and_hidden_parts(parse) -> None:
    """The declared encoding counts; comments and instructions are not text."""
    content = "<?xml version='1.0' encoding='ISO-8859-1'?><a><p>Größe</p><!-- no --><?php x?></a>"
    assert parse(content.encode("latin-1"), "a.xml").text == "Größe"
    assert parse(content.replace("ISO-8859-1", "UTF-16").encode("utf-16"), "a.xml").text == "Größe"
