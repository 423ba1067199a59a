// Settings > Integrations > Marketplace: Emarsys to connect, and the connected app with its health.
import { api } from "../core/api.js";
import { badge, button, copyButton, empty, h, icon, link, notice, toast } from "../core/dom.js";
import { confirm, problemNotice } from "../core/dialog.js";
import { ago, date, dateTime } from "../core/format.js";
import { navigate, reload } from "../core/router.js";
import { pageHead } from "../core/shell.js";
import { said, t } from "../core/texts.js";
import { PERMISSIONS } from "../connect/permissions.js";
import { importState, optional } from "./import-state.js";

export async function marketplace({ session, signal, search }) {
  const enabled = session.features?.emarsys;
  const connection = enabled ? await optional(api.one("/integrations/emarsys/connection", { signal })) : null;
  const connected = connection && connection.status !== "disconnected";
  const open = async (step) => {
    const { openConnect } = await import("../connect/pop-up.js");
    openConnect({ session, connection, step, finished: reload });
  };
  if (search.connect && enabled) queueMicrotask(() => open(Number(search.connect) || undefined));

  const points = [
    ["import", t("Contact import"), t("Once at the start, then every 12 hours. Up to 500,000 contacts a segment.")],
    ["shield", t("Opt-in export"), t("Every time someone grants or withdraws an opt-in on charles.")],
    ["flow", t("Flows from custom events"), t("A webhook node in your program triggers the charles flow.")],
    ["order", t("Order events"), session.features?.order_events ? t("Enabled for this instance.") : t("For selected customers. Ask your CSM to enable them.")],
  ];
  return [
    pageHead(t("Marketplace"), {
      lead: t("Connect the tools you already work with. Contacts, opt-ins and events then move between them on their own."),
      crumbs: [[t("Settings"), "/settings/instance"], [t("Integrations"), "/settings/integrations"]],
    }),
    h("div", { class: "cols aside" },
      h("div", { class: "stack-lg" },
        h("section", { "aria-labelledby": "avail" },
          h("div", { class: "section-head" }, h("h2", { id: "avail" }, t("Available apps")), h("span", { class: "small muted" }, t("1 app"))),
          h("article", { class: "card stack" },
            h("div", { class: "row top" }, h("span", { class: "tile" }, icon("mail")),
              h("div", { class: "grow" },
                h("div", { class: "row" }, h("h3", {}, "Emarsys"), " ",
                  enabled ? badge("ok", t("Enabled for this instance")) : badge("off", t("Not enabled"), "lock")),
                h("p", { class: "muted" }, t("Import segments into charles, send opt-ins back, and start flows from your Emarsys automation programs."))),
              enabled && !connected && button(t("Connect"), { class: "primary", onclick: () => open() }, "plug")),
            !enabled && notice("", t("During the beta stage, the Emarsys integration is enabled per customer. Ask your CSM to enable it.")),
            h("div", { class: "cols two small" }, points.map(([symbol, title, text]) =>
              h("div", { class: "row top" }, icon(symbol), h("p", { class: "grow" }, h("strong", {}, title), h("br"), h("span", { class: "muted" }, text))))))),
        h("section", { "aria-labelledby": "conn" },
          h("div", { class: "section-head" }, h("h2", { id: "conn" }, t("Connected apps"))),
          connected ? await connectedApp({ connection, signal, open })
            : empty("plug", t("Nothing connected yet"), t("Once the connection is successful, you find Emarsys here, with its last import and its health.")))),
      before(enabled)),
  ];
}

async function connectedApp({ connection, signal, open }) {
  const [imports, exports_, segments, saved, optIn] = await Promise.all([
    api.list("/imports?limit=1", { signal }).catch(() => ({ items: [] })),
    api.list("/opt_ins/exports?state=queued&limit=1", { signal }).catch(() => ({ items: [] })),
    api.list("/integrations/emarsys/segments/selected", { signal }).catch(() => ({ items: [] })),
    api.one("/integrations/emarsys/draft", { signal }).catch(() => null), api.one("/integrations/emarsys/opt_in", { signal }).catch(() => null),
  ]);
  const next = segments.items.map((s) => s.next_import_at).filter(Boolean).sort()[0];
  const unfinished = !saved?.draft?.finished && segments.items.length === 0;
  const step = Math.max(3, saved?.step ?? 3);
  const last = imports.items[0];
  const health = connection.paused ? badge("off", t("Paused")) : connection.status === "failing" ? badge("bad", t("Failing")) : badge("ok", t("Connected"));
  return h("article", { class: "card stack" },
    h("div", { class: "row top" }, h("span", { class: "tile" }, icon("mail")),
      h("div", { class: "grow" }, h("div", { class: "row" }, h("h3", {}, connection.name || "Emarsys"), " ", health),
        h("p", { class: "muted" }, connection.auth === "wsse" ? t("API user (WSSE)") : "OAuth 2.0"))),
    connection.last_error && connection.status === "failing" && notice("bad", h("strong", {}, said(connection.last_error.code, connection.last_error.detail)), " ", said(`${connection.last_error.code}.advice`, connection.last_error.advice)),
    connection.sunset && notice("warn", h("strong", {}, t("Emarsys ends WSSE on {date}.", { date: date(connection.sunset) })), " ",
      t("The connection works until then. Choose OAuth 2.0 if your account has it.")),
    unfinished && notice("info", t("The setup is not finished: no segment is selected yet."), " ", button(t("Go on with step {n}", { n: step }), { class: "quiet sm", onclick: () => open(step) })),
    h("dl", { class: "facts" },
      h("dt", {}, t("Segments")), h("dd", {}, segments.items.length ? segments.items.map((s) => s.name ?? s.segment_id).join(", ") : t("None selected")),
      h("dt", {}, t("Next import")), h("dd", { class: "num" }, next ? dateTime(next) : "–"),
      h("dt", {}, t("Opt-in field")), h("dd", {}, optIn ? fieldName(optIn.field_id, signal) : t("None chosen")),
      h("dt", {}, t("Last import")), h("dd", {}, last ? [link(dateTime(last.finished_at ?? last.started_at), `/imports/${last.id}`), " ", importState(last.state, last.counts)] : t("None yet")),
      h("dt", {}, t("Waiting opt-ins")), h("dd", { class: "num" }, exports_.items.length ? t("Yes, the latest {time}", { time: ago(exports_.items[0].created_at) }) : t("None"))),
    h("p", { class: "row" },
      button(t("Edit"), { class: "sm", onclick: () => open(1) }, "gear"),
      button(t("Sync now"), {
        class: "sm", onclick: async (event) => {
          const self = event.currentTarget;
          self.disabled = true;
          try {
            const run = (await api.post("/imports", { mode: "incremental" })).data[0];
            navigate(`/imports/${run.id}`);
          } catch (fault) {
            self.disabled = false;
            self.closest("article").append(problemNotice(fault));
          }
        },
      }, "run"),
      button(connection.paused ? t("Resume") : t("Pause"), {
        class: "sm", onclick: () => confirm(connection.paused
          ? { title: t("Resume the Emarsys integration?"), text: t("Webhooks held meanwhile are processed in order; imports, exports and deliveries go on."), action: t("Resume the integration"), danger: false,
              act: () => api.post("/integrations/emarsys/resume") }
          : { title: t("Pause the Emarsys integration?"), text: t("Nothing is lost: webhooks are kept until you resume."), action: t("Pause the integration"), danger: false,
              consequences: [t("Imports, opt-in exports and deliveries wait."), t("Webhooks are accepted and held.")],
              act: () => api.post("/integrations/emarsys/pause") }).then((done) => done && reload()),
      }, "pause"),
      h("span", { class: "push" }),
      button(t("Disconnect"), {
        class: "sm danger", onclick: () => confirm({
          title: t("Disconnect Emarsys?"), text: t("charles stops talking to Emarsys at once."), action: t("Disconnect Emarsys"),
          consequences: [t("The stored credentials are erased."), t("Imports and opt-in exports stop."), t("Webhooks from Emarsys are still received."), t("Contacts, opt-ins and orders stay.")],
          act: () => api.delete("/integrations/emarsys/connection"),
        }).then((done) => { if (done) { toast(t("Emarsys is disconnected.")); reload(); } }),
      })));
}

function before(enabled) {
  return h("aside", { class: "card stack", "aria-labelledby": "pre" },
    h("h2", { id: "pre" }, t("Before you connect")),
    h("ol", { class: "stages" },
      h("li", { class: enabled ? "ok" : null }, icon(enabled ? "ok" : "lock"), h("p", {}, h("strong", {}, t("Emarsys integration enabled")), h("br"),
        h("span", { class: "muted" }, enabled ? t("Your CSM enabled it.") : t("Ask your CSM to enable it.")))),
      h("li", {}, icon("user"), h("p", {}, h("strong", {}, t("Emarsys account")), h("br"), h("span", { class: "muted" }, t("You need an Emarsys Administrator account.")))),
      h("li", {}, icon("key"), h("p", {}, h("strong", {}, t("Emarsys API user")), h("br"),
        h("span", { class: "muted" }, t("The Account Owner creates it in Security Settings > API Users, with 18 permissions."))))),
    h("p", {}, copyButton(PERMISSIONS.join(" "), t("Copy the 18 permissions"))),
    h("details", {}, h("summary", {}, t("The 18 permissions")), h("ul", { class: "list" }, PERMISSIONS.map((p) => h("li", {}, h("code", {}, p))))));
}

/** The field's name once Emarsys has told it; its number until then. */
function fieldName(id, signal) {
  const box = h("span", {}, t("Field {id}", { id }));
  api.list("/integrations/emarsys/fields", { signal }).then(({ items }) => { const found = items.find((f) => String(f.id) === String(id)); if (found?.name) box.textContent = found.name; }, () => {});
  return box;
}
