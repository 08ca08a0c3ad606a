package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Update reads the JSON document under key, lets change alter it and writes it back, unless
// somebody else has written it meanwhile: then it starts over, so change may run several times and
// must have no other effect. A missing document is read as the zero T and created; one that change
// leaves as it was is not written. An error of change ends the update and is returned as it is.
//
// It gives the revision at which the document is as change left it: what a view awaits to show it.
func Update[T any](ctx context.Context, s Store, key string, change func(*T) error) (int64, error) {
	for {
		was, err := s.Get(ctx, key)
		if err != nil {
			return 0, fmt.Errorf("update %s: %w", key, err)
		}
		var document T
		if was.Revision != 0 {
			if err := json.Unmarshal(was.Value, &document); err != nil {
				return 0, fmt.Errorf("update %s: decode document: %w", key, err)
			}
		}
		if err := change(&document); err != nil {
			return 0, err
		}
		raw, err := json.Marshal(document)
		if err != nil {
			return 0, fmt.Errorf("update %s: encode document: %w", key, err)
		}
		if was.Revision != 0 && bytes.Equal(raw, was.Value) {
			return was.Revision, nil
		}
		revision, err := s.Commit(ctx, Change{Key: key, Value: raw, If: was.Revision})
		if err == nil {
			return revision, nil
		}
		if !errors.Is(err, ErrConflict) {
			return 0, fmt.Errorf("update %s: %w", key, err)
		}
	}
}
