// Small signs: a state as glyph and word, never as colour alone.

import { h, s } from "./dom.js";
import { interval, num } from "./format.js";

const LOOKS = {
  running: ["accent", "◐"], finished: ["good", "✓"], failed: ["severe", "✕"],
  lost: ["warning", "?"], stable: ["good", "✓"], watch: ["warning", "△"], warning: ["warning", "△"],
  alarm: ["severe", "✕"], done: ["good", "✓"], stopped: ["warning", "◼"],
};

/** A state. */
export function status(name, text) {
  const [tone, glyph] = LOOKS[name] || ["", "·"];
  return h("span", { class: `mark ${tone}` }, h("span", { "aria-hidden": "true" }, `${glyph} `),
    text || name);
}

/** The glyph of a state, for small places. */
export function glyph(name) {
  const [tone, sign] = LOOKS[name] || ["", "·"];
  return h("span", { class: `glyph ${tone}`, "aria-hidden": "true" }, sign);
}

/** A value with its interval on a scale that it shares with others. */
export function whisker(m, low, high, isBest) {
  const width = 120;
  const at = (v) => 6 + (width - 12) * (high > low ? (v - low) / (high - low) : 0.5);
  const hasInterval = m.low !== null && m.low !== undefined;
  const text = `${num(m.value)}${hasInterval ? `, 95 % interval ${interval(m.low, m.high)}` : ""}`;
  return s("svg", { class: `whisker${isBest ? " best" : ""}`, viewBox: `0 0 ${width} 14`,
    role: "img", "aria-label": text },
  s("line", { class: "lane", x1: 0, x2: width, y1: 7, y2: 7 }),
  hasInterval && s("line", { class: "interval", x1: at(m.low), x2: at(m.high), y1: 7, y2: 7 }),
  s("circle", { class: "dot", cx: at(m.value), cy: 7, r: 4 }));
}

/** The ends of the scale that holds all of these and their intervals. */
export function ends(list) {
  const all = list.filter(Boolean).flatMap((m) => [m.value, m.low ?? m.value, m.high ?? m.value]);
  const known = all.filter((v) => v !== null && v !== undefined);
  return [Math.min(...known), Math.max(...known)];
}
