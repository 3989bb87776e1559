// The page of the model server: a form for each model, built from the server's own description.

import { answerBox, curlText, rowForm } from "./row_form.js";

const $ = (id) => document.getElementById(id);
let models = [];
let key = "";

// With the key, where one was given: in a header, never in an address.
const withKey = (headers) => (key ? { ...headers, Authorization: `Bearer ${key}` } : headers);

const paragraph = (text) =>
  Object.assign(document.createElement("p"), { className: "bad", textContent: text });

function choose(model) {
  $("about").textContent = model.about;
  $("answer").replaceChildren();
  $("row").replaceChildren(rowForm({
    schema: model.schema,
    example: model.example,
    onrow: (row) => {
      const text = curlText(location.origin + model.path, row);
      $("curl").textContent = key ? `${text} \\\n  -H "Authorization: Bearer $KEY"` : text;
    },
    onsend: (row) => ask(model, row),
  }));
}

const send = (model, row, query) => fetch(model.path.slice(1) + query, {
  method: "POST",
  headers: withKey({ "Content-Type": "application/json" }),
  body: JSON.stringify(row),
});

async function ask(model, row) {
  try {
    let response = await send(model, row, "?explain=5");
    // A model that cannot be explained still predicts.
    if (!response.ok) response = await send(model, row, "");
    const answer = await response.json();
    $("answer").replaceChildren(response.ok ? answerBox(answer) : paragraph(answer.error));
  } catch (error) {
    $("answer").replaceChildren(paragraph(`the server does not answer: ${error}`));
  }
}

$("model").addEventListener("change", (event) => choose(models[event.target.selectedIndex]));

async function start() {
  $("answer").replaceChildren();
  try {
    const response = await fetch("openapi.json", { headers: withKey({}) });
    if (response.status === 401 || response.status === 403) {
      $("access").hidden = false;
      if (key) $("answer").replaceChildren(paragraph((await response.json()).error));
      $("key").focus();
      return;
    }
    $("access").hidden = true;
    const api = await response.json();
    models = Object.entries(api.paths).flatMap(([path, { post }]) => {
      const found = post && post["x-modelwright-model"];
      return found ? [{ ...found, path, schema: api.components.schemas[found.schema],
        about: post.description }] : [];
    });
    $("model").replaceChildren(...models.map((model) =>
      Object.assign(document.createElement("option"), { textContent: model.name })));
    // The model that a link names, or the one that answers where none is named.
    const wanted = new URLSearchParams(location.search).get("model");
    const first = Math.max(models.findIndex((model) => model.name === wanted),
      wanted === null ? models.findIndex((model) => model.default) : -1, 0);
    $("model").selectedIndex = first;
    if (models.length) choose(models[first]);
    else $("answer").replaceChildren(paragraph("no model is loaded"));
  } catch (error) {
    $("answer").replaceChildren(paragraph(`the description cannot be read: ${error}`));
  }
}

$("access").addEventListener("submit", (event) => {
  event.preventDefault();
  key = $("key").value.trim();
  start();
});

start();
