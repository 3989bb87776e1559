// The trials of a fit over time, and the best so far: drawn anew as lines come in.

import { h, s } from "./dom.js";
import { axes, linear, ticks } from "./chart.js";
import { duration, num } from "./format.js";

const [WIDTH, HEIGHT] = [720, 260];
const BOX = { left: 56, right: WIDTH - 12, top: 26, bottom: HEIGHT - 36 };

/** The best of the trials up to each; of trials that the program called best. */
export function leaders(trials) {
  return trials.filter((trial) => trial.best && trial.score !== null);
}

/** Whether larger scores are better, as far as the trials tell. */
export function direction(trials, known) {
  if (typeof known === "boolean") return known;
  const best = leaders(trials);
  return best.length > 1 ? best.at(-1).score > best[0].score : true;
}

/** The chart; `until_s` is where time stands. */
export function curve({ trials, metric, larger, until_s: until, is_live: isLive }) {
  const scored = trials.filter((trial) => trial.score !== null);
  if (!scored.length) return h("p", { class: "soft" }, "No trial has ended yet.");
  const best = leaders(trials);
  const [low, high, worst] = range(scored, best, larger);
  const x = linear(0, Math.max(until, 0.001), BOX.left, BOX.right);
  const y = linear(low, high, BOX.bottom, BOX.top);
  // What is far off stands at the rim, so that it does not press the others together.
  const clip = (score) => Math.min(Math.max(score, low), high);
  const points = scored.map((trial) => s("circle", {
    class: `trial${trial.best ? " best" : ""}${clip(trial.score) === trial.score ? "" : " off"}`,
    cx: x(trial.after_s), cy: y(clip(trial.score)), r: trial.best ? 4 : 3 },
  s("title", {}, `${trial.name}: ${num(trial.score)} after ${duration(trial.after_s)}`)));
  let path = "";
  for (const trial of best) {
    const [px, py] = [x(trial.after_s).toFixed(1), y(clip(trial.score)).toFixed(1)];
    path += path ? `H${px}V${py}` : `M${px},${py}`;
  }
  if (path) path += `H${x(until).toFixed(1)}`;
  const last = best.at(-1);
  const note = last && s("text", { class: "note", x: x(until), y: y(clip(last.score)) + (larger ? -7 : 15),
    "text-anchor": "end" }, num(last.score));
  const name = metric || "score";
  const summary = `${name} of ${scored.length} trials in validation over `
    + `${duration(until)}; the best is ${last ? `${last.name} with ${num(last.score)}` : "not known"}.`;
  return h("figure", { class: "chart" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": summary },
      axes({ x: { scale: x, ticks: ticks(0, until, 6) }, y: { scale: y, ticks: ticks(low, high, 4) },
        box: BOX, xName: isLive ? "seconds so far" : "seconds since the start",
        yName: `${name}, ${larger ? "higher" : "lower"} is better` }),
      s("path", { class: "line", d: path }), points, note),
    worst && h("figcaption", { class: "soft" }, worst));
}

/** The scores that are shown: from the best to where the bulk ends. */
function range(scored, best, larger) {
  const values = scored.map((trial) => trial.score).sort((a, b) => (larger ? b - a : a - b));
  const bulk = values[Math.floor((values.length - 1) * 0.85)];
  const first = best.length > 1 ? best[1].score : bulk;
  const worst = larger ? Math.min(bulk, first) : Math.max(bulk, first);
  const [low, high] = larger ? [worst, values[0]] : [values[0], worst];
  const pad = (high - low || Math.abs(high) * 0.01 || 1) * 0.08;
  const nOff = values.filter((v) => v < low - pad || v > high + pad).length;
  return [low - pad, high + pad,
    nOff ? `${nOff} worse ${nOff === 1 ? "trial stands" : "trials stand"} at the rim` : ""];
}
