// The API's own page, made from the document that this host serves of itself.
import { fill, h } from "./core/dom.js";

const METHODS = ["get", "post", "put", "patch", "delete"];
const root = document.getElementById("root");

/** `string or null`, `array of object`, `one of a, b`. */
function typeOf(schema, of) {
  if (!schema) return "anything";
  if (schema.$ref) return typeOf(schema.$ref.slice(2).split("/").reduce((value, key) => value?.[key], of), of);
  if (schema.anyOf) return [...new Set(schema.anyOf.map((choice) => typeOf(choice, of)))].join(" or ");
  if (schema.enum) return `one of ${schema.enum.map((word) => (word === null ? "null" : word)).join(", ")}`;
  const types = [schema.type ?? "anything"].flat();
  return types.map((type) => {
    if (type === "array") return `array of ${typeOf(schema.items, of)}`;
    return schema.format && type === "string" ? schema.format : type;
  }).join(" or ");
}

function limits(schema) {
  const words = [];
  if (schema.default !== undefined) words.push(`default ${JSON.stringify(schema.default)}`);
  if (schema.minimum !== undefined) words.push(`at least ${schema.minimum}`);
  if (schema.maximum !== undefined) words.push(`at most ${schema.maximum}`);
  if (schema.maxLength !== undefined) words.push(`at most ${schema.maxLength} characters`);
  if (schema.pattern) words.push(schema.pattern);
  return words.join("; ");
}

/** The members of an object, those of objects within it below their names. */
function rows(schema, of, prefix = "", depth = 0) {
  const target = schema?.$ref ? schema.$ref.slice(2).split("/").reduce((value, key) => value?.[key], of) : schema;
  const inner = target?.type === "array" || (Array.isArray(target?.type) && target.type.includes("array")) ? target.items : target;
  if (inner !== target && inner) return rows(inner, of, prefix, depth);
  const required = target?.required ?? [];
  return Object.entries(target?.properties ?? {}).flatMap(([name, member]) => [
    h("tr", {},
      h("td", {}, h("code", {}, prefix + name)),
      h("td", {}, typeOf(member, of), required.includes(name) ? "" : h("span", { class: "muted" }, " · optional")),
      h("td", {}, [member.description, limits(member)].filter(Boolean).join(" "))),
    depth < 3 ? rows(member, of, `${prefix}${name}.`, depth + 1) : [],
  ]);
}

function fields(title, schema, of) {
  const lines = rows(schema, of).flat(Infinity);
  if (!lines.length) return [h("h3", {}, title), h("p", { class: "muted" }, typeOf(schema, of))];
  return [
    h("h3", {}, title),
    h("table", { class: "fields" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Name"), h("th", { scope: "col" }, "Type"), h("th", { scope: "col" }, "Meaning"))),
      h("tbody", {}, lines)),
  ];
}

function answers(operation, of) {
  return Object.entries(operation.responses).filter(([status]) => status !== "default").map(([status, response]) => {
    const [type, media] = Object.entries(response.content ?? {})[0] ?? [];
    const data = media?.schema?.properties?.data?.items;
    const line = h("p", { class: "answer" }, h("b", {}, status), " ", response.description, type ? h("span", { class: "muted" }, ` · ${type}`) : "");
    return Number(status) < 300 && data ? [line, fields("Each element of data", data, of)] : line;
  });
}

function operationView(path, method, operation, item, of) {
  const parameters = [...(item.parameters ?? []), ...(operation.parameters ?? [])]
    .map((one) => (one.$ref ? one.$ref.slice(2).split("/").reduce((value, key) => value?.[key], of) : one));
  const body = operation.requestBody?.content?.["application/json"]?.schema;
  const needs = operation.security?.length === 0 ? "Open: no credential is needed."
    : operation["x-permission"] ? `Needs the permission ${operation["x-permission"]}.` : "Needs a credential.";
  return h("details", { class: "op", id: operation.operationId },
    h("summary", {},
      h("span", { class: `method ${method}` }, method.toUpperCase()),
      h("span", { class: "path" }, path),
      h("span", { class: "what" }, operation.summary)),
    h("div", { class: "op-body" },
      h("p", { class: "needs muted" }, needs, operation["x-feature"] ? ` The feature ${operation["x-feature"]} has to be on.` : ""),
      parameters.length ? [
        h("h3", {}, "Parameters"),
        h("table", { class: "fields" }, h("tbody", {}, parameters.map((one) => h("tr", {},
          h("td", {}, h("code", {}, one.name)), h("td", {}, `${typeOf(one.schema, of)} in ${one.in}`),
          h("td", {}, [one.description, limits(one.schema ?? {})].filter(Boolean).join(" ")))))),
      ] : "",
      body ? fields("Body", body, of) : "",
      h("h3", {}, "Answers"), answers(operation, of)));
}

function open() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
  target?.scrollIntoView();
}

async function start() {
  const answer = await fetch("/api/v0/openapi.json", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`HTTP ${answer.status}`);
  const of = await answer.json();
  const groups = new Map();
  for (const [path, item] of Object.entries(of.paths)) {
    for (const method of METHODS.filter((name) => item[name])) {
      const tag = item[method].tags?.[0] ?? "Other";
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operationView(path, method, item[method], item, of));
    }
  }
  const tags = [...groups.keys()].sort((one, other) => one.localeCompare(other));
  const anchor = (tag) => `group-${tag.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}`;
  fill(root, h("div", { class: "docs" },
    h("nav", { class: "docs-side", "aria-label": "Groups" },
      h("h2", {}, "Groups"),
      h("ul", {}, tags.map((tag) => h("li", {}, h("a", { href: `#${anchor(tag)}` }, tag)))),
      h("a", { href: "/api/v0/openapi.json" }, "OpenAPI document"), h("a", { href: "/" }, "To the pages")),
    h("main", { class: "docs-main", id: "main" },
      h("h1", {}, of.info.title),
      h("p", {}, of.info.description.replaceAll("`", "")),
      tags.map((tag) => h("section", { "aria-labelledby": anchor(tag) }, h("h2", { id: anchor(tag) }, tag), groups.get(tag))))));
  document.title = `${of.info.title} · API`;
  addEventListener("hashchange", open);
  if (location.hash) open();
}

start().catch((error) => {
  fill(root, h("main", { class: "docs-main" }, h("h1", {}, "API"), h("p", { role: "alert" }, `The document could not be read (${error.message}). Please try again.`)));
});
