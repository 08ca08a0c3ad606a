package msi

import (
	"encoding/json"
	"net/http"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

var (
	contentType = []string{"application/json; charset=utf-8"}
	noStore     = []string{"no-store"}
)

// serving gives the answer to a call whose replica is known.
type serving func(w http.ResponseWriter, r *http.Request, c *call) error

// answer makes a handler of who calls and what they get.
func (d *Door) answer(who identify, serve serving) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		c, _ := d.calls.Get().(*call)
		if c == nil {
			c = new(call)
		}
		defer d.calls.Put(c)
		*c = call{from: r.RemoteAddr}
		err := d.admit(r, who, c)
		if err == nil {
			err = d.limited(w, r, serve, c)
		}
		if c.replica != nil {
			httpkit.Note(r.Context(), httpkit.KeyReplica, c.replica)
		}
		if err != nil {
			d.refused(r, c, err)
		}
		return err
	}
}

// admit finds out who calls, and whether they may ask at all.
func (d *Door) admit(r *http.Request, who identify, c *call) error {
	if err := d.direct(r); err != nil {
		return err
	}
	if err := who(r, c); err != nil {
		return err
	}
	if c.replica.MSIDisabled { // TK-7
		return refuse("The app's token service is turned off by WEBSITE_DISABLE_MSI.").Try("take WEBSITE_DISABLE_MSI out of the app's environment")
	}
	return nil
}

// limited serves within the limits that callers of IMDS have.
func (d *Door) limited(w http.ResponseWriter, r *http.Request, serve serving, c *call) error {
	if c.header == "" && spoken(c.replica)[0].limited {
		leave, err := d.enter(c.replica)
		if err != nil {
			return err
		}
		defer leave()
	}
	return serve(w, r, c)
}

// token answers a request for a token.
func (d *Door) token(w http.ResponseWriter, r *http.Request, c *call) error {
	e, err := d.order(r, c)
	if err != nil {
		httpkit.Note(r.Context(), httpkit.KeyApp, c.replica.App)
		return err
	}
	e.facts.note(r.Context())
	d.delivers(c, e)
	b := e.body(d.now(), c.protocol.keyed)
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["Content-Length"] = contentType, noStore, b.length
	_, err = w.Write(b.bytes)
	return err
}

// understand reads what a call asks for, and in which protocol.
func (d *Door) understand(r *http.Request, c *call) error {
	among := appService
	if c.header == "" {
		among = spoken(c.replica)
	}
	var err error
	if c.ask, err = readQuery(r.URL.RawQuery); err != nil {
		return err
	}
	if c.protocol, err = among.protocol(c.ask.version); err != nil {
		return err
	}
	c.ask.capable = c.ask.capable && c.protocol.renews
	if c.protocol.header != c.header {
		return wrongHeader(c.protocol.header)
	}
	return nil
}

// order gives the cache entry that a call asks for.
func (d *Door) order(r *http.Request, c *call) (*entry, error) {
	if err := d.understand(r, c); err != nil {
		return nil, err
	}
	if err := c.ask.check(c.protocol); err != nil {
		return nil, err
	}
	if c.protocol.keyed {
		if err := d.unlock(r, c); err != nil {
			return nil, err
		}
	}
	who, err := d.choose(c.protocol, c.replica, c.ask)
	if err != nil {
		return nil, err
	}
	c.who = who
	if _, ok := d.Directory.Audience(c.ask.resource); !ok {
		httpkit.Note(r.Context(), httpkit.KeyIdentity, who.Resource)
		httpkit.Note(r.Context(), httpkit.KeyAudience, fault.Clip(c.ask.resource))
		// App Service answers 500, which clients try again in vain; the reason is Entra's own.
		return nil, fault.New(fault.Invalid, codeResource, "AADSTS500011: The resource principal named %s was not found in the tenant.", fault.Clip(c.ask.resource)).
			Try("ask for the resource exactly as its service documents it, e.g. https://vault.azure.net")
	}
	return d.cache.entry(r.Context(), d, c)
}

// info says which tenant the identities are in, as IMDS does.
func (d *Door) info(w http.ResponseWriter, r *http.Request, c *call) error {
	if err := d.understand(r, c); err != nil {
		return err
	}
	var tenant cloud.TenantID
	for _, id := range d.worn(c.replica) {
		if id.Lifecycle.Opens(c.replica.Init) {
			tenant = id.Tenant
		}
	}
	if tenant == "" {
		return d.unassigned(c.protocol, c.replica, ask{})
	}
	text, err := json.Marshal(map[string]cloud.TenantID{"tenantId": tenant})
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"], h["Cache-Control"] = contentType, noStore
	_, err = w.Write(text)
	return err
}
