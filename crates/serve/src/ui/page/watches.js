// Watches of a model: where each stands, what it decided, and yes or no to a version that waits.

import { part, post } from "./api.js";
import { ask, facts, h, prose, table } from "./dom.js";
import { ago, interval, moment, num } from "./format.js";
import { status } from "./status.js";

const PHASES = {
  steady: () => "Nothing but watching.",
  trial: (p) => `Version ${p.version} is on trial: it must win on rows that come after it.`,
  canary: (p) => `Version ${p.version} answers a share of the requests (step ${p.step + 1}).`,
  waiting: (p) => `Version ${p.version} passed everything that was asked, and waits for a person.`,
  approved: (p) => `Version ${p.version} was approved; the watch goes on with its next look.`,
  guard: (p) => `Version ${p.version} is in use; version ${p.previous} comes back if it was better.`,
};

/** The sections of all watches of a model; none without a watch. */
export function watches(found, change) {
  return (found.watches || []).map((watch) => h("section", { class: "watch" },
    h("h2", {}, `Watched by rule: ${watch.alias}`),
    h("p", {}, PHASES[watch.phase.is]?.(watch.phase) ?? watch.phase.is,
      watch.phase.since && [" ", h("span", { class: "soft" }, `since ${moment(watch.phase.since)}`)]),
    watch.waits !== null && waiting(found, watch, change),
    decisions(watch.decisions)));
}

function waiting(found, watch, change) {
  const decision = watch.decision;
  return h("div", { class: "card" },
    decision && [h("p", { class: "finding" }, decision.summary), gates(decision)],
    h("div", { class: "actions" },
      h("button", { onclick: () => answer(found, watch, true, change) },
        `Approve version ${watch.waits}…`),
      h("button", { class: "plain", onclick: () => answer(found, watch, false, change) },
        `Reject version ${watch.waits}…`)));
}

function gates(decision) {
  const rows = decision.gates.map((gate) => h("tr", {},
    h("th", { scope: "row" }, gate.gate),
    h("td", { "data-l": "passed" }, status(gate.passed ? "done" : "alarm", gate.passed ? "yes" : "no")),
    h("td", { class: "long", "data-l": "why" }, prose(gate.words))));
  return [facts([["Metric", decision.metric], ["In use", num(decision.champion)],
    ["New", num(decision.challenger)], ["Rows that judged", num(decision.n_rows)],
    ["95 % interval of the gain", gain(decision)]]),
  table("What it had to pass", ["Gate", "Passed", "Why"].map((text) => h("th", { scope: "col" }, text)),
    rows, { class: "cards" })];
}

const gain = (decision) => {
  const own = decision.gates.find((gate) => gate.gate === "gain")?.ci95;
  return own ? interval(own.low, own.high) : "";
};

async function answer(found, watch, approves, change) {
  const target = `${found.name}@${watch.alias}`;
  const version = watch.waits;
  const said = await ask({
    title: approves ? `Approve version ${version}?` : `Reject version ${version}?`,
    body: [h("p", {}, approves
      ? `${target} becomes version ${version}, at once, for whoever asks for the alias.`
      : `${target} stays as it is. The version stays in the list.`),
    h("label", {}, "Why (kept in the history)", h("input", { name: "reason", autocomplete: "off" }))],
    confirm: approves ? "Approve" : "Reject", danger: !approves });
  if (!said) return;
  const path = `models/${part(found.name)}/aliases/${part(watch.alias)}/answer`;
  change(() => post(path, { approve: approves, version, reason: said.reason }),
    approves ? `${target} is version ${version}` : `version ${version} was turned down`);
}

function decisions(list) {
  if (!list.length) return "";
  const rows = list.map((row) => h("tr", {},
    h("td", { "data-l": "when" }, h("time", { datetime: row.at, title: moment(row.at) }, ago(row.at))),
    h("th", { scope: "row" }, row.action),
    h("td", { class: "long", "data-l": "why" }, prose(row.words),
      (row.error || row.summary) && h("small", {}, prose(row.error || row.summary))),
    h("td", { "data-l": "run" }, row.run ? h("a", { href: `#/runs/${row.run}` }, `run ${row.run}`) : "")));
  return h("details", {}, h("summary", {}, `The last ${list.length} decisions`),
    table("Decisions", ["When", "Decision", "Why", "Run"].map((text) => h("th", { scope: "col" }, text)),
      rows, { class: "cards" }));
}
