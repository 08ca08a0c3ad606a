package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// What Attest and Whose say of a connection that they do not give to a replica.
var (
	// ErrStranger says that the process at the other end belongs to another replica or to none.
	ErrStranger = errors.New("the calling process does not belong to the replica")
	// ErrUnattestable says that it cannot be told whose the process is.
	ErrUnattestable = errors.New("it cannot be told which process is calling")
	// ErrBusy says so, too, of what passes by itself: it comes with ErrUnattestable.
	ErrBusy = fmt.Errorf("%w at this moment", ErrUnattestable)
)

// Root is the process from which all processes of a replica descend.
type Root struct {
	PID  int    // 0: it cannot be told
	Born uint64 // when it started, as the system counts: tells it from a later one with its number
	User int    // the uid that the replica alone has; 0 where it has none of its own
}

// Witness is the seam between the host and what knows the processes of this machine.
type Witness interface {
	// Able says why processes cannot be told on this system, or nil.
	Able() error
	// Find finds the process that holds the far end of a connection and descends from one of the
	// roots, or is one; where several will do, from the nearest. It gives that root's index. It fails
	// with ErrStranger, then with as much as is known of who it is, or with ErrUnattestable.
	Find(ctx context.Context, c *httpkit.Connection, roots []Root) (int, cloud.Process, error)
	// Holder gives the one process that holds the far end, whoever it is, as the root of a replica
	// to come. It fails with ErrUnattestable.
	Holder(ctx context.Context, c *httpkit.Connection) (Root, cloud.Process, error)
}

// Bounds of attestation: each holds a few file descriptors and reads much of /proc (T6).
const (
	attestations = 16              // at once
	perReplica   = 4               // of these for one replica, lest one that is besieged hold up the others
	headerless   = 4               // of these for those who do not say whose they are
	attesting    = 2 * time.Second // for one, with the wait for its turn
)

// Attest says which process of a replica is at the other end of a connection. The error wraps
// ErrStranger, then the process may be known all the same, or ErrUnattestable.
func (h *Host) Attest(ctx context.Context, r *Replica, c *httpkit.Connection) (cloud.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, attesting)
	defer cancel()
	h.open()
	root, err := r.rooted(ctx)
	if err != nil {
		return cloud.Process{}, err
	}
	_, p, err := h.find(ctx, r.turns, c, []Root{root})
	if err == nil && !r.Alive() {
		err = fmt.Errorf("%w: it is no more", ErrStranger)
	}
	return p, err
}

// Whose finds the replica whose process is at the other end of a connection, among those that are
// attested. The error wraps ErrStranger or ErrUnattestable.
func (h *Host) Whose(ctx context.Context, c *httpkit.Connection) (*Replica, cloud.Process, error) {
	ctx, cancel := context.WithTimeout(ctx, attesting)
	defer cancel()
	h.open()
	var ready, starting []*Replica
	for _, r := range h.Replicas(cloud.ID{}) {
		switch {
		case !r.Attested():
		case r.started():
			ready = append(ready, r)
		default:
			starting = append(starting, r)
		}
	}
	r, p, err := h.whose(ctx, c, ready)
	// A replica's process may ask before its start has been seen to.
	if errors.Is(err, ErrStranger) && len(starting) > 0 {
		r, p, err = h.whose(ctx, c, starting)
	}
	return r, p, err
}

func (h *Host) whose(ctx context.Context, c *httpkit.Connection, among []*Replica) (*Replica, cloud.Process, error) {
	var roots []Root
	var rooted []*Replica
	for _, r := range among {
		if root, err := r.rooted(ctx); err == nil {
			roots, rooted = append(roots, root), append(rooted, r)
		}
	}
	i, p, err := h.find(ctx, h.headerless, c, roots)
	if err != nil {
		return nil, p, err
	}
	if r := rooted[i]; r.Alive() {
		return r, p, nil
	}
	return nil, p, fmt.Errorf("%w: it is no more", ErrStranger)
}

// turns bound how many do something at once.
type turns chan struct{}

func (t turns) take(ctx context.Context) bool {
	select {
	case t <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (t turns) give() { <-t }

// find asks the witness when it is the caller's turn among its like, and among all.
func (h *Host) find(ctx context.Context, like turns, c *httpkit.Connection, roots []Root) (int, cloud.Process, error) {
	if h.Witness == nil {
		return 0, cloud.Process{}, ErrUnattestable
	}
	for _, t := range []turns{like, h.turns} {
		if !t.take(ctx) {
			return 0, cloud.Process{}, fmt.Errorf("%w: too many are calling at once", ErrBusy)
		}
		defer t.give()
	}
	return h.Witness.Find(ctx, c, roots)
}

// rooted gives the process from which the replica's descend, when it has started.
func (r *Replica) rooted(ctx context.Context) (Root, error) {
	select {
	case <-r.rootKnown:
	case <-ctx.Done():
		return Root{}, fmt.Errorf("%w: the replica is still being started", ErrBusy)
	}
	if r.root.PID == 0 {
		return Root{}, ErrUnattestable
	}
	return r.root, nil
}

func (r *Replica) started() bool {
	select {
	case <-r.rootKnown:
		return true
	default:
		return false
	}
}

// begin says from which process the replica's descend; it is called once.
func (r *Replica) begin(root Root) {
	r.root = root
	close(r.rootKnown)
}

// User gives the uid of the replica's processes; 0 is root's, or it is not known.
func (r *Replica) User() int {
	if !r.started() {
		return 0
	}
	return r.user
}
