// Work in the lanes: how much waits, how old it is, what was given up.
import { api } from "../core/api.js";
import { empty, h, table } from "../core/dom.js";
import { duration, number } from "../core/format.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";

export async function queues({ signal }) {
  const { items } = await api.list("/queues", { signal });
  return [
    pageHead(t("Queues"), { lead: t("Work of all tenants, by kind. An age that grows means that something is stuck.") }),
    h("section", { class: "card flush" }, items.length === 0 ? empty("ok", t("Nothing waits"), t("Every lane is empty.")) : table([
      { title: t("Queue"), cell: (q) => q.queue },
      { title: t("Ready"), class: "r", label: t("Ready"), cell: (q) => number(q.ready) },
      { title: t("Running"), class: "r", label: t("Running"), cell: (q) => number(q.running) },
      { title: t("Scheduled"), class: "r", label: t("Scheduled"), cell: (q) => number(q.scheduled) },
      { title: t("Given up"), class: "r", label: t("Given up"), cell: (q) => number(q.dead) },
      { title: t("Oldest waits"), class: "r", label: t("Oldest waits"), cell: (q) => (q.oldest_seconds ? duration(q.oldest_seconds) : "–") },
    ], items, { caption: t("Queues") })),
  ];
}
