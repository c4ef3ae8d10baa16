// Values to show: the document's own examples first, else one made from the schema.

const DEPTH_MAX = 5;

const BY_FORMAT = {
  "date-time": "2026-01-31T12:00:00Z",
  date: "2026-01-31",
  time: "12:00:00",
  uuid: "0190a5c2-7d1e-7c3a-9f00-3b1a5e6d7c8f",
  email: "ada@example.com",
  uri: "https://example.com/",
  url: "https://example.com/",
  decimal: "9.99",
  int64: "9007199254740993",
  byte: "TGF1bmNo",
};

// All examples of a media type, by name.
export function mediaExamples(document, media, direction) {
  if (media?.example !== undefined) return [["Example", media.example]];
  const named = Object.entries(media?.examples ?? {})
    .map(([name, example]) => [name, document.resolve(example)])
    .filter(([, example]) => example.value !== undefined);
  if (named.length) return named.map(([name, example]) => [example.summary ?? name, example.value]);
  return media?.schema === undefined ? [] : [["Example", schemaExample(document, media.schema, direction)]];
}

// `direction` is "request" or "response": what is read-only or write-only stays out of the other.
export function schemaExample(document, schema, direction, depth = 0) {
  if (typeof schema !== "object" || schema === null) return null;
  const resolved = document.resolve(schema);
  const given = givenExample(resolved);
  if (given !== undefined) return given;
  const parts = resolved.allOf;
  if (parts) return { ...objectOf(parts.map((part) => schemaExample(document, part, direction, depth))), ...made(document, resolved, direction, depth, true) };
  const variants = resolved.oneOf ?? resolved.anyOf;
  if (variants?.length) {
    const variant = variants.find((one) => document.resolve(one).type !== "null") ?? variants[0];
    return schemaExample(document, variant, direction, depth);
  }
  return made(document, resolved, direction, depth, false);
}

function objectOf(values) {
  return Object.assign({}, ...values.filter((value) => value && typeof value === "object" && !Array.isArray(value)));
}

function givenExample(schema) {
  if (schema.example !== undefined) return schema.example;
  if (schema.examples?.length) return schema.examples[0];
  if (schema.const !== undefined) return schema.const;
  if (schema.default !== undefined && schema.default !== null) return schema.default;
  return schema.enum?.[0];
}

export function typesOf(schema) {
  if (Array.isArray(schema.type)) return schema.type;
  if (schema.type) return [schema.type];
  if (schema.properties || schema.additionalProperties) return ["object"];
  if (schema.items) return ["array"];
  return [];
}

function made(document, schema, direction, depth, partial) {
  const type = typesOf(schema).find((one) => one !== "null");
  if (type === "object" || partial) return madeObject(document, schema, direction, depth);
  if (type === "array") {
    return depth > DEPTH_MAX || !schema.items ? [] : [schemaExample(document, schema.items, direction, depth + 1)];
  }
  if (type === "string") return madeString(schema);
  if (type === "integer" || type === "number") return schema.minimum ?? schema.exclusiveMinimum ?? 1;
  return type === "boolean" ? true : null;
}

function madeObject(document, schema, direction, depth) {
  const hidden = direction === "request" ? "readOnly" : "writeOnly";
  const value = {};
  if (depth > DEPTH_MAX) return value;
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const resolved = document.resolve(property);
    const required = schema.required?.includes(name);
    // An optional object inside a request is more often left out, and may lead in a circle.
    const nested = typesOf(resolved).includes("object") || resolved.oneOf || resolved.anyOf;
    if (resolved[hidden] || (depth > 1 && !required && nested)) continue;
    value[name] = schemaExample(document, property, direction, depth + 1);
  }
  return value;
}

function madeString(schema) {
  const value = BY_FORMAT[schema.format] ?? "string";
  return value.padEnd(schema.minLength ?? 0, "x").slice(0, schema.maxLength ?? undefined);
}

export function exampleText(value) {
  return typeof value === "string" ? value : JSON.stringify(value, null, 2);
}

// The example of one parameter, as it is written into an address.
export function parameterExample(document, parameter) {
  const [first] = mediaExamples(document, parameter, "request");
  const declared = parameter.example ?? (parameter.examples ? first?.[1] : undefined);
  const value = declared ?? schemaExample(document, parameter.schema ?? {}, "request");
  return value === null || typeof value === "object" ? "" : String(value);
}
