// The customer's page: one conversation with the assistant, and with a person where it was handed over.

import { call, events, poll, Trouble } from "./api.js";
import { byId, el, icon, worded } from "./dom.js";
import { drawFeedback } from "./feedback.js";
import { Draft, drawMessage, pictured, plain, sending } from "./message.js";
import { closeSide, preparePanels } from "./panel.js";
import { askForget, askHandover, showAbout, showPassage, showPrivacy, where } from "./panels.js";

const KEPT = "ragkit.conversation"; // the id alone, for a reload; no word of the conversation is stored in the browser
const POLL = 2500;
const STATES = {
  waiting: "A person has been asked and will answer here. You can keep writing meanwhile.",
  agent: "You are talking to a person.",
  closed: "This conversation is closed.",
};
const SILENT = "The assistant cannot answer at the moment. Please try again, or talk to a person.";
const TROUBLES = { generator_unavailable: SILENT, generator_failed: SILENT, generator_garbled: SILENT, generator_refused: SILENT };

const page = {
  info: undefined, // title, disclosure, quick replies, generator: from the service
  id: undefined, // of the conversation, once the disclosure was acknowledged
  status: "assistant",
  seq: 0,
  drawn: new Map(),
  busy: false,
  hurried: false,
  stop: undefined, // of polling
};
const draft = byId("draft");
const log = byId("log");
const list = byId("messages");

// --- the conversation ------------------------------------------------------------------------------------------------

const here = (rest = "") => `/chat/conversations/${page.id}${rest}`;

async function begin() {
  if (page.id) return;
  const started = await call("POST", "/chat/conversations", { disclosure: page.info.disclosure.version });
  adopt(started.id);
  absorb(started);
}

function adopt(id) {
  page.id = id;
  sessionStorage.setItem(KEPT, id);
  byId("disclosure-act").hidden = true;
  byId("forget").disabled = false;
}

/** Take in what the service says of the conversation: new messages, who is answering. */
function absorb(state) {
  for (const message of state.messages) show(message);
  status(state.status);
}

async function refresh() {
  if (!page.id) return;
  const state = await call("GET", here(`?after=${page.seq}`));
  const fresh = state.messages.filter((message) => !page.drawn.has(message.id) && message.role !== "customer");
  absorb(state);
  for (const message of fresh) announce(message);
}

function status(name) {
  const changed = page.status !== name;
  page.status = name;
  const state = byId("state");
  if (changed) {
    state.dataset.status = name;
    state.textContent = worded(STATES, name) ?? "";
    if (name === "closed") state.append(" ", el("button", { type: "button", class: "link", onclick: fresh }, "Start a new one"));
  }
  draft.disabled = name === "closed";
  byId("person").disabled = !page.info || name === "agent" || name === "closed";
  byId("person").querySelector(".word").textContent = name === "waiting" ? "How to reach you" : "Talk to a person";
  const polling = name === "waiting" || name === "agent";
  if (polling && !page.stop) page.stop = poll(() => (page.busy ? undefined : refresh().catch(gone)), POLL);
  if (!polling) stopPolling();
  enable();
}

function gone(error) {
  if (error.status !== 404) throw error;
  stopPolling();
  fresh();
  tell("The conversation has ended, as nobody wrote for a while. You can start a new one.", { calm: true });
}

function stopPolling() {
  page.stop?.();
  page.stop = undefined;
}

/** Begin anew: nothing of the last conversation stays on the page. */
function fresh() {
  stopPolling();
  sessionStorage.removeItem(KEPT);
  Object.assign(page, { id: undefined, seq: 0, drawn: new Map(), busy: false });
  list.replaceChildren();
  byId("said").textContent = "";
  byId("forget").disabled = true;
  byId("disclosure-act").hidden = false;
  closeSide();
  status("assistant");
  offer(page.info.quick_replies);
  draft.focus();
}

// --- sending and answering ---------------------------------------------------------------------------------------------

async function send(text) {
  if (page.busy || !text.trim() || page.status === "closed") return;
  page.busy = true;
  enable();
  quiet();
  offer([]);
  const mine = sending(text);
  const answer = new Draft();
  list.append(mine);
  bottom(true);
  let taken = false;
  let mineOf; // the conversation that this was said in: once it is forgotten, nothing more of it is shown
  try {
    await begin();
    mineOf = page.id;
    if (page.status === "assistant") list.append(answer.item);
    bottom(true);
    for await (const [name, data] of events(here("/messages"), { text })) {
      if (page.id !== mineOf) return;
      if (name === "message") {
        taken = true;
        mine.remove();
        show(data, answer.item.isConnected ? answer.item : null);
      } else if (name === "piece") {
        answer.add(data.text);
      } else if (name === "answer") {
        answer.item.remove();
        show(data);
        announce(data);
      } else if (name === "error") {
        throw new Trouble(worded(TROUBLES, data.code) ?? data.message, { code: data.code, remedy: data.remedy });
      }
      bottom();
    }
    await refresh();
  } catch (error) {
    if (!mineOf || page.id === mineOf) failed(error, text, taken);
  } finally {
    mine.remove();
    answer.item.remove();
    page.busy = false;
    enable();
    bottom();
  }
}

async function failed(error, text, taken) {
  if (!(error instanceof Trouble)) throw error;
  if (error.status === 404 && page.id) {
    fresh();
    draft.value = text;
    return tell("The conversation has ended, as nobody wrote for a while. Send your message again to start a new one.");
  }
  if (error.status === 401) await open().catch(() => {});
  if (!taken) {
    if (!draft.value) draft.value = text;
    enable();
    return tell(error.message, { retry: () => submit(), wait: error.wait });
  }
  tell(error.message, { retry: () => again(text), wait: error.wait });
}

/** After a cut: the answer may have been finished all the same; only if it was not, ask once more. */
async function again(text) {
  const before = page.drawn.size;
  try {
    await refresh();
  } catch (error) {
    return failed(error, text, true);
  }
  if (page.drawn.size === before) await send(text);
}

function submit() {
  const text = draft.value.trim();
  page.hurried = !page.info; // sent before the page was ready: it goes out as soon as it is
  if (page.busy || page.hurried || !text) return;
  draft.value = "";
  grow();
  send(text);
}

// --- drawing ----------------------------------------------------------------------------------------------------------

function show(message, before = null) {
  page.seq = Math.max(page.seq, message.seq);
  const item = drawMessage(message, {
    open: (source) => showPassage(page.id, source),
    rate: (one, host) => drawFeedback(host, here(`/messages/${one.id}/feedback`), one, page.info.feedback_reasons ?? []),
  });
  const old = page.drawn.get(message.id);
  page.drawn.set(message.id, item);
  if (old?.isConnected) return; // it is there already; what the customer opened in it stays open
  list.insertBefore(item, before);
  if (message.role !== "customer" && message.kind !== "notice") offer(message.quick_replies ?? [], message.kind);
  bottom();
}

function offer(texts, kind = "") {
  const buttons = texts.map((text) => el("button", { type: "button", class: "reply", onclick: () => send(text) }, text));
  if (kind === "refusal" && !texts.length && page.status === "assistant") {
    buttons.push(el("button", { type: "button", class: "reply", onclick: hand, "aria-haspopup": "dialog" }, icon("person"), "Talk to a person"));
  }
  byId("replies").replaceChildren(...buttons);
}

function announce(message) {
  const who = message.role === "agent" ? "A person writes" : message.role === "assistant" ? "The assistant answers" : "Notice";
  const sources = message.sources?.length ? ` With ${message.sources.length === 1 ? "1 source" : `${message.sources.length} sources`}.` : "";
  byId("said").textContent = `${who}: ${plain(message.text)}${sources}`;
}

/** Follow the newest message, unless the reader has scrolled up to read. */
function bottom(always = false) {
  if (always || log.scrollHeight - log.scrollTop - log.clientHeight < 240) log.scrollTop = log.scrollHeight;
}

function enable() {
  byId("send").disabled = page.busy || !page.info || page.status === "closed" || !draft.value.trim();
}

function grow() {
  draft.style.height = "auto";
  draft.style.height = `${Math.min(draft.scrollHeight + 2, 200)}px`;
  enable();
}

// --- what went wrong ----------------------------------------------------------------------------------------------------

function quiet() {
  byId("trouble").replaceChildren();
}

function tell(words, { retry, wait = 0, calm = false } = {}) {
  byId("trouble").classList.toggle("calm", calm);
  const nodes = [el("p", {}, words)];
  if (retry) {
    const button = el("button", { type: "button", class: "secondary" }, "Try again");
    button.addEventListener("click", () => {
      quiet();
      retry();
    });
    countDown(button, wait);
    nodes.push(button);
  }
  byId("trouble").replaceChildren(...nodes);
  bottom(true);
}

function countDown(button, seconds) {
  button.disabled = seconds > 0;
  button.textContent = seconds > 0 ? `Try again in ${seconds} s` : "Try again";
  if (seconds > 0) setTimeout(() => countDown(button, seconds - 1), 1000);
}

// --- handing over, forgetting ---------------------------------------------------------------------------------------------

function hand() {
  askHandover(async (contact) => {
    await begin();
    const message = await call("POST", here("/handoff"), contact ? { contact } : {});
    show(message);
    announce(message);
    await refresh();
  }, page.status === "waiting");
}

function forget() {
  askForget(async () => {
    await call("DELETE", here());
    fresh();
    tell("The conversation was forgotten.", { calm: true });
  });
}

// --- opening the page -------------------------------------------------------------------------------------------------

async function open() {
  page.info = await call("POST", "/chat/session", {});
}

async function start() {
  await ready();
  if (page.hurried && page.info) submit();
}

async function ready() {
  try {
    await open();
  } catch (error) {
    return tell(error.message, { retry: start, wait: error.wait });
  }
  document.title = byId("title").textContent = page.info.title;
  byId("disclosure-text").textContent = page.info.disclosure.text;
  byId("disclosure-where").textContent = `Answers come from “${page.info.generator.name}”. ${where(page.info.generator)}`;
  byId("disclosure").hidden = false;
  byId("privacy").disabled = false;
  page.status = "";
  const kept = sessionStorage.getItem(KEPT);
  if (kept && /^[\w-]{1,80}$/.test(kept)) {
    page.id = kept;
    try {
      const state = await call("GET", here("?after=0"));
      adopt(kept);
      absorb(state);
      return bottom(true);
    } catch (error) {
      page.id = undefined;
      if (error.status !== 404) return tell(error.message, { retry: start, wait: error.wait });
      sessionStorage.removeItem(KEPT);
    }
  }
  status("assistant");
  offer(page.info.quick_replies);
}

async function acknowledge() {
  quiet();
  try {
    await begin();
    draft.focus();
  } catch (error) {
    tell(error.message, { retry: acknowledge, wait: error.wait });
  }
}

preparePanels();
pictured(byId("person"), "person").addEventListener("click", hand);
pictured(byId("privacy"), "shield").addEventListener("click", () => showPrivacy(page.info, draft.value));
pictured(byId("forget"), "bin").addEventListener("click", forget);
pictured(byId("about"), "info").addEventListener("click", () => page.info && showAbout(page.info));
byId("send").append(icon("send"));
byId("understood").addEventListener("click", acknowledge);
byId("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  submit();
});
draft.addEventListener("input", grow);
draft.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  submit();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && page.stop && !page.busy) refresh().catch(() => {});
});
start();
