import { t } from "./texts.js";

// Elements without a template language. Text is always a text node: nothing that came from a customer is ever parsed as HTML.

/** h("a", {class: "btn", href: "/x", onclick: f}, "text", [more]) — null and false children are left out. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled" || name === "selected") element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

/** Appends strings, numbers, nodes and nested lists of them. */
export function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : String(child));
  }
}

/** Replaces what an element holds. */
export function fill(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  append(element, children);
  return element;
}

/** A symbol of the icon sheet; a word always stands beside it. */
export function icon(name, more = "") {
  return svg("svg", { class: `i ${more}`.trim(), "aria-hidden": "true" }, svg("use", { href: `/assets/icons.svg#i-${name}` }));
}

const STATUS_ICON = { ok: "ok", bad: "bad", warn: "warn", info: "run", off: "pause" };

/** Icon and word on its own ground. */
export function badge(kind, text, symbol) {
  return h("span", { class: `badge ${kind}` }, icon(symbol ?? STATUS_ICON[kind] ?? "off"), text);
}

/** Icon and word without ground. */
export function plain(kind, text, symbol) {
  const running = kind === "info" && !symbol;
  return h("span", { class: `plain ${kind}` }, icon(symbol ?? STATUS_ICON[kind] ?? "off", running ? "spin" : ""), text);
}

export function notice(kind, ...children) {
  const symbol = { bad: "bad", warn: "warn", ok: "ok" }[kind] ?? "info";
  return h("p", { class: `notice ${kind}`.trim(), role: kind === "bad" ? "alert" : null }, icon(symbol), h("span", {}, ...children));
}

export function button(text, properties = {}, symbol) {
  const { class: more = "", ...rest } = properties;
  return h("button", { type: "button", class: `btn ${more}`.trim(), ...rest }, symbol && icon(symbol), text);
}

export function link(text, href, properties = {}) {
  return h("a", { href, ...properties }, text);
}

let fieldNumber = 0;

/** A labelled control; `hint` and `error` are linked to it. Returns {element, input, setError}. */
export function field(label, input, { hint, optional } = {}) {
  const id = input.id || `f${++fieldNumber}`;
  input.id = id;
  const error = h("span", { class: "error", id: `${id}-e`, hidden: true });
  const described = [hint && `${id}-h`, `${id}-e`].filter(Boolean).join(" ");
  input.setAttribute("aria-describedby", described);
  const element = h("div", { class: "field" },
    h("label", { for: id }, label, optional && h("span", { class: "muted" }, ` ${optional}`)), input, error,
    hint && h("span", { class: "hint", id: `${id}-h` }, hint));
  const setError = (text) => {
    error.hidden = !text;
    fill(error, text && icon("bad"), text && h("span", {}, text));
    if (text) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };
  return { element, input, setError };
}

export function input(properties = {}) {
  return h("input", { class: "input", autocomplete: "off", ...properties });
}

/** options: [[value, text, disabled?]] */
export function select(options, value, properties = {}) {
  const element = h("select", { class: "input", ...properties },
    options.map(([v, text, off]) => h("option", { value: v, disabled: off ? true : null }, text)));
  if (value !== undefined && value !== null) element.value = value;
  return element;
}

/** A value to copy, as it must be typed. `secret` hides it until Show; `reveal` fetches it on Show or Copy. */
export function copyable(value, { secret = false, reveal, labels }) {
  const code = h("code", {}, secret ? "••••••••••••••••••••••••" : value);
  const current = async () => (reveal ? (value ??= await reveal()) : value);
  return h("div", { class: "code" }, code,
    secret && button(labels.show, {
      class: "quiet sm", onclick: async () => { code.textContent = await current(); },
    }, "eye"),
    copyButton(current, labels.copy, { labels, fallback: async () => { code.textContent = await current(); return code; }, class: "quiet sm" }));
}

/** Copies a value, or what a function gives. `fallback` gives the element to select where the clipboard is closed. */
export function copyButton(value, text, { labels, fallback, class: more = "sm" } = {}) {
  const words = { copied: t("Copied"), press: t("Press Ctrl+C"), ...labels };
  const label = h("span", {}, text);
  return h("button", {
    type: "button", class: `btn ${more}`, onclick: async () => {
      try {
        await navigator.clipboard.writeText(typeof value === "function" ? await value() : value);
        label.textContent = words.copied;
      } catch {
        if (!fallback) return;
        getSelection().selectAllChildren(await fallback());
        label.textContent = words.press;
      }
      setTimeout(() => { label.textContent = text; }, 1600);
    },
  }, icon("copy"), label);
}

/** A table that folds into cards on a phone. columns: [{title, cell(row), class, label, head}] */
export function table(columns, rows, { caption, className = "table fold" } = {}) {
  return h("table", { role: "table", class: className },
    caption && h("caption", { class: "vh" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, columns.map((c) =>
      h("th", { role: "columnheader", scope: "col", class: c.class?.includes("r") ? "r" : null },
        c.hideTitle ? h("span", { class: "vh" }, c.title) : c.title)))),
    h("tbody", { role: "rowgroup" }, rows.map((row) => tableRow(columns, row))));
}

export function tableRow(columns, row) {
  return h("tr", { role: "row" }, columns.map((c, index) => index === 0 && c.head !== false
    ? h("th", { role: "rowheader", scope: "row" }, c.cell(row))
    : h("td", { role: "cell", class: c.class ?? null, "data-label": c.label ?? (c.class ? null : c.title) }, c.cell(row))));
}

export function empty(symbol, title, text, ...actions) {
  return h("div", { class: "empty" }, icon(symbol), h("h3", {}, title), h("p", {}, text), ...actions);
}

export function skeleton(lines = 3) {
  return h("div", { class: "stack", "aria-busy": "true" }, Array.from({ length: lines }, () => h("div", { class: "skel" })));
}

/** A short confirmation; never an error. */
export function toast(text) {
  const element = h("div", { class: "toast" }, icon("ok"), text);
  document.getElementById("toasts").append(element);
  setTimeout(() => element.remove(), 5000);
}
