// How an import run stands, in words that say what was left out.
import { plain } from "../core/dom.js";
import { number } from "../core/format.js";
import { t } from "../core/texts.js";

/** Icon and words; `counts`, where known, tell why a run is not simply a success. */
export function importState(state, counts) {
  if (state === "succeeded_with_rejections" && counts) {
    const [why, count] = [
      ["rejected", counts.rejected], ["values", counts.rejected_values], ["conflicts", counts.conflicts], ["skipped", counts.skipped],
    ].find(([, n]) => n > 0) ?? [];
    const n = number(count);
    if (why) {
      return plain("warn", {
        rejected: count === 1 ? t("Succeeded, 1 contact rejected") : t("Succeeded, {n} contacts rejected", { n }),
        values: count === 1 ? t("Succeeded, 1 value left out") : t("Succeeded, {n} values left out", { n }),
        conflicts: count === 1 ? t("Succeeded, 1 conflict to decide") : t("Succeeded, {n} conflicts to decide", { n }),
        skipped: count === 1 ? t("Succeeded, 1 contact skipped") : t("Succeeded, {n} contacts skipped", { n }),
      }[why]);
    }
  }
  const [kind, text] = {
    queued: ["off", t("Queued")], running: ["info", t("Running")], waiting: ["info", t("Waiting for Emarsys")],
    succeeded: ["ok", t("Succeeded")], succeeded_with_rejections: ["warn", t("Succeeded with rejections")],
    failed: ["bad", t("Failed")], cancelled: ["off", t("Cancelled")],
  }[state] ?? ["off", state];
  return plain(kind, text);
}

/** A 404 is "not there yet", not a fault. */
export async function optional(promise) {
  try {
    return await promise;
  } catch (fault) {
    if (fault.status === 404) return null;
    throw fault;
  }
}
