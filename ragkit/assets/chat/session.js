// Signing in on the agents' and the operator's page. The key goes to the service once and is kept nowhere here.

import { call } from "./api.js";
import { byId, el, replace } from "./dom.js";

const OTHER = { agent: "operate", operate: "agent" };

/** Find out who is here, or let them sign in; then `start(me)`. `scope`: what the page needs. */
export async function enter(scope, start) {
  byId("leave").onclick = async () => {
    await call("DELETE", "/session", {}).catch(() => {});
    location.reload();
  };
  try {
    admit(await call("GET", "/session"), scope, start);
  } catch (error) {
    if (error.status === 401) askKey(scope, start);
    else trouble(error, () => enter(scope, start));
  }
}

function admit(me, scope, start) {
  const open = me.via === "open";
  byId("open").hidden = !open;
  byId("leave").hidden = open;
  byId("who").textContent = open ? "" : [me.subject, me.tenant].filter(Boolean).join(", ");
  byId("other").hidden = !me.scopes.includes(OTHER[scope]);
  if (me.scopes.includes(scope)) return start(me);
  replace(
    byId("content"),
    el("section", { class: "sign" }, el("h2", {}, "This key does not open this page"), el("p", {}, `It needs a key with the scope “${scope}”. Sign out and use another one.`)),
  );
}

function askKey(scope, start, words = "") {
  const field = el("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true });
  const said = el("p", { class: "trouble", role: "alert" }, words);
  const go = el("button", { type: "submit", class: "primary" }, "Sign in");
  const form = el(
    "form",
    { class: "sign", method: "post", action: "/session" },
    el("h2", {}, "Sign in"),
    el("p", { class: "quiet" }, `With an API key that has the scope “${scope}”. It is sent to this service and stored nowhere in the browser.`),
    el("label", { for: "key" }, "API key"),
    field,
    said,
    go,
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const key = field.value.trim();
    field.value = "";
    go.disabled = true;
    try {
      await call("POST", "/session", { key });
      admit(await call("GET", "/session"), scope, start);
      byId("content").focus();
    } catch (error) {
      said.textContent = error.status === 401 ? "This key is not valid. It may be mistyped, expired or revoked." : error.message;
      go.disabled = false;
      field.focus();
    }
  });
  replace(byId("content"), form);
  field.focus();
}

/** Say what went wrong in place of the page, with a way to try again; a session that ended asks for the key anew. */
export function trouble(error, again) {
  if (error.status === 401) return location.reload();
  replace(
    byId("content"),
    el("section", { class: "sign", role: "alert" }, el("h2", {}, "That did not work"), el("p", {}, error.message), error.remedy ? el("p", { class: "quiet" }, error.remedy) : "", el("button", { type: "button", class: "secondary", onclick: again }, "Try again")),
  );
}
