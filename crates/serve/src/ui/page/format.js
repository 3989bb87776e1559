// Numbers, times and sizes as people read them.

const LOCALE = "en-US";

/** A number with about four digits that count. */
export function num(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  let text;
  if (Number.isInteger(value) && size < 1e12) text = value.toLocaleString(LOCALE);
  else if (size < 1e-4 || size >= 1e9) text = value.toExponential(3);
  else if (size >= 1000) text = value.toLocaleString(LOCALE, { maximumFractionDigits: 1 });
  else {
    const digits = { minimumSignificantDigits: 4, maximumSignificantDigits: 4 };
    text = value.toLocaleString(LOCALE, digits);
  }
  return text.replace("-", "−");
}

/** Both ends of an interval. */
export function interval(low, high) {
  return low === null || low === undefined ? "" : `${num(low)} to ${num(high)}`;
}

/** A share as percent. */
export function percent(share) {
  return share === null || share === undefined ? "–" : `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}

/** A length of time. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 1) return `${Math.round(1000 * seconds)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h ? `${h} h ${m} min` : `${m} min ${s} s`;
}

/** How long ago. */
export function ago(iso) {
  const seconds = (Date.now() - Date.parse(iso)) / 1000;
  if (Number.isNaN(seconds)) return iso || "";
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  if (seconds < 30 * 86400) return `${Math.floor(seconds / 86400)} d ago`;
  return iso.slice(0, 10);
}

/** A moment on this clock. */
export function moment(iso) {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso || "";
  return date.toLocaleString("sv-SE").slice(0, 16);
}

/** Bytes. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB"];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

/** A value of a parameter, short. */
export function value(v) {
  if (v === null || v === undefined || v === "") return "–";
  if (typeof v === "number") return num(v);
  if (Array.isArray(v)) return v.length ? v.map(value).join(", ") : "–";
  if (typeof v === "object") return Object.keys(v).length ? JSON.stringify(v) : "–";
  return String(v);
}

/** A parameter with its unit, where the name tells it. */
export function parameter(name, v) {
  if (typeof v === "number" && name.endsWith("_bytes")) return size(v);
  if (typeof v === "number" && name.endsWith("_s")) return duration(v);
  return value(v);
}

/** The name of a parameter without its unit, in words. */
export function parameterName(name) {
  return words(name.replace(/_(bytes|s)$/, ""));
}

/** A name of the store in words. */
export function words(name) {
  return name.replaceAll("_", " ");
}
