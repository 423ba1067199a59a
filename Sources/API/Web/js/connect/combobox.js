// A searchable list of fields: type to narrow, arrows to move, Enter to take. WAI-ARIA combobox with a listbox.
import { fill, h, icon } from "../core/dom.js";
import { t } from "../core/texts.js";

let number = 0;

/** items: [{value, text, note, sample, disabled}]; `sample` may arrive later. Returns {element, input, value(), set(value)}. */
export function combobox({ label, items, value, placeholder, onchange = () => {} }) {
  const id = `cb${++number}`;
  let chosen = value ?? null;
  let shown = [];
  let active = -1;
  const list = h("ul", { class: "listbox", id: `${id}-l`, role: "listbox", "aria-label": label, hidden: true });
  const input = h("input", {
    class: "input", id, role: "combobox", "aria-expanded": "false", "aria-controls": `${id}-l`, "aria-autocomplete": "list", autocomplete: "off", spellcheck: "false", placeholder,
  });
  const text = (v) => items.find((i) => i.value === v)?.text ?? "";
  input.value = text(chosen);

  const close = () => { list.hidden = true; input.setAttribute("aria-expanded", "false"); input.removeAttribute("aria-activedescendant"); active = -1; };
  const open = (all = false) => {
    const wanted = all ? "" : input.value.trim().toLowerCase();
    shown = items.filter((i) => `${i.text} ${i.note ?? ""} ${i.sample ?? ""} ${i.value}`.toLowerCase().includes(wanted)).slice(0, 50);
    fill(list, shown.length === 0 && h("li", { class: "muted" }, t("Nothing found")), shown.map((item, index) => h("li", {
      role: "option", id: `${id}-${index}`, "aria-selected": String(item.value === chosen), "aria-disabled": item.disabled ? "true" : null,
      onmousedown: (event) => event.preventDefault(), onclick: () => take(item),
    }, icon(item.disabled ? "off" : item.value === chosen ? "check" : "plus"), h("span", { class: "grow" }, item.text, item.sample && h("span", { class: "sample xs muted" }, item.sample)), " ", h("span", { class: "muted xs" }, item.note))));
    list.hidden = false;
    list.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-expanded", "true");
  };
  /** Paints the open list again: more is known of its items. */
  const refresh = () => { if (!list.hidden) { const at = active; open(input.value === text(chosen)); active = at - 1; if (at >= 0) move(1); } };
  const move = (by) => {
    if (list.hidden) open(true);
    if (shown.length === 0) return;
    active = (active + by + shown.length) % shown.length;
    list.querySelectorAll("[role=option]").forEach((o, i) => o.classList.toggle("active", i === active));
    input.setAttribute("aria-activedescendant", `${id}-${active}`);
    list.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const take = (item) => {
    if (item.disabled) return;
    chosen = item.value;
    input.value = item.text;
    close();
    onchange(item);
  };
  input.addEventListener("input", () => open());
  input.addEventListener("focus", () => input.select());
  input.addEventListener("click", () => open(true));
  input.addEventListener("blur", () => { input.value = text(chosen); close(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") { event.preventDefault(); move(1); }
    else if (event.key === "ArrowUp") { event.preventDefault(); move(-1); }
    else if (event.key === "Enter" && !list.hidden && active >= 0) { event.preventDefault(); take(shown[active]); }
    else if (event.key === "Escape" && !list.hidden) { event.preventDefault(); event.stopPropagation(); close(); }
  });
  const error = h("span", { class: "error", hidden: true });
  const element = h("div", { class: "field" }, h("label", { for: id }, label), h("div", { class: "search" }, icon("search"), input), list, error);
  return {
    element, input, refresh, value: () => chosen, set: (v) => { chosen = v; input.value = text(v); },
    setError: (message) => { error.hidden = !message; fill(error, message && icon("bad"), message && h("span", {}, message)); },
  };
}
