// One operation: what it does and takes on the left, code and answers on the right.
import { attempt } from "./attempt.js";
import { codeBlock } from "./code.js";
import { fold, h, replace } from "./element.js";
import { exampleText, mediaExamples, typesOf } from "./example.js";
import { securityLine } from "./key.js";
import { inline, markdown } from "./markdown.js";
import { methodMark, operationLink } from "./navigation.js";
import { row, schemaView } from "./schema.js";

const PLACES = [
  ["path", "Path parameters"],
  ["query", "Query parameters"],
  ["header", "Headers"],
  ["cookie", "Cookies"],
];

// More optional parameters than this are folded: a list filtered by each of its fields has many.
const OPTIONAL_SHOWN = 12;

export function tagPage(document, tag) {
  return h(
    "article",
    null,
    h("header.plain", null, h("h1", null, tag.name), markdown(tag.description)),
    tag.operations.map((operation) => operationView(document, operation)),
  );
}

function operationView(document, operation) {
  return h(
    "section.operation",
    { id: operation.id, "aria-label": operation.title },
    h(
      "div.told",
      null,
      h("h2", null, operation.title, " ", h("a.anchor", { href: operationLink(operation), "aria-label": "Link to this operation" }, "#")),
      h("p.route", null, methodMark(operation), h("code", null, operation.path), operation.deprecated && h("span.mark.deprecated", null, "deprecated")),
      markdown(operation.raw.description),
      securityLine(document, operation),
      parameterLists(document, operation),
      bodyView(document, operation.body),
      responsesView(document, operation),
    ),
    h("aside.shown", null, attempt(document, operation), answers(document, operation)),
  );
}

function parameterLists(document, operation) {
  const { filters, others } = filtersOf(document, operation.parameters);
  const lists = PLACES.map(([place, title]) => {
    const all = others.filter((parameter) => parameter.in === place);
    const optional = all.filter((parameter) => !parameter.required);
    const shown = [...all.filter((parameter) => parameter.required), ...optional.slice(0, OPTIONAL_SHOWN)];
    return all.length > 0 && parameterList(document, title, shown, optional.slice(OPTIONAL_SHOWN));
  });
  const [path, query, ...rest] = lists;
  return [path, query, filters.size > 0 && filterList(document, filters), rest];
}

function parameterList(document, title, shown, rest) {
  const rows = (list) => h("div.rows", null, list.map((parameter) => parameterRow(document, parameter)));
  const more = rest.length > 0 && fold("nested", `Show ${rest.length} more`, () => rows(rest));
  return h("section.part", null, h("h3", null, title), rows(shown), more);
}

// "name", "name[ne]", "name[contains]" are one filter with three operators; "limit[albums]" is about a list that is expanded.
function filtersOf(document, parameters) {
  const field = ({ name }) => name.split("[")[0];
  const expand = parameters.find(({ name }) => name === "expand")?.schema;
  const relations = document.resolve(document.resolve(expand ?? {}).items ?? {}).enum ?? [];
  const ofList = ({ name }) => /^(limit|sort|where)\[/.test(name) && relations.includes(name.slice(name.indexOf("[") + 1, -1));
  const inQuery = parameters.filter((parameter) => parameter.in === "query" && !ofList(parameter));
  const filtered = new Set(inQuery.filter(({ name }) => name.includes("[")).map(field));
  const filters = new Map([...filtered].map((name) => [name, []]));
  const others = [];
  for (const parameter of parameters) {
    const of = parameter.in === "query" && !ofList(parameter) && filters.get(field(parameter));
    (of || others).push(parameter);
  }
  return { filters, others };
}

function filterList(document, filters) {
  const rows = [...filters].map(([name, parameters]) => {
    const operator = (parameter) => parameter.name.slice(name.length) || "=";
    const operators = parameters.map((parameter) => [h("code", null, operator(parameter)), " "]);
    const all = fold("nested", "Show the operators", () => h("div.rows", null, parameters.map((one) => parameterRow(document, one))));
    return h("div.row", null, h("div.row-head", null, h("code.row-name", null, name)), h("p.choices", null, operators), all);
  });
  const build = () => h("div.rows", null, rows);
  return h(
    "section.part",
    null,
    h("h3", null, "Filters"),
    h("p.hint", null, h("code", null, "field=value"), " or ", h("code", null, "field[operator]=value"), "; all of them must hold."),
    filters.size > OPTIONAL_SHOWN ? fold("nested", `Show the ${filters.size} fields`, build) : build(),
  );
}

function parameterRow(document, parameter) {
  const { description, required, deprecated } = parameter;
  const schema = parameter.schema ?? Object.values(parameter.content ?? {})[0]?.schema ?? {};
  const deep = parameter.style === "deepObject" && typesOf(document.resolve(schema)).includes("object");
  const name = deep ? `${parameter.name}[…]` : parameter.name;
  return row(document, { name, schema, required, deprecated, description: description ?? document.resolve(schema).description });
}

function bodyView(document, body) {
  if (!body) return null;
  return h(
    "section.part",
    null,
    h("h3", null, "Request body", body.required && h("span.mark.required", null, "required")),
    markdown(body.description),
    mediaView(document, body.content),
  );
}

// The schema of each media type; alike ones are shown once.
function mediaView(document, content = {}) {
  const bySchema = new Map();
  for (const [type, media] of Object.entries(content)) {
    const key = JSON.stringify(media.schema ?? null);
    bySchema.set(key, { types: [...(bySchema.get(key)?.types ?? []), type], schema: media.schema });
  }
  return [...bySchema.values()].map(({ types, schema }) => [
    h("p.media", null, types.map((type) => h("code", null, type))),
    schema && schemaView(document, schema),
  ]);
}

function responsesView(document, operation) {
  if (!operation.responses.length) return null;
  const summary = ({ status, description }) => [h(`span.status.status-${status[0]}`, null, status), " ", inline(description ?? "")];
  return h(
    "section.part",
    null,
    h("h3", null, "Responses"),
    operation.responses.map((response) => {
      const links = Object.keys(response.content ?? {}).length + Object.keys(response.headers ?? {}).length;
      if (!links) return h("div.answer", null, summary(response));
      return fold("answer", summary(response), () => responseView(document, response));
    }),
  );
}

function responseView(document, response) {
  const headers = Object.entries(response.headers ?? {}).map(([name, header]) => {
    const { schema, description, required } = document.resolve(header);
    return row(document, { name, schema, description, required, where: "header" });
  });
  return [headers.length > 0 && h("div.rows", null, headers), mediaView(document, response.content)];
}

// Examples of the answers, one status at a time.
function answers(document, operation) {
  const options = operation.responses.flatMap(({ status, content }) =>
    Object.entries(content ?? {}).flatMap(([type, media]) =>
      mediaExamples(document, media, "response").map(([name, value]) => ({ status, type, name, value })),
    ),
  );
  const sent = operation.webhook ? webhookExamples(document, operation) : [];
  const all = [...sent, ...options];
  if (!all.length) return null;
  const place = h("div");
  const show = (index) => {
    const { type, value } = all[index];
    replace(place, codeBlock(exampleText(value), /json/.test(type) ? "json" : "text"));
  };
  const select = h("select", { "aria-label": "Answer", onchange: () => show(select.selectedIndex) }, all.map(answerOption));
  show(0);
  return h("div.panel", null, h("div.panel-head", null, h("strong", null, operation.webhook ? "Payload" : "Answer"), select), place);
}

function answerOption({ status, type, name }) {
  const short = type.replace(/^application\//, "");
  return h("option", null, [status, short, name === "Example" ? "" : name].filter(Boolean).join(" · "));
}

function webhookExamples(document, { body }) {
  return Object.entries(body?.content ?? {}).flatMap(([type, media]) =>
    mediaExamples(document, media, "response").map(([name, value]) => ({ status: "", type, name, value })),
  );
}
