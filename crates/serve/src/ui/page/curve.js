// The trials of a fit over time, and the best so far: drawn anew as lines come in.

import { h, s } from "./dom.js";
import { axes, fitted, linear, ticks, ticksIn } from "./chart.js";
import { duration, num } from "./format.js";

const HEIGHT = 260;

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
export function curve(told) {
  const { trials, metric, larger, until_s: until } = told;
  const scored = trials.filter((trial) => trial.score !== null);
  if (!scored.length) return h("p", { class: "soft" }, "No trial has ended yet.");
  const best = leaders(trials);
  const [low, high, worst] = range(scored, best, larger);
  const last = best.at(-1);
  const name = metric || "score";
  const summary = `${name} of ${scored.length} trials in validation over `
    + `${duration(until)}; the best is ${last ? `${last.name} with ${num(last.score)}` : "not known"}.`;
  return h("figure", { class: "chart" },
    fitted((width) => drawn({ ...told, scored, best, low, high, name, summary }, width)),
    worst && h("figcaption", { class: "soft" }, worst));
}

function drawn({ scored, best, low, high, name, summary, larger, until_s: until, is_live: isLive }, width) {
  const box = { left: 56, right: width - 12, top: 26, bottom: HEIGHT - 36 };
  const x = linear(0, Math.max(until, 0.001), box.left, box.right);
  const y = linear(low, high, box.bottom, box.top);
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
  return s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": summary },
    axes({ x: { scale: x, ticks: ticks(0, until, ticksIn(width)) }, y: { scale: y, ticks: ticks(low, high, 4) },
      box, xName: isLive ? "seconds so far" : "seconds since the start",
      yName: `${name}, ${larger ? "higher" : "lower"} is better` }),
    s("path", { class: "line", d: path }), points, note);
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
