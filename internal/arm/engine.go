package arm

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// The types that scopes themselves have.
const (
	typeSubscription = "Microsoft.Resources/subscriptions"
	typeGroup        = "Microsoft.Resources/resourceGroups"
)

// Identities is the part of the directory that the engine needs for identity blocks.
type Identities interface {
	// Principal gives who has that id.
	Principal(id cloud.PrincipalID) (cloud.Principal, bool)
	// ByResource gives the managed identity that is, or belongs to, that resource.
	ByResource(id cloud.ID) (cloud.Principal, bool)
	// Enroll draws a new principal and gives the change that will create it; it writes nothing.
	Enroll(kind cloud.Kind, name string, resource cloud.ID) (cloud.Principal, store.Change, error)
	// Retire gives the change that removes a principal.
	Retire(p cloud.Principal) store.Change
	// Detached gives the changes that take back the tokens which a principal got for a resource; no
	// principal means every one that the resource wore.
	Detached(from cloud.ID, of cloud.PrincipalID) ([]store.Change, error)
	// Await returns when everything up to that revision of the store can be seen.
	Await(ctx context.Context, revision int64) error
}

// Engine answers the management API for the types in Rows. Its exported fields are set before
// its first use and not changed after.
type Engine struct {
	Store     store.Store
	Rows      []Row
	Directory Identities
	Profile   cloud.Profile
	Tenant    cloud.TenantID
	// Admit says who is calling, or refuses with an Unauthenticated fault.
	Admit func(r *http.Request) (cloud.Caller, error)
	// Permit refuses with a Forbidden fault what the caller may not do at a scope.
	Permit func(ctx context.Context, caller cloud.Caller, action string, at cloud.ID) error
	// Granted gives a principal's role assignments: subscriptions and groups in which somebody was
	// granted something are listed to them. Nil lists what they may read alone.
	Granted func(p cloud.PrincipalID) []cloud.Assignment
	// Record keeps what somebody asked to change and what came of it; it must not block. Nil keeps nothing.
	Record func(a cloud.Activity)
	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Log    *slog.Logger     // nil discards

	once  sync.Once
	rows  map[string]*Row // by type in lower case
	docs  *store.View
	names *store.View
	gates *store.View
	wake  chan struct{} // tells Run that a deletion waits to be finished
	turns turns
	// attended are the names of deletions that a request is still at: Run leaves them to it.
	attended sync.Map
}

func (e *Engine) setup() {
	e.once.Do(func() {
		e.rows = make(map[string]*Row, len(e.Rows))
		for i := range e.Rows {
			row := e.Rows[i]
			if row.Behaviour == nil {
				row.Behaviour = Plain{}
			}
			e.rows[strings.ToLower(row.Type)] = &row
		}
		e.docs = store.NewView(e.Store, cloud.KeysARM+"/")
		e.names = store.NewView(e.Store, cloud.KeysName)
		e.gates = store.NewView(e.Store, cloud.KeysGate)
		e.wake = make(chan struct{}, 1)
	})
}

func (e *Engine) now() time.Time {
	if e.Now == nil {
		return time.Now()
	}
	return e.Now()
}

func (e *Engine) rand() io.Reader {
	if e.Rand == nil {
		return rand.Reader
	}
	return e.Rand
}

func (e *Engine) log() *slog.Logger {
	if e.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return e.Log
}

// Run follows the store and finishes the deletions that were begun, until ctx ends.
func (e *Engine) Run(ctx context.Context) error {
	e.setup()
	return store.Together(ctx, e.docs.Run, e.names.Run, e.gates.Run, e.sweep)
}

// Ready returns when the engine can answer: when it has seen the store's whole state once.
func (e *Engine) Ready(ctx context.Context) error {
	e.setup()
	for _, v := range []*store.View{e.docs, e.names, e.gates} {
		if err := v.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Await returns when a commit can be seen by whoever is asked next.
func (e *Engine) Await(ctx context.Context, revision int64) error {
	for _, see := range []func(context.Context, int64) error{e.docs.Await, e.names.Await, e.gates.Await, e.Directory.Await} {
		if err := see(ctx, revision); err != nil {
			return fmt.Errorf("await revision %d: %w", revision, err)
		}
	}
	return nil
}

// catchUp waits until the views have seen the store as it is now, after a conflict with it.
func (e *Engine) catchUp(ctx context.Context) error {
	_, revision, err := e.Store.List(ctx, fence) // any prefix would do: this one holds next to nothing
	if err != nil {
		return fmt.Errorf("read revision: %w", err)
	}
	return e.Await(ctx, revision)
}
