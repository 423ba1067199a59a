// The pages of one instance.
import { followAlerts } from "./core/alerts.js";
import { api, setCsrf, whenSignedOut } from "./core/api.js";
import { setRegion } from "./core/format.js";
import { debounced } from "./core/list.js";
import { listen } from "./core/live.js";
import { navigate, on, start } from "./core/router.js";
import { frame, markCurrent, restoreTheme, setCount, show, showFault } from "./core/shell.js";
import { t } from "./core/texts.js";

restoreTheme();
const root = document.getElementById("root");

/** Each page is loaded when it is first visited. */
const page = (file, name) => async (context) => (await import(`./pages/${file}.js`))[name](context);

on("/", (context) => { context.navigate("/contacts", { replace: true }); return []; });
on("/contacts", page("contacts", "contacts"));
on("/contacts/:id", page("contact", "contact"));
on("/conflicts", page("conflicts", "conflicts"));
on("/conflicts/:id", page("conflicts", "conflict"));
on("/orders", page("orders", "orders"));
on("/orders/:id", page("orders", "order"));
on("/audiences", page("audiences", "audiences"));
on("/flows", page("flows", "flows"));
on("/flows/:id", page("flows", "flow"));
on("/events", page("events", "events"));
on("/events/:id", page("events", "event"));
on("/imports", page("imports", "imports"));
on("/imports/:id", page("imports", "importRun"));
on("/reports", page("reports", "reports"));
on("/reports/:name", page("reports", "reports"));
on("/deliveries", page("deliveries", "deliveries"));
on("/deliveries/:id", page("deliveries", "delivery"));
on("/settings/integrations", page("marketplace", "marketplace"));
on("/settings/api-keys", page("settings", "apiKeys"));
on("/settings/instance", page("settings", "instance"));

const navigation = () => [
  { items: [
    { href: "/contacts", icon: "contacts", text: t("Contacts") },
    { href: "/conflicts", icon: "conflict", text: t("Conflicts") },
    { href: "/orders", icon: "order", text: t("Orders") },
    { href: "/audiences", icon: "audience", text: t("Audiences") },
  ] },
  { title: "Emarsys", items: [
    { href: "/flows", icon: "flow", text: t("Flows") },
    { href: "/events", icon: "event", text: t("Events") },
    { href: "/imports", icon: "import", text: t("Import runs") },
    { href: "/deliveries", icon: "reply", text: t("Deliveries") },
    { href: "/reports", icon: "report", text: t("Reports") },
  ] },
  { title: t("Settings"), items: [
    { href: "/settings/integrations", icon: "plug", text: t("Integrations") },
    { href: "/settings/api-keys", icon: "key", text: t("API keys") },
    { href: "/settings/instance", icon: "gear", text: t("Instance") },
  ] },
];

const signIn = async (...values) => (await import("./pages/sign-in.js")).signIn(root, ...values);

async function begin() {
  let session;
  try {
    session = await api.one("/session");
  } catch (fault) {
    if (fault.status !== 401) {
      showFault(root, fault, begin);
      return;
    }
    return signIn(begin);
  }
  setCsrf(session.csrf_token);
  setRegion(session);
  const { main, nav, banner } = frame(root, {
    where: session.display_name, navigation: navigation(), user: session.name,
    signOut: async () => { await api.delete("/session").catch(() => {}); location.assign("/"); },
  });
  let started = false;
  whenSignedOut(() => { if (started) { started = false; signIn(() => location.reload(), { ended: true }); } });
  start((found, context) => {
    started = true;
    markCurrent(nav, location.pathname);
    return show(main, found, { ...context, session }, session.display_name);
  });
  const count = () => api.list("/identity_conflicts?status=open&limit=200").then((open) => setCount(nav, "/conflicts", open.next ? "200+" : open.items.length), () => {});
  count();
  listen(["conflicts"], { conflict: debounced(count, 500) }, new AbortController().signal);
  followAlerts(banner);
}

begin();
