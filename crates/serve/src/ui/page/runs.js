// All runs: searched, sorted, chosen for comparison; refreshed while some are at work.

import { get, remove, repeat } from "./api.js";
import { ask, h, heading, nothing, say, table, trouble } from "./dom.js";
import { ago, duration, interval, moment, num } from "./format.js";
import { status } from "./status.js";

const SOME = 200;
const MANY = 5000;
/** Columns of metrics. */
const N_METRICS = 3;

/** The choice outlives the view, so that a look at a run does not lose it. */
const chosen = new Set();
let order = { by: "id", down: true };

export async function runs({ place, query, signal, reload }) {
  let limit = SOME;
  let found = await ask_for(query.get("q") || "", limit, signal);
  const input = h("input", { type: "search", id: "search", value: query.get("q") || "",
    placeholder: "adult, or metrics.roc_auc > 0.9 and kind = fit", autocomplete: "off",
    spellcheck: "false", "aria-describedby": "search-help" });
  const [list, complaint, bar] = [h("div"), h("div"), h("div")];
  const again = async () => {
    try {
      found = await ask_for(input.value, limit, signal);
      complaint.replaceChildren();
    } catch (error) {
      if (signal.aborted) return;
      complaint.replaceChildren(trouble(error));
      return;
    }
    draw();
  };
  const draw = () => {
    const shown = sorted(found.runs.filter((run) => speaksOf(run, input.value)));
    list.replaceChildren(...(shown.length ? rows(found, shown, draw) : [empty(input.value)]),
      found.has_more ? h("p", { class: "soft" }, `the newest ${limit} runs; `,
        h("button", { class: "plain small", onclick: () => {
          limit = MANY;
          again();
        } }, "show more")) : "");
    bar.replaceChildren(...actions(reload));
  };
  let waiting;
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      await again();
      const text = input.value.trim();
      history.replaceState(null, "", text ? `#/runs?q=${encodeURIComponent(text)}` : "#/runs");
      say(`${list.querySelectorAll("tbody tr").length} runs`);
    }, 200);
  });
  place.append(heading("Runs"),
    h("form", { class: "search", role: "search", onsubmit: (event) => event.preventDefault() },
      h("label", { for: "search", class: "unseen" }, "Search runs"), input,
      h("span", { id: "search-help", class: "soft hint" },
        "words, or conditions on kind, status, target, metrics.NAME, parameters.NAME")),
    complaint, list, bar);
  draw();
  repeat(signal, found.runs.some((run) => run.status === "running") ? 2 : 6, again);
  return "Runs";
}

/** Conditions are for the server; words are looked for here. */
const isCondition = (text) => /[=<>]|\blike\b/i.test(text);

function ask_for(text, limit, signal) {
  const query = isCondition(text) ? `&query=${encodeURIComponent(text.trim())}` : "";
  return get(`runs?limit=${limit}${query}`, signal);
}

function speaksOf(run, text) {
  if (isCondition(text)) return true;
  const own = [run.id, run.kind, run.status, dataOf(run), subjectOf(run), run.task, run.note,
    run.git_commit, run.host].join(" ").toLowerCase();
  return text.toLowerCase().split(/\s+/).every((word) => own.includes(word));
}

function empty(text) {
  if (text.trim()) return nothing("No run is like that.");
  return nothing("No runs yet. From now on they are recorded here:",
    "modelwright fit data.csv --target y");
}

/** The metrics that most of the runs were optimised by, then those that most have. */
function commonMetrics(shown) {
  const votes = new Map();
  for (const run of shown) {
    run.metrics.forEach((m, i) => votes.set(m.name, (votes.get(m.name) || 0) + (i ? 1 : 50)));
  }
  return [...votes.keys()].sort((a, b) => votes.get(b) - votes.get(a)).slice(0, N_METRICS);
}

const metricOf = (run, name) => run.metrics.find((m) => m.name === name && m.value !== null);

function keyOf(run, by) {
  if (by.startsWith("metrics.")) return metricOf(run, by.slice(8))?.value;
  return run[by];
}

function sorted(list) {
  const way = order.down ? -1 : 1;
  return [...list].sort((a, b) => {
    const [x, y] = [keyOf(a, order.by), keyOf(b, order.by)];
    const [noX, noY] = [x === null || x === undefined, y === null || y === undefined];
    // What has no value comes last, whichever way.
    if (noX || noY) return noX === noY ? b.id - a.id : noX ? 1 : -1;
    return (x < y ? -1 : x > y ? 1 : 0) * way || b.id - a.id;
  });
}

function rows(found, shown, draw) {
  const metrics = commonMetrics(shown);
  const column = (name, by, props = {}) => {
    const isOwn = order.by === by;
    return h("th", { scope: "col", ...props,
      "aria-sort": isOwn ? (order.down ? "descending" : "ascending") : undefined },
    h("button", { onclick: () => {
      const larger = found.metrics[by.slice(8)];
      const first = by === "id" || by === "started" || larger === true;
      order = { by, down: isOwn ? !order.down : first };
      draw();
    } }, name));
  };
  const best = new Map(metrics.map((name) => [name, bestOf(shown, name, found.metrics[name])]));
  const head = [h("th", { scope: "col" }, h("span", { class: "unseen" }, "choose")),
    column("Run", "id"), column("Status", "status"), column("Data", "data_name"),
    column("About", "target"), metrics.map((name) => column(name, `metrics.${name}`, { class: "n" })),
    column("Took", "duration_s", { class: "n" }), column("Started", "started", { class: "n" })];
  const body = shown.map((run) => row(run, found, metrics, best, draw));
  return [phoneOrder(metrics, found, draw), table("Runs", head, body, { class: "cards runs" })];
}

/** Where there is no room for heads of columns: the order as a choice. */
function phoneOrder(metrics, found, draw) {
  const ways = [["id", true, "newest first"], ...metrics.map((name) =>
    [`metrics.${name}`, found.metrics[name] !== false, `best ${name} first`]),
  ["duration_s", true, "longest first"]];
  return h("label", { class: "phone" }, "Order", h("select", { onchange: (event) => {
    const [by, down] = ways[event.target.selectedIndex];
    order = { by, down };
    draw();
  } }, ways.map(([by, , text]) => h("option", { selected: by === order.by }, text))));
}

/** The best value of a metric; null where values of other rows stand beside it. */
function bestOf(shown, name, larger) {
  const those = shown.filter((run) => metricOf(run, name));
  const same = new Set(those.map((run) => `${run.data_sha256} ${metricOf(run, name).rows}`));
  if (typeof larger !== "boolean" || those.length < 2 || same.size > 1) return null;
  const values = those.map((run) => metricOf(run, name).value);
  return larger ? Math.max(...values) : Math.min(...values);
}

/** The data of a run, or what it was asked to look at. */
function dataOf(run) {
  const asked = [].concat(run.parameters?.data || run.parameters?.current || [])[0];
  return run.data_name || (typeof asked === "string" ? asked.split("/").pop() : "");
}

/** What a run was about: its target, or the model that it looked at. */
function subjectOf(run) {
  const { target, model } = run.parameters || {};
  return run.target || target || (typeof model === "string" ? model.split("/").pop() : "");
}

function row(run, found, metrics, best, draw) {
  const live = found.live[run.id];
  const box = h("input", { type: "checkbox", checked: chosen.has(run.id),
    "aria-label": `choose run ${run.id}`, onchange: () => {
      if (!chosen.delete(run.id)) chosen.add(run.id);
      draw();
      document.querySelector(`[aria-label="choose run ${run.id}"]`)?.focus();
    } });
  const cell = (name) => {
    const m = metricOf(run, name);
    if (!m && live && live.metric === name && live.best !== null) {
      return h("td", { class: "n", "data-l": name }, h("i", {}, num(live.best)),
        h("small", {}, "so far, in validation"));
    }
    if (!m) return h("td", { class: "n", "data-l": name });
    return h("td", { class: "n", "data-l": name },
      h(m.value === best.get(name) ? "b" : "span", {}, num(m.value)),
      h("small", {}, interval(m.low, m.high)));
  };
  return h("tr", { class: chosen.has(run.id) ? "chosen" : "" },
    h("td", { class: "pick" }, box),
    h("th", { scope: "row" }, h("a", { href: `#/runs/${run.id}` }, `${run.kind} ${run.id}`)),
    h("td", { "data-l": "status" }, status(run.status),
      live && h("small", {}, `${live.phase || "begins"}, ${live.n_trials} tried`)),
    h("td", { "data-l": "data", class: "long" }, dataOf(run),
      run.n_rows && h("small", {}, `${num(run.n_rows)} rows`)),
    h("td", { "data-l": "about", class: "long" }, subjectOf(run)),
    metrics.map(cell),
    h("td", { class: "n", "data-l": "took" }, duration(run.duration_s)),
    h("td", { class: "n", "data-l": "started" },
      h("time", { datetime: run.started, title: moment(run.started) }, ago(run.started))));
}

function actions(reload) {
  if (!chosen.size) return [];
  const ids = [...chosen].sort((a, b) => a - b);
  const drop = async () => {
    const sure = await ask({ title: `Remove ${ids.length === 1 ? "the run" : `${ids.length} runs`}?`,
      body: h("p", {}, `Run ${ids.join(", ")}: metrics and report go. Registered models stay.`),
      confirm: "Remove", danger: true });
    if (!sure) return;
    for (const id of ids) {
      await remove(`runs/${id}`).catch((error) => alertOf(error));
      chosen.delete(id);
    }
    reload();
  };
  const alertOf = (error) => document.querySelector(".chosen-bar")?.prepend(trouble(error));
  return [h("div", { class: "chosen-bar", role: "group", "aria-label": "Chosen runs" },
    h("b", {}, `${ids.length} chosen`),
    ids.length > 1
      ? h("a", { class: "button", href: `#/compare/${ids.join(",")}` }, "Compare")
      : h("span", { class: "soft" }, "choose another to compare"),
    h("button", { class: "plain", onclick: drop }, "Remove…"),
    h("button", { class: "plain", onclick: () => {
      chosen.clear();
      reload();
    } }, "Clear"))];
}
