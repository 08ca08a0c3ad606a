package msi

import (
	"net/http"

	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

var (
	contentType = []string{"application/json; charset=utf-8"}
	noStore     = []string{"no-store"}
)

// token answers one request for a token.
func (d *Door) token(w http.ResponseWriter, r *http.Request) error {
	if err := d.direct(r); err != nil {
		return err
	}
	replica, err := d.caller(r)
	if err != nil {
		return err
	}
	g, err := d.order(r, replica)
	if err != nil {
		httpkit.Note(r.Context(), httpkit.KeyApp, replica.App)
		return err
	}
	g.facts.note(r.Context())
	b := g.body(d.now())
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Content-Length"] = contentType, noStore, b.length
	_, err = w.Write(b.bytes)
	return err
}

// order gives the grant that a replica asks for.
func (d *Door) order(r *http.Request, replica *host.Replica) (*grant, error) {
	a, err := readQuery(r.URL.RawQuery)
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return nil, err
	}
	who, err := d.choose(replica, a)
	if err != nil {
		return nil, err
	}
	if _, ok := d.Directory.Audience(a.resource); !ok {
		httpkit.Note(r.Context(), httpkit.KeyIdentity, who.Resource)
		httpkit.Note(r.Context(), httpkit.KeyAudience, fault.Clip(a.resource))
		// Azure answers 500, which clients try again in vain; the reason is Entra's own.
		return nil, refuse("AADSTS500011: The resource principal named %s was not found in the tenant.", fault.Clip(a.resource)).
			Try("ask for the resource exactly as its service documents it, e.g. https://vault.azure.net")
	}
	return d.shelves.grant(r.Context(), d, replica, who, a.resource)
}
