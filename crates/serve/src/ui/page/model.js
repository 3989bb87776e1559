// One registered model: what each alias stands for, its versions, and how aliases moved.

import { get, part, post, put, remove, url } from "./api.js";
import { ask, h, heading, say, table, trouble } from "./dom.js";
import { ago, interval, moment, num, size } from "./format.js";
import { ends, whisker } from "./status.js";
import { watches } from "./watches.js";

export async function model({ place, args, signal, reload }) {
  const [name] = args;
  const found = await get(`models/${part(name)}`, signal);
  const complaint = h("div");
  const change = async (work, text) => {
    try {
      await work();
      say(text);
      await reload();
    } catch (error) {
      complaint.replaceChildren(trouble(error));
    }
  };
  place.append(h("p", { class: "crumbs" }, h("a", { href: "#/models" }, "Models"), ` / ${name}`),
    heading(name, h("button", { onclick: () => setAlias(found, "", "", change) }, "Set an alias…")),
    complaint, aliases(found, change), ...watches(found, change), versions(found, change), history(found));
  return name;
}

/** The aliases as they stand, and what each stood for before. */
function standing({ versions: list, history: moves }) {
  return list.flatMap((v) => v.aliases.map((alias) => {
    const last = moves.find((move) => move.alias === alias && move.number === v.number);
    const isThere = (number) => list.some((other) => other.number === number);
    return { alias, number: v.number, at: last?.at, reason: last?.reason,
      before: last && isThere(last.before) ? last.before : null };
  }));
}

function aliases(found, change) {
  const cards = standing(found).map((own) => h("li", { class: "card alias" },
    h("div", {}, h("b", {}, own.alias), h("span", { class: "big" }, `version ${own.number}`)),
    h("p", { class: "soft" }, own.at ? `since ${moment(own.at)}` : "",
      own.reason ? ` · ${own.reason}` : ""),
    h("div", { class: "actions" },
      h("button", { class: "plain", disabled: own.before === null,
        title: own.before === null ? "it stood for no other version before" : "",
        onclick: () => rollBack(found, own, change) },
      own.before === null ? "Roll back" : `Roll back to ${own.before}…`),
      h("a", { class: "button plain", href: `#/score/${part(found.name)}/${part(own.alias)}` }, "Score"),
      h("button", { class: "plain", onclick: () => removeAlias(found, own, change) }, "Remove…"))));
  return h("section", {}, h("h2", {}, "In use"), cards.length ? h("ul", { class: "tiles" }, cards)
    : h("p", { class: "soft" }, "No alias stands for a version yet."));
}

async function rollBack(found, own, change) {
  const answer = await ask({
    title: `Roll ${own.alias} back?`,
    body: [h("p", {}, `${found.name}@${own.alias} is version ${own.number} and becomes version `
      + `${own.before} again, at once, for whoever asks for the alias.`), reasonField()],
    confirm: `Roll back to ${own.before}`, danger: true });
  if (!answer) return;
  const path = `models/${part(found.name)}/aliases/${part(own.alias)}/rollback`;
  change(() => post(path, { reason: answer.reason, from: own.number }),
    `${own.alias} is version ${own.before} again`);
}

async function removeAlias(found, own, change) {
  const answer = await ask({
    title: `Remove ${own.alias}?`,
    body: h("p", {}, `Whoever asks for ${found.name}@${own.alias} gets an error then. The version stays.`),
    confirm: "Remove", danger: true });
  if (!answer) return;
  change(() => remove(`models/${part(found.name)}/aliases/${part(own.alias)}`),
    `${own.alias} is removed`);
}

async function setAlias(found, alias, number, change) {
  const known = standing(found);
  const chosen = number || String(found.versions[0].number);
  const answer = await ask({
    title: "Let an alias stand for a version",
    body: [h("label", {}, "Alias", h("input", { name: "alias", required: true, value: alias,
      list: "known-aliases", pattern: "[\\p{L}\\p{N}_\\-][\\p{L}\\p{N}_.\\-]*", autocomplete: "off",
      title: "letters, digits, - _ and ." }),
    h("datalist", { id: "known-aliases" },
      [...new Set([...known.map((own) => own.alias), "champion", "challenger"])].map((value) =>
        h("option", { value })))),
    h("label", {}, "Version", h("select", { name: "version" }, found.versions.map((v) =>
      h("option", { value: v.number, selected: String(v.number) === chosen },
        `${v.number}${v.aliases.length ? ` (${v.aliases.join(", ")})` : ""}`)))), reasonField()],
    confirm: "Set" });
  if (!answer) return;
  const path = `models/${part(found.name)}/aliases/${part(answer.alias)}`;
  const from = known.find((own) => own.alias === answer.alias)?.number;
  change(() => put(path, { version: answer.version, reason: answer.reason, from }),
    `${answer.alias} is version ${answer.version}`);
}

const reasonField = () => h("label", {}, "Why (kept in the history)",
  h("input", { name: "reason", autocomplete: "off" }));

function versions(found, change) {
  const list = found.versions;
  const name = part(found.name);
  // Versions are on one scale only as far as they have one metric.
  const same = list.filter((v) => v.metric === list[0].metric && v.value !== null);
  const [low, high] = ends(same);
  const rows = list.map((v) => h("tr", {},
    h("th", { scope: "row" }, `version ${v.number}`, v.note && h("small", {}, v.note)),
    h("td", { "data-l": "aliases" }, v.aliases.map((a) => [h("span", { class: "chip" }, a), " "])),
    h("td", { class: "n", "data-l": v.metric || "score" }, num(v.value),
      h("small", {}, v.metric || "")),
    h("td", { "data-l": "95 % interval" }, same.includes(v) ? whisker(v, low, high) : "",
      h("small", {}, interval(v.low, v.high))),
    h("td", { "data-l": "run" }, v.run ? h("a", { href: `#/runs/${v.run}` }, `run ${v.run}`) : ""),
    h("td", { class: "n", "data-l": "size" }, size(v.size_bytes)),
    h("td", { class: "n", "data-l": "registered" },
      h("time", { datetime: v.created, title: moment(v.created) }, ago(v.created))),
    h("td", { class: "do" },
      h("a", { href: `#/score/${name}/${v.number}` }, "Score"),
      h("a", { href: url(`models/${name}/${v.number}/report`), target: "_blank", rel: "noopener" }, "Report"),
      h("a", { href: url(`models/${name}/${v.number}/file`), download: true }, "File"),
      h("button", { class: "plain small", "aria-label": `Alias for version ${v.number}`,
        onclick: () => setAlias(found, "", String(v.number), change) }, "Alias…"))));
  const head = ["Version", "Aliases", ["Score"], "95 % interval", "Run", ["Size"], ["Registered"], ""];
  return h("section", {}, h("h2", {}, "Versions"), table("Versions", head.map((text) =>
    h("th", { scope: "col", class: Array.isArray(text) ? "n" : "" }, text)), rows, { class: "cards" }));
}

function history(found) {
  if (!found.history.length) return "";
  const number = (n) => (n === null ? "–" : `version ${n}`);
  const rows = found.history.map((move) => h("tr", {},
    h("td", { "data-l": "when" }, h("time", { datetime: move.at }, moment(move.at))),
    h("th", { scope: "row" }, move.alias),
    h("td", { "data-l": "from" }, number(move.before)), h("td", { "data-l": "to" }, number(move.number)),
    h("td", { class: "long", "data-l": "why" }, move.reason || "")));
  return h("section", {}, h("h2", {}, "History of aliases"), table("History of aliases",
    ["When", "Alias", "From", "To", "Why"].map((text) => h("th", { scope: "col" }, text)), rows,
    { class: "cards" }));
}
