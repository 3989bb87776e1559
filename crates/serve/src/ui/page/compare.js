// Runs side by side: lines through what differs, and the same as a table.

import { get } from "./api.js";
import { h, heading, prose, table } from "./dom.js";
import { duration, interval, num, parameter, parameterName, value } from "./format.js";
import { look, parallel } from "./parallel.js";
import { ends, whisker } from "./status.js";

export async function compare({ place, args, signal }) {
  const found = await get(`compare?runs=${args[0]}`, signal);
  const title = `Runs ${found.runs.map((run) => run.id).join(", ")}`;
  place.append(
    h("p", { class: "crumbs" }, h("a", { href: "#/runs" }, "Runs"), " / compare"),
    heading(`${found.runs.length} runs side by side`));
  const axes = axesOf(found);
  if (axes.length > 1) {
    place.append(h("section", {}, h("h2", {}, "What differs"), parallel(found.runs, axes)));
  }
  place.append(h("section", {}, h("h2", {}, "Metrics"),
    h("p", { class: "soft" }, prose("Values with their 95 % intervals; all of a row on one scale. "
      + "Intervals that overlap may still differ in a paired test: `modelwright compare`.")),
    grid("Metrics", found.runs, found.metrics.map(metricRow))));
  const [other, equal] = [true, false].map((d) => found.parameters.filter((p) => p.differs === d));
  place.append(h("section", {}, h("h2", {}, "Parameters that differ"),
    other.length ? grid("Parameters that differ", found.runs, [
      ...factRows(found.runs), ...other.map((p) => parameterRow(p))])
      : h("p", { class: "soft" }, "All were asked the same."),
    equal.length > 0 && h("details", {}, h("summary", {}, `${equal.length} that are equal`),
      grid("Parameters that are equal", found.runs, equal.map((p) => parameterRow(p))))));
  return title;
}

/** What the lines go through: parameters that differ, the time, then metrics. */
function axesOf({ runs, parameters, metrics }) {
  const known = (values) => values.filter((v) => v !== null && v !== undefined);
  const differs = (values) => new Set(known(values).map(String)).size > 1;
  const axes = [];
  const data = runs.map((run) => run.data_name);
  if (differs(data)) axes.push({ name: "data", values: data });
  for (const p of parameters) {
    const isPlain = known(p.values).every((v) => typeof v !== "object" || Array.isArray(v));
    // How much memory was free is no choice of anybody.
    if (p.differs && isPlain && p.name !== "memory_limit_bytes") {
      axes.push({ name: parameterName(p.name), values: p.values.map((v) => (Array.isArray(v) ? value(v) : v)) });
    }
  }
  axes.push({ name: "seconds", values: runs.map((run) => run.duration_s), larger: false });
  for (const m of metrics.slice(0, 6)) {
    axes.push({ name: m.name, values: m.values.map((v) => v?.value ?? null), larger: m.larger_is_better });
  }
  return axes.filter((axis) => differs(axis.values)).slice(0, 10);
}

function grid(caption, runs, rows) {
  const head = [h("th", { scope: "col" }, ""), runs.map((run, i) => h("th", { scope: "col" },
    look(i), " ", h("a", { href: `#/runs/${run.id}` }, `${run.kind} ${run.id}`)))];
  return table(caption, head, rows, { class: "compare" });
}

function metricRow(m) {
  const known = m.values.map((v) => v?.value).filter((v) => v !== null && v !== undefined);
  const best = typeof m.larger_is_better !== "boolean" || known.length < 2 ? null
    : m.larger_is_better ? Math.max(...known) : Math.min(...known);
  const [low, high] = ends(m.values);
  return h("tr", {}, h("th", { scope: "row" }, m.name, h("small", {}, `on ${m.rows}`)),
    m.values.map((v) => {
      if (!v || v.value === null) return h("td", {}, "–");
      const isBest = v.value === best;
      return h("td", {}, h(isBest ? "b" : "span", {}, num(v.value)),
        isBest ? h("small", { class: "tag" }, " best") : "", whisker(v, low, high, isBest),
        h("small", {}, interval(v.low, v.high)));
    }));
}

function parameterRow(p) {
  return h("tr", {}, h("th", { scope: "row" }, parameterName(p.name)),
    p.values.map((v) => h("td", { class: "long" }, parameter(p.name, v))));
}

function factRows(runs) {
  const rows = [["data", (run) => run.data_name], ["rows", (run) => run.n_rows && num(run.n_rows)],
    ["took", (run) => duration(run.duration_s)]];
  return rows.filter(([, of]) => new Set(runs.map(of)).size > 1).map(([name, of]) =>
    h("tr", {}, h("th", { scope: "row" }, name), runs.map((run) => h("td", {}, of(run) || "–"))));
}
