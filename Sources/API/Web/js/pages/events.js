// The inbox of events from Emarsys: filter, what each did, replay.
import { api } from "../core/api.js";
import { badge, button, empty, field, h, icon, input, link, notice, select, toast } from "../core/dom.js";
import { confirm } from "../core/dialog.js";
import { dateTime } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { listen } from "../core/live.js";
import { reload, remember } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { said, t } from "../core/texts.js";
import { runState } from "./order-box.js";

const statuses = () => [["", t("Every status")], ["accepted", t("Accepted")], ["processed", t("Processed")], ["held", t("Held")], ["rejected", t("Rejected")], ["failed", t("Failed")]];

export function eventStatus(status) {
  const [kind, text, symbol] = { accepted: ["info", t("Accepted"), "clock"], processed: ["ok", t("Processed")], held: ["off", t("Held"), "pause"], rejected: ["bad", t("Rejected")], failed: ["bad", t("Failed")] }[status] ?? ["off", status];
  return badge(kind, text, symbol);
}

export async function events({ search, signal }) {
  const filters = { status: search.status, event_name: search.event_name };
  const list = pagedTable({
    path: "/events", filters, signal, caption: t("Events, newest first"),
    blank: empty("event", t("No events"), t("Set up the webhook preset in Emarsys with the values of step 5."), link(t("Show the values"), "/settings/integrations?connect=5", { class: "btn" })),
    columns: [
      { title: t("Event"), cell: (e) => [link(e.event_name ?? "–", `/events/${e.id}`, { class: "mono" }), h("br"), h("span", { class: "xs muted" }, e.source === "order" ? t("Order event") : t("Custom event"))] },
      { title: t("Received"), cell: (e) => h("span", { class: "num small nowrap" }, dateTime(e.received_at)) },
      { title: t("Status"), cell: (e) => eventStatus(e.status) },
      { title: t("Contact"), cell: (e) => (e.contact_id ? link(t("Contact"), `/contacts/${e.contact_id}`) : "–") },
      { title: t("Why"), cell: (e) => h("span", { class: "small" }, (e.errors ?? []).map((x) => said(x.code, x.message ?? x.code)).join(" ") || "–") },
    ],
    toolbar: [
      h("search", { class: "search grow" }, h("label", { class: "vh", for: "en" }, t("Event name")), icon("search"), input({ id: "en", type: "search", value: search.event_name ?? "", placeholder: t("Event name"), oninput: debounced((event) => change({ event_name: event.target.value.trim() })) })),
      field(t("Status"), select(statuses(), search.status ?? "", { onchange: (event) => change({ status: event.target.value }) })).element,
      button(t("Replay these"), { onclick: () => replay() }, "run"),
    ],
  });
  const change = (values) => { Object.assign(filters, values); remember(values); list.refresh(filters); };
  const replay = () => confirm({
    title: t("Replay the events shown by this filter?"), action: t("Replay the events"), danger: false,
    text: t("Status: {status}, event name: {name}.", { status: filters.status || t("every"), name: filters.event_name || t("every") }),
    consequences: [t("Their flows start again. Contacts may get a message a second time.")], act: () => api.post("/events/replay", { filter: Object.fromEntries(Object.entries(filters).filter(([, v]) => v)) }),
  }).then((done) => { if (done) { toast(t("The events are being replayed.")); list.refresh(filters); } });
  list.start();
  listen(["events"], { event: debounced(list.freshen, 500) }, signal);
  return [pageHead(t("Events"), { lead: t("Every webhook that Emarsys sent, and what it did.") }), list.element];
}

export async function event({ parameters, signal }) {
  const found = await api.one(`/events/${parameters.id}`, { signal });
  const flows = await api.list("/flows?limit=200", { signal }).catch(() => ({ items: [] }));
  const matching = flows.items.filter((f) => f.event_name === found.event_name);
  const replay = (flow) => confirm({
    title: flow ? t("Start only the flow {name} again?", { name: flow.name }) : t("Replay this event?"), text: t("It is processed as if it had just arrived."), action: flow ? t("Start the flow again") : t("Replay the event"), danger: false,
    consequences: [t("The contact may get a message a second time.")], act: () => api.post(`/events/${found.id}/replay`, flow ? { flow_id: flow.id } : {}),
  }).then((done) => { if (done) { toast(t("The event is being replayed.")); setTimeout(reload, 800); } });
  const steps = traceSteps(found);
  if (["accepted", "held"].includes(found.status)) {
    const look = async () => { const now = await api.one(`/events/${found.id}`, { signal }); if (now.status !== found.status) reload(); };
    const quietly = () => look().catch(() => {});
    listen(["events"], { event: (changed) => changed.id === found.id && quietly() }, signal, (now) => now === "open" && quietly());
  }
  return [
    pageHead(found.event_name ?? t("Event"), {
      crumbs: [[t("Events"), "/events"]], lead: h("p", { class: "row" }, eventStatus(found.status), " ", h("span", {}, dateTime(found.received_at))),
      actions: [matching.length === 0 && found.event_name && link(t("Create a flow for it"), `/flows?event=${encodeURIComponent(found.event_name)}`, { class: "btn" }), button(t("Replay"), { onclick: () => replay() }, "run")].filter(Boolean),
    }),
    (found.errors ?? []).map((e) => notice("bad", e.field && [h("code", {}, e.field), ": "], said(e.code, e.message ?? e.code))),
    h("div", { class: "cols aside" },
      h("div", { class: "stack-lg" },
        h("section", { class: "card stack", "aria-labelledby": "tr" }, h("h2", { id: "tr" }, t("What it did")),
          steps.length === 0 ? h("p", { class: "muted" }, found.status === "accepted" ? t("It waits for its turn.") : found.status === "held" ? t("It is held while the integration is paused.") : t("Nothing.")) : h("ol", { class: "stages" }, steps.map(([kind, title, more]) => h("li", { class: kind }, icon(kind === "ok" ? "ok" : kind === "bad" ? "bad" : "info"), h("p", {}, h("strong", {}, title), more && [h("br"), h("span", { class: "muted" }, more)])))),
          found.contact_id && h("p", {}, link(t("To the contact"), `/contacts/${found.contact_id}`))),
        h("section", { class: "card", "aria-labelledby": "bd" }, h("h2", { id: "bd" }, t("What Emarsys sent")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(found.body, null, 2))))),
      h("aside", { class: "stack" },
        matching.length > 0 && h("section", { class: "card stack" }, h("h2", {}, t("Flows with this event")), matching.map((f) => h("p", { class: "row between" }, link(f.name, `/flows/${f.id}`), button(t("Start only this"), { class: "sm", onclick: () => replay(f) })))),
        h("section", { class: "card" }, h("h2", {}, t("Details")), h("dl", { class: "facts" }, h("dt", {}, t("Happened")), h("dd", { class: "num" }, dateTime(found.occurred_at)), h("dt", {}, t("Processed")), h("dd", { class: "num" }, found.processed_at ? dateTime(found.processed_at) : "–"), h("dt", {}, "ID"), h("dd", {}, h("code", { class: "xs" }, found.id)))))),
  ];
}

const NOTES = () => ({ no_matching_flow: t("No flow waits for this event."), event_time_far_off: t("The time in the event is more than a day away from its arrival.") });

/** What processing decided, as [kind, title, detail]. */
function traceSteps({ trace }) {
  if (!trace) return [];
  const steps = [];
  if (trace.contact) {
    const { action, code, merged_contact_id: loser } = trace.contact;
    const title = { created: t("Contact created"), updated: t("Contact updated"), unchanged: t("Contact found"), found: t("Contact found"), merged: t("Two contacts merged"), none: t("No contact"), rejected: t("No contact"), skipped: t("No contact") }[action] ?? action;
    steps.push([["none", "rejected"].includes(action) ? "bad" : "ok", title, code ? code.replaceAll("_", " ") : loser ? t("The other one was {id}.", { id: loser }) : null]);
  }
  if (trace.order) steps.push(["ok", t("Order recorded"), [trace.order.outcome, trace.order.reason].filter(Boolean).map((v) => String(v).replaceAll("_", " ")).join(", ")]);
  for (const f of trace.flows ?? []) steps.push([["queued", "delivered"].includes(f.state) ? "ok" : "info", [f.state === "queued" ? t("Flow started") : t("Flow"), " ", link(f.name, `/flows/${f.flow_id}`)], [runState(f.state), f.missing_keys?.length > 0 && t("Missing: {keys}", { keys: f.missing_keys.join(", ") })].filter(Boolean).join(". ")]);
  for (const note of trace.notes ?? []) steps.push(["info", NOTES()[note] ?? note.replaceAll("_", " ")]);
  return steps;
}
