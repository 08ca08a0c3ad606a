package entra

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

// granted is the answer of the v2.0 token endpoint (RFC 6749 section 5.1); its numbers are numbers.
type granted struct {
	Type      string `json:"token_type"`
	Expires   int64  `json:"expires_in"`
	Extended  int64  `json:"ext_expires_in"`
	AccessJWT string `json:"access_token"`
}

// grantedV1 is that of the v1 endpoint; its numbers are strings (wire-facts: "Token response").
type grantedV1 struct {
	Type      string `json:"token_type"`
	Expires   string `json:"expires_in"`
	Extended  string `json:"ext_expires_in"`
	ExpiresOn string `json:"expires_on"`
	NotBefore string `json:"not_before"`
	Resource  string `json:"resource"`
	AccessJWT string `json:"access_token"`
}

func (d *Door) grant(w http.ResponseWriter, r *http.Request) error {
	q, err := d.ask(r)
	if err != nil {
		return err
	}
	if q.scope == "" {
		return missing("scope")
	}
	resource, err := target(q.scope)
	if err != nil {
		return err
	}
	minted, err := d.mint(r.Context(), q, resource)
	if err != nil {
		return err
	}
	unstored(w, r)
	left := d.left(minted)
	return httpkit.WriteJSON(w, http.StatusOK, granted{Type: "Bearer", Expires: left, Extended: left, AccessJWT: minted.Token.Open()})
}

func (d *Door) grantV1(w http.ResponseWriter, r *http.Request) error {
	q, err := d.ask(r)
	if err != nil {
		return err
	}
	if q.resource == "" {
		return missing("resource")
	}
	minted, err := d.mint(r.Context(), q, q.resource)
	if err != nil {
		return err
	}
	unstored(w, r)
	left := strconv.FormatInt(d.left(minted), 10)
	return httpkit.WriteJSON(w, http.StatusOK, grantedV1{
		Type: "Bearer", Expires: left, Extended: left,
		ExpiresOn: strconv.FormatInt(minted.Expires.Unix(), 10), NotBefore: strconv.FormatInt(minted.Issued.Unix(), 10),
		Resource: q.resource, AccessJWT: minted.Token.Open(),
	})
}

// left gives the seconds for which a token will go on living.
func (d *Door) left(m issuer.Minted) int64 { return int64(m.Expires.Sub(d.now()) / time.Second) }

// ask reads a token request and holds it against what the endpoint offers.
func (d *Door) ask(r *http.Request) (request, error) {
	home, err := d.home(r)
	if err != nil {
		return request{}, err
	}
	if home != string(d.Tenant) {
		return request{}, refuse(50059, "No tenant-identifying information found in either the request or implied by any provided credentials.").
			Try("the tenant of this world, %s, in place of %s", d.Tenant, home)
	}
	q, err := read(r)
	if err != nil {
		return request{}, err
	}
	switch {
	case q.grant == "":
		return request{}, missing("grant_type")
	case q.grant != "client_credentials":
		return request{}, refuse(70003, "The app requested an unsupported grant type '%s'. Lanyard does not offer it; it offers client_credentials.", clip(q.grant))
	case q.client == "":
		return request{}, missing("client_id")
	}
	return q, nil
}

// mint finds out who is asking and gives them a token for the resource.
func (d *Door) mint(ctx context.Context, q request, resource string) (issuer.Minted, error) {
	client := cloud.ClientID(strings.ToLower(q.client))
	who, known := d.Directory.ByClient(client)
	if !known {
		return issuer.Minted{}, refuse(700016, "Application with identifier '%s' was not found in the directory '%s'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
			clip(q.client), d.Tenant)
	}
	httpkit.Note(ctx, httpkit.KeyCaller, string(who.ID))
	if err := d.prove(q, who); err != nil {
		return issuer.Minted{}, err
	}
	known = resource != ""
	var what directory.Resource
	if known {
		what, known = d.Directory.Audience(resource)
	}
	if !known {
		return issuer.Minted{}, refuse(500011, "The resource principal named %s was not found in the tenant named %s. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.",
			clip(resource), d.Tenant)
	}
	minted, err := d.Issuer.Mint(ctx, issuer.Order{Principal: who, Audience: what.Audience, Capabilities: q.capabilities})
	if err != nil {
		return issuer.Minted{}, err
	}
	httpkit.Note(ctx, httpkit.KeyAudience, what.Audience)
	httpkit.Note(ctx, httpkit.KeyTokenID, minted.ID)
	httpkit.Note(ctx, httpkit.KeyKeyID, minted.KeyID)
	return minted, nil
}

// prove holds the caller's credential against the directory's. A managed identity has none that
// anybody could present.
func (d *Door) prove(q request, who cloud.Principal) error {
	if q.assertion {
		return refuse(7000218, "The request body must contain the following parameter: 'client_secret'. Lanyard does not offer client_assertion: neither certificates nor federated credentials.")
	}
	if q.secret.IsZero() {
		return refuse(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	}
	err := d.Directory.CheckSecret(who, q.secret.Open())
	if err == nil && !who.Kind.IsManaged() {
		return nil
	}
	f := refuse(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", who.Client)
	if errors.Is(err, directory.ErrExpiredSecret) {
		f = refuse(7000222, "The provided client secret keys for app '%s' are expired.", who.Client)
	}
	if q.basic {
		f.With("WWW-Authenticate", `Basic realm="`+string(d.Tenant)+`"`)
	}
	return f.Because(err)
}
