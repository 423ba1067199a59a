// Pop-ups: the modal frame, and the one question before something is destroyed.
import { append, button, fill, h, icon, notice } from "./dom.js";
import { Problem } from "./api.js";
import { problemText, t } from "./texts.js";

/**
 * Opens a modal pop-up. Returns {dialog, body, foot, close}; `onclose` runs once however it closes, `onleave` instead of it when
 * the page below is left.
 */
export function openDialog(title, { className = "dialog", closeLabel, head = [], onclose = () => {}, onleave = () => {} } = {}) {
  const heading = h("h2", { id: "dialog-title", tabindex: "-1" }, title);
  const body = h("div", { class: "body stack-lg" });
  const foot = h("footer", {});
  const dialog = h("dialog", { class: className, "aria-labelledby": "dialog-title" },
    h("header", { class: "stack" },
      h("div", { class: "row between" }, heading,
        h("button", { type: "button", class: "btn quiet icon", "aria-label": closeLabel ?? t("Close"), onclick: () => dialog.close() }, icon("close"))),
      head),
    body, foot);
  dialog.addEventListener("close", () => { dialog.remove(); onclose(); });
  dialog.addEventListener("leave", () => { dialog.remove(); onleave(); });
  document.body.append(dialog);
  dialog.showModal();
  heading.focus();
  return { dialog, body, foot, heading, close: () => dialog.close() };
}

/** Says what an act will do and asks once. `act` runs on the confirming button; its problem is shown in the pop-up. */
export function confirm({ title, text, consequences = [], action, act, danger = true }) {
  return new Promise((resolve) => {
    let done = false;
    const { body, foot, close } = openDialog(title, { className: "dialog confirm", onclose: () => resolve(done), onleave: () => resolve(false) });
    const problem = h("div", {});
    append(body, [h("p", {}, text),
      consequences.length > 0 && h("ul", { class: "stages" }, consequences.map((c) => h("li", {}, icon("info"), h("p", {}, c)))), problem]);
    const go = button(action, {
      class: danger ? "danger primary" : "primary", onclick: async () => {
        go.disabled = true;
        try {
          await act();
          done = true;
          close();
        } catch (fault) {
          go.disabled = false;
          fill(problem, problemNotice(fault));
        }
      },
    });
    append(foot, [button(t("Cancel"), { onclick: close }), h("span", { class: "push" }), go]);
  });
}

/** A problem as the pages show it: what is wrong, and the request's id for support. */
export function problemNotice(fault) {
  if (!(fault instanceof Problem)) throw fault;
  return notice("bad", problemText(fault), fault.requestId && h("span", { class: "xs muted" }, ` ${t("Request")} `, h("code", {}, fault.requestId)));
}
