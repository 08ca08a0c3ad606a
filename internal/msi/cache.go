package msi

import (
	"context"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
)

const (
	// maxResources bounds how many tokens of one app are kept, and so how many an app can have minted
	// in the life of a token (T20).
	maxResources = 64
	// maxEntries bounds how many are kept in all; beyond, any one gives way.
	maxEntries = 32 << 10
	// sweepEvery is how often what is spent is looked for.
	sweepEvery = time.Minute
)

// cache keeps tokens, by app, for about as long as they live (TK-9). Nothing in it is
// given out before the identity was found attached and the principal found to exist.
type cache struct {
	mu    sync.RWMutex
	all   map[string]*appCache // by the app's key
	total int                  // entries of all apps
	swept time.Time
}

// appCache holds one app's entries under one set of identities: attaching or detaching one clears it,
// so that an identity which comes back gets new tokens.
type appCache struct {
	worn    []cloud.Identity
	entries map[cacheKey]*entry
}

// cacheKey is what an entry is for.
type cacheKey struct {
	principal cloud.PrincipalID
	resource  string
	capable   bool
}

func (c *call) cacheKey() cacheKey { return cacheKey{c.who.ID, c.ask.resource, c.ask.capable} }

// same reports whether two sets of identities are one: host.Replica.Identities gives the same
// slice until they change.
func same(a, b []cloud.Identity) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// entry gives the token that a call asks for, minting it when there is none that is fresh. Of those
// who ask at once, one mints and all get the same.
func (ch *cache) entry(ctx context.Context, d *Door, c *call) (*entry, error) {
	worn := c.replica.Identities()
	e := ch.find(c.replica.App.Key(), worn, c.cacheKey())
	if e != nil && e.finished() && e.err == nil {
		limit, age := min(e.life, d.timing().TokenCache), d.age(e.asked)
		if age < limit && d.fits(e, c) {
			if age >= limit-e.refreshAhead(limit) {
				d.refresh(ctx, e, c, worn)
			}
			return e, nil
		}
	}
	for range 3 {
		e, err := ch.begin(ctx, d, c, worn)
		if err != nil {
			return nil, err
		}
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.err != nil {
			return nil, e.err
		}
		if !c.replica.Alive() || !same(worn, c.replica.Identities()) {
			return nil, changed("The app's identities changed while the token was made.")
		}
		// What was revoked while it was made is not given out, and made once more.
		if now, ok := d.Directory.Principal(c.who.ID); ok {
			c.who = now
		}
		if d.valid(e, c) {
			return e, nil
		}
	}
	return nil, changed("The identity's tokens are being revoked.")
}

func changed(sentence string) error {
	return fault.New(fault.Unavailable, "Changed", "%s", sentence).With("Retry-After", "1")
}

func (ch *cache) find(app string, worn []cloud.Identity, key cacheKey) *entry {
	ch.mu.RLock()
	defer ch.mu.RUnlock()
	if ac := ch.all[app]; ac != nil && same(ac.worn, worn) {
		return ac.entries[key]
	}
	return nil
}

// begin gives the entry that is on its way, or puts a new one in its place and starts minting its token.
func (ch *cache) begin(ctx context.Context, d *Door, c *call, worn []cloud.Identity) (*entry, error) {
	now, key := d.now(), c.cacheKey()
	ch.mu.Lock()
	defer ch.mu.Unlock()
	if now.Sub(ch.swept) >= sweepEvery {
		ch.sweep(d, now)
	}
	ac := ch.forApp(c.replica, worn)
	before := ac.entries[key]
	if before != nil && !before.asked.Before(c.who.ValidFrom) && (!before.finished() || d.serves(before, c)) {
		return before, nil
	}
	if before == nil {
		if len(ac.entries) >= maxResources {
			ch.clear(d, ac)
		}
		if len(ac.entries) >= maxResources {
			return nil, fault.New(fault.TooMany, codeTooMany, "The app has asked for tokens of %d resources; no more are made for it.", maxResources).
				With("Retry-After", "60")
		}
		if ch.total >= maxEntries {
			ch.evict()
		}
		ch.total++
	}
	e := &entry{done: make(chan struct{}), asked: now}
	ac.entries[key] = e
	d.startMint(ctx, e, *c, func() {
		if e.err != nil { // the next who asks tries again
			ch.replace(ac, key, e, nil)
		}
	})
	return e, nil
}

// forApp gives the cache of a replica's app for the identities that it wears now.
func (ch *cache) forApp(r *host.Replica, worn []cloud.Identity) *appCache {
	app := r.App.Key()
	ac := ch.all[app]
	if ac != nil && same(ac.worn, worn) {
		return ac
	}
	if ch.all == nil {
		ch.all = map[string]*appCache{}
	}
	if ac != nil {
		ch.total -= len(ac.entries)
		ac.entries = map[cacheKey]*entry{} // for those on their way that still hold it
	}
	ch.all[app] = &appCache{worn: worn, entries: map[cacheKey]*entry{}}
	return ch.all[app]
}

// replace puts another entry in the place of one that is still there, or none.
func (ch *cache) replace(ac *appCache, key cacheKey, before, after *entry) {
	ch.mu.Lock()
	defer ch.mu.Unlock()
	switch {
	case ac.entries[key] != before:
	case after != nil:
		ac.entries[key] = after
	default:
		delete(ac.entries, key)
		ch.total--
	}
}

// clear drops what is spent of one app's.
func (ch *cache) clear(d *Door, ac *appCache) {
	for key, e := range ac.entries {
		if e.finished() && !d.keeps(e) {
			delete(ac.entries, key)
			ch.total--
		}
	}
}

// sweep clears every app's, and drops those that have nothing left.
func (ch *cache) sweep(d *Door, now time.Time) {
	ch.swept = now
	for app, ac := range ch.all {
		if ch.clear(d, ac); len(ac.entries) == 0 {
			delete(ch.all, app)
		}
	}
}

// evict drops an entry, whichever: who wants it has another minted.
func (ch *cache) evict() {
	for _, ac := range ch.all {
		for key, e := range ac.entries {
			if e.finished() {
				delete(ac.entries, key)
				ch.total--
				return
			}
		}
	}
}
