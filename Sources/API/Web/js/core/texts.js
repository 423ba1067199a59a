// All words of the pages are looked up here: the English text is the key, german.js has the other language. {name} is replaced.
const known = ["en", "de"];
let current = "en";
try {
  current = localStorage.getItem("language") ?? (navigator.language?.startsWith("de") ? "de" : "en");
} catch { /* storage may be off */ }
if (!known.includes(current)) current = "en";
document.documentElement.lang = current;

/** Loaded only where it is read. */
const german = current === "de" ? (await import("./german.js")).german : {};
const codes = current === "de" ? (await import("./german-codes.js")).codes : {};

export function language() { return current; }

export function setLanguage(value) {
  current = value;
  document.documentElement.lang = value;
  try { localStorage.setItem("language", value); } catch { /* storage may be off */ }
}

export function t(text, values = {}) {
  const words = (current === "de" && german[text]) || text;
  return fill(words, values);
}

/** What the API says in English, by its code in the language of the pages where that has words for it. */
export function said(code, text, values = {}) {
  return codes[code] ? fill(codes[code], values) : text;
}

const fill = (words, values) => words.replace(/\{([a-z]+)\}/g, (_, name) => values[name] ?? "");

/** What a problem of the API means to the reader. Known codes have words of their own; others show the API's. */
export function problemText(problem) {
  const words = {
    unreachable: t("charles cannot be reached right now. Check your connection and try again."),
    feature_not_enabled: t("This feature is not enabled for your instance. Reach out to your CSM if you want to enable it."),
    tenant_suspended: t("This instance is suspended. Reach out to your CSM."),
    permission_denied: t("Your API key does not have the permission for this."),
    import_running: t("An import is running already. Wait until it has finished, or cancel it."),
    unavailable: t("charles is busy right now. Try again in a moment."),
  }[problem.code === "unknown" && problem.status >= 500 ? "unavailable" : problem.code];
  if (words) return words;
  if (codes[problem.code]) return said(problem.body?.reason ?? problem.code, said(problem.code, problem.message));
  const details = problem.errors.filter((e) => e.message).map((e) => [e.field && e.field.replace(/^\[\d+\]\./, "").replaceAll("_", " "), said(e.code, e.message)].filter(Boolean).join(" ")).map((text) => (/[.!?]$/.test(text) ? text : `${text}.`));
  return details.length ? details.join(" ") : problem.message;
}
