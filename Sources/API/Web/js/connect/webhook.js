// Step 5: the values for the Emarsys webhook preset, and the first event, live.
import { api } from "../core/api.js";
import { button, copyable, fill, h, icon, link, toast } from "../core/dom.js";
import { confirm } from "../core/dialog.js";
import { dateTime, duration, time } from "../core/format.js";
import { listen } from "../core/live.js";
import { t } from "../core/texts.js";

const labels = () => ({ copy: t("Copy"), copied: t("Copied"), press: t("Press Ctrl+C"), show: t("Show") });

export async function webhookStep(state) {
  const { signal, session } = state;
  const webhook = await api.one("/integrations/emarsys/webhook?reveal=false", { signal });
  const since = Date.now();
  const waiting = h("div", { class: "waiting", role: "status" });
  const waited = h("span", { class: "small muted num hide-s" });
  const paintWaiting = (lost) => fill(waiting, h("span", { class: "pulse", "aria-hidden": "true" }),
    h("div", { class: "grow" }, h("strong", {}, lost ? t("The connection to charles was lost; trying again") : t("Waiting for the first event")),
      h("p", { class: "small" }, t("In Emarsys, set the program to “in testing” and click “Send test contacts”. The event shows here within a second."))), waited);
  paintWaiting(false);
  const clock = setInterval(() => { waited.textContent = t("Listening for {time}", { time: duration((Date.now() - since) / 1000) }); }, 1000);
  signal.addEventListener("abort", () => clearInterval(clock));
  const arrived = (event) => {
    clearInterval(clock);
    waiting.className = "waiting ok";
    fill(waiting, icon("ok"), h("div", { class: "grow" },
      h("strong", {}, t("The first event has arrived")), h("p", { class: "small" }, h("code", {}, event.event_name ?? "–"), " ", t("at {time}", { time: time(event.received_at) }), " ", link(t("See the event"), `/events/${event.id}`))));
  };
  const known = await api.list("/events?limit=1", { signal }).catch(() => ({ items: [] }));
  const first = async () => { const { items } = await api.list("/events?limit=1", { signal }); if (items.length > 0) arrived(items[0]); };
  if (known.items.length > 0) arrived(known.items[0]);
  else {
    listen(["events"], { event: (event) => { if (waiting.className === "waiting") arrived(event); } }, signal, (now) => {
      if (waiting.className !== "waiting") return;
      paintWaiting(now !== "open");
      // What came while nobody listened.
      if (now === "open") first().catch(() => {});
    });
  }

  const reveal = async () => (await api.one("/integrations/emarsys/webhook?reveal=true")).secret;
  const secretBox = h("div", {});
  const paintSecret = (info) => fill(secretBox, copyable(null, { secret: true, reveal, labels: labels() }),
    h("span", { class: "hint" }, info.previous_secret_valid_until && [t("The previous secret works until {time}.", { time: dateTime(info.previous_secret_valid_until) }), " "],
      button(t("Rotate the secret"), {
        class: "quiet sm", onclick: () => confirm({
          title: t("Rotate the webhook secret?"), text: t("Emarsys needs the new secret in every webhook preset."), action: t("Rotate the secret"), danger: false,
          consequences: [t("The old secret works for another 24 hours.")],
          act: async () => paintSecret((await api.post("/integrations/emarsys/webhook/rotate", { overlap_hours: 24 })).data[0]),
        }).then((done) => done && toast(t("The secret was rotated. Copy the new one into Emarsys."))),
      })));
  paintSecret(webhook);
  const url = (id, label, value) => h("div", { class: "field" }, h("span", { class: "legend" }, label), copyable(value, { labels: labels() }));
  const row = (name, value, text) => h("tr", { role: "row" }, h("th", { role: "rowheader", scope: "row" }, name), h("td", { role: "cell", "data-label": t("Value") }, value), h("td", { role: "cell", class: "full" }, text));
  const code = (text) => h("code", { class: "nowrap" }, text);
  return {
    nextLabel: t("Finish"), hint: t("You can finish now and test later."),
    content: [
      waiting,
      h("section", { class: "stack", "aria-labelledby": "wh" },
        h("div", {}, h("h3", { id: "wh" }, t("Connection values")), h("p", { class: "small muted" }, t("Copy them into the webhook preset in Emarsys."))),
        url("u1", t("API endpoint URL"), webhook.custom_event_url),
        h("div", { class: "cols two" },
          h("div", { class: "field" }, h("span", { class: "legend" }, t("Authentication method")), h("div", { class: "code" }, h("code", {}, "JWT authentication")), h("span", { class: "hint" }, t("Select it in the preset."))),
          h("div", { class: "field" }, h("span", { class: "legend" }, t("JWT secret")), secretBox)),
        h("details", {}, h("summary", {}, t("Order events: a second URL, for selected customers")),
          session.features?.order_events ? url("u2", t("API endpoint URL for order events"), webhook.order_event_url)
            : h("p", { class: "small muted" }, t("This feature is not enabled for your instance. Reach out to your CSM if you want to enable it.")))),
      h("section", { class: "stack", "aria-labelledby": "dh" },
        h("h3", { id: "dh" }, t("Data values")),
        h("table", { role: "table", class: "table fold" },
          h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, [t("In the preset"), t("Value"), t("What charles does with it")].map((c) => h("th", { role: "columnheader", scope: "col" }, c)))),
          h("tbody", { role: "rowgroup" },
            row(t("Event data"), t("On"), t("Receives the data of the event. Use it to personalise WhatsApp messages.")),
            row(t("Contact data"), code("external_reference_id"), t("Finds the contact first by this ID.")),
            row(t("Contact data"), code("email"), t("Identifies the contact when the ID is new.")),
            row(t("Contact data"), code("phone"), [t("Your mobile phone field, as"), " ", code("+4915…"), " ", t("or"), " ", code("4915…")]),
            row(t("Additional data"), code("event_name"), [t("Chooses the flow. No whitespace:"), " ", code("abandoned_cart"), ", ", t("not"), " ", code("abandoned cart"), "."]))))],
    async next() { await state.keep({ finished: true }); },
  };
}
