// Schemas as a reader wants them: one row per property, nested ones to unfold.
import { fold, h } from "./element.js";
import { exampleText, typesOf } from "./example.js";
import { markdown } from "./markdown.js";

const ENUM_SHOWN = 20;

// "array of Track", "string (uuid) or null": a schema in a few words, with a link where it has a name.
export function typeName(document, schema, depth = 0) {
  if (typeof schema !== "object" || schema === null) return ["any"];
  const name = referenceName(schema);
  if (name) return [h("a", { href: `#/schema/${encodeURIComponent(name)}` }, name)];
  const variants = schema.oneOf ?? schema.anyOf;
  if (variants && depth < 3) return joined(variants.map((one) => typeName(document, one, depth + 1)), " or ");
  if (schema.allOf?.length === 1 && depth < 3) return typeName(document, schema.allOf[0], depth + 1);
  const types = typesOf(schema);
  if (!types.length) return [schema.allOf ? "object" : schema.enum ? "enum" : "any"];
  return joined(types.map((type) => oneType(document, schema, type, depth)), " or ");
}

function referenceName(schema) {
  const match = /^#\/components\/schemas\/([^/]+)$/.exec(schema.$ref ?? "");
  return match && decodeURIComponent(match[1]).replace(/~1/g, "/").replace(/~0/g, "~");
}

function oneType(document, schema, type, depth) {
  if (type === "array") return ["array of ", ...typeName(document, schema.items ?? {}, depth + 1)];
  return [schema.format && type !== "null" ? `${type} (${schema.format})` : type];
}

function joined(parts, separator) {
  return parts.flatMap((part, index) => (index ? [separator, ...part] : part));
}

// What a value must keep to, in words.
export function constraints(schema) {
  const found = [];
  const say = (key, text) => schema[key] !== undefined && found.push(text(schema[key]));
  say("minimum", (value) => `at least ${value}`);
  say("exclusiveMinimum", (value) => `more than ${value}`);
  say("maximum", (value) => `at most ${value}`);
  say("exclusiveMaximum", (value) => `less than ${value}`);
  say("multipleOf", (value) => `a multiple of ${value}`);
  say("minLength", (value) => `at least ${counted(value, "character")}`);
  say("maxLength", (value) => `at most ${counted(value, "character")}`);
  say("minItems", (value) => `at least ${counted(value, "item")}`);
  say("maxItems", (value) => `at most ${counted(value, "item")}`);
  say("uniqueItems", (value) => value && "no item twice");
  say("minProperties", (value) => `properties: at least ${value}`);
  say("maxProperties", (value) => `properties: at most ${value}`);
  const words = found.filter(Boolean).join(", ");
  const pattern = schema.pattern && ["pattern ", h("code", null, schema.pattern)];
  const fallback = schema.default !== undefined && ["default ", h("code", null, JSON.stringify(schema.default))];
  const parts = [words && [words], pattern, fallback].filter(Boolean);
  return parts.length ? h("p.constraints", null, joined(parts, " · ")) : null;
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

export function choices(document, schema) {
  const inner = typesOf(schema).includes("array") ? document.resolve(schema.items ?? {}) : schema;
  if (inner.const !== undefined) return h("p.choices", null, "Always ", h("code", null, JSON.stringify(inner.const)));
  if (!inner.enum?.length) return null;
  const shown = inner.enum.slice(0, ENUM_SHOWN).map((value) => h("code", null, exampleText(value)));
  const more = inner.enum.length - shown.length;
  return h("p.choices", null, "One of ", joined(shown.map((one) => [one]), " "), more > 0 && ` and ${more} more`);
}

// One property or parameter: its name, type, marks, description, constraints, and what is inside of it.
export function row(document, { name, schema, required, description, deprecated, where, children = true }) {
  const resolved = document.resolve(schema ?? {});
  const text = description ?? resolved.description;
  return h(
    "div.row",
    null,
    h(
      "div.row-head",
      null,
      h("code.row-name", null, name),
      h("span.row-type", null, typeName(document, schema ?? {})),
      where && h("span.mark", null, where),
      required && h("span.mark.required", null, "required"),
      resolved.readOnly && h("span.mark", null, "read-only"),
      resolved.writeOnly && h("span.mark", null, "write-only"),
      (deprecated || resolved.deprecated) && h("span.mark.deprecated", null, "deprecated"),
    ),
    text && markdown(text),
    choices(document, resolved),
    constraints(resolved),
    children && nested(document, schema),
  );
}

// What an object, or a list of objects, or a choice of them has inside.
function nested(document, schema) {
  const inner = content(document, schema);
  if (!hasRows(document, inner)) return null;
  const label = inner.oneOf || inner.anyOf ? "Show the variants" : "Show the properties";
  return fold("nested", label, () => schemaRows(document, inner));
}

function content(document, schema) {
  const resolved = document.resolve(schema ?? {});
  if (typesOf(resolved).includes("array") && resolved.items) return content(document, resolved.items);
  const variants = variantsOf(document, resolved);
  return variants.length === 1 ? content(document, variants[0]) : resolved;
}

function variantsOf(document, schema) {
  return (schema.oneOf ?? schema.anyOf ?? []).filter((one) => document.resolve(one).type !== "null");
}

function hasRows(document, schema) {
  const { properties } = merged(document, schema);
  const additional = typeof schema.additionalProperties === "object" && !isEmpty(schema.additionalProperties);
  const variants = variantsOf(document, schema).map((one) => content(document, one));
  return Object.keys(properties).length > 0 || additional || variants.some((one) => hasOwnRows(document, one));
}

function hasOwnRows(document, schema) {
  return Object.keys(merged(document, schema).properties).length > 0;
}

function isEmpty(value) {
  return Object.keys(value).length === 0;
}

// The properties of a schema and of all that it is composed of.
function merged(document, schema, depth = 0) {
  const properties = { ...schema.properties };
  const required = new Set(schema.required ?? []);
  for (const part of depth < 8 ? (schema.allOf ?? []) : []) {
    const inner = merged(document, document.resolve(part), depth + 1);
    for (const [name, property] of Object.entries(inner.properties)) properties[name] ??= property;
    inner.required.forEach((name) => required.add(name));
  }
  return { properties, required };
}

export function schemaRows(document, schema) {
  const inner = content(document, schema);
  const { properties, required } = merged(document, inner);
  const rows = Object.entries(properties).map(([name, property]) =>
    row(document, { name, schema: property, required: required.has(name) }),
  );
  if (typeof inner.additionalProperties === "object") {
    rows.push(row(document, { name: "[any name]", schema: inner.additionalProperties }));
  }
  const variants = variantsOf(document, inner);
  return h("div.rows", null, rows, variants.length > 1 && variantFolds(document, variants));
}

function variantFolds(document, variants) {
  return [
    h("p.variants", null, "One of these:"),
    variants.map((variant, index) => {
      const resolved = document.resolve(variant);
      const title = resolved.title ? [resolved.title] : typeName(document, variant);
      if (!hasRows(document, content(document, variant))) return h("div.variant", null, `${index + 1}. `, title, choices(document, resolved));
      return fold("nested", [`${index + 1}. `, title], () => schemaRows(document, variant));
    }),
  ];
}

// A schema in full: description, then rows, or its type when it has none.
export function schemaView(document, schema) {
  const resolved = document.resolve(schema);
  const rows = hasRows(document, content(document, schema));
  return [
    h("p.schema-type", null, typeName(document, schema)),
    resolved.description && markdown(resolved.description),
    choices(document, resolved),
    constraints(resolved),
    rows && schemaRows(document, schema),
  ];
}

