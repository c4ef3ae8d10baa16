// Code to read and to copy.
import { h } from "./element.js";

const JSON_TOKEN = /("(?:\\.|[^"\\])*")(\s*:)?|\b(true|false|null)\b|-?\b\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\b/g;

// More than this is shown plainly: a span for each token would make the page slow.
const COLORED_MAX = 100_000;

export function codeBlock(text, language, label) {
  const code = h("code", { tabindex: "0" }, language === "json" ? colored(text) : text);
  const copy = h("button.copy", { type: "button", title: "Copy", "aria-label": "Copy" }, "Copy");
  copy.addEventListener("click", () => copyText(code, copy));
  return h("div.code", null, label && h("div.code-label", null, label), copy, h("pre", null, code));
}

function colored(text) {
  if (text.length > COLORED_MAX) return text;
  const nodes = [];
  let from = 0;
  for (const match of text.matchAll(JSON_TOKEN)) {
    nodes.push(text.slice(from, match.index));
    const [all, string, colon, word] = match;
    if (string && colon) nodes.push(h("span.token-key", null, string), colon);
    else nodes.push(h(string ? "span.token-string" : word ? "span.token-word" : "span.token-number", null, all));
    from = match.index + all.length;
  }
  return [...nodes, text.slice(from)];
}

async function copyText(code, button) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    // Without TLS there is no clipboard: mark the text, so that one key copies it.
    window.getSelection().selectAllChildren(code);
    button.textContent = "Press Ctrl-C";
  }
  setTimeout(() => (button.textContent = "Copy"), 2000);
}

// Text of an answer: indented when it is JSON, with its language.
export function readable(text, mediaType) {
  if (!isJson(mediaType)) return [text, "text"];
  try {
    return [JSON.stringify(JSON.parse(text), null, 2), "json"];
  } catch {
    return [text, "text"];
  }
}

export function isJson(mediaType) {
  return /[/+]json\b/.test(mediaType ?? "");
}
