// A form for one row of a model's columns, and what the model says of it. The page of the store
// and the page of the model server (/docs) share it.

const make = (tag, props, ...children) => {
  const node = Object.assign(document.createElement(tag), props);
  node.append(...children);
  return node;
};

/**
 * A form with a field for each column.
 *
 * `schema` is a row as JSON Schema, `example` a row that training could have had; `onrow` hears of
 * every change, `onsend` of the wish to predict. Both get the row.
 */
export function rowForm({ schema, example, onrow, onsend }) {
  const form = make("form", { className: "row-form" });
  const fields = Object.entries(schema.properties).map(([name, own]) => field(name, own, example[name]));
  form.append(...fields, make("div", { className: "wide" }, make("button", { textContent: "Predict" })));
  form.addEventListener("input", () => onrow(rowOf(form)));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    onsend(rowOf(form));
  });
  onrow(rowOf(form));
  return form;
}

function field(name, schema, example) {
  const types = [].concat(schema.type || "string");
  const isNumber = types.includes("number") && types[0] === "number";
  const id = `f-${name}`;
  const input = make("input", { name, id, value: example ?? "", autocomplete: "off" });
  input.dataset.kind = isNumber ? "number" : "text";
  if (isNumber) input.inputMode = "decimal";
  const parts = [make("span", { textContent: name })];
  if (schema.description) parts.push(make("small", { textContent: ` ${schema.description}` }));
  if (schema.examples && !isNumber) {
    const list = make("datalist", { id: `${id}-list` });
    for (const value of schema.examples) list.append(make("option", { value }));
    input.setAttribute("list", list.id);
    parts.push(list);
  }
  return make("label", { htmlFor: id }, ...parts, input);
}

/** The values of the form; an empty field is a value that is not known. */
function rowOf(form) {
  const row = {};
  for (const input of form.querySelectorAll("[name]")) {
    const text = input.value.trim();
    const isNumber = input.dataset.kind === "number";
    row[input.name] = text === "" ? null : isNumber && !Number.isNaN(Number(text)) ? Number(text) : text;
  }
  return row;
}

/** An answer: the prediction, probabilities as bars, intervals, and what was unusual. */
export function answerBox(answer) {
  const { prediction } = answer;
  const shown = typeof prediction === "number" ? Number(prediction.toPrecision(6)) : prediction;
  const box = make("div", { className: "answer" }, make("strong", { textContent: String(shown) }));
  for (const [label, p] of Object.entries(answer.probabilities || {})) {
    const inner = make("div", {});
    inner.style.width = `${(100 * p).toFixed(1)}%`;
    box.append(make("div", { className: "bar" }, make("span", { textContent: label }),
      make("div", {}, inner), make("span", { textContent: `${(100 * p).toFixed(1)} %` })));
  }
  const { interval, set } = answer;
  const share = (level) => `${Number((100 * level).toPrecision(4))} %`;
  if (interval) {
    const [low, high] = [interval.low, interval.high].map((v) => Number(v.toPrecision(6)));
    box.append(make("p", { textContent: `${low} to ${high} holds it with ${share(interval.level)}` }));
  }
  if (set) {
    const labels = set.labels.length ? set.labels.join(", ") : "no label";
    box.append(make("p", { textContent: `with ${share(set.level)} it is among: ${labels}` }));
  }
  if (answer.reasons && answer.reasons.length) {
    const item = (reason) => make("li", { textContent: reason.text });
    box.append(make("p", { textContent: "Because:" }), make("ul", {}, ...answer.reasons.map(item)));
  }
  for (const w of answer.warnings || []) {
    box.append(make("p", { className: "bad",
      textContent: `${w.column}: ${w.got} is unusual; expected ${w.expected}` }));
  }
  return box;
}

/** The same request for a terminal. */
export function curlText(url, row) {
  const body = JSON.stringify(row).replaceAll("'", "'\\''");
  return `curl ${url} \\\n  -H 'Content-Type: application/json' \\\n  -d '${body}'`;
}
