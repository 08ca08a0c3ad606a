// Package etcd keeps a store in etcd: inside this process by default, or in a cluster.
//
// It must not know what the documents mean, nor who reads them.
package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"lanyard/internal/store"
)

// Config says where the state lies: in a folder or in a cluster, not both.
type Config struct {
	// Dir is a folder that etcd, run inside this process and reachable through no socket, has for
	// itself. It is made, for this user only, if it is missing.
	Dir string
	// Endpoints are the client URLs of an etcd cluster that nothing but Lanyard uses.
	Endpoints []string
	// TLS names the cluster's authority and holds this client's certificate. Only endpoints on
	// loopback may go without it.
	TLS *tls.Config
	// Log takes etcd's own messages from warnings upwards; nil discards them.
	Log *slog.Logger
}

// Store is a store.Store in etcd. Open makes one.
type Store struct {
	client *clientv3.Client
	reads  []clientv3.OpOption // how every read is made
	log    *slog.Logger
	feed   store.Feed

	end     context.CancelFunc                                          // ends every call and the following
	tie     func(context.Context) (context.Context, context.CancelFunc) // makes a call end with the store
	running sync.WaitGroup
	release func() error // gives up what lies beneath the client

	closing atomic.Bool
	gate    sync.RWMutex // held for reading by every call, so that Close waits for them
	closed  bool
}

// Open starts or joins the etcd that c names and waits until it answers, or ctx ends.
func Open(ctx context.Context, c Config) (*Store, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	switch {
	case c.Dir != "" && len(c.Endpoints) > 0:
		return nil, errors.New("open store: a folder and endpoints were both given; choose one")
	case c.Dir != "":
		return openEmbedded(ctx, c)
	case len(c.Endpoints) > 0:
		return openCluster(ctx, c)
	}
	return nil, errors.New("open store: neither a folder nor endpoints were given")
}

// begin reads where the store stands, clears away what crashed writers left and starts to follow.
func (s *Store) begin(ctx context.Context, litterAge time.Duration) error {
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	s.end = end
	s.tie = func(ctx context.Context) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(ctx)
		untie := context.AfterFunc(life, cancel)
		return ctx, func() { untie(); cancel() }
	}
	s.feed.Snapshot, s.feed.History = s.List, s.history
	if err := s.sweep(ctx, litterAge); err != nil {
		return fmt.Errorf("clear unfinished writes: %w", err)
	}
	at, err := s.position(ctx)
	if err != nil {
		return fmt.Errorf("read store revision: %w", err)
	}
	s.feed.Start(at)
	s.running.Go(func() { s.follow(life, at) })
	return nil
}

// position gives the revision of the store as a whole.
func (s *Store) position(ctx context.Context) (int64, error) {
	answer, err := s.client.Get(ctx, documents, s.reading(clientv3.WithCountOnly())...)
	if err != nil {
		return 0, err
	}
	return answer.Header.Revision, nil
}

func (s *Store) reading(more ...clientv3.OpOption) []clientv3.OpOption {
	return append(more, s.reads...)
}

// enter admits a call, ties its context to the store's life and gives what the call does last.
func (s *Store) enter(ctx context.Context) (context.Context, func(), error) {
	s.gate.RLock()
	if s.closed {
		s.gate.RUnlock()
		return nil, nil, store.ErrClosed
	}
	ctx, untie := s.tie(ctx)
	return ctx, func() { untie(); s.gate.RUnlock() }, nil
}

// because names the true reason of a failure while the store closes.
func (s *Store) because(err error) error {
	if err != nil && s.closing.Load() {
		return store.ErrClosed
	}
	return err
}

// Watch is store.Store.
func (s *Store) Watch(ctx context.Context, prefix string, from int64) <-chan store.Batch {
	return s.feed.Watch(ctx, prefix, from)
}

// Close is store.Store. Closing twice does nothing.
func (s *Store) Close() error {
	s.closing.Store(true)
	s.end()
	s.feed.Close()
	s.gate.Lock()
	defer s.gate.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	s.running.Wait()
	err := s.client.Close()
	if errors.Is(err, context.Canceled) {
		err = nil // a client closes by cancelling its own context, and says so
	}
	return errors.Join(err, s.release())
}
