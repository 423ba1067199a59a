// Reports: key figures and charts, each with its numbers as a table and as CSV. SVG stretches, text is HTML.
import { api, query } from "../core/api.js";
import { button, empty, h, link, select, svg } from "../core/dom.js";
import { date, dayAndMonth, defaultCurrency, money, number, percent, timeZone } from "../core/format.js";
import { reload, remember } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { saveCsv } from "../core/csv.js";
import { rejectionText } from "./reasons.js";

const NAMES = [["overview", "Overview"], ["revenue", "Revenue"], ["opt_ins", "Opt-ins"], ["imports", "Import runs"], ["webhooks", "Webhooks"]];

export async function reports({ parameters, search, signal }) {
  const name = NAMES.some(([n]) => n === parameters.name) ? parameters.name : "overview";
  const days = Number(search.days) || 30;
  const to = new Date();
  const from = new Date(to - (days - 1) * 86400000);
  const day = (d) => d.toLocaleDateString("sv-SE", { timeZone: timeZone() });
  const report = { ...await api.one(`/reports/${name}${query({ from: day(from), to: day(to) })}`, { signal }), from: day(from), to: day(to) };
  const csvRows = [];
  const other = name === "overview" ? Object.fromEntries(await Promise.all(["revenue", "opt_ins"].map(async (n) => [n, { ...await api.one(`/reports/${n}${query({ from: day(from), to: day(to) })}`, { signal }), from: day(from), to: day(to) }]))) : {};
  const content = { overview, revenue, opt_ins: optIns, imports: importReport, webhooks }[name](report, csvRows, other);
  return [
    pageHead(t("Reports"), {
      lead: t("What your flows earned and how your opt-ins grew, {from} to {to}. Days are in {zone}.", { from: date(from), to: date(to), zone: timeZone() }),
      actions: [select([[7, t("Last {n} days", { n: 7 })], [30, t("Last {n} days", { n: 30 })], [90, t("Last {n} days", { n: 90 })], [365, t("Last {n} days", { n: 365 })]], days, { "aria-label": t("Period"), onchange: (event) => { remember({ days: event.target.value }); reload(); } }),
        button("CSV", { onclick: () => saveCsv(csvRows, `${name}-${day(from)}-${day(to)}.csv`) }, "download")],
    }),
    h("nav", { class: "tabs", "aria-label": t("Reports") }, NAMES.map(([n, text]) => link(t(text), `/reports/${n}${days === 30 ? "" : `?days=${days}`}`, { "aria-current": n === name ? "page" : null }))),
    h("div", { class: "stack-lg" }, content),
  ];
}

const kpi = (title, value, more) => h("div", {}, h("dt", {}, title), h("dd", {}, value), more && h("dd", { class: "small" }, more));

/** A row for each day of the period: days on which nothing happened are zeros, not gaps. */
function everyDay(rows, { from, to }) {
  const by = new Map(rows.map((row) => [row.day, row]));
  const days = [];
  for (let at = Date.parse(`${from}T12:00:00Z`); at <= Date.parse(`${to}T12:00:00Z`); at += 86400000) {
    const day = new Date(at).toISOString().slice(0, 10);
    days.push(by.get(day) ?? { day });
  }
  return days;
}

const figures = (days, key) => days.map((d) => Number(d[key] ?? 0));
const dayNames = (days) => days.map((d) => d.day);

function overview(report, csv, { revenue: earned, opt_ins: opted }) {
  const { contacts, opt_ins: optIn, events, deliveries, imports, orders, revenue: money_ } = report;
  csv.push(["figure", "value"]);
  for (const [group, values] of Object.entries({ contacts, opt_ins: optIn, events, deliveries, imports, orders })) for (const [k, v] of Object.entries(values)) csv.push([`${group}.${k}`, v]);
  for (const r of money_) for (const k of ["total_gross", "attributed_gross", "refunds_gross"]) csv.push([`revenue.${r.currency}.${k}`, r[k]]);
  const amounts = (key) => money_.map((r) => money(r[key], r.currency)).join(", ");
  return [
    h("dl", { class: "kpis" },
      kpi(t("Revenue from flows"), money_.length ? amounts("attributed_gross") : money(0, defaultCurrency()), money_.length > 0 && t("of {total}", { total: amounts("total_gross") })),
      kpi(t("Orders from flows"), number(orders.attributed), t("of {n} orders", { n: number(orders.count) })),
      kpi(t("Opt-ins granted"), number(optIn.granted), t("{n} withdrawn", { n: number(optIn.withdrawn) })),
      kpi(t("Events received"), number(events.received), t("{n} processed", { n: number(events.processed) }))),
    h("dl", { class: "kpis" },
      kpi(t("Contacts"), number(contacts.total)), kpi(t("Opt-ins now"), number(contacts.opted_in)),
      kpi(t("Import runs"), number(imports.runs), t("{n} failed", { n: number(imports.failed) })), kpi(t("Deliveries"), number(deliveries.delivered), t("{n} dead", { n: number(deliveries.dead) }))),
    byFlow(earned), optInLines(opted),
  ];
}

function revenue(report, csv) {
  csv.push(["day", "currency", "orders", "revenue_gross", "attributed_gross"], ...report.by_day.map((r) => [r.day, r.currency, r.orders, r.revenue_gross, r.attributed_gross]));
  const byDay = [...groupBy(report.by_day, (d) => d.currency)];
  if (report.totals.length === 0) return empty("report", t("No revenue in this period"), t("Orders appear here once order events arrive and a contact was touched before the order."));
  return [
    report.totals.map((r) => h("dl", { class: "kpis", "aria-label": r.currency },
      kpi(t("Revenue from flows"), money(r.attributed_gross, r.currency), t("of {total}", { total: money(r.revenue_gross, r.currency) })), kpi(t("Orders from flows"), number(r.attributed_orders), t("of {n} orders", { n: number(r.orders) })),
      kpi(t("Orders of known contacts"), number(r.stitched_orders)), kpi(t("Refunded"), money(r.refunds_gross, r.currency)))),
    byFlow(report),
    byDay.map(([currency, rows], i) => {
      const days = everyDay(rows, report);
      const format = (v) => money(v, currency);
      const axis = (v) => money(v, currency, { minimumFractionDigits: 0, maximumFractionDigits: 0 });
      return lines(`rd${i}`, t("Revenue a day ({currency})", { currency }), dayNames(days), [{ name: t("From flows"), values: figures(days, "attributed_gross"), format, axis }, { name: t("All orders"), values: figures(days, "revenue_gross"), format }]);
    }),
  ];
}

function byFlow(report) {
  const source = (f) => f.flow_name ?? f.campaign ?? t("Unknown");
  return [...groupBy(report.by_flow, (f) => f.currency)].map(([currency, rows], i) => bars(`rv${i}`, t("Revenue by flow ({currency})", { currency }), t("Last touch within the window before the order"), rows.map((f) => ({ label: source(f), value: Number(f.revenue_gross), text: money(f.revenue_gross, currency), more: number(f.orders) })), [t("Flow"), t("Revenue"), t("Orders")]));
}

function optInLines(report) {
  if (report.by_day.length === 0) return empty("shield", t("No opt-ins in this period"), t("Every grant and withdrawal on charles is counted here."));
  const days = everyDay(report.by_day, report);
  return lines("oi", t("Opt-ins a day"), dayNames(days), [{ name: t("Granted"), values: figures(days, "granted"), format: number }, { name: t("Withdrawn"), values: figures(days, "withdrawn"), format: number }]);
}

function optIns(report, csv) {
  csv.push(["day", "granted", "withdrawn", "denied"], ...report.by_day.map((d) => [d.day, d.granted, d.withdrawn, d.denied]));
  const { current, exports: sent } = report;
  return [
    h("dl", { class: "kpis" }, kpi(t("Opt-ins now"), number(current.granted ?? 0)), kpi(t("Withdrawn"), number((current.withdrawn ?? 0) + (current.denied ?? 0))),
      kpi(t("Confirmed in Emarsys"), number((sent.confirmed ?? 0) + (sent.sent ?? 0))), kpi(t("Waiting for Emarsys"), number(sent.queued ?? 0), sent.failed > 0 && t("{n} failed", { n: number(sent.failed) }))),
    optInLines(report),
    report.by_source.length > 0 && bars("os", t("Opt-ins by source"), "", report.by_source.map((s) => ({ label: s.source, value: s.count, text: number(s.count), more: { granted: t("Granted"), withdrawn: t("Withdrawn"), denied: t("Denied"), pending: t("Asked") }[s.status] ?? s.status })), [t("Source"), t("Number"), t("Decision")]),
  ];
}

function importReport(report, csv) {
  csv.push(["day", "runs", "read", "created", "updated", "rejected"], ...report.by_day.map((d) => [d.day, d.runs, d.read, d.created, d.updated, d.rejected]));
  if (report.runs === 0) return empty("import", t("No imports in this period"), t("Segments are imported once, then every 12 hours."));
  const days = everyDay(report.by_day, report);
  const { totals } = report;
  return [
    h("dl", { class: "kpis" }, kpi(t("Import runs"), number(report.runs), report.by_state.failed > 0 && t("{n} failed", { n: number(report.by_state.failed) })), kpi(t("Read"), number(totals.read), t("{n} unchanged", { n: number(totals.unchanged) })),
      kpi(t("Created"), number(totals.created), t("{n} updated", { n: number(totals.updated) })), kpi(t("Rejected"), number(totals.rejected), t("{n} conflicts", { n: number(totals.conflicts) }))),
    lines("im", t("Contacts a day"), dayNames(days), [{ name: t("Created"), values: figures(days, "created"), format: number }, { name: t("Updated"), values: figures(days, "updated"), format: number }]),
    report.rejections.length > 0 && bars("ir", t("Why contacts were rejected"), "", report.rejections.map((r) => ({ label: rejectionText(r.code).filter(Boolean).join(": "), value: r.count, text: number(r.count), more: percent(r.count / Math.max(1, totals.read)) })), [t("Reason"), t("Contacts"), t("Of all read")]),
  ];
}

function webhooks(report, csv) {
  csv.push(["day", "received", "processed", "rejected", "failed"], ...report.by_day.map((d) => [d.day, d.received, d.processed, d.rejected, d.failed]));
  if (report.by_day.length === 0) return empty("event", t("No webhooks in this period"), t("Events from Emarsys are counted here."));
  const days = everyDay(report.by_day, report);
  const { totals, processing_seconds: took } = report;
  const seconds = (v) => (v === null || v === undefined ? "–" : `${number(v)} s`);
  return [
    h("dl", { class: "kpis" }, kpi(t("Processed"), number(totals.processed ?? 0)), kpi(t("Rejected"), number(totals.rejected ?? 0)), kpi(t("Held or waiting"), number((totals.held ?? 0) + (totals.accepted ?? 0))), kpi(t("Until processed"), seconds(took.median), t("95% within {time}", { time: seconds(took.p95) }))),
    bars("wn", t("Events by name"), "", report.by_event_name.map((n) => ({ label: n.event_name ?? "–", value: n.events, text: number(n.events), more: percent(n.processed / Math.max(1, n.events)) })), [t("Event name"), t("Events"), t("Processed")]),
    lines("wd", t("Webhooks a day"), dayNames(days), [{ name: t("Received"), values: figures(days, "received"), format: number }, { name: t("Rejected"), values: figures(days, "rejected"), format: number }]),
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
      h("div", { class: "y", "aria-hidden": "true" }, [1, 0.75, 0.5, 0.25, 0].map((share) => h("span", {}, (data[0].axis ?? data[0].format)(most * share)))),
      svg("svg", { viewBox: "0 0 1000 200", preserveAspectRatio: "none", role: "img", "aria-label": label }, svg("path", { class: "grid", d: "M0,0H1000M0,50H1000M0,100H1000M0,150H1000M0,200H1000" }),
        svg("path", { class: "area", d: `${path(data[0].values)} V200 H${x(0)} Z` }), data.map((s, i) => svg("path", { class: `line${i + 1}`, d: path(s.values) }))),
      svg("svg", { class: "end", "aria-hidden": "true" }, data.map((s) => svg("text", { x: "0", y: `${Math.min(96, Math.max(4, y(s.values[last]) / 2)).toFixed(0)}%`, dy: ".35em" }, `${s.format(s.values[last])}`))),
      h("div", { class: "x", "aria-hidden": "true" }, ticks.map((i) => h("span", {}, dayAndMonth(days[i]))))),
    h("details", {}, h("summary", {}, t("Show as a table")), h("table", { class: "table" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, t("Day")), data.map((s) => h("th", { scope: "col", class: "r" }, s.name)))),
      h("tbody", {}, days.map((d, i) => h("tr", {}, h("th", { scope: "row" }, date(d)), data.map((s) => h("td", { class: "r" }, s.format(s.values[i])))))))));
}

function nice(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  // Four steps of whole numbers.
  return Math.max(4, [1, 2, 4, 6, 8, 10].map((m) => m * power).find((m) => m >= value) ?? value);
}

