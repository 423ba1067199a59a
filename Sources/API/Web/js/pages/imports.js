// Import runs: the list, and one run with live progress, counts, rejections.
import { api } from "../core/api.js";
import { button, empty, field, fill, h, icon, link, notice, select, table, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { dateTime, duration, number, percent } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { listen } from "../core/live.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { said, t } from "../core/texts.js";
import { importState } from "./import-state.js";
import { rejectionText } from "./reasons.js";
import { rejectionSection } from "./rejections.js";

const OVER = ["succeeded", "succeeded_with_rejections", "failed", "cancelled"];
const trigger = (run) => ({ initial: t("Segment selected"), schedule: t("Every 12 hours"), manual: t("Started by hand") }[run.trigger] ?? run.trigger);
/** The names of a run's segments; their ids where they are selected no more. */
const segments = (run, selected) => (run.segment_ids ?? []).map((id) => selected.find((s) => s.segment_id === id)?.name ?? id).join(", ") || "–";
const selectedSegments = async (signal) => (await api.list("/integrations/emarsys/segments/selected", { signal }).catch(() => ({ items: [] }))).items;

export async function imports({ signal }) {
  const selected = await selectedSegments(signal);
  const list = pagedTable({
    path: "/imports", signal, caption: t("Import runs, newest first"),
    blank: empty("import", t("No import yet"), t("Select segments in step 4 of Connect. They are imported once, then every 12 hours."), link(t("Select segments"), "/settings/integrations?connect=4", { class: "btn" })),
    columns: [
      { title: t("Started"), cell: (r) => link(dateTime(r.started_at ?? r.queued_at ?? r.created_at), `/imports/${r.id}`) },
      { title: t("State"), cell: (r) => [importState(r.state, r.counts), r.dry_run && [" ", h("span", { class: "xs muted" }, t("dry run"))]] },
      { title: t("Segments"), cell: (r) => segments(r, selected) },
      { title: t("Trigger"), cell: (r) => h("span", { class: "small" }, trigger(r)) },
      { title: t("Read"), class: "r", label: t("Read"), cell: (r) => number(r.counts?.read) },
      { title: t("Created"), class: "r", label: t("Created"), cell: (r) => number(r.counts?.created) },
      { title: t("Updated"), class: "r", label: t("Updated"), cell: (r) => number(r.counts?.updated) },
      { title: t("Rejected"), class: "r", label: t("Rejected"), cell: (r) => number(r.counts?.rejected) },
    ],
  });
  list.start();
  listen(["imports"], { import: debounced(list.freshen, 300) }, signal);
  return [
    pageHead(t("Import runs"), {
      lead: t("What came from Emarsys, when, and what was left out."),
      actions: [button(t("Dry run"), { onclick: () => startDialog(true) }), button(t("Sync now"), { class: "primary", onclick: () => startDialog(false) }, "run")],
    }), list.element];
}

async function startDialog(dry) {
  const { body, foot, close } = openDialog(dry ? t("Try an import without writing") : t("Start an import"), { className: "dialog confirm" });
  const selected = await api.list("/integrations/emarsys/segments/selected").catch(() => ({ items: [] }));
  const segment = field(t("Segment"), select([["", t("All selected segments")], ...selected.items.map((s) => [s.segment_id, s.name ?? s.segment_id])]));
  const mode = field(t("Mode"), select([["incremental", t("Changes only")], ["full", t("Everything again")]]), { hint: t("Only mapped fields decide whether a contact counts as updated.") });
  const problem = h("div", {});
  fill(body, dry && notice("", t("Nothing is written: you see what would be created, updated, merged and rejected, and a sample.")), segment.element, mode.element, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(dry ? t("Start the dry run") : t("Start the import"), {
    class: "primary", onclick: async (event) => {
      const target = event.currentTarget;
      target.disabled = true;
      try {
        const run = (await api.post("/imports", { segment_id: segment.input.value || undefined, mode: mode.input.value, dry_run: dry || undefined })).data[0];
        close();
        navigate(`/imports/${run.id}`);
      } catch (fault) { target.disabled = false; fill(problem, problemNotice(fault)); }
    },
  }));
}

export async function importRun({ parameters, signal }) {
  let run = await api.one(`/imports/${parameters.id}`, { signal });
  const [selected, mappings] = await Promise.all([selectedSegments(signal), api.list("/integrations/emarsys/mappings", { signal }).then((m) => m.items, () => [])]);
  const live = h("div", { class: "stack-lg" });
  const lost = h("div", { role: "status" });
  const side = h("aside", { class: "stack" });
  const spoken = h("p", { class: "vh", role: "status" });
  let said = -1;
  const rejections = rejectionSection(run, signal);
  const fields = mappings.length > 0 && t("{n} default, {more} custom", { n: mappings.filter((m) => !m.destination.startsWith("custom_properties.")).length, more: mappings.filter((m) => m.destination.startsWith("custom_properties.")).length });
  const next = selected.filter((s) => run.segment_ids?.includes(s.segment_id)).map((s) => s.next_import_at).filter(Boolean).sort()[0];

  const paint = () => {
    const over = OVER.includes(run.state);
    const c = run.counts ?? {};
    const share = run.progress ?? 0;
    const pg = h("progress", { id: "pg", max: "1", value: share });
    pg.value = share;
    fill(live,
      run.error && notice("bad", h("strong", {}, said(run.error.code, run.error.detail)), " ", said(`${run.error.code}.advice`, run.error.advice ?? "")),
      h("section", { class: "card", "aria-label": t("Progress") }, h("div", { class: "progress" },
        h("div", { class: "row between" }, h("label", { for: "pg" }, h("strong", {}, percent(share, 0)), " ", h("span", { class: "muted" }, run.total ? t("of {n} contacts", { n: number(run.total) }) : importState(run.state, run.counts))),
          !over && run.eta_seconds != null && h("span", { class: "num" }, t("About {time} left", { time: duration(run.eta_seconds) }))), pg,
        h("div", { class: "row between muted" }, h("span", { class: "num" }, t("{n} read", { n: number(c.read) })), h("span", { class: "num" }, speed(run))))),
      h("section", { "aria-labelledby": "ch" },
        h("div", { class: "section-head" }, h("h2", { id: "ch" }, run.dry_run ? t("What would happen to the contacts") : over ? t("What happened to the contacts") : t("What happened to the contacts so far"))),
        h("dl", { class: "kpis six" }, kpi(t("Created"), c.created), kpi(t("Updated"), c.updated), kpi(t("Unchanged"), c.unchanged), kpi(t("Merged"), c.merged),
          kpi(t("Conflicts"), c.conflicts, c.conflicts > 0 && !run.dry_run && link(t("Resolve"), "/conflicts", { class: "small" })), kpi(t("Rejected"), c.rejected, c.rejected > 0 && h("a", { class: "small", href: "#rej" }, t("See why"))))),
      run.dry_run && run.sample?.length > 0 && sampleTable(run.sample));
    const step = Math.floor(share * 10);
    if (step !== said) {
      said = step;
      spoken.textContent = over ? t("The import has ended.") : run.eta_seconds == null ? percent(share, 0) : t("{share}, about {time} left", { share: percent(share, 0), time: duration(run.eta_seconds) });
    }
    fill(side, stages(run, next), h("section", { class: "card", "aria-labelledby": "ft" }, h("h2", { id: "ft" }, t("This run")), h("dl", { class: "facts" },
      h("dt", {}, t("Mode")), h("dd", {}, run.mode === "full" ? t("Everything again") : t("Changes only"), run.dry_run && `, ${t("dry run")}`),
      h("dt", {}, t("Trigger")), h("dd", {}, trigger(run)), h("dt", {}, t("Segments")), h("dd", { class: "num" }, segments(run, selected)),
      h("dt", {}, t("Started")), h("dd", { class: "num" }, dateTime(run.started_at)), h("dt", {}, t("Finished")), h("dd", { class: "num" }, run.finished_at ? dateTime(run.finished_at) : "–"),
      fields && [h("dt", {}, t("Fields")), h("dd", { class: "num" }, fields)], run.total != null && [h("dt", {}, t("Contacts")), h("dd", { class: "num" }, t("{n} of 500,000", { n: number(run.total) }))],
      h("dt", {}, t("API calls")), h("dd", { class: "num" }, number(run.api_calls)), h("dt", {}, t("Skipped")), h("dd", { class: "num" }, number(c.skipped)),
      h("dt", {}, t("Values left out")), h("dd", { class: "num" }, number(c.rejected_values), c.rejected_values > 0 && !run.dry_run && h("a", { class: "small", href: "#rej" }, " ", t("See why"))),
      h("dt", {}, t("Invalid phones")), h("dd", { class: "num" }, number(c.invalid_phones)))));
  };
  paint();
  if (!OVER.includes(run.state)) {
    const look = async () => {
      const before = run.state;
      run = await api.one(`/imports/${run.id}`, { signal });
      paint();
      if (OVER.includes(run.state) && !OVER.includes(before)) reload();
    };
    const quietly = () => look().catch(() => {});
    listen(["imports"], { import: (changed) => changed.id === run.id && quietly() }, signal, (now) => {
      if (now === "open") { fill(lost); quietly(); } else fill(lost, notice("warn", t("The connection to charles was lost; the import goes on. Trying again …")));
    });
  }
  return [
    pageHead(segments(run, selected) === "–" ? t("Import run") : segments(run, selected), {
      crumbs: [[t("Import runs"), "/imports"]], lead: h("p", { class: "row" }, importState(run.state, run.counts), " ", h("span", {}, `${trigger(run)}, ${dateTime(run.started_at ?? run.queued_at)}`)),
      actions: OVER.includes(run.state) ? [] : [button(t("Cancel import"), {
        class: "danger", onclick: () => confirm({ title: t("Cancel this import?"), text: t("Contacts read so far stay. The next run reads the rest."), action: t("Cancel the import"), act: () => api.post(`/imports/${run.id}/cancel`) })
          .then((done) => { if (done) { toast(t("The import is being cancelled.")); reload(); } }),
      })],
    }),
    spoken, lost, h("div", { class: "cols aside" }, h("div", { class: "stack-lg" }, live, rejections), side)];
}

/** What a run does one after the other, and where it is. */
function stages(run, next) {
  const over = OVER.includes(run.state);
  const good = run.state.startsWith("succeeded");
  const known = run.total != null;
  const step = (state, text, more) => {
    const [cls, symbol] = { done: ["ok", "ok"], now: ["info", "run"], later: [null, "clock"], left: [null, "off"] }[state];
    const title = state === "now" ? h("strong", {}, text) : text;
    return h("li", { class: cls }, icon(symbol, state === "now" ? "spin" : ""), h("p", { class: state === "later" || state === "left" ? "muted" : null }, title, more && [h("br"), h("span", { class: "muted num" }, more)]));
  };
  const later = over ? "left" : "later";
  return h("section", { class: "card", "aria-labelledby": "st" }, h("h2", { id: "st" }, t("Stages")), h("ol", { class: "stages" },
    step(known ? "done" : run.state === "queued" ? "later" : over ? "left" : "now", known ? t("Emarsys evaluated the segment") : t("Emarsys evaluates the segment"), known && t("{n} contacts", { n: number(run.total) })),
    step(good ? "done" : known && !over ? "now" : later, t("Reading and matching contacts"), known && t("{n} read", { n: number(run.counts?.read) })),
    !run.dry_run && step(good ? "done" : later, t("Sending the latest opt-in status to Emarsys")),
    step(over ? "done" : "later", good && next && !run.dry_run ? t("Finished; next import {time}", { time: dateTime(next) }) : t("Finished"), run.finished_at && dateTime(run.finished_at))));
}

const kpi = (title, value, more) => h("div", {}, h("dt", {}, title), h("dd", {}, number(value ?? 0), more && [" ", more]));

function speed(run) {
  if (!run.started_at) return "";
  const seconds = (new Date(run.finished_at ?? Date.now()) - new Date(run.started_at)) / 1000;
  return seconds > 0 && run.counts?.read ? t("{n} contacts a second", { n: number(Math.round(run.counts.read / seconds)) }) : "";
}

function sampleTable(sample) {
  const action = (a) => ({ create: t("Created"), created: t("Created"), update: t("Updated"), updated: t("Updated"), unchanged: t("Unchanged"), merge: t("Merged"), merged: t("Merged"), reject: t("Rejected"), rejected: t("Rejected"), skip: t("Skipped"), skipped: t("Skipped") })[a] ?? a;
  return h("section", { class: "card flush", "aria-labelledby": "sm" }, h("header", {}, h("h2", { id: "sm" }, t("Sample"))), table([
    { title: t("Name"), cell: (s) => [s.first_name, s.last_name].filter(Boolean).join(" ") || t("Name unknown") },
    { title: t("What would happen"), cell: (s) => [action(s.action), s.code && [h("br"), h("span", { class: "xs muted" }, rejectionText(s.code).filter(Boolean).join(": "))]] },
    { title: t("Known by"), class: "wrap", label: t("Known by"), cell: (s) => [s.phone, s.email].filter(Boolean).map((v, i) => [i > 0 && h("br"), v]) },
    { title: t("On charles"), cell: (s) => (s.contact_id ? link(t("Contact"), `/contacts/${s.contact_id}`) : "–") },
  ], sample, { caption: t("Sample") }));
}
