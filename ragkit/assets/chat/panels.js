// What the panels of the chat show: a source's passage, the privacy panel, about the assistant, handing over, forgetting.

import { call, Trouble } from "./api.js";
import { count, el, kind, masked, worded } from "./dom.js";
import { closeBox, showBox, showSide } from "./panel.js";

const WHERE = {
  "in-process": "It runs inside this service. Nothing you write is sent to another machine.",
  "on-prem": "It runs on the company's own machines.",
  managed: "It runs at a hosting company. Only your masked message is sent there.",
  remote: "It runs at an outside provider. Only your masked message is sent there.",
};

export const where = (generator) => worded(WHERE, generator.location) ?? "";

/** Show the passage of a source, the words that were quoted marked. */
export async function showPassage(conversation, source) {
  showSide("Source", el("p", { class: "quiet" }, "Opening the document …"));
  try {
    const passage = await call("GET", `/chat/conversations/${conversation}/passages/${encodeURIComponent(source.passage)}`);
    const above = [passage.heading.split(" > ").filter((part) => part !== passage.title).join(" > "), passage.page ? `page ${passage.page}` : ""].filter(Boolean).join(", ");
    const letters = Array.from(passage.text); // the service counts characters, a string here counts UTF-16 units
    const part = (start, end) => masked(letters.slice(start, end).join(""));
    const quoted = passage.end > passage.start ? el("mark", {}, part(passage.start, passage.end)) : "";
    showSide(
      "Source",
      el("p", { class: "document" }, masked(passage.title)),
      above ? el("p", { class: "quiet" }, masked(above)) : "",
      el(
        "blockquote",
        { class: "passage" },
        passage.before ? el("div", { class: "around" }, masked(passage.before.trim())) : "",
        el("div", {}, part(0, passage.start), quoted, part(passage.end, letters.length)),
        passage.after ? el("div", { class: "around" }, masked(passage.after.trim())) : "",
      ),
      el("p", { class: "quiet" }, "Marked: the words that the answer rests on. Personal data in our documents is masked."),
    );
    if (quoted) quoted.scrollIntoView({ block: "center" });
  } catch (error) {
    showSide("Source", el("p", {}, error.status === 404 ? "This passage is no longer there." : error.message));
  }
}

/** Say again that this is an AI, and what writes the answers. */
export function showAbout(info) {
  showSide(
    "About this assistant",
    el("p", {}, info.disclosure.text),
    el("h3", {}, "What writes the answers"),
    el("p", {}, `The generator is called “${info.generator.name}”. ${where(info.generator)}`),
    el("h3", {}, "What you can do"),
    el("ul", {}, ["Open the numbered sources to check a sentence.", "Ask for a person at any time.", "Have this conversation forgotten."].map((line) => el("li", {}, line))),
  );
}

/** Show a message as the model would see it, what was masked in it, and whether anything leaves. */
export function showPrivacy(info, draft) {
  const field = el("textarea", { id: "try", rows: "4", maxlength: "8000" });
  field.value = draft;
  const result = el("div", { class: "preview", role: "status" });
  const live = el("input", { type: "checkbox", id: "live" });
  let timer = 0;
  let asked = 0;
  const look = async () => {
    clearTimeout(timer);
    const turn = ++asked;
    const text = field.value.trim();
    if (!text) return result.replaceChildren(el("p", { class: "quiet" }, "Write something first."));
    try {
      const seen = await call("POST", "/chat/preview", { text });
      if (turn === asked) result.replaceChildren(...preview(seen));
    } catch (error) {
      if (turn === asked) result.replaceChildren(el("p", {}, error instanceof Trouble ? error.message : "That did not work."));
    }
  };
  const typed = () => {
    clearTimeout(timer);
    if (live.checked) timer = setTimeout(look, 600);
  };
  field.addEventListener("input", typed);
  live.addEventListener("change", typed);
  const form = el("form", { class: "try" }, el("label", { for: "try" }, "A message of yours"), field, el("div", { class: "act" }, el("button", { type: "submit", class: "primary" }, "Show what the model sees"), el("label", { class: "check", for: "live" }, live, "Show it while I type")), result);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    look();
  });
  showSide(
    "Privacy",
    el("p", {}, "Names, addresses, numbers and other personal data are masked before a message is searched with or shown to the model. Your own words are kept encrypted, for a person who helps you, until the conversation is forgotten."),
    form,
    el("h3", {}, "Where it goes"),
    el("p", {}, `Answers come from “${info.generator.name}”. ${where(info.generator)}`),
    el("p", { class: "quiet" }, "Trying a message here checks it in this service and does not add it to the conversation."),
  );
  if (draft.trim()) look();
}

function preview(seen) {
  const types = Object.entries(seen.entities).sort();
  const words = types.map(([type, number]) => count(number, kind(type), kind(type).replace(/s$/, "se").replace(/y$/, "ie") + "s"));
  const leaves = seen.leaves
    ? `Yes: this text goes to ${seen.destination || seen.generator}${seen.location === "remote" ? ", an outside provider" : ""}.`
    : "No.";
  return [
    el("h3", {}, "The model sees"),
    el("p", { class: "seen" }, aliased(seen.text)),
    el("dl", { class: "facts" }, el("div", {}, el("dt", {}, "Masked"), el("dd", {}, words.length ? words.join(", ") : "Nothing was found to mask")), el("div", {}, el("dt", {}, "Leaves this machine"), el("dd", {}, leaves))),
  ];
}

function aliased(text) {
  return text.split(/(\[[A-Z][A-Z0-9_]*[^\]\s]*\])/).map((part, index) => (index % 2 ? el("span", { class: "chip exact" }, part) : part));
}

/** Ask whether to hand over to a person, and how to reach the customer; `asked`: a person was asked already. */
export function askHandover(hand, asked) {
  const contact = el("input", { type: "text", id: "contact", maxlength: "200", autocomplete: "email", "aria-describedby": "contact-why" });
  const trouble = el("p", { class: "trouble", role: "alert" });
  const go = el("button", { type: "submit", class: "primary" }, asked ? "Leave it" : "Hand over");
  const form = el(
    "form",
    {},
    asked ? el("p", {}, "A person has been asked and will answer on this page. If you would rather be reached elsewhere, say where. Only who may see customers' words can see it, and each look is recorded.") : el("p", {}, "A person gets a short summary of this conversation, with personal data masked. Where your own words are needed, the person can look at them; each look is recorded with its reason."),
    el("label", { for: "contact" }, "E-mail or telephone ", asked ? "" : el("span", { class: "quiet" }, "(if you like)")),
    contact,
    el("p", { id: "contact-why", class: "quiet" }, "Only needed if you leave this page. Answers also appear here."),
    trouble,
    el("div", { class: "act" }, go, el("button", { type: "button", class: "secondary", onclick: closeBox }, "Not now")),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    go.disabled = true;
    try {
      await hand(contact.value.trim());
      closeBox();
    } catch (error) {
      trouble.textContent = error.message;
      go.disabled = false;
    }
  });
  contact.required = asked;
  showBox(asked ? "How can we reach you?" : "Talk to a person", form);
}

/** Ask whether the conversation is to be forgotten, and say what that means. */
export function askForget(forget) {
  const trouble = el("p", { class: "trouble", role: "alert" });
  const go = el("button", { type: "button", class: "danger" }, "Forget it");
  go.addEventListener("click", async () => {
    go.disabled = true;
    try {
      await forget();
      closeBox();
    } catch (error) {
      trouble.textContent = error.message;
      go.disabled = false;
    }
  });
  showBox(
    "Forget this conversation?",
    el("ul", {}, [
      "The keys to your messages and to the answers are destroyed. Nobody can read them again, neither we nor a person who helps you.",
      "A ticket keeps that it existed, without your words.",
      "Figures stay, such as how many questions were asked. They name nobody.",
    ].map((line) => el("li", {}, line))),
    el("p", {}, "This cannot be undone."),
    trouble,
    el("div", { class: "act" }, go, el("button", { type: "button", class: "secondary", onclick: closeBox }, "Keep it")),
  );
}
