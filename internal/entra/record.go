package entra

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/issuer"
)

// protocol names what a request asked with, in records.
func (c call) protocol() string {
	name := strings.TrimPrefix(c.grant, "urn:ietf:params:oauth:grant-type:")
	if name == "" {
		return "token"
	}
	return fault.Clip(name)
}

// record returns when the record of a token is kept. Without one nobody is given the token (T22).
func (d *Door) record(ctx context.Context, c call, o issuer.Order, minted issuer.Minted) error {
	if d.Record == nil {
		return nil
	}
	who, client := o.Principal, o.Principal.Client
	name := who.Name
	if who.Kind == cloud.User {
		name, client = who.SignIn, o.Through.Client
	}
	return d.Record(ctx, cloud.SignIn{
		Token: minted.ID, Key: minted.KeyID, Time: d.now(), Expires: minted.Expires,
		Principal: who.ID, Client: client, Kind: who.Kind, Name: name, Identity: who.Resource,
		Audience: o.Audience, Protocol: c.protocol(), From: c.from, Federated: c.federated,
	})
}

// refused keeps the record of a token that was asked for in vain. An app that waits for a person asks
// again and again, which is no refusal; nor is it one when the client has gone.
func (d *Door) refused(ctx context.Context, c call, err error) {
	f := fault.Of(err)
	code, how := spelled(f)
	if d.Refused == nil || ctx.Err() != nil || code == pending {
		return
	}
	who, _ := d.Directory.ByClient(cloud.ClientID(strings.ToLower(c.client)))
	audience := c.resource
	if c.version == v2 {
		audience = c.scope
	}
	d.Refused(cloud.Refused{
		Time: d.now(), Principal: who.ID, Client: cloud.ClientID(fault.Clip(c.client)), Audience: fault.Clip(audience),
		Protocol: c.protocol(), From: c.from, Status: how.status, Code: prefix + strconv.Itoa(code), Reason: f.Public,
	})
}

// mistaken keeps the record of a person who got no further on a page: wrong passwords, wrong codes.
func (d *Door) mistaken(r *http.Request, name string, err error) {
	f := fault.Of(err)
	code, how := spelled(f)
	if d.Refused == nil {
		return
	}
	who, _ := d.Directory.BySignIn(strings.ToLower(strings.TrimSpace(name)))
	d.Refused(cloud.Refused{
		Time: d.now(), Principal: who.ID, Protocol: "sign-in page", From: r.RemoteAddr, Status: how.status, Code: prefix + strconv.Itoa(code), Reason: f.Public,
	})
}
