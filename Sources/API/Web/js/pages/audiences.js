// Audiences: groups of contacts, made and changed in a builder whose count follows every change.
import { api } from "../core/api.js";
import { button, empty, field, fill, h, input, link, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { name as nameOf, number, phone } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { compiled, describe, groupOf, ruleBuilder } from "./rules.js";

export async function audiences({ signal }) {
  const list = pagedTable({
    path: "/audiences", signal, caption: t("Audiences"),
    blank: empty("audience", t("No audiences yet"), t("Choose contacts by their orders, opt-ins, segments and properties."), button(t("Create an audience"), { class: "primary", onclick: () => edit() }, "plus")),
    columns: [
      { title: t("Name"), cell: (a) => a.name },
      { title: t("Rules"), class: "full", cell: (a) => h("span", { class: "small" }, describe(a.rules)) },
      { title: t("Contacts"), class: "r", label: t("Contacts"), cell: (a) => { const box = h("span", { class: "num" }, "…"); api.one(`/audiences/${a.id}/count`, { signal }).then((c) => { box.textContent = number(c.count); }, () => { box.textContent = "–"; }); return box; } },
      { title: t("Actions"), hideTitle: true, class: "actions", cell: (a) => [button(t("Contacts"), { class: "quiet sm", onclick: () => showContacts(a) }), button(t("Edit"), { class: "quiet sm", "aria-label": t("Edit the audience {name}", { name: a.name }), onclick: () => edit(a) }), button(t("Delete"), { class: "quiet sm danger", "aria-label": t("Delete the audience {name}", { name: a.name }), onclick: () => confirm({
        title: t("Delete the audience {name}?", { name: a.name }), text: t("The contacts stay."), action: t("Delete the audience"), act: () => api.delete(`/audiences/${a.id}`) }).then((done) => done && reload()) })] },
    ],
  });
  list.start();
  return [pageHead(t("Audiences"), { lead: t("Groups of contacts that follow their rules."), actions: [button(t("Create an audience"), { class: "primary", onclick: () => edit() }, "plus")] }), list.element];
}

async function showContacts(audience) {
  const { body } = openDialog(audience.name, { className: "dialog" });
  const abort = new AbortController();
  const list = pagedTable({ path: `/audiences/${audience.id}/contacts`, signal: abort.signal, caption: t("Contacts"), blank: h("p", { class: "muted" }, t("Nobody matches right now.")),
    columns: [{ title: t("Name"), cell: (c) => link(nameOf(c, t("Name unknown")), `/contacts/${c.id}`, { target: "_blank" }) }, { title: t("Phone"), cell: (c) => phone(c.phone) }, { title: t("Email"), cell: (c) => c.email ?? "–" }] });
  fill(body, list.element);
  list.start();
}

async function edit(existing) {
  const { body, foot, close } = openDialog(existing ? t("Edit the audience") : t("Create an audience"), { className: "dialog" });
  const [properties, selected] = await Promise.all([
    api.list("/custom_properties").then((p) => p.items, () => []), api.list("/integrations/emarsys/segments/selected").then((p) => p.items, () => []),
  ]);
  const name = field(t("Name"), input({ maxlength: 200, value: existing?.name ?? "" }));
  const root = groupOf(existing?.rules ?? { and: [{ field: "opt_in", op: "eq", value: "granted" }] });
  const count = h("p", { class: "num", role: "status" });
  const problem = h("div", {});
  const preview = debounced(async () => {
    try {
      const result = (await api.post("/audiences/preview", { rules: compiled(root) })).data[0];
      fill(problem);
      count.textContent = result.count === 1 ? t("1 contact matches now") : t("{n} contacts match now", { n: number(result.count) });
    } catch (fault) {
      count.textContent = "";
      fill(problem, problemNotice(fault));
    }
  }, 300);
  preview();
  fill(body, name.element, ruleBuilder(root, { properties, selected, changed: preview }), count, problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(existing ? t("Save the audience") : t("Create the audience"), {
    class: "primary", onclick: async () => {
      name.setError(name.input.value.trim() ? null : t("Enter a name."));
      if (!name.input.value.trim()) { name.input.focus(); return; }
      const values = { name: name.input.value.trim(), rules: compiled(root) };
      try {
        if (existing) await api.patch(`/audiences/${existing.id}`, values);
        else await api.post("/audiences", values);
        close();
        toast(existing ? t("The audience was saved.") : t("The audience was created."));
        reload();
      } catch (fault) { fill(problem, problemNotice(fault)); }
    },
  }));
  name.input.focus();
}
