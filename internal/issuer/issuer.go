// Package issuer makes, rotates and retires signing keys, and mints tokens with them.
//
// It must not know who asks for a token or over which protocol, nor what a token opens.
package issuer

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/secret"
	"lanyard/internal/store"
)

// Issuer mints the tokens of one tenant. Its keys lie sealed in the store, so that all processes
// on one store sign with the same ones; each follows them in memory.
type Issuer struct {
	Store  store.Store
	Box    *secret.Box
	Tenant cloud.TenantID
	// URL is the iss of v1.0 tokens, e.g. https://sts.windows.net/{tenant}/.
	URL string
	// URLTwo is the iss of v2.0 tokens, e.g. https://login.microsoftonline.com/{tenant}/v2.0; empty
	// signs none.
	URLTwo string
	// Graph is where a principal's groups are asked for that are too many for a token, e.g.
	// https://graph.microsoft.com/v1.0; empty refuses such a token.
	Graph string
	// Founded is when the tenant was made; zero is not said.
	Founded time.Time
	// Schedule says when keys are rotated; zero means the defaults.
	Schedule Schedule
	// Age says how old something is by the world's clock; nil means the real time since then.
	Age  func(born time.Time) time.Duration
	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // nil means crypto/rand; for ids, never for keys
	Log  *slog.Logger     // nil discards

	ring  atomic.Pointer[ring]
	once  sync.Once
	view  *store.View
	draw  func() (*rsa.PrivateKey, error) // how a key is drawn; nil means RSA-2048
	ready chan struct{}
	begun sync.Once     // closes ready
	nudge chan struct{} // asks the loop to look at the clock now
}

const (
	keyBits = 2048
	// longest is how long the loop sleeps at most: a clock that was set, or a machine that slept,
	// is noticed within it, or when a token is asked for and no key may sign (T24).
	longest  = time.Hour
	shortest = time.Second
)

func (i *Issuer) prepare() {
	i.once.Do(func() {
		if i.Now == nil {
			i.Now = time.Now
		}
		if i.Rand == nil {
			i.Rand = rand.Reader
		}
		if i.Log == nil {
			i.Log = slog.New(slog.DiscardHandler)
		}
		if i.draw == nil {
			i.draw = func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, keyBits) }
		}
		i.Schedule = i.Schedule.filled()
		i.ring.Store(&ring{})
		i.ready = make(chan struct{})
		i.nudge = make(chan struct{}, 1)
		i.view = store.NewView(i.Store, cloud.KeysSigning)
		i.view.OnChange(i.follow)
	})
}

// Run makes the first key when there is none, follows the keys and rotates them until ctx ends.
// Keys that cannot be opened, or that belong to another issuer, end it at once: signing with
// others would lock out everybody who trusts them.
func (i *Issuer) Run(ctx context.Context) error {
	i.prepare()
	ctx, cancel := context.WithCancel(ctx)
	followed := make(chan error, 1)
	go func() { followed <- i.view.Run(ctx) }()
	defer func() { cancel(); <-followed }()

	if err := i.start(ctx); err != nil {
		return ended(ctx, err)
	}
	i.begun.Do(func() { close(i.ready) })
	for {
		now := i.Now()
		r := i.ring.Load()
		wait := i.Schedule.due(i.spans(r, now), now)
		if r.pause.held() {
			wait = longest
		}
		timer := time.NewTimer(min(max(wait, shortest), longest))
		select {
		case err := <-followed:
			timer.Stop()
			followed <- err
			return ended(ctx, fmt.Errorf("follow signing keys: %w", err))
		case <-timer.C:
		case <-i.nudge:
			timer.Stop()
		}
		if err := i.turn(ctx, false); err != nil && ctx.Err() == nil {
			i.Log.Error("rotate signing keys", httpkit.KeyError, err)
		}
	}
}

// ended gives nil for what failed only because ctx had ended.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (i *Issuer) start(ctx context.Context) error {
	if err := i.view.Ready(ctx); err != nil {
		return fmt.Errorf("read signing keys: %w", err)
	}
	if r := i.ring.Load(); r.broken > 0 {
		return fmt.Errorf("open signing keys: %d of %d cannot be used with this master key and issuer", r.broken, r.broken+len(r.keys))
	}
	if err := i.turn(ctx, false); err != nil {
		return fmt.Errorf("make the first signing key: %w", err)
	}
	return nil
}

// Ready waits until there are keys to sign and verify with, or ctx ends.
func (i *Issuer) Ready(ctx context.Context) error {
	i.prepare()
	select {
	case <-i.ready:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for signing keys: %w", context.Cause(ctx))
	}
}

// Rotate makes a key that takes over once it has been published long enough. When one is already
// waiting it changes nothing. While rotation is held it fails with ErrHeld, and with ErrTooManyKeys where
// a clock was moved so often that no more are kept.
func (i *Issuer) Rotate(ctx context.Context) error {
	if err := i.Ready(ctx); err != nil {
		return err
	}
	return i.turn(ctx, true)
}

// Wake has rotation look at the clock now: it was moved.
func (i *Issuer) Wake() {
	i.prepare()
	select {
	case i.nudge <- struct{}{}:
	default: // it is already being looked into
	}
}

// tries is how often a turn that others were quicker at is planned anew.
const tries = 8

// turn does what the plan asks for now. Whoever is quicker wins: the others see that it is done.
func (i *Issuer) turn(ctx context.Context, forced bool) error {
	for range tries {
		r, now := i.ring.Load(), i.Now()
		spans := i.spans(r, now)
		if r.pause.held() && r.signs(spans, now) >= 0 {
			if forced {
				return ErrHeld
			}
			return nil
		}
		p := i.Schedule.plan(spans, now, forced)
		changes, err := i.changes(r, p)
		if err != nil {
			return err
		}
		if forced && p.make == nil && len(spans) >= maxKeys && !now.Before(spans[len(spans)-1].begins()) {
			return ErrTooManyKeys
		}
		if len(changes) == 0 {
			return nil
		}
		revision, err := i.Store.Commit(ctx, changes...)
		if errors.Is(err, store.ErrConflict) {
			if err = i.catchUp(ctx); err == nil {
				continue
			}
		}
		if err != nil {
			return fmt.Errorf("write signing keys: %w", err)
		}
		return i.view.Await(ctx, revision)
	}
	return errors.New("write signing keys: others kept changing them")
}

// catchUp waits until the ring shows what made a commit fail.
func (i *Issuer) catchUp(ctx context.Context) error {
	_, revision, err := i.Store.List(ctx, cloud.KeysSigning)
	if err != nil {
		return err
	}
	return i.view.Await(ctx, revision)
}
