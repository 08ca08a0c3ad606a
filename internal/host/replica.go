package host

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// Replica is one run of an app's command. Its name, header and proxy password are drawn anew for
// each run and valid exactly while it lives (TK-5).
type Replica struct {
	Name     string
	App      cloud.ID
	Revision string
	Header   cloud.Sealed // IDENTITY_HEADER, a GUID
	Proxy    cloud.Sealed // the password of its proxy credential
	Started  time.Time
	Restarts int  // how often this revision's command ended before this run
	Attached bool // somebody else runs its process (Attach)

	crew *crew
	over atomic.Bool
}

// Identities gives what the app wears now; attaching or detaching shows at once and restarts
// nothing (ID-7). The slice is shared: read it only. It is the same slice until an identity is
// attached or detached, so that a holder of cached tokens can tell.
func (r *Replica) Identities() []cloud.Identity {
	if ids := r.crew.identities.Load(); ids != nil {
		return *ids
	}
	return nil
}

// Alive reports whether the replica still lives.
func (r *Replica) Alive() bool { return !r.over.Load() }

// LogValue gives its name: that is what a log says of it.
func (r *Replica) LogValue() slog.Value { return slog.StringValue(r.Name) }

// Attach makes a replica whose process somebody else runs, as `lanyard run` does: it lives until
// ctx ends.
func (h *Host) Attach(ctx context.Context, app cloud.ID) (*Replica, error) {
	if err := h.Ready(ctx); err != nil {
		return nil, fmt.Errorf("attach a replica: %w", err)
	}
	h.mu.RLock()
	c := h.crews[cloud.AppKey(app)]
	h.mu.RUnlock()
	var known *cloud.App
	if c != nil {
		known = c.app.Load()
	}
	if known == nil {
		return nil, fault.New(fault.NotFound, "ResourceNotFound", "There is no app %s to run as.", app).
			Try("lanyard containerapp create --name %s --resource-group %s", app.Name(), app.Group())
	}
	r, err := h.admit(c, known)
	if err != nil {
		return nil, err
	}
	r.Attached = true
	h.enter(r)
	context.AfterFunc(ctx, func() { h.leave(r) })
	return r, nil
}

// admit draws a new replica of an app; nobody finds it before it has entered.
func (h *Host) admit(c *crew, app *cloud.App) (*Replica, error) {
	suffix, err := drawSuffix(h.rand())
	if err != nil {
		return nil, err
	}
	header, err := cloud.NewID(h.rand())
	if err != nil {
		return nil, err
	}
	var password [24]byte
	if _, err := io.ReadFull(h.rand(), password[:]); err != nil {
		return nil, fmt.Errorf("draw proxy password: %w", err)
	}
	return &Replica{
		Name: app.Revision + "-" + suffix, App: app.ID, Revision: app.Revision,
		Header: cloud.Seal(header), Proxy: cloud.Seal(hex.EncodeToString(password[:])),
		Started: h.now(), crew: c,
	}, nil
}

// letters are those of generated Kubernetes names: no vowels, so that no word comes out.
const letters = "bcdfghjklmnpqrstvwxz2456789"

func drawSuffix(rand io.Reader) (string, error) {
	var b [10]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return "", fmt.Errorf("draw replica name: %w", err)
	}
	for i := range b {
		b[i] = letters[int(b[i])%len(letters)]
	}
	return string(b[:]), nil
}

func (h *Host) enter(r *Replica) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.replicas[r.Name] = r
}

func (h *Host) leave(r *Replica) {
	r.over.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.replicas, r.Name)
}
