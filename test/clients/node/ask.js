// Asks for tokens by each way that a line of its standard input names, with the JavaScript clients as
// they are, and prints what came of each as a line of JSON.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential } from "@azure/identity";
import { createDefaultHttpClient, createHttpHeaders, createPipelineFromOptions, createPipelineRequest } from "@azure/core-rest-pipeline";
import { SecretClient } from "@azure/keyvault-secrets";
import { ConfidentialClientApplication, ManagedIdentityApplication } from "@azure/msal-node";

// Those made so far: what a client keeps, it keeps from one question to the next.
const clients = new Map();

function once(question, make) {
  const key = `${question.Library.replace("claims", "msal")} ${question.Selector}`;
  if (!clients.has(key)) clients.set(key, make());
  return clients.get(key);
}

function credentialFor({ Library, Selector }) {
  const [by, value] = Selector.split(/=(.*)/s);
  const names = { client_id: "clientId", object_id: "objectId", resource_id: "resourceId" };
  switch (Library) {
    case "default":
      if (by === "object_id") throw new TypeError("DefaultAzureCredential has no option for object_id");
      return new DefaultAzureCredential({ client_id: { managedIdentityClientId: value }, resource_id: { managedIdentityResourceId: value } }[by]);
    case "workload":
      return new WorkloadIdentityCredential(by === "client_id" ? { clientId: value } : {});
  }
  return by === "none" ? new ManagedIdentityCredential() : new ManagedIdentityCredential({ [names[by]]: value });
}

function managed({ Selector }) {
  const [by, value] = Selector.split(/=(.*)/s);
  const names = { client_id: "userAssignedClientId", object_id: "userAssignedObjectId", resource_id: "userAssignedResourceId" };
  return new ManagedIdentityApplication(by === "none" ? {} : { managedIdentityIdParams: { [names[by]]: value } });
}

// MSAL's own requests pass by the proxy variables in Node until 22.21; this is its option for others.
async function send(method, url, { headers, body } = {}) {
  const request = createPipelineRequest({ url, method, body, headers: createHttpHeaders(headers) });
  const answer = await createPipelineFromOptions({}).sendRequest(createDefaultHttpClient(), request);
  return { headers: answer.headers.toJSON(), body: JSON.parse(answer.bodyAsText), status: answer.status };
}

const networkClient = {
  sendGetRequestAsync: (url, options) => send("GET", url, options),
  sendPostRequestAsync: (url, options) => send("POST", url, options),
};

// MSAL has no source for workload identity, but a confidential client with an assertion.
function confidential({ Selector }) {
  const [by, value] = Selector.split(/=(.*)/s);
  if (by === "object_id" || by === "resource_id") throw new TypeError("a confidential client is named by its client id only");
  const env = process.env;
  return new ConfidentialClientApplication({
    system: { networkClient },
    auth: {
      clientId: value ?? env.AZURE_CLIENT_ID,
      authority: `${env.AZURE_AUTHORITY_HOST.replace(/\/$/, "")}/${env.AZURE_TENANT_ID}`,
      clientAssertion: async () => readFileSync(env.AZURE_FEDERATED_TOKEN_FILE, "ascii"),
    },
  });
}

async function byMSAL(question) {
  const got = process.env.AZURE_FEDERATED_TOKEN_FILE
    ? await once(question, () => confidential(question)).acquireTokenByClientCredential({ scopes: [`${question.Resource}/.default`] })
    : await once(question, () => managed(question)).acquireToken({ resource: question.Resource, claims: question.Claims || undefined });
  return said(got.accessToken, got.expiresOn.getTime());
}

// Asks IMDS, without any client, until it is told to wait.
async function crowd() {
  const url = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=none";
  while ((await fetch(url, { headers: { Metadata: "true" } })).status !== 429);
  return {};
}

function said(token, expires) {
  return { claims: JSON.parse(Buffer.from(token.split(".")[1], "base64url")), expires: Math.floor(expires / 1000) };
}

async function ask(question) {
  switch (question.Library) {
    case "msal":
    case "claims":
      return byMSAL(question);
    case "crowd":
      return crowd();
    case "secret": {
      const client = once(question, () => new SecretClient(process.env.VAULT, credentialFor(question)));
      return { value: (await client.getSecret(process.env.SECRET)).value };
    }
  }
  const got = await once(question, () => credentialFor(question)).getToken(`${question.Resource}/.default`);
  return said(got.token, got.expiresOnTimestamp);
}

for await (const line of createInterface({ input: process.stdin })) {
  const start = performance.now();
  let answer;
  try {
    answer = await ask(JSON.parse(line));
  } catch (error) {
    answer = { error: error.name, message: error.message };
  }
  console.log(JSON.stringify({ ...answer, milliseconds: Math.round(performance.now() - start) }));
}
process.exit(0);
