// One tenant: features with note and history, keys, reporting access, alerts, suspend, delete.
import { alertWords, sorted } from "../core/alert-words.js";
import { api } from "../core/api.js";
import { badge, button, copyable, field, fill, h, input, notice, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { dateTime, number } from "../core/format.js";
import { pagedTable } from "../core/list.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { importState } from "../pages/import-state.js";
import { laneTable } from "./queues.js";
import { healthBadge, healthOf } from "./tenants.js";

const FEATURES = [["emarsys", "Emarsys integration", "Contacts, opt-ins and custom events."], ["order_events", "Order events", "The order webhook, attribution and order reports."]];
const labels = () => ({ copy: t("Copy"), copied: t("Copied"), press: t("Press Ctrl+C"), show: t("Show") });

export async function tenant({ parameters, signal, session }) {
  const manages = session.role === "manager";
  const name = parameters.name;
  const path = `/tenants/${name}`;
  const found = await api.one(path, { signal });
  const [keys, logins, lanes, history] = await Promise.all([
    api.list(`${path}/api_keys`, { signal }), api.list(`${path}/reporting_access`, { signal }), api.list(`/queues?instance=${encodeURIComponent(name)}`, { signal }),
    api.list(`${path}/audit?limit=200`, { signal }),
  ]).then((lists) => lists.map((list) => list.items));
  const audit = pagedTable({ path: `${path}/audit`, signal, pageSize: 20, caption: t("Audit"), blank: h("p", { class: "muted" }, t("Nothing yet.")),
    columns: [{ title: t("When"), cell: (a) => h("span", { class: "num small nowrap" }, dateTime(a.at)) }, { title: t("Who"), cell: (a) => who(a.actor, keys) }, { title: t("What"), cell: (a) => [actionWords(a.action), a.feature && [" ", h("code", {}, a.feature)]] }, { title: t("Note"), class: "full", cell: (a) => a.note ?? "–" }] });
  audit.start();
  const suspended = found.status === "suspended";
  /** When a feature was switched, by whom and why. */
  const changesOf = (feature) => {
    const entries = history.filter((a) => a.feature === feature);
    if (entries.length === 0) return null;
    const line = (a) => [actionWords(a.action), ", ", dateTime(a.at), ", ", who(a.actor, keys), a.note && `: ${a.note}`];
    return [h("p", { class: "xs muted" }, line(entries[0])), entries.length > 1 && h("details", { class: "xs" }, h("summary", {}, t("History")), h("ul", { class: "list" }, entries.map((a) => h("li", {}, line(a)))))];
  };
  const switchFeature = ([feature, title, text]) => {
    const on = found.features?.[feature];
    return h("div", { class: "row top between" }, h("div", { class: "grow" }, h("h3", {}, t(title), " ", on ? badge("ok", t("On")) : badge("off", t("Off"))), h("p", { class: "small muted" }, t(text)), changesOf(feature)),
      manages && button(on ? t("Switch off") : t("Switch on"), { class: "sm", onclick: () => change(feature, t(title), !on) }));
  };
  const change = (feature, title, enabled) => {
    const note = field(t("Note"), input({ placeholder: t("Why, or which ticket") }));
    const { body, foot, close } = openDialog(enabled ? t("Switch on {feature}?", { feature: title }) : t("Switch off {feature}?", { feature: title }), { className: "dialog confirm" });
    const problem = h("div", {});
    fill(body, !enabled && notice("warn", t("Webhooks of this feature are refused while it is off; imports, exports and deliveries wait.")), note.element, problem);
    fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(enabled ? t("Switch on") : t("Switch off"), { class: "primary", onclick: async () => { try { await api.put(`${path}/features/${feature}`, { enabled, note: note.input.value.trim() || undefined }); close(); reload(); } catch (fault) { fill(problem, problemNotice(fault)); } } }));
    note.input.focus();
  };
  return [
    pageHead(found.display_name, { crumbs: [[t("Tenants"), "/tenants"]], lead: h("p", { class: "row" }, healthBadge(found), " ", h("code", {}, found.instance_name)),
      actions: !manages ? [] : [button(suspended ? t("Reactivate") : t("Suspend"), { class: suspended ? "" : "danger", onclick: () => confirm({
        title: suspended ? t("Reactivate {name}?", { name: found.display_name }) : t("Suspend {name}?", { name: found.display_name }), text: suspended ? t("Everything works again as before.") : t("Everything on the host answers 403, webhooks included."), action: suspended ? t("Reactivate") : t("Suspend the tenant"), danger: !suspended,
        act: () => api.patch(path, { status: suspended ? "active" : "suspended" }) }).then((done) => done && reload()) })] }),
    !manages && notice("", t("You can look at everything here. Changing it needs the role manager.")),
    healthOf(found).reason && notice({ failing: "bad", warning: "warn" }[healthOf(found).level] ?? "", healthOf(found).reason),
    h("div", { class: "cols aside below" },
      h("div", { class: "stack-lg" },
        h("section", { class: "card stack", "aria-labelledby": "ft" }, h("h2", { id: "ft" }, t("Features")), FEATURES.map(switchFeature)),
        h("section", { class: "card stack", "aria-labelledby": "ac" }, h("h2", { id: "ac" }, t("Access")), manages && h("p", { class: "row" },
          button(t("Create an API key"), { class: "sm", onclick: () => once(t("Create an API key"), t("Name"), (value) => api.post(`${path}/api_keys`, { name: value, permissions: ["read", "write", "consent", "erase", "admin"] }), (made) => [t("Copy the key now. It is stored hashed and never shown again."), made.key]) }, "key"),
          button(t("Create a SQL login"), { class: "sm", onclick: () => once(t("Create a SQL login"), null, () => api.post(`${path}/reporting_access`), (made) => [t("Copy it now. The password is never shown again."), made.dsn ?? `${made.role} ${made.password}`]) }, "report")),
          keys.length > 0 && h("h3", {}, t("API keys")), keys.length > 0 && h("ul", { class: "list" }, keys.map((k) => h("li", { class: "row between" }, h("span", { class: "grow" }, k.name, " ", h("code", { class: "xs muted" }, k.hint), h("br"), h("span", { class: "xs muted" }, k.permissions.join(", "))),
            k.revoked_at ? badge("off", t("Revoked"), "off") : manages && button(t("Revoke"), { class: "quiet sm danger", "aria-label": t("Revoke the key {name}", { name: k.name }), onclick: () => confirm({
              title: t("Revoke the key {name}?", { name: k.name }), text: t("It stops working within a second, and its sessions end."), action: t("Revoke the key"), act: () => api.delete(`${path}/api_keys/${k.id}`) }).then((done) => done && reload()) })))),
          logins.length > 0 && h("h3", {}, t("SQL logins")), logins.length > 0 && h("ul", { class: "list" }, logins.map((l) => h("li", { class: "row between" }, h("span", { class: "grow" }, h("code", {}, l.role), h("br"), h("span", { class: "xs muted num" }, dateTime(l.created_at))),
            manages && button(t("Drop"), { class: "quiet sm danger", "aria-label": t("Drop the login {name}", { name: l.role }), onclick: () => confirm({
              title: t("Drop the login {name}?", { name: l.role }), text: t("Its sessions end at once."), action: t("Drop the login"), act: () => api.delete(`${path}/reporting_access/${l.role}`) }).then((done) => done && reload()) }))))),
        h("section", { "aria-labelledby": "au" }, h("h2", { id: "au" }, t("Audit")), audit.element)),
      h("aside", { class: "stack" },
        h("section", { class: "card" }, h("h2", {}, t("At a glance")), h("dl", { class: "facts" },
          h("dt", {}, t("Last import")), h("dd", {}, found.last_import ? [importState(found.last_import.state), " ", found.last_import.finished_at && dateTime(found.last_import.finished_at)] : "–"),
          h("dt", {}, t("API calls, 30 days")), h("dd", { class: "num" }, number(found.usage?.api_calls_30d), found.usage?.api_errors_30d > 0 && [", ", t("{n} failed", { n: number(found.usage.api_errors_30d) })]),
          h("dt", {}, t("Time zone")), h("dd", {}, found.time_zone), h("dt", {}, t("Created")), h("dd", { class: "num" }, dateTime(found.created_at)))),
        found.raised_alerts?.length > 0 && h("section", { class: "card stack" }, h("h2", {}, t("Alerts")), sorted(found.raised_alerts).map((a) => notice(alertWords(a).level, alertWords(a).text, h("br"), h("span", { class: "xs" }, t("since {time}", { time: dateTime(a.raised_at) }))))),
        h("section", { class: "card flush", "aria-labelledby": "ln" }, h("header", {}, h("h2", { id: "ln" }, t("Lanes"))), laneTable(lanes, { one: true })),
        manages && h("section", { class: "card stack" }, h("h2", {}, t("Remove this tenant")), h("p", { class: "small muted" }, t("Deletes every row of the customer and proves it by count.")), h("p", {}, button(t("Delete the tenant"), { class: "sm danger", onclick: () => remove(found, path) }))))),
  ];
}

/** What was done, from its name in the audit log. */
function actionWords(action) {
  return {
    "tenant.created": t("Tenant created"), "tenant.changed": t("Tenant changed"), "tenant.suspended": t("Tenant suspended"), "tenant.resumed": t("Tenant reactivated"),
    "feature.enabled": t("Switched on"), "feature.disabled": t("Switched off"), "api_key.created": t("API key created"), "api_key.revoked": t("API key revoked"),
    "reporting_access.granted": t("SQL login created"), "reporting_access.revoked": t("SQL login dropped"), "connection.stored": t("Connection stored"), "connection.removed": t("Emarsys disconnected"),
    "connection.paused": t("Integration paused"), "connection.resumed": t("Integration resumed"), "mappings.changed": t("Field mapping changed"), "opt_in_field.chosen": t("Opt-in field chosen"),
    "segments.selected": t("Segments selected"), "custom_property.defined": t("Custom property created"), "webhook_secret.rotated": t("Webhook secret rotated"),
    "webhook_secret.revealed": t("Webhook secret shown"), "delivery_secret.revealed": t("Signing secret shown"),
  }[action] ?? action.replaceAll("_", " ");
}

/** "session:<key>" and "api_key:<key>" by the key's name. */
function who(actor, keys) {
  const [kind, id] = actor.split(":");
  const key = keys.find((k) => k.id === id);
  if (key) return kind === "session" ? t("{name}, signed in", { name: key.name }) : t("{name}, by key", { name: key.name });
  return kind === "operator" ? id : actor;
}

function once(title, label, act, show) {
  const { body, foot, close } = openDialog(title, { className: "dialog confirm", onclose: reload });
  const name = label && field(label, input({ maxlength: 100 }));
  const problem = h("div", {});
  fill(body, name?.element, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(title, { class: "primary", onclick: async () => {
    if (name && !name.input.value.trim()) { name.setError(t("Enter a name.")); return; }
    try {
      const [text, value] = show((await act(name?.input.value.trim())).data[0]);
      fill(body, notice("warn", text), copyable(value, { labels: labels() }));
      fill(foot, h("span", { class: "push" }), button(t("I have copied it"), { class: "primary", onclick: close }));
    } catch (fault) { fill(problem, problemNotice(fault)); }
  } }));
  name?.input.focus();
}

function remove(found, path) {
  const { body, foot, close } = openDialog(t("Delete {name}?", { name: found.display_name }), { className: "dialog confirm" });
  const typed = field(t("Type the instance name to confirm"), input({ class: "input mono", spellcheck: "false" }));
  const problem = h("div", {});
  const go = button(t("Delete everything of this tenant"), { class: "danger primary", onclick: async () => {
    if (typed.input.value !== found.instance_name) { typed.setError(t("This is not the name.")); return; }
    try {
      const counts = (await api.delete(`${path}?confirm=${encodeURIComponent(found.instance_name)}`))?.data?.[0] ?? {};
      const rows = Object.entries(counts.tables ?? counts).filter(([, v]) => typeof v === "number" && v > 0);
      fill(body, notice("ok", t("Everything was deleted.")), h("dl", { class: "facts" }, rows.map(([k, v]) => [h("dt", {}, k), h("dd", { class: "num" }, number(v))])));
      fill(foot, h("span", { class: "push" }), button(t("Close"), { class: "primary", onclick: () => { close(); toast(t("The tenant was deleted.")); navigate("/tenants"); } }));
    } catch (fault) { fill(problem, problemNotice(fault)); }
  } });
  fill(body, notice("bad", t("Contacts, opt-ins, orders, events and settings are deleted. This cannot be undone.")), typed.element, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), go);
  typed.input.focus();
}

