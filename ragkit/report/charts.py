"""Charts as inline SVG, drawn from the figures in the report: no script, no font, no request.

Each carries a title for screen readers and prints in black and white: the series differ in shade, and values stand
beside the bars. The tables hold the same figures.
"""

from __future__ import annotations

from dataclasses import replace
from textwrap import wrap

from markupsafe import Markup, escape

from ragkit.report.model import Box, Chart, Flow

_WIDTH = 720
_LABEL = 190
_BAR = 18
_STEP = 26
_HEIGHT = 150
_MOST_COLUMNS = 62


def draw(chart: Chart) -> Markup:
    """Return a chart as SVG; nothing for one without figures."""
    if not any(sum(values) for _, values in chart.points):
        return Markup("")
    return _bars(chart) if chart.kind == "bars" else _columns(chart)


def _bars(chart: Chart) -> Markup:
    most = max(sum(values) for _, values in chart.points)
    room = _WIDTH - _LABEL - 110
    parts = []
    for place, (label, values) in enumerate(chart.points):
        top, left = place * _STEP + 4, float(_LABEL)
        parts.append(_text(_LABEL - 8, top + 13, _cut(label, 30), anchor="end"))
        for number, value in enumerate(values):
            width = room * value / most
            parts.append(_rect(left, top, width, _BAR, number, f"{label}, {chart.series[number]}: {value:,}"))
            left += width
        parts.append(_text(left + 6, top + 13, " + ".join(f"{value:,}" for value in values if value) or "0"))
    height = len(chart.points) * _STEP + 8
    return _svg(chart, parts, height) + _legend(chart)


def _columns(chart: Chart) -> Markup:
    points = chart.points[-_MOST_COLUMNS:]
    most = max(sum(values) for _, values in points)
    step = (_WIDTH - 60) / len(points)
    parts = [_text(46, 12, f"{most:,}", anchor="end"), _text(46, _HEIGHT, "0", anchor="end"), _line(50, _HEIGHT)]
    for place, (label, values) in enumerate(points):
        left, bottom = 52 + place * step, float(_HEIGHT)
        for number, value in enumerate(values):
            height = (_HEIGHT - 8) * value / most
            bottom -= height
            title = f"{label}, {chart.series[number]}: {value:,}"
            parts.append(_rect(left, bottom, max(step - 2, 1), height, number, title))
        if place % max(1, len(points) // 8) == 0:
            parts.append(_text(left, _HEIGHT + 14, label, anchor="start"))
    return _svg(chart, parts, _HEIGHT + 20) + _legend(chart)


def draw_flow(flow: Flow) -> Markup:
    """Return the stations of a flow as SVG, columns from left to right with arrows between."""
    stations = [column for column in flow.columns if column]
    gap, width = 26.0, (_WIDTH - 26.0 * (len(stations) - 1)) / len(stations)
    characters = int((width - 14) / 6)
    columns = [[_wrapped(box, characters) for box in column] for column in stations]
    heights = [[24 + 14 * len(box.lines) for box in column] for column in columns]
    height = max(sum(column) + 12 * (len(column) - 1) for column in heights)
    parts = []
    for place, column in enumerate(columns):
        left = place * (width + gap)
        top = (height - sum(heights[place]) - 12 * (len(column) - 1)) / 2
        for box, tall in zip(column, heights[place], strict=True):
            kind = f"box {box.level}".strip()
            parts.append(
                Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" rx="4"/>').format(
                    kind, left + 0.5, top + 0.5, width - 1, tall
                )
            )
            parts.append(_text(left + 7, top + 16, _cut(box.title, characters), kind="strong"))
            parts += [_text(left + 7, top + 31 + 14 * number, line) for number, line in enumerate(box.lines)]
            top += tall + 12
        if place:
            arrow = Markup('<path class="arrow" d="M{:.1f} {:.1f} h{:.1f} m-6 -4 l6 4 l-6 4"/>')
            parts.append(arrow.format(left - gap + 3, height / 2, gap - 6))
    return _svg(flow, parts, int(height) + 2)


def _wrapped(box: Box, characters: int) -> Box:
    lines = (part for line in box.lines for part in wrap(line, characters))
    return replace(box, lines=tuple(lines))


def _svg(about: Chart | Flow, parts: list[Markup], height: int) -> Markup:
    opening = Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">').format(_WIDTH, height, about.title)
    return opening + Markup("").join(parts) + Markup("</svg>")


def _legend(chart: Chart) -> Markup:
    if len(chart.series) < 2:
        return Markup("")
    marks = [Markup('<span class="key s{}">{}</span>').format(number, name) for number, name in enumerate(chart.series)]
    return Markup('<p class="legend">') + Markup(" ").join(marks) + Markup("</p>")


def _rect(left: float, top: float, width: float, height: float, series: int, title: str) -> Markup:
    shape = Markup('<rect class="s{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
    return shape.format(series, left, top, width, height, title)


def _text(left: float, top: float, text: str, *, anchor: str = "start", kind: str = "") -> Markup:
    shape = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}" class="{}">{}</text>')
    return shape.format(left, top, anchor, kind, escape(text))


def _line(left: int, top: int) -> Markup:
    return Markup('<line class="axis" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(left, top, _WIDTH, top)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
