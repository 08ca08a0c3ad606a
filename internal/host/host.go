// Package host runs apps as replicas and knows whose identity each replica wears.
//
// It must not know any resource type, how tokens are minted, or how a process is confined.
package host

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// defaultGrace is how long a command has between SIGTERM and SIGKILL, as in Container Apps.
const defaultGrace = 30 * time.Second

// Host follows the descriptions of apps in the store and keeps their replicas running.
type Host struct {
	Store  store.Store
	Engine Engine
	// Witness tells which process calls. nil cannot.
	Witness Witness
	// Prepare gives a replica's environment on top of its container's own, as NAME=value. nil adds nothing.
	Prepare func(*Replica) []string
	// Merge lays what is prepared over the container's own environment, each name once. It may be nil
	// where Prepare is.
	Merge func(own, prepared []string) []string
	// Output takes each line a replica writes, and what the host says of it under the stream
	// "system". nil discards.
	Output func(Line)
	// Dir is the working directory of every command; "" is the platform's own.
	Dir string
	// Grace is the time between asking a command to end and killing it; 0 means 30 s.
	Grace time.Duration
	// HeaderLife is how old a replica gets before another takes its place, with a header of its own; an
	// app's replicas are replaced one after another. 0 replaces none. Attached ones are somebody else's.
	HeaderLife time.Duration
	// Age gives the time since born; nil means the real one.
	Age  func(born time.Time) time.Duration
	Now  func() time.Time // nil means time.Now
	Rand io.Reader        // nil means crypto/rand
	Log  *slog.Logger     // nil discards

	once       sync.Once
	view       *store.View
	turns      turns // of attestations
	headerless turns // of those of callers without a header

	mu       sync.RWMutex
	crews    map[string]*crew    // by the app's key in the store
	replicas map[string]*Replica // by name, exactly those that live
	ways     map[string]*Replica // the same by their ways
	running  sync.WaitGroup      // crews
}

func (h *Host) open() *store.View {
	h.once.Do(func() {
		h.crews, h.replicas, h.ways = map[string]*crew{}, map[string]*Replica{}, map[string]*Replica{}
		h.turns, h.headerless = make(turns, attestations), make(turns, headerless)
		h.view = store.NewView(h.Store, cloud.KeysApp)
	})
	return h.view
}

// Run keeps what the store describes running until ctx ends, then stops every replica and
// returns when nothing of them lives any more. It is called once.
func (h *Host) Run(ctx context.Context) error {
	view := h.open()
	view.OnChange(func(b store.Batch) { h.follow(ctx, b) })
	err := view.Run(ctx)
	h.running.Wait()
	return err
}

// Ready returns when the host has seen every app there is.
func (h *Host) Ready(ctx context.Context) error { return h.open().Ready(ctx) }

// Await returns when the host has seen every change up to the store's revision rev; identities
// attached or detached by then are those that Replica.Identities gives.
func (h *Host) Await(ctx context.Context, rev int64) error { return h.open().Await(ctx, rev) }

// follow takes one batch of changes to descriptions.
func (h *Host) follow(ctx context.Context, b store.Batch) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if b.Reset {
		named := map[string]bool{}
		for _, e := range b.Events {
			named[e.Key] = true
		}
		for key := range h.crews {
			if !named[key] {
				h.dismiss(key)
			}
		}
	}
	for _, e := range b.Events {
		if e.Value == nil {
			h.dismiss(e.Key)
			continue
		}
		var app cloud.App
		if err := json.Unmarshal(e.Value, &app); err != nil {
			// The last good description stays in force (T21).
			h.log().Error("an app's description cannot be read; its last good one stays", httpkit.KeyApp, e.Key, httpkit.KeyError, err)
			continue
		}
		h.charge(ctx, e.Key, &app)
	}
}

// charge gives an app's crew its new description, hiring the crew first when there is none.
func (h *Host) charge(ctx context.Context, key string, app *cloud.App) {
	c := h.crews[key]
	if c != nil && c.app.Load() != nil {
		c.want(app)
		return
	}
	next := &crew{host: h, poke: make(chan struct{}, 1), done: make(chan struct{}), replacing: make(turns, 1)}
	next.want(app)
	h.crews[key] = next
	h.running.Go(func() {
		if c != nil {
			<-c.done // an app made again under the same name waits until its former self has ended
		}
		next.run(ctx)
	})
}

// dismiss tells an app's crew that the app is no more.
func (h *Host) dismiss(key string) {
	if c := h.crews[key]; c != nil {
		c.want(nil)
	}
}

// Replica gives the living replica of that name.
func (h *Host) Replica(name string) (*Replica, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.replicas[name]
	return r, ok
}

// ByWay gives the living replica that has a way.
func (h *Host) ByWay(way string) (*Replica, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r, ok := h.ways[way]
	return r, ok
}

// Replicas gives an app's living replicas, oldest first; the zero ID gives those of all apps.
func (h *Host) Replicas(app cloud.ID) []*Replica {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var found []*Replica
	for _, r := range h.replicas {
		if app.IsZero() || r.App.Equal(app) {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b *Replica) int {
		return cmp.Or(a.Started.Compare(b.Started), cmp.Compare(a.Name, b.Name))
	})
	return found
}

func (h *Host) now() time.Time {
	if h.Now != nil {
		return h.Now()
	}
	return time.Now()
}

func (h *Host) age(born time.Time) time.Duration {
	if h.Age != nil {
		return h.Age(born)
	}
	return h.now().Sub(born)
}

func (h *Host) rand() io.Reader {
	if h.Rand != nil {
		return h.Rand
	}
	return rand.Reader
}

func (h *Host) grace() time.Duration { return cmp.Or(h.Grace, defaultGrace) }

func (h *Host) log() *slog.Logger {
	if h.Log != nil {
		return h.Log
	}
	return slog.New(slog.DiscardHandler)
}
