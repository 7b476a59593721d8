// Builds elements. Nothing here, or anywhere on these pages, takes a string as HTML: data only ever becomes text.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: `el("button", {class: "quiet", onclick: f}, "text", child)`. Empty children are left out. */
export function el(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Make an element of a picture. */
export function svg(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === "function") element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
}

/** Put these children in place of what an element holds. */
export function replace(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== undefined && child !== null && child !== ""));
  return element;
}

export const byId = (id) => document.getElementById(id);

const PATHS = {
  close: ["M6 6l12 12M18 6L6 18"],
  person: ["M12 12.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5"],
  shield: ["M12 3.5l7 2.5v5.5c0 4.3-2.9 7.4-7 9-4.1-1.6-7-4.7-7-9V6z", "M9 12l2.2 2.2L15.2 10"],
  bin: ["M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7M10.3 10.5v5.5M13.7 10.5v5.5"],
  send: ["M12 19V5M6 11l6-6 6 6"],
  up: ["M7.5 11v9H4.5v-9z", "M7.5 11l4-7.5c1.5 0 2.3 1 2 2.5l-.6 3.5h5.3c1.2 0 2 1 1.7 2.2l-1.5 6.8c-.2.9-1 1.5-1.9 1.5h-9"],
  down: ["M7.5 13V4H4.5v9z", "M7.5 13l4 7.5c1.5 0 2.3-1 2-2.5l-.6-3.5h5.3c1.2 0 2-1 1.7-2.2l-1.5-6.8c-.2-.9-1-1.5-1.9-1.5h-9"],
  page: ["M7 3.5h7l4 4v13H7z", "M14 3.5v4h4M10 12h5M10 15.5h5"],
  back: ["M19 12H5M11 6l-6 6 6 6"],
  info: ["M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17z", "M12 11v5.5M12 7.6v.4"],
  eye: ["M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z", "M12 14.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6z"],
};

/** Draw one of our own icons; decoration only, the words stand beside it or in the button's label. */
export function icon(name) {
  const lines = PATHS[name].map((d) => svg("path", { d }));
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" }, ...lines);
}

const HIDDEN = {
  PERSON: "name",
  EMAIL_ADDRESS: "e-mail address",
  PHONE_NUMBER: "phone number",
  LOCATION: "place",
  ADDRESS: "address",
  DATE_OF_BIRTH: "date of birth",
  CREDIT_CARD: "card number",
  IBAN_CODE: "bank account",
  IP_ADDRESS: "network address",
  URL: "web address",
};

/** The words of a table for a key; none for a key that only every object has, such as `constructor`. */
export const worded = (table, key) => (Object.hasOwn(table, key) ? table[key] : undefined);

/** Say an entity type in plain words. */
export function kind(type) {
  return worded(HIDDEN, type) ?? type.toLowerCase().replaceAll("_", " ");
}

const TOKEN = /\[([A-Z][A-Z0-9_]*):[0-9A-Z]{4,}-[0-9A-Z]{2}\]/g;

/** Turn text into nodes in which every masked value is a quiet chip that says what was hidden. */
export function masked(text) {
  const nodes = [];
  let position = 0;
  for (const token of text.matchAll(TOKEN)) {
    if (token.index > position) nodes.push(document.createTextNode(text.slice(position, token.index)));
    const words = kind(token[1]);
    nodes.push(el("span", { class: "chip", title: `Here stood a value that is masked (${words}).` }, `${words} hidden`));
    position = token.index + token[0].length;
  }
  if (position < text.length) nodes.push(document.createTextNode(text.slice(position)));
  return nodes;
}

/** Say a time as people do: the hour today, otherwise with the day. */
export function when(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  const hour = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  if (at.toDateString() === new Date().toDateString()) return hour;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })}, ${hour}`;
}

/** A `<time>` with a machine's and a person's words. */
export function time(iso) {
  return el("time", { datetime: iso }, when(iso));
}

/** "1 name", "2 names": a count with its noun. */
export function count(number, noun, plural = `${noun}s`) {
  return `${number.toLocaleString("en-GB")} ${number === 1 ? noun : plural}`;
}
