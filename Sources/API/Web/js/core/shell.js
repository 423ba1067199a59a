// The frame of every page: top bar, navigation, the main region that pages fill.
import { fill, h, icon, skeleton } from "./dom.js";
import { Problem } from "./api.js";
import { problemNotice } from "./dialog.js";
import { language, setLanguage, t } from "./texts.js";

export function themeToggle() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches);
  const toggle = h("button", {
    type: "button", class: "btn quiet icon", "data-theme-toggle": true, "aria-label": t("Dark theme"), "aria-pressed": String(dark()),
    onclick: () => {
      root.dataset.theme = dark() ? "light" : "dark";
      try { localStorage.setItem("theme", root.dataset.theme); } catch { /* storage may be off */ }
      toggle.setAttribute("aria-pressed", String(dark()));
    },
  }, icon("moon", "moon"), icon("sun", "sun"));
  return toggle;
}

export function restoreTheme() {
  try {
    const saved = localStorage.getItem("theme");
    if (saved) document.documentElement.dataset.theme = saved;
  } catch { /* storage may be off */ }
}

export function languageToggle() {
  const other = language() === "de" ? "en" : "de";
  return h("button", {
    type: "button", class: "btn quiet sm", lang: other, "aria-label": other === "de" ? "Deutsch" : "English",
    onclick: () => { setLanguage(other); location.reload(); },
  }, other.toUpperCase());
}

/** navigation: [{title?, items: [{href, icon, text, count?}]}] */
export function frame(root, { where, navigation, user, signOut, operator = false }) {
  const main = h("main", { class: "main", id: "main", tabindex: "-1" });
  const banner = h("section", { class: "alerts", "aria-label": t("Alerts"), hidden: true });
  const nav = h("nav", { class: "sidenav", id: "nav", popover: "auto", "aria-label": t("Main") },
    navigation.map((group) => [group.title && h("h2", {}, group.title), group.items.map((item) =>
      h("a", { href: item.href }, icon(item.icon), item.text, h("span", { class: "count", hidden: true, "data-count": item.href })))]));
  nav.addEventListener("click", (event) => { if (event.target.closest("a")) nav.hidePopover?.(); });
  fill(root,
    h("a", { class: "skip", href: "#main" }, t("Skip to content")),
    h("header", { class: operator ? "topbar operator" : "topbar" },
      h("button", { class: "btn quiet icon menu-btn", type: "button", popovertarget: "nav", "aria-label": t("Menu") }, icon("menu")),
      h("a", { class: "brand", href: "/" }, icon("mark"), h("span", {}, "charles ", h("span", { class: "x" }, "×"), " Emarsys")),
      h("p", { class: "where hide-s" }, h("span", {}, where)),
      h("span", { class: "push" }), languageToggle(), themeToggle(),
      h("button", { class: "btn quiet sm", type: "button", onclick: signOut }, icon("user"), h("span", { class: "hide-s" }, user), h("span", { class: "vh" }, t("Sign out")))),
    banner, h("div", { class: "app" }, h("div", {}, nav), main));
  return { main, nav, banner };
}

export function markCurrent(nav, path) {
  for (const anchor of nav.querySelectorAll("a")) {
    const here = path === anchor.pathname || path.startsWith(`${anchor.pathname}/`);
    if (here) anchor.setAttribute("aria-current", "page");
    else anchor.removeAttribute("aria-current");
  }
}

export function setCount(nav, href, count) {
  const element = nav.querySelector(`[data-count="${href}"]`);
  if (element) { element.textContent = count; element.hidden = !count; }
}

/** Title, crumbs and actions above a page. crumbs: [[text, href]] */
export function pageHead(title, { lead, crumbs = [], here = title, actions = [] } = {}) {
  return [
    crumbs.length > 0 && h("nav", { "aria-label": t("Breadcrumb") }, h("ol", { class: "crumbs" },
      crumbs.map(([text, href]) => h("li", {}, h("a", { href }, text))), h("li", { "aria-current": "page" }, here ?? title))),
    h("div", { class: "page-head" }, h("div", {}, h("h1", { tabindex: "-1" }, title), lead && h("p", { class: lead instanceof Node ? "row" : null }, lead)),
      actions.length > 0 && h("div", { class: "row" }, actions)),
  ];
}

/** Runs a page into the main region; a problem becomes words with a way on. */
export async function show(main, page, context, titleSuffix) {
  fill(main, skeleton(4));
  try {
    const content = page ? await page(context) : notFound();
    if (context.signal.aborted) return;
    fill(main, content);
    const heading = main.querySelector("h1");
    document.title = `${heading?.textContent ?? ""} · ${titleSuffix}`;
    heading?.focus({ preventScroll: true });
  } catch (fault) {
    if (fault.name === "AbortError" || context.signal.aborted) return;
    if (!(fault instanceof Problem)) throw fault;
    fill(main, pageHead(fault.status === 404 ? t("Not found") : t("This page cannot be shown")), problemNotice(fault),
      h("p", {}, h("button", { class: "btn", type: "button", onclick: () => show(main, page, context, titleSuffix) }, icon("run"), t("Try again"))));
  }
}

/** Before there is a frame: what is wrong, and the way to try again. */
export function showFault(root, fault, again) {
  fill(root, h("main", { class: "gate" }, h("div", { class: "stack-lg" }, h("h1", {}, t("This page cannot be shown")), problemNotice(fault),
    h("p", {}, h("button", { class: "btn", type: "button", onclick: again }, icon("run"), t("Try again"))))));
}

function notFound() {
  return [pageHead(t("Not found"), { lead: t("There is no page at this address.") }), h("p", {}, h("a", { href: "/" }, t("To the start")))];
}

