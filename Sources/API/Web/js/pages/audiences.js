// Audiences: a rule builder whose count follows every change.
import { api } from "../core/api.js";
import { button, empty, field, fill, h, input, link, select, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { name as nameOf, number, phone } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";

const NUMBER_OPS = ["eq", "ne", "lt", "lte", "gt", "gte"];
const FIELDS = {
  order_count: { text: "Number of orders", ops: NUMBER_OPS, kind: "number" }, order_total: { text: "Sum of orders", ops: NUMBER_OPS, kind: "number" }, last_order_at: { text: "Last order", ops: ["before", "after"], kind: "date" },
  product: { text: "Product bought (SKU)", ops: ["eq", "in", "contains"], kind: "text" }, opt_in: { text: "WhatsApp opt-in", ops: ["eq", "ne"], kind: "opt_in" }, segment: { text: "Emarsys segment", ops: ["eq", "ne"], kind: "text" },
  event: { text: "Event received", ops: ["eq"], kind: "text" },
};
const OPS = { eq: "is", ne: "is not", lt: "less than", lte: "at most", gt: "more than", gte: "at least", before: "before", after: "after", in: "one of", contains: "contains" };

export async function audiences({ signal }) {
  const list = pagedTable({
    path: "/audiences", signal, caption: t("Audiences"),
    blank: empty("audience", t("No audiences yet"), t("Choose contacts by their orders, opt-ins, segments and properties."), button(t("Create an audience"), { class: "primary", onclick: () => edit() }, "plus")),
    columns: [
      { title: t("Name"), cell: (a) => a.name },
      { title: t("Rules"), class: "full", cell: (a) => h("span", { class: "small" }, describe(a.rules)) },
      { title: t("Contacts"), class: "r", label: t("Contacts"), cell: (a) => { const box = h("span", { class: "num" }, "…"); api.one(`/audiences/${a.id}/count`, { signal }).then((c) => { box.textContent = number(c.count); }, () => { box.textContent = "–"; }); return box; } },
      { title: t("Actions"), hideTitle: true, class: "actions", cell: (a) => [button(t("Contacts"), { class: "quiet sm", onclick: () => showContacts(a) }), button(t("Delete"), { class: "quiet sm", onclick: () => confirm({
        title: t("Delete the audience {name}?", { name: a.name }), text: t("The contacts stay."), action: t("Delete the audience"), act: () => api.delete(`/audiences/${a.id}`) }).then((done) => done && reload()) })] },
    ],
  });
  list.start();
  return [pageHead(t("Audiences"), { lead: t("Groups of contacts that follow their rules."), actions: [button(t("Create an audience"), { class: "primary", onclick: () => edit() }, "plus")] }), list.element];
}

export function describe(rules) {
  if (!rules) return "–";
  if (rules.and) return rules.and.length ? rules.and.map(describe).join(` ${t("and")} `) : t("everybody");
  if (rules.or) return `(${rules.or.map(describe).join(` ${t("or")} `)})`;
  if (rules.not) return `${t("not")} (${describe(rules.not)})`;
  const label = FIELDS[rules.field]?.text;
  return `${label ? t(label) : rules.field} ${t(OPS[rules.op] ?? rules.op)} ${Array.isArray(rules.value) ? rules.value.join(", ") : rules.value}`;
}

async function showContacts(audience) {
  const { body } = openDialog(audience.name, { className: "dialog" });
  const abort = new AbortController();
  const list = pagedTable({ path: `/audiences/${audience.id}/contacts`, signal: abort.signal, caption: t("Contacts"), blank: h("p", { class: "muted" }, t("Nobody matches right now.")),
    columns: [{ title: t("Name"), cell: (c) => link(nameOf(c, t("Name unknown")), `/contacts/${c.id}`, { target: "_blank" }) }, { title: t("Phone"), cell: (c) => phone(c.phone) }, { title: t("Email"), cell: (c) => c.email ?? "–" }] });
  fill(body, list.element);
  list.start();
}

async function edit() {
  const { body, foot, close } = openDialog(t("Create an audience"), { className: "dialog" });
  const properties = await api.list("/custom_properties").catch(() => ({ items: [] }));
  const fields = { ...FIELDS, ...Object.fromEntries(properties.items.map((p) => [`custom_properties.${p.name}`, { text: p.name, ops: p.type === "number" ? NUMBER_OPS : p.type === "date" ? ["before", "after", "eq"] : ["eq", "ne", "contains"], kind: p.type === "number" ? "number" : p.type === "date" ? "date" : p.type === "boolean" ? "boolean" : "text" }])) };
  const name = field(t("Name"), input({ maxlength: 200 }));
  let join = "and";
  const rules = [{ field: "opt_in", op: "eq", value: "granted", not: false }];
  const box = h("div", { class: "rules stack" });
  const count = h("p", { class: "num", role: "status" });
  const problem = h("div", {});
  const compiled = () => {
    const parts = rules.filter((r) => r.value !== "").map(({ not, ...r }) => { const kind = fields[r.field].kind; const value = r.op === "in" ? String(r.value).split(",").map((v) => v.trim()) : kind === "number" ? Number(r.value) : kind === "boolean" ? r.value === "true" : r.value; const one = { field: r.field, op: r.op, value }; return not ? { not: one } : one; });
    return { [join]: parts };
  };
  const preview = debounced(async () => {
    try {
      const result = (await api.post("/audiences/preview", { rules: compiled() })).data[0];
      fill(problem);
      count.textContent = result.count === 1 ? t("1 contact matches now") : t("{n} contacts match now", { n: number(result.count) });
    } catch (fault) {
      count.textContent = "";
      if (fault.status === 404 || fault.status === 405) return;
      fill(problem, problemNotice(fault));
    }
  }, 300);
  const value = (rule) => {
    const kind = fields[rule.field].kind;
    const change = (event) => { rule.value = event.target.value; preview(); };
    if (kind === "opt_in") return select(["granted", "withdrawn", "denied", "pending"].map((v) => [v, v]), rule.value || "granted", { onchange: change });
    if (kind === "boolean") return select([["true", t("Yes")], ["false", t("No")]], rule.value || "true", { onchange: change });
    return input({ type: kind === "number" ? "number" : kind === "date" ? "date" : "text", value: rule.value, oninput: change, placeholder: rule.op === "in" ? t("separated by commas") : null });
  };
  const paint = (focus) => {
    fill(box, rules.map((rule, index) => h("div", { class: "rule" },
      field(t("Field"), select(Object.entries(fields).map(([v, f]) => [v, FIELDS[v] ? t(f.text) : f.text]), rule.field, { onchange: (event) => { rule.field = event.target.value; rule.op = fields[rule.field].ops[0]; rule.value = fields[rule.field].kind === "opt_in" ? "granted" : fields[rule.field].kind === "boolean" ? "true" : ""; paint(); preview(); } })).element,
      field(t("Comparison"), select(fields[rule.field].ops.map((o) => [o, t(OPS[o])]), rule.op, { onchange: (event) => { rule.op = event.target.value; paint(); preview(); } })).element,
      field(t("Value"), value(rule)).element,
      h("label", { class: "check small" }, h("input", { type: "checkbox", checked: rule.not, onchange: (event) => { rule.not = event.target.checked; preview(); } }), t("not")),
      button(t("Remove"), { class: "quiet sm", "aria-label": t("Remove rule {n}", { n: index + 1 }), onclick: () => { rules.splice(index, 1); paint(); preview(); } }))));
    if (focus) box.lastElementChild?.querySelector("select")?.focus();
  };
  paint();
  preview();
  fill(body, name.element, field(t("Contacts that match"), select([["and", t("all rules")], ["or", t("any rule")]], join, { onchange: (event) => { join = event.target.value; preview(); } })).element, box,
    h("p", {}, button(t("Add a rule"), { class: "sm", onclick: () => { rules.push({ field: "order_count", op: "gte", value: "1", not: false }); paint(true); preview(); } }, "plus")), count, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(t("Create the audience"), {
    class: "primary", onclick: async () => {
      name.setError(name.input.value.trim() ? null : t("Enter a name."));
      if (!name.input.value.trim()) { name.input.focus(); return; }
      try { await api.post("/audiences", { name: name.input.value.trim(), rules: compiled() }); close(); toast(t("The audience was created.")); reload(); } catch (fault) { fill(problem, problemNotice(fault)); }
    },
  }));
  name.input.focus();
}
