// Rules of an audience: in words, and as a builder of groups inside groups.
import { button, field, fill, h, input, select } from "../core/dom.js";
import { t } from "../core/texts.js";

const NUMBER_OPS = ["eq", "ne", "lt", "lte", "gt", "gte"];
const FIELDS = {
  order_count: { text: "Number of orders", ops: NUMBER_OPS, kind: "number" }, order_total: { text: "Sum of orders", ops: NUMBER_OPS, kind: "number" }, last_order_at: { text: "Last order", ops: ["before", "after"], kind: "date" },
  product: { text: "Product bought (SKU)", ops: ["eq", "ne", "in", "contains"], kind: "text" }, opt_in: { text: "WhatsApp opt-in", ops: ["eq", "ne"], kind: "opt_in" }, segment: { text: "Emarsys segment", ops: ["eq", "ne", "in"], kind: "text" },
  event: { text: "Event received", ops: ["eq", "ne", "in"], kind: "text" },
};
const OPS = { eq: "is", ne: "is not", lt: "less than", lte: "at most", gt: "more than", gte: "at least", before: "before", after: "after", in: "one of", contains: "contains" };
const optIns = () => [["granted", t("Granted")], ["withdrawn", t("Withdrawn")], ["denied", t("Denied")], ["pending", t("Asked")], ["none", t("Never decided")]];

/** Rules as a sentence. */
export function describe(rules, inside = false) {
  if (!rules) return "–";
  const list = rules.and ?? rules.or;
  if (list) {
    if (list.length === 0) return t("everybody");
    const text = list.map((r) => describe(r, true)).join(` ${rules.and ? t("and") : t("or")} `);
    return inside && list.length > 1 ? `(${text})` : text;
  }
  if (rules.not) return `${t("not")} ${describe(rules.not, true)}`;
  const label = FIELDS[rules.field]?.text;
  const words = (v) => (rules.field === "opt_in" ? optIns().find(([o]) => o === (v ?? "none"))?.[1] : null) ?? (typeof v === "object" && v ? `${v.amount} ${v.currency ?? ""}` : v);
  return `${label ? t(label) : rules.field.replace("custom_properties.", "")} ${t(OPS[rules.op] ?? rules.op)} ${Array.isArray(rules.value) ? rules.value.map(words).join(", ") : words(rules.value)}`;
}

/** Rules of the API as groups and rules that the builder changes in place. */
export function groupOf(rules) {
  const node = nodeOf(rules);
  return node.parts ? node : { join: "and", not: false, parts: [node] };
}

function nodeOf(rules) {
  if (rules.not) { const inner = nodeOf(rules.not); inner.not = !inner.not; return inner; }
  const list = rules.and ?? rules.or;
  if (list) return { join: rules.and ? "and" : "or", not: false, parts: list.map(nodeOf) };
  const value = Array.isArray(rules.value) ? rules.value.join(", ") : rules.value?.amount ?? rules.value ?? "none";
  return { field: rules.field, op: rules.op, value: String(value), currency: rules.currency ?? rules.value?.currency, not: false };
}

/** The same as the API takes it; rules that nobody has filled in yet are left out. */
export function compiled(node) {
  let rules;
  if (node.parts) rules = { [node.join]: node.parts.filter((p) => p.parts || p.value !== "").map(compiled) };
  else {
    const number = kindOf(node.field) === "number" || (node.kind === "number" && node.op !== "in");
    const one = (text) => (node.kind === "boolean" ? text === "true" : number && text !== "" && Number.isFinite(Number(text)) ? Number(text) : text);
    rules = { field: node.field, op: node.op, value: node.op === "in" ? node.value.split(",").map((v) => v.trim()).filter(Boolean) : one(node.value) };
    if (node.currency) rules.currency = node.currency;
  }
  return node.not ? { not: rules } : rules;
}

const kindOf = (name) => FIELDS[name]?.kind;

/** The builder. `changed` is called after every change; properties and segments are what can be chosen. */
export function ruleBuilder(root, { properties, selected, changed }) {
  const fields = { ...FIELDS, ...Object.fromEntries(properties.map((p) => [`custom_properties.${p.name}`, {
    text: p.name, kind: { number: "number", date: "date", boolean: "boolean" }[p.type] ?? "text",
    ops: p.type === "number" ? NUMBER_OPS : p.type === "date" ? ["before", "after", "eq"] : p.type === "boolean" ? ["eq", "ne"] : ["eq", "ne", "contains", "in"],
  }])) };
  const box = h("div", {});
  const paint = (focus) => {
    fill(box, h("datalist", { id: "segments" }, selected.map((s) => h("option", { value: s.segment_id }, s.name ?? s.segment_id))), group(root, null, 0));
    changed();
    if (focus) box.querySelector(`[data-node="${number(focus)}"] select`)?.focus();
  };
  const numbers = new Map();
  const number = (node) => { if (!numbers.has(node)) numbers.set(node, numbers.size); return numbers.get(node); };
  const removal = (node, parent, label) => button(t("Remove"), { class: "quiet sm", "aria-label": label, onclick: () => { parent.parts.splice(parent.parts.indexOf(node), 1); paint(parent); } });
  const negation = (node, text) => h("label", { class: "check small" }, h("input", { type: "checkbox", checked: node.not, onchange: (event) => { node.not = event.target.checked; changed(); } }), text);

  const group = (node, parent, depth) => h("div", { class: "rules stack", "data-node": number(node) },
    h("div", { class: "filters" },
      field(t("Contacts that match"), select([["and", t("all rules")], ["or", t("any rule")]], node.join, { onchange: (event) => { node.join = event.target.value; changed(); } })).element,
      parent && negation(node, t("not")), parent && removal(node, parent, t("Remove this group"))),
    node.parts.map((part, index) => (part.parts ? group(part, node, depth + 1) : rule(part, node, index))),
    h("p", { class: "row" },
      button(t("Add a rule"), { class: "sm", onclick: () => { const made = { field: "order_count", op: "gte", value: "1", not: false }; node.parts.push(made); paint(made); } }, "plus"),
      depth < 4 && button(t("Add a group"), { class: "sm", onclick: () => { const made = { join: node.join === "and" ? "or" : "and", not: false, parts: [{ field: "opt_in", op: "eq", value: "granted", not: false }] }; node.parts.push(made); paint(made); } }, "plus")));

  const rule = (node, parent, index) => {
    // A property that is defined no more is still a rule.
    const known = fields[node.field] ?? { text: node.field.replace("custom_properties.", ""), ops: [node.op], kind: "text" };
    node.kind = known.kind;
    const choices = Object.entries(fields).map(([v, f]) => [v, FIELDS[v] ? t(f.text) : f.text]);
    if (!fields[node.field]) choices.push([node.field, known.text]);
    return h("div", { class: "rule", "data-node": number(node) },
      field(t("Field"), select(choices, node.field, { onchange: (event) => {
        const next = fields[event.target.value];
        Object.assign(node, { field: event.target.value, op: next.ops[0], value: next.kind === "opt_in" ? "granted" : next.kind === "boolean" ? "true" : "", currency: undefined });
        paint(node);
      } })).element,
      field(t("Comparison"), select((known.ops.includes(node.op) ? known.ops : [...known.ops, node.op]).map((o) => [o, t(OPS[o] ?? o)]), node.op, { onchange: (event) => { node.op = event.target.value; paint(node); } })).element,
      field(t("Value"), value(node)).element, negation(node, t("not")), removal(node, parent, t("Remove rule {n}", { n: index + 1 })));
  };

  const value = (node) => {
    const change = (event) => { node.value = event.target.value; changed(); };
    if (node.kind === "opt_in" && node.op !== "in") return select(optIns(), node.value || "granted", { onchange: change });
    if (node.kind === "boolean") return select([["true", t("Yes")], ["false", t("No")]], node.value || "true", { onchange: change });
    const plain = node.op === "in";
    return input({
      type: plain ? "text" : node.kind === "number" ? "number" : node.kind === "date" ? "date" : "text", step: node.kind === "number" ? "any" : null,
      value: node.kind === "date" ? node.value.slice(0, 10) : node.value, oninput: change, list: node.field === "segment" && !plain ? "segments" : null, placeholder: plain ? t("separated by commas") : null,
    });
  };
  paint();
  return box;
}
