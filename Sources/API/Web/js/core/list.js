// Long lists: a page at a time, more on demand, and back at the same place after Back.
import { button, fill, h, skeleton, table, tableRow } from "./dom.js";
import { api, Problem, query } from "./api.js";
import { problemNotice } from "./dialog.js";
import { t } from "./texts.js";

const kept = new Map();
const KEPT_LISTS = 20;

/**
 * A table over a paged list of the API.
 * path: "/contacts"; filters: object of query values; columns as in `table`; blank: element for no rows.
 * Returns {element, refresh(filters), rows()}.
 */
export function pagedTable({ path, filters = {}, columns, blank, caption, signal, pageSize = 50, toolbar }) {
  const box = h("div", {});
  const foot = h("div", { class: "table-foot" });
  let state = { key: "", items: [], next: null };

  const paint = () => {
    if (state.items.length === 0) {
      fill(box, blank);
      foot.hidden = true;
      return;
    }
    fill(box, table(columns, state.items, { caption }));
    foot.hidden = false;
    fill(foot, h("span", { class: "num" }, t("{n} shown", { n: state.items.length })),
      state.next && button(t("Show more"), { class: "sm", onclick: more }));
  };

  const more = async (event) => {
    event.currentTarget.disabled = true;
    try {
      const page = await api.list(path + query({ ...filters, limit: pageSize, after: state.next }), { signal });
      const body = box.querySelector("tbody");
      const first = page.items.map((row) => tableRow(columns, row));
      body.append(...first);
      first[0]?.querySelector("a, button")?.focus();
      state.items.push(...page.items);
      state.next = page.next;
      remember();
      fill(foot, h("span", { class: "num" }, t("{n} shown", { n: state.items.length })),
        state.next && button(t("Show more"), { class: "sm", onclick: more }));
    } catch (fault) {
      if (fault.name !== "AbortError") fill(foot, problemNotice(fault));
    }
  };

  const remember = () => {
    kept.delete(state.key);
    kept.set(state.key, state);
    if (kept.size > KEPT_LISTS) kept.delete(kept.keys().next().value);
  };

  const refresh = async (changed = filters, { again = true } = {}) => {
    filters = changed;
    const key = path + query(filters);
    const known = kept.get(key);
    if (known && !again) {
      state = known;
      paint();
      return;
    }
    if (state.key !== key) fill(box, skeleton(5));
    try {
      const page = await api.list(path + query({ ...filters, limit: pageSize }), { signal });
      state = { key, items: page.items, next: page.next };
      remember();
      paint();
    } catch (fault) {
      if (fault.name !== "AbortError") fill(box, problemNotice(fault));
    }
  };

  /** What is new since the list was shown comes in; what was loaded behind the first page stays, and so does the focus. */
  const freshen = async () => {
    const { key } = state;
    try {
      const page = await api.list(path + query({ ...filters, limit: pageSize }), { signal });
      if (state.key !== key) return;
      const last = page.items.at(-1);
      const behind = page.next && last ? state.items.slice(state.items.findIndex((row) => row.id === last.id) + 1 || state.items.length) : [];
      state = { key, items: [...page.items, ...behind], next: behind.length ? state.next : page.next };
      remember();
      const focused = box.contains(document.activeElement) && document.activeElement.getAttribute("href");
      paint();
      if (focused) box.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    } catch (fault) {
      // What is shown stays; the next change tries again.
      if (fault.name !== "AbortError" && !(fault instanceof Problem)) throw fault;
    }
  };

  return {
    freshen,
    element: h("section", { class: "card flush" }, toolbar && h("header", { class: "filters" }, toolbar), box, foot),
    refresh,
    rows: () => state.items,
    /** First show: what was there before Back, else asked for. */
    start: () => refresh(filters, { again: history.state?.scroll === undefined }),
  };
}

/** Calls back when typing pauses. */
export function debounced(callback, milliseconds = 250) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => callback(...values), milliseconds);
  };
}
