// Identity conflicts: the queue, and one side by side with what each decision does.
import { api } from "../core/api.js";
import { badge, button, empty, fill, h, icon, link, toast } from "../core/dom.js";
import { problemNotice } from "../core/dialog.js";
import { date, dateTime, money, name, number, phone } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { listen } from "../core/live.js";
import { navigate } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { optInBadge } from "./contacts.js";

export function conflictTitle(code) {
  return {
    external_id_mismatch: t("One phone or email, two Emarsys IDs"), phone_owned_by_other: t("The phone belongs to somebody else"), email_owned_by_other: t("The email belongs to somebody else"),
    three_way: t("Three contacts in one row"), phone_email_mismatch: t("Phone and email belong to two contacts"), not_compatible: t("Two contacts that may be one"), shared_phone: t("A phone that several people share"), shared_email: t("An email that several people share"),
  }[code] ?? code.replaceAll("_", " ");
}

export async function conflicts({ signal }) {
  const list = pagedTable({
    path: "/identity_conflicts", filters: { status: "open" }, signal, caption: t("Open conflicts"),
    blank: empty("ok", t("No open conflicts"), t("When an import or a webhook links two contacts that charles should not merge by itself, you decide here.")),
    columns: [
      { title: t("What is in conflict"), cell: (c) => link(conflictTitle(c.code), `/conflicts/${c.id}`) },
      { title: t("Value"), cell: (c) => h("code", {}, Object.values(c.values ?? {}).filter((v) => typeof v === "string").slice(0, 2).join(", ") || "–") },
      { title: t("Contacts"), class: "r", label: t("Contacts"), cell: (c) => number(c.contact_ids?.length ?? 0) },
      { title: t("Since"), cell: (c) => h("span", { class: "num small nowrap" }, dateTime(c.created_at)) },
    ],
  });
  list.start();
  listen(["conflicts"], { conflict: debounced(list.freshen, 500) }, signal);
  return [pageHead(t("Conflicts"), { lead: t("Contacts that may be the same person. Nothing is merged until you say so.") }), list.element];
}

/** What came, who has it already, and that nothing was merged. */
function story(found, people) {
  const v = found.values ?? {};
  const brought = [v.phone && phone(v.phone), v.email, v.external_reference_id && t("Emarsys ID {id}", { id: v.external_reference_id })].filter(Boolean).join(", ");
  const at = dateTime(found.created_at);
  const from = { emarsys_import: t("The import of {time} brought {values}.", { time: at, values: brought || "–" }), webhook: t("A webhook of {time} brought {values}.", { time: at, values: brought || "–" }) }[found.source]
    ?? t("On {time} these values came together: {values}.", { time: at, values: brought || "–" });
  return people.length > 1 ? `${from} ${t("They belong to {n} contacts, so nothing was merged.", { n: people.length })}` : from;
}

export async function conflict({ parameters, signal }) {
  const found = await api.one(`/identity_conflicts/${parameters.id}`, { signal });
  const open = await api.list("/identity_conflicts?status=open&limit=200", { signal }).catch(() => ({ items: [] }));
  const place = open.items.findIndex((c) => c.id === found.id);
  const people = await Promise.all((found.contact_ids ?? []).map((id) => api.one(`/contacts/${id}`, { signal }).catch(() => null)));
  const shown = people.filter(Boolean);
  const row = (title, cell, cls) => h("tr", { role: "row", class: cls }, h("th", { role: "rowheader", scope: "row" }, title), shown.map((p) => h("td", { role: "cell" }, cell(p))));
  /** Disputed: what came in names a value that one of the two has and the other has not. */
  const identifiers = [["phone", t("Phone"), phone], ["email", t("Email"), String], ["external_reference_id", t("Emarsys ID"), String]].map(([key, title, show]) => ({
    title, cell: (p) => h("span", { class: "num" }, p[key] ? show(p[key]) : "–"),
    disputed: shown.some((p) => p[key] === found.values?.[key]) && !shown.every((p) => p[key] === shown[0][key]),
  }));
  const problem = h("div", {});
  const result = h("section", { class: "card stack", "aria-labelledby": "res", "aria-live": "polite" });
  const actions = {
    not_same: { title: t("Keep both apart"), text: t("They are different people. charles does not ask again."), ok: true,
      effects: [...shown.map((p) => [name(p, t("Name unknown")) + ": " + t("stays as it is, with opt-ins and orders."), "ok"]), [t("Emarsys still has the disputed value for both. Correct it there."), "warn"]] },
    merge: { title: t("Merge into one contact"), text: t("Only if both are the same person. You can undo it for 30 days."),
      effects: [[t("One contact stays, with all phones, emails, orders and events of both."), "ok"], [t("Opt-ins stay with the phone they were given for. A merge never creates one."), "ok"], [t("No flow is started."), "ok"]] },
  };
  let choice = "not_same";
  const paint = () => fill(result, h("h2", { id: "res" }, t("If you choose “{action}”", { action: actions[choice].title })),
    h("ul", { class: "stages" }, actions[choice].effects.map(([text, kind]) => h("li", { class: kind }, icon(kind), h("p", {}, text)))), problem,
    h("p", { class: "row" }, h("button", { class: "btn primary", type: "submit" }, actions[choice].title), link(t("Decide later"), "/conflicts", { class: "btn" })));
  paint();
  const decided = found.status && found.status !== "open";
  return [
    pageHead(conflictTitle(found.code), {
      crumbs: [[t("Conflicts"), "/conflicts"]], here: place >= 0 && !open.next ? t("{n} of {all} open", { n: place + 1, all: open.items.length }) : null, lead: story(found, shown),
      actions: place < 0 ? [] : [[t("Previous"), -1], [t("Next conflict"), 1]].map(([text, by]) => { const other = open.items[place + by]; return button(text, { class: "sm", disabled: !other, onclick: () => navigate(`/conflicts/${other.id}`) }); }),
    }),
    h("div", { class: "stack-lg" },
      h("section", { class: "card flush" }, h("table", { role: "table", class: "compare" },
        h("caption", { class: "vh" }, t("The contacts side by side")),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { role: "columnheader", scope: "col" }, h("span", { class: "vh" }, t("What is compared"))), shown.map((p) => h("th", { role: "columnheader", scope: "col" }, link(name(p, t("Name unknown")), `/contacts/${p.id}`))))),
        h("tbody", { role: "rowgroup" },
          identifiers.filter((i) => i.disputed).map((i) => row([icon("conflict"), " ", t("{name}, disputed", { name: i.title })], i.cell, "diff")),
          identifiers.filter((i) => !i.disputed).map((i) => row(i.title, i.cell)),
          row(t("WhatsApp opt-in"), (p) => optInBadge(p.opt_in)),
          row(t("Orders"), (p) => `${number(p.orders?.count ?? 0)}${p.orders?.count ? `, ${Object.entries(p.orders.totals ?? {}).map(([c, a]) => money(a, c)).join(", ")}` : ""}`),
          row(t("Contact since"), (p) => date(p.created_at))))),
      decided ? h("p", {}, badge("ok", t("Decided: {action}", { action: found.status.replaceAll("_", " ") })))
        : h("form", {
          class: "cols two", onsubmit: async (event) => {
            event.preventDefault();
            try {
              await api.post(`/identity_conflicts/${found.id}/resolve`, { action: choice });
              toast(choice === "merge" ? t("The contacts were merged.") : t("Both are kept apart."));
              const next = open.items[place + 1] ?? open.items[place - 1];
              navigate(next ? `/conflicts/${next.id}` : "/conflicts", { replace: true });
            } catch (fault) { fill(problem, problemNotice(fault)); }
          },
        },
        h("div", { class: "stack", role: "radiogroup", "aria-labelledby": "act" }, h("h2", { id: "act" }, t("What should happen?")),
          Object.entries(actions).map(([value, a]) => h("label", { class: "choice" }, h("input", { type: "radio", name: "a", value, checked: value === choice, onchange: () => { choice = value; paint(); } }), h("span", {}, h("b", {}, a.title), h("small", {}, a.text))))),
        result)),
  ];
}

