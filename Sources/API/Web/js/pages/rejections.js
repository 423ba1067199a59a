// Contacts and values of a run that did not come in, by reason.
import { api, query } from "../core/api.js";
import { saveCsv } from "../core/csv.js";
import { openDialog } from "../core/dialog.js";
import { button, empty, fill, h, link, notice, plain } from "../core/dom.js";
import { number } from "../core/format.js";
import { pagedTable } from "../core/list.js";
import { t } from "../core/texts.js";
import { rejectionText } from "./reasons.js";

/** Filtered by reason, paged, and as a file. */
export function rejectionSection(run, signal) {
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": t("Filter by reason"), hidden: true });
  const list = pagedTable({
    path: `/imports/${run.id}/rejections`, signal, pageSize: 25, caption: t("Rejected contacts"), blank: empty("ok", t("Nothing was rejected."), t("Every contact came in with all its values.")),
    toolbar: [h("div", { class: "grow" }, h("h2", { id: "rej" }, t("Rejections")), h("p", { class: "small muted" }, t("Correct them in Emarsys; the next run takes them in."))),
      button(t("Download CSV"), { class: "sm", onclick: () => csv(run) }, "download"), tabs],
    columns: [
      { title: t("Contact on Emarsys"), cell: (r) => { const id = emarsysID(r); return [nameOf(r), h("br"), h("span", { class: "xs muted num" }, id ? `ID ${id}` : "")]; } },
      { title: t("Reason"), class: "full", cell: (r) => { const [text, more] = rejectionText(r.code); return [plain("bad", text), h("br"), h("span", { class: "xs muted" }, more)]; } },
      { title: t("Value"), cell: (r) => { const v = r.values ?? {}; const text = r.code.includes("phone") ? v.phone : r.code.includes("email") ? v.email : v.value ?? null; return text ? h("code", {}, text) : h("span", { class: "muted" }, "–"); } },
      { title: t("Actions"), hideTitle: true, class: "actions", cell: (r) => button(t("Details"), { class: "quiet sm", onclick: () => details(r) }) },
    ],
  });
  const paint = (reasons, chosen) => {
    tabs.hidden = reasons.length < 2;
    const total = reasons.reduce((sum, r) => sum + r.count, 0);
    fill(tabs, [{ title: "", codes: [], count: total }, ...reasons].map((r) => h("button", {
      type: "button", "aria-pressed": String(r.title === chosen), onclick: () => { paint(reasons, r.title); list.refresh({ code: r.codes.join(",") }); },
    }, r.title ? `${r.title} ${number(r.count)}` : t("All {n}", { n: number(total) }))));
  };
  api.list(`/imports/${run.id}/rejections/reasons`, { signal }).then(({ items }) => {
    // Several codes may read the same: they are one reason to a person.
    const reasons = new Map();
    for (const { code, count } of items) {
      const [title] = rejectionText(code);
      const known = reasons.get(title) ?? { title, codes: [], count: 0 };
      reasons.set(title, { title, codes: [...known.codes, code], count: known.count + count });
    }
    paint([...reasons.values()].sort((x, y) => y.count - x.count), "");
  }, () => {});
  list.start();
  return list.element;
}

const emarsysID = ({ values: v = {} }) => v.external_reference_id ?? v.id ?? v.emarsys_id;
const nameOf = ({ values: v = {} }) => [v.first_name, v.last_name].filter(Boolean).join(" ") || t("Name unknown");

/** Everything that Emarsys sent of one, and why it was not taken. */
function details(r) {
  const { body, foot, close } = openDialog(nameOf(r), { className: "dialog confirm" });
  const [text, more] = rejectionText(r.code);
  fill(body, notice("bad", h("strong", {}, text), more && [" ", more]),
    h("dl", { class: "facts" }, Object.entries(r.values ?? {}).map(([key, value]) => [h("dt", {}, key.replaceAll("_", " ")), h("dd", {}, h("code", {}, value === null || value === "" ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value)))])),
    r.contact_id && h("p", {}, link(t("To the contact"), `/contacts/${r.contact_id}`)));
  fill(foot, h("span", { class: "push" }), button(t("Close"), { class: "primary", onclick: close }));
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
