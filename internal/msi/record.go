package msi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/issuer"
)

// retryAfter is after how many seconds one may ask again whose token's record could not be kept.
const retryAfter = "5"

// record keeps the record of a token that was minted for a call, and returns when it is kept for good.
// What is not recorded is not given out (T22).
func (d *Door) record(ctx context.Context, c *call, m issuer.Minted, audience string, at time.Time) error {
	if d.Record == nil {
		return nil
	}
	who := c.who
	err := d.Record(ctx, cloud.SignIn{
		Token: m.ID, Key: m.KeyID, Time: at, Expires: m.Expires,
		Principal: who.ID, Client: who.Client, Kind: who.Kind, Name: who.Name, Identity: who.Resource, App: c.replica.App,
		Replica: c.replica.Name, Audience: audience, Protocol: c.protocol.name, Process: c.process, Attested: c.attested, From: c.from,
	})
	if err == nil {
		return nil
	}
	return fault.New(fault.Unavailable, "RecordNotKept", "The record of this token could not be kept, so the token is not given out.").
		Because(err).With("Retry-After", retryAfter)
}

// delivers counts a delivery from memory: every one but that for which the token was minted.
func (d *Door) delivers(c *call, e *entry) {
	if d.Delivered != nil && !(!e.delivered.Load() && e.delivered.CompareAndSwap(false, true)) {
		d.Delivered(c.replica.Name, c.who.ID, 1)
	}
}

// refused keeps the record of a refusal. That Arc's key is wanted first is none.
func (d *Door) refused(r *http.Request, c *call, err error) {
	f := fault.Of(err)
	if d.Refused == nil || r.Context().Err() != nil || f.Code == codeKey && f.Header[challenge] != "" {
		return
	}
	one := cloud.Refused{
		Time: d.now(), Principal: c.who.ID, Client: c.who.Client, Audience: fault.Clip(c.ask.resource), Process: c.process,
		From: c.from, Status: f.Kind.Status(), Code: f.Code, Reason: cmp.Or(cause(f), f.Public),
	}
	if c.protocol != nil {
		one.Protocol = c.protocol.name
	}
	if c.replica != nil {
		one.App, one.Replica = c.replica.App, c.replica.Name
	}
	d.Refused(one)
}

// cause is what the log says of a fault beyond what the client is told.
func cause(f *fault.Error) string {
	if f.Err == nil {
		return ""
	}
	return fault.Clip(f.Public + " " + f.Err.Error())
}
