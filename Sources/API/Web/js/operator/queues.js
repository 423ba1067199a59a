// Work in the lanes: how much waits, how old it is, what was given up.
import { api } from "../core/api.js";
import { badge, empty, h, link, table } from "../core/dom.js";
import { duration, number } from "../core/format.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";

const names = () => ({ imports: t("Imports"), exports: t("Opt-in exports"), events: t("Events"), deliveries: t("Deliveries"), maintenance: t("Maintenance") });

/** Lanes with their depth and age; `one`: all of the same tenant. */
export function laneTable(lanes, { one = false } = {}) {
  if (lanes.length === 0) return empty("ok", t("Nothing waits"), t("Every lane is empty."));
  if (one) {
    return table([
      { title: t("Lane"), cell: (q) => [names()[q.queue] ?? q.queue, q.paused && [" ", badge("off", t("Paused"))], q.dead > 0 && [h("br"), h("span", { class: "xs muted" }, t("{n} given up", { n: number(q.dead) }))]] },
      { title: t("Waits"), class: "r", label: t("Waits"), cell: (q) => number(q.ready + q.running) },
      { title: t("Oldest"), class: "r", label: t("Oldest"), cell: (q) => (q.oldest_seconds === null ? "–" : duration(q.oldest_seconds)) },
    ], lanes, { caption: t("Lanes, the one that waits longest first") });
  }
  const figure = (title, cell) => ({ title, class: "r", label: title, cell });
  const tenant = { title: t("Tenant"), cell: (q) => link(q.instance_name, `/tenants/${q.instance_name}`, { class: "mono" }) };
  return table([
    tenant,
    { title: t("Lane"), cell: (q) => [names()[q.queue] ?? q.queue, q.paused && [" ", badge("off", t("Paused"))]] },
    figure(t("Ready"), (q) => number(q.ready)), figure(t("Running"), (q) => number(q.running)),
    figure(t("Scheduled"), (q) => number(q.scheduled)),
    figure(t("Given up"), (q) => number(q.dead)), figure(t("Oldest waits"), (q) => (q.oldest_seconds === null ? "–" : duration(q.oldest_seconds))),
  ], lanes, { caption: t("Lanes, the one that waits longest first") });
}

export async function queues({ signal }) {
  const { items } = await api.list("/queues", { signal });
  return [
    pageHead(t("Queues"), { lead: t("Work of all tenants, by kind. An age that grows means that something is stuck.") }),
    h("section", { class: "card flush", "aria-label": t("Lanes") }, laneTable(items)),
  ];
}
