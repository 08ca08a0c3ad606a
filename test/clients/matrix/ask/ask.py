"""Asks for tokens by each way that a line of its standard input names, with the Python clients as they
are, and prints what came of each as a line of JSON."""

import base64
import json
import os
import sys
import time

import msal
import requests
from azure.identity import __version__ as VERSION
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential, WorkloadIdentityCredential
from azure.keyvault.secrets import SecretClient

clients = {}  # those made so far: what a client keeps, it keeps from one question to the next


class Refused(Exception):
    """What MSAL tells as a dictionary: its error, and the description."""


def once(question, make):
    key = question["Library"].replace("claims", "msal"), question["Selector"]
    if key not in clients:
        clients[key] = make(question)
    return clients[key]


def resource_name():
    """Until 1.17 the name stands in the request as it is given, so that it is the host's to choose."""
    if tuple(map(int, VERSION.split(".")[:2])) > (1, 17):
        return "resource_id"
    return "mi_res_id" if "IDENTITY_HEADER" in os.environ else "msi_res_id"


def credential_for(question):
    by, _, value = question["Selector"].partition("=")
    match question["Library"]:
        case "default":
            if by in ("object_id", "resource_id"):
                raise TypeError("DefaultAzureCredential has no option for " + by)
            return DefaultAzureCredential(**({"managed_identity_client_id": value} if value else {}))
        case "workload":
            return WorkloadIdentityCredential(**({by: value} if by == "client_id" else {}))
    match by:
        case "client_id":
            return ManagedIdentityCredential(client_id=value)
        case "object_id":
            return ManagedIdentityCredential(identity_config={by: value})
        case "resource_id":
            return ManagedIdentityCredential(identity_config={resource_name(): value})
    return ManagedIdentityCredential()


def by_msal(question):
    """Asks MSAL, whose users pass a session of requests."""
    if "AZURE_FEDERATED_TOKEN_FILE" in os.environ:
        got = once(question, confidential).acquire_token_for_client([question["Resource"] + "/.default"])
    else:
        claims = {"claims_challenge": question["Claims"]} if question["Library"] == "claims" else {}
        got = once(question, managed).acquire_token_for_client(resource=question["Resource"], **claims)
    if "access_token" not in got:
        raise Refused(got.get("error"), got.get("error_description"))
    return said(got["access_token"], time.time() + int(got["expires_in"]))


def managed(question):
    by, _, value = question["Selector"].partition("=")
    identity = {
        "client_id": lambda: msal.UserAssignedManagedIdentity(client_id=value),
        "object_id": lambda: msal.UserAssignedManagedIdentity(object_id=value),
        "resource_id": lambda: msal.UserAssignedManagedIdentity(resource_id=value),
        "none": msal.SystemAssignedManagedIdentity,
    }[by]()
    return msal.ManagedIdentityClient(identity, http_client=requests.Session())


def confidential(question):
    """MSAL has no source for workload identity, but a confidential client with an assertion."""
    by, _, value = question["Selector"].partition("=")
    if by in ("object_id", "resource_id"):
        raise ValueError("a confidential client is named by its client id only")

    def assertion():
        with open(os.environ["AZURE_FEDERATED_TOKEN_FILE"], encoding="ascii") as file:
            return file.read()

    return msal.ConfidentialClientApplication(
        value or os.environ["AZURE_CLIENT_ID"],
        authority=os.environ["AZURE_AUTHORITY_HOST"].rstrip("/") + "/" + os.environ["AZURE_TENANT_ID"],
        client_credential={"client_assertion": assertion},
    )


def crowd():
    """Asks IMDS, without any client, until it is told to wait."""
    url = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=none"
    with requests.Session() as session:
        while session.get(url, headers={"Metadata": "true"}).status_code != 429:
            pass


def said(token, expires):
    claims = token.split(".")[1]
    return {"claims": json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4))), "expires": int(expires)}


def ask(question):
    match question["Library"]:
        case "msal" | "claims":
            return by_msal(question)
        case "crowd":
            return crowd() or {}
        case "secret":
            client = once(question, lambda q: SecretClient(os.environ["VAULT"], credential_for(q)))
            return {"value": client.get_secret(os.environ["SECRET"]).value}
    got = once(question, credential_for).get_token(question["Resource"] + "/.default")
    return said(got.token, got.expires_on)


for line in sys.stdin:
    start = time.monotonic()
    try:
        answer = ask(json.loads(line))
    except Refused as refused:
        answer = {"error": f"error {refused.args[0]}", "message": str(refused.args[1])}
    except Exception as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    answer["milliseconds"] = round((time.monotonic() - start) * 1000)
    print(json.dumps(answer), flush=True)
