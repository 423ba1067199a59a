// Addresses to pages. Links are plain links; the router takes the click, keeps scroll positions, and gives each page a signal
// that ends with it, so that a page left behind stops asking.

const routes = [];
let current = new AbortController();
let render = () => {};
/** The address that is shown. */
let shown = "";

/** on("/contacts/:id", async (context) => …); context = {parameters, search, signal, navigate} */
export function on(pattern, page) {
  const names = [];
  const expression = new RegExp(`^${pattern.replace(/:([a-z_]+)/g, (_, name) => { names.push(name); return "([^/]+)"; })}/?$`);
  routes.push({ expression, names, page, pattern });
}

export function start(show) {
  render = show;
  history.scrollRestoration = "manual";
  // A fragment of the page that is shown is the browser's to go to.
  addEventListener("popstate", (event) => { if (location.pathname + location.search !== shown) visit(event.state?.scroll ?? 0); });
  document.addEventListener("click", (event) => {
    const anchor = event.target.closest?.("a[href]");
    if (!anchor || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (anchor.target || anchor.hasAttribute("download") || anchor.origin !== location.origin) return;
    if (anchor.pathname.startsWith("/api/") || anchor.pathname.startsWith("/assets/")) return;
    if (anchor.hash && anchor.pathname === location.pathname) return;
    event.preventDefault();
    navigate(anchor.pathname + anchor.search);
  });
  visit(0);
}

export function navigate(address, { replace = false } = {}) {
  if (replace) history.replaceState({}, "", address);
  else {
    history.replaceState({ ...history.state, scroll: scrollY }, "");
    history.pushState({}, "", address);
  }
  visit(0);
}

/** Changes the query of the page's own address without leaving it: filters and pages survive Back. */
export function remember(values) {
  const search = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(values)) {
    if (value) search.set(key, value);
    else search.delete(key);
  }
  const text = search.toString();
  history.replaceState(history.state, "", location.pathname + (text ? `?${text}` : ""));
  shown = location.pathname + location.search;
}

async function visit(scroll) {
  shown = location.pathname + location.search;
  for (const dialog of document.querySelectorAll("dialog")) dialog.dispatchEvent(new Event("leave"));
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const search = Object.fromEntries(new URLSearchParams(location.search));
  for (const route of routes) {
    const found = route.expression.exec(location.pathname);
    if (!found) continue;
    const parameters = Object.fromEntries(route.names.map((name, i) => [name, decodeURIComponent(found[i + 1])]));
    await render(route.page, { parameters, search, signal, navigate }, route.pattern);
    if (!signal.aborted) scrollTo(0, scroll);
    return;
  }
  await render(null, { parameters: {}, search, signal, navigate }, null);
}

export function reload() { return visit(scrollY); }
