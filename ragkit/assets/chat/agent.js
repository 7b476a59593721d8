// The agents' inbox: the list of tickets on one side, the ticket that is open on the other.

import { call, poll } from "./api.js";
import { byId, count, el, icon, masked, replace, time } from "./dom.js";
import { preparePanels } from "./panel.js";
import { enter, trouble } from "./session.js";
import { Ticket, topicWords } from "./ticket.js";

const TABS = { open: "Open", mine: "Mine", closed: "Closed" };
const NOTHING = { open: "Nobody is waiting.", mine: "You have no ticket. Take one of the open ones.", closed: "No ticket was closed yet." };
const POLL = 4000;

let me;
let tab = "open";
let ticket; // the one that is shown
let waiting = -1;
const parts = {};

function lay() {
  parts.tabs = el(
    "div",
    { class: "tabs", role: "group", "aria-label": "Which tickets" },
    Object.entries(TABS).map(([name, words]) => el("button", { type: "button", "data-tab": name, "aria-pressed": String(name === tab), onclick: () => choose(name) }, words)),
  );
  parts.list = el("ul", { class: "list" });
  parts.detail = el("section", { class: "detail", "aria-label": "Ticket" });
  const aside = el("section", { class: "inbox", "aria-labelledby": "inbox-title" }, el("h2", { id: "inbox-title", class: "hidden" }, "Tickets"), parts.tabs, parts.list);
  replace(byId("content"), el("div", { class: "sides" }, aside, parts.detail));
  nothing();
}

function nothing() {
  ticket?.stop();
  ticket = undefined;
  delete document.body.dataset.ticket;
  replace(parts.detail, el("p", { class: "quiet empty" }, "Choose a ticket to read it."));
}

async function choose(name) {
  tab = name;
  for (const button of parts.tabs.children) button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
  replace(parts.list);
  await refresh();
}

async function refresh() {
  const status = tab === "mine" ? "taken" : tab;
  const asked = tab;
  const reply = await call("GET", `/desk/tickets?status=${status}`);
  if (asked !== tab) return;
  const tickets = tab === "mine" ? reply.tickets.filter((one) => one.mine) : reply.tickets;
  draw(tickets);
  if (tab !== "open") return;
  if (waiting >= 0 && tickets.length > waiting) byId("said").textContent = `${count(tickets.length, "ticket waits", "tickets wait")}.`;
  waiting = tickets.length;
  document.title = waiting ? `(${waiting}) Agent's inbox` : "Agent's inbox";
}

/** Draw the list; a line that is there already keeps its element, so that neither focus nor place is lost. */
function draw(tickets) {
  const old = new Map([...parts.list.children].map((line) => [line.dataset.id, line]));
  const lines = tickets.map((one) => {
    const line = old.get(one.id) ?? el("li", { "data-id": one.id }, el("button", { type: "button", onclick: () => show(one.id) }));
    replace(
      line.firstChild,
      el("span", { class: "topic" }, topicWords(one.topic)),
      el("span", { class: "quiet" }, one.status === "open" ? `waits ${since(one.created)}` : time(one.created)),
      one.asked ? el("span", { class: "asked" }, masked(one.asked)) : "",
    );
    line.firstChild.setAttribute("aria-current", String(ticket?.id === one.id));
    return line;
  });
  const empty = el("li", { class: "quiet empty" }, NOTHING[tab]);
  if (lines.length) {
    for (const [index, line] of lines.entries()) if (parts.list.children[index] !== line) parts.list.insertBefore(line, parts.list.children[index] ?? null);
    while (parts.list.children.length > lines.length) parts.list.lastChild.remove();
  } else replace(parts.list, empty);
}

function since(iso) {
  const minutes = Math.max(0, Math.floor((Date.now() - new Date(iso).getTime()) / 60_000));
  if (minutes < 1) return "less than a minute";
  if (minutes < 60) return count(minutes, "minute");
  if (minutes < 48 * 60) return count(Math.floor(minutes / 60), "hour");
  return count(Math.floor(minutes / 1440), "day");
}

async function show(id) {
  ticket?.stop();
  ticket = new Ticket(id, me, parts.detail, async (where) => {
    if (where && where !== tab) await choose(where);
    else await refresh();
  });
  document.body.dataset.ticket = "open";
  for (const line of parts.list.children) line.firstChild.setAttribute?.("aria-current", String(line.dataset.id === id));
  const shown = await ticket.open();
  if (!shown) return;
  const back = el("button", { type: "button", class: "tool back", onclick: leave }, icon("back"), "All tickets");
  parts.detail.prepend(back);
}

function leave() {
  const line = [...parts.list.children].find((one) => one.dataset.id === ticket?.id);
  nothing();
  (line?.firstChild ?? parts.tabs.firstChild).focus();
}

preparePanels();
enter("agent", async (who) => {
  me = who;
  lay();
  try {
    await refresh();
  } catch (error) {
    return trouble(error, () => location.reload());
  }
  return poll(async () => {
    try {
      await refresh();
    } catch (error) {
      if (error.status === 401) location.reload();
      throw error;
    }
  }, POLL);
});
