// One contact: profile with identifiers, consents with evidence, and the conversation view.
import { api } from "../core/api.js";
import { badge, button, empty, field, fill, h, icon, input, link, notice, select, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { date, dateTime, dayOf, money, name, number, phone, time } from "../core/format.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { contactFilter, optInBadge } from "./contacts.js";

const KINDS = [["", "Everything"], ["conversation", "Conversation"], ["events", "Events"], ["orders", "Orders"], ["consents", "Consents"], ["data", "Data"]];
const GROUP = {
  touch: "conversation", flow_run: "conversation", flow: "conversation", delivery: "conversation", event: "events", order: "orders", opt_in: "consents", consent: "consents", opt_in_export: "consents",
  import: "data", merge: "data", created: "data", updated: "data",
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
  const optIns = await api.list(`/opt_ins?contact_id=${person.id}&limit=20`, { signal }).catch(() => ({ items: [] }));
  const totals = Object.entries(person.orders?.totals ?? {}).map(([code, amount]) => money(amount, code)).join(", ");
  const lead = h("p", { class: "row" }, optInBadge(person.opt_in), " ", h("span", {},
    t("Contact since {date}", { date: date(person.created_at) }), person.orders?.count ? `, ${t("{n} orders", { n: number(person.orders.count) })}, ${totals}` : ""));
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
            h("dt", {}, t("Segments")), h("dd", {}, person.segments?.length ? person.segments.join(", ") : "–"))),
        h("section", { class: "card", "aria-labelledby": "cs" },
          h("div", { class: "section-head" }, h("h2", { id: "cs" }, t("Consents")), button(t("Record"), { class: "quiet sm", onclick: () => consentDialog(person) })),
          optIns.items.length === 0 ? h("p", { class: "muted small" }, t("No opt-in was ever given or withdrawn."))
            : h("ol", { class: "stages" }, optIns.items.map((entry, i) => h("li", { class: i === 0 && entry.status === "granted" ? "ok" : null }, icon(entry.status === "granted" ? "ok" : "off"),
              h("p", { class: i ? "muted" : null }, i === 0 ? h("strong", {}, consentText(entry)) : consentText(entry), h("br"),
                h("span", { class: "muted num" }, dateTime(entry.occurred_at), entry.source ? `, ${entry.source}` : "", entry.phone ? `, ${phone(entry.phone)}` : ""),
                entry.evidence && h("details", {}, h("summary", {}, t("Evidence")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(entry.evidence, null, 2)))))))))),
      await timeline(person, signal)),
  ];
}

function consentText(entry) {
  return { granted: t("WhatsApp opt-in granted"), withdrawn: t("WhatsApp opt-in withdrawn"), denied: t("WhatsApp opt-in denied"), pending: t("WhatsApp opt-in asked for") }[entry.status] ?? entry.status;
}

async function timeline(person, signal) {
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
    const shown = entries.filter((e) => !kind || GROUP[e.type ?? e.kind] === kind);
    let day = "";
    const today = dayOf(new Date().toISOString());
    fill(box, shown.length === 0 && h("p", { class: "muted" }, t("Nothing here yet.")), shown.map((e) => {
      const at = e.occurred_at ?? e.at;
      const parts = [];
      if (dayOf(at) !== day) {
        day = dayOf(at);
        parts.push(h("h3", { class: "day" }, day === today ? t("Today, {date}", { date: date(at) }) : date(at)));
      }
      parts.push(entry(e, at));
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

/** One entry: what it was, and its details in the shape of its kind. */
function entry(e, at) {
  const type = e.type ?? e.kind;
  const d = e.data ?? e.details ?? e;
  const frame = (cls, symbol, title, more, ...content) => h("article", { class: `entry ${cls}` }, icon(symbol, cls === "consent" ? "ok" : ""),
    h("div", {}, h("header", {}, h("strong", {}, title), more, h("time", { datetime: at }, time(at))), ...content));
  if (type === "order") return frame("order", "order", d.status === "cancelled" ? t("Order cancelled") : t("Order placed"), h("span", { class: "muted num" }, d.order_number ?? d.order_id), orderBox(d));
  if (type === "event") {
    return frame("event", "event", t("Event from Emarsys"), h("code", {}, d.event_name ?? "–"), d.status && h("p", { class: "small" }, link(t("Status: {status}", { status: d.status }), `/events/${d.id ?? e.id}`)),
      (d.body || d.event_data) && h("details", {}, h("summary", {}, t("Event data")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(d.event_data ?? d.body?.event_data ?? d.body, null, 2)))));
  }
  if (type === "flow_run" || type === "flow") {
    return frame("out", "message", t("Flow started"), h("span", { class: "muted" }, d.flow_id ? link(d.flow_name ?? d.name ?? t("Flow"), `/flows/${d.flow_id}`) : d.flow_name ?? ""),
      h("p", { class: "small" }, runState(d.state)), d.payload && h("details", {}, h("summary", {}, t("Payload")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(d.payload, null, 2)))));
  }
  if (type === "touch") return frame(d.kind === "reply" ? "in" : "out", d.kind === "reply" ? "reply" : "check", { read: t("Message read"), click: t("Link clicked"), reply: t("Replied") }[d.kind] ?? t("Message"), d.campaign && h("span", { class: "muted" }, d.campaign));
  if (type === "delivery") return frame("data", "reply", t("Told the charles instance"), h("code", {}, d.delivery_type ?? d.event_type ?? ""), h("p", { class: "small" }, link(d.state ?? "", `/deliveries/${d.id ?? e.id}`)));
  if (type === "opt_in" || type === "consent") return frame("consent", "shield", consentText(d), null, h("p", { class: "small" }, [d.source, phone(d.phone) !== "–" && phone(d.phone)].filter(Boolean).join(", ")));
  if (type === "opt_in_export") return frame("consent", "shield", t("Opt-in sent to Emarsys"), null, h("p", { class: "small" }, `${d.status ?? ""} ${d.state ?? ""}`));
  if (type === "import") return frame("data", "import", t("Seen in an import"), null, h("p", { class: "small" }, link(t("Import run"), `/imports/${d.import_id ?? d.id}`)));
  if (type === "merge") {
    return frame("data", "merge", t("Merged with another contact"), null, h("p", { class: "small" }, d.reason ?? "", " ",
      !d.undone_at && (d.merge_id ?? d.id) && button(t("Undo the merge"), {
        class: "quiet sm", onclick: () => confirm({
          title: t("Undo the merge?"), text: t("Both contacts are restored as they were before."), action: t("Undo the merge"), danger: false,
          consequences: [t("Opt-ins go back to the phone they were given for."), t("The two are remembered as not the same.")], act: () => api.post(`/merges/${d.merge_id ?? d.id}/undo`),
        }).then((done) => done && reload()),
      })));
  }
  return frame("data", "info", type ?? "", null, e.title && h("p", { class: "small" }, e.title));
}

export function runState(state) {
  return { queued: t("Queued"), delivered: t("Delivered to charles"), failed: t("Failed"), no_phone: t("Not started: no phone number"), no_consent: t("Not started: no opt-in"), capped: t("Not started: frequency cap"), cancelled: t("Cancelled") }[state] ?? state;
}

export function orderBox(order) {
  const items = order.items ?? [];
  const line = (text, amount, cls) => h("tr", { class: cls }, h("th", { scope: "row" }, text), h("td", {}, amount));
  const price = (i) => i.price?.amount?.gross ?? i.price_gross ?? i.price;
  return h("div", { class: "order-box" },
    h("table", { class: "lines" }, h("caption", { class: "vh" }, t("Lines of order {id}", { id: order.order_number ?? order.order_id })),
      h("tbody", {}, items.map((i) => line(`${number(i.qty)} × ${i.name ?? i.sku ?? i.external_reference_id ?? ""}`, price(i) === undefined || price(i) === null ? "" : money(Number(price(i)) * Number(i.qty), order.currency))),
        Number(order.discount_amount_total) > 0 && line([t("Discount"), order.discount_codes?.length > 0 && ` ${order.discount_codes.join(", ")}`], `−${money(order.discount_amount_total, order.currency)}`, "muted"),
        Number(order.amount_total_shipping_gross) > 0 && line(t("Shipping"), money(order.amount_total_shipping_gross, order.currency), "muted"),
        Number(order.refund_amount_total_gross) > 0 && line(t("Refunded"), `−${money(order.refund_amount_total_gross, order.currency)}`, "muted")),
      h("tfoot", {}, line(t("Total with tax"), money(order.amount_total_gross, order.currency)))),
    h("p", { class: "row small" }, outcomeBadge(order.outcome), " ", order.attribution?.model && h("span", { class: "grow" }, attributionText(order.attribution))));
}

export function outcomeBadge(outcome) {
  return { linked: badge("ok", t("Linked")), anonymous: badge("off", t("Anonymous"), "user"), skipped: badge("off", t("Skipped"), "off") }[outcome] ?? null;
}

const modelName = (model) => ({ last_touch: t("last touch"), first_touch: t("first touch"), touch_id: t("named by the event") }[model] ?? model.replaceAll("_", " "));

export function attributionText(a) {
  if (!a?.model) return t("Not attributed");
  return a.touched_at ? t("Attributed: {model}, {time}", { model: modelName(a.model), time: dateTime(a.touched_at) }) : t("Attributed: {model}", { model: modelName(a.model) });
}

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

