package etcd

import (
	"context"
	"errors"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"

	"lanyard/internal/store"
)

// calm is how long the store waits before it follows etcd again after a failure.
const calm = 200 * time.Millisecond

// follow publishes every revision of etcd after from, until ctx ends. It watches the whole of
// etcd, pieces of large values included, so that there is no revision of which it does not hear and
// nobody who awaits one waits in vain.
func (s *Store) follow(ctx context.Context, from int64) {
	for ctx.Err() == nil {
		err := s.stream(ctx, "", from, func(b store.Batch) bool {
			from = b.Revision
			s.feed.Publish(b)
			return true
		})
		if ctx.Err() != nil {
			return
		}
		s.log.Warn("the store's watch was interrupted", "error", err)
		if errors.Is(err, store.ErrCompacted) {
			if at, err := s.position(ctx); err == nil {
				from = at
				s.feed.Reset(at)
				continue
			}
		}
		select {
		case <-time.After(calm):
		case <-ctx.Done():
		}
	}
}

// history is store.Feed's History.
func (s *Store) history(ctx context.Context, prefix string, after, upTo int64) ([]store.Batch, error) {
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	var missed []store.Batch
	err = s.stream(ctx, prefix, after, func(b store.Batch) bool {
		if b.Revision <= upTo && len(b.Events) > 0 {
			missed = append(missed, b)
		}
		return b.Revision < upTo
	})
	return missed, err
}

// stream gives every revision after from, with what it changed under prefix, until each returns
// false, which is no error, or etcd ends the watch.
func (s *Store) stream(ctx context.Context, prefix string, from int64, each func(store.Batch) bool) error {
	ctx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	for heard := range s.client.Watch(ctx, "\x00", clientv3.WithFromKey(), clientv3.WithRev(from+1)) {
		if err := heard.Err(); err != nil {
			return compacted(err)
		}
		for len(heard.Events) > 0 {
			n := sameRevision(heard.Events)
			b, err := s.batch(ctx, prefix, heard.Events[:n])
			if err != nil {
				return err
			}
			if !each(b) {
				return nil
			}
			heard.Events = heard.Events[n:]
		}
	}
	return errors.Join(ctx.Err(), errors.New("etcd ended the watch"))
}

// sameRevision counts the events at the beginning that one transaction made.
func sameRevision(events []*clientv3.Event) int {
	n := 1
	for n < len(events) && events[n].Kv.ModRevision == events[0].Kv.ModRevision {
		n++
	}
	return n
}

// batch gives what one transaction changed under prefix.
func (s *Store) batch(ctx context.Context, prefix string, events []*clientv3.Event) (store.Batch, error) {
	b := store.Batch{Revision: events[0].Kv.ModRevision}
	for _, e := range events {
		key, ok := strings.CutPrefix(string(e.Kv.Key), documents)
		if !ok || !strings.HasPrefix(key, prefix) {
			continue
		}
		event := store.Event{Key: key, Revision: b.Revision}
		if e.Type == clientv3.EventTypePut {
			var err error
			if event.Value, err = s.value(ctx, key, e.Kv.Value, b.Revision); err != nil {
				return b, err
			}
		}
		b.Events = append(b.Events, event)
	}
	return b, nil
}
