// Tables as files.
import { h } from "./dom.js";

/** RFC 4180; a cell that a spreadsheet would take for a formula gets an apostrophe. */
export function saveCsv(rows, file) {
  const cell = (value) => { const text = String(value ?? ""); const safe = /^[=+\-@\t]/.test(text) && !/^[+-]?\d[\d.,]*$/.test(text) ? `'${text}` : text; return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe; };
  const blob = new Blob(["\ufeff", rows.map((r) => r.map(cell).join(",")).join("\r\n"), "\r\n"], { type: "text/csv;charset=utf-8" });
  const anchor = h("a", { href: URL.createObjectURL(blob), download: file });
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(anchor.href), 1000);
}
