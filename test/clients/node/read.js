// Reads one secret by each of the credentials named, with the JavaScript SDK as it is.

import { DefaultAzureCredential, ManagedIdentityCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

// The credential of a word: system, client=ID, object=ID, resource=ID, default, audience=SCOPE.
function credentialFor(word) {
  const [kind, value] = word.split(/=(.*)/s);
  switch (kind) {
    case "default":
      return new DefaultAzureCredential();
    case "system":
      return new ManagedIdentityCredential();
    case "client":
      return new ManagedIdentityCredential({ clientId: value });
    case "object":
      return new ManagedIdentityCredential({ objectId: value });
    case "resource":
      return new ManagedIdentityCredential({ resourceId: value });
    case "audience": {
      // Asks for one scope, whatever the client wants.
      const credential = new ManagedIdentityCredential();
      return { getToken: (_, options) => credential.getToken(value, options) };
    }
  }
  throw new Error(`no credential is called ${word}`);
}

// One line of output.
async function read(word) {
  const start = performance.now();
  const answer = { as: word };
  try {
    const client = new SecretClient(process.env.VAULT, credentialFor(word));
    answer.value = (await client.getSecret(process.env.SECRET)).value;
  } catch (error) {
    const inner = error.details?.error?.innerError?.code;
    Object.assign(answer, { error: error.name, status: error.statusCode, code: error.code, inner, message: error.message });
  }
  return { ...answer, milliseconds: Math.round(performance.now() - start) };
}

for (const word of process.argv.slice(2)) console.log(JSON.stringify(await read(word)));
