// Loads the document, and shows the page that the address names.
import { load } from "./document.js";
import { h, replace } from "./element.js";
import { storedHeaders } from "./key.js";
import { mark, navigation } from "./navigation.js";
import { tagPage } from "./operation.js";
import { overview, schemaPage } from "./overview.js";

const THEME = "launchway.docs.theme";
const page = document.getElementById("page");

async function start() {
  try {
    const api = await load(page.dataset.openapi, storedHeaders());
    build(api);
  } catch (error) {
    replace(page, h("p.loading.error", { role: "alert" }, `The API description at ${page.dataset.openapi} could not be read: ${error.message}`));
  }
}

function build(api) {
  const side = navigation(api, page.dataset);
  const content = h("main.content", { id: "content", tabindex: "-1" });
  side.lastElementChild.append(h("button.theme", { type: "button", onclick: turnTheme }, "Light / dark"));
  replace(page, top(side), side, content);
  document.title = `${api.raw.info?.title ?? page.dataset.title} · API reference`;
  const view = { shown: undefined };
  const go = () => route(api, side, content, view);
  window.addEventListener("hashchange", go);
  go();
}

// On a narrow screen the list at the side waits behind a button.
function top(side) {
  const menu = h("button.menu", { type: "button", "aria-expanded": "false", onclick: () => side.classList.toggle("open") }, "Menu");
  new MutationObserver(() => {
    const open = side.classList.contains("open");
    menu.setAttribute("aria-expanded", String(open));
    menu.textContent = open ? "Close" : "Menu";
  }).observe(side, { attributeFilter: ["class"] });
  return h("div.top", null, h("a.brand", { href: "#/" }, page.dataset.title), menu);
}

// "#/operation/listTracks" is the page of its tag, at its place.
function route(api, side, content, view) {
  const [, kind = "", rest = ""] = window.location.hash.split("/", 3);
  const name = decoded(window.location.hash.slice(kind.length + 3) || rest);
  const operation = kind === "operation" ? api.byId.get(name) : undefined;
  const tag = api.tags.find((one) => one.name === (operation?.tag ?? (kind === "tag" ? name : undefined)));
  const key = tag ? `tag ${tag.name}` : `${kind} ${name}`;
  if (view.shown !== key) {
    view.shown = key;
    replace(content, pageOf(api, tag, kind, name));
  }
  mark(side, tag?.name ?? (kind === "schema" ? " schemas" : ""));
  const target = operation && document.getElementById(operation.id);
  if (target) target.scrollIntoView();
  else window.scrollTo(0, 0);
}

function pageOf(api, tag, kind, name) {
  if (tag) return tagPage(api, tag);
  if (kind === "schema" && Object.hasOwn(api.schemas, name)) return schemaPage(api, name);
  // With a key the document may say more: read it anew.
  return overview(api, () => window.location.reload());
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function turnTheme() {
  const dark = getComputedStyle(document.documentElement).colorScheme === "dark"
    || (!document.documentElement.dataset.theme && matchMedia("(prefers-color-scheme: dark)").matches);
  setTheme(dark ? "light" : "dark");
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem(THEME, theme);
  } catch {
    // Storage may be switched off: the theme lasts until the page is left.
  }
}

function storedTheme() {
  try {
    return localStorage.getItem(THEME);
  } catch {
    return null;
  }
}

const theme = storedTheme();
if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
start();
