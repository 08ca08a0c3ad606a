package authorization

import (
	"context"
	"fmt"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// claim gives the change by which holder takes a key, or the id of the one who holds it. A claim
// outlives its holder when that went along with its scope: such a claim is taken over.
func claim(ctx context.Context, s Entries, key string, holder cloud.ID) (change store.Change, rival cloud.ID, err error) {
	entry, err := s.Get(ctx, key)
	if err != nil {
		return change, rival, fmt.Errorf("read claim: %w", err)
	}
	change = store.Change{Key: key, Value: []byte(holder.String()), If: entry.Revision}
	if entry.Revision == 0 {
		return change, rival, nil
	}
	rival, err = cloud.ParseID(string(entry.Value))
	if err != nil {
		return change, rival, fmt.Errorf("read claim: %w", err)
	}
	if rival.Equal(holder) {
		return change, cloud.ID{}, nil
	}
	// The claim and the document were written together, so the store itself knows whether the
	// holder is gone; a view could be behind.
	held, err := s.Get(ctx, cloud.DocumentKey(rival))
	if err != nil {
		return change, rival, fmt.Errorf("read claim's holder: %w", err)
	}
	if held.Revision == 0 {
		return change, cloud.ID{}, nil
	}
	return change, rival, nil
}

// release gives the changes by which holder lets go of those keys that it holds.
func release(ctx context.Context, s Entries, holder cloud.ID, keys ...string) ([]store.Change, error) {
	var changes []store.Change
	for _, key := range keys {
		entry, err := s.Get(ctx, key)
		if err != nil {
			return nil, fmt.Errorf("read claim: %w", err)
		}
		if entry.Revision != 0 && strings.EqualFold(string(entry.Value), holder.String()) {
			changes = append(changes, store.Change{Key: key, If: entry.Revision})
		}
	}
	return changes, nil
}
