// The Connect pop-up: five steps, left and resumed at any of them. What was typed is kept by the service, secrets are not.
import { api } from "../core/api.js";
import { append, button, fill, h, icon, skeleton } from "../core/dom.js";
import { openDialog, problemNotice } from "../core/dialog.js";
import { remember } from "../core/router.js";
import { t } from "../core/texts.js";
import { optional } from "../pages/import-state.js";
import { connectionStep } from "./connection.js";
import { importStep } from "./contact-import.js";
import { nameStep } from "./name.js";
import { segmentStep } from "./segments.js";
import { webhookStep } from "./webhook.js";

const STEPS = [
  { title: () => t("Name"), show: nameStep },
  { title: () => t("Connection"), show: connectionStep },
  { title: () => t("Contact import"), show: importStep },
  { title: () => t("Segments"), show: segmentStep },
  { title: () => t("Webhook secret"), show: webhookStep },
];

export async function openConnect({ session, connection, step, finished }) {
  const abort = new AbortController();
  const stepper = h("ol", { class: "stepper" });
  const { dialog, body, foot, heading, close } = openDialog(t("Connect Emarsys"), {
    closeLabel: t("Close, your entries are kept"), head: [stepper],
    onclose: () => { abort.abort(); remember({ connect: null }); finished(); }, onleave: () => abort.abort(),
  });
  fill(body, skeleton(5));
  let saved = {};
  try {
    saved = await optional(api.one("/integrations/emarsys/draft", { signal: abort.signal })) ?? {};
  } catch (fault) {
    if (fault.name !== "AbortError") fill(body, problemNotice(fault));
    return;
  }
  /** Everything typed so far, shared by the steps. */
  const state = {
    session, connection, draft: saved.draft ?? {}, signal: abort.signal,
    step: 1, reached: connection && connection.status !== "disconnected" ? 5 : saved.step ?? 1,
    async keep(values = {}) {
      Object.assign(this.draft, values);
      await api.put("/integrations/emarsys/draft", { step: this.step, draft: this.draft }).catch(() => {});
    },
  };

  const go = async (number) => {
    state.reached = Math.max(state.reached, number);
    if (number > 1 || state.step > 1) { state.step = number; state.keep(); }
    remember({ connect: String(number) });
    fill(stepper, STEPS.map((s, i) => {
      const here = i + 1 === number;
      const done = i + 1 < state.reached && !here;
      return h("li", { class: done ? "done" : null, "aria-current": here ? "step" : null },
        h("span", {}, done && h("span", { class: "vh" }, t("Done: ")), done && icon("check"), done ? ` ${s.title()}` : `${i + 1} ${s.title()}`));
    }));
    stepper.setAttribute("aria-label", t("Step {n} of 5", { n: number }));
    fill(body, skeleton(5));
    fill(foot);
    try {
      const shown = await STEPS[number - 1].show(state);
      if (!dialog.isConnected) return;
      fill(body, shown.content);
      const problem = h("div", {});
      body.append(problem);
      const next = button(shown.nextLabel ?? t("Next"), {
        class: "primary", onclick: async () => {
          if (next.getAttribute("aria-disabled") === "true") return;
          fill(problem);
          next.disabled = true;
          try {
            if ((await shown.next()) === false) { next.disabled = false; return; }
            if (number === 5) close();
            else await go(number + 1);
          } catch (fault) {
            next.disabled = false;
            fill(problem, problemNotice(fault));
            problem.scrollIntoView({ block: "nearest" });
          }
        },
      });
      const hint = h("span", { class: "hint" });
      shown.gate?.((reason) => {
        if (reason) next.setAttribute("aria-disabled", "true");
        else next.removeAttribute("aria-disabled");
        fill(hint, reason ?? shown.hint);
      });
      fill(hint, hint.textContent || shown.hint);
      append(foot, [number > 1 && button(t("Back"), { onclick: () => go(number - 1) }), h("span", { class: "push" }), hint, shown.extra, next]);
      body.scrollTop = 0;
      (shown.focus ?? heading).focus();
    } catch (fault) {
      if (fault.name === "AbortError") return;
      fill(body, problemNotice(fault));
      append(foot, [number > 1 && button(t("Back"), { onclick: () => go(number - 1) }), h("span", { class: "push" }), button(t("Try again"), { onclick: () => go(number) }, "run")]);
    }
  };
  await go(Math.min(step ?? saved.step ?? 1, 5));
}
