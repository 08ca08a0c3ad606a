package msi

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
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

	id      string    // uti
	at      time.Time // when it was minted
	hash    string    // SHA-256 of the token in hex
	life    time.Duration
	jitter  float64
	expires int64 // seconds since 1970
	facts   facts
	pieces  [3][]byte // what stands before, between and after the two numbers
	echo    []byte    // further names of the identity, which Arc's clients want to see

	given   atomic.Bool                // it was delivered
	again   atomic.Int64               // when its renewal may be tried, in nanoseconds since 1970
	written [2]atomic.Pointer[written] // without and with echo
}

// written is the answer during one second.
type written struct {
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
func (g *grant) prepare(o issuer.Order, resource string, m issuer.Minted) error {
	who, raw := o.Principal, m.Token.Open()
	text, err := quote(raw, string(who.Client), resource, string(who.ID), who.Resource.String())
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(raw))
	g.hash, g.expires = hex.EncodeToString(sum[:]), m.Expires.Unix()
	g.facts = facts{app: o.Host, identity: who.Resource, audience: o.Audience, key: m.KeyID, token: m.ID}
	expires, notBefore := strconv.FormatInt(g.expires, 10), strconv.FormatInt(m.Issued.Unix(), 10)
	g.pieces = [3][]byte{
		[]byte(`{"access_token":` + text[0] + `,"client_id":` + text[1] + `,"expires_in":"`),
		[]byte(`","expires_on":"` + expires + `","ext_expires_in":"`),
		[]byte(`","not_before":"` + notBefore + `","resource":` + text[2] + `,"token_type":"Bearer"}`),
	}
	if who.Kind == cloud.UserAssigned {
		g.echo = []byte(`,"object_id":` + text[3] + `,"msi_res_id":` + text[4] + `}`)
	}
	// Clients hold a token for spent in its last five minutes; one renewed later than that would
	// have them ask again and again.
	life := m.Expires.Sub(g.asked)
	g.life = life - min(10*time.Minute, life/2)
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

// body gives the answer as it is to be sent now.
func (g *grant) body(now time.Time, echo bool) *written {
	left, n := g.expires-now.Unix(), 0
	if echo && g.echo != nil {
		n = 1
	}
	if b := g.written[n].Load(); b != nil && b.left == left {
		return b
	}
	digits := strconv.FormatInt(left, 10)
	text := make([]byte, 0, len(g.pieces[0])+len(g.pieces[1])+len(g.pieces[2])+2*len(digits)+n*len(g.echo))
	text = append(append(text, g.pieces[0]...), digits...)
	text = append(append(text, g.pieces[1]...), digits...)
	text = append(text, g.pieces[2]...)
	if n == 1 {
		text = append(text[:len(text)-1], g.echo...)
	}
	b := &written{left: left, bytes: text, length: []string{strconv.Itoa(len(text))}}
	g.written[n].Store(b)
	return b
}
