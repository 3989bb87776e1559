// The registered models, each with its aliases and its newest version.

import { get, part } from "./api.js";
import { h, heading, nothing, table } from "./dom.js";
import { ago, interval, moment, num } from "./format.js";

export async function models({ place, signal }) {
  const found = await get("models", signal);
  place.append(heading("Models"));
  if (!found.models.length) {
    place.append(nothing("No model is registered yet.",
      "modelwright models register NAME MODEL --alias champion"));
    return "Models";
  }
  const head = [h("th", { scope: "col" }, "Model"), h("th", { scope: "col" }, "Aliases"),
    h("th", { scope: "col", class: "n" }, "Versions"), h("th", { scope: "col" }, "Newest predicts"),
    h("th", { scope: "col", class: "n" }, "Its score"), h("th", { scope: "col", class: "n" }, "Newest since")];
  place.append(table("Models", head, found.models.map(row), { class: "cards" }));
  return "Models";
}

function row({ model, newest }) {
  const to = `#/models/${part(model.name)}`;
  return h("tr", {},
    h("th", { scope: "row" }, h("a", { href: to }, model.name)),
    h("td", { "data-l": "aliases" }, model.aliases.map(([name, number]) =>
      [h("span", { class: "chip" }, name, h("i", {}, ` ${number}`)), " "])),
    h("td", { class: "n", "data-l": "versions" }, num(model.n_versions)),
    h("td", { "data-l": "newest predicts", class: "long" },
      newest ? [newest.target, h("small", {}, newest.task)] : ""),
    h("td", { class: "n", "data-l": newest?.metric || "score" },
      newest && newest.value !== null && [num(newest.value),
        h("small", {}, `${newest.metric} ${interval(newest.low, newest.high)}`)]),
    h("td", { class: "n", "data-l": "newest since" }, newest
      && h("time", { datetime: newest.created, title: moment(newest.created) }, ago(newest.created))));
}
