// Runs in a page that is shown in German; answers the texts of it that are English. See PageAudit.swift.
const list = (path) => fetch(`/api/v0${path}`).then((r) => r.json()).then((answer) => answer.data ?? [], () => []);
return Promise.all([import('/assets/js/core/german.js'), list('/integrations/emarsys/fields'), list('/integrations/emarsys/segments')]).then(([{ german }, fields, segments]) => {
  // What somebody called something, in Emarsys or here, is nobody's to translate.
  const names = ['test', ...segments.map((s) => s.name), ...fields.flatMap((f) => [f.name, ...(f.choices ?? []).map((c) => c.label)])].filter(Boolean).sort((a, b) => b.length - a.length);
  const escaped = (text) => text.replace(/[.*+?^$()|[\]\\]/g, '\\$&');
  const whole = Object.entries(german).filter(([english, words]) => english !== words);
  const exact = new Set(whole.map(([english]) => english).filter((english) => !Object.values(german).includes(english)));
  const patterns = whole.map(([english]) => english).filter((english) => english.includes('{') && english.replace(/\{[a-z]+\}|[^A-Za-z]/g, '').length >= 8)
    .map((english) => new RegExp(`^${escaped(english).replace(/\{[a-z]+\}/g, '.+')}$`));
  const common = /(?:^|[\s(])(the|and|of|is|are|with|your|this|that|from|were|have|has|been|to|no|it)(?=[\s).,:;]|$)/i;
  const found = [];
  const look = (text, where) => {
    let plain = text.trim().replace(/\s+/g, ' ');
    for (const name of names) if (plain.includes(name)) plain = plain.replaceAll(name, '').trim();
    if (!plain) return;
    if (exact.has(plain) || patterns.some((p) => p.test(plain))) found.push(`${where}: ${plain}`);
    // What Emarsys itself calls so stands in quotation marks.
    else if (common.test(plain.replace(/[„“"].*?[“”"]/g, ''))) found.push(`${where}: ${plain}`);
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const parent = walker.currentNode.parentElement;
    if (!parent.closest('script, noscript, code, pre, textarea, [lang=en]')) look(walker.currentNode.data, parent.localName);
  }
  for (const e of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
    if (e.closest('[lang=en]')) continue;
    for (const name of ['aria-label', 'title', 'placeholder']) if (e.hasAttribute(name)) look(e.getAttribute(name), `${e.localName} ${name}`);
  }
  look(document.title, 'title');
  return [...new Set(found)];
});
