package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"lanyard/internal/store"
)

// documents is the prefix of etcd's keys under which the documents lie, by their own keys.
const documents = "doc:"

// page is how many documents one request of a List asks for.
const page = 500

// Get is store.Store.
func (s *Store) Get(ctx context.Context, key string) (store.Entry, error) {
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return store.Entry{}, fmt.Errorf("get %s: %w", key, err)
	}
	defer leave()
	for {
		answer, err := s.client.Get(ctx, documents+key, s.reading()...)
		if err != nil {
			return store.Entry{}, fmt.Errorf("get %s: %w", key, s.because(err))
		}
		if len(answer.Kvs) == 0 {
			return store.Entry{Key: key}, nil
		}
		e, err := s.entry(ctx, answer.Kvs[0], answer.Header.Revision)
		if errors.Is(err, store.ErrCompacted) {
			continue
		}
		if err != nil {
			return store.Entry{}, fmt.Errorf("get %s: %w", key, s.because(err))
		}
		return e, nil
	}
}

// List is store.Store.
func (s *Store) List(ctx context.Context, prefix string) ([]store.Entry, int64, error) {
	ctx, leave, err := s.enter(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("list %s: %w", prefix, err)
	}
	defer leave()
	for {
		entries, revision, err := s.listOnce(ctx, prefix)
		if errors.Is(err, store.ErrCompacted) {
			continue // a page took longer than history is kept
		}
		if err != nil {
			return nil, 0, fmt.Errorf("list %s: %w", prefix, s.because(err))
		}
		return entries, revision, nil
	}
}

// listOnce reads page by page, all of the first page's revision.
func (s *Store) listOnce(ctx context.Context, prefix string) ([]store.Entry, int64, error) {
	var entries []store.Entry
	var revision int64
	from, end := documents+prefix, clientv3.GetPrefixRangeEnd(documents+prefix)
	for {
		answer, err := s.client.Get(ctx, from, s.reading(clientv3.WithRange(end),
			clientv3.WithRev(revision), clientv3.WithLimit(page))...)
		if err != nil {
			return nil, 0, compacted(err)
		}
		if revision == 0 {
			revision = answer.Header.Revision
		}
		for _, kv := range answer.Kvs {
			e, err := s.entry(ctx, kv, revision)
			if err != nil {
				return nil, 0, err
			}
			entries = append(entries, e)
		}
		if !answer.More {
			return entries, revision, nil
		}
		from = string(answer.Kvs[len(answer.Kvs)-1].Key) + "\x00"
	}
}

// entry reads a document as it was at revision.
func (s *Store) entry(ctx context.Context, kv *mvccpb.KeyValue, revision int64) (store.Entry, error) {
	e := store.Entry{Key: strings.TrimPrefix(string(kv.Key), documents), Revision: kv.ModRevision}
	var err error
	e.Value, err = s.value(ctx, e.Key, kv.Value, revision)
	return e, err
}

// compacted gives the store's own error for etcd's.
func compacted(err error) error {
	if errors.Is(err, rpctypes.ErrCompacted) {
		return store.ErrCompacted
	}
	return err
}
