// One ticket: its summary, what was written, and what an agent does with it.

import { call, poll } from "./api.js";
import { byId, el, icon, masked, replace, time, worded } from "./dom.js";
import { drawMessage, plain, structured } from "./message.js";
import { closeBox, showBox } from "./panel.js";

const TOPICS = {
  person: "Asked for a person",
  complaint: "Complaint",
  "no-answer": "No answer found",
  repeated: "Asked the same again",
  legal: "Legal matter",
  medical: "Health",
  safety: "Danger",
  "self-harm": "May hurt themselves",
  fraud: "Fraud",
  press: "Press",
  "data-protection": "Data protection",
  upset: "Upset",
};
const OUTCOMES = {
  solved: "Solved",
  returned: "Given back to the assistant",
  unreachable: "The customer does not answer",
  other: "Something else",
};
const STATUS = { open: "Open", taken: "Taken", closed: "Closed" };
const NAMES = { customer: "Customer", agent: "Agent" };
const POLL = 3000;

export const topicWords = (topic) => worded(TOPICS, topic) ?? (topic || "Other").replaceAll(/[-_]/g, " ").replace(/^./, (letter) => letter.toUpperCase());

export class Ticket {
  /** `host`: where it is drawn. `changed(tab)`: called when it moved to another list. */
  constructor(id, me, host, changed) {
    Object.assign(this, { id, me, host, changed, drawn: new Set(), words: new Map() });
  }

  get path() {
    return `/desk/tickets/${encodeURIComponent(this.id)}`;
  }

  stop() {
    this.stopPolling?.();
    this.stopped = true;
  }

  /** Read it and draw it; `true` when it is there. */
  async open() {
    try {
      this.state = await call("GET", this.path);
    } catch (error) {
      if (error.status === 401) return location.reload();
      replace(this.host, el("p", { class: "empty", role: "alert" }, error.status === 404 ? "This ticket is gone. The customer may have had the conversation forgotten." : error.message));
      return true;
    }
    if (this.stopped) return false;
    this.draw();
    if (this.state.status !== "closed") this.stopPolling = poll(() => this.refresh(), POLL);
    return true;
  }

  get mine() {
    return this.state.status === "taken" && this.state.mine;
  }

  async refresh() {
    const state = await call("GET", this.path);
    const before = this.state.status;
    this.state = state;
    if (state.status !== before) return this.redraw();
    for (const message of state.messages) {
      if (this.drawn.has(message.id)) continue;
      this.add(message);
      this.list.lastChild.scrollIntoView({ block: "nearest" });
      if (message.role === "customer") byId("said").textContent = `The customer writes: ${plain(message.text)}`;
    }
    return undefined;
  }

  redraw() {
    const typed = this.host.querySelector("#reply")?.value ?? "";
    const back = this.host.querySelector(".back");
    this.draw();
    if (back) this.host.prepend(back);
    const field = this.host.querySelector("#reply");
    if (field) field.value = typed;
  }

  draw() {
    const state = this.state;
    this.drawn = new Set();
    this.list = el("ol", { class: "messages" });
    this.said = el("p", { class: "trouble", role: "alert" });
    const reading = el(
      "div",
      { class: "reading", tabindex: "0", role: "group", "aria-label": "Ticket's text" },
      el("header", { class: "head" }, el("h2", { tabindex: "-1" }, topicWords(state.topic)), el("p", { class: "quiet" }, state.status === "closed" && worded(OUTCOMES, state.outcome) ? `Closed: ${OUTCOMES[state.outcome]}` : worded(STATUS, state.status), " · opened ", time(state.created), state.taken_by ? ` · ${state.mine ? "yours" : `taken by ${state.taken_by}`}` : "", state.has_contact ? " · left a way to be reached" : "")),
      this.actions(),
      this.said,
      summary(state.summary),
      el("section", { class: "transcript", "aria-labelledby": "transcript" }, el("h3", { id: "transcript" }, "Conversation"), this.list),
    );
    replace(this.host, reading, this.mine ? this.replyForm() : "");
    for (const message of state.messages) this.add(message);
    this.host.querySelector("h2").focus();
  }

  add(message) {
    this.drawn.add(message.id);
    const item = drawMessage(message, { names: NAMES });
    this.list.append(item);
    if (this.words.has(message.id)) this.clear(item, this.words.get(message.id));
  }

  /** Put the customer's own words under a message, set off from what everybody sees. */
  clear(item, text) {
    item.querySelector(".own")?.remove();
    item.append(el("div", { class: "own" }, el("div", { class: "who" }, el("span", {}, "In the customer's words")), el("div", { class: "text" }, structured(text))));
  }

  actions() {
    const buttons = [];
    if (this.state.status === "open") buttons.push(el("button", { type: "button", class: "primary", onclick: () => this.take() }, "Take this ticket"));
    if (this.state.status !== "closed" && this.me.scopes.includes("reveal")) {
      buttons.push(el("button", { type: "button", class: "secondary", "aria-haspopup": "dialog", onclick: () => this.askReveal() }, icon("eye"), "Show the customer's words"));
    }
    if (this.mine) buttons.push(el("button", { type: "button", class: "secondary", "aria-haspopup": "dialog", onclick: () => this.askClose() }, "Close ticket"));
    return el("div", { class: "act" }, buttons);
  }

  async does(work, tab) {
    this.said.textContent = "";
    try {
      await work();
      this.state = await call("GET", this.path);
      this.redraw();
      await this.changed(tab);
    } catch (error) {
      if (error.status === 401) return location.reload();
      this.said.textContent = [error.message, error.remedy].filter(Boolean).join(" ");
      throw error;
    }
    return undefined;
  }

  take() {
    return this.does(() => call("POST", `${this.path}/take`, {}), "mine").catch(() => this.refresh().catch(() => {}));
  }

  replyForm() {
    const field = el("textarea", { id: "reply", rows: "3", maxlength: "8000", required: true });
    const go = el("button", { type: "submit", class: "primary" }, "Send reply");
    const said = el("p", { class: "trouble", role: "alert" });
    const form = el("form", { class: "answer" }, el("label", { for: "reply" }, "Reply to the customer"), field, said, el("div", { class: "act" }, go, el("span", { class: "quiet" }, "Control and Enter sends.")));
    const send = async () => {
      const text = field.value.trim();
      if (!text || go.disabled) return;
      go.disabled = true;
      said.textContent = "";
      try {
        await call("POST", `${this.path}/reply`, { text });
        field.value = "";
        await this.refresh();
        field.focus();
      } catch (error) {
        said.textContent = [error.message, error.remedy].filter(Boolean).join(" ");
      }
      go.disabled = false;
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) send();
    });
    return form;
  }

  askReveal() {
    const purpose = el("input", { type: "text", id: "purpose", maxlength: "200", required: true });
    const said = el("p", { class: "trouble", role: "alert" });
    const go = el("button", { type: "submit", class: "primary" }, "Show");
    const form = el("form", {}, el("p", {}, "You will see what the customer typed, names and numbers included. That you looked, and why, is recorded."), el("label", { for: "purpose" }, "What do you need it for?"), purpose, said, el("div", { class: "act" }, go, el("button", { type: "button", class: "secondary", onclick: closeBox }, "Not now")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      go.disabled = true;
      try {
        this.reveal(await call("POST", `${this.path}/reveal`, { purpose: purpose.value.trim() }));
        closeBox();
      } catch (error) {
        said.textContent = [error.message, error.remedy].filter(Boolean).join(" ");
        go.disabled = false;
      }
    });
    showBox("Show the customer's words", form);
  }

  reveal(shown) {
    for (const one of shown.messages ?? []) this.words.set(one.id, one.text);
    for (const item of this.list.children) {
      if (this.words.has(item.dataset.id)) this.clear(item, this.words.get(item.dataset.id));
    }
    if (shown.contact) {
      this.host.querySelector(".contact")?.remove();
      this.host.querySelector(".head").append(el("p", { class: "contact" }, "The customer can be reached at: ", el("strong", {}, shown.contact)));
    }
    byId("said").textContent = "The customer's words are shown.";
  }

  askClose() {
    const said = el("p", { class: "trouble", role: "alert" });
    const go = el("button", { type: "submit", class: "primary" }, "Close ticket");
    const one = ([name, words], index) => el("label", { class: "choice" }, el("input", { type: "radio", name: "outcome", value: name, checked: index === 0 }), el("span", {}, words));
    const form = el("form", {}, el("fieldset", {}, el("legend", {}, "How did it end?"), el("div", { class: "stack" }, Object.entries(OUTCOMES).map(one))), said, el("div", { class: "act" }, go, el("button", { type: "button", class: "secondary", onclick: closeBox }, "Not yet")));
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const outcome = form.querySelector("input:checked").value;
      try {
        await this.does(() => call("POST", `${this.path}/close`, { outcome }));
        closeBox();
        this.stopPolling?.();
      } catch (error) {
        said.textContent = error.message;
      }
    });
    showBox("Close this ticket", form);
  }
}

function summary(told) {
  if (!told) return "";
  const tried = (told.tried ?? []).map((one) =>
    el("li", {}, el("p", {}, masked(one.question)), el("p", { class: "quiet" }, masked(one.answer)), one.titles?.length ? el("p", { class: "quiet" }, "From: ", one.titles.flatMap((title, index) => [index ? ", " : "", ...masked(title)])) : ""),
  );
  const asked = (told.asked ?? []).map((question) => el("li", {}, masked(question)));
  return el(
    "section",
    { class: "summary", "aria-labelledby": "summary" },
    el("h3", { id: "summary" }, "Summary"),
    el("p", {}, masked(/^[a-z-]+$/.test(told.why) ? topicWords(told.why) : told.why)),
    asked.length ? el("details", { open: true }, el("summary", {}, "What the customer asked"), el("ul", {}, asked)) : "",
    tried.length ? el("details", {}, el("summary", {}, "What the assistant tried"), el("ol", {}, tried)) : "",
  );
}
