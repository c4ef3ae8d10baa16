// A request as code that can be copied.

export function requestText(language, request) {
  if (language === "javascript") return javascript(request);
  return language === "python" ? python(request) : curl(request);
}

function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

function curl({ method, url, headers, body }) {
  // `--globoff`: curl would read brackets and braces in an address as a pattern.
  const glob = /[[\]{}]/.test(url) ? " --globoff" : "";
  const lines = [`curl${glob}${method === "GET" ? "" : ` -X ${method}`} ${quoted(url)}`];
  for (const [name, value] of Object.entries(headers)) lines.push(`  -H ${quoted(`${name}: ${value}`)}`);
  if (body) lines.push(`  --data-binary ${quoted(body)}`);
  return lines.join(" \\\n");
}

function javascript({ method, url, headers, body }) {
  const options = [
    method !== "GET" && `  method: ${JSON.stringify(method)},`,
    Object.keys(headers).length && `  headers: ${indented(JSON.stringify(headers, null, 2), "  ")},`,
    body && `  body: ${jsonIn(headers) ? `JSON.stringify(${indented(body, "  ")})` : JSON.stringify(body)},`,
  ].filter(Boolean);
  const given = options.length ? `, {\n${options.join("\n")}\n}` : "";
  return `const response = await fetch(${JSON.stringify(url)}${given});\nconst answer = await response.${takesJson(headers) ? "json" : "text"}();`;
}

function python({ method, url, headers, body }) {
  const given = Object.entries(headers).map(([name, value]) => `        ${JSON.stringify(name)}: ${JSON.stringify(value)},`);
  const lines = [
    "import httpx",
    "",
    "response = httpx.request(",
    `    ${JSON.stringify(method)},`,
    `    ${JSON.stringify(url)},`,
    given.length && `    headers={\n${given.join("\n")}\n    },`,
    body && `    content=${pythonText(body)},`,
    ")",
    "response.raise_for_status()",
  ];
  return lines.filter((line) => line !== 0 && line !== undefined).join("\n");
}

function pythonText(text) {
  if (!text.includes("\n")) return JSON.stringify(text);
  return `"""${text.replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"')}"""`;
}

function indented(text, space) {
  return text.replaceAll("\n", `\n${space}`);
}

function jsonIn(headers) {
  return /[/+]json\b/.test(headers["Content-Type"] ?? "");
}

function takesJson(headers) {
  return !headers.Accept || /[/+]json\b/.test(headers.Accept);
}
