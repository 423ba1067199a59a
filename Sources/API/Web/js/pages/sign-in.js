// Signing in with an API key, as drawn: one field, one button.
import { api } from "../core/api.js";
import { field, fill, h, icon, input } from "../core/dom.js";
import { problemNotice } from "../core/dialog.js";
import { themeToggle } from "../core/shell.js";
import { t } from "../core/texts.js";

export function signIn(root, then, { ended = false, operator = false } = {}) {
  const key = field(operator ? t("Operator token") : t("API key"),
    input({ type: "password", class: "input mono", autocomplete: "current-password", spellcheck: "false", required: true, id: "k" }),
    { hint: operator ? t("Tokens are created on the command line: charles-emarsys operator create.")
                     : t("Keys are shown once, when they are created. Your CSM can create a new one.") });
  const problem = h("div", {});
  const submit = h("button", { class: "btn primary", type: "submit" }, t("Sign in"));
  const form = h("form", {
    class: "stack", novalidate: true,
    onsubmit: async (event) => {
      event.preventDefault();
      fill(problem);
      key.setError(key.input.value.trim() ? null : t("Enter the key."));
      if (!key.input.value.trim()) { key.input.focus(); return; }
      submit.disabled = true;
      try {
        await api.post("/session", operator ? { token: key.input.value.trim() } : { api_key: key.input.value.trim() });
        await then();
      } catch (fault) {
        submit.disabled = false;
        if (fault.status === 401) {
          key.setError(operator ? t("This token does not work here. It may be revoked.")
                                : t("This key does not work here. It may be revoked, or belong to another instance."));
          key.input.focus();
        } else fill(problem, problemNotice(fault));
      }
    },
  }, key.element, submit, problem);
  const instance = location.hostname.split(".")[0];
  document.title = `${t("Sign in")} · charles × Emarsys`;
  fill(root, h("main", { class: "gate" }, icon("mark", "hide-s"), h("div", { class: "stack-lg" },
    h("p", { class: "row between" }, h("a", { class: "brand", href: "/" }, icon("mark"), h("span", {}, "charles ", h("span", { class: "x" }, "×"), " Emarsys")), themeToggle()),
    h("div", {}, h("h1", {}, operator ? t("Sign in to the operators’ console") : t("Sign in to {name}", { name: instance })), h("p", { class: "muted" }, location.hostname)),
    ended && h("p", { class: "notice warn", role: "alert" }, icon("warn"), h("span", {}, t("Your session has ended. Sign in again to go on."))),
    form,
    h("p", { class: "small muted" }, operator ? t("You stay signed in on this device until you sign out or the token is revoked.")
                                             : t("You stay signed in on this device until you sign out or the key is revoked.")))));
  key.input.focus();
}
