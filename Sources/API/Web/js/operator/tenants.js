// All tenants, those that need somebody first.
import { alertWords, sorted } from "../core/alert-words.js";
import { api } from "../core/api.js";
import { badge, button, empty, field, fill, h, icon, input, link, plain, select, toast } from "../core/dom.js";
import { openDialog, problemNotice } from "../core/dialog.js";
import { ago, number, percent } from "../core/format.js";
import { navigate, remember } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { said, t } from "../core/texts.js";
import { importState } from "../pages/import-state.js";

const ORDER = ["failing", "warning", "paused", "not_connected", "healthy", "suspended"];

/** Health as one of ORDER, with the sentence that says why. */
export function healthOf(tenant) {
  const { connection, last_import: run } = tenant;
  if (tenant.status === "suspended") return { level: "suspended", reason: "" };
  const alerts = sorted(tenant.raised_alerts ?? []).map(alertWords);
  const error = connection?.status === "failing" ? connection.last_error : null;
  if (error) return { level: "failing", reason: [said(error.code, error.detail), said(`${error.code}.advice`, error.advice)].filter(Boolean).join(" ") };
  if (run?.state === "failed") return { level: "failing", reason: t("Last import: {reason}", { reason: said(run.error_code, (run.error_code ?? "failed").replaceAll("_", " ")) }) };
  if (alerts.length > 0) return { level: alerts[0].level === "bad" ? "failing" : "warning", reason: alerts.map((a) => a.text).join(" ") };
  if (tenant.health === "failing") return { level: "failing", reason: t("Emarsys refuses the connection") };
  if (connection?.auth === "wsse" && connection.status !== "disconnected") return { level: "warning", reason: t("Signs in with WSSE, which ends on 31 December 2026") };
  if (tenant.health === "paused") return { level: "paused", reason: t("By the customer") };
  if (tenant.health === "not_connected") return { level: "not_connected", reason: "" };
  return { level: "healthy", reason: "" };
}

export function healthBadge(tenant) {
  const { level } = healthOf(tenant);
  return {
    failing: badge("bad", t("Failing")), warning: badge("warn", t("Needs a look")), paused: badge("off", t("Paused")),
    not_connected: badge("off", t("Not connected"), "off"), suspended: badge("off", t("Suspended"), "lock"), healthy: badge("ok", t("Healthy")),
  }[level];
}

const FEATURE_NAMES = () => ({ emarsys: "Emarsys", order_events: t("orders") });

/** How many rows were shown, for the way back. */
let shownBefore = 50;

export async function tenants({ search, signal, session }) {
  const all = [];
  let after = null;
  do {
    const page = await api.list(`/tenants?limit=200${after ? `&after=${encodeURIComponent(after)}` : ""}`, { signal });
    all.push(...page.items);
    after = page.next;
  } while (after && all.length < 2000);
  all.sort((a, b) => ORDER.indexOf(healthOf(a).level) - ORDER.indexOf(healthOf(b).level) || a.instance_name.localeCompare(b.instance_name));
  const having = (level) => all.filter((x) => healthOf(x).level === level).length;
  const kpi = (kind, text, level, small) => h("div", {}, h("dt", {}, plain(kind, text, kind === "off" ? "pause" : kind)), h("dd", {}, number(having(level))), h("dd", { class: "small" }, small));
  const body = h("div", {});
  const foot = h("div", { class: "table-foot" });
  let wanted = { q: search.q ?? "", health: search.health ?? "" };
  let shownCount = history.state?.scroll === undefined ? 50 : shownBefore;
  const paint = () => {
    const rows = all.filter((x) => (!wanted.health || healthOf(x).level === wanted.health) && `${x.instance_name} ${x.display_name}`.toLowerCase().includes(wanted.q.toLowerCase()));
    fill(body, rows.length === 0 ? empty("search", t("No tenant found"), t("Try another name or health.")) : h("table", { role: "table", class: "table fold" }, h("caption", { class: "vh" }, t("Tenants, failing first")),
      h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, [t("Instance"), t("Health"), t("Last import"), t("API calls, 30 days"), t("Failed"), t("Features")].map((c, i) => h("th", { role: "columnheader", scope: "col", class: i === 3 || i === 4 ? "r" : null, "aria-sort": i === 1 ? "ascending" : null }, c)))),
      h("tbody", { role: "rowgroup" }, rows.slice(0, shownCount).map((x) => h("tr", { role: "row" },
        h("th", { role: "rowheader", scope: "row" }, link(x.display_name, `/tenants/${x.instance_name}`), h("br"), h("code", { class: "xs muted" }, x.instance_name)),
        h("td", { role: "cell", class: "full" }, healthBadge(x), healthOf(x).reason && [h("br"), h("span", { class: "xs" }, healthOf(x).reason)]),
        h("td", { role: "cell", "data-label": t("Last import") }, x.last_import ? [importState(x.last_import.state ?? "succeeded"), h("br"), h("span", { class: "xs muted nowrap" }, ago(x.last_import.finished_at))] : "–"),
        h("td", { role: "cell", class: "r", "data-label": t("API calls, 30 days") }, number(x.usage?.api_calls_30d)),
        h("td", { role: "cell", class: "r", "data-label": t("Failed") }, x.usage?.api_calls_30d ? percent(x.usage.api_errors_30d / x.usage.api_calls_30d) : "–"),
        h("td", { role: "cell", "data-label": t("Features") }, Object.entries(x.features ?? {}).filter(([, onOff]) => onOff).map(([f]) => FEATURE_NAMES()[f] ?? f).join(", ") || "–"))))));
    fill(foot, h("span", { class: "num" }, t("{n} of {all} tenants", { n: Math.min(shownCount, rows.length), all: all.length })), rows.length > shownCount && button(t("Show more"), { class: "sm", onclick: () => { shownCount += 50; shownBefore = shownCount; paint(); } }));
  };
  paint();
  return [
    pageHead(t("Tenants"), { lead: t("Instances that need you come first."), actions: session.role === "manager" ? [button(t("New tenant"), { class: "primary", onclick: create }, "plus")] : [] }),
    h("div", { class: "stack-lg" },
      h("dl", { class: "kpis" }, kpi("bad", t("Failing"), "failing", t("Customers notice it")), kpi("warn", t("Needs a look"), "warning", t("Will fail if left alone")), kpi("ok", t("Healthy"), "healthy", t("Last import on time")), kpi("off", t("Suspended"), "suspended", t("By an operator"))),
      h("section", { class: "card flush", "aria-label": t("Tenants") },
        h("header", { class: "filters" }, h("search", { class: "search grow" }, h("label", { class: "vh", for: "q" }, t("Search tenants")), icon("search"), input({ id: "q", type: "search", value: wanted.q, placeholder: t("Search by name or instance"), oninput: (event) => { wanted.q = event.target.value; remember({ q: wanted.q }); paint(); } })),
          select([["", all.length === 1 ? t("All tenants") : t("All {n} tenants", { n: all.length })], ["failing", t("Failing")], ["warning", t("Needs a look")], ["paused", t("Paused")], ["not_connected", t("Not connected")], ["healthy", t("Healthy")], ["suspended", t("Suspended")]], wanted.health, { "aria-label": t("Health"), onchange: (event) => { wanted.health = event.target.value; remember({ health: wanted.health }); paint(); } })),
        body, foot)),
  ];
}

function create() {
  const { body, foot, close } = openDialog(t("New tenant"), { className: "dialog confirm" });
  const fields = {
    instance_name: field(t("Instance name"), input({ class: "input mono", maxlength: 63, spellcheck: "false" }), { hint: t("The first part of the address: <name>.hello-charles.com") }),
    display_name: field(t("Customer"), input({ maxlength: 200 })), time_zone: field(t("Time zone"), input({ value: "Europe/Berlin" })),
    default_currency: field(t("Default currency"), input({ class: "input mono", value: "EUR", maxlength: 3 })), default_country: field(t("Default country"), input({ class: "input mono", value: "DE", maxlength: 2 }), { optional: t("(optional)") }),
  };
  const problem = h("div", {});
  fill(body, Object.values(fields).map((f) => f.element), problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(t("Create the tenant"), {
    class: "primary", onclick: async () => {
      try {
        const values = Object.fromEntries(Object.entries(fields).map(([k, f]) => [k, f.input.value.trim()]).filter(([, v]) => v));
        await api.post("/tenants", values);
        close();
        toast(t("The tenant was created."));
        navigate(`/tenants/${values.instance_name}`);
      } catch (fault) { for (const [k, f] of Object.entries(fields)) f.setError(fault.on?.(k)); fill(problem, problemNotice(fault)); }
    },
  }));
  fields.instance_name.input.focus();
}
