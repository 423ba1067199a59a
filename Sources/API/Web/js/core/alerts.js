// The strip of alerts above every page of an instance.
import { alertWords, sorted } from "./alert-words.js";
import { api } from "./api.js";
import { fill, h, icon, link, notice } from "./dom.js";
import { listen } from "./live.js";
import { t } from "./texts.js";

/** Fills the strip with what is raised, and keeps it true while the tab is open. */
export function followAlerts(banner) {
  const key = (alert) => `alert:${alert.kind}:${alert.raised_at}`;
  const hidden = (alert) => { try { return sessionStorage.getItem(key(alert)) !== null; } catch { return false; } };
  const paint = (alerts) => {
    const shown = sorted(alerts.filter((a) => a.state === "raised" && !hidden(a)));
    banner.hidden = shown.length === 0;
    fill(banner, shown.map((alert) => {
      const { level, text, action, href } = alertWords(alert);
      const line = notice(level, text, " ", href && link(action, href));
      line.removeAttribute("role");
      line.append(h("button", {
        type: "button", class: "btn quiet icon sm", "aria-label": t("Hide: {text}", { text }),
        onclick: () => { try { sessionStorage.setItem(key(alert), "1"); } catch { /* storage may be off */ } paint(alerts); },
      }, icon("close")));
      return line;
    }));
  };
  const load = () => api.list("/alerts").then((found) => paint(found.items), () => {});
  load();
  listen(["alerts"], { alert: load }, new AbortController().signal);
}
