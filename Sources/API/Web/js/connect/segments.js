// Step 4: the segments that are imported once now, and then every 12 hours.
import { api } from "../core/api.js";
import { badge, fill, h, icon, notice, select } from "../core/dom.js";
import { number } from "../core/format.js";
import { t } from "../core/texts.js";

const LIMIT = 500_000;
const idOf = (s) => String(s.id ?? s.segment_id);

export async function segmentStep(state) {
  const { signal } = state;
  const [segments, selected] = await Promise.all([
    api.list("/integrations/emarsys/segments", { signal }), api.list("/integrations/emarsys/segments/selected", { signal }),
  ]);
  const chosen = new Map(selected.items.map((s) => [String(s.segment_id), s.interval_hours ?? 12]));
  const sizes = new Map(selected.items.map((s) => [String(s.segment_id), s.size]));
  const before = JSON.stringify([...chosen]);
  const summary = h("p", { class: "small num", role: "status" });
  const list = h("div", {});
  const search = h("input", { class: "input", type: "search", id: "sq", placeholder: t("Search a segment"), oninput: () => paint() });
  let setGate = () => {};

  const paint = () => {
    const wanted = search.value.trim().toLowerCase();
    const shown = segments.items.filter((s) => `${s.name} ${idOf(s)} ${s.type ?? ""}`.toLowerCase().includes(wanted));
    fill(list, shown.length === 0
      ? h("p", { class: "muted" }, segments.items.length ? t("No segment has this in its name.") : t("This Emarsys account has no segment yet. Create one in Emarsys, then come back."))
      : h("table", { role: "table", class: "table fold" },
        h("caption", { class: "vh" }, t("Segments on Emarsys")),
        h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, [t("Segment"), t("Type"), t("Contacts"), t("Interval")].map((c, i) => h("th", { role: "columnheader", scope: "col", class: i === 2 ? "r" : null }, c)))),
        h("tbody", { role: "rowgroup" }, shown.map((s) => {
          const id = idOf(s);
          const size = s.size ?? sizes.get(id);
          const big = size > LIMIT;
          const box = h("input", {
            type: "checkbox", id: `s${id}`, checked: chosen.has(id), disabled: big && !chosen.has(id),
            onchange: () => { if (box.checked) chosen.set(id, 12); else chosen.delete(id); paint(); document.getElementById(`s${id}`)?.focus(); },
          });
          return h("tr", { role: "row" },
            h("th", { role: "rowheader", scope: "row" }, h("label", { class: "row", for: `s${id}` }, box, h("span", {}, s.name ?? id, h("br"), h("span", { class: "xs muted num" }, `ID ${id}`)))),
            h("td", { role: "cell", "data-label": t("Type") }, s.type ?? "–"),
            h("td", { role: "cell", class: "r", "data-label": t("Contacts") }, size === undefined || size === null ? h("span", { class: "muted" }, t("counted at import")) : [number(size), big && [" ", badge("bad", t("over 500,000"))]]),
            h("td", { role: "cell", "data-label": t("Interval") }, chosen.has(id)
              ? select([1, 3, 6, 12, 24, 48, 168].map((n) => [n, t("every {n} h", { n })]), chosen.get(id), { "aria-label": t("Interval of {name}", { name: s.name ?? id }), onchange: (event) => chosen.set(id, Number(event.target.value)) })
              : h("span", { class: "muted" }, "–")));
        }))));
    summary.textContent = t("{n} selected", { n: chosen.size });
    setGate(null);
  };
  paint();
  return {
    nextLabel: t("Next: webhook secret"),
    hint: t("The selected segments are imported once now, then every 12 hours."),
    gate: (set) => { setGate = set; },
    content: [
      h("section", { class: "stack", "aria-labelledby": "sh" },
        h("div", { class: "section-head" }, h("div", {}, h("h3", { id: "sh" }, t("Segments to import")), h("p", { class: "small muted" }, t("A segment can have up to 500,000 contacts. Someone in several segments is imported once."))), summary),
        h("search", { class: "search" }, h("label", { class: "vh", for: "sq" }, t("Search a segment")), icon("search"), search), list,
        notice("", t("Leaving a segment never deletes a contact on charles.")))],
    async next() {
      if (JSON.stringify([...chosen]) === before) return;
      await api.put("/integrations/emarsys/segments/selected", [...chosen].map(([segment_id, interval_hours]) => ({ segment_id, interval_hours })));
    },
  };
}
