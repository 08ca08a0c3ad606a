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
	// maxGrants bounds how many are kept in all; beyond, any one gives way.
	maxGrants = 32 << 10
	// sweeping is how often what is spent is looked for.
	sweeping = time.Minute
)

// shelves keep what was granted, by app, for about as long as it lives (TK-9). Nothing on them is
// given out before the identity was found attached and the principal found to exist.
type shelves struct {
	mu    sync.RWMutex
	all   map[string]*shelf // by the app's key
	total int               // grants on all shelves
	swept time.Time
}

// shelf holds one app's grants under one set of identities: attaching or detaching one clears it,
// so that an identity which comes back gets new tokens.
type shelf struct {
	worn   []cloud.Identity
	grants map[wanted]*grant
}

// wanted is what a grant is for.
type wanted struct {
	principal cloud.PrincipalID
	resource  string
	capable   bool
}

func (c *call) wanted() wanted { return wanted{c.who.ID, c.ask.resource, c.ask.capable} }

// same reports whether two sets of identities are one: host.Replica.Identities gives the same
// slice until they change.
func same(a, b []cloud.Identity) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// grant gives the token that a call asks for, minting it when there is none that is fresh. Of those
// who ask at once, one mints and all get the same.
func (s *shelves) grant(ctx context.Context, d *Door, c *call) (*grant, error) {
	worn := c.replica.Identities()
	g := s.find(c.replica.App.Key(), worn, c.wanted())
	if g != nil && g.finished() && g.err == nil {
		limit, age := min(g.life, d.timing().TokenCache), d.age(g.asked)
		if age < limit && d.fits(g, c) {
			if age >= limit-g.ahead(limit) {
				d.renew(ctx, g, c, worn)
			}
			return g, nil
		}
	}
	for range 3 {
		g, err := s.begin(ctx, d, c, worn)
		if err != nil {
			return nil, err
		}
		select {
		case <-g.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if g.err != nil {
			return nil, g.err
		}
		if !c.replica.Alive() || !same(worn, c.replica.Identities()) {
			return nil, changed("The app's identities changed while the token was made.")
		}
		// What was revoked while it was made is not given out, and made once more.
		if now, ok := d.Directory.Principal(c.who.ID); ok {
			c.who = now
		}
		if d.valid(g, c) {
			return g, nil
		}
	}
	return nil, changed("The identity's tokens are being revoked.")
}

func changed(sentence string) error {
	return fault.New(fault.Unavailable, "Changed", "%s", sentence).With("Retry-After", "1")
}

func (s *shelves) find(app string, worn []cloud.Identity, key wanted) *grant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sh := s.all[app]; sh != nil && same(sh.worn, worn) {
		return sh.grants[key]
	}
	return nil
}

// begin gives the grant that is on its way, or puts a new one on its shelf and starts minting it.
func (s *shelves) begin(ctx context.Context, d *Door, c *call, worn []cloud.Identity) (*grant, error) {
	now, key := d.now(), c.wanted()
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Sub(s.swept) >= sweeping {
		s.sweep(d, now)
	}
	sh := s.shelf(c.replica, worn)
	before := sh.grants[key]
	if before != nil && !before.asked.Before(c.who.ValidFrom) && (!before.finished() || d.serves(before, c)) {
		return before, nil
	}
	if before == nil {
		if len(sh.grants) >= maxResources {
			s.clear(d, sh)
		}
		if len(sh.grants) >= maxResources {
			return nil, fault.New(fault.TooMany, codeTooMany, "The app has asked for tokens of %d resources; no more are made for it.", maxResources).
				With("Retry-After", "60")
		}
		if s.total >= maxGrants {
			s.giveWay()
		}
		s.total++
	}
	g := &grant{done: make(chan struct{}), asked: now}
	sh.grants[key] = g
	d.fly(ctx, g, *c, func() {
		if g.err != nil { // the next who asks tries again
			s.replace(sh, key, g, nil)
		}
	})
	return g, nil
}

// shelf gives the shelf of a replica's app for the identities that it wears now.
func (s *shelves) shelf(r *host.Replica, worn []cloud.Identity) *shelf {
	app := r.App.Key()
	sh := s.all[app]
	if sh != nil && same(sh.worn, worn) {
		return sh
	}
	if s.all == nil {
		s.all = map[string]*shelf{}
	}
	if sh != nil {
		s.total -= len(sh.grants)
		sh.grants = map[wanted]*grant{} // for those on their way that still hold it
	}
	s.all[app] = &shelf{worn: worn, grants: map[wanted]*grant{}}
	return s.all[app]
}

// replace puts another grant in the place of one that is still there, or none.
func (s *shelves) replace(sh *shelf, key wanted, before, after *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case sh.grants[key] != before:
	case after != nil:
		sh.grants[key] = after
	default:
		delete(sh.grants, key)
		s.total--
	}
}

// clear drops what is spent from a shelf.
func (s *shelves) clear(d *Door, sh *shelf) {
	for key, g := range sh.grants {
		if g.finished() && !d.keeps(g) {
			delete(sh.grants, key)
			s.total--
		}
	}
}

// sweep clears every shelf, and drops those that have nothing left.
func (s *shelves) sweep(d *Door, now time.Time) {
	s.swept = now
	for app, sh := range s.all {
		if s.clear(d, sh); len(sh.grants) == 0 {
			delete(s.all, app)
		}
	}
}

// giveWay drops a grant, whichever: who wants it has another minted.
func (s *shelves) giveWay() {
	for _, sh := range s.all {
		for key, g := range sh.grants {
			if g.finished() {
				delete(sh.grants, key)
				s.total--
				return
			}
		}
	}
}
