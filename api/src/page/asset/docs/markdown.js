// The Markdown that API descriptions use, made into elements: headings, paragraphs, lists, quotes,
// tables, fenced code, and in a line code, bold, italics and links.
import { h } from "./element.js";
import { codeBlock } from "./code.js";

const FENCE = /^\s*(```|~~~)\s*([\w-]*)/;
const HEADING = /^(#{1,6})\s+(.*)$/;
const ITEM = /^\s{0,3}([-*+]|\d{1,9}[.)])\s+(.*)$/;
const QUOTE = /^\s{0,3}>\s?(.*)$/;
const DIVIDER = /^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)*\|?\s*$/;
const INLINE = /(`+)([^`]|[^`][\s\S]*?[^`])\1|\*\*([^*\n]+)\*\*|__([^_\n]+)__|\*([^*\s][^*\n]*)\*|\[([^\]\n]+)\]\(([^()\s]+)\)|<?(https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"])>?/;

export function markdown(text) {
  if (!text) return [];
  const lines = String(text).replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [block, next] = readBlock(lines, at);
    blocks.push(block);
    at = next;
  }
  return h("div.prose", null, blocks);
}

function readBlock(lines, at) {
  if (FENCE.test(lines[at])) return readCode(lines, at);
  const heading = HEADING.exec(lines[at]);
  if (heading) return [h(`h${Math.min(heading[1].length + 2, 6)}`, null, inline(heading[2])), at + 1];
  if (QUOTE.test(lines[at])) return readQuote(lines, at);
  if (ITEM.test(lines[at])) return readList(lines, at);
  if (lines[at].includes("|") && DIVIDER.test(lines[at + 1] ?? "")) return readTable(lines, at);
  return readParagraph(lines, at);
}

function readCode(lines, at) {
  const [, fence, language] = FENCE.exec(lines[at]);
  let end = at + 1;
  while (end < lines.length && !lines[end].trim().startsWith(fence)) end += 1;
  return [codeBlock(lines.slice(at + 1, end).join("\n"), language), end + 1];
}

function readQuote(lines, at) {
  let end = at;
  const inner = [];
  while (end < lines.length && QUOTE.test(lines[end])) inner.push(QUOTE.exec(lines[end++])[1]);
  return [h("blockquote", null, markdown(inner.join("\n"))), end];
}

function readList(lines, at) {
  const ordered = /\d/.test(ITEM.exec(lines[at])[1]);
  const items = [];
  let end = at;
  while (end < lines.length && lines[end].trim() && !FENCE.test(lines[end])) {
    const item = ITEM.exec(lines[end]);
    if (item) items.push(item[2]);
    else items[items.length - 1] += ` ${lines[end].trim()}`;
    end += 1;
  }
  return [h(ordered ? "ol" : "ul", null, items.map((item) => h("li", null, inline(item)))), end];
}

function readTable(lines, at) {
  let end = at + 2;
  while (end < lines.length && lines[end].includes("|")) end += 1;
  const row = (line, cell) => h("tr", null, cells(line).map((text) => h(cell, null, inline(text))));
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  return [h("table", null, h("thead", null, row(lines[at], "th")), h("tbody", null, body)), end];
}

function cells(line) {
  return line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
}

function readParagraph(lines, at) {
  let end = at + 1;
  const ends = (line) => !line.trim() || FENCE.test(line) || HEADING.test(line) || ITEM.test(line) || QUOTE.test(line);
  while (end < lines.length && !ends(lines[end])) end += 1;
  return [h("p", null, inline(lines.slice(at, end).join("\n"))), end];
}

// One line of Markdown, as nodes.
export function inline(text) {
  const nodes = [];
  let rest = String(text ?? "");
  for (let match = INLINE.exec(rest); match; match = INLINE.exec(rest)) {
    nodes.push(rest.slice(0, match.index), span(match));
    rest = rest.slice(match.index + match[0].length);
  }
  return [...nodes, rest].filter((node) => node !== "");
}

function span([all, , code, bold, bolder, italic, label, target, address]) {
  if (code !== undefined) return h("code", null, code.trim());
  if (bold ?? bolder) return h("strong", null, inline(bold ?? bolder));
  if (italic) return h("em", null, inline(italic));
  if (address) return link(address, address);
  return link(target, inline(label)) ?? all;
}

function link(target, label) {
  // A document may come from anywhere: "javascript:" and its kin stay text.
  let url;
  try {
    url = new URL(target, window.location.href);
  } catch {
    return h("span", null, label);
  }
  if (!["http:", "https:", "mailto:"].includes(url.protocol)) return h("span", null, label);
  const outside = url.origin !== window.location.origin;
  return h("a", { href: target, rel: outside && "noopener noreferrer", target: outside && "_blank" }, label);
}
