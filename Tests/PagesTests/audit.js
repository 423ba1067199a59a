// Runs in the page; answers what is wrong with it. See PageAudit.swift.
const problems = [];
const shown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !e.closest('.vh');
const tops = [...document.querySelectorAll('dialog[open]')];
const root = tops.at(-1) ?? document.body;
const where = (e) => { const c = (e.className?.baseVal ?? e.className ?? ''); return `${e.localName}${e.id ? '#' + e.id : ''}${c ? '.' + String(c).split(' ')[0] : ''} “${(e.textContent ?? '').trim().slice(0, 30)}”`; };
const nameOf = (e) => {
  const by = (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
  return (by || e.getAttribute('aria-label') || [...(e.labels ?? [])].map((l) => l.textContent).join(' ').trim() || e.textContent.trim() || e.getAttribute('title') || '').trim();
};
for (const e of root.querySelectorAll('button, a[href], input, select, textarea, summary, progress, [role=button], [role=combobox], [role=listbox]')) {
  if (!shown(e) && !e.matches('.vh, .vh *')) continue;
  const name = e.matches('input, select, textarea, progress') ? (e.getAttribute('aria-label') || [...(e.labels ?? [])].map((l) => l.textContent).join('').trim()) : nameOf(e);
  if (!name) problems.push(`no name: ${where(e)}`);
}
for (const e of root.querySelectorAll('svg, img')) {
  if (!shown(e)) continue;
  if (e.localName === 'img' ? e.alt === null : e.getAttribute('aria-hidden') !== 'true' && !(e.getAttribute('role') === 'img' && e.getAttribute('aria-label'))) problems.push(`image without name: ${where(e.parentElement)}`);
}
const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) problems.push(`duplicate id: ${id}`);
for (const e of root.querySelectorAll('[aria-labelledby], [aria-describedby], [aria-controls]')) {
  for (const a of ['aria-labelledby', 'aria-describedby', 'aria-controls']) for (const id of (e.getAttribute(a) ?? '').split(' ').filter(Boolean)) if (!document.getElementById(id)) problems.push(`${a} names nothing: ${id}`);
}
let level = tops.length ? 1 : 0;
const headings = [...(tops.length ? root : document.querySelector('main') ?? document.body).querySelectorAll('h1, h2, h3, h4')].filter((e) => e.checkVisibility());
for (const e of headings) { const n = Number(e.localName[1]); if (n > level + 1) problems.push(`heading jumps from ${level} to ${n}: ${where(e)}`); level = n; }
if (!tops.length && headings.filter((e) => e.localName === 'h1').length !== 1) problems.push('not one h1');
if (!document.title) problems.push('no title');
if (!document.documentElement.lang) problems.push('no language');
for (const e of document.querySelectorAll('[tabindex]')) if (e.tabIndex > 0) problems.push(`tabindex: ${where(e)}`);
for (const e of document.querySelectorAll('[style]')) if (!e.matches('.menu')) problems.push(`style attribute: ${where(e)}`);
for (const e of root.querySelectorAll("table")) {
  const holder = e.closest(".card, .dialog");
  if (holder && shown(e) && e.getBoundingClientRect().right > holder.getBoundingClientRect().right + 1) problems.push(`cut off: ${where(e)}`);
}
// Contrast of every text, on what is painted below it.
const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
const rgba = (color) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1); const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return [r, g, b, a / 255]; };
const cache = new Map();
const paint = (color) => { if (!cache.has(color)) cache.set(color, rgba(color)); return cache.get(color); };
const over = (top, below) => { const a = top[3]; return [0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a)).concat(1); };
const ground = (e) => { if (!e) return paint(getComputedStyle(document.documentElement).backgroundColor)[3] ? paint(getComputedStyle(document.documentElement).backgroundColor) : paint('Canvas'); const color = paint(getComputedStyle(e).backgroundColor); return color[3] >= 0.999 ? color : over(color, ground(e.parentElement)); };
const light = ([r, g, b]) => { const [x, y, z] = [r, g, b].map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * x + 0.7152 * y + 0.0722 * z; };
const ratio = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
const seen = new Set();
while (walker.nextNode()) {
  const e = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || seen.has(e) || !shown(e) || e.closest('script, noscript, option, :disabled, [aria-disabled=true], svg, datalist')) continue;
  seen.add(e);
  const style = getComputedStyle(e);
  const size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  const below = ground(e);
  const found = ratio(over(paint(style.color), below), below);
  if (found < (large ? 3 : 4.5)) problems.push(`contrast ${found.toFixed(2)}: ${where(e)}`);
}
// Focus can be seen, and small targets are big enough.
const before = document.activeElement;
// The first of a long list stand for the others.
for (const e of [...root.querySelectorAll('button, a[href], input, select, textarea, summary')].slice(0, 60)) {
  if (!shown(e) || e.disabled) continue;
  const rest = getComputedStyle(e).boxShadow;
  e.focus({ preventScroll: true, focusVisible: true });
  const style = getComputedStyle(e);
  const holder = e.closest('label.choice, .search') ? getComputedStyle(e.closest('label.choice, .search')) : style;
  if (document.activeElement === e && style.outlineStyle === 'none' && style.boxShadow === rest && holder.outlineStyle === 'none') problems.push(`focus not visible: ${where(e)}`);
  const box = e.getBoundingClientRect();
  if (e.matches('button, select, input:not([type=checkbox], [type=radio])') && (box.width < 24 || box.height < 24)) problems.push(`target ${Math.round(box.width)} × ${Math.round(box.height)}: ${where(e)}`);
}
before?.focus?.({ preventScroll: true });
return problems;
