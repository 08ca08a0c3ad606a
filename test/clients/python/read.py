"""Reads one secret by each of the credentials named, with the Python SDK as it is."""

import json
import os
import sys
import time

from azure.core.exceptions import HttpResponseError
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient


class Stubborn:
    """Asks for one scope, whatever the client wants."""

    def __init__(self, credential, scope):
        self.credential, self.scope = credential, scope

    def get_token(self, *_, **options):
        return self.credential.get_token(self.scope, **options)


def credential_for(word):
    """The credential of a word: system, client=ID, object=ID, resource=ID, default, audience=SCOPE."""
    kind, _, value = word.partition("=")
    match kind:
        case "default":
            return DefaultAzureCredential()
        case "system":
            return ManagedIdentityCredential()
        case "client":
            return ManagedIdentityCredential(client_id=value)
        case "object" | "resource":
            return ManagedIdentityCredential(identity_config={kind + "_id": value})
        case "audience":
            return Stubborn(ManagedIdentityCredential(), value)
    raise ValueError(f"no credential is called {word!r}")


def read(word):
    """One line of output."""
    start, answer = time.monotonic(), {"as": word}
    try:
        client = SecretClient(os.environ["VAULT"], credential_for(word))
        answer["value"] = client.get_secret(os.environ["SECRET"]).value
    except Exception as error:
        answer |= {"error": type(error).__name__, "message": str(error)}
        if isinstance(error, HttpResponseError) and error.response is not None:
            found = error.error
            answer |= {"status": error.status_code, "code": found.code if found else ""}
            answer |= {"inner": found.innererror["code"]} if found and found.innererror else {}
    return answer | {"milliseconds": round((time.monotonic() - start) * 1000)}


for argument in sys.argv[1:]:
    print(json.dumps(read(argument)), flush=True)
