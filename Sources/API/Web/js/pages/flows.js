// Flows: which event starts what, the payload a flow receives, a test run, and its runs.
import { api } from "../core/api.js";
import { badge, button, empty, field, fill, h, input, link, notice, select, toast } from "../core/dom.js";
import { confirm, openDialog, problemNotice } from "../core/dialog.js";
import { dateTime, name as nameOf } from "../core/format.js";
import { pagedTable } from "../core/list.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { t } from "../core/texts.js";
import { runState } from "./order-box.js";

const triggers = () => [["emarsys_event", t("Emarsys event")], ["emarsys_order", t("Emarsys order")]];

export async function flows({ signal, search }) {
  const list = pagedTable({
    path: "/flows", signal, caption: t("Flows"),
    blank: empty("flow", t("No flows yet"), t("A flow starts when an event with its name arrives from Emarsys."), button(t("Create a flow"), { class: "primary", onclick: () => edit(null) }, "plus")),
    columns: [
      { title: t("Name"), cell: (f) => link(f.name, `/flows/${f.id}`) },
      { title: t("Event name"), cell: (f) => h("code", {}, f.event_name) },
      { title: t("Trigger"), cell: (f) => triggers().find(([v]) => v === f.trigger)?.[1] ?? f.trigger },
      { title: t("State"), cell: (f) => (f.enabled ? badge("ok", t("On")) : badge("off", t("Off"))) },
      { title: t("Changed"), cell: (f) => h("span", { class: "small num nowrap" }, dateTime(f.updated_at)) },
    ],
  });
  list.start();
  if (search.event) queueMicrotask(() => edit(null, search.event));
  return [pageHead(t("Flows"), { lead: t("What charles starts when Emarsys sends an event."), actions: [button(t("Create a flow"), { class: "primary", onclick: () => edit(null) }, "plus")] }), list.element];
}

export async function flow({ parameters, signal }) {
  const found = await api.one(`/flows/${parameters.id}`, { signal });
  const runs = pagedTable({
    path: "/flow_runs", filters: { flow_id: found.id }, signal, caption: t("Runs of this flow"),
    blank: empty("message", t("No run yet"), t("Send a test contact from the automation program in Emarsys, or try a test run here.")),
    columns: [
      { title: t("Time"), cell: (r) => h("span", { class: "num" }, dateTime(r.created_at)) },
      { title: t("State"), cell: (r) => [badge({ delivered: "ok", queued: "info", failed: "bad" }[r.state] ?? "off", runState(r.state), r.state === "queued" ? "clock" : null), r.test && [" ", h("span", { class: "xs muted" }, t("test"))]] },
      { title: t("Contact"), cell: (r) => (r.contact_id ? link(r.contact ? nameOf(r.contact, t("Contact")) : t("Contact"), `/contacts/${r.contact_id}`) : "–") },
      { title: t("Event"), cell: (r) => (r.event_id ? link(t("Event"), `/events/${r.event_id}`, { class: "nowrap" }) : "–") },
      { title: t("Payload"), class: "full", cell: (r) => [h("details", {}, h("summary", {}, t("Payload")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(r.payload, null, 2)))), r.missing_keys?.length > 0 && h("span", { class: "xs muted" }, t("Missing: {keys}", { keys: r.missing_keys.join(", ") }))] },
    ],
  });
  runs.start();
  return [
    pageHead(found.name, {
      crumbs: [[t("Flows"), "/flows"]], lead: h("p", { class: "row" }, found.enabled ? badge("ok", t("On")) : badge("off", t("Off")), " ", h("code", {}, found.event_name)),
      actions: [button(t("Test run"), { onclick: () => test(found) }), button(t("Edit"), { onclick: () => edit(found) }, "gear"),
        button(t("Delete"), { class: "danger", onclick: () => confirm({
          title: t("Delete the flow {name}?", { name: found.name }), text: t("Events with this name then start nothing."), action: t("Delete the flow"), consequences: [t("Past runs and reports stay.")],
          act: () => api.delete(`/flows/${found.id}`) }).then((done) => { if (done) { toast(t("The flow was deleted.")); navigate("/flows"); } }) })],
    }),
    h("div", { class: "cols aside" }, h("section", { "aria-labelledby": "rs" }, h("h2", { id: "rs", class: "section-head" }, t("Runs")), runs.element),
      h("aside", { class: "card stack" }, h("h2", {}, t("Payload")), h("p", { class: "small muted" }, t("For each key: the value of the event, else of the additional data, else what stands here.")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(found.payload, null, 2))),
        h("dl", { class: "facts" }, h("dt", {}, t("Version")), h("dd", { class: "num" }, found.version ?? 1), h("dt", {}, t("Needs opt-in")), h("dd", {}, found.require_consent ? t("Yes") : t("No"))))),
  ];
}

/** Keys of an event, as an empty skeleton: nested objects stay nested. */
function skeletonOf(value) {
  if (Array.isArray(value)) return [];
  if (value && typeof value === "object") return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, skeletonOf(v)]));
  return "";
}

async function edit(existing, eventName) {
  const { body, foot, close } = openDialog(existing ? t("Edit the flow") : t("Create a flow"), { className: "dialog" });
  const recent = await api.list("/events?limit=50").catch(() => ({ items: [] }));
  const seen = new Map(recent.items.filter((e) => e.event_name).map((e) => [e.event_name, e]));
  const name = field(t("Name"), input({ value: existing?.name ?? "", maxlength: 200 }));
  const trigger = field(t("Trigger"), select(triggers(), existing?.trigger ?? "emarsys_event"));
  const event = field(t("Event name"), input({ class: "input mono", value: existing?.event_name ?? eventName ?? "", list: "seen-events", maxlength: 128, spellcheck: "false" }), { hint: t("As in the webhook preset, without whitespace: abandoned_cart.") });
  const payload = h("textarea", { class: "input", spellcheck: "false", rows: "8" });
  payload.value = JSON.stringify(existing?.payload ?? {}, null, 2);
  const skeleton = field(t("Payload"), payload, { hint: t("Keys that the flow receives, as JSON. The values here are used where the event has none.") });
  const consent = h("input", { type: "checkbox", checked: existing?.require_consent ?? false });
  const enabled = h("input", { type: "checkbox", checked: existing?.enabled ?? true });
  const problem = h("div", {});
  const offer = h("div", {});
  const paintOffer = () => {
    const known = seen.get(event.input.value.trim());
    fill(offer, known && button(t("Take the keys of the last “{name}” event", { name: known.event_name }), {
      class: "sm", onclick: async () => {
        const whole = await api.one(`/events/${known.id}`);
        payload.value = JSON.stringify(skeletonOf(whole.event_data ?? whole.body?.event_data ?? {}), null, 2);
      },
    }, "event"));
  };
  event.input.addEventListener("input", paintOffer);
  paintOffer();
  fill(body, name.element, h("div", { class: "cols two" }, trigger.element, event.element), h("datalist", { id: "seen-events" }, [...seen.keys()].map((n) => h("option", { value: n }))), offer, skeleton.element,
    h("label", { class: "check" }, consent, h("span", {}, t("Only for contacts with a granted opt-in"))), h("label", { class: "check" }, enabled, h("span", {}, t("On"))), problem);
  fill(foot, button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), button(existing ? t("Save the flow") : t("Create the flow"), {
    class: "primary", onclick: async () => {
      let parsed;
      try { parsed = JSON.parse(payload.value || "{}"); skeleton.setError(null); } catch { skeleton.setError(t("This is not valid JSON.")); payload.focus(); return; }
      const values = { name: name.input.value.trim(), trigger: trigger.input.value, event_name: event.input.value.trim(), payload: parsed, enabled: enabled.checked, require_consent: consent.checked };
      name.setError(values.name ? null : t("Enter a name."));
      event.setError(/^[A-Za-z0-9_.:-]{1,128}$/.test(values.event_name) ? null : t("Letters, digits and _ . : - only, no whitespace."));
      if (!values.name || !/^[A-Za-z0-9_.:-]{1,128}$/.test(values.event_name)) return;
      try {
        const saved = existing ? (await api.patch(`/flows/${existing.id}`, values)).data[0] : (await api.post("/flows", values)).data[0];
        close();
        toast(t("The flow was saved."));
        if (existing) reload(); else navigate(`/flows/${saved.id}`);
      } catch (fault) { fill(problem, problemNotice(fault)); }
    },
  }));
  name.input.focus();
}

function test(found) {
  const { body, foot, close } = openDialog(t("Test run of {name}", { name: found.name }), { className: "dialog" });
  const sample = h("textarea", { class: "input", spellcheck: "false", rows: "10" });
  sample.value = JSON.stringify({ phone: "+491511234567", event_name: found.event_name, event_data: found.payload }, null, 2);
  const area = field(t("Sample webhook body"), sample);
  const result = h("div", {});
  fill(body, notice("", t("Shows the payload the flow would receive. Nobody gets a message.")), area.element, result);
  fill(foot, button(t("Close"), { onclick: close }), h("span", { class: "push" }), button(t("Try it"), {
    class: "primary", onclick: async () => {
      try {
        const run = (await api.post(`/flows/${found.id}/test`, JSON.parse(sample.value))).data[0];
        area.setError(null);
        fill(result, h("h3", {}, t("Payload")), h("div", { class: "code" }, h("pre", {}, JSON.stringify(run.payload, null, 2))), run.missing_keys?.length > 0 && notice("warn", t("Missing: {keys}", { keys: run.missing_keys.join(", ") })));
      } catch (fault) { if (fault instanceof SyntaxError) area.setError(t("This is not valid JSON.")); else fill(result, problemNotice(fault)); }
    },
  }));
}
