// The operators' console.
import { api, setCsrf, whenSignedOut } from "./core/api.js";
import { badge } from "./core/dom.js";
import { on, start } from "./core/router.js";
import { frame, markCurrent, restoreTheme, show, showFault } from "./core/shell.js";
import { t } from "./core/texts.js";

restoreTheme();
const root = document.getElementById("root");
const page = (file, name) => async (context) => (await import(`./operator/${file}.js`))[name](context);

on("/", (context) => { context.navigate("/tenants", { replace: true }); return []; });
on("/tenants", page("tenants", "tenants"));
on("/tenants/:name", page("tenant", "tenant"));
on("/queues", page("queues", "queues"));

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
    return signIn(begin, { operator: true });
  }
  setCsrf(session.csrf_token);
  const { main, nav } = frame(root, {
    where: badge("off", t("Operator"), "shield"), user: session.name, operator: true,
    navigation: [{ items: [{ href: "/tenants", icon: "contacts", text: t("Tenants") }, { href: "/queues", icon: "pulse", text: t("Queues") }] }],
    signOut: async () => { await api.delete("/session").catch(() => {}); location.assign("/"); },
  });
  whenSignedOut(() => signIn(() => location.reload(), { ended: true, operator: true }));
  start((found, context) => { markCurrent(nav, location.pathname); return show(main, found, { ...context, session }, t("Operators")); });
}

begin();
