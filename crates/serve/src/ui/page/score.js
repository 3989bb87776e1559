// A row through a registered model.

import { get, part, post, url } from "./api.js";
import { h, heading, nothing, say, trouble } from "./dom.js";
import { answerBox, curlText, rowForm } from "./row_form.js";

export async function score({ place, args, signal }) {
  place.append(heading("Score a row"));
  const { models } = await get("models", signal);
  if (!models.length) {
    place.append(nothing("No model is registered yet.",
      "modelwright models register NAME MODEL --alias champion"));
    return "Score";
  }
  const name = args[0] || models[0].model.name;
  const found = await get(`models/${part(name)}`, signal);
  const selector = args[1] || standard(found);
  const go = (to) => {
    location.hash = `#/score/${to}`;
  };
  const options = [...found.versions.flatMap((v) => v.aliases.map((a) => [a, `${a} (${v.number})`])),
    ...found.versions.map((v) => [String(v.number), `version ${v.number}`])];
  place.append(h("div", { class: "choose" },
    h("label", {}, "Model", h("select", { onchange: (event) => go(part(event.target.value)
      + `/${part("latest")}`) }, models.map(({ model: m }) =>
      h("option", { value: m.name, selected: m.name === name }, m.name)))),
    h("label", {}, "Version", h("select", {
      onchange: (event) => go(`${part(name)}/${part(event.target.value)}`) },
    options.map(([value, text]) => h("option", { value, selected: value === selector }, text))))));
  const path = `models/${part(name)}/${part(selector)}`;
  const about = await get(`${path}/schema`, signal);
  const [answer, curl] = [h("div", { "aria-live": "polite" }), h("pre", { tabindex: 0 })];
  const form = rowForm({
    schema: about.schema, example: about.example,
    onrow: (row) => {
      curl.textContent = curlText(new URL(url(`${path}/predict`), location.href).href, row);
    },
    onsend: async (row) => {
      try {
        // The narrowest level of intervals or sets, where the model has some.
        const more = about.levels.length ? `?interval=${Math.min(...about.levels)}` : "";
        const said = await post(`${path}/predict${more}`, row, signal);
        answer.replaceChildren(answerBox(said));
        say(`${about.target}: ${said.prediction}`);
      } catch (error) {
        if (!signal.aborted) answer.replaceChildren(trouble(error));
      }
    } });
  place.append(h("p", { class: "soft" }, `Version ${about.version} predicts ${about.target} `
    + `(${about.task}). A field that is left empty is a value that is not known.`),
  h("section", { class: "scoring" }, form, answer),
  h("details", {}, h("summary", {}, "The same by program"), curl));
  return `Score ${name}`;
}

/** The version that is asked when nobody says: an alias, else the newest. */
function standard(found) {
  const all = found.versions.flatMap((v) => v.aliases);
  return all.includes("champion") ? "champion" : all[0] || String(found.versions[0].number);
}
