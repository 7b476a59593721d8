"""The report as a page: one file that asks for nothing, escapes everything, and promises nothing."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from ragkit.audit.recorder import EventRecorder
from ragkit.compliance.events import EventLog
from ragkit.config import Config
from ragkit.report.model import Chart, Cited, Flow, Report
from ragkit.report.page import render
from ragkit.report.setting import Found, Setting
from ragkit.report.writing import make_report, measured_recall
from ragkit.types import Principal

SINCE, UNTIL = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
HOSTILE = "</td><script>alert(1)</script><img src=http://evil.example/x>"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """A report over a log with one event of most kinds."""
    folder = tmp_path_factory.mktemp("log")
    events = EventRecorder(folder, mode="required", software={"ragkit": "1"}, actor_key=bytes(32))
    ana = Principal("local|ana")
    request = "0f" * 16
    events.record("query.received", request=request, actor=ana, data={"collection": "care", "entities": {"PERSON": 2}})
    events.record("pii.masked", data={"collection": "care", "policy": "p1", "entities": {"PERSON": 4, "LOCATION": 1}})
    sent = {"destination": "old-cloud", "provider": "acme", "location": "remote", "region": "eu-west"}
    sent |= {"data_class": "internal"}
    events.record("egress.intent", request=request, data={**sent, "bytes": 512, "entities": {"PERSON": 1}})
    events.record("answer.released", request=request, actor=ana, data={"collection": "care", "generator": "small"})
    events.record("pii.unmasked", actor=ana, data={"collection": "care", "tokens": 2, "entities": {"PERSON": 2}})
    events.record("erasure.requested", request="1e" * 16, actor=ana, data={"collection": "care", "values": 3})
    events.record("guard.triggered", request=request, data={"guard": "injection", "code": "order", "count": 1})
    events.record("incident.reported", actor=ana, data={"incident": "2d" * 16, "severity": "high"})
    for _ in range(3):
        events.record("checkpoint.refused", outcome="error", reason="edited", data={"size": 4, "seen": 3})
    events.close()
    config = Config.model_validate(
        {"workspace": {"name": "acme", "owner": "local|ana"}, "collections": {"care": {"access": ["u:local|ana"]}}}
    )
    setting = Setting(
        config=config,
        since=SINCE.isoformat(),
        until=UNTIL.isoformat(),
        shown={events.known_as("local|ana"): "local|ana"}.__getitem__,
        checks=(Found("residual", "finding", HOSTILE, "mask again", (2,)), Found("drift", "unknown", "not looked at")),
        measured=measured_recall({"builtin"}),
    )
    return make_report(setting, EventLog(folder), since=SINCE, until=UNTIL, origin="acme/ragkit/1", written_at=SINCE)


def test_the_page_asks_for_nothing(report: Report) -> None:
    """No address, no script, no font, no image from elsewhere; a browser is told to load nothing."""
    page = render(report)
    tree = LexborHTMLParser(page)
    assert not tree.css("script, link, iframe, object, embed, img, base, form")
    assert all(one.attributes["href"].startswith("#") for one in tree.css("a[href]"))  # type: ignore[union-attr]
    assert not re.search(r"url\(|@import", page)
    assert not [value for one in tree.css("*") for value in one.attributes.values() if value and "//" in value]
    policy = tree.css_first('meta[http-equiv="Content-Security-Policy"]')
    assert policy is not None
    assert "default-src 'none'" in str(policy.attributes["content"])


def test_what_comes_from_elsewhere_is_escaped(report: Report) -> None:
    """Markup in a finding is shown, not followed."""
    page = render(report)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_links_inside_the_page_lead_somewhere(report: Report) -> None:
    """Each entry of the contents has its chapter."""
    tree = LexborHTMLParser(render(report))
    names = {one.attributes["id"] for one in tree.css("[id]")}
    assert {str(one.attributes["href"])[1:] for one in tree.css("a[href]")} <= names


def test_nothing_calls_itself_compliant(report: Report) -> None:
    """The report says which events there are; it judges nothing."""
    assert "complian" not in render(report).casefold()


def test_planted_faults_are_findings(report: Report) -> None:
    """An unknown destination, a reveal without purpose, an open erasure and incident, and a prompt without an end."""
    found = {
        (section.name, table.title)
        for section in report.sections
        for table in section.tables
        for row in table.rows
        if row.level == "finding"
    }
    assert {
        ("systems", "Destinations"),
        ("egress", "By destination"),
        ("egress", "Open ends"),
        ("reveals", "Masked values shown"),
        ("erasures", "Requests"),
        ("incidents", "Incidents"),
        ("checks", "Checks"),
    } <= found
    assert report.unknown >= 1


def test_a_place_in_no_register_is_told_as_the_events_have_it(report: Report) -> None:
    """Who got the prompts is known, though today's ragkit.toml names nobody."""
    (table,) = [one for section in report.sections for one in section.tables if one.title == "Destinations"]
    (row,) = [one for one in table.rows if one.cells[0] == "old-cloud"]
    assert row.cells == ("old-cloud", "acme", "remote", "eu-west", "", "", "not in the register", 1)


def test_a_refusal_to_sign_is_one_line_however_often(report: Report) -> None:
    """Every process notes it anew until the log is put back."""
    (section,) = [one for one in report.sections if one.name == "checkpoints"]
    (row,) = section.tables[-1].rows
    assert row.cells[:2] == ("edited", 3)
    assert row.events.count == 3


def test_each_line_names_its_events(report: Report) -> None:
    """What is counted is cited, and each cited event is identified by its leaf hash."""
    assert {one["seq"] for one in report.evidence} == report.cited_numbers()
    assert all(re.fullmatch(r"[0-9a-f]{64}", str(one["leaf"])) for one in report.evidence)
    reveals = next(section for section in report.sections if section.name == "reveals")
    assert reveals.tables[0].rows[0].events.count == 1
    assert "local|ana" in reveals.tables[0].rows[0].cells


def test_every_annex_line_tells_its_events_or_their_absence(report: Report) -> None:
    """No line of an annex is empty."""
    rows = [row for annex in report.annexes for table in annex.tables for row in table.rows]
    assert len(rows) > 20
    assert all(all(str(cell) for cell in row.cells) for row in rows)


def test_an_empty_log_makes_a_report(tmp_path: Path) -> None:
    """Nothing happened: that is a report too."""
    config = Config.model_validate(
        {"workspace": {"name": "acme", "owner": "local|ana"}, "collections": {"care": {"access": []}}}
    )
    setting = Setting(config=config, since="2026-01-01", until="2026-02-01")
    made = make_report(setting, EventLog(tmp_path), since=SINCE, until=UNTIL, origin="o", written_at=SINCE)
    assert made.events == Cited()
    assert "none" in render(made)


def test_charts_and_flows_are_plain_data(report: Report) -> None:
    """The JSON holds the figures that the charts are drawn from."""
    flat = report.to_json()
    charts = [chart for section in flat["sections"] for chart in section["charts"]]
    assert any(chart["points"] for chart in charts)
    assert any(isinstance(one, Chart) for section in report.sections for one in section.charts)
    assert any(isinstance(one, Flow) for section in report.sections for one in section.flows)
