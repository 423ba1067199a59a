// All contacts: search by name, phone, e-mail or Emarsys id.
import { badge, empty, h, icon, link } from "../core/dom.js";
import { dateTime, name, number, phone } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { remember } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";

export function optInBadge(state) {
  const [kind, text] = { granted: ["ok", t("Granted")], withdrawn: ["off", t("Withdrawn")], denied: ["off", t("Denied")], pending: ["info", t("Asked")] }[state] ?? ["off", t("Never decided")];
  return badge(kind, text, state === "granted" ? "ok" : state === "pending" ? "clock" : "off");
}

/** What was typed, as the API's filter: a phone, an e-mail, an Emarsys id or a name. */
export function contactFilter(text) {
  const value = text.trim();
  if (!value) return {};
  if (/^\+?[\d\s()/.-]{7,}$/.test(value) && (value.startsWith("+") || value.startsWith("00"))) return { phone: value };
  if (value.includes("@") && value.includes(".")) return { email: value };
  return { q: value };
}

export async function contacts({ search, signal }) {
  const list = pagedTable({
    path: "/contacts", filters: contactFilter(search.q ?? ""), signal, caption: t("Contacts"),
    blank: search.q ? empty("search", t("No contact found"), t("Try a part of the name, the whole phone number with country code, or the email address."))
      : empty("contacts", t("No contacts yet"), t("They come with the first import, or with the first webhook."), link(t("Connect Emarsys"), "/settings/integrations", { class: "btn" })),
    columns: [
      { title: t("Name"), cell: (c) => link(name(c, t("Name unknown")), `/contacts/${c.id}`) },
      { title: t("Phone"), cell: (c) => h("span", { class: "num nowrap" }, phone(c.phone)) },
      { title: t("Email"), cell: (c) => c.email ?? "–" },
      { title: t("WhatsApp opt-in"), cell: (c) => optInBadge(c.opt_in) },
      { title: t("Orders"), class: "r", label: t("Orders"), cell: (c) => number(c.orders?.count ?? 0) },
      { title: t("Updated"), cell: (c) => h("span", { class: "num small nowrap" }, dateTime(c.updated_at)) },
    ],
  });
  const changed = debounced((value) => { remember({ q: value }); list.refresh(contactFilter(value)); });
  list.start();
  return [
    pageHead(t("Contacts"), { lead: t("Everyone charles knows from Emarsys, from webhooks and from WhatsApp.") }),
    h("div", { class: "stack" },
      h("search", { class: "search" }, h("label", { class: "vh", for: "q" }, t("Search contacts")), icon("search"),
        h("input", { class: "input", id: "q", type: "search", value: search.q ?? "", placeholder: t("Name, phone, email or Emarsys ID"), oninput: (event) => changed(event.target.value) })),
      list.element),
  ];
}
