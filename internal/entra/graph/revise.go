package graph

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// tries is how often a change is made anew because somebody else was faster.
const tries = 16

// target names what is to be changed; the zero target is something new.
type target struct {
	application string // object id
	principal   cloud.PrincipalID
}

// record is an application with its service principal as the store has them. Either may be nil: an
// application without a principal, or a principal that nobody registered. What an edit sets to nil is
// deleted, what it puts in place of nil is made.
type record struct {
	application *directory.Application
	principal   *cloud.Principal

	uris      []string // as they were
	revisions [2]int64 // of the two, 0 where there is none
	before    target
}

// revise lets edit change a record and writes it, all in one transaction, and returns when readers
// see it. Edit may run several times.
func (d *Door) revise(ctx context.Context, t target, edit func(*record) error) error {
	for range tries {
		r, err := d.load(ctx, t)
		if err != nil {
			return err
		}
		if err := edit(r); err != nil {
			return err
		}
		changes, err := d.changes(ctx, r)
		if err != nil || len(changes) == 0 {
			return err
		}
		revision, err := d.Store.Commit(ctx, changes...)
		if err == nil {
			return d.Directory.Await(ctx, revision)
		}
		if !errors.Is(err, store.ErrConflict) {
			return fmt.Errorf("revise directory object: %w", err)
		}
	}
	return busy()
}

func busy() error {
	return fault.New(fault.Unavailable, "Directory_ConcurrencyViolation", "Others kept changing the same object. Try again.")
}

func (d *Door) load(ctx context.Context, t target) (*record, error) {
	r := &record{before: t}
	var err error
	if t.application != "" {
		if r.application, r.revisions[0], err = read[directory.Application](ctx, d.Store, directory.ApplicationKey(t.application)); err != nil {
			return nil, err
		}
		if r.application == nil {
			return nil, missing(t.application)
		}
		r.uris, r.before.principal = r.application.URIs, r.application.Principal
	}
	if r.before.principal != "" {
		if r.principal, r.revisions[1], err = read[cloud.Principal](ctx, d.Store, cloud.PrincipalKey(r.before.principal)); err != nil {
			return nil, err
		}
	}
	if t.principal != "" && (r.principal == nil || r.principal.ID != t.principal) {
		return nil, missing(string(t.principal))
	}
	return r, nil
}

// read gives a document and its revision, nil and 0 when there is none.
func read[T any](ctx context.Context, s store.Store, key string) (*T, int64, error) {
	entry, err := s.Get(ctx, key)
	if err != nil || entry.Revision == 0 {
		return nil, 0, err
	}
	document := new(T)
	if err := json.Unmarshal(entry.Value, document); err != nil {
		return nil, 0, fmt.Errorf("read %s: %w", key, err)
	}
	return document, entry.Revision, nil
}

// changes gives what makes the store hold the record: each document under the condition that nobody
// has written it since, and the URIs' claims with their application.
func (d *Door) changes(ctx context.Context, r *record) ([]store.Change, error) {
	var all []store.Change
	var uris []string
	put := func(key string, document any, revision int64) error {
		text, err := json.Marshal(document)
		all = append(all, store.Change{Key: key, Value: text, If: revision})
		return err
	}
	switch {
	case r.application != nil:
		uris = r.application.URIs
		if err := put(directory.ApplicationKey(r.application.ID), r.application, r.revisions[0]); err != nil {
			return nil, err
		}
	case r.revisions[0] != 0:
		all = append(all, store.Change{Key: directory.ApplicationKey(r.before.application), If: r.revisions[0]})
	}
	switch {
	case r.principal != nil:
		if err := put(cloud.PrincipalKey(r.principal.ID), r.principal, r.revisions[1]); err != nil {
			return nil, err
		}
	case r.revisions[1] != 0:
		all = append(all, store.Change{Key: cloud.PrincipalKey(r.before.principal), If: r.revisions[1]})
	}
	claims, err := d.claims(ctx, r, uris)
	return append(all, claims...), err
}

// claims gives the changes that keep every URI with one application.
func (d *Door) claims(ctx context.Context, r *record, uris []string) ([]store.Change, error) {
	var all []store.Change
	for _, uri := range r.uris {
		if !slices.Contains(uris, uri) {
			all = append(all, store.Change{Key: directory.URIKey(uri), If: store.Any})
		}
	}
	for _, uri := range uris {
		if slices.Contains(r.uris, uri) {
			continue
		}
		claimed, err := d.Store.Get(ctx, directory.URIKey(uri))
		if err != nil {
			return nil, err
		}
		if claimed.Revision != 0 {
			return nil, badRequest("Another object with the same value for property identifierUris already exists.")
		}
		all = append(all, store.Change{Key: directory.URIKey(uri), Value: []byte(`"` + r.application.ID + `"`)})
	}
	return all, nil
}
