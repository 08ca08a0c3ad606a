package msi

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/issuer"
)

// grant is a token with its answer prepared: only the seconds it has left change.
type grant struct {
	asked time.Time     // when it was ordered
	done  chan struct{} // closed when what follows is set
	err   error

	minted  issuer.Minted
	facts   facts
	renew   time.Time // from when another is minted in its place
	pieces  [3][]byte // what stands before, between and after the two numbers
	written atomic.Pointer[body]
}

// body is the answer during one second.
type body struct {
	left   int64
	bytes  []byte
	length []string // Content-Length, as http.Header holds it
}

// facts are what a delivery's event says, boxed once.
type facts struct{ app, identity, audience, key, token any }

func (f *facts) note(ctx context.Context) {
	httpkit.Note(ctx, httpkit.KeyApp, f.app)
	httpkit.Note(ctx, httpkit.KeyIdentity, f.identity)
	httpkit.Note(ctx, httpkit.KeyAudience, f.audience)
	httpkit.Note(ctx, httpkit.KeyKeyID, f.key)
	httpkit.Note(ctx, httpkit.KeyTokenID, f.token)
}

// prepare spells all of the answer that does not change. The order of members is the one that old
// .NET clients need; all numbers are strings; resource is what was asked for, byte for byte
// (wire-facts: "Response fields").
func (g *grant) prepare(o issuer.Order) error {
	text, err := quote(g.minted.Token.Open(), string(o.Principal.Client), o.Audience)
	if err != nil {
		return err
	}
	g.facts = facts{app: o.Host, identity: o.Principal.Resource, audience: o.Audience, key: g.minted.KeyID, token: g.minted.ID}
	expires := strconv.FormatInt(g.minted.Expires.Unix(), 10)
	notBefore := strconv.FormatInt(g.minted.Issued.Unix(), 10)
	g.pieces = [3][]byte{
		[]byte(`{"access_token":` + text[0] + `,"client_id":` + text[1] + `,"expires_in":"`),
		[]byte(`","expires_on":"` + expires + `","ext_expires_in":"`),
		[]byte(`","not_before":"` + notBefore + `","resource":` + text[2] + `,"token_type":"Bearer"}`),
	}
	// Clients hold a token for spent in its last five minutes; one renewed later than that would
	// have them ask again and again.
	life := g.minted.Expires.Sub(g.asked)
	g.renew = g.minted.Expires.Add(-max(life/24, min(10*time.Minute, life/2)))
	return nil
}

// quote spells texts as JSON strings without the escapes that HTML would need.
func quote(texts ...string) ([]string, error) {
	var out []string
	for _, s := range texts {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			return nil, err
		}
		out = append(out, string(bytes.TrimSuffix(b.Bytes(), []byte{'\n'})))
	}
	return out, nil
}

// finished reports whether the grant has been minted, or has failed.
func (g *grant) finished() bool {
	select {
	case <-g.done:
		return true
	default:
		return false
	}
}

// fresh reports whether a finished grant can still be given out.
func (g *grant) fresh(now time.Time) bool { return g.err == nil && now.Before(g.renew) }

// serves reports whether a grant, finished or on its way, is one for who as they are now: what
// was ordered before a principal's tokens were revoked is not.
func (g *grant) serves(who cloud.Principal, now time.Time) bool {
	return !g.asked.Before(who.ValidFrom) && (!g.finished() || g.fresh(now))
}

// body gives the answer as it is to be sent now.
func (g *grant) body(now time.Time) *body {
	left := g.minted.Expires.Unix() - now.Unix()
	if b := g.written.Load(); b != nil && b.left == left {
		return b
	}
	digits := strconv.FormatInt(left, 10)
	text := make([]byte, 0, len(g.pieces[0])+len(g.pieces[1])+len(g.pieces[2])+2*len(digits))
	text = append(append(text, g.pieces[0]...), digits...)
	text = append(append(text, g.pieces[1]...), digits...)
	text = append(text, g.pieces[2]...)
	b := &body{left: left, bytes: text, length: []string{strconv.Itoa(len(text))}}
	g.written.Store(b)
	return b
}
