package issuer

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// ErrHeld says that rotation is held.
var ErrHeld = errors.New("issuer: rotation is held")

// keyPause lies among the keys, so that nobody sees one without the other.
const keyPause = cloud.KeysSigning + "pause"

// pause is an operator's hold on rotation (T15): while it lasts, no key is made, none takes over and
// none goes.
type pause struct {
	Key   string    `json:"key"` // the one that signs on; empty when rotation was never held
	From  time.Time `json:"from"`
	Until time.Time `json:"until,omitzero"` // zero while it is held
}

func (p pause) held() bool { return p.Key != "" && p.Until.IsZero() }

// keeps gives until when a key is kept because of the pause: the one that signed on has tokens out
// that are younger than its successor's first signature.
func (p pause) keeps(made time.Time) time.Time {
	if p.Until.IsZero() || made.After(p.Until) {
		return time.Time{}
	}
	return p.Until.Add(keep)
}

func (i *Issuer) readPause(e store.Event, was pause) pause {
	var p pause
	if e.Value == nil {
		return p
	}
	if err := json.Unmarshal(e.Value, &p); err != nil {
		i.Log.Error("document cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
		return was
	}
	return p
}

// Hold stops rotation: the key that signs now signs on until its certificate no longer lets it, which
// is a period longer than planned. Holding what is held changes nothing.
func (i *Issuer) Hold(ctx context.Context) error {
	return i.change(ctx, func(p *pause) error {
		if p.held() {
			return nil
		}
		key, err := i.signing(i.Now())
		if err == nil {
			*p = pause{Key: key.ID, From: i.Now().UTC()}
		}
		return err
	})
}

// Release lets rotation go on from where it would be.
func (i *Issuer) Release(ctx context.Context) error {
	err := i.change(ctx, func(p *pause) error {
		if p.held() {
			p.Until = i.Now().UTC()
		}
		return nil
	})
	if err == nil {
		i.Wake()
	}
	return err
}

// Held says since when rotation is held; zero when it is not.
func (i *Issuer) Held() time.Time {
	i.prepare()
	if p := i.ring.Load().pause; p.held() {
		return p.From
	}
	return time.Time{}
}

func (i *Issuer) change(ctx context.Context, how func(*pause) error) error {
	if err := i.Ready(ctx); err != nil {
		return err
	}
	revision, err := store.Update(ctx, i.Store, keyPause, how)
	if err != nil {
		return err
	}
	return i.view.Await(ctx, revision)
}
