// Import runs: the list, and one run with live progress, counts, rejections.
import { api, query } from "../core/api.js";
import { button, empty, field, fill, h, link, notice, plain, select, table, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { dateTime, duration, number, percent } from "../core/format.js";
import { pagedTable } from "../core/list.js";
import { listen } from "../core/live.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { importState } from "./marketplace.js";

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
      { title: t("State"), cell: (r) => [importState(r.state), r.dry_run && [" ", h("span", { class: "xs muted" }, t("dry run"))]] },
      { title: t("Segments"), cell: (r) => segments(r, selected) },
      { title: t("Trigger"), cell: (r) => h("span", { class: "small" }, trigger(r)) },
      { title: t("Read"), class: "r", label: t("Read"), cell: (r) => number(r.counts?.read) },
      { title: t("Created"), class: "r", label: t("Created"), cell: (r) => number(r.counts?.created) },
      { title: t("Updated"), class: "r", label: t("Updated"), cell: (r) => number(r.counts?.updated) },
      { title: t("Rejected"), class: "r", label: t("Rejected"), cell: (r) => number(r.counts?.rejected) },
    ],
  });
  list.start();
  listen("/stream?topics=imports", { import: () => list.refresh() }, signal);
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
  const selected = await selectedSegments(signal);
  const live = h("div", { class: "stack-lg" });
  const side = h("aside", { class: "stack" });
  const spoken = h("p", { class: "vh", role: "status" });
  let said = -1;
  const rejections = rejectionSection(run, signal);

  const paint = () => {
    const over = OVER.includes(run.state);
    const c = run.counts ?? {};
    const share = run.progress ?? 0;
    const pg = h("progress", { id: "pg", max: "1", value: share });
    pg.value = share;
    fill(live,
      run.error && notice("bad", h("strong", {}, run.error.detail), " ", run.error.advice ?? ""),
      h("section", { class: "card", "aria-label": t("Progress") }, h("div", { class: "progress" },
        h("div", { class: "row between" }, h("label", { for: "pg" }, h("strong", {}, percent(share, 0)), " ", h("span", { class: "muted" }, run.total ? t("of {n} contacts", { n: number(run.total) }) : importState(run.state))),
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
    fill(side, h("section", { class: "card", "aria-labelledby": "ft" }, h("h2", { id: "ft" }, t("This run")), h("dl", { class: "facts" },
      h("dt", {}, t("Mode")), h("dd", {}, run.mode === "full" ? t("Everything again") : t("Changes only"), run.dry_run && `, ${t("dry run")}`),
      h("dt", {}, t("Trigger")), h("dd", {}, trigger(run)), h("dt", {}, t("Segments")), h("dd", { class: "num" }, segments(run, selected)),
      h("dt", {}, t("Started")), h("dd", { class: "num" }, dateTime(run.started_at)), h("dt", {}, t("Finished")), h("dd", { class: "num" }, run.finished_at ? dateTime(run.finished_at) : "–"),
      h("dt", {}, t("API calls")), h("dd", { class: "num" }, number(run.api_calls)), h("dt", {}, t("Skipped")), h("dd", { class: "num" }, number(c.skipped)),
      h("dt", {}, t("Values left out")), h("dd", { class: "num" }, number(c.rejected_values), c.rejected_values > 0 && !run.dry_run && h("a", { class: "small", href: "#rej" }, " ", t("See why"))),
      h("dt", {}, t("Invalid phones")), h("dd", { class: "num" }, number(c.invalid_phones)))));
  };
  paint();
  if (!OVER.includes(run.state)) {
    const state = h("p", { class: "small muted", role: "status" });
    live.prepend(state);
    listen(`/stream?topics=imports`, {
      import: async (changed) => {
        if (changed.id !== run.id) return;
        const before = run.state;
        run = changed.counts ? { ...run, ...changed } : await api.one(`/imports/${run.id}`, { signal });
        paint();
        if (OVER.includes(run.state) && !OVER.includes(before)) reload();
      },
    }, signal, (now) => { if (now === "lost") live.prepend(notice("warn", t("The connection to charles was lost; the import goes on. Trying again …"))); else paint(); });
  }
  return [
    pageHead(segments(run, selected) === "–" ? t("Import run") : segments(run, selected), {
      crumbs: [[t("Import runs"), "/imports"]], lead: h("p", { class: "row" }, importState(run.state), " ", h("span", {}, `${trigger(run)}, ${dateTime(run.started_at ?? run.queued_at)}`)),
      actions: OVER.includes(run.state) ? [] : [button(t("Cancel import"), {
        class: "danger", onclick: () => confirm({ title: t("Cancel this import?"), text: t("Contacts read so far stay. The next run reads the rest."), action: t("Cancel the import"), act: () => api.post(`/imports/${run.id}/cancel`) })
          .then((done) => { if (done) { toast(t("The import is being cancelled.")); reload(); } }),
      })],
    }),
    spoken, h("div", { class: "cols aside" }, h("div", { class: "stack-lg" }, live, rejections), side)];
}

const kpi = (title, value, more) => h("div", {}, h("dt", {}, title), h("dd", {}, number(value ?? 0), more && [" ", more]));

function speed(run) {
  if (!run.started_at) return "";
  const seconds = (new Date(run.finished_at ?? Date.now()) - new Date(run.started_at)) / 1000;
  return seconds > 0 && run.counts?.read ? t("{n} contacts a second", { n: number(Math.round(run.counts.read / seconds)) }) : "";
}

/** What a reason code means, and what to do about it. */
export function rejectionText(code) {
  const phone = t("Phone not valid");
  const email = t("Email not valid");
  return {
    phone_missing_country_code: [phone, t("No country code. Use +49… or 49…")], phone_invalid_characters: [phone, t("This is not a phone number.")],
    phone_invalid_length: [phone, t("Too short or too long for its country.")], phone_unknown_country_code: [phone, t("No country has this code.")],
    phone_blocked: [t("Phone not used"), t("A placeholder or a number on the block list.")], phone_absent: [t("No phone"), ""], email_absent: [t("No email"), ""],
    email_invalid: [email, t("This is not an email address.")], email_blocked: [t("Email not used"), t("A placeholder or an address on the block list.")],
    no_usable_identifier: [t("No phone and no email"), t("charles needs one of them.")], skipped_suppressed: [t("Erased before"), t("The person asked to be forgotten; an import does not bring them back.")],
    shared_phone: [t("Phone shared by several people"), t("The first keeps it; the others come without.")], not_in_emarsys: [t("Gone in Emarsys"), t("The contact is in the segment but no longer in Emarsys.")],
    phone_shared: [t("Phone shared by several people"), t("The first keeps it; the others come without.")], email_shared: [t("Email shared by several people"), t("The first keeps it; the others come without.")],
    phone_quarantined: [t("Phone of too many people"), t("More than 20 contacts carry it: it identifies nobody.")], email_quarantined: [t("Email of too many people"), t("More than 20 contacts carry it: it identifies nobody.")],
    no_valid_phone: [t("No valid phone"), t("Only contacts with a valid phone are imported.")], too_many_phones: [t("Too many phones"), t("A contact has at most five.")], too_many_emails: [t("Too many emails"), t("A contact has at most five.")],
    invalid_number: [t("Not a number"), ""], invalid_boolean: [t("Not yes or no"), ""], invalid_date: [t("Not a date"), ""],
  }[code] ?? [code.replaceAll("_", " "), ""];
}

function rejectionSection(run, signal) {
  const list = pagedTable({
    path: `/imports/${run.id}/rejections`, signal, pageSize: 25, caption: t("Rejected contacts"), blank: empty("ok", t("Nothing was rejected."), t("Every contact came in with all its values.")),
    toolbar: [h("div", { class: "grow" }, h("h2", { id: "rej" }, t("Rejections")), h("p", { class: "small muted" }, t("Correct them in Emarsys; the next run takes them in."))),
      button(t("Download CSV"), { class: "sm", onclick: () => csv(run) }, "download")],
    columns: [
      { title: t("Contact on Emarsys"), cell: (r) => { const v = r.values ?? {}; const id = v.external_reference_id ?? v.id ?? v.emarsys_id; return [[v.first_name, v.last_name].filter(Boolean).join(" ") || t("Name unknown"), h("br"), h("span", { class: "xs muted num" }, id ? `ID ${id}` : "")]; } },
      { title: t("Reason"), class: "full", cell: (r) => { const [text, more] = rejectionText(r.code); return [plain("bad", text), h("br"), h("span", { class: "xs muted" }, more)]; } },
      { title: t("Value"), cell: (r) => { const v = r.values ?? {}; const text = r.code.includes("phone") ? v.phone : r.code.includes("email") ? v.email : null; return text ? h("code", {}, text) : h("span", { class: "muted" }, "–"); } },
      { title: t("On charles"), cell: (r) => (r.contact_id ? link(t("Contact"), `/contacts/${r.contact_id}`) : "–") },
    ],
  });
  list.start();
  return list.element;
}

async function csv(run) {
  const rows = [["code", "contact_id", "values"]];
  let after = null;
  do {
    const page = await api.list(`/imports/${run.id}/rejections${query({ limit: 200, after })}`);
    rows.push(...page.items.map((r) => [r.code, r.contact_id ?? "", JSON.stringify(r.values ?? {})]));
    after = page.next;
  } while (after);
  saveCsv(rows, `rejections-${run.id}.csv`);
}

/** RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
export function saveCsv(rows, file) {
  const cell = (value) => { const text = String(value ?? ""); const safe = /^[=+\-@\t]/.test(text) && !/^[+-]?\d[\d.,]*$/.test(text) ? `'${text}` : text; return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe; };
  const blob = new Blob(["\ufeff", rows.map((r) => r.map(cell).join(",")).join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" });
  const anchor = h("a", { href: URL.createObjectURL(blob), download: file });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
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
