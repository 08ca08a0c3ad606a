"""Makes, reads, changes, lists and deletes what its arguments name, with the Python SDK's
management clients as they are: identities, groups, locks, roles, secrets."""

import json
import os
import sys

from azure.core.exceptions import HttpResponseError
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from azure.mgmt.authorization import AuthorizationManagementClient
from azure.mgmt.msi import ManagedServiceIdentityClient
from azure.mgmt.resource.locks import ManagementLockClient
from azure.mgmt.resource.resources import ResourceManagementClient

SUBSCRIPTION, GROUP = os.environ["SUBSCRIPTION"], os.environ["GROUP"]
VAULT, VAULT_ID = os.environ["VAULT"], os.environ["VAULT_ID"]
NOBODY = "11111111-2222-4333-8444-555555555555"
credential = ManagedIdentityCredential()


def step(name, do):
    """Does one thing and prints what came of it: a word, or status and code of the refusal."""
    try:
        said = do()
    except HttpResponseError as refused:
        said = f"{refused.status_code} {refused.error.code if refused.error else ''}".strip()
    print(json.dumps({"step": name, "said": said}), flush=True)


def done(call):
    """Says that something went well which has nothing to tell."""
    return lambda: (call(), "done")[1]


def names(items):
    return " ".join(sorted(item.name for item in items))


def pages(listing, what):
    """Counts what a list holds, and the pages it came in."""
    sizes = [len(list(page)) for page in listing.by_page()]
    return f"{sum(sizes)} {what} on {len(sizes)} pages"


def identities():
    client = ManagedServiceIdentityClient(credential, SUBSCRIPTION).user_assigned_identities
    made = {}

    def create():
        made["it"] = client.create_or_update(GROUP, "made", {"location": "local"})
        return f"{made['it'].name} in {made['it'].location}"

    def read():
        return "the same principal" if client.get(GROUP, "made").principal_id == made["it"].principal_id else "another principal"

    step("create an identity", create)
    step("read the identity", read)
    step("patch the identity", lambda: "team " + client.update(GROUP, "made", {"tags": {"team": "blue"}}).tags["team"])
    step("list the group's identities", lambda: names(client.list_by_resource_group(GROUP)))
    step("list the subscription's identities", lambda: names(client.list_by_subscription()))
    step("delete the identity", done(lambda: client.delete(GROUP, "made")))
    step("read the deleted identity", done(lambda: client.get(GROUP, "made")))


def groups():
    client = ResourceManagementClient(credential, SUBSCRIPTION).resource_groups
    five = [f"page-{n}" for n in range(5)]
    step("create five groups", done(lambda: [client.create_or_update(name, {"location": "local"}) for name in five]))
    step("list groups by pages of two", lambda: pages(client.list(top=2), "groups"))
    step("patch a group", lambda: "team " + client.update("page-0", {"tags": {"team": "blue"}}).tags["team"])
    step("see whether a group exists", lambda: str(client.check_existence("page-0")).lower())
    step("delete the groups", done(lambda: [client.begin_delete(name).result() for name in five]))
    step("see whether a deleted group exists", lambda: str(client.check_existence("page-0")).lower())
    step("read a deleted group", done(lambda: client.get("page-0")))


def locks():
    client = ManagementLockClient(credential, SUBSCRIPTION).management_locks
    kept = ManagedServiceIdentityClient(credential, SUBSCRIPTION).user_assigned_identities
    scope = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/kept"
    lock = {"properties": {"level": "CanNotDelete", "notes": "keep this"}}
    step("create what is to be kept", done(lambda: kept.create_or_update(GROUP, "kept", {"location": "local"})))
    step("lock it", lambda: client.create_or_update_by_scope(scope, "keep", lock).level)
    step("list its locks", lambda: names(client.list_by_scope(scope)))
    step("delete what is locked", done(lambda: kept.delete(GROUP, "kept")))
    step("unlock it", done(lambda: client.delete_by_scope(scope, "keep")))
    step("delete what was locked", done(lambda: kept.delete(GROUP, "kept")))


def roles():
    client = AuthorizationManagementClient(credential, SUBSCRIPTION)
    resources = ManagedServiceIdentityClient(credential, SUBSCRIPTION).user_assigned_identities
    found = list(client.role_definitions.list(VAULT_ID, filter="roleName eq 'Key Vault Secrets User'"))
    step("find a role by its name", lambda: " ".join(role.name for role in found))
    granted = resources.create_or_update(GROUP, "granted", {"location": "local"})
    step("create who is to be granted it", lambda: "done")
    grants(client.role_assignments, found[0].id, granted.principal_id)
    step("delete who was granted it", done(lambda: resources.delete(GROUP, "granted")))
    own_role(client.role_definitions)


def grants(client, role, principal):
    names_of = [f"0f0f0f0f-0000-4000-8000-00000000000{n}" for n in (1, 2, 3)]

    def grant(name, to):
        return client.create(VAULT_ID, name, {"properties": {"roleDefinitionId": role, "principalId": to}})

    def read():
        return "the same principal" if client.get(VAULT_ID, names_of[0]).principal_id == principal else "another principal"

    step("grant it", lambda: grant(names_of[0], principal).principal_type)
    step("grant it twice", done(lambda: grant(names_of[1], principal)))
    step("grant it to nobody", done(lambda: grant(names_of[2], NOBODY)))
    step("read the grant", read)
    step("list the principal's grants", lambda: names(client.list_for_subscription(filter=f"principalId eq '{principal}'")))
    step("take the grant away", done(lambda: client.delete(VAULT_ID, names_of[0])))
    step("read the grant that is gone", done(lambda: client.get(VAULT_ID, names_of[0])))


def own_role(client):
    scope, name = f"/subscriptions/{SUBSCRIPTION}", "0f0f0f0f-0000-4000-8000-000000000004"
    role = {
        "properties": {
            "roleName": "Group Watcher",
            "type": "CustomRole",
            "assignableScopes": [scope],
            "permissions": [{"actions": ["Microsoft.Resources/subscriptions/resourceGroups/read"]}],
        }
    }
    step("make a role", lambda: client.create_or_update(scope, name, role).role_type)
    step("list the roles made", lambda: " ".join(made.role_name for made in client.list(scope, filter="type eq 'CustomRole'")))
    step("delete the role", done(lambda: client.delete(scope, name)))
    step("read the deleted role", done(lambda: client.get(scope, name)))


def secrets():
    client = SecretClient(VAULT, credential)
    step("set thirty secrets", done(lambda: [client.set_secret(f"many-{n}", "v") for n in range(30)]))
    step("list secrets", lambda: pages(client.list_properties_of_secrets(), "secrets"))
    step("set a secret again", done(lambda: client.set_secret("many-0", "w")))
    step("list its versions", lambda: str(len(list(client.list_properties_of_secret_versions("many-0")))))
    step("change its content type", lambda: client.update_secret_properties("many-0", content_type="text/plain").content_type)
    step("delete it", done(lambda: client.begin_delete_secret("many-0").wait()))
    step("read the deleted secret", done(lambda: client.get_secret("many-0")))
    step("recover it", lambda: (client.begin_recover_deleted_secret("many-0").wait(), client.get_secret("many-0").value)[1])


for argument in sys.argv[1:]:
    {"identities": identities, "groups": groups, "locks": locks, "roles": roles, "secrets": secrets}[argument]()
