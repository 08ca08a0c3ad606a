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
	// retryPause is the pause before a token is minted once more that was revoked before it was.
	retryPause = 50 * time.Millisecond
	maxMints   = 20 // of one entry
)

// startMint mints an entry's token for a call, apart from the request: others wait for it, too. done is
// called, and then those who wait are told.
func (d *Door) startMint(ctx context.Context, e *entry, c call, done func()) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), mintTime)
	go func() {
		defer cancel()
		defer close(e.done)
		e.err = d.mint(ctx, e, &c)
		done()
	}()
}

// refresh has a token that is about to be spent minted anew, off the way of who asks: they get what there
// is. The moment differs from entry to entry, so that those which were made together part.
func (d *Door) refresh(ctx context.Context, e *entry, c *call, worn []cloud.Identity) {
	now := d.now().UnixNano()
	next := e.refreshAt.Load()
	if now < next || !e.refreshAt.CompareAndSwap(next, now+int64(2*mintTime)) {
		return
	}
	ch, key := &d.cache, c.cacheKey()
	ch.mu.RLock()
	ac := ch.all[c.replica.App.Key()]
	ch.mu.RUnlock()
	if ac == nil || !same(ac.worn, worn) {
		return
	}
	after := &entry{done: make(chan struct{}), asked: d.now()}
	d.startMint(ctx, after, *c, func() {
		if after.err == nil {
			ch.replace(ac, key, e, after)
		}
	})
}

// mint makes an entry's token, has it recorded, and spells its answer. A token that was revoked before it
// was minted, as when an identity comes back at once that was taken away, is made once more.
func (d *Door) mint(ctx context.Context, e *entry, c *call) error {
	what, ok := d.Directory.Audience(c.ask.resource)
	if !ok {
		return changed("The resource is gone.")
	}
	order := issuer.Order{Principal: c.who, Audience: what.Audience, Version: what.Version, Host: c.replica.App}
	order.Groups, order.Roles = d.Directory.Belonging(c.who.ID, what)
	if c.ask.capable {
		order.Capabilities = []string{"cp1"}
	}
	for range maxMints {
		m, err := d.sign(ctx, order)
		if err != nil {
			return err
		}
		e.minted(m)
		if d.recalled(e, c) {
			if err := pause(ctx, retryPause); err != nil {
				return err
			}
			continue
		}
		if err := d.record(ctx, c, m, order.Audience, e.at); err != nil {
			return err
		}
		if err := d.drawJitter(e); err != nil {
			return err
		}
		return e.prepare(order, c.ask.resource, m)
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
func (e *entry) minted(m issuer.Minted) {
	e.id = m.ID
	if at, ok := token.MintedAt(m.ID); ok {
		e.at = at
	} else {
		e.at = e.asked
	}
}

// drawJitter draws when within its last hours a token is refreshed.
func (d *Door) drawJitter(e *entry) error {
	var b [2]byte
	if _, err := io.ReadFull(d.rand(), b[:]); err != nil {
		return err
	}
	e.jitter = float64(binary.BigEndian.Uint16(b[:])) / (1 << 16)
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

// recalled reports whether an entry's token was taken back.
func (d *Door) recalled(e *entry, c *call) bool {
	return e.at.Before(c.who.ValidFrom) || d.Directory.Recalled(e.id, c.who.ID, c.replica.App, e.at)
}

// valid reports whether a finished entry's token is good still.
func (d *Door) valid(e *entry, c *call) bool {
	return e.err == nil && d.age(e.asked) < e.life && !d.recalled(e, c)
}

// keeps reports whether a finished entry is young enough to be given out again.
func (d *Door) keeps(e *entry) bool {
	return e.err == nil && d.age(e.asked) < min(e.life, d.timing().TokenCache)
}

// serves reports whether a finished entry is what a call is to get: a token that a service refused is
// not, if it is this very one (wire-facts: "token revocation").
func (d *Door) serves(e *entry, c *call) bool { return d.keeps(e) && d.fits(e, c) }

func (d *Door) fits(e *entry, c *call) bool {
	return !d.recalled(e, c) && (c.ask.refused == "" || c.ask.refused != e.hash)
}

// refreshAhead says how long before its end a token that is kept for so long is refreshed.
func (e *entry) refreshAhead(limit time.Duration) time.Duration {
	return time.Duration(float64(limit) / 24 * (1 + e.jitter))
}
