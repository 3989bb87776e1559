// Scales and ticks for charts that are drawn as SVG.

import { h, s } from "./dom.js";
import { num } from "./format.js";

/** Widths for which charts are drawn: narrower ones would have no room for their labels. */
const WIDTH_MIN = 280;
/** A tick of the horizontal axis needs so much room. */
const TICK_ROOM = 110;

/** A chart that is drawn for the width it has, one unit a pixel, and again when that changes: its
 * text is as large on a phone as on a desk. `draw` takes the width and returns the SVG. */
export function fitted(draw) {
  const room = h("div", { class: "fitted" });
  let drawn = 0;
  new ResizeObserver(([entry]) => {
    const width = Math.max(WIDTH_MIN, Math.round(entry.contentRect.width));
    if (width === drawn || !entry.contentRect.width) return;
    drawn = width;
    room.replaceChildren(draw(width));
  }).observe(room);
  return room;
}

/** How many ticks a horizontal axis of a width has room for. */
export function ticksIn(width) {
  return Math.max(2, Math.min(6, Math.floor(width / TICK_ROOM)));
}

/** Round steps from `low` to `high`. */
export function ticks(low, high, n = 5) {
  const rough = (high - low) / n;
  if (!(rough > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((k) => k * power).find((k) => k >= rough);
  const found = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i += 1) {
    found.push(Number((i * step).toPrecision(12)));
  }
  return found;
}

/** A tick's label: no more digits than it has. */
export function tickText(value) {
  return Math.abs(value) < 1e-4 && value !== 0 ? num(value)
    : String(Number(value.toPrecision(6))).replace("-", "−");
}

/** A straight scale. */
export function linear(low, high, from, to) {
  const width = high - low || 1;
  return (value) => from + ((value - low) / width) * (to - from);
}

/** Axes of a chart with room for their labels: grid lines, ticks and names. */
export function axes({ x, y, box, xName, yName, xText = tickText }) {
  const parts = [];
  for (const value of y.ticks) {
    const at = y.scale(value);
    parts.push(s("line", { class: "grid", x1: box.left, x2: box.right, y1: at, y2: at }),
      s("text", { class: "tick", x: box.left - 6, y: at + 3.5, "text-anchor": "end" }, tickText(value)));
  }
  for (const value of x.ticks) {
    parts.push(s("text", { class: "tick", x: x.scale(value), y: box.bottom + 15,
      "text-anchor": "middle" }, xText(value)));
  }
  parts.push(s("line", { class: "axis", x1: box.left, x2: box.right, y1: box.bottom, y2: box.bottom }),
    s("text", { class: "label", x: box.right, y: box.bottom + 29, "text-anchor": "end" }, xName),
    s("text", { class: "label", x: box.left, y: box.top - 8 }, yName));
  return parts;
}
