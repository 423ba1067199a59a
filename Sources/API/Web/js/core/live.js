// Server-sent events: what happens shows without asking for it. The browser reconnects by itself and names the last event it
// has seen (Last-Event-ID), so nothing in between is lost.

/** listen("/stream?topics=imports", {import: f, event: g}, signal) */
export function listen(path, handlers, signal, whenState = () => {}) {
  const source = new EventSource(`/api/v0${path}`);
  for (const [type, handler] of Object.entries(handlers)) {
    source.addEventListener(type, (message) => handler(JSON.parse(message.data)));
  }
  source.addEventListener("open", () => whenState("open"));
  source.addEventListener("error", () => whenState(source.readyState === EventSource.CLOSED ? "closed" : "lost"));
  signal.addEventListener("abort", () => source.close());
  return source;
}
