// One run: what was asked, what came of it, its trials, its report; live while it is at work.

import { get, part, post, repeat, url } from "./api.js";
import { curve, direction, leaders } from "./curve.js";
import { ask, facts, h, heading, say, table, trouble } from "./dom.js";
import { duration, interval, moment, num, parameter, parameterName, percent } from "./format.js";
import { ends, status, whisker } from "./status.js";

export async function run({ place, args, signal, reload }) {
  const [id, tab] = args;
  const found = await get(`runs/${id}`, signal);
  const own = found.run;
  const title = `${own.kind} ${own.id}`;
  if (tab === "report" && found.has_report) {
    place.append(head(found, title, "report"),
      h("iframe", { class: "report", title: `Report of ${title}`, src: url(`runs/${id}/report`),
        sandbox: "allow-scripts allow-popups" }));
    return `Report of ${title}`;
  }
  place.append(head(found, title, "overview"));
  const isRunning = own.status === "running";
  const told = await get(`runs/${id}/progress`, signal);
  const board = found.has_leaderboard ? await get(`runs/${id}/leaderboard`, signal) : null;
  if (own.note) {
    const tone = own.status === "failed" ? "severe" : own.status === "lost" ? "warning" : "";
    place.append(h("div", { class: `callout ${tone}` }, h("p", {}, own.note)));
  }
  const live = h("div");
  place.append(h("div", { class: "beside" }, own.metrics.length ? measured(found) : "", live));
  const lines = told.lines;
  const metric = board?.metric || told.metric;
  const draw = () => live.replaceChildren(...progress(own, lines, { ...told, metric }, board));
  draw();
  if (board) place.append(leaderboard(board));
  place.append(asked(own), about(found));
  if (isRunning) {
    const more = async () => {
      const next = await get(`runs/${id}/progress?from=${told.next}`, signal);
      told.next = next.next;
      lines.push(...next.lines);
      if (next.status !== "running") {
        say(`run ${id}: ${next.status}`);
        reload();
      } else draw();
    };
    repeat(signal, 1, more);
  }
  return title;
}

function head(found, title, tab) {
  const { run: own } = found;
  const link = (name, to) => h("a", { href: to, "aria-current": name === tab ? "page" : undefined },
    name === "overview" ? "Overview" : "Report");
  return h("div", {},
    h("p", { class: "crumbs" }, h("a", { href: "#/runs" }, "Runs"), ` / ${title}`),
    heading(h("span", {}, title, " ", status(own.status)),
      own.model_sha256 && found.has_leaderboard && own.status === "finished"
        && h("button", { onclick: (event) => register(own, event.target) }, "Register…"),
      found.files.map((name) => h("a", { class: "button plain", download: true,
        href: url(`runs/${own.id}/files/${name}`) }, name))),
    found.has_report && h("nav", { class: "tabs", "aria-label": "Run" },
      link("overview", `#/runs/${own.id}`), link("report", `#/runs/${own.id}/report`)));
}

/** Makes the run's model the next version of a registered one. */
async function register(own, button) {
  const known = (await get("models")).models.map(({ model }) => model.name);
  const answer = await ask({
    title: `Register the model of ${own.kind} ${own.id}`,
    body: [h("label", {}, "Name", h("input", { name: "name", required: true, autocomplete: "off",
      list: "known-models", pattern: "[\\p{L}\\p{N}_\\-][\\p{L}\\p{N}_.\\-]*",
      title: "letters, digits, - _ and ." }),
    h("datalist", { id: "known-models" }, known.map((value) => h("option", { value })))),
    h("label", {}, "Alias (none if left empty)", h("input", { name: "alias", autocomplete: "off" })),
    h("label", {}, "Note", h("input", { name: "note", autocomplete: "off" }))],
    confirm: "Register" });
  if (!answer) return;
  try {
    const { version } = await post(`models/${part(answer.name)}/versions`,
      { run: own.id, alias: answer.alias || null, note: answer.note || null });
    say(`${answer.name}, version ${version.number}`);
    location.hash = `#/models/${part(answer.name)}`;
  } catch (error) {
    button.closest(".heading").after(trouble(error));
  }
}

/** Metrics on untouched rows, each on a scale of its own interval. */
function measured(found) {
  const rows = found.run.metrics.map((m) => {
    const larger = found.metrics[m.name];
    const hint = typeof larger === "boolean" ? `${larger ? "higher" : "lower"} is better` : "";
    return h("tr", {}, h("th", { scope: "row", title: hint }, m.name,
      hint && h("span", { class: "soft" }, h("span", { "aria-hidden": "true" }, larger ? " ↑" : " ↓"),
        h("span", { class: "unseen" }, ` ${hint}`))),
      h("td", { class: "n", "data-l": "value" }, num(m.value)),
      h("td", { "data-l": "95 % interval" }, interval(m.low, m.high)),
      h("td", { "data-l": "measured on" }, m.rows));
  });
  return h("section", {}, h("h2", {}, "Measured"), table("Metrics", [
    h("th", { scope: "col" }, "Metric"), h("th", { scope: "col", class: "n" }, "Value"),
    h("th", { scope: "col" }, "95 % interval"), h("th", { scope: "col" }, "On"),
  ], rows, { class: "cards" }));
}

/** The curve of the trials and, while the run is at work, what it does and the best so far. */
function progress(own, lines, told, board) {
  const trials = lines.filter((line) => line.what === "trial");
  const isRunning = own.status === "running";
  if (!isRunning && !trials.length) return [];
  const since = (Date.now() - Date.parse(own.started)) / 1000;
  const last = lines.at(-1)?.after_s || 0;
  const until = isRunning ? Math.max(last, since) : own.duration_s || last;
  const larger = direction(trials, board ? board.larger_is_better : told.larger_is_better);
  const parts = [h("h2", {}, isRunning ? "At work" : "The search")];
  if (isRunning) parts.push(clock(lines, until, told.time_limit_s));
  const chart = curve({ trials, metric: told.metric, larger, until_s: until, is_live: isRunning });
  if (isRunning) parts.push(h("div", { class: "beside" }, chart, top(trials, larger)), remarks(lines));
  else parts.push(chart);
  return [h("section", {}, parts)];
}

function clock(lines, until, limit) {
  const phase = lines.filter((line) => line.what === "phase").at(-1)?.text || "begins";
  const share = limit ? Math.min(until / limit, 1) : null;
  const left = limit ? `, ${duration(Math.max(limit - until, 0))} left` : "";
  return h("p", { class: "clock" }, h("b", {}, phase), ` · ${duration(until)} so far${left}`,
    share !== null && h("progress", { value: share, max: 1, "aria-label": "time used" }));
}

function top(trials, larger) {
  const scored = trials.filter((trial) => trial.score !== null);
  if (!scored.length) return "";
  scored.sort((a, b) => (larger ? b.score - a.score : a.score - b.score));
  const best = leaders(trials).at(-1);
  return table("Best so far", [h("th", { scope: "col" }, "Trial"),
    h("th", { scope: "col", class: "n" }, "Score"), h("th", { scope: "col", class: "n" }, "After")],
  scored.slice(0, 8).map((trial) => h("tr", { class: trial === best ? "chosen" : "" },
    h("th", { scope: "row" }, trial.name), h("td", { class: "n" }, num(trial.score)),
    h("td", { class: "n" }, duration(trial.after_s)))));
}

function remarks(lines) {
  const said = lines.filter((line) => line.what === "warning" || line.what === "note").slice(-6);
  return said.length ? h("ul", { class: "remarks" }, said.map((line) => h("li", {}, line.text))) : "";
}

function leaderboard(board) {
  const scored = board.trials.filter((trial) => trial.score !== null);
  const all = scored.map((t) => ({ value: t.score, low: t.ci95?.low, high: t.ci95?.high }));
  const [low, high] = ends(all.slice(0, Math.max(3, Math.ceil(all.length * 0.8))));
  const rows = board.trials.map((trial, i) => {
    const m = { value: trial.score, low: trial.ci95?.low, high: trial.ci95?.high };
    const fits = trial.score !== null && trial.score >= low && trial.score <= high;
    return h("tr", {},
      h("th", { scope: "row" }, trial.name, h("small", {}, `${trial.learner}, ${trial.encoding}`)),
      h("td", { class: "n", "data-l": board.metric }, num(trial.score)),
      h("td", { "data-l": "95 % interval" }, fits ? whisker(m, low, high, i === 0) : "",
        h("small", {}, interval(m.low, m.high))),
      h("td", { class: "n", "data-l": "weight" }, trial.weight ? percent(trial.weight) : ""),
      h("td", { "data-l": "remark" }, trial.status === "done" ? "" : [status(trial.status), " "],
        [i > 0 && trial.is_as_good && "not distinguishable from the best",
            trial.is_left_out && "left out", trial.note]
          .filter(Boolean).join("; ")));
  });
  return h("section", {}, h("h2", {}, "Leaderboard"),
    h("p", { class: "soft" }, `Validation scores (${board.metric}), out of fold; the weight is the `
      + `share in the ensemble${board.ensemble.score === null ? "" : `, which reaches `
      + `${num(board.ensemble.score)} after correction for the selection`}.`),
    table("Leaderboard", [h("th", { scope: "col" }, "Trial"),
      h("th", { scope: "col", class: "n" }, board.metric), h("th", { scope: "col" }, "95 % interval"),
      h("th", { scope: "col", class: "n" }, "Weight"), h("th", { scope: "col" }, "")], rows,
    { class: "cards" }));
}

function asked(own) {
  const pairs = Object.entries(own.parameters || {}).map(([name, v]) =>
    [parameterName(name), parameter(name, v)]);
  const said = pairs.filter(([, v]) => v !== "–");
  return h("section", {}, h("h2", {}, "Asked"), facts(said));
}

function about({ run: own, models }) {
  const links = models.map((m, i) => [i ? ", " : "",
    h("a", { href: `#/models/${encodeURIComponent(m.name)}` }, `${m.name} version ${m.number}`)]);
  return h("section", {}, h("h2", {}, "About"), facts([
    ["registered as", models.length ? h("span", {}, links) : ""],
    ["started", moment(own.started)], ["took", duration(own.duration_s)],
    ["data", own.data_name], ["rows", own.n_rows && num(own.n_rows)],
    ["task", own.task], ["target", own.target],
    ["output", own.output], ["git commit", own.git_commit && h("code", {}, own.git_commit.slice(0, 12))],
    ["data SHA-256", own.data_sha256 && h("code", {}, own.data_sha256.slice(0, 16))],
    ["model SHA-256", own.model_sha256 && h("code", {}, own.model_sha256.slice(0, 16))],
    ["started by", own.parent && h("a", { href: `#/runs/${own.parent}` }, `run ${own.parent}`)],
    ["machine", `${own.host}: ${own.machine}`], ["Modelwright", own.engine_version],
  ]));
}
