// Scales and ticks for charts that are drawn as SVG.

import { s } from "./dom.js";
import { num } from "./format.js";

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
