package entra

import (
	"context"
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

// version tells the two token endpoints apart.
type version string

const (
	v1 version = "1.0"
	v2 version = "2.0"
)

// outcome is what a token request led to.
type outcome struct {
	access   issuer.Minted
	resource string // as it was asked for
	// What follows is of people alone.
	scopes  []string
	id      cloud.Sealed
	refresh cloud.Sealed
	who     *cloud.Principal // when the answer is to say who it was
	family  string
}

func (d *Door) grant(w http.ResponseWriter, r *http.Request) error {
	o, err := d.settle(r, v2)
	if err != nil {
		return err
	}
	return d.answer(w, r, o)
}

func (d *Door) grantV1(w http.ResponseWriter, r *http.Request) error {
	o, err := d.settle(r, v1)
	if err != nil {
		return err
	}
	return d.answerV1(w, r, o)
}

// settle reads a token request and answers it. Every refusal of a token passes here.
func (d *Door) settle(r *http.Request, v version) (o outcome, err error) {
	c := call{version: v, issuer: d.issuerOf(r, v), from: r.RemoteAddr}
	home, err := d.home(r)
	if err == nil {
		c.request, err = read(r)
	}
	if err == nil {
		o, err = d.grantBy(r.Context(), home, c)
	}
	if err != nil {
		d.refused(r.Context(), c, err)
	}
	return o, err
}

// grantBy does what the grant type of a request says.
func (d *Door) grantBy(ctx context.Context, home string, c call) (outcome, error) {
	switch c.grant {
	case "":
		return outcome{}, missing("grant_type")
	case "client_credentials":
		if home != string(d.Tenant) {
			return outcome{}, refuse(50059, "No tenant-identifying information found in either the request or implied by any provided credentials.").
				Try("the tenant of this world, %s, in place of %s", d.Tenant, home)
		}
		return d.grantApp(ctx, c)
	case "authorization_code":
		return d.redeem(ctx, c)
	case "refresh_token":
		return d.renew(ctx, c)
	case "device_code", "urn:ietf:params:oauth:grant-type:device_code":
		return d.poll(ctx, c)
	case "password":
		return outcome{}, refuse(70003, "The app requested an unsupported grant type 'password'. Lanyard takes a person's password on its sign-in page alone.").
			Try("az login --use-device-code")
	}
	return outcome{}, refuse(70003, "The app requested an unsupported grant type '%s'. Lanyard offers client_credentials, authorization_code, refresh_token and device_code.", fault.Clip(c.grant))
}

// call is a token request at one of the endpoints.
type call struct {
	request
	version version
	issuer  string // of id tokens
	from    string // the client's address
	// federated is the name of the federated credential by which the client proved who it is.
	federated string
}

// issuerOf gives the iss of id tokens, which is the issuer of the discovery document that goes with
// the endpoint.
func (d *Door) issuerOf(r *http.Request, v version) string {
	if v == v1 {
		return d.Profile.Issuer(d.Tenant)
	}
	return d.base(r) + "/" + string(d.Tenant) + "/v2.0"
}

// grantApp gives an application a token of its own.
func (d *Door) grantApp(ctx context.Context, c call) (outcome, error) {
	if c.client == "" {
		return outcome{}, missing("client_id")
	}
	resource := c.resource
	if c.version == v2 {
		if c.scope == "" {
			return outcome{}, missing("scope")
		}
		var err error
		if resource, err = target(c.scope); err != nil {
			return outcome{}, err
		}
	}
	if resource == "" {
		return outcome{}, missing("resource")
	}
	who, known := d.Directory.ByClient(cloud.ClientID(strings.ToLower(c.client)))
	if !known {
		return outcome{}, d.unknown(c.client)
	}
	httpkit.Note(ctx, httpkit.KeyCaller, string(who.ID))
	by, err := d.authenticate(ctx, c.request, who)
	if err != nil {
		return outcome{}, err
	}
	c.federated = by.federated
	order := issuer.Order{Principal: who, Capabilities: c.capabilities, ByCertificate: by.certificate}
	minted, err := d.mint(ctx, c, order, resource)
	return outcome{access: minted, resource: resource}, err
}

// mint orders a token for a resource, if there is such a thing, and keeps its record.
func (d *Door) mint(ctx context.Context, c call, order issuer.Order, resource string) (issuer.Minted, error) {
	what, err := d.find(resource)
	if err != nil {
		return issuer.Minted{}, err
	}
	order.Audience, order.Version = what.Audience, what.Version
	if d.Belonging != nil {
		order.Groups, order.Roles = d.Belonging(order.Principal.ID, what)
	}
	minted, err := d.Issuer.Mint(ctx, order)
	if err != nil {
		return issuer.Minted{}, err
	}
	httpkit.Note(ctx, httpkit.KeyAudience, what.Audience)
	httpkit.Note(ctx, httpkit.KeyTokenID, minted.ID)
	httpkit.Note(ctx, httpkit.KeyKeyID, minted.KeyID)
	return minted, d.record(ctx, c, order, minted)
}

// find gives the resource that tokens are asked for.
func (d *Door) find(resource string) (directory.Resource, error) {
	if resource != "" {
		if what, known := d.Directory.Audience(resource); known {
			return what, nil
		}
	}
	return directory.Resource{}, refuse(500011, "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
		fault.Clip(resource), d.Tenant)
}
