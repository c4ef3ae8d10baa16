// The first page, and the page of one schema.
import { codeBlock } from "./code.js";
import { h } from "./element.js";
import { exampleText, schemaExample } from "./example.js";
import { keyForm } from "./key.js";
import { markdown } from "./markdown.js";
import { methodMark, operationLink, tagLink } from "./navigation.js";
import { schemaView } from "./schema.js";

export function overview(document, entered) {
  const { info = {}, externalDocs } = document.raw;
  const form = keyForm(document, entered);
  return h(
    "article.plain",
    null,
    h("h1", null, info.title ?? "API reference", info.version && h("span.version", null, info.version)),
    info.summary && h("p.lead", null, info.summary),
    markdown(info.description),
    externalDocs && h("p", null, markdown(`[${externalDocs.description ?? "More"}](${externalDocs.url})`)),
    h("section", null, h("h2", null, "Address"), codeBlock(document.base, "text")),
    form && h("section", null, h("h2", null, "Authentication"), h("p", null, "What you enter here goes into the requests you try on this page and into the code you copy. It stays in this tab."), form),
    h("section", null, h("h2", null, "Resources"), h("div.cards", null, document.tags.map(card))),
    about(info),
  );
}

function card(tag) {
  const first = (tag.description ?? "").split("\n\n")[0];
  return h(
    "div.card",
    null,
    h("h3", null, h("a", { href: tagLink(tag) }, tag.name)),
    first && markdown(first),
    h("ul", null, tag.operations.map((operation) => h("li", null, methodMark(operation), h("a", { href: operationLink(operation) }, h("code", null, operation.path))))),
  );
}

function about({ contact, license, termsOfService }) {
  const lines = [
    contact?.email && `Contact: [${contact.name ?? contact.email}](mailto:${contact.email})`,
    contact?.url && `Contact: [${contact.name ?? contact.url}](${contact.url})`,
    license && `License: ${license.url ? `[${license.name}](${license.url})` : license.name}`,
    termsOfService && `[Terms of service](${termsOfService})`,
  ].filter(Boolean);
  return lines.length ? h("footer.about", null, lines.map(markdown)) : null;
}

export function schemaPage(document, name) {
  const schema = { $ref: `#/components/schemas/${name.replace(/~/g, "~0").replace(/\//g, "~1")}` };
  const resolved = document.resolve(schema);
  const example = exampleText(schemaExample(document, schema, "response"));
  return h(
    "article.operation",
    null,
    h("div.told", null, h("h1", null, name), schemaView(document, resolved)),
    h("aside.shown", null, codeBlock(example, "json", "Example")),
  );
}
