// Package trusted finds the signing keys of foreign issuers, and keeps them.
//
// It must not know who trusts an issuer, nor what its tokens say. An issuer is whatever somebody with
// the right to write a federated credential named, so whatever it answers is a stranger's (T25).
package trusted

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"lanyard/internal/entra"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Issuers are the issuers that were asked for keys.
type Issuers struct {
	// Dial opens a connection to host:port where the platform may lead to: the address that is dialled
	// is the one that was checked.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// Own gives the keys of this world's own issuers, which are never fetched; ours is false for others.
	Own func(issuer string) (key func(kid string) (*rsa.PublicKey, bool), ours bool)
	// Serves reports whether a host name belongs to this cloud: what it stands for outside is not asked.
	Serves func(host string) bool
	// Roots prove foreign hosts; nil means the system's.
	Roots *x509.CertPool
	// Age says how old something is by the world's clock; nil means the real time since then.
	Age func(born time.Time) time.Duration
	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // nil discards

	mu    sync.Mutex
	known map[string]*issuer
	busy  int // fetches under way
}

const (
	// fresh is for how long keys are taken as they are.
	fresh = time.Hour
	// lastGood is for how long keys are kept that could not be fetched anew: an issuer that is down for
	// a while takes nobody with it.
	lastGood = 24 * time.Hour
	// pause lies between two fetches from one issuer, whatever is asked for: a stranger's invented key
	// ids, and an issuer that is down, cost no more than one each.
	pause = 10 * time.Second
	// maxIssuers bounds how many issuers are remembered; the one asked for longest ago goes first.
	maxIssuers = 256
	// maxBusy bounds how many are asked at once.
	maxBusy = 16
)

// issuer is what is known of one.
type issuer struct {
	used time.Time // under Issuers.mu

	turn   chan struct{} // holds one token while nobody asks it
	mu     sync.Mutex
	keys   map[string]*rsa.PublicKey
	got    time.Time // when keys came
	tried  time.Time // when it was last asked
	failed error     // how that ended
}

// Key gives an issuer's key of that id (OpenID Connect Discovery 1.0 section 4). It fails with
// entra.ErrNoKey when the issuer has none, and with a fault when the issuer cannot be asked.
func (t *Issuers) Key(ctx context.Context, name, kid string) (*rsa.PublicKey, error) {
	if t.Own != nil {
		if find, ours := t.Own(name); ours {
			if key, ok := find(kid); ok {
				return key, nil
			}
			return nil, entra.ErrNoKey
		}
	}
	i := t.of(name)
	if key, err, done := t.kept(i, kid); done {
		return key, err
	}
	select { // many who come at once ask once
	case <-i.turn:
	default:
		if key := i.last(kid); key != nil {
			return key, nil // an issuer that takes its time keeps one waiting, not everybody
		}
		select {
		case <-i.turn:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	defer func() { i.turn <- struct{}{} }()
	if key, err, done := t.kept(i, kid); done { // others have asked meanwhile
		return key, err
	}
	if !t.begin() {
		if key := i.last(kid); key != nil {
			return key, nil // not because of others' slow issuers is a good one out of reach
		}
		return nil, fault.New(fault.Unavailable, "Unavailable", "too many issuers are being asked at this moment.")
	}
	// Whoever asks first may go away; what comes is for all who wait.
	keys, err := t.fetch(context.WithoutCancel(ctx), name)
	t.end()
	t.keep(i, keys, err)
	if err != nil {
		t.log().Warn("a foreign issuer's keys could not be fetched", "issuer", name, httpkit.KeyError, err)
	}
	key, err, _ := t.kept(i, kid)
	return key, err
}

// kept gives what is known without asking, and whether that is all there is to say for now.
func (t *Issuers) kept(i *issuer, kid string) (key *rsa.PublicKey, err error, done bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	now := t.now()
	if i.keys != nil && max(t.age(i.got), now.Sub(i.got)) >= lastGood {
		i.keys = nil
	}
	resting := !i.tried.IsZero() && now.Sub(i.tried) < pause && !now.Before(i.tried)
	key, known := i.keys[kid]
	switch {
	case known && (resting || t.age(i.got) < fresh):
		return key, nil, true
	case !resting:
		return nil, nil, false
	case i.failed != nil:
		return nil, i.failed, true
	}
	return nil, entra.ErrNoKey, true
}

// last gives a key that came less than lastGood ago, where there is one: kept has forgotten the others.
func (i *issuer) last(kid string) *rsa.PublicKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.keys[kid]
}

// keep takes in how a fetch ended. A failed one takes nothing away.
func (t *Issuers) keep(i *issuer, keys map[string]*rsa.PublicKey, err error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tried, i.failed = t.now(), err
	if err == nil {
		i.keys, i.got = keys, i.tried
	}
}

// of gives what is known of an issuer, and forgets another where there are too many.
func (t *Issuers) of(name string) *issuer {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]*issuer{}
	}
	i := t.known[name]
	if i == nil {
		if len(t.known) >= maxIssuers {
			t.forget()
		}
		i = &issuer{turn: make(chan struct{}, 1)}
		i.turn <- struct{}{}
		t.known[name] = i
	}
	i.used = t.now()
	return i
}

func (t *Issuers) forget() {
	oldest := ""
	for name, i := range t.known {
		if oldest == "" || i.used.Before(t.known[oldest].used) {
			oldest = name
		}
	}
	delete(t.known, oldest)
}

func (t *Issuers) begin() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy >= maxBusy {
		return false
	}
	t.busy++
	return true
}

func (t *Issuers) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy--
}

func (t *Issuers) now() time.Time {
	if t.Now == nil {
		return time.Now()
	}
	return t.Now()
}

func (t *Issuers) age(born time.Time) time.Duration {
	if t.Age == nil {
		return t.now().Sub(born)
	}
	return t.Age(born)
}

func (t *Issuers) log() *slog.Logger {
	if t.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return t.Log
}

var errNoKeys = errors.New("its key set holds no key that assertions may be signed with")
