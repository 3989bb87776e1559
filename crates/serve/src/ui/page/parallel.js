// Parallel coordinates: an axis for each thing, a line for each run (Inselberg 1985). On axes
// whose direction is known, better is up.

import { h, s } from "./dom.js";
import { num } from "./format.js";

/** Colours that stay apart for the colour-blind (Okabe and Ito), with dashes besides. */
const N_COLOURS = 7;
const DASHES = ["", "7 3", "2 3", "9 3 2 3"];
const [HEIGHT, TOP, BOTTOM] = [290, 48, 16];
/** From axis to axis, in pixels: few axes share the width, many scroll. */
const stepOf = (axes) => Math.max(118, Math.floor(1160 / Math.max(axes.length, 5)));
/** Labels of one axis. */
const N_LABELS = 8;

const dash = (i) => DASHES[Math.floor(i / N_COLOURS) % DASHES.length];

/** The sign of the run at place `i`: a piece of its line. */
export function look(i) {
  return s("svg", { class: `look c${i % N_COLOURS}`, viewBox: "0 0 22 8", "aria-hidden": "true" },
    s("line", { x1: 1, x2: 21, y1: 4, y2: 4, "stroke-dasharray": dash(i) }));
}

/** The chart and its legend, which lights up single runs. */
export function parallel(runs, axes) {
  const step = stepOf(axes);
  const width = step * axes.length;
  const scales = axes.map(scaleOf);
  const x = (i) => step * (i + 0.5);
  const lines = runs.map((run, r) => {
    const points = axes.map((axis, a) => [x(a), scales[a].at(axis.values[r])]);
    const known = points.filter(([, y]) => y !== null);
    return s("g", { class: `run c${r % N_COLOURS}`, "data-run": run.id },
      s("title", {}, `${run.kind} ${run.id}`),
      s("polyline", { points: known.map(([px, py]) => `${px},${py.toFixed(1)}`).join(" "),
        "stroke-dasharray": dash(r) }),
      known.map(([px, py]) => s("circle", { cx: px, cy: py, r: 3.5 })));
  });
  const svg = s("svg", { class: "parallel", viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT,
    role: "img", "aria-label": `Parallel coordinates of ${runs.length} runs over `
      + `${axes.map((axis) => axis.name).join(", ")}; the tables below have the values.` },
  axes.map((axis, a) => drawn(axis, x(a))), lines,
  // Above the lines, so that they can be read.
  axes.map((axis, a) => labels(scales[a], x(a))));
  const light = (id) => {
    svg.classList.toggle("some", id !== null);
    for (const line of lines) line.classList.toggle("lit", line.dataset.run === String(id));
  };
  let kept = null;
  const legend = h("ul", { class: "legend" }, runs.map((run, r) => h("li", {}, h("button", {
    class: "plain small", "aria-pressed": "false",
    onclick: (event) => {
      kept = kept === run.id ? null : run.id;
      for (const other of legend.querySelectorAll("button")) other.setAttribute("aria-pressed", "false");
      event.currentTarget.setAttribute("aria-pressed", String(kept === run.id));
      light(kept);
    },
    onmouseenter: () => light(run.id), onmouseleave: () => light(kept),
  }, look(r), ` ${run.kind} ${run.id}`))));
  for (const line of lines) {
    line.addEventListener("mouseenter", () => light(line.dataset.run));
    line.addEventListener("mouseleave", () => light(kept));
  }
  return h("figure", { class: "chart" }, legend,
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Parallel coordinates" }, svg));
}

/** Where a value stands on an axis, and the labels beside it. */
function scaleOf(axis) {
  const known = axis.values.filter((v) => v !== null && v !== undefined);
  const [up, down] = [TOP, HEIGHT - BOTTOM];
  if (known.every((v) => typeof v === "number")) {
    const [low, high] = [Math.min(...known), Math.max(...known)];
    const share = (v) => (high > low ? (v - low) / (high - low) : 0.5);
    const isTurned = axis.larger === false;
    const at = (v) => (typeof v !== "number" ? null
      : isTurned ? up + share(v) * (down - up) : down - share(v) * (down - up));
    const labels = [...new Set([low, high])].map((v) => [at(v), num(v)]);
    return { at, labels };
  }
  const levels = [...new Set(known.map(String))].sort();
  const places = new Map(levels.map((level, i) =>
    [level, levels.length > 1 ? down - (i / (levels.length - 1)) * (down - up) : (up + down) / 2]));
  const at = (v) => (v === null || v === undefined ? null : places.get(String(v)));
  return { at, labels: levels.slice(0, N_LABELS).map((level) => [places.get(level), level]) };
}

const short = (text, n) => (text.length > n ? `${text.slice(0, n - 1)}…` : text);

function drawn(axis, x) {
  const better = typeof axis.larger === "boolean" ? " ↑ better" : "";
  return s("g", {},
    s("text", { class: "axis-name", x, y: 16, "text-anchor": "middle" }, s("title", {}, axis.name),
      short(axis.name, 17)),
    s("text", { class: "tick", x, y: 30, "text-anchor": "middle" }, better.trim()),
    s("line", { class: "axis", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }));
}

function labels(scale, x) {
  return scale.labels.map(([y, text]) =>
    s("text", { class: "tick halo", x: x + 8, y: y + (y > HEIGHT / 2 ? -6 : 14) }, short(text, 15)));
}
