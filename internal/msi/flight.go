package msi

import (
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/issuer"
	"lanyard/internal/token"
)

const (
	// mintTime bounds one minting; whoever asked first may have gone by then.
	mintTime = 30 * time.Second
	// reborn is the pause before a token is minted once more that was revoked before it was.
	reborn   = 50 * time.Millisecond
	rebirths = 20
)

// fly mints a grant for a call, apart from the request: others wait for it, too. done is called, and
// then those who wait are told.
func (d *Door) fly(ctx context.Context, g *grant, c call, done func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mintTime)
	go func() {
		defer cancel()
		defer close(g.done)
		g.err = d.mint(ctx, g, &c)
		done()
	}()
}

// renew has a grant that is about to be spent minted anew, off the way of who asks: they get what there
// is. The moment differs from grant to grant, so that those which were made together part.
func (d *Door) renew(ctx context.Context, g *grant, c *call, worn []cloud.Identity) {
	now := d.now().UnixNano()
	next := g.again.Load()
	if now < next || !g.again.CompareAndSwap(next, now+int64(2*mintTime)) {
		return
	}
	s, key := &d.shelves, c.wanted()
	s.mu.RLock()
	sh := s.all[c.replica.App.Key()]
	s.mu.RUnlock()
	if sh == nil || !same(sh.worn, worn) {
		return
	}
	after := &grant{done: make(chan struct{}), asked: d.now()}
	d.fly(ctx, after, *c, func() {
		if after.err == nil {
			s.replace(sh, key, g, after)
		}
	})
}

// mint makes a grant's token, has it recorded, and spells its answer. A token that was revoked before it
// was minted, as when an identity comes back at once that was taken away, is made once more.
func (d *Door) mint(ctx context.Context, g *grant, c *call) error {
	what, ok := d.Directory.Audience(c.ask.resource)
	if !ok {
		return changed("The resource is gone.")
	}
	order := issuer.Order{Principal: c.who, Audience: what.Audience, Version: what.Version, Host: c.replica.App}
	order.Groups, order.Roles = d.Directory.Belonging(c.who.ID, what)
	if c.ask.capable {
		order.Capabilities = []string{"cp1"}
	}
	for range rebirths {
		m, err := d.sign(ctx, order)
		if err != nil {
			return err
		}
		g.minted(m)
		if d.recalled(g, c) {
			if err := pause(ctx, reborn); err != nil {
				return err
			}
			continue
		}
		if err := d.record(ctx, c, m, order.Audience, g.at); err != nil {
			return err
		}
		if err := d.shake(g); err != nil {
			return err
		}
		return g.prepare(order, c.ask.resource, m)
	}
	return changed("The identity's tokens are being revoked.")
}

// sign has a token signed when it is its turn: more at once than there are cores would only keep each
// other, and those who write records, waiting.
func (d *Door) sign(ctx context.Context, o issuer.Order) (issuer.Minted, error) {
	d.once.Do(func() { d.turns = make(chan struct{}, runtime.GOMAXPROCS(0)) })
	select {
	case d.turns <- struct{}{}:
		defer func() { <-d.turns }()
		return d.Issuer.Mint(ctx, o)
	case <-ctx.Done():
		return issuer.Minted{}, late(ctx)
	}
}

func late(ctx context.Context) error {
	return fault.New(fault.Unavailable, "Changed", "The token could not be made in time.").Because(ctx.Err()).With("Retry-After", "1")
}

// minted takes in what is known of a token once it is made.
func (g *grant) minted(m issuer.Minted) {
	g.id = m.ID
	if at, ok := token.MintedAt(m.ID); ok {
		g.at = at
	} else {
		g.at = g.asked
	}
}

// shake draws when within its last hours a grant is renewed.
func (d *Door) shake(g *grant) error {
	var b [2]byte
	if _, err := io.ReadFull(d.rand(), b[:]); err != nil {
		return err
	}
	g.jitter = float64(binary.BigEndian.Uint16(b[:])) / (1 << 16)
	return nil
}

func pause(ctx context.Context, long time.Duration) error {
	t := time.NewTimer(long)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return late(ctx)
	}
}

// recalled reports whether a grant's token was taken back.
func (d *Door) recalled(g *grant, c *call) bool {
	return g.at.Before(c.who.ValidFrom) || d.Directory.Recalled(g.id, c.who.ID, c.replica.App, g.at)
}

// valid reports whether a finished grant's token is good still.
func (d *Door) valid(g *grant, c *call) bool {
	return g.err == nil && d.age(g.asked) < g.life && !d.recalled(g, c)
}

// keeps reports whether a finished grant is young enough to be given out again.
func (d *Door) keeps(g *grant) bool {
	return g.err == nil && d.age(g.asked) < min(g.life, d.timing().TokenCache)
}

// serves reports whether a finished grant is what a call is to get: a token that a service refused is
// not, if it is this very one (wire-facts: "token revocation").
func (d *Door) serves(g *grant, c *call) bool { return d.keeps(g) && d.fits(g, c) }

func (d *Door) fits(g *grant, c *call) bool {
	return !d.recalled(g, c) && (c.ask.refused == "" || c.ask.refused != g.hash)
}

// ahead says how long before its end a grant that is kept for so long is renewed.
func (g *grant) ahead(limit time.Duration) time.Duration {
	return time.Duration(float64(limit) / 24 * (1 + g.jitter))
}
