// Server-sent events: what happens shows without asking for it. A tab has one stream for all that its page follows, and none
// while nobody looks at it: browsers allow six connections to a host. A stream that comes back says what it has seen last
// (Last-Event-ID), so nothing in between is lost.
import { api } from "./api.js";

const TYPES = ["import", "event", "delivery", "conflict", "alert"];
const followers = new Set();
let source = null;
let open = "";
let seen = null;
let waiting = null;

/** listen(["imports"], {import: f}, signal, whenState): `whenState` is told "open", "lost" and "closed". */
export function listen(topics, handlers, signal, whenState = () => {}) {
  const follower = { topics, handlers, whenState };
  followers.add(follower);
  signal.addEventListener("abort", () => { followers.delete(follower); soon(); });
  soon();
}

/** Leaving a page and arriving at the next is one change. */
function soon(after = 30) {
  clearTimeout(waiting);
  waiting = setTimeout(connect, after);
}

function connect() {
  const topics = document.hidden ? "" : [...new Set([...followers].flatMap((f) => f.topics))].sort().join(",");
  if (topics === open && source?.readyState !== EventSource.CLOSED) return;
  source?.close();
  source = null;
  open = topics;
  if (!topics) return;
  const stream = source = new EventSource(`/api/v0/stream?topics=${topics}${seen ? `&after=${seen}` : ""}`);
  for (const type of TYPES) {
    stream.addEventListener(type, (message) => {
      seen = message.lastEventId || seen;
      const change = JSON.parse(message.data);
      for (const follower of followers) follower.handlers[type]?.(change);
    });
  }
  stream.addEventListener("open", () => tell("open"));
  stream.addEventListener("error", async () => {
    if (source !== stream) return;
    tell("lost");
    if (stream.readyState !== EventSource.CLOSED) return;
    // Refused, and the browser does not try again by itself: the session has ended, or charles is just starting.
    const ended = await api.one("/session", { watched: true }).then(() => false, (fault) => fault.status === 401);
    if (!ended && source === stream) soon(3000);
  });
}

function tell(state) { for (const follower of followers) follower.whenState(state); }

document.addEventListener("visibilitychange", () => soon());
// A page that the browser keeps for the way back would keep its stream, too.
addEventListener("pagehide", () => { source?.close(); source = null; open = ""; });
addEventListener("pageshow", (event) => { if (event.persisted) soon(); });
