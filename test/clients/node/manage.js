// Makes, reads, changes, lists and deletes what its arguments name, with the JavaScript SDK's
// management clients as they are: identities, groups, locks, roles, secrets.

import { AuthorizationManagementClient } from "@azure/arm-authorization";
import { ManagementLockClient } from "@azure/arm-locks";
import { ManagedServiceIdentityClient } from "@azure/arm-msi";
import { ResourceManagementClient } from "@azure/arm-resources";
import { ManagedIdentityCredential } from "@azure/identity";
import { SecretClient } from "@azure/keyvault-secrets";

const { SUBSCRIPTION: subscription, GROUP: group, VAULT: vault, VAULT_ID: vaultId } = process.env;
const nobody = "11111111-2222-4333-8444-555555555555";
const location = "local";
const credential = new ManagedIdentityCredential();

// Does one thing and prints what came of it: a word, or status and code of the refusal.
async function step(name, act) {
  let said;
  try {
    said = (await act()) ?? "done";
  } catch (error) {
    if (!error.statusCode) throw error;
    said = `${error.statusCode} ${error.code}`;
  }
  console.log(JSON.stringify({ step: name, said }));
}

// Says that something went well which has nothing to tell.
async function done(promise) {
  await promise;
}

async function names(list, name = (item) => item.name) {
  const all = [];
  for await (const item of list) all.push(name(item));
  return all.sort().join(" ");
}

// Counts what a list holds, and the pages it came in.
async function pages(list, what) {
  let [items, count] = [0, 0];
  for await (const page of list.byPage()) {
    items += page.length;
    count++;
  }
  return `${items} ${what} on ${count} pages`;
}

const five = [0, 1, 2, 3, 4].map((n) => `page-${n}`);

async function each(all, act) {
  for (const one of all) await act(one);
}

async function identities() {
  const client = new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities;
  let made;
  await step("create an identity", async () => {
    made = await client.createOrUpdate(group, "made", { location });
    return `${made.name} in ${made.location}`;
  });
  await step("read the identity", async () =>
    (await client.get(group, "made")).principalId === made.principalId ? "the same principal" : "another principal");
  await step("patch the identity", async () => `team ${(await client.update(group, "made", { tags: { team: "blue" } })).tags.team}`);
  await step("list the group's identities", () => names(client.listByResourceGroup(group)));
  await step("list the subscription's identities", () => names(client.listBySubscription()));
  await step("delete the identity", () => done(client.delete(group, "made")));
  await step("read the deleted identity", () => done(client.get(group, "made")));
}

async function groups() {
  const client = new ResourceManagementClient(credential, subscription).resourceGroups;
  const exists = async () => String((await client.checkExistence("page-0")).body);
  await step("create five groups", () => each(five, (name) => client.createOrUpdate(name, { location })));
  await step("list groups by pages of two", () => pages(client.list({ top: 2 }), "groups"));
  await step("patch a group", async () => `team ${(await client.update("page-0", { tags: { team: "blue" } })).tags.team}`);
  await step("see whether a group exists", exists);
  await step("delete the groups", () => each(five, (name) => client.delete(name)));
  await step("see whether a deleted group exists", exists);
  await step("read a deleted group", () => done(client.get("page-0")));
}

async function locks() {
  const client = new ManagementLockClient(credential, subscription).managementLocks;
  const kept = new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities;
  const scope = `/subscriptions/${subscription}/resourceGroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/kept`;
  await step("create what is to be kept", () => done(kept.createOrUpdate(group, "kept", { location })));
  await step("lock it", async () => (await client.createOrUpdateByScope(scope, "keep", { level: "CanNotDelete", notes: "keep this" })).level);
  await step("list its locks", () => names(client.listByScope(scope)));
  await step("delete what is locked", () => done(kept.delete(group, "kept")));
  await step("unlock it", () => done(client.deleteByScope(scope, "keep")));
  await step("delete what was locked", () => done(kept.delete(group, "kept")));
}

async function roles() {
  const client = new AuthorizationManagementClient(credential, subscription);
  const resources = new ManagedServiceIdentityClient(credential, subscription).userAssignedIdentities;
  let role, granted;
  await step("find a role by its name", async () => {
    for await (role of client.roleDefinitions.list(vaultId, { filter: "roleName eq 'Key Vault Secrets User'" }));
    return role.name;
  });
  await step("create who is to be granted it", async () => {
    granted = await resources.createOrUpdate(group, "granted", { location });
  });
  await grants(client.roleAssignments, role.id, granted.principalId);
  await step("delete who was granted it", () => done(resources.delete(group, "granted")));
  await ownRole(client.roleDefinitions);
}

async function grants(client, roleDefinitionId, principal) {
  const [name, other, nobodys] = [1, 2, 3].map((n) => `0f0f0f0f-0000-4000-8000-00000000000${n}`);
  const grant = (as, principalId) => client.create(vaultId, as, { roleDefinitionId, principalId });
  await step("grant it", async () => (await grant(name, principal)).principalType);
  await step("grant it twice", () => done(grant(other, principal)));
  await step("grant it to nobody", () => done(grant(nobodys, nobody)));
  await step("read the grant", async () =>
    (await client.get(vaultId, name)).principalId === principal ? "the same principal" : "another principal");
  await step("list the principal's grants", () => names(client.listForSubscription({ filter: `principalId eq '${principal}'` })));
  await step("take the grant away", () => done(client.delete(vaultId, name)));
  await step("read the grant that is gone", () => done(client.get(vaultId, name)));
}

async function ownRole(client) {
  const [scope, name] = [`/subscriptions/${subscription}`, "0f0f0f0f-0000-4000-8000-000000000004"];
  const role = {
    roleName: "Group Watcher",
    roleType: "CustomRole",
    assignableScopes: [scope],
    permissions: [{ actions: ["Microsoft.Resources/subscriptions/resourceGroups/read"] }],
  };
  await step("make a role", async () => (await client.createOrUpdate(scope, name, role)).roleType);
  await step("list the roles made", () => names(client.list(scope, { filter: "type eq 'CustomRole'" }), (made) => made.roleName));
  await step("delete the role", () => done(client.delete(scope, name)));
  await step("read the deleted role", () => done(client.get(scope, name)));
}

async function secrets() {
  const client = new SecretClient(vault, credential);
  await step("set thirty secrets", () => each([...Array(30).keys()], (n) => client.setSecret(`many-${n}`, "v")));
  await step("list secrets", () => pages(client.listPropertiesOfSecrets(), "secrets"));
  await step("set a secret again", () => done(client.setSecret("many-0", "w")));
  await step("list its versions", async () => {
    let count = 0;
    for await (const _ of client.listPropertiesOfSecretVersions("many-0")) count++;
    return String(count);
  });
  await step("change its content type", async () => {
    const { version } = (await client.getSecret("many-0")).properties;
    return (await client.updateSecretProperties("many-0", version, { contentType: "text/plain" })).contentType;
  });
  await step("delete it", async () => done((await client.beginDeleteSecret("many-0")).pollUntilDone()));
  await step("read the deleted secret", () => done(client.getSecret("many-0")));
  await step("recover it", async () => {
    await (await client.beginRecoverDeletedSecret("many-0")).pollUntilDone();
    return (await client.getSecret("many-0")).value;
  });
}

for (const part of process.argv.slice(2)) await { identities, groups, locks, roles, secrets }[part]();
