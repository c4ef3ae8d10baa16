// The list at the side: a filter, the resources with their operations, the schemas.
import { h, replace } from "./element.js";

const FOUND_MAX = 60;

export function operationLink(operation) {
  return `#/operation/${encodeURIComponent(operation.id)}`;
}

export function tagLink(tag) {
  return `#/tag/${encodeURIComponent(tag.name)}`;
}

export function schemaLink(name) {
  return `#/schema/${encodeURIComponent(name)}`;
}

export function methodMark(operation) {
  const word = operation.webhook ? "event" : operation.method;
  return h(`span.method.method-${word}`, null, word.toUpperCase());
}

export function navigation(document, { title, openapi, graphql }) {
  const list = h("div.nav-list");
  const filter = h("input.filter", {
    type: "search",
    placeholder: "Find an operation ( / )",
    "aria-label": "Find an operation or a schema",
    oninput: () => show(document, list, filter.value.trim()),
  });
  show(document, list, "");
  window.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.closest("input, textarea, select")) return;
    event.preventDefault();
    filter.focus();
  });
  const element = h(
    "nav.side",
    { "aria-label": "API reference" },
    h("a.brand", { href: "#/" }, title),
    filter,
    list,
    h("div.nav-foot", null, h("a", { href: openapi, download: "openapi.json" }, "OpenAPI"), h("a", { href: graphql }, "GraphiQL")),
  );
  element.addEventListener("click", (event) => {
    if (event.target.closest("a")) element.classList.remove("open");
  });
  return element;
}

function show(document, list, text) {
  if (text) replace(list, found(document, text.toLowerCase()));
  else replace(list, h("a.nav-item", { href: "#/" }, "Overview"), tags(document), schemas(document));
  mark(list);
}

function tags(document) {
  return document.tags.map((tag) =>
    h(
      "details.nav-group",
      { "data-tag": tag.name },
      h("summary", null, h("a", { href: tagLink(tag) }, tag.name)),
      tag.operations.map(item),
    ),
  );
}

function schemas(document) {
  const names = Object.keys(document.schemas);
  if (!names.length) return null;
  const links = names.map((name) => h("a.nav-item", { href: schemaLink(name) }, name));
  return h("details.nav-group", { "data-tag": " schemas" }, h("summary", null, "Schemas"), links);
}

function item(operation) {
  return h(
    "a.nav-item",
    { href: operationLink(operation), title: `${operation.method.toUpperCase()} ${operation.path}`, class: operation.deprecated ? "nav-item gone" : "nav-item" },
    h("span.nav-title", null, operation.title),
    methodMark(operation),
  );
}

function found(document, text) {
  const words = text.split(/\s+/);
  const holds = (...fields) => words.every((word) => fields.some((field) => field.toLowerCase().includes(word)));
  const operations = document.operations.filter(({ title, path, method, id, tag }) => holds(title, path, method, id, tag));
  const names = Object.keys(document.schemas).filter((name) => holds(name));
  if (!operations.length && !names.length) return h("p.nav-none", { role: "status" }, "Nothing found.");
  const more = operations.length + names.length > 2 * FOUND_MAX;
  return [
    operations.slice(0, FOUND_MAX).map(item),
    names.slice(0, FOUND_MAX).map((name) => h("a.nav-item", { href: schemaLink(name) }, h("span.nav-title", null, name), h("span.method", null, "SCHEMA"))),
    more && h("p.nav-none", null, "More found: type more letters."),
  ];
}

// Shows where the reader is.
export function mark(list, tagName) {
  const here = window.location.hash || "#/";
  for (const link of list.querySelectorAll("a")) {
    if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (tagName === undefined) return;
  for (const group of list.querySelectorAll("details")) {
    if (group.dataset.tag === tagName) group.open = true;
  }
  list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
}
