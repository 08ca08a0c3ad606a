package provider

import (
	"context"
	"crypto/rand"
	"io"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// Resources finds stored documents.
type Resources interface {
	Document(cloud.ID) (*arm.Document, bool)
	Documents(prefix cloud.ID, resourceType string) []*arm.Document
}

// Deps is what the rows of most namespaces need.
type Deps struct {
	Resources Resources
	Store     store.Store
	Tenant    cloud.TenantID
	// Await returns when the management API can see a revision of the store; nil waits for nothing.
	Await func(ctx context.Context, revision int64) error
	Now   func() time.Time // nil means time.Now
	Rand  io.Reader        // nil means crypto/rand
}

// Time gives the time it is, in UTC.
func (d Deps) Time() time.Time {
	if d.Now == nil {
		return time.Now().UTC()
	}
	return d.Now().UTC()
}

// Random gives the source of what must not be guessed.
func (d Deps) Random() io.Reader {
	if d.Rand == nil {
		return rand.Reader
	}
	return d.Rand
}

// See waits until the management API can see a revision of the store.
func (d Deps) See(ctx context.Context, revision int64) error {
	if d.Await == nil {
		return nil
	}
	return d.Await(ctx, revision)
}
