"""The report as one HTML file: its style and charts are in it, it has no script, and it asks for nothing else."""

from __future__ import annotations

import re
from importlib import resources

from markupsafe import Markup, escape

from ragkit.report.charts import draw, draw_flow
from ragkit.report.model import Report

_CODE = re.compile(r"`([^`]+)`")
_WORDS = {"ok": "ok", "finding": "needs attention", "unknown": "could not tell", "": ""}


def render(report: Report) -> str:
    """Return the page. Everything from the report is escaped by the template."""
    from jinja2 import Environment, StrictUndefined  # some 30 ms that other verbs do without

    assets = resources.files("ragkit") / "assets" / "report"
    page = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=False)
    page.filters["code"] = _code
    css = Markup((assets / "report.css").read_text(encoding="utf-8"))  # noqa: S704 - our own file
    template = page.from_string((assets / "report.html.j2").read_text(encoding="utf-8"))
    return template.render(report=report, css=css, draw=draw, draw_flow=draw_flow, words=_WORDS)


def _code(text: str) -> Markup:
    """Set words between back quotes as code."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped just before
