// Step 2: how charles signs in to Emarsys, and the permissions of that sign-in, checked live.
import { api } from "../core/api.js";
import { badge, button, field, fill, h, input, notice, plain } from "../core/dom.js";
import { problemNotice } from "../core/dialog.js";
import { said, t } from "../core/texts.js";
import { PERMISSIONS } from "./permissions.js";

const GROUPS = [["Contacts", "contact."], ["Export", "export."], ["Fields", "field."], ["Segments", "segment."]];
/** Permissions of paths that charles can do without: a missing one warns and does not block. */
const optionalPermission = (name) => name.startsWith("export.");

export async function connectionStep(state) {
  const { draft, connection } = state;
  const stored = connection && connection.status !== "disconnected" ? connection : null;
  const auth = draft.auth ?? stored?.auth ?? "oauth2";
  const choice = (value, title, text) => h("label", { class: "choice" },
    h("input", { type: "radio", name: "auth", value, checked: auth === value, onchange: () => paint() }),
    h("span", {}, h("b", {}, title), h("small", {}, text)));
  const principal = field("", input({ class: "input mono", spellcheck: "false", value: draft.principal ?? stored?.username ?? stored?.client_id ?? "" }));
  const secret = field("", input({ class: "input mono", type: "password", placeholder: stored ? t("Unchanged") : null }),
    { hint: t("Stored encrypted. Nobody can read it back, not even you.") });
  const tokenUrl = field(t("Token endpoint"), input({ class: "input mono", type: "url", spellcheck: "false", value: draft.token_url ?? stored?.token_url ?? "", placeholder: "https://auth.emarsys.net/oauth2/token" }),
    { optional: t("(optional)"), hint: t("Emarsys shows it beside the client ID. Leave it empty for the usual one.") });
  const baseUrl = field(t("API address"), input({ class: "input mono", type: "url", spellcheck: "false", value: draft.base_url ?? stored?.base_url ?? "", placeholder: "https://api.emarsys.net" }), { optional: t("(optional)") });
  const sunset = notice("warn", h("strong", {}, t("Emarsys ends WSSE on 31 December 2026.")), " ", t("The connection works until then. Choose OAuth 2.0 if your account has it."));
  const permissions = h("section", { class: "stack", "aria-labelledby": "ph" });
  const form = h("form", { class: "stack", "aria-labelledby": "ch", onsubmit: (event) => { event.preventDefault(); check(); } },
    h("div", {}, h("h3", { id: "ch" }, t("How charles signs in to Emarsys")), h("p", { class: "small muted" }, t("As Emarsys Account Owner, you find the API user in Security Settings > API Users."))),
    h("fieldset", { class: "cols two" }, h("legend", { class: "vh" }, t("Authentication")),
      choice("oauth2", "OAuth 2.0", t("Client ID and client secret")), choice("wsse", t("API user (WSSE)"), t("User name and secret"))),
    sunset,
    h("div", { class: "cols two" }, principal.element, secret.element),
    h("details", { open: Boolean(baseUrl.input.value || tokenUrl.input.value) || null }, h("summary", {}, t("Addresses")), h("div", { class: "cols two" }, tokenUrl.element, baseUrl.element)));

  let setGate = () => {};
  let checked = Boolean(stored);
  const kind = () => form.querySelector("input[name=auth]:checked").value;
  const paint = () => {
    const wsse = kind() === "wsse";
    sunset.hidden = !wsse;
    tokenUrl.element.hidden = wsse;
    principal.element.querySelector("label").textContent = wsse ? t("API user name") : t("Client ID");
    secret.element.querySelector("label").textContent = wsse ? t("Secret") : t("Client secret");
  };
  paint();
  form.addEventListener("input", () => { checked = false; setGate(null); });

  /** Tests and stores; shows the permission list. False: not to be gone on with. */
  const check = async () => {
    const values = { auth: kind(), principal: principal.input.value.trim(), token_url: tokenUrl.input.value.trim(), base_url: baseUrl.input.value.trim() };
    const needsSecret = !stored || !checked;
    principal.setError(values.principal ? null : t("Enter it as Emarsys shows it."));
    secret.setError(secret.input.value || (!needsSecret && stored) ? null : t("Enter the secret."));
    if (!values.principal || (needsSecret && !secret.input.value)) {
      (values.principal ? secret : principal).input.focus();
      return false;
    }
    await state.keep(values);
    paintPermissions(PERMISSIONS.map((permission) => ({ permission, status: "checking" })));
    try {
      if (secret.input.value) {
        const body = { name: state.draft.name ?? "Emarsys", auth: values.auth };
        if (values.auth === "wsse") Object.assign(body, { username: values.principal, secret: secret.input.value });
        else Object.assign(body, { client_id: values.principal, client_secret: secret.input.value });
        if (values.auth === "oauth2" && values.token_url) body.token_url = values.token_url;
        if (values.base_url) body.base_url = values.base_url;
        state.connection = (await api.put("/integrations/emarsys/connection", body)).data[0];
      }
      const result = (await api.post("/integrations/emarsys/connection/test")).data[0];
      if (result.error) {
        fill(permissions, notice("bad", h("strong", {}, said(result.error.code, result.error.detail)), " ", said(`${result.error.code}.advice`, result.error.advice)));
        return false;
      }
      checked = true;
      return paintPermissions(result.permissions);
    } catch (fault) {
      fill(permissions, problemNotice(fault));
      if (fault.on?.("base_url")) baseUrl.setError(fault.on("base_url"));
      if (fault.on?.("token_url")) tokenUrl.setError(fault.on("token_url"));
      checked = false;
      return false;
    }
  };

  const paintPermissions = (list) => {
    const by = new Map(list.map((p) => [p.permission, p]));
    const having = (status) => list.filter((p) => p.status === status);
    const missing = having("missing");
    const blocking = missing.filter((p) => !optionalPermission(p.permission));
    const warning = missing.filter((p) => optionalPermission(p.permission));
    const look = { granted: ["ok", t("Granted")], missing: ["bad", t("Missing")], unverified: ["off", t("Not checked"), "info"], checking: ["info", t("Checking")] };
    fill(permissions,
      h("div", { class: "section-head" }, h("h3", { id: "ph" }, t("Permissions of this API user")),
        h("p", { class: "row small", role: "status" }, h("span", { class: "num" }, t("{n} of 18 granted", { n: having("granted").length })), " ",
          missing.length > 0 && badge("bad", t("{n} missing", { n: missing.length })), " ",
          having("unverified").length > 0 && badge("off", t("{n} not checked", { n: having("unverified").length }), "info"), " ",
          having("checking").length > 0 && badge("info", t("Checking")))),
      blocking.map((p) => notice("bad", h("strong", {}, t("{name} is missing.", { name: p.permission })), " ", t("In Emarsys, open Security Settings > API Users, edit this API user, switch the permission on and save. Then check again."))),
      warning.map((p) => notice("warn", h("strong", {}, t("{name} is missing.", { name: p.permission })), " ", t("charles can do without it: contacts are read another way. Grant it to be ready for larger imports."))),
      h("div", { class: "checks" }, GROUPS.map(([title, prefix]) => h("section", {}, h("h4", {}, t(title)), h("ul", { class: "list" },
        PERMISSIONS.filter((p) => p.startsWith(prefix) || (prefix === "segment." && p.startsWith("combinedsegment."))).map((permission) => {
          const [cls, text, symbol] = look[by.get(permission)?.status ?? "unverified"];
          return h("li", { class: cls, title: said(`permission.${by.get(permission)?.status}`, by.get(permission)?.detail) ?? null }, h("code", {}, permission), plain(cls, text, symbol));
        }))))));
    setGate(blocking.length ? t("Grant the missing permission to go on.") : null);
    return blocking.length === 0;
  };
  if (stored?.permissions) paintPermissions(stored.permissions);

  return {
    content: [form, permissions],
    extra: button(stored ? t("Check again") : t("Check the connection"), { onclick: check }, "run"),
    gate: (set) => { setGate = set; },
    async next() { return (checked && !secret.input.value) || (await check()); },
  };
}

