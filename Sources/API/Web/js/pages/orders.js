// Orders, and one order with what it is attributed to.
import { api } from "../core/api.js";
import { badge, empty, h, link } from "../core/dom.js";
import { dateTime, money } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { listen } from "../core/live.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { attributionText, orderBox, outcomeBadge } from "./order-box.js";

function status(order) {
  const [kind, text, symbol] = { open: ["info", t("Open"), "clock"], pending: ["info", t("Pending"), "clock"], completed: ["ok", t("Completed")], cancelled: ["off", t("Cancelled"), "off"] }[order.status] ?? ["off", order.status];
  return badge(kind, text, symbol);
}

export async function orders({ signal, session }) {
  const list = pagedTable({
    path: "/orders", signal, caption: t("Orders, newest first"),
    blank: session.features?.order_events ? empty("order", t("No orders yet"), t("Set up an automation for the order event with the second URL of step 5."), link(t("Show the URL"), "/settings/integrations?connect=5", { class: "btn" }))
      : empty("lock", t("Order events are not enabled"), t("Ask your CSM to enable them for this instance.")),
    columns: [
      { title: t("Order"), cell: (o) => link(o.order_number ?? o.order_id, `/orders/${o.id}`) },
      { title: t("Ordered"), cell: (o) => h("span", { class: "num small nowrap" }, dateTime(o.ordered_at)) },
      { title: t("Status"), cell: status },
      { title: t("Total"), class: "r", label: t("Total"), cell: (o) => money(o.amount_total_gross, o.currency) },
      { title: t("Contact"), cell: (o) => [outcomeBadge(o.outcome), " ", o.contact_id && link(t("Contact"), `/contacts/${o.contact_id}`)] },
      { title: t("Attribution"), class: "full", cell: (o) => h("span", { class: "small" }, attributionText(o.attribution)) },
    ],
  });
  list.start();
  // Orders come with events, and are recorded a moment later.
  listen(["events"], { event: debounced(list.freshen, 500) }, signal);
  return [pageHead(t("Orders"), { lead: t("Amounts are gross, after discounts. Currencies are never added up.") }), list.element];
}

export async function order({ parameters, signal }) {
  const found = await api.one(`/orders/${parameters.id}`, { signal });
  const a = found.attribution;
  return [
    pageHead(t("Order {id}", { id: found.order_number ?? found.order_id }), { crumbs: [[t("Orders"), "/orders"]], lead: h("p", { class: "row" }, status(found), " ", h("span", {}, dateTime(found.ordered_at))) }),
    h("div", { class: "cols aside" }, h("section", { class: "card stack" }, h("h2", {}, t("Items")), orderBox(found)),
      h("aside", { class: "stack" },
        h("section", { class: "card" }, h("h2", {}, t("Attribution")), h("p", {}, attributionText(a)), a?.flow_id && h("p", {}, link(t("To the flow"), `/flows/${a.flow_id}`)), a?.window_days && h("p", { class: "small muted" }, t("The last touch within {n} days before the order counts.", { n: a.window_days }))),
        h("section", { class: "card" }, h("h2", {}, t("Details")), h("dl", { class: "facts" },
          h("dt", {}, t("Order ID")), h("dd", {}, h("code", {}, found.order_id)), h("dt", {}, t("Net")), h("dd", { class: "num" }, money(found.amount_total_net, found.currency)),
          h("dt", {}, t("Refunded")), h("dd", { class: "num" }, money(found.refund_amount_total_gross, found.currency)), found.contact_id && [h("dt", {}, t("Contact")), h("dd", {}, link(t("To the contact"), `/contacts/${found.contact_id}`))]))))];
}
