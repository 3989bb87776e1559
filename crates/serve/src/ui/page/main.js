// Which view is shown: the part of the address after `#`.

import { get, post, remove } from "./api.js";
import { h, prose, say, trouble } from "./dom.js";
import { compare } from "./compare.js";
import { model } from "./model.js";
import { models } from "./models.js";
import { monitoring } from "./monitoring.js";
import { run } from "./run.js";
import { runs } from "./runs.js";
import { score } from "./score.js";

const ROUTES = [
  [/^\/runs$/, runs],
  [/^\/runs\/(\d+)(?:\/(\w+))?$/, run],
  [/^\/compare\/([\d,]+)$/, compare],
  [/^\/models$/, models],
  [/^\/models\/([^/]+)$/, model],
  [/^\/monitoring$/, monitoring],
  [/^\/score(?:\/([^/]+)\/([^/]+))?$/, score],
];

const view = document.getElementById("view");
let shown = new AbortController();
let isFirst = true;

async function show() {
  const hash = location.hash;
  if (hash && !hash.startsWith("#/")) return;
  const [path, query] = (hash.slice(1) || "/runs").split("?");
  shown.abort();
  shown = new AbortController();
  const { signal } = shown;
  for (const link of document.querySelectorAll("nav a")) {
    const own = link.getAttribute("href").slice(1);
    const isCurrent = path.startsWith(own) || (own === "/runs" && path.startsWith("/compare"));
    if (isCurrent) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const found = ROUTES.map(([pattern, open]) => [pattern.exec(path), open]).find(([m]) => m);
  const place = h("div", { class: "view" });
  try {
    if (!found) throw new Error("there is no such page");
    const args = found[0].slice(1).map((text) => text && decodeURIComponent(text));
    const title = await found[1]({ place, args, query: new URLSearchParams(query), signal, reload: show });
    if (signal.aborted) return;
    document.title = `${title} · Modelwright`;
    say(title);
  } catch (error) {
    if (signal.aborted || error.name === "AbortError") return;
    if (error.status === 401) return signIn();
    place.replaceChildren(trouble(error));
  }
  view.replaceChildren(place);
  if (!isFirst) {
    // Who goes on by keyboard goes on here.
    view.focus({ preventScroll: true });
    scrollTo(0, 0);
  }
  isFirst = false;
}

function signIn(error) {
  const input = h("input", { type: "password", name: "key", required: true, id: "key",
    autocomplete: "current-password" });
  view.replaceChildren(h("form", { class: "card narrow", onsubmit: async (event) => {
    event.preventDefault();
    try {
      await post("session", { key: input.value.trim() });
      await who();
      await show();
    } catch (cause) {
      signIn(cause);
    }
  } }, h("h1", {}, "A key is needed"),
  h("p", {}, prose("`modelwright serve --new-key NAME` makes one.")),
  error && trouble(error),
  h("label", { for: "key" }, "Key"), input, h("button", {}, "Sign in")));
  input.focus();
}

async function who() {
  const known = await get("session");
  const box = document.getElementById("who");
  const out = h("button", { class: "plain small", onclick: async () => {
    await remove("session");
    location.reload();
  } }, "Sign out");
  box.replaceChildren(
    h("span", { title: known.store || "" }, known.store ? known.store.split("/").pop() : ""),
    known.needs_key && known.name ? out : "");
}

addEventListener("hashchange", show);
addEventListener("keydown", (event) => {
  const isTyping = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    const search = document.querySelector("input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
});
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  view.focus();
});
who().catch(() => {});
show();
