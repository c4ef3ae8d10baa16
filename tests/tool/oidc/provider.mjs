// An OpenID provider that other people wrote, with one client and one account. What it is told comes in the environment;
// the line it prints says where it is. It signs everybody in without asking: as the `login_hint`, or as the account.

import http from "node:http";
import { once } from "node:events";
import { Provider, interactionPolicy } from "oidc-provider";

// Nobody reads more than the one line of the output.
console.info = console.warn = console.error;

const told = (name, otherwise) => process.env[name] ?? otherwise;

let handle = (_, response) => response.writeHead(503).end();
const server = http.createServer((request, response) => handle(request, response));
server.listen(0, "127.0.0.1");
await once(server, "listening");
const issuer = `http://127.0.0.1:${server.address().port}`;

const subject = told("OIDC_SUBJECT", "ann");
const provider = new Provider(issuer, {
  clients: [{
    client_id: told("OIDC_CLIENT_ID", "client"),
    client_secret: told("OIDC_CLIENT_SECRET", "secret"),
    redirect_uris: [told("OIDC_REDIRECT_URI")],
    response_types: ["code"],
    grant_types: ["authorization_code"],
  }],
  claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name", "picture"] },
  // With yes, the address is only at the UserInfo endpoint; with no, in the ID token.
  conformIdTokenClaims: told("OIDC_USERINFO", "yes") === "yes",
  features: { devInteractions: { enabled: false } },
  cookies: { keys: ["only for tests"] },
  pkce: { required: () => true },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}`, policy: interactionPolicy.base() },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      email: told("OIDC_EMAIL", `${id}@example.com`),
      email_verified: told("OIDC_EMAIL_VERIFIED", "yes") === "yes",
      name: id,
    }),
  }),
});

// Says yes to whatever is asked on the way: who it is, and whether the client may know it.
const interact = async (request, response) => {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  if (prompt.name === "login") {
    const accountId = params.login_hint ?? subject;
    return provider.interactionFinished(request, response, { login: { accountId } });
  }
  const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const grantId = await grant.save();
  return provider.interactionFinished(request, response, { consent: { grantId } }, { mergeWithLastSubmission: true });
};

const serve = provider.callback();
handle = (request, response) => {
  if (!request.url.startsWith("/interaction/")) return serve(request, response);
  return interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
};
console.log(issuer);
