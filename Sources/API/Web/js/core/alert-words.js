// Alerts in words.
import { date, dateTime, number } from "./format.js";
import { t } from "./texts.js";

/** What an alert means: {level, text, action, href}. */
export function alertWords({ kind, detail }) {
  const d = detail ?? {};
  const n = number(d.count ?? 0);
  const oldest = d.oldest_at ? dateTime(d.oldest_at) : "–";
  const setup = (step) => `/settings/integrations?connect=${step}`;
  const known = {
    import_failed: ["bad", t("The last import failed."), t("See why"), "/imports"],
    import_rejections: ["warn", t("The last import rejected {rejected} of {read} contacts.", { rejected: number(d.rejected), read: number(d.read) }), t("See why"), "/imports"],
    import_stale: ["warn", d.last_success_at ? t("No import has succeeded since {time}.", { time: dateTime(d.last_success_at) }) : t("No import has succeeded yet."), t("Import runs"), "/imports"],
    withdrawal_unsent: ["bad", t("Withdrawn opt-ins have not reached Emarsys: {n}, the oldest since {time}.", { n, time: oldest }), t("Connection"), "/settings/integrations"],
    export_backlog: ["warn", t("Opt-in changes wait for Emarsys: {n}, the oldest since {time}.", { n, time: oldest }), t("Connection"), "/settings/integrations"],
    exports_failed: ["bad", t("Opt-in changes that Emarsys did not take within the last day: {n}.", { n }), t("Reports"), "/reports/opt_ins"],
    webhooks_unauthorized: ["bad", t("Webhooks come with a wrong token: {n} within ten minutes. Copy the JWT secret into the preset in Emarsys again.", { n }), t("Show the values"), setup(5)],
    identifiers_quarantined: ["warn", t("Phones or email addresses that more than 20 contacts carry identify nobody any more."), t("Conflicts"), "/conflicts"],
    near_segment_limit: ["warn", t("The last import had {n} contacts. A segment can have up to 500,000.", { n: number(d.people) }), t("Segments"), setup(4)],
    connection_failing: ["bad", t("Emarsys refuses the connection."), t("Connection"), setup(2)],
    wsse_sunset: ["warn", t("Emarsys ends WSSE on {date}.", { date: date(d.sunset ?? "2026-12-31") }), t("Choose OAuth 2.0"), setup(2)],
  }[kind];
  const [level, text, action, href] = known ?? ["warn", `${kind.replaceAll("_", " ")}.`];
  return { level, text, action, href };
}

const ORDER = { bad: 0, warn: 1 };

/** Worst first. */
export function sorted(alerts) {
  return [...alerts].sort((a, b) => ORDER[alertWords(a).level] - ORDER[alertWords(b).level] || a.kind.localeCompare(b.kind));
}
