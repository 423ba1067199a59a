// Numbers, money and times as the reader writes them: the language of the page, the time zone of the instance.
import { language } from "./texts.js";

let zone;
let currency = "EUR";

export function setRegion({ time_zone, default_currency }) {
  zone = time_zone || undefined;
  currency = default_currency || "EUR";
}

export function timeZone() { return zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone; }
export function defaultCurrency() { return currency; }

const locale = () => (language() === "de" ? "de-DE" : "en-GB");

export function number(value) {
  return value === null || value === undefined ? "–" : Number(value).toLocaleString(locale());
}

/** A decimal string with its currency, with as many digits as it has (at most four) and no fewer than the currency has. */
export function money(amount, code = currency, more = {}) {
  if (amount === null || amount === undefined) return "–";
  return Number(amount).toLocaleString(locale(), { style: "currency", currency: code || currency, maximumFractionDigits: 4, ...more });
}

export function percent(share, digits = 1) {
  return Number(share).toLocaleString(locale(), { style: "percent", maximumFractionDigits: digits });
}

const options = (more) => ({ timeZone: zone, ...more });

export function date(iso) {
  return iso ? new Date(iso).toLocaleDateString(locale(), options({ day: "numeric", month: "long", year: "numeric" })) : "–";
}

/** A day of the calendar, as YYYY-MM-DD, without its year. */
export function dayAndMonth(day) {
  return new Date(`${day}T12:00:00Z`).toLocaleDateString(locale(), { timeZone: "UTC", day: "numeric", month: "short" });
}

export function time(iso) {
  return iso ? new Date(iso).toLocaleTimeString(locale(), options({ hour: "2-digit", minute: "2-digit" })) : "–";
}

export function dateTime(iso) {
  return iso ? new Date(iso).toLocaleString(locale(), options({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" })) : "–";
}

/** The day of the instance's time zone, as YYYY-MM-DD. */
export function dayOf(iso) {
  return new Date(iso).toLocaleDateString("sv-SE", options({}));
}

const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

/** "3 hours ago" */
export function ago(iso) {
  if (!iso) return "–";
  const seconds = (new Date(iso) - Date.now()) / 1000;
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto" });
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size || unit === "second") return format.format(Math.round(seconds / size), unit);
  }
}

/** "4 min", "2 h" */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 360) / 10} h`.replace(".", locale() === "de-DE" ? "," : ".");
}

/** "+49 176 04069018": the country code apart, the rest as it is. */
export function phone(value) {
  const found = /^(\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}))(\d{3})(\d+)$/.exec(value ?? "");
  return found ? `${found[1]} ${found[2]} ${found[3]}` : value ?? "–";
}

export function name(contact, fallback) {
  return [contact.first_name, contact.last_name].filter(Boolean).join(" ") || contact.email || phone(contact.phone) || fallback;
}
