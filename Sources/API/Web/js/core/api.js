// The API as the pages use it: session cookie, CSRF token on writes, an idempotency key on every POST.

/** An RFC 9457 problem, with the words the API has for it. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail || body?.title || `HTTP ${status}`);
    this.status = status;
    this.code = body?.code ?? "unknown";
    this.requestId = body?.request_id;
    this.errors = body?.errors ?? [];
    this.body = body;
  }

  /** The text for one field of a form, if the API has one. */
  on(field) {
    return this.errors.find((e) => e.field === field || e.field?.endsWith(`.${field}`))?.message;
  }
}

let csrfToken = null;
let onSignedOut = () => {};

export function setCsrf(token) { csrfToken = token; }
export function whenSignedOut(callback) { onSignedOut = callback; }

async function call(method, path, body, { signal, raw, watched } = {}) {
  const headers = { Accept: "application/json" };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (method !== "GET" && csrfToken) headers["X-CSRF-Token"] = csrfToken;
  if (method === "POST") headers["Idempotency-Key"] = crypto.randomUUID?.() ?? String(Math.random()).slice(2) + Date.now();
  let response;
  try {
    response = await fetch(`/api/v0${path}`, {
      method, headers, signal, credentials: "same-origin", body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    throw new Problem(0, { code: "unreachable", detail: navigator.onLine === false ? "offline" : "unreachable" });
  }
  if (raw && response.ok) return response;
  const text = await response.text();
  let parsed = null;
  try { parsed = text ? JSON.parse(text) : null; } catch { /* not ours: the status says enough */ }
  if (response.ok) return parsed;
  if (response.status === 401 && (watched || path !== "/session")) onSignedOut();
  throw new Problem(response.status, parsed);
}

export const api = {
  get: (path, options) => call("GET", path, undefined, options),
  post: (path, body = {}, options) => call("POST", path, body, options),
  put: (path, body, options) => call("PUT", path, body, options),
  patch: (path, body, options) => call("PATCH", path, body, options),
  delete: (path, options) => call("DELETE", path, undefined, options),

  /** The one object of an answer. */
  async one(path, options) { return (await call("GET", path, undefined, options))?.data?.[0]; },
  /** All objects of an answer and where the next page starts. */
  async list(path, options) {
    const answer = await call("GET", path, undefined, options);
    return { items: answer?.data ?? [], next: answer?.next ?? null, count: answer?.count ?? 0 };
  },
};

/** "?a=1&b=2" from an object; empty values are left out. */
export function query(values) {
  const pairs = Object.entries(values).filter(([, v]) => v !== undefined && v !== null && v !== "");
  return pairs.length ? `?${new URLSearchParams(pairs)}` : "";
}
