package telemetry

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"

	"lanyard/internal/cloud"
)

// signInSchema has the tables of sign-ins. What is looked for has a column of its own, in lower case;
// body is the record, JSON. Rows of the first two are numbered together, in the order in which they
// were written; the row of head has the last number. before is the SHA-256 digest of the record
// before and of that one's own before; that of the head covers all.
const signInSchema = `
create table if not exists head (one integer primary key check (one = 1), seq integer not null, digest blob not null);
insert or ignore into head values (1, 0, zeroblob(32));
create table if not exists signins (
	seq integer primary key,
	at integer not null, -- nanoseconds since 1970
	app text not null,
	principal text not null,
	client text not null,
	identity text not null,
	name text not null,
	before blob not null,
	body blob not null
);
create index if not exists signins_age on signins (at);
create table if not exists refused (
	seq integer primary key,
	at integer not null,
	app text not null,
	principal text not null,
	client text not null,
	identity text not null,
	name text not null,
	suppressed integer not null, -- how many like it were left out before
	body blob not null
);
create index if not exists refused_age on refused (at);
create table if not exists delivered (
	seq integer primary key,
	at integer not null, -- the minute's begin
	replica text not null,
	principal text not null,
	n integer not null
);
create index if not exists delivered_age on delivered (at);
`

const (
	readHead        = `select seq, digest from head`
	writeHead       = `update head set seq = ?, digest = ?`
	insertSignIn    = `insert into signins (seq, at, app, principal, client, identity, name, before, body) values (?,?,?,?,?,?,?,?,?)`
	insertRefused   = `insert into refused (seq, at, app, principal, client, identity, name, suppressed, body) values (?,?,?,?,?,?,?,?,?)`
	insertDelivered = `insert into delivered (at, replica, principal, n) values (?,?,?,?)`
)

// kind says which table a note is for.
type kind int

const (
	minted kind = iota
	refused
	delivered
)

// marks are what a note can be found by.
type marks struct{ app, principal, client, identity, name string }

// note is a row of one of the tables.
type note struct {
	marks
	kind  kind
	at    int64
	body  []byte
	count int64  // of what was left out, or delivered
	where string // the replica of a delivery
}

func (n note) weight() int { return 2*len(n.body) + 512 }

func noteOf(in cloud.SignIn) note {
	in.Time, in.Expires = in.Time.UTC(), in.Expires.UTC()
	return note{marks: marksOf(in), kind: minted, at: in.Time.UnixNano(), body: encode(in)}
}

func marksOf(in cloud.SignIn) marks {
	low := strings.ToLower
	return marks{app: in.App.Key(), principal: low(string(in.Principal)), client: low(string(in.Client)), identity: in.Identity.Key(), name: low(in.Name)}
}

// How much of what strangers send is kept of a refusal, in bytes.
const maxText, maxReason = 256, 1024

func noteOfRefused(r cloud.Refused, suppressed int64) note {
	r.Time = r.Time.UTC()
	r.Audience, r.Reason = clip(r.Audience, maxText), clip(r.Reason, maxReason)
	r.Client, r.Principal = cloud.ClientID(clip(string(r.Client), maxText)), cloud.PrincipalID(clip(string(r.Principal), maxText))
	r.Token = clip(r.Token, maxText)
	r.Protocol, r.From = clip(r.Protocol, maxText), clip(r.From, maxText)
	low := strings.ToLower
	return note{
		marks: marks{app: r.App.Key(), principal: low(string(r.Principal)), client: low(string(r.Client))},
		kind:  refused, at: r.Time.UnixNano(), body: encode(r), count: suppressed,
	}
}

// clip bounds a text, at the end of a letter.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

func encode(record any) []byte {
	body, err := json.Marshal(record)
	if err != nil {
		panic(err) // it is made of texts, numbers and times of this century
	}
	return body
}

// putNotes writes a group, and goes on with numbers and digests where the last one ended.
func putNotes(ctx context.Context, g group, notes []note) error {
	var seq int64
	var digest []byte
	if err := g.statement(ctx, readHead).QueryRowContext(ctx).Scan(&seq, &digest); err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	signIns, refusals, deliveries := g.statement(ctx, insertSignIn), g.statement(ctx, insertRefused), g.statement(ctx, insertDelivered)
	for _, n := range notes {
		var err error
		switch n.kind {
		case minted:
			seq++
			_, err = signIns.ExecContext(ctx, seq, n.at, n.app, n.principal, n.client, n.identity, n.name, digest, n.body)
			digest = chain(digest, n.body)
		case refused:
			seq++
			_, err = refusals.ExecContext(ctx, seq, n.at, n.app, n.principal, n.client, n.identity, n.name, n.count, n.body)
		case delivered:
			_, err = deliveries.ExecContext(ctx, n.at, n.where, n.principal, n.count)
		}
		if err != nil {
			return err
		}
	}
	_, err := g.statement(ctx, writeHead).ExecContext(ctx, seq, digest)
	return err
}

// chain gives the digest of a record and of all before it.
func chain(before, body []byte) []byte {
	h := sha256.New()
	h.Write(before)
	h.Write(body)
	return h.Sum(nil)
}
