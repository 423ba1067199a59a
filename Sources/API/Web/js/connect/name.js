// Step 1: what the connection is called.
import { field, h, input } from "../core/dom.js";
import { t } from "../core/texts.js";

export async function nameStep(state) {
  const name = field(t("Name of the connection"), input({ value: state.draft.name ?? state.connection?.name ?? "Emarsys", maxlength: 100, required: true }),
    { hint: t("Your colleagues see it under Connected apps. For example “Emarsys DACH”.") });
  return {
    content: h("form", { class: "stack", onsubmit: (event) => event.preventDefault() },
      h("div", {}, h("h3", {}, t("Give it a name")), h("p", { class: "small muted" }, t("You need an Emarsys account as administrator, and an API user with 18 permissions. Step 2 checks them for you."))),
      name.element),
    focus: name.input,
    async next() {
      const value = name.input.value.trim();
      name.setError(value ? null : t("Enter a name."));
      if (!value) { name.input.focus(); return false; }
      await state.keep({ name: value });
    },
  };
}
