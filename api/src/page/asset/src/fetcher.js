// Sends operations as the GraphQL-over-HTTP specification says, subscriptions over graphql-transport-ws.
import { parse } from "graphql";
import { createClient } from "graphql-ws";

const ACCEPT = "application/graphql-response+json, application/json;q=0.9, */*;q=0.1";

export function fetcher(endpoint) {
  return (params, options) => {
    const headers = options?.headers ?? {};
    return isSubscription(params) ? subscribe(endpoint, params, headers) : send(endpoint, params, headers);
  };
}

function isSubscription({ query, operationName }) {
  let document;
  try {
    document = parse(query);
  } catch {
    return false; // The server explains a syntax error better.
  }
  const operations = document.definitions.filter((one) => one.kind === "OperationDefinition");
  const chosen = operations.find((one) => one.name?.value === operationName) ?? operations[0];
  return chosen?.operation === "subscription";
}

async function send(endpoint, params, headers) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "content-type": "application/json", accept: ACCEPT, ...headers },
    body: JSON.stringify(params),
  });
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    // A proxy's page, an empty body: show what came instead of "unexpected token".
    throw new Error(`HTTP ${response.status} ${response.statusText}\n${text.slice(0, 2000)}`);
  }
}

async function* subscribe(endpoint, params, headers) {
  const url = new URL(endpoint, window.location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const client = createClient({ url: url.href, connectionParams: headers, retryAttempts: 0 });
  try {
    yield* client.iterate(params);
  } catch (error) {
    throw error instanceof CloseEvent ? new Error(`socket closed: ${error.code} ${error.reason}`) : error;
  } finally {
    client.dispose();
  }
}
