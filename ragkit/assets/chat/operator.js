// The operator's page: how much is asked, what could not be answered, what it costs, and which sources answer badly.

import { call } from "./api.js";
import { columns, lines } from "./charts.js";
import { byId, count, el, masked, replace, time } from "./dom.js";
import { reasonWords } from "./feedback.js";
import { enter, trouble } from "./session.js";
import { topicWords } from "./ticket.js";

const DAYS = [7, 30, 90];
const SERIES = [
  ["answered", "Answered"],
  ["clarified", "Asked back"],
  ["refused", "No answer found"],
  ["handed_over", "Handed over"],
];
let days = 7;

const number = (value) => (value ?? 0).toLocaleString("en-GB");
const share = (part, whole) => (whole ? `${Math.round((100 * part) / whole)} %` : "none yet");
const seconds = (ms) => (ms === null || ms === undefined ? "none yet" : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const minutes = (value) => (value === null || value === undefined ? "" : value < 1 ? "less than a minute" : value < 90 ? count(Math.round(value), "minute") : count(Math.round(value / 60), "hour"));

function money(cost) {
  if (!cost?.micro) return "0";
  return `${(cost.micro / 1e6).toLocaleString("en-GB", { minimumFractionDigits: 2, maximumFractionDigits: cost.micro < 1e6 ? 4 : 2 })} ${cost.currency ?? ""}`.trim();
}

async function load() {
  const figures = await call("GET", `/desk/figures?days=${days}`);
  const totals = figures.totals;
  const ended = totals.answered + totals.refused + totals.clarified + totals.handed_over;
  const choice = el(
    "div",
    { class: "tabs", role: "group", "aria-label": "How far back" },
    DAYS.map((one) => el("button", { type: "button", "aria-pressed": String(one === days), onclick: () => change(one) }, `${one} days`)),
  );
  replace(
    byId("content"),
    el("div", { class: "sheet" }, choice, tiles(figures, totals, ended), volumes(figures), unanswered(figures), sources(figures), feedback(figures), topics(figures)),
  );
}

async function change(to) {
  days = to;
  try {
    await load();
    byId("content").querySelector(`.tabs [aria-pressed="true"]`)?.focus();
    byId("said").textContent = `Figures of the last ${days} days.`;
  } catch (error) {
    trouble(error, () => change(to));
  }
}

function tiles(figures, totals, ended) {
  const one = (label, value, more = "") => el("div", { class: "tile" }, el("dt", {}, label), el("dd", {}, el("strong", {}, value), more ? el("span", { class: "quiet" }, more) : ""));
  const rated = figures.feedback.up + figures.feedback.down;
  const waiting = minutes(figures.tickets.waiting_minutes);
  return el(
    "section",
    { "aria-label": "At a glance" },
    el("dl", { class: "tiles" },
      one("Conversations", number(totals.conversations), count(totals.messages ?? 0, "message")),
      one("Answered", share(totals.answered, ended), `${number(totals.answered)} of ${number(ended)}`),
      one("No answer found", share(totals.refused, ended), count(totals.refused, "question")),
      one("Handed over", number(totals.handed_over), `${count(figures.tickets.open, "ticket")} open${figures.tickets.open && waiting ? `, the oldest for ${waiting}` : ""}`),
      one("Helpful", share(figures.feedback.up, rated), count(rated, "rating")),
      one("Half of answers within", seconds(figures.response_ms?.p50), `95 of 100 within ${seconds(figures.response_ms?.p95)}`),
      one("Cost", money(figures.cost), count(figures.cost?.tokens ?? 0, "token")),
    ),
  );
}

function section(id, title, note, ...content) {
  return el("section", { class: "panel", "aria-labelledby": id }, el("h2", { id }, title), note ? el("p", { class: "quiet" }, note) : "", ...content);
}

/** A table that may be wider than a telephone; it scrolls by itself and can be reached by keyboard. */
function table(label, heads, rows, nothing) {
  if (!rows.length) return el("p", { class: "quiet" }, nothing);
  const cells = (row) => row.map((value, index) => el(index ? "td" : "th", index ? { class: typeof value === "string" && /^[\d.,]+( %)?$/.test(value) ? "figure" : null } : { scope: "row" }, value));
  return el(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": label },
    el("table", {}, el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, rows.map((row) => el("tr", {}, cells(row))))),
  );
}

function volumes(figures) {
  const rows = figures.days.map((day) => [day.date, number(day.conversations), number(day.messages), ...SERIES.map(([name]) => number(day[name]))]);
  return section(
    "volumes",
    "Day by day",
    "How the assistant dealt with what was asked.",
    columns(figures.days, SERIES, "Messages by day and how they were dealt with; the table below has the figures", Math.min(document.documentElement.clientWidth - 76, 980)),
    el("details", {}, el("summary", {}, "The figures as a table"), table("Figures by day", ["Day", "Conversations", "Messages", ...SERIES.map(([, words]) => words)], rows, "Nothing yet.")),
  );
}

function unanswered(figures) {
  const rows = figures.unanswered.map((one) => [el("span", { class: "clipped" }, masked(one.question)), number(one.times), time(one.last)]);
  return section("unanswered", "Questions without an answer", "What the documents do not say, or do not say so that it is found. Names and numbers are masked.", table("Questions without an answer", ["Question", "Times", "Last"], rows, "Every question found an answer."));
}

function sources(figures) {
  const rows = figures.sources.map((one) => [el("span", {}, masked(one.title)), number(one.answers), number(one.down), number(one.up), share(one.down, one.down + one.up)]);
  return section("sources", "Sources", "Those first that were found unhelpful most often.", table("Sources", ["Document", "Answers", "Not helpful", "Helpful", "Share not helpful"], rows, "No answer used a source yet."));
}

function feedback(figures) {
  const reasons = Object.entries(figures.feedback.reasons ?? {}).sort((one, other) => other[1] - one[1]);
  return section("feedback", "Feedback", `${count(figures.feedback.up, "answer")} helpful, ${number(figures.feedback.down)} not.`, lines(reasons.map(([name, times]) => [reasonWords(name), times]), "No reason was given yet."));
}

function topics(figures) {
  const found = Object.entries(figures.topics ?? {}).sort((one, other) => other[1] - one[1]);
  return section("topics", "Why conversations were handed over", "", lines(found.map(([name, times]) => [topicWords(name), times]), "None was handed over."));
}

enter("operate", async () => {
  try {
    await load();
  } catch (error) {
    trouble(error, () => location.reload());
  }
});
