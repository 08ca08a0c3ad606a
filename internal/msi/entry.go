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

// entry is a cached token with its answer prepared: only the seconds it has left change.
type entry struct {
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

	delivered atomic.Bool                // it was delivered
	refreshAt atomic.Int64               // when its refresh may be tried, in nanoseconds since 1970
	written   [2]atomic.Pointer[written] // without and with echo
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
func (e *entry) prepare(o issuer.Order, resource string, m issuer.Minted) error {
	who, raw := o.Principal, m.Token.Open()
	text, err := quote(raw, string(who.Client), resource, string(who.ID), who.Resource.String())
	if err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(raw))
	e.hash, e.expires = hex.EncodeToString(sum[:]), m.Expires.Unix()
	e.facts = facts{app: o.Host, identity: who.Resource, audience: o.Audience, key: m.KeyID, token: m.ID}
	expires, notBefore := strconv.FormatInt(e.expires, 10), strconv.FormatInt(m.Issued.Unix(), 10)
	e.pieces = [3][]byte{
		[]byte(`{"access_token":` + text[0] + `,"client_id":` + text[1] + `,"expires_in":"`),
		[]byte(`","expires_on":"` + expires + `","ext_expires_in":"`),
		[]byte(`","not_before":"` + notBefore + `","resource":` + text[2] + `,"token_type":"Bearer"}`),
	}
	if who.Kind == cloud.UserAssigned {
		e.echo = []byte(`,"object_id":` + text[3] + `,"msi_res_id":` + text[4] + `}`)
	}
	// Clients hold a token for spent in its last five minutes; one renewed later than that would
	// have them ask again and again.
	life := m.Expires.Sub(e.asked)
	e.life = life - min(10*time.Minute, life/2)
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

// finished reports whether the token has been minted, or has failed.
func (e *entry) finished() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
	}
}

// body gives the answer as it is to be sent now.
func (e *entry) body(now time.Time, echo bool) *written {
	left, n := e.expires-now.Unix(), 0
	if echo && e.echo != nil {
		n = 1
	}
	if b := e.written[n].Load(); b != nil && b.left == left {
		return b
	}
	digits := strconv.FormatInt(left, 10)
	text := make([]byte, 0, len(e.pieces[0])+len(e.pieces[1])+len(e.pieces[2])+2*len(digits)+n*len(e.echo))
	text = append(append(text, e.pieces[0]...), digits...)
	text = append(append(text, e.pieces[1]...), digits...)
	text = append(text, e.pieces[2]...)
	if n == 1 {
		text = append(text[:len(text)-1], e.echo...)
	}
	b := &written{left: left, bytes: text, length: []string{strconv.Itoa(len(text))}}
	e.written[n].Store(b)
	return b
}
