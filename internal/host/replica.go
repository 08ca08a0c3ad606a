package host

import (
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Replica is one run of an app's command. Its name, header and proxy password are drawn anew for
// each run and valid exactly while it lives (TK-5).
type Replica struct {
	Name     string
	App      cloud.ID
	Revision string
	Header   cloud.Sealed // IDENTITY_HEADER, a GUID
	Proxy    cloud.Sealed // the password of its proxy credential
	Way      cloud.Sealed // the path, 32 hexadecimal digits, under which those find it who send no header
	// Since are the identities that the app wore when this revision was made; nil when that is not known.
	// It is shared: read it only. What the replica wears is in Identities.
	Since    []cloud.PrincipalID
	Started  time.Time
	Restarts int    // how often this revision's command ended before this run
	Attached bool   // somebody else runs its process (Attach)
	Init     bool   // it is an init container (ID-13)
	Source   Source // which of Azure's hosts it takes this one for
	// MSIDisabled leaves it without a token service (TK-7).
	MSIDisabled bool

	crew       *crew
	over       atomic.Bool
	rootKnown  chan struct{} // closed when root and user are
	root       Root
	user       int
	turns      turns                  // of attestations of its callers
	unattested atomic.Pointer[string] // why its callers are not attested; empty or nil when they are
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

// Attachment says how somebody runs an app's process.
type Attachment struct {
	// Connection is the one by which they asked: the process at its other end, and what descends from
	// that, belongs to the replica. nil leaves the replica's callers unattested.
	Connection *httpkit.Connection
	Source     Source // "" means SourceAppService
	Init       bool   // it stands for an init container
	Unattested bool   // its callers are not to be attested
	// MSIDisabled leaves it without a token service, as the app's own environment may.
	MSIDisabled bool
}

// Attach makes a replica whose process somebody else runs, as `lanyard run` does: it lives until
// ctx ends. It fails where the process cannot be told although the system could.
func (h *Host) Attach(ctx context.Context, app cloud.ID, a Attachment) (*Replica, error) {
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
	r.Attached, r.Init, r.MSIDisabled = true, a.Init, a.MSIDisabled || r.MSIDisabled
	r.Source = cmp.Or(a.Source, SourceAppService)
	if err := h.trace(ctx, r, a); err != nil {
		return nil, err
	}
	h.enter(r)
	context.AfterFunc(ctx, func() { h.leave(r) })
	return r, nil
}

// trace finds the process that runs an attached replica.
func (h *Host) trace(ctx context.Context, r *Replica, a Attachment) error {
	var root Root
	why := h.cannot()
	switch {
	case a.Unattested:
		why = turnedOff
	case a.Connection == nil:
		why = "it was attached without a connection"
	}
	if a.Connection != nil && h.cannot() == "" {
		known, p, err := h.Witness.Holder(ctx, a.Connection)
		if err != nil && why == "" {
			return fault.New(fault.Conflict, "ProcessNotFound", "The process that asks to run as %s cannot be told.", r.App.Name()).Because(err).
				Try("run it on this machine as the platform's user, or with --no-attestation")
		}
		if err == nil {
			root, r.user = known, p.UID
		}
	}
	if why != "" {
		h.unattest(r, why)
	}
	r.begin(root)
	return nil
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
	var drawn [24 + 16]byte // password and way
	if _, err := io.ReadFull(h.rand(), drawn[:]); err != nil {
		return nil, fmt.Errorf("draw proxy password: %w", err)
	}
	return &Replica{
		Name: app.Revision + "-" + suffix, App: app.ID, Revision: app.Revision, Since: app.Since, Header: cloud.Seal(header),
		Proxy: cloud.Seal(hex.EncodeToString(drawn[:24])), Way: cloud.Seal(hex.EncodeToString(drawn[24:])),
		Started: h.now(), MSIDisabled: MSIDisabled(variables(app.Container.Env)), Source: SourceAppService,
		crew: c, rootKnown: make(chan struct{}), turns: make(turns, perReplica),
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
	h.replicas[r.Name], h.ways[r.Way.Open()] = r, r
}

func (h *Host) leave(r *Replica) {
	r.over.Store(true)
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.replicas, r.Name)
	delete(h.ways, r.Way.Open())
}
