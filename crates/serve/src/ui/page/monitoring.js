// What watching found: for each model its checks over time, the last one in words.

import { get, part, repeat } from "./api.js";
import { h, heading, nothing, prose, s, table } from "./dom.js";
import { ago, interval, moment, num } from "./format.js";
import { axes, fitted, linear, ticks, ticksIn } from "./chart.js";
import { glyph, status } from "./status.js";

export async function monitoring({ place, signal }) {
  const list = h("div");
  place.append(heading("Monitoring"), list);
  const draw = async () => {
    const { checks } = await get("monitoring", signal);
    list.replaceChildren(...(checks.length ? groups(checks).map(one) : [empty()]));
  };
  await draw();
  repeat(signal, 15, draw);
  return "Monitoring";
}

const empty = () => nothing("No model was watched yet. Each comparison with new rows appears here:",
  "modelwright monitor churn@champion this_week.csv");

/** The checks of each model, newest first. */
function groups(checks) {
  const found = new Map();
  for (const check of checks) {
    const key = check.model_sha256 || check.asked;
    if (!found.has(key)) found.set(key, []);
    found.get(key).push(check);
  }
  return [...found.values()];
}

function one(checks) {
  const [last] = checks;
  const names = last.models.map((m) => `${m.name} version ${m.number}`);
  const title = names.length ? h("a", { href: `#/models/${part(last.models[0].name)}` }, names.join(", "))
    : String(last.asked || "a model");
  return h("section", {},
    h("div", { class: "heading" }, h("h2", { class: "name" }, title),
      last.verdict && status(last.verdict.status)),
    h("p", { class: "finding" }, last.verdict ? last.verdict.summary : last.note || ""),
    last.explanation?.length > 0 && h("ul", { class: "remarks" },
      last.explanation.slice(0, 4).map((text) => h("li", {}, prose(text)))),
    strip(checks), trend(checks), checksTable(checks));
}

/** A square for each check, oldest first. */
function strip(checks) {
  const past = [...checks].reverse().slice(-60);
  return h("ol", { class: "strip", "aria-label": "Verdicts, oldest first" }, past.map((check) => {
    const name = check.verdict?.status || "unknown";
    const text = `${moment(check.created || check.started)}: ${name}`;
    return h("li", {}, h("a", { href: `#/runs/${check.run}/report`, title: text, "aria-label": text },
      glyph(name)));
  }));
}

const HEIGHT = 190;

/** The metric over the checks, with its interval and the value on untouched rows. */
function trend(checks) {
  const past = [...checks].reverse().filter((check) => check.metric?.value !== null
    && check.metric?.value !== undefined).slice(-60);
  if (past.length < 2) return "";
  const { name, reference, larger_is_better: larger } = past.at(-1).metric;
  const same = past.filter((check) => check.metric.name === name);
  const all = same.flatMap(({ metric: m }) => [m.value, m.ci95?.low ?? m.value, m.ci95?.high ?? m.value]);
  if (reference !== null) all.push(reference);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const pad = (high - low || 1) * 0.06;
  const days = new Set(same.map((check) => moment(check.created).slice(0, 10)));
  const [from, to] = days.size > 1 ? [5, 10] : [11, 16];
  const day = (i) => (same[i] ? moment(same[i].created).slice(from, to) : "");
  const summary = `${name} of the last ${same.length} checks, last ${num(same.at(-1).metric.value)}, `
    + `on untouched rows ${num(reference)}`;
  const draw = (width) => {
    const box = { left: 56, right: width - 12, top: 24, bottom: HEIGHT - 34 };
    const y = linear(low - pad, high + pad, box.bottom, box.top);
    const x = linear(0, Math.max(same.length - 1, 1), box.left + 14, box.right - 14);
    const places = ticks(0, same.length - 1, ticksIn(width)).filter(Number.isInteger);
    const marks = same.map(({ metric: m, is_measured: isMeasured, created }, i) => s("g", {
      class: m.worse ? "worse" : isMeasured ? "" : "expected" },
    m.ci95 && s("line", { class: "interval", x1: x(i), x2: x(i), y1: y(m.ci95.low), y2: y(m.ci95.high) }),
    s("circle", { class: "dot", cx: x(i), cy: y(m.value), r: 4 },
      s("title", {}, `${moment(created)}: ${num(m.value)} (${isMeasured ? "measured" : "expected"})`))));
    return s("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", "aria-label": summary },
      axes({ x: { scale: x, ticks: places }, y: { scale: y, ticks: ticks(low, high, 4) }, box,
        xName: "", yName: `${name}, ${larger ? "higher" : "lower"} is better`, xText: day }),
      reference !== null && s("line", { class: "reference", x1: box.left, x2: box.right,
        y1: y(reference), y2: y(reference) }), marks);
  };
  return h("figure", { class: "chart" }, fitted(draw), h("figcaption", { class: "soft" },
    "Filled: measured with labels. Hollow: expected, without labels. Dashed: on the untouched rows."));
}

/** How the groups of sensitive columns are treated, and groups in which predictions are off. */
function groupsOf(found) {
  if (!found) return "";
  const looks = { unequal: "alarm", unclear: "warning", alike: "done" };
  const audits = found.audits.map((audit) => h("div", { title: audit.verdict },
    status(looks[audit.judgement] || "", `${audit.columns.join(" × ")}: ${audit.judgement.replace("_", " ")}`),
    audit.value !== null && h("small", {}, ` ${num(audit.value)} ${interval(audit.ci95?.low, audit.ci95?.high)}`)));
  const off = found.off.map((slice) => h("div", {},
    status("warning", `${slice.column} = ${slice.group} off by ${num(slice.bias.value)}`)));
  return [...audits, ...off];
}

function checksTable(checks) {
  const hasGroups = checks.some((check) => check.groups?.audits.length || check.groups?.off.length);
  const rows = checks.slice(0, 50).map((check) => {
    const m = check.metric;
    return h("tr", {},
      h("th", { scope: "row" }, h("a", { href: `#/runs/${check.run}/report` },
        moment(check.created || check.started)), h("small", {}, ago(check.started))),
      h("td", { "data-l": "verdict" }, check.verdict ? status(check.verdict.status) : ""),
      h("td", { class: "long", "data-l": "rows" }, check.rows?.names.join(", ") || "",
        check.rows && h("small", {}, `${num(check.rows.n_rows)} rows`)),
      h("td", { "data-l": "drifted columns", class: "long" },
        check.n_columns === undefined ? "" : `${check.n_drifted} of ${check.n_columns}`,
        h("small", {}, check.drifted?.join(", "))),
      h("td", { class: "n", "data-l": m?.name || "metric" }, m ? num(m.value) : "",
        m && h("small", {}, `${m.name}, ${check.is_measured ? "measured" : "expected"} `,
          interval(m.ci95?.low, m.ci95?.high)), m?.worse ? status("alarm", "worse") : ""),
      hasGroups && h("td", { class: "long", "data-l": "groups" }, groupsOf(check.groups)));
  });
  return h("details", { open: checks.length < 6 }, h("summary", {}, `${checks.length} ${checks.length === 1 ? "check" : "checks"}`),
    table("Checks", [h("th", { scope: "col" }, "When"), h("th", { scope: "col" }, "Verdict"),
      h("th", { scope: "col" }, "Rows"), h("th", { scope: "col" }, "Drifted columns"),
      h("th", { scope: "col", class: "n" }, "Metric"),
      hasGroups && h("th", { scope: "col" }, "Groups")].filter(Boolean), rows,
    { class: "cards" }));
}
