// An order: its lines, what it is linked to, and what it is attributed to.
import { badge, h } from "../core/dom.js";
import { dateTime, money, number } from "../core/format.js";
import { t } from "../core/texts.js";

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
