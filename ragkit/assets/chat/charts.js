// Two small charts as inline SVG. Each stands beside a table or carries its figures as text: no value is told by colour alone.

import { el, svg } from "./dom.js";

const HEIGHT = 180;
const BOTTOM = 22;
const LEFT = 34;

/** Stacked columns: one a day, one part a series. `series`: pairs of a field and its words; `width` in pixels. */
export function columns(days, series, label, width) {
  const sums = days.map((day) => series.reduce((sum, [name]) => sum + (day[name] ?? 0), 0));
  const top = nice(Math.max(...sums, 1));
  const step = (width - LEFT) / Math.max(days.length, 1);
  const scale = (HEIGHT - BOTTOM - 8) / top;
  const ground = HEIGHT - BOTTOM;
  const marks = [0, top / 2, top].filter(Number.isInteger).map((value) => [
    svg("line", { class: "grid", x1: LEFT, x2: width, y1: ground - value * scale, y2: ground - value * scale }),
    svg("text", { x: LEFT - 6, y: ground - value * scale + 4, "text-anchor": "end" }, String(value)),
  ]);
  const every = Math.ceil(days.length / Math.max(1, Math.floor(width / 60)));
  const bars = days.map((day, index) => {
    const x = LEFT + index * step + Math.min(step * 0.2, 8);
    const wide = Math.max(step - 2 * Math.min(step * 0.2, 8), 2);
    let y = ground;
    const parts = series.map(([name], kind) => {
      const high = (day[name] ?? 0) * scale;
      y -= high;
      return high > 0 ? svg("rect", { class: `part part-${kind}`, x, y: y + 0.5, width: wide, height: Math.max(high - 1, 1), rx: 2 }) : "";
    });
    const name = new Date(`${day.date}T12:00:00`).toLocaleDateString("en-GB", { day: "numeric", month: "short" });
    const words = index % every === 0 ? svg("text", { x: x + wide / 2, y: HEIGHT - 6, "text-anchor": "middle" }, name) : "";
    return svg("g", {}, svg("title", {}, `${name}: ${series.map(([field, said]) => `${said} ${day[field] ?? 0}`).join(", ")}`), ...parts, words);
  });
  const picture = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": label }, ...marks.flat(), ...bars);
  const key = el("ul", { class: "key" }, series.map(([, words], kind) => el("li", {}, svg("svg", { viewBox: "0 0 12 12", "aria-hidden": "true", class: "swatch" }, svg("rect", { class: `part part-${kind}`, width: 12, height: 12, rx: 3 })), words)));
  return el("figure", {}, key, picture);
}

/** Bars that lie: a list of words with a number each. */
export function lines(rows, nothing) {
  if (!rows.length) return el("p", { class: "quiet" }, nothing);
  const most = Math.max(...rows.map(([, value]) => value), 1);
  return el(
    "ul",
    { class: "lines" },
    rows.map(([words, value]) =>
      el("li", {}, el("span", {}, words), svg("svg", { viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true", class: "line" }, svg("rect", { class: "part part-0", width: (100 * value) / most, height: 8 })), el("span", { class: "figure" }, value.toLocaleString("en-GB"))),
    ),
  );
}

function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 10].map((one) => one * power).find((one) => one >= value) ?? value;
}
