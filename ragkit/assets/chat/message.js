// Draws one message of a conversation: who said it, its text in paragraphs and lists, numbered sources, what to do next.

import { el, icon, masked, time, worded } from "./dom.js";

const WHO = { customer: "You", assistant: "AI assistant", agent: "Customer care, a person", notice: "Notice" };
const BULLET = /^\s*[-*•]\s+/;
const NUMBER = /^\s*\d{1,3}[.)]\s+/;
const ROW = /^(.*?[.!?]\s+)?([^\s:;.[\]][^:;.[\]]{0,39}: [^;]+(?:; [^:;[\]]{1,40}: [^;]+)+)$/; // a row of a table, as it is quoted

/**
 * Turn text into paragraphs, lists and rows of a table, nothing else. `marker(number)` gives the node for `[number]`, or nothing where
 * the text merely says so.
 */
export function structured(text, marker = () => undefined) {
  const nodes = [];
  for (const block of text.split(/\n\s*\n/)) {
    let list;
    let paragraph;
    for (const line of block.split("\n")) {
      const row = ROW.exec(line);
      const name = row ? "dl" : BULLET.test(line) ? "ul" : NUMBER.test(line) ? "ol" : "";
      if (row) {
        if (row[1]) nodes.push(el("p", {}, inline(row[1], marker)));
        nodes.push(el("dl", { class: "row" }, row[2].split("; ").map((pair) => cell(pair, marker))));
        paragraph = list = undefined;
      } else if (name) {
        if (list?.localName !== name) nodes.push((list = el(name)));
        list.append(el("li", {}, inline(line.replace(name === "ul" ? BULLET : NUMBER, ""), marker)));
        paragraph = undefined;
      } else if (line.trim()) {
        if (paragraph) paragraph.append(el("br"));
        else nodes.push((paragraph = el("p")));
        paragraph.append(...inline(line, marker));
        list = undefined;
      }
    }
  }
  return nodes;
}

function cell(pair, marker) {
  const at = pair.indexOf(": ");
  return el("div", {}, el("dt", {}, masked(pair.slice(0, at))), el("dd", {}, inline(pair.slice(at + 2), marker)));
}

function inline(text, marker) {
  const nodes = [];
  let position = 0;
  for (const found of text.matchAll(/\s?\[(\d{1,3})\]/g)) {
    const node = marker(Number(found[1]));
    if (!node) continue;
    nodes.push(...masked(text.slice(position, found.index)), "\u2060", node); // a number stays with the word before it
    position = found.index + found[0].length;
  }
  return [...nodes, ...masked(text.slice(position))];
}

/** The text of an answer with the marker of each source behind the sentence it supports. */
function marked(message) {
  const text = message.text;
  const numbers = new Set(message.sources.map((source) => source.marker));
  const written = [...text.matchAll(/\[(\d{1,3})\]/g)].some((found) => numbers.has(Number(found[1])));
  if (written) return text;
  let result = "";
  let position = 0;
  for (const sentence of message.sentences ?? []) {
    const at = text.indexOf(sentence.text, position);
    if (at < 0 || !sentence.sources.length) continue;
    const end = at + sentence.text.length;
    result += text.slice(position, end) + sentence.sources.map((number) => ` [${number}]`).join("");
    position = end;
  }
  return result + text.slice(position);
}

/** Draw a message. `acts`: `{open(source), rate(message, host), ask(text)}`; without them it is only to be read. */
export function drawMessage(message, acts = {}) {
  const item = el("li", { class: `message ${message.role} ${message.kind}`, "data-id": message.id });
  item.append(
    el("div", { class: "who" }, el("span", {}, worded(acts.names ?? {}, message.role) ?? worded(WHO, message.role) ?? ""), time(message.at)),
  );
  const sources = new Map((message.sources ?? []).map((source) => [source.marker, source]));
  const marker = (number) => {
    const source = sources.get(number);
    if (!source) return undefined;
    const words = `Source ${number}: ${plain(source.title)}`;
    if (!acts.open) return el("span", { class: "marker", title: words }, String(number));
    return el("button", { type: "button", class: "marker", "aria-label": words, title: words, "aria-haspopup": "dialog", onclick: () => acts.open(source) }, String(number));
  };
  item.append(el("div", { class: "text" }, structured(marked(message), marker)));
  if (sources.size) item.append(sourceList([...sources.values()], acts));
  if (acts.rate && message.role === "assistant" && ["answer", "refusal"].includes(message.kind)) {
    const host = el("div", { class: "rate", role: "group", "aria-label": "Was this helpful?" });
    acts.rate(message, host);
    item.append(host);
  }
  return item;
}

/** The sources below an answer; several quotes from one place are one line, which opens the first. */
function sourceList(sources, acts) {
  const places = new Map();
  for (const source of sources) {
    const key = JSON.stringify([source.title, source.heading, source.page]);
    places.set(key, [...(places.get(key) ?? []), source]);
  }
  const one = (quotes) => {
    const source = quotes[0];
    const words = [el("span", { class: "number" }, quotes.map((quote) => quote.marker).join(", ")), el("span", { class: "place" }, place(source))];
    if (!acts.open) return el("li", {}, el("span", { class: "source" }, words));
    return el("li", {}, el("button", { type: "button", class: "source", "aria-haspopup": "dialog", onclick: () => acts.open(source) }, words));
  };
  return el("ul", { class: "sources", "aria-label": "Sources" }, [...places.values()].map(one));
}

function place(source) {
  const below = (source.heading ?? "").split(" > ").filter((part) => part && part !== source.title).at(-1);
  const more = [below, source.page ? `page ${source.page}` : ""].filter(Boolean).join(", ");
  return [el("span", { class: "in" }, masked(source.title)), more ? el("span", { class: "quiet" }, masked(more)) : ""];
}

/** The text without what only the eye can use: for labels and for what is read out. */
export function plain(text) {
  return masked(text).map((node) => node.textContent).join("").replace(/\s?\[\d{1,3}\]/g, "");
}

/** A message that is still being written: text comes piece by piece, the markers take their place from the start. */
export class Draft {
  constructor() {
    this.text = "";
    this.body = el("div", { class: "text" }, el("p", { class: "dots" }, el("span"), el("span"), el("span"), el("span", { class: "hidden" }, "The assistant is looking for an answer")));
    this.item = el("li", { class: "message assistant draft", "aria-busy": "true" }, el("div", { class: "who" }, el("span", {}, WHO.assistant)), this.body);
  }

  add(piece) {
    this.text += piece;
    this.body.replaceChildren(...structured(this.text, (number) => el("span", { class: "marker", "aria-hidden": "true" }, String(number))));
  }
}

/** What the customer has just sent, until the service says how it keeps it. */
export function sending(text) {
  return el("li", { class: "message customer sending" }, el("div", { class: "who" }, el("span", {}, WHO.customer)), el("div", { class: "text" }, structured(text)));
}

/** The button in front of a picture. */
export function pictured(button, name) {
  button.prepend(icon(name));
  return button;
}
