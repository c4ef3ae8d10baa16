// The request: a form to fill, the code that sends it, and the answer of this server.
import { codeBlock, isJson, readable } from "./code.js";
import { h, replace } from "./element.js";
import { exampleText, mediaExamples, parameterExample, typesOf } from "./example.js";
import { access } from "./key.js";
import { requestText } from "./request.js";

const SHOWN_MAX = 200_000;
const LANGUAGES = [
  ["curl", "curl"],
  ["javascript", "JavaScript"],
  ["python", "Python"],
];

let language = "curl";

export function attempt(document, operation) {
  if (operation.webhook) return null;
  const state = new Attempt(document, operation);
  return state.element;
}

class Attempt {
  constructor(document, operation) {
    this.document = document;
    this.operation = operation;
    this.inputs = new Map();
    this.bodyTypes = Object.keys(operation.body?.content ?? {});
    this.accepts = acceptable(operation);
    this.code = h("div");
    this.answer = h("div.answer-live", { "aria-live": "polite" });
    this.fields = h("div.fields");
    this.element = h("div.panel", null, this.head(), this.code, this.form());
    this.refresh();
    window.addEventListener("launchway:changed", () => this.element.isConnected && this.refresh());
  }

  head() {
    const select = h(
      "select",
      {
        "aria-label": "Language",
        onchange: () => {
          language = select.value;
          window.dispatchEvent(new Event("launchway:changed"));
        },
      },
      LANGUAGES.map(([value, label]) => h("option", { value, selected: value === language }, label)),
    );
    this.language = select;
    return h("div.panel-head", null, h("strong", null, "Request"), select);
  }

  form() {
    const known = parameterInputs(this.document, this.operation);
    known.filter((one) => one.required).forEach((one) => this.addInput(one));
    const form = h(
      "form.attempt-form",
      { autocomplete: "off", oninput: () => this.refresh() },
      this.fields,
      this.adder(known.filter((one) => !one.required)),
      this.accepts.length > 1 && this.acceptField(),
      this.bodyField(),
      h("div.actions", null, h("button.primary", { type: "submit" }, "Send"), this.warning()),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    return h("details.attempt", null, h("summary", null, "Try it"), form, this.answer);
  }

  warning() {
    if (["get", "head", "options"].includes(this.operation.method)) return null;
    return h("span.hint", null, "This changes real data on ", h("code", null, window.location.host), ".");
  }

  addInput({ name, place, value, required, choices }) {
    const control = choices?.length
      ? h("select", {}, !required && h("option", { value: "" }, ""), choices.map((one) => h("option", { selected: String(one) === value }, String(one))))
      : h("input", { type: "text", value, spellcheck: "false" });
    this.inputs.set(`${place} ${name}`, { name, place, control });
    this.fields.append(h("label.field", null, h("span.field-name", null, h("code", null, name), " ", h("span.row-type", null, place)), control));
    return control;
  }

  adder(optional) {
    if (!optional.length) return null;
    const select = h("select", { "aria-label": "Add a parameter" }, h("option", { value: "" }, "Add a parameter…"), optional.map((one, index) => h("option", { value: String(index) }, one.place === "query" ? one.name : `${one.name} (${one.place})`)));
    select.addEventListener("change", () => {
      if (select.value === "") return;
      const control = this.addInput(optional[Number(select.value)]);
      select.selectedOptions[0].disabled = true;
      select.value = "";
      control.focus();
      this.refresh();
    });
    return h("div.field", null, select);
  }

  acceptField() {
    this.accept = h("select", {}, this.accepts.map((type) => h("option", null, type)));
    return h("label.field", null, h("span.field-name", null, h("code", null, "Accept"), " ", h("span.row-type", null, "header")), this.accept);
  }

  bodyField() {
    if (!this.bodyTypes.length) return null;
    this.bodyType = h("select", { "aria-label": "Content type" }, this.bodyTypes.map((type) => h("option", null, type)));
    this.body = h("textarea", { rows: "8", spellcheck: "false", "aria-label": "Body" });
    const fill = () => (this.body.value = this.bodyExample(this.bodyType.value));
    this.bodyType.addEventListener("change", fill);
    fill();
    return h("div.field", null, h("span.field-name", null, "Body ", this.bodyType), this.body);
  }

  bodyExample(type) {
    const [first] = mediaExamples(this.document, this.operation.body.content[type], "request");
    return first ? exampleText(first[1]) : "";
  }

  // What would be sent now. With `shown`, a placeholder stands for a missing key.
  request(shown) {
    const { headers, query } = access(this.document, this.operation, shown);
    const values = [...this.inputs.values()].map(({ name, place, control }) => ({ name, place, value: control.value }));
    const filled = values.filter(({ value }) => value !== "");
    const path = this.operation.path.replace(/\{([^}]+)\}/g, (all, name) => {
      const given = filled.find((one) => one.place === "path" && one.name === name);
      return given ? encodeURIComponent(given.value) : all;
    });
    const pairs = [...filled.filter((one) => one.place === "query").map(({ name, value }) => [name, value]), ...query];
    const search = pairs.map(([name, value]) => `${encodeName(name)}=${encodeURIComponent(value)}`).join("&");
    const accept = this.accept?.value ?? this.accepts[0];
    const own = Object.fromEntries(filled.filter((one) => one.place === "header").map(({ name, value }) => [name, value]));
    return {
      method: this.operation.method.toUpperCase(),
      url: this.document.base + path + (search && `?${search}`),
      headers: { ...(accept && { Accept: accept }), ...(this.body && { "Content-Type": this.bodyType.value }), ...headers, ...own },
      body: this.body?.value || undefined,
      missing: (path.match(/\{[^}]+\}/g) ?? []).map((name) => name.slice(1, -1)),
    };
  }

  refresh() {
    this.language.value = language;
    replace(this.code, codeBlock(requestText(language, this.request(true)), language));
  }

  async send() {
    const { method, url, headers, body, missing } = this.request(false);
    if (missing.length) {
      replace(this.answer, h("p.error", null, `Fill in ${missing.join(", ")} first.`));
      return;
    }
    replace(this.answer, h("p.hint", null, "Sending…"));
    const begun = performance.now();
    try {
      const response = await fetch(url, { method, headers, body, redirect: "follow" });
      const text = await response.text();
      this.showAnswer(response, text, Math.round(performance.now() - begun));
    } catch (error) {
      replace(this.answer, h("p.error", null, `No answer: ${error.message}`));
    }
  }

  showAnswer(response, text, milliseconds) {
    const type = response.headers.get("content-type") ?? "";
    const [whole, kind] = readable(text, type);
    const shown = whole.length > SHOWN_MAX ? `${whole.slice(0, SHOWN_MAX)}\n… ${whole.length - SHOWN_MAX} more characters` : whole;
    const headers = [...response.headers].map(([name, value]) => `${name}: ${value}`).join("\n");
    replace(
      this.answer,
      h("p.answer-line", null, h(`span.status.status-${String(response.status)[0]}`, null, String(response.status)), ` ${response.statusText} · ${milliseconds} ms · ${text.length} characters`),
      shown && codeBlock(shown, isJson(type) ? kind : "text"),
      h("details.nested", null, h("summary", null, "Headers"), codeBlock(headers, "text")),
    );
  }
}

// The brackets of "price[gte]" stay readable; servers take both ways.
function encodeName(name) {
  return encodeURIComponent(name).replace(/%5B/g, "[").replace(/%5D/g, "]");
}

function acceptable(operation) {
  const good = operation.responses.filter(({ status }) => status.startsWith("2"));
  return [...new Set(good.flatMap(({ content }) => Object.keys(content ?? {})))];
}

// One input per parameter; an object of filters ("deepObject") is one per property: `price[gte]`.
function parameterInputs(document, operation) {
  return operation.parameters
    .filter((parameter) => parameter.in !== "cookie")
    .flatMap((parameter) => {
      const schema = document.resolve(parameter.schema ?? {});
      const base = { place: parameter.in, required: parameter.required === true };
      if (parameter.style === "deepObject" && typesOf(schema).includes("object")) {
        return Object.keys(schema.properties ?? {}).map((name) => ({ ...base, name: `${parameter.name}[${name}]`, value: "" }));
      }
      const value = base.required || parameter.example !== undefined ? parameterExample(document, parameter) : "";
      const choices = schema.enum ?? (typesOf(schema).includes("boolean") ? [true, false] : undefined);
      return [{ ...base, name: parameter.name, value, choices }];
    });
}
