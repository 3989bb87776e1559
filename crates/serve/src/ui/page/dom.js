// Elements from data. Texts are only ever set as text: nothing that comes from the store is read
// as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element: `h("a", { class: "x", href: "#" , onclick: f }, "text", child)`. */
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same for SVG. */
export function s(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked") node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat(3).filter((c) => c !== null && c !== undefined && c !== false));
  return node;
}

/** Says something to who cannot see that the page changed. */
export function say(text) {
  document.getElementById("said").textContent = text;
}

/** A block that tells of an error, in the words of the server. */
export function trouble(error) {
  const lines = [];
  for (const name of ["expected", "got", "hint"]) {
    if (error[name]) lines.push(h("div", {}, h("dt", {}, name), h("dd", {}, error[name])));
  }
  return h("div", { class: "callout severe", role: "alert" },
    h("p", {}, h("b", {}, error.message || String(error))), lines.length > 0 && h("dl", {}, lines));
}

/** Words of the program, in which names stand between backticks. */
export function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? h("code", {}, piece) : piece));
}

/** What is said where there is nothing yet, with the command that would change it. */
export function nothing(text, command) {
  return h("div", { class: "nothing" }, h("p", {}, text), command && h("pre", {}, command));
}

/** A title with what can be done about its subject. */
export function heading(title, ...actions) {
  return h("div", { class: "heading" }, h("h1", {}, title), h("div", { class: "actions" }, actions));
}

/** Names and values. */
export function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("dl", { class: "facts" }, shown.map(([name, value]) =>
    h("div", {}, h("dt", {}, name), h("dd", {}, value))));
}

/** A table in a box that scrolls by itself where it is too wide. */
export function table(caption, head, rows, props) {
  return h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    h("table", props, h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows)));
}

/** A dialog that is open until it is answered; gives the form's values, or null. */
export function ask({ title, body, confirm, danger }) {
  return new Promise((resolve) => {
    const form = h("form", { method: "dialog" },
      h("h2", { id: "ask-title" }, title), body,
      h("div", { class: "actions" },
        h("button", { type: "button", class: "plain", onclick: () => dialog.close("") }, "Cancel"),
        h("button", { class: danger ? "danger" : "", value: "yes" }, confirm)));
    const dialog = h("dialog", { "aria-labelledby": "ask-title" }, form);
    dialog.addEventListener("close", () => {
      const values = Object.fromEntries(new FormData(form));
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? values : null);
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
