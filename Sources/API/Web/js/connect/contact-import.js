// Step 3: which fields come in, where they go, and the field that opt-ins go out to.
import { api } from "../core/api.js";
import { badge, button, field, fill, h, icon, input, notice, select } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { t } from "../core/texts.js";
import { optional } from "../pages/import-state.js";
import { combobox } from "./combobox.js";

const LIMIT = 20;
const DEFAULTS = [["first_name", "First Name", "First Name"], ["last_name", "Last Name", "Last Name"], ["phone", "Phone", "Phone Number"], ["email", "Email", "Email Addresses"]];
const TYPES = { shorttext: "Text", longtext: "Text", largetext: "Long text", singlechoice: "Single choice", multichoice: "Multiple choice", date: "Date", birthdate: "Date", numeric: "Number", url: "URL", special: "Special", fax: "Text", voucher: "Voucher", interests: "Interests" };

const idOf = (f) => String(f.id ?? f.field_id);
const typeOf = (f) => (f.type ?? f.application_type ?? "").replaceAll(" ", "").toLowerCase();
const isText = (f) => f.is_text ?? ["shorttext", "longtext", "largetext", "text"].includes(typeOf(f));
const typeName = (f) => t(TYPES[typeOf(f)] ?? typeOf(f));
const propertyTypes = () => ({ string: t("Text"), number: t("Number"), boolean: t("Yes or no"), date: t("Date") });
/** The type of a custom property that suits a field. */
const propertyType = (f) => ({ date: "date", birthdate: "date", numeric: "number" }[typeOf(f)] ?? "string");

export async function importStep(state) {
  const { signal } = state;
  const [fields, mappings, properties, optIn] = await Promise.all([
    api.list("/integrations/emarsys/fields", { signal }), api.list("/integrations/emarsys/mappings", { signal }),
    api.list("/custom_properties", { signal }), optional(api.one("/integrations/emarsys/opt_in", { signal })),
  ]);
  const known = new Map(fields.items.map((f) => [idOf(f), f]));
  /** A value of each field as some contact has it. It may take Emarsys a while: the step does not wait for it. */
  const samples = new Map();
  api.list("/integrations/emarsys/fields/samples", { signal }).then(({ items }) => {
    for (const { field_id, sample } of items) samples.set(field_id, sample);
    for (const show of shown) show();
  }, () => {});
  /** What shows samples and is painted again when they come. */
  const shown = new Set();
  const item = (f, more = {}) => ({ value: idOf(f), text: f.name ?? idOf(f), note: typeName(f), get sample() { return samples.get(idOf(f)); }, ...more });
  const defaults = mappings.items.filter((m) => DEFAULTS.some(([d]) => d === m.destination));
  const rows = mappings.items.filter((m) => m.destination.startsWith("custom_properties.")).map((m) => ({ ...m }));
  const definitions = [...properties.items];
  let changed = false;

  const counter = h("span", { class: "small num", role: "status" });
  const body = h("tbody", { role: "rowgroup" });
  const add = button(t("Add field mapping"), { class: "sm", onclick: () => { rows.push({ source: "", destination: "", overwrite: "always", on_empty: "clear" }); changed = true; paint(rows.length - 1); } }, "plus");
  const problem = h("div", {});

  const textFields = fields.items.map((f) => item(f, { disabled: !isText(f), note: isText(f) ? typeName(f) : t("{type}, not a text field", { type: typeName(f) }) }))
    .sort((a, b) => a.disabled - b.disabled);
  const target = combobox({ label: t("Field on Emarsys"), items: textFields, value: state.draft.opt_in_field ?? optIn?.field_id, placeholder: t("Search, for example “opt-in”") });

  const defaultRow = ([destination, from, to]) => {
    const mapping = defaults.find((m) => m.destination === destination);
    const source = mapping && known.get(mapping.source);
    const fallback = mapping?.fallback_source && known.get(mapping.fallback_source);
    return h("tr", { role: "row" },
      h("th", { role: "rowheader", scope: "row" }, t(from), " ", badge("off", t("Default"), "lock"),
        source && (fallback || source.name !== from) && h("span", { class: "xs muted" }, h("br"), fallback ? t("{a}, else {b}", { a: source.name, b: fallback.name }) : source.name)),
      h("td", { role: "cell", class: "hide-s" }, icon("arrow")), h("td", { role: "cell", "data-label": t("Destination") }, t(to)),
      h("td", { role: "cell", class: "hide-s" }, t("Always")), h("td", { role: "cell", class: "hide-s" }));
  };
  const sample = (f) => {
    const seen = samples.get(idOf(f));
    const some = seen ?? f.choices?.slice(0, 3).map((c) => c.label).join(", ") + (f.choices?.length > 3 ? " …" : "");
    if (f.choices?.length) return typeOf(f) === "multichoice" ? t("{type}: labels, joined by commas. For example: {sample}", { type: typeName(f), sample: some }) : t("{type}: we import the label. For example: {sample}", { type: typeName(f), sample: some });
    return seen ? t("{type}. For example: {sample}", { type: typeName(f), sample: seen }) : typeName(f);
  };
  /** What the chosen field holds; becomes more exact once samples are there. */
  const sampleLine = (f) => {
    const line = h("p", { class: "xs muted wrap" });
    const show = () => { line.textContent = sample(f); };
    show();
    shown.add(show);
    return line;
  };

  const customRow = (row, index) => {
    const source = known.get(row.source);
    const picker = combobox({
      label: t("Source field {n}", { n: index + 1 }), value: row.source, placeholder: t("Search a field"),
      items: fields.items.map((f) => item(f)),
      onchange: async (chosen) => {
        row.source = chosen.value;
        changed = true;
        paint(index);
      },
    });
    shown.add(picker.refresh);
    picker.element.querySelector("label").className = "vh";
    const destination = select([["", t("Choose a property")], ...definitions.map((d) => [`custom_properties.${d.name}`, `${d.name} (${propertyTypes()[d.type] ?? d.type})`]), ["+", t("Create a property …")]], row.destination, {
      "aria-label": t("Destination of {name}", { name: source?.name ?? t("field {n}", { n: index + 1 }) }),
      onchange: async (event) => {
        if (event.target.value !== "+") { row.destination = event.target.value; changed = true; return; }
        event.target.value = row.destination;
        const made = await createProperty(source);
        if (made) { definitions.push(made); row.destination = `custom_properties.${made.name}`; changed = true; paint(index); }
      },
    });
    const rule = select([["always", t("Always")], ["fill_blank", t("Only if empty")], ["never", t("Never")]], row.overwrite ?? "always", {
      "aria-label": t("Overwrite what charles has for {name}", { name: source?.name ?? index + 1 }), onchange: (event) => { row.overwrite = event.target.value; changed = true; },
    });
    return h("tr", { role: "row" },
      h("td", { role: "cell", class: "full" }, picker.element, source && sampleLine(source)),
      h("td", { role: "cell", class: "hide-s" }, icon("arrow")), h("td", { role: "cell", class: "full" }, destination),
      h("td", { role: "cell", "data-label": t("Overwrite") }, rule),
      h("td", { role: "cell", class: "actions" }, h("button", {
        class: "btn quiet sm icon", type: "button", "aria-label": t("Remove the mapping of {name}", { name: source?.name ?? index + 1 }),
        onclick: () => { rows.splice(index, 1); changed = true; paint(); add.focus(); },
      }, icon("close"))));
  };
  const paint = (focus) => {
    shown.clear();
    shown.add(target.refresh);
    fill(body, DEFAULTS.map(defaultRow), rows.map(customRow));
    counter.textContent = t("{n} of 20 custom fields", { n: rows.length });
    add.disabled = rows.length >= LIMIT;
    if (focus !== undefined) body.children[DEFAULTS.length + focus]?.querySelector(rows[focus].source ? "select" : "input")?.focus();
  };
  paint();

  const granted = field(t("Value when granted"), input({ class: "input mono", value: optIn?.granted_value ?? "granted", maxlength: 60 }));
  const withdrawn = field(t("Value when withdrawn"), input({ class: "input mono", value: optIn?.withdrawn_value ?? "withdrawn", maxlength: 60 }));
  const stamp = field(t("Field for the time"), select([["", t("Do not send the time")], ...fields.items.filter((f) => isText(f) || typeOf(f) === "date").map((f) => [idOf(f), f.name ?? idOf(f)])], optIn?.timestamp_field_id ?? ""), { optional: t("(optional)") });
  const create = h("input", { type: "checkbox", checked: optIn?.create_missing ?? false });

  return {
    nextLabel: t("Next: segments"),
    content: [
      h("section", { class: "stack", "aria-labelledby": "mh" },
        h("div", { class: "section-head" }, h("div", {}, h("h3", { id: "mh" }, t("Field mapping")), h("p", { class: "small muted" }, t("Which Emarsys fields charles imports, and where they go. Only these fields decide whether a contact counts as updated."))), counter),
        h("table", { role: "table", class: "table fold" },
          h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, [t("Source (field on Emarsys)"), "", t("Destination (field on charles)"), t("Overwrite"), ""].map((title, i) =>
            h("th", { role: "columnheader", scope: "col" }, title || h("span", { class: "vh" }, i === 1 ? t("goes to") : t("Actions")))))), body),
        h("p", {}, add), problem),
      h("section", { class: "cols two", "aria-labelledby": "oh" },
        h("div", { class: "stack" }, h("div", {}, h("h3", { id: "oh" }, t("Opt-in field")), h("p", { class: "small muted" }, t("Every time someone grants or withdraws an opt-in on charles, we send it to this custom field of Emarsys."))), target.element),
        h("div", { class: "stack" }, h("div", { class: "cols two" }, granted.element, withdrawn.element), stamp.element,
          h("label", { class: "check small" }, create, h("span", {}, t("Create contacts in Emarsys that only exist on WhatsApp (needs the permission contact.create)"))),
          notice("", t("An import never creates an opt-in. Only a decision made on charles does."))))],
    async next() {
      fill(problem);
      const broken = rows.findIndex((r) => !r.source || !r.destination);
      if (broken >= 0) {
        fill(problem, notice("bad", t("Choose a field and a property in every row, or remove the row.")));
        paint(broken);
        return false;
      }
      if (changed) {
        await api.put("/integrations/emarsys/mappings", [...defaults, ...rows].map(({ id, source, fallback_source, destination, overwrite, on_empty }) => ({ id, source, fallback_source: fallback_source ?? undefined, destination, overwrite, on_empty })));
      }
      const field_id = target.value();
      target.setError(null);
      if (field_id) {
        await api.put("/integrations/emarsys/opt_in", {
          field_id, granted_value: granted.input.value.trim() || undefined, withdrawn_value: withdrawn.input.value.trim() || undefined,
          timestamp_field_id: stamp.input.value || undefined, create_missing: create.checked,
        });
      } else if (!state.draft.without_opt_in) {
        const go = await confirm({ title: t("Go on without an opt-in field?"), text: t("Opt-ins given or withdrawn on charles are then not sent to Emarsys. You can choose the field later."), action: t("Go on without"), danger: false, act: async () => {} });
        if (!go) { target.input.focus(); return false; }
        await state.keep({ without_opt_in: true });
      }
    },
  };
}

/** The custom property must exist in charles before it can be mapped: it is made here. */
function createProperty(source) {
  return new Promise((resolve) => {
    let made = null;
    const { body, foot, close } = openDialog(t("Create a custom property"), { className: "dialog confirm", onclose: () => resolve(made), onleave: () => resolve(null) });
    const suggestion = (source?.name ?? "").toLowerCase().normalize("NFD").replace(/[^a-z0-9]+/g, "_").replace(/^_|_$/g, "");
    const name = field(t("Name"), input({ class: "input mono", value: suggestion, maxlength: 64 }), { hint: t("Letters, digits and _. It cannot be changed later.") });
    const type = field(t("Type"), select(Object.entries(propertyTypes()), source ? propertyType(source) : "string"));
    const problem = h("div", {});
    fill(body, name.element, type.element, problem);
    fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(t("Create the property"), {
      class: "primary", onclick: async () => {
        try {
          made = (await api.post("/custom_properties", { name: name.input.value.trim(), type: type.input.value })).data[0];
          close();
        } catch (fault) { name.setError(fault.on?.("name")); fill(problem, problemNotice(fault)); }
      },
    }));
    name.input.focus();
  });
}
