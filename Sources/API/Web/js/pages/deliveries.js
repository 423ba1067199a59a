// Deliveries to the charles instance: the endpoint, the log, replay.
import { api } from "../core/api.js";
import { badge, button, copyable, empty, field, fill, h, input, link, notice, select, toast } from "../core/dom.js";
import { confirm, problemNotice } from "../core/dialog.js";
import { dateTime, number } from "../core/format.js";
import { debounced, pagedTable } from "../core/list.js";
import { listen } from "../core/live.js";
import { reload, remember } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { optional } from "./import-state.js";

function stateBadge(state) {
  const [kind, text, symbol] = { queued: ["info", t("Queued"), "clock"], delivered: ["ok", t("Delivered")], failed: ["bad", t("Failed")], dead: ["bad", t("Given up")] }[state] ?? ["off", state];
  return badge(kind, text, symbol);
}

export async function deliveries({ search, signal }) {
  const endpoint = await optional(api.one("/delivery_endpoint?reveal=false", { signal }));
  const list = pagedTable({
    path: "/deliveries", filters: { state: search.state }, signal, pageSize: 15, caption: t("Deliveries, newest first"),
    blank: empty("reply", t("No deliveries"), t("What happens here is told to your charles instance at the endpoint above.")),
    columns: [
      { title: t("What"), cell: (d) => link(d.type, `/deliveries/${d.id}`, { class: "mono" }) }, { title: t("Created"), cell: (d) => h("span", { class: "num small nowrap" }, dateTime(d.created_at)) }, { title: t("State"), cell: (d) => stateBadge(d.state) },
      { title: t("Attempts"), class: "r", label: t("Attempts"), cell: (d) => number(d.attempts) }, { title: t("Contact"), cell: (d) => (d.contact_id ? link(t("Contact"), `/contacts/${d.contact_id}`) : "–") },
    ],
    toolbar: [h("h2", { class: "grow" }, t("Log")), field(t("State"), select([["", t("Every state")], ["queued", t("Queued")], ["delivered", t("Delivered")], ["failed", t("Failed")], ["dead", t("Given up")]], search.state ?? "", { onchange: (event) => { remember({ state: event.target.value }); list.refresh({ state: event.target.value }); } })).element],
  });
  list.start();
  listen(["deliveries"], { delivery: debounced(list.freshen, 500) }, signal, (now) => { if (now === "open") list.freshen(); });
  return [pageHead(t("Deliveries"), { lead: t("Where your charles instance hears what happens, signed and in order per contact.") }), h("div", { class: "stack-lg" }, endpointCard(endpoint), list.element)];
}

/** Why nothing was delivered. */
const failure = (code) => ({
  connection_failed: t("Nothing answers at this address."), timed_out: t("The endpoint did not answer in time."), address_not_allowed: t("The address is private; deliveries go to public ones."),
  address_refused: t("The address is private; deliveries go to public ones."), name_not_found: t("There is no host of this name."), tls_failed: t("No secure connection could be made."),
  certificate_refused: t("The endpoint’s certificate is not valid."), connection_lost: t("The connection was lost before the answer."),
}[code] ?? code.replaceAll("_", " "));

function endpointCard(endpoint) {
  const url = field(t("Endpoint URL"), input({ class: "input mono", type: "url", value: endpoint?.url ?? "", placeholder: "https://" }), { hint: t("https, publicly reachable. Private addresses are refused.") });
  const enabled = h("input", { type: "checkbox", checked: endpoint?.enabled ?? true });
  const problem = h("div", {});
  const labels = { copy: t("Copy"), copied: t("Copied"), press: t("Press Ctrl+C"), show: t("Show") };
  return h("section", { class: "card stack", "aria-labelledby": "ep" },
    h("div", { class: "section-head" }, h("h2", { id: "ep" }, t("Endpoint")), endpoint && (endpoint.enabled ? badge("ok", t("On")) : badge("off", t("Off")))),
    endpoint?.disabled_reason && notice("bad", endpoint.disabled_reason),
    h("form", {
      class: "stack", onsubmit: async (event) => {
        event.preventDefault();
        try { await api.put("/delivery_endpoint", { url: url.input.value.trim(), enabled: enabled.checked }); toast(t("The endpoint was saved.")); reload(); } catch (fault) { url.setError(fault.on?.("url")); fill(problem, problemNotice(fault)); }
      },
    }, url.element, h("label", { class: "check" }, enabled, h("span", {}, t("Send what happens to this endpoint"))),
    endpoint && h("div", { class: "field" }, h("span", { class: "legend" }, t("Signing secret")), copyable(null, { secret: true, labels, reveal: async () => (await api.one("/delivery_endpoint?reveal=true")).secret ?? t("Needs the permission admin") }), h("span", { class: "hint" }, t("Signatures follow the Standard Webhooks specification."))),
    problem, h("p", { class: "row" }, h("button", { class: "btn primary", type: "submit" }, t("Save the endpoint")),
      endpoint && button(t("Send a test"), { onclick: async (event) => { const b = event.currentTarget; b.disabled = true; try { const r = (await api.post("/delivery_endpoint/test")).data?.[0] ?? {}; fill(problem, notice(r.ok === false || r.error ? "bad" : "ok", r.error ? failure(r.error) : t("The endpoint answered {status}.", { status: r.status ?? "2xx" }))); } catch (fault) { fill(problem, problemNotice(fault)); } b.disabled = false; } }),
      endpoint && button(t("Rotate the secret"), { onclick: () => confirm({ title: t("Rotate the signing secret?"), text: t("Deliveries carry both signatures for 24 hours."), action: t("Rotate the secret"), danger: false, act: () => api.post("/delivery_endpoint/rotate") }).then((done) => done && reload()) }))));
}

export async function delivery({ parameters, signal }) {
  const found = await api.one(`/deliveries/${parameters.id}`, { signal });
  listen(["deliveries"], { delivery: debounced((changed) => { if (changed.id === found.id && (changed.state !== found.state || found.state === "queued")) reload(); }, 300) }, signal);
  const attempts = found.attempt_log ?? found.log ?? [];
  return [
    pageHead(found.type, { crumbs: [[t("Deliveries"), "/deliveries"]], lead: h("p", { class: "row" }, stateBadge(found.state), " ", h("span", {}, dateTime(found.created_at))),
      actions: [button(t("Replay"), { onclick: () => confirm({ title: t("Send this delivery again?"), text: t("The receiver sees the same webhook-id."), action: t("Send it again"), danger: false, act: () => api.post(`/deliveries/${found.id}/replay`) }).then((done) => { if (done) { toast(t("It is being sent again.")); reload(); } }) }, "run")] }),
    found.last_error && notice("bad", found.last_error.status ? t("The endpoint answered {status}.", { status: found.last_error.status }) : failure(found.last_error.code)),
    h("div", { class: "stack-lg" },
      attempts.length > 0 && h("section", { class: "card flush" }, h("table", { class: "table" }, h("thead", {}, h("tr", {}, [t("Attempt"), t("Time"), t("Answer"), t("Took"), t("What it said")].map((c) => h("th", { scope: "col" }, c)))),
        h("tbody", {}, attempts.map((a) => h("tr", {}, h("th", { scope: "row" }, a.attempt), h("td", {}, dateTime(a.at)), h("td", {}, a.status ?? a.error ?? "–"), h("td", { class: "num" }, `${number(a.duration_ms)} ms`), h("td", {}, h("code", { class: "xs" }, a.response_excerpt ?? a.error ?? ""))))))),
      h("section", { class: "card" }, h("h2", {}, t("Body")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(found.body ?? found.data ?? {}, null, 2))))),
  ];
}
