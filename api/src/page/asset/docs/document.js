// The OpenAPI document as the page wants it: operations by tag, references followed, security resolved.

const METHODS = ["get", "post", "put", "patch", "delete", "head", "options", "trace"];
const REFERENCE_MAX = 20;

export class ApiDocument {
  constructor(raw) {
    this.raw = raw;
    this.schemas = raw.components?.schemas ?? {};
    this.schemes = raw.components?.securitySchemes ?? {};
    this.operations = [...this.readPaths(raw.paths, false), ...this.readPaths(raw.webhooks, true)];
    this.byId = new Map(this.operations.map((operation) => [operation.id, operation]));
    this.tags = this.readTags();
  }

  // Follows "$ref" inside this document; what stands beside it (OpenAPI 3.1) overrides.
  resolve(node) {
    let found = node;
    let beside = {};
    for (let step = 0; found?.$ref !== undefined && step < REFERENCE_MAX; step += 1) {
      const { $ref, ...rest } = found;
      beside = { ...rest, ...beside };
      found = this.at($ref);
    }
    return found && Object.keys(beside).length ? { ...found, ...beside } : (found ?? {});
  }

  at(reference) {
    if (typeof reference !== "string" || !reference.startsWith("#/")) return undefined;
    return reference
      .slice(2)
      .split("/")
      .map((part) => decodeURIComponent(part).replace(/~1/g, "/").replace(/~0/g, "~"))
      .reduce((node, part) => (node && Object.hasOwn(node, part) ? node[part] : undefined), this.raw);
  }

  readPaths(paths, webhook) {
    return Object.entries(paths ?? {}).flatMap(([path, item]) => {
      const resolved = this.resolve(item);
      return METHODS.filter((method) => resolved[method]).map((method) =>
        this.readOperation(path, method, resolved, webhook),
      );
    });
  }

  readOperation(path, method, item, webhook) {
    const raw = item[method];
    return {
      raw,
      path,
      method,
      webhook,
      id: raw.operationId ?? `${method}-${path.replace(/[^\w]+/g, "-")}`,
      title: raw.summary ?? raw.operationId ?? `${method.toUpperCase()} ${path}`,
      tag: raw.tags?.[0] ?? (webhook ? "Webhooks" : "Other"),
      parameters: this.readParameters(item.parameters, raw.parameters),
      body: raw.requestBody && this.resolve(raw.requestBody),
      responses: Object.entries(raw.responses ?? {}).map(([status, response]) => ({
        status,
        ...this.resolve(response),
      })),
      security: webhook ? [] : (raw.security ?? this.raw.security ?? []),
      deprecated: raw.deprecated === true,
    };
  }

  readParameters(shared = [], own = []) {
    const byKey = new Map();
    for (const parameter of [...shared, ...own].map((one) => this.resolve(one))) {
      byKey.set(`${parameter.in} ${parameter.name}`, parameter);
    }
    return [...byKey.values()];
  }

  readTags() {
    const known = (this.raw.tags ?? []).map((tag) => ({ ...tag, operations: [] }));
    const byName = new Map(known.map((tag) => [tag.name, tag]));
    for (const operation of this.operations) {
      if (!byName.has(operation.tag)) byName.set(operation.tag, { name: operation.tag, operations: [] });
      byName.get(operation.tag).operations.push(operation);
    }
    return [...byName.values()].filter((tag) => tag.operations.length);
  }

  // The server's address as this page may call it: on this page's own host, whatever name the document gives it.
  get base() {
    try {
      const server = new URL(this.serverUrl, window.location.href);
      return window.location.origin + server.pathname.replace(/\/$/, "");
    } catch {
      return window.location.origin;
    }
  }

  get serverUrl() {
    const { url = "/", variables = {} } = this.raw.servers?.[0] ?? {};
    return url.replace(/\{([^}]+)\}/g, (all, name) => variables[name]?.default ?? all);
  }
}

export async function load(address, headers) {
  const ask = (more) => fetch(address, { headers: { accept: "application/json", ...more } });
  let response = await ask(headers);
  if (response.status === 401 || response.status === 403) response = await ask({});
  if (!response.ok) throw new Error(`HTTP ${response.status} ${response.statusText}`);
  return new ApiDocument(await response.json());
}
