// Settings: API keys, and the instance with its SQL access.
import { api } from "../core/api.js";
import { badge, button, copyable, empty, field, fill, h, input, notice, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { dateTime } from "../core/format.js";
import { pagedTable } from "../core/list.js";
import { reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";

const PERMISSIONS = [["read", "Read everything"], ["write", "Change settings, flows and contacts"], ["consent", "Record opt-ins"], ["erase", "Erase people"], ["admin", "Keys and secrets"]];
const labels = () => ({ copy: t("Copy"), copied: t("Copied"), press: t("Press Ctrl+C"), show: t("Show") });

export async function apiKeys({ signal }) {
  const list = pagedTable({
    path: "/api_keys", signal, caption: t("API keys"), blank: empty("key", t("No keys"), t("Your CSM can create one.")),
    columns: [
      { title: t("Name"), cell: (k) => [k.name, k.hint && [h("br"), h("code", { class: "xs muted" }, k.hint)]] }, { title: t("Permissions"), cell: (k) => (k.permissions ?? []).join(", ") },
      { title: t("Created"), cell: (k) => h("span", { class: "num small nowrap" }, dateTime(k.created_at)) }, { title: t("State"), cell: (k) => (k.revoked_at ? badge("off", t("Revoked"), "off") : badge("ok", t("Works"))) },
      { title: t("Actions"), hideTitle: true, class: "actions", cell: (k) => !k.revoked_at && button(t("Revoke"), { class: "quiet sm danger", onclick: () => confirm({
        title: t("Revoke the key {name}?", { name: k.name }), text: t("It stops working within a second, and its sessions end."), action: t("Revoke the key"), act: () => api.delete(`/api_keys/${k.id}`) }).then((done) => done && reload()) }) },
    ],
  });
  list.start();
  return [pageHead(t("API keys"), { lead: t("For the charles instance and for people who sign in here."), actions: [button(t("Create a key"), { class: "primary", onclick: createKey }, "plus")] }), list.element];
}

function createKey() {
  const { body, foot, close } = openDialog(t("Create a key"), { className: "dialog confirm", onclose: reload });
  const name = field(t("Name"), input({ maxlength: 100, placeholder: t("Who uses it") }));
  const boxes = PERMISSIONS.map(([value, text]) => h("label", { class: "check" }, h("input", { type: "checkbox", value, checked: value === "read" }), h("span", {}, h("code", {}, value), " ", h("span", { class: "muted" }, t(text)))));
  const problem = h("div", {});
  fill(body, name.element, h("fieldset", { class: "stack" }, h("legend", {}, t("Permissions")), boxes), problem);
  const go = button(t("Create the key"), {
    class: "primary", onclick: async () => {
      name.setError(name.input.value.trim() ? null : t("Enter a name."));
      if (!name.input.value.trim()) return;
      try {
        const made = (await api.post("/api_keys", { name: name.input.value.trim(), permissions: boxes.map((b) => b.querySelector("input")).filter((i) => i.checked).map((i) => i.value) })).data[0];
        fill(body, notice("warn", t("Copy the key now. It is stored hashed and never shown again.")), copyable(made.key, { labels: labels() }));
        fill(foot, h("span", { class: "push" }), button(t("I have copied it"), { class: "primary", onclick: close }));
      } catch (fault) { fill(problem, problemNotice(fault)); }
    },
  });
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), go);
  name.input.focus();
}

export async function instance({ session, signal }) {
  const settings = await api.one("/instance", { signal }).catch(() => session);
  const zone = field(t("Time zone"), input({ value: settings.time_zone ?? "", list: "zones" }), { hint: t("Days in reports and times on pages.") });
  const currency = field(t("Default currency"), input({ class: "input mono", value: settings.default_currency ?? "", maxlength: 3 }), { hint: t("For orders that name none.") });
  const country = field(t("Default country"), input({ class: "input mono", value: settings.default_country ?? "", maxlength: 2 }), { hint: t("For phone numbers without a country code. Empty: they are not imported.") });
  const problem = h("div", {});
  return [
    pageHead(t("Instance"), { lead: session.instance_name }),
    h("div", { class: "cols two" },
      h("form", {
        class: "card stack", onsubmit: async (event) => {
          event.preventDefault();
          try { await api.patch("/instance", { time_zone: zone.input.value.trim(), default_currency: currency.input.value.trim().toUpperCase() || null, default_country: country.input.value.trim().toUpperCase() || null }); toast(t("The settings were saved.")); reload(); } catch (fault) { for (const [f, key] of [[zone, "time_zone"], [currency, "default_currency"], [country, "default_country"]]) f.setError(fault.on?.(key)); fill(problem, problemNotice(fault)); }
        },
      }, h("h2", {}, t("Region")), zone.element, h("datalist", { id: "zones" }, (Intl.supportedValuesOf?.("timeZone") ?? []).map((z) => h("option", { value: z }))), currency.element, country.element, problem, h("p", {}, h("button", { class: "btn primary", type: "submit" }, t("Save the settings")))),
      h("section", { class: "card stack" }, h("h2", {}, t("SQL access")), h("p", {}, t("Report with your own tools: a read-only PostgreSQL login that sees this instance only. Your CSM creates it for you.")),
        h("p", { class: "small muted" }, t("Schema reporting: contacts, opt_ins, opt_in_exports, imports, import_rejections, segments, events, flows, flow_runs, deliveries, orders, order_items, revenue_daily, api_usage_daily, features.")))),
  ];
}
