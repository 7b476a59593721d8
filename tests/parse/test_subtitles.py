"""Subtitles: what is said, by whom."""

from __future__ import annotations

VTT = """WEBVTT - a talk

NOTE not for viewers

STYLE
::cue { color: red }

1
00:11.000 --> 00:13.000 align:right
<v.loud Ana Pérez>We are <i>in</i> Bonn

00:13.000 --> 01:16:16.000
<v Ana Pérez>near the river &amp; bridge.</v>

00:16.000 --> 00:18.000
<v Bob>Yes.</v> <v Ana Pérez>No.
"""


def test_voices_are_named_where_they_change(parse) -> None:
    """Cues of one voice run together; notes and styles are nothing a viewer sees."""
    assert parse(VTT.replace("\n", "\r\n"), "a.vtt").shown() == [
        ("paragraph", "Ana Pérez: We are in Bonn near the river & bridge."),
        ("paragraph", "Bob: Yes."),
        ("paragraph", "Ana Pérez: No."),
    ]


def test_long_speech_is_cut_into_paragraphs(parse) -> None:
    """Between cues, so that no word is lost."""
    cues = [
        f"{n}\n00:{n // 60:02}:{n % 60:02},000 --> 01:00:00,500\n{{\\an8}}word{n} and so on and so on\n"
        for n in range(200)
    ]
    parsed = parse("\n".join(cues), "a.srt")
    assert len(parsed.blocks) > 5
    assert all(f"word{n} " in parsed.text for n in range(200))
    assert "an8" not in parsed.text


def test_what_is_no_cue_is_text(parse) -> None:
    """A transcript that calls itself subtitles."""
    assert parse("Ana said yes.\n\nBob said no.\n", "a.vtt").text == "Ana said yes. Bob said no."
