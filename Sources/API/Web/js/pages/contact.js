// One contact: profile with identifiers, consents with evidence, and the conversation view.
import { api } from "../core/api.js";
import { button, empty, field, fill, h, icon, input, link, notice, select, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { date, dateTime, dayOf, money, name, number, phone, time } from "../core/format.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { contactFilter, optInBadge } from "./contacts.js";
import { orderBox, runState } from "./order-box.js";

const KINDS = [["", "Everything"], ["conversation", "Conversation"], ["events", "Events"], ["orders", "Orders"], ["consents", "Consents"], ["data", "Data"]];
/** Deliveries show under Data alone, and that a flow reached somebody is said by the flow itself. */
const GROUP = {
  touch: "conversation", flow_run: "conversation", event: "events", order: "orders", opt_in: "consents", opt_in_export: "consents",
  delivery: "data", import: "data", merge: "data", phone_changed: "data", segment_entered: "data", segment_left: "data",
};

export async function contact({ parameters, signal }) {
  let person;
  try {
    person = await api.one(`/contacts/${parameters.id}`, { signal });
  } catch (fault) {
    if (fault.code !== "contact_erased") throw fault;
    return [pageHead(t("Contact erased"), { crumbs: [[t("Contacts"), "/contacts"]] }), empty("shield", t("This contact was erased"), t("All data of the person is gone, and an import does not bring it back."))];
  }
  if (person.id !== parameters.id) history.replaceState(history.state, "", `/contacts/${person.id}`);
  const [selected, optIns] = await Promise.all([
    api.list("/integrations/emarsys/segments/selected", { signal }).catch(() => ({ items: [] })),
    api.list(`/opt_ins?contact_id=${person.id}&limit=20`, { signal }).catch(() => ({ items: [] })),
  ]);
  const segments = new Map(selected.items.map((s) => [s.segment_id, s.name ?? s.segment_id]));
  const totals = Object.entries(person.orders?.totals ?? {}).map(([code, amount]) => money(amount, code)).join(", ");
  const lead = h("p", { class: "row" }, optInBadge(person.opt_in), " ", h("span", {},
    t("Contact since {date}", { date: date(person.created_at) }), person.orders?.count ? `, ${person.orders.count === 1 ? t("1 order") : t("{n} orders", { n: number(person.orders.count) })}, ${totals}` : ""));
  const phones = person.phones?.length ? person.phones : person.phone ? [{ value: person.phone, primary: true }] : [];
  const emails = person.emails?.length ? person.emails : person.email ? [person.email] : [];
  return [
    pageHead(name(person, t("Name unknown")), {
      lead, crumbs: [[t("Contacts"), "/contacts"]],
      actions: [button(t("Merge"), { onclick: () => mergeDialog(person) }, "merge"), moreMenu(person)],
    }),
    h("div", { class: "cols lead" },
      h("div", { class: "stack" },
        h("section", { class: "card", "aria-labelledby": "pf" }, h("h2", { id: "pf" }, t("Profile")),
          h("dl", { class: "facts" },
            h("dt", {}, t("Phone")), h("dd", { class: "num" }, phones.length ? phones.map((p, i) => [i > 0 && h("br"), phone(p.value), phones.length > 1 && p.primary && [" ", h("span", { class: "xs muted" }, t("primary"))]]) : "–"),
            h("dt", {}, t("Email")), h("dd", {}, emails.length ? emails.map((e, i) => [i > 0 && h("br"), typeof e === "string" ? e : e.value]) : "–"),
            h("dt", {}, t("Emarsys ID")), h("dd", { class: "num" }, person.external_reference_id ?? "–"),
            Object.entries(person.custom_properties ?? {}).map(([key, value]) => [h("dt", {}, key), h("dd", {}, value === null ? "–" : String(value))]),
            h("dt", {}, t("Segments")), h("dd", {}, person.segments?.length ? person.segments.map((id) => segments.get(String(id)) ?? id).join(", ") : "–"))),
        h("section", { class: "card", "aria-labelledby": "cs" },
          h("div", { class: "section-head" }, h("h2", { id: "cs" }, t("Consents")), button(t("Record"), { class: "quiet sm", onclick: () => consentDialog(person) })),
          optIns.items.length === 0 ? h("p", { class: "muted small" }, t("No opt-in was ever given or withdrawn."))
            : h("ol", { class: "stages" }, optIns.items.map((entry, i) => h("li", { class: i === 0 && entry.status === "granted" ? "ok" : null }, icon(entry.status === "granted" ? "ok" : "off"),
              h("p", { class: i ? "muted" : null }, i === 0 ? h("strong", {}, consentText(entry)) : consentText(entry), h("br"),
                h("span", { class: "muted num" }, dateTime(entry.occurred_at), entry.source ? `, ${entry.source}` : "", entry.phone ? `, ${phone(entry.phone)}` : ""),
                entry.evidence && h("details", {}, h("summary", {}, t("Evidence")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(entry.evidence, null, 2)))))))))),
      await timeline(person, signal, segments)),
  ];
}

function consentText(entry) {
  return { granted: t("WhatsApp opt-in granted"), withdrawn: t("WhatsApp opt-in withdrawn"), denied: t("WhatsApp opt-in denied"), pending: t("WhatsApp opt-in asked for") }[entry.status] ?? entry.status;
}

async function timeline(person, signal, segments) {
  const box = h("div", { class: "timeline card" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("Show in the timeline") });
  let entries = [];
  let next = null;
  let kind = "";
  const load = async () => {
    const page = await api.list(`/contacts/${person.id}/timeline?limit=50${next ? `&after=${encodeURIComponent(next)}` : ""}`, { signal });
    entries = entries.concat(page.items);
    next = page.next;
  };
  const paint = () => {
    fill(tabs, KINDS.map(([value, text]) => h("button", { type: "button", "aria-pressed": String(kind === value), onclick: () => { kind = value; paint(); } }, t(text))));
    const shown = entries.filter((e) => (kind ? GROUP[e.type] === kind : e.type !== "delivery") && !(e.type === "touch" && e.data.kind === "flow"));
    let day = "";
    const today = dayOf(new Date().toISOString());
    fill(box, shown.length === 0 && h("p", { class: "muted" }, t("Nothing here yet.")), shown.map((e) => {
      const { at } = e;
      const parts = [];
      if (dayOf(at) !== day) {
        day = dayOf(at);
        parts.push(h("h3", { class: "day" }, day === today ? t("Today, {date}", { date: date(at) }) : date(at)));
      }
      parts.push(entry(e, segments));
      return parts;
    }), next && h("p", {}, button(t("Show earlier"), { class: "sm", onclick: async (event) => { event.currentTarget.disabled = true; await load(); paint(); } })));
  };
  try {
    await load();
    paint();
  } catch (fault) {
    if (fault.name === "AbortError") throw fault;
    fill(box, problemNotice(fault));
  }
  return h("section", { "aria-labelledby": "tl" }, h("h2", { id: "tl", class: "vh" }, t("Timeline")), tabs, box);
}

/** One entry: what it was, and its details in the shape of its kind. `segments`: names by id. */
function entry({ id, type, at, data: d }, segments) {
  const frame = (cls, symbol, title, more, ...content) => h("article", { class: `entry ${cls}` }, icon(symbol, cls === "consent" ? "ok" : ""),
    h("div", {}, h("header", {}, h("strong", {}, title), more, h("time", { datetime: at }, time(at))), ...content));
  const small = (...content) => h("p", { class: "small" }, content);
  const segment = () => segments.get(d.segment_id) ?? d.segment_id;
  switch (type) {
    case "order": {
      const title = d.status === "cancelled" ? t("Order cancelled") : t("Order placed");
      return frame("order", "order", title, link(d.order_number ?? d.order_id, `/orders/${id}`, { class: "num" }), orderBox(d));
    }
    case "event": return frame("event", "event", d.source === "order" ? t("Order event from Emarsys") : t("Event from Emarsys"), link(d.event_name ?? "–", `/events/${id}`, { class: "mono" }),
      d.status !== "processed" && small(eventStatusText(d.status)), d.flows?.length > 0 && small(t("Started the flow {name}", { name: d.flows.join(", ") })),
      d.event_data && Object.keys(d.event_data).length > 0 && h("details", {}, h("summary", {}, t("Event data")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(d.event_data, null, 2)))));
    case "flow_run": return frame("out", "message", d.state === "queued" || d.state === "delivered" ? t("Flow started") : t("Flow"), link(d.flow ?? t("Flow"), `/flows/${d.flow_id}`), small(runState(d.state)));
    case "touch": return frame(d.kind === "reply" ? "in" : "out", d.kind === "reply" ? "reply" : "check", { read: t("Message read"), click: t("Link clicked"), reply: t("Replied") }[d.kind] ?? t("Reached by a flow"), d.campaign && h("span", { class: "muted" }, d.campaign));
    case "delivery": return frame("data", "reply", t("Told the charles instance"), link(d.type, `/deliveries/${id}`, { class: "mono" }), d.state !== "delivered" && small({ queued: t("Queued"), failed: t("Failed"), dead: t("Given up") }[d.state] ?? d.state));
    case "opt_in": return frame("consent", "shield", consentText(d), null, small([d.source, d.phone && phone(d.phone)].filter(Boolean).join(", ")));
    case "opt_in_export": return frame("consent", "shield", t("Opt-in for Emarsys"), null, small({ queued: t("Queued"), sent: t("Sent"), confirmed: t("Confirmed by Emarsys"), failed: t("Failed"), not_in_emarsys: t("The contact is not in Emarsys") }[d.state] ?? d.state, ": ", consentWord(d.status)));
    case "import": return frame("data", "import", t("Imported from Emarsys"), null, small(`ID ${d.external_reference_id}`));
    case "phone_changed": return frame("data", "phone", t("Phone changed"), null, small(d.new_phone ? t("From {old} to {new}", { old: phone(d.old_phone), new: phone(d.new_phone) }) : t("{old} was taken away", { old: phone(d.old_phone) })));
    case "segment_entered": return frame("data", "contacts", t("Entered a segment"), null, small(segment()));
    case "segment_left": return frame("data", "contacts", t("Left a segment"), null, small(segment()));
    case "merge": return frame("data", "merge", d.undone_at ? t("Merge undone") : t("Merged with another contact"), null, small(mergeReason(d.reason), " ", !d.undone_at && button(t("Undo the merge"), {
      class: "quiet sm", onclick: () => confirm({
        title: t("Undo the merge?"), text: t("Both contacts are restored as they were before."), action: t("Undo the merge"), danger: false,
        consequences: [t("Opt-ins go back to the phone they were given for."), t("The two are remembered as not the same.")], act: () => api.post(`/merges/${id}/undo`),
      }).then((done) => done && reload()),
    })));
    default: return frame("data", "info", type.replaceAll("_", " "), null);
  }
}

const consentWord = (status) => ({ granted: t("Granted"), withdrawn: t("Withdrawn"), denied: t("Denied"), pending: t("Asked") })[status] ?? status;
const eventStatusText = (status) => ({ accepted: t("Accepted"), held: t("Held"), rejected: t("Rejected"), failed: t("Failed") })[status] ?? status;
const mergeReason = (reason) => ({ manual: t("By hand"), phone: t("Same phone number"), email: t("Same email address"), import: t("By an import") })[reason] ?? (reason ?? "").replaceAll("_", " ");

function moreMenu(person) {
  const menu = h("div", { class: "menu", popover: "auto", id: "more" },
    h("a", { class: "btn quiet", href: `/api/v0/contacts/${person.id}/export`, download: `contact-${person.id}.json` }, icon("download"), t("Export all data")),
    button(t("Erase this person"), { class: "quiet danger", onclick: () => { menu.hidePopover(); erase(person); } }, "shield"));
  const opener = button(t("More"), { popovertarget: "more" }, "more");
  opener.addEventListener("click", () => {
    const box = opener.getBoundingClientRect();
    requestAnimationFrame(() => { menu.style.setProperty("top", `${box.bottom + 4}px`); menu.style.setProperty("right", `${innerWidth - box.right}px`); });
  });
  return h("div", {}, opener, menu);
}

function erase(person) {
  confirm({
    title: t("Erase this person?"), text: t("This cannot be undone."), action: t("Erase this person"),
    consequences: [t("Names, phones, emails, properties, events and messages are deleted."), t("An import does not bring the person back."), t("Order amounts stay in reports without the person.")],
    act: () => api.post(`/contacts/${person.id}/erase`),
  }).then((done) => { if (done) { toast(t("The erasure has started.")); navigate("/contacts"); } });
}

function consentDialog(person) {
  const { body, foot, close } = openDialog(t("Record an opt-in decision"), { className: "dialog confirm" });
  const status = field(t("Decision"), select([["granted", t("Granted")], ["withdrawn", t("Withdrawn")], ["denied", t("Denied")]], "granted"));
  const source = field(t("Where it was given"), input({ placeholder: t("For example: paper form in the shop") }));
  const problem = h("div", {});
  fill(body, h("p", { class: "small muted" }, t("It is added to the ledger with your key as the actor, and sent to Emarsys at once.")), status.element, source.element, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(t("Record the decision"), {
    class: "primary", onclick: async (event) => {
      const target = event.currentTarget;
      target.disabled = true;
      try {
        await api.post("/opt_ins", { contact: { id: person.id }, status: status.input.value, source: source.input.value.trim() || "agent" });
        close();
        toast(t("The decision was recorded."));
        reload();
      } catch (fault) { target.disabled = false; fill(problem, problemNotice(fault)); }
    },
  }));
}

function mergeDialog(person) {
  const { body, foot, close } = openDialog(t("Merge with another contact"), { className: "dialog" });
  const results = h("div", { class: "stack" });
  const problem = h("div", {});
  let other = null;
  const go = button(t("Merge into one contact"), { class: "primary", disabled: true, onclick: async () => {
    go.disabled = true;
    try {
      const merged = (await api.post(`/contacts/${person.id}/merge`, { contact_id: other.id })).data[0];
      close();
      toast(t("The contacts were merged. You can undo it for 30 days."));
      navigate(`/contacts/${merged?.survivor_id ?? merged?.id ?? person.id}`);
    } catch (fault) { go.disabled = false; fill(problem, problemNotice(fault)); }
  } });
  const search = input({ type: "search", placeholder: t("Name, phone, email or Emarsys ID") });
  const find = field(t("The other contact"), search);
  search.addEventListener("change", async () => {
    try {
      const found = await api.list(`/contacts?${new URLSearchParams({ ...contactFilter(search.value), limit: 10 })}`);
      const others = found.items.filter((c) => c.id !== person.id);
      fill(results, others.length === 0 && h("p", { class: "muted" }, t("No contact found")), others.map((c) => h("label", { class: "choice" },
        h("input", { type: "radio", name: "other", onchange: () => { other = c; go.disabled = false; } }),
        h("span", {}, h("b", {}, name(c, t("Name unknown"))), h("small", {}, [phone(c.phone), c.email, c.external_reference_id].filter((v) => v && v !== "–").join(", "))))));
    } catch (fault) { fill(results, problemNotice(fault)); }
  });
  fill(body, notice("", t("Values of the contact with the WhatsApp conversation or opt-in stay; blanks are filled from the other. A merge never creates an opt-in and starts no flow.")), find.element, results, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), go);
  search.focus();
}

