package msi

import (
	"context"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/issuer"
)

// maxResources bounds how many tokens of one app are kept, and so how many an app can have minted
// in the life of a token (T20).
const maxResources = 64

// mintTime bounds one minting; whoever asked first may have gone by then.
const mintTime = 30 * time.Second

// shelves keep what was granted, by app, for about as long as it lives (TK-9). Nothing on them is
// given out before the identity was found attached and the principal found to exist.
type shelves struct {
	mu  sync.RWMutex
	all map[string]*shelf // by the app's key
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
}

// same reports whether two sets of identities are one: host.Replica.Identities gives the same
// slice until they change.
func same(a, b []cloud.Identity) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// grant gives a token for a replica's principal, minting it when there is none that is fresh. Of
// those who ask at once, one mints and all get the same.
func (s *shelves) grant(ctx context.Context, d *Door, r *host.Replica, who cloud.Principal, resource string) (*grant, error) {
	key, worn := wanted{who.ID, resource}, r.Identities()
	g := s.find(r.App.Key(), worn, key)
	if g == nil || !g.serves(who, d.now()) {
		var err error
		if g, err = s.begin(ctx, d, r, who, resource); err != nil {
			return nil, err
		}
	}
	if !g.finished() { // asked first: a request's Done is a channel that is made when it is asked for
		select {
		case <-g.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	if g.err != nil {
		return nil, g.err
	}
	if !r.Alive() || !same(worn, r.Identities()) {
		return nil, fault.New(fault.Unavailable, "Changed", "The app's identities changed while the token was made.").
			With("Retry-After", "1")
	}
	return g, nil
}

func (s *shelves) find(app string, worn []cloud.Identity, key wanted) *grant {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if sh := s.all[app]; sh != nil && same(sh.worn, worn) {
		return sh.grants[key]
	}
	return nil
}

// begin puts a new grant on its shelf and starts minting it, unless somebody else just has.
func (s *shelves) begin(ctx context.Context, d *Door, r *host.Replica, who cloud.Principal, resource string) (*grant, error) {
	now, key, worn := d.now(), wanted{who.ID, resource}, r.Identities()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear(now)
	sh := s.all[r.App.Key()]
	if sh == nil || !same(sh.worn, worn) {
		sh = &shelf{worn: worn, grants: map[wanted]*grant{}}
		if s.all == nil {
			s.all = map[string]*shelf{}
		}
		s.all[r.App.Key()] = sh
	}
	if g := sh.grants[key]; g != nil && g.serves(who, now) {
		return g, nil
	}
	if len(sh.grants) >= maxResources && sh.grants[key] == nil {
		return nil, fault.New(fault.TooMany, "TooManyRequests", "The app has asked for tokens of %d resources; no more are made for it.", maxResources).
			With("Retry-After", "60")
	}
	g := &grant{done: make(chan struct{}), asked: now}
	sh.grants[key] = g
	order := issuer.Order{Principal: who, Audience: resource, Host: r.App}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mintTime)
	go func() {
		defer cancel()
		defer close(g.done)
		if g.minted, g.err = d.Issuer.Mint(ctx, order); g.err == nil {
			g.err = g.prepare(order)
		}
		if g.err != nil {
			s.drop(sh, key, g)
		}
	}()
	return g, nil
}

// drop takes a grant that failed off its shelf, so that the next who asks tries again.
func (s *shelves) drop(sh *shelf, key wanted, g *grant) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if sh.grants[key] == g {
		delete(sh.grants, key)
	}
}

// clear drops what is too old to be given out, and the shelves of apps that have nothing left.
func (s *shelves) clear(now time.Time) {
	for app, sh := range s.all {
		for key, g := range sh.grants {
			if g.finished() && !g.fresh(now) {
				delete(sh.grants, key)
			}
		}
		if len(sh.grants) == 0 {
			delete(s.all, app)
		}
	}
}
