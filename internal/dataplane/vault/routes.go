package vault

import (
	"net/http"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// The data actions of secrets (Azure's resource provider operations of Microsoft.KeyVault).
const (
	actionSet     = "Microsoft.KeyVault/vaults/secrets/setSecret/action"
	actionGet     = "Microsoft.KeyVault/vaults/secrets/getSecret/action"
	actionRead    = "Microsoft.KeyVault/vaults/secrets/readMetadata/action"
	actionUpdate  = "Microsoft.KeyVault/vaults/secrets/update/action"
	actionDelete  = "Microsoft.KeyVault/vaults/secrets/delete"
	actionRecover = "Microsoft.KeyVault/vaults/secrets/recover/action"
	actionPurge   = "Microsoft.KeyVault/vaults/secrets/purge/action"
)

// Routes adds the door's routes. They are those of the secrets API (specs: keyvault/data-plane
// secrets.json); what the service has besides is answered as not offered.
func (d *Door) Routes(mux *http.ServeMux) {
	door := httpkit.Door{Name: "vault", Speak: Speak, Log: d.Log, Now: d.Now, MaxBody: maxBody}
	for _, route := range []struct {
		pattern string
		action  string
		handler handler
	}{
		{"PUT /secrets/{name}", actionSet, d.set},
		{"GET /secrets/{name}", actionGet, d.get},
		{"GET /secrets/{name}/{$}", actionGet, d.get},
		{"GET /secrets/{name}/{version}", actionGet, d.get},
		{"PATCH /secrets/{name}", actionUpdate, d.update},
		{"PATCH /secrets/{name}/{$}", actionUpdate, d.update},
		{"PATCH /secrets/{name}/{version}", actionUpdate, d.update},
		{"DELETE /secrets/{name}", actionDelete, d.delete},
		{"GET /secrets", actionRead, d.list},
		{"GET /secrets/{name}/versions", actionRead, d.listVersions},
		{"GET /deletedsecrets", actionRead, d.listDeleted},
		{"GET /deletedsecrets/{name}", actionRead, d.getDeleted},
		{"POST /deletedsecrets/{name}/recover", actionRecover, d.recover},
		{"DELETE /deletedsecrets/{name}", actionPurge, d.purge},

		{"POST /secrets/{name}/backup", "", notOffered("backups of secrets")},
		{"POST /secrets/restore", "", notOffered("restoring backups of secrets")},
		{"/keys", "", notOffered("keys")},
		{"/keys/", "", notOffered("keys")},
		{"/deletedkeys", "", notOffered("keys")},
		{"/deletedkeys/", "", notOffered("keys")},
		{"/certificates", "", notOffered("certificates")},
		{"/certificates/", "", notOffered("certificates")},
		{"/deletedcertificates", "", notOffered("certificates")},
		{"/deletedcertificates/", "", notOffered("certificates")},
		{"/storage", "", notOffered("managed storage accounts")},
		{"/storage/", "", notOffered("managed storage accounts")},
		{"/", "", nowhere},
	} {
		mux.Handle(route.pattern, door.Serve(d.enter(route.action, route.handler)))
	}
}

func notOffered(what string) handler {
	return func(http.ResponseWriter, *http.Request, *call) error {
		return fault.New(fault.NotOffered, "NotImplemented", "Lanyard's vaults hold secrets only: they do not offer %s.", what)
	}
}

// nowhere answers what no route takes, telling a wrong method from a wrong path.
func nowhere(_ http.ResponseWriter, r *http.Request, _ *call) error {
	first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if first == "secrets" || first == "deletedsecrets" {
		return fault.New(fault.WrongMethod, "MethodNotAllowed", "The secrets API has no operation %s on this path.", r.Method)
	}
	return fault.New(fault.NotFound, "ResourceNotFound", "The vault has nothing at this path.")
}
