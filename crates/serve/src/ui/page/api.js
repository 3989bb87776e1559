// Questions to the server.

/** An answer that was no success: what the server said of it. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail || `the server answered ${status}`);
    Object.assign(this, { status, expected: problem.expected, got: problem.got,
      hint: problem.hint, column: problem.column });
  }
}

async function send(method, path, body, signal) {
  const options = { method, signal, headers: {} };
  if (body !== undefined) {
    options.headers["content-type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(url(path), options);
  } catch (cause) {
    if (cause.name === "AbortError") throw cause;
    throw new Refused(0, { detail: "the server does not answer", hint: "is it still running?" });
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

/** The address of something on the server, for links. */
export const url = (path) => `api/v1/${path}`;
/** A part of an address. */
export const part = encodeURIComponent;

export const get = (path, signal) => send("GET", path, undefined, signal);
export const post = (path, body, signal) => send("POST", path, body, signal);
export const put = (path, body) => send("PUT", path, body);
export const remove = (path) => send("DELETE", path);

/** Does `work` now and every so often while the view is shown and can be seen. */
export function repeat(signal, seconds, work) {
  const timer = setInterval(() => {
    if (!document.hidden) work().catch(() => {});
  }, 1000 * seconds);
  signal.addEventListener("abort", () => clearInterval(timer));
}
