// Reports: key figures and charts, each with its numbers as a table and as CSV. SVG stretches, text is HTML.
import { api, query } from "../core/api.js";
import { button, empty, field, h, link, select, svg } from "../core/dom.js";
import { date, defaultCurrency, money, number, percent, timeZone } from "../core/format.js";
import { remember } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { saveCsv } from "./imports.js";

const NAMES = [["overview", "Overview"], ["revenue", "Revenue"], ["opt_ins", "Opt-ins"], ["imports", "Import runs"], ["webhooks", "Webhooks"]];

export async function reports({ parameters, search, signal }) {
  const name = NAMES.some(([n]) => n === parameters.name) ? parameters.name : "overview";
  const days = Number(search.days) || 30;
  const to = new Date();
  const from = new Date(to - (days - 1) * 86400000);
  const day = (d) => d.toLocaleDateString("sv-SE", { timeZone: timeZone() });
  const report = await api.one(`/reports/${name}${query({ from: day(from), to: day(to) })}`, { signal }) ?? {};
  const csvRows = [];
  const content = { overview, revenue, opt_ins: optIns, imports: importReport, webhooks }[name](report, csvRows);
  return [
    pageHead(t("Reports"), {
      lead: t("What your flows earned and how your opt-ins grew. Days are in {zone}.", { zone: timeZone() }),
      actions: [field(t("Period"), select([[7, t("Last {n} days", { n: 7 })], [30, t("Last {n} days", { n: 30 })], [90, t("Last {n} days", { n: 90 })], [365, t("Last {n} days", { n: 365 })]], days, { onchange: (event) => { remember({ days: event.target.value }); location.reload(); } })).element,
        button("CSV", { onclick: () => saveCsv(csvRows, `${name}-${day(from)}-${day(to)}.csv`) }, "download")],
    }),
    h("nav", { class: "tabs", "aria-label": t("Reports") }, NAMES.map(([n, text]) => link(t(text), `/reports/${n}${days === 30 ? "" : `?days=${days}`}`, { "aria-current": n === name ? "page" : null }))),
    h("div", { class: "stack-lg" }, content),
  ];
}

const series = (report, ...names) => { for (const n of names) if (Array.isArray(report[n])) return report[n]; return []; };
const kpi = (title, value, more) => h("div", {}, h("dt", {}, title), h("dd", {}, value), more && h("dd", { class: "small" }, more));
const first = (object, ...keys) => { for (const k of keys) if (object?.[k] !== undefined) return object[k]; };

function overview(report, csv) {
  const revenueBy = series(report, "revenue", "currencies", "revenue_by_currency");
  csv.push(["figure", "value"], ...Object.entries(report).filter(([, v]) => typeof v !== "object").map(([k, v]) => [k, v]));
  const optIn = report.opt_ins ?? {};
  const events = report.events ?? report.webhooks ?? {};
  return [
    h("dl", { class: "kpis" },
      kpi(t("Revenue from flows"), revenueBy.length ? revenueBy.map((r) => money(first(r, "attributed_gross", "attributed", "revenue_gross"), r.currency)).join(", ") : money(0, defaultCurrency()), revenueBy.length && t("of {total}", { total: revenueBy.map((r) => money(first(r, "total_gross", "total", "revenue_gross"), r.currency)).join(", ") })),
      kpi(t("Orders from flows"), number(first(report, "attributed_orders", "orders_attributed") ?? report.orders?.attributed ?? 0), t("of {n} orders", { n: number(report.orders?.count ?? report.orders?.total ?? report.orders ?? 0) })),
      kpi(t("Opt-ins granted"), number(optIn.granted ?? 0), t("{n} withdrawn", { n: number(optIn.withdrawn ?? 0) })),
      kpi(t("Events received"), number(events.received ?? 0), t("{n} processed", { n: number(events.processed ?? 0) }))),
    h("dl", { class: "kpis" },
      kpi(t("Contacts"), number(report.contacts?.total ?? report.contacts ?? 0)), kpi(t("Opt-ins now"), number(report.contacts?.opted_in ?? optIn.current ?? 0)),
      kpi(t("Import runs"), number(report.imports?.runs ?? report.imports?.count ?? 0), t("{n} failed", { n: number(report.imports?.failed ?? 0) })), kpi(t("Deliveries"), number(report.deliveries?.delivered ?? report.deliveries?.count ?? 0), t("{n} dead", { n: number(report.deliveries?.dead ?? 0) }))),
  ];
}

function revenue(report, csv) {
  const flows = series(report, "by_flow", "flows");
  const byDay = series(report, "by_day", "days", "daily");
  csv.push(["day", "currency", "revenue_gross", "orders"], ...byDay.map((r) => [r.day, r.currency, first(r, "attributed_gross", "revenue_gross", "gross"), r.orders]));
  const groups = [...Map.groupBy?.(flows, (f) => f.currency) ?? groupBy(flows, (f) => f.currency)];
  return [
    flows.length === 0 ? empty("report", t("No revenue in this period"), t("Orders appear here once order events arrive and a contact was touched before the order."))
      : groups.map(([currency, rows], i) => bars(`rv${i}`, t("Revenue by flow ({currency})", { currency }), t("Last touch within the window before the order"), rows.map((f) => ({ label: f.flow_name ?? f.name ?? f.campaign ?? t("Not attributed"), value: Number(first(f, "revenue_gross", "attributed_gross", "gross")), text: money(first(f, "revenue_gross", "attributed_gross", "gross"), currency), more: number(f.orders) })), [t("Flow"), t("Revenue"), t("Orders")])),
    byDay.length > 0 && [...groupBy(byDay, (d) => d.currency)].map(([currency, rows], i) => lines(`rd${i}`, t("Revenue a day ({currency})", { currency }), rows.map((r) => r.day), [{ name: t("Revenue"), values: rows.map((r) => Number(first(r, "attributed_gross", "revenue_gross", "gross"))), format: (v) => money(v, currency) }])),
  ];
}

function optIns(report, csv) {
  const days = series(report, "by_day", "days", "daily");
  csv.push(["day", "granted", "withdrawn"], ...days.map((d) => [d.day, d.granted, d.withdrawn]));
  return days.length === 0 ? empty("shield", t("No opt-ins in this period"), t("Every grant and withdrawal on charles is counted here."))
    : lines("oi", t("Opt-ins a day"), days.map((d) => d.day), [{ name: t("Granted"), values: days.map((d) => Number(d.granted ?? 0)), format: number }, { name: t("Withdrawn"), values: days.map((d) => Number(d.withdrawn ?? 0)), format: number }]);
}

function importReport(report, csv) {
  const days = series(report, "by_day", "days", "daily");
  csv.push(["day", "runs", "read", "created", "updated", "rejected"], ...days.map((d) => [d.day, d.runs, d.read, d.created, d.updated, d.rejected]));
  return days.length === 0 ? empty("import", t("No imports in this period"), t("Segments are imported once, then every 12 hours."))
    : lines("im", t("Contacts a day"), days.map((d) => d.day), [{ name: t("Created"), values: days.map((d) => Number(d.created ?? 0)), format: number }, { name: t("Updated"), values: days.map((d) => Number(d.updated ?? 0)), format: number }]);
}

function webhooks(report, csv) {
  const days = series(report, "by_day", "days", "daily");
  const names = series(report, "by_event_name", "by_event", "event_names");
  csv.push(["day", "received", "rejected"], ...days.map((d) => [d.day, first(d, "received", "events"), d.rejected]));
  return [
    names.length > 0 && bars("wn", t("Events by name"), "", names.map((n) => ({ label: n.event_name ?? "–", value: Number(first(n, "events", "received", "count")), text: number(first(n, "events", "received", "count")), more: n.processed === undefined ? "" : percent(n.processed / Math.max(1, first(n, "events", "received", "count"))) })), [t("Event name"), t("Events"), t("Processed")]),
    days.length === 0 ? empty("event", t("No webhooks in this period"), t("Events from Emarsys are counted here.")) : lines("wd", t("Webhooks a day"), days.map((d) => d.day), [{ name: t("Received"), values: days.map((d) => Number(first(d, "received", "events") ?? 0)), format: number }, { name: t("Rejected"), values: days.map((d) => Number(d.rejected ?? 0)), format: number }]),
  ];
}

function groupBy(rows, key) {
  const groups = new Map();
  for (const row of rows) { const k = key(row); if (!groups.has(k)) groups.set(k, []); groups.get(k).push(row); }
  return groups;
}

/** Horizontal bars, labelled directly; the table is the chart. */
function bars(id, title, note, rows, [label, value, more]) {
  const most = Math.max(...rows.map((r) => r.value), 1);
  return h("figure", { class: "card stack", "aria-labelledby": id },
    h("figcaption", { class: "section-head" }, h("h2", { id }, title), h("span", { class: "small muted" }, note)),
    h("table", { role: "table", class: "bars" },
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, h("th", { role: "columnheader", scope: "col" }, label), h("th", { role: "columnheader", scope: "col" }, h("span", { class: "vh" }, t("Share of the largest"))), h("th", { role: "columnheader", scope: "col", class: "r" }, value), h("th", { role: "columnheader", scope: "col", class: "r hide-s" }, more))),
      h("tbody", { role: "rowgroup" }, rows.map((r) => h("tr", { role: "row" }, h("th", { role: "rowheader", scope: "row" }, r.label),
        h("td", { role: "cell" }, svg("svg", { "aria-hidden": "true" }, svg("rect", { class: "c0", width: "100%", height: "20", rx: "4" }), svg("rect", { class: "c1", width: `${Math.max(0, r.value / most * 100).toFixed(1)}%`, height: "20", rx: "4" }))),
        h("td", { role: "cell", class: "r" }, r.text), h("td", { role: "cell", class: "r hide-s" }, r.more))))));
}

/** A line over days, scale from zero, second series dashed, and the numbers as a table. */
function lines(id, title, days, data) {
  const most = nice(Math.max(...data.flatMap((s) => s.values), 1));
  const x = (i) => (days.length === 1 ? 500 : i / (days.length - 1) * 1000);
  const y = (v) => 200 - v / most * 200;
  const path = (values) => values.map((v, i) => `${i ? "" : "M"}${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(" ");
  const sum = (values) => values.reduce((a, b) => a + b, 0);
  const label = data.map((s) => `${s.name}: ${s.format(sum(s.values))}`).join(", ");
  const last = days.length - 1;
  const ticks = [...new Set([0, 0.25, 0.5, 0.75, 1].map((share) => Math.round(share * last)))];
  return h("figure", { class: "card stack", "aria-labelledby": id },
    h("figcaption", { class: "section-head" }, h("h2", { id }, title),
      h("span", { class: "legend-row" }, data.map((s, i) => h("span", {}, svg("svg", { viewBox: "0 0 24 12", "aria-hidden": "true" }, i === 0 && svg("rect", { class: "area", width: "24", height: "12" }), svg("path", { class: `line${i + 1}`, d: i ? "M0 6h24" : "M0 1h24" })), s.name)))),
    h("div", { class: "plot" },
      h("div", { class: "y", "aria-hidden": "true" }, [1, 0.75, 0.5, 0.25, 0].map((share) => h("span", {}, data[0].format(most * share)))),
      svg("svg", { viewBox: "0 0 1000 200", preserveAspectRatio: "none", role: "img", "aria-label": label }, svg("path", { class: "grid", d: "M0,0H1000M0,50H1000M0,100H1000M0,150H1000M0,200H1000" }),
        svg("path", { class: "area", d: `${path(data[0].values)} V200 H${x(0)} Z` }), data.map((s, i) => svg("path", { class: `line${i + 1}`, d: path(s.values) }))),
      svg("svg", { class: "end", "aria-hidden": "true" }, data.map((s) => svg("text", { x: "0", y: `${Math.min(96, Math.max(4, y(s.values[last]) / 2)).toFixed(0)}%`, dy: ".35em" }, `${s.format(s.values[last])}`))),
      h("div", { class: "x", "aria-hidden": "true" }, ticks.map((i) => h("span", {}, date(days[i]).replace(/ \d{4}$/, ""))))),
    h("details", {}, h("summary", {}, t("Show as a table")), h("table", { class: "table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("Day")), data.map((s) => h("th", { scope: "col", class: "r" }, s.name)))),
      h("tbody", {}, days.map((d, i) => h("tr", {}, h("th", { scope: "row" }, date(d)), data.map((s) => h("td", { class: "r" }, s.format(s.values[i])))))))));
}

function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 5, 10].map((m) => m * power).find((m) => m >= value) ?? value;
}

