// Thumbs under an answer; a thumb down asks for a reason and, if one likes, a word more.

import { call } from "./api.js";
import { el, icon, worded } from "./dom.js";

const REASONS = {
  wrong: "It is wrong",
  outdated: "It is out of date",
  incomplete: "Something is missing",
  unclear: "I do not understand it",
  "not-my-question": "It is about something else",
  other: "Another reason",
};
const PRAISE = new Set(["helpful", "clear"]);

export const reasonWords = (reason) => worded(REASONS, reason) ?? reason.replaceAll(/[-_]/g, " ").replace(/^./, (letter) => letter.toUpperCase());

/** Put the thumbs of a message into `host`. `path`: where its feedback goes. */
export function drawFeedback(host, path, message, reasons) {
  const note = el("span", { class: "quiet", role: "status" });
  const form = el("div", { class: "why" });
  const thumb = (rating, label) =>
    el("button", { type: "button", class: "thumb", "aria-label": label, title: label, "aria-pressed": String(message.feedback?.rating === rating), onclick: () => rate(rating) }, icon(rating));
  const thumbs = { up: thumb("up", "Helpful"), down: thumb("down", "Not helpful") };
  const press = (rating) => {
    for (const [name, button] of Object.entries(thumbs)) button.setAttribute("aria-pressed", String(name === rating));
  };
  const save = async (body, words) => {
    try {
      await call("POST", path, body);
      message.feedback = { rating: body.rating, reason: body.reason ?? null };
      note.textContent = words;
      return true;
    } catch (error) {
      note.textContent = error.message;
      return false;
    }
  };
  const rate = async (rating) => {
    press(rating);
    form.replaceChildren();
    const saved = await save({ rating }, "Thank you.");
    if (!saved) press(message.feedback?.rating);
    else if (rating === "down") ask();
  };
  const ask = () => {
    const group = `why-${message.id}`;
    const one = (reason) => el("label", { class: "choice" }, el("input", { type: "radio", name: group, value: reason }), el("span", {}, reasonWords(reason)));
    const comment = el("textarea", { rows: "2", maxlength: "1000", id: `${group}-more` });
    const go = el("button", { type: "button", class: "secondary" }, "Send");
    go.addEventListener("click", async () => {
      const reason = form.querySelector("input:checked")?.value;
      const body = { rating: "down" };
      if (reason) body.reason = reason;
      if (comment.value.trim()) body.comment = comment.value.trim();
      if (await save(body, "Thank you. This helps us to mend it.")) {
        form.replaceChildren();
        thumbs.down.focus();
      }
    });
    form.replaceChildren(
      el("fieldset", {}, el("legend", {}, "What was wrong?"), el("div", { class: "choices" }, reasons.filter((reason) => !PRAISE.has(reason)).map(one))),
      el("label", { for: `${group}-more` }, "Tell us more ", el("span", { class: "quiet" }, "(if you like)")),
      comment,
      go,
    );
    form.querySelector("input, textarea").focus();
  };
  host.append(el("div", { class: "thumbs" }, thumbs.up, thumbs.down, note), form);
}
