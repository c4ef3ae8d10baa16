// Who asks: the credentials that the reader enters, and what they become in a request.
// They live in this tab's session storage: gone with the tab, and never sent but to this host.
import { h } from "./element.js";
import { markdown } from "./markdown.js";

const STORE = "launchway.docs.credentials";
const HEADERS = "launchway.docs.headers";

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key)) ?? {};
  } catch {
    return {};
  }
}

function write(key, value) {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // Storage may be switched off: then the credentials last until the page is left.
  }
}

let credentials = read(STORE);

// The headers of the last credentials, known before the document is: it may say more to whom it knows.
export function storedHeaders() {
  return read(HEADERS);
}

function encoded(text) {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function parts(scheme, value) {
  if (scheme.type === "apiKey") {
    if (scheme.in === "query") return { query: [[scheme.name, value]] };
    return scheme.in === "header" ? { headers: { [scheme.name]: value } } : {};
  }
  const basic = scheme.type === "http" && scheme.scheme?.toLowerCase() === "basic";
  return { headers: { Authorization: basic ? `Basic ${encoded(value)}` : `Bearer ${value}` } };
}

// The way in that an operation offers and the reader can take: { headers, query }.
// With `shown`, a placeholder stands where nothing was entered, for the code to copy.
export function access(document, operation, shown = false) {
  const open = operation.security.some((way) => Object.keys(way).length === 0);
  const known = operation.security.filter((way) => Object.keys(way).length > 0);
  const way = known.find((one) => Object.keys(one).every((name) => credentials[name])) ?? (shown && !open ? known[0] : undefined);
  const found = { headers: {}, query: [] };
  for (const name of Object.keys(way ?? {})) {
    const { headers = {}, query = [] } = parts(document.resolve(document.schemes[name] ?? {}), credentials[name] || "YOUR_KEY");
    Object.assign(found.headers, headers);
    found.query.push(...query);
  }
  return found;
}

export function securityLine(document, operation) {
  if (operation.webhook) return null;
  const ways = operation.security.map((way) => Object.keys(way));
  if (!ways.length || ways.every((way) => !way.length)) return h("p.security", null, "Open: no key needed.");
  const names = ways.filter((way) => way.length).map((way) => way.join(" and ")).join(", or ");
  const open = ways.some((way) => !way.length);
  return h("p.security", null, open ? "Without a key as far as anyone may, or with " : "Needs ", h("a", { href: "#/" }, names), ".");
}

// The form on the first page.
export function keyForm(document, entered) {
  const schemes = Object.entries(document.schemes).map(([name, scheme]) => [name, document.resolve(scheme)]);
  if (!schemes.length) return null;
  const fields = schemes.map(([name, scheme]) => field(name, scheme));
  const form = h(
    "form.key",
    { autocomplete: "off" },
    fields,
    h("div.actions", null, h("button.primary", { type: "submit" }, "Use in this tab"), h("button", { type: "reset" }, "Forget")),
  );
  const keep = (values) => {
    credentials = values;
    write(STORE, credentials);
    const headers = schemes.filter(([name]) => credentials[name]).map(([name, scheme]) => parts(scheme, credentials[name]).headers);
    write(HEADERS, Object.assign({}, ...headers));
    entered();
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]).filter(([, value]) => value)));
  });
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    keep({});
  });
  return form;
}

function field(name, scheme) {
  const basic = scheme.type === "http" && scheme.scheme?.toLowerCase() === "basic";
  const kind = scheme.type === "apiKey" ? `API key in the ${scheme.in} ${scheme.name}` : basic ? "name:password" : "token sent as Authorization: Bearer";
  return h(
    "label.field",
    null,
    h("span.field-name", null, h("strong", null, name), " ", h("span.row-type", null, kind)),
    scheme.description && markdown(scheme.description),
    h("input", { type: "password", name, value: credentials[name] ?? "", spellcheck: "false", autocomplete: "off" }),
  );
}
