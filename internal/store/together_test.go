package store_test

import (
	"context"
	"errors"
	"testing"

	"lanyard/internal/store"
)

func TestTogetherEndsWithTheFirstThatEnds(t *testing.T) {
	broken := errors.New("broken")
	waited := 0
	wait := func(ctx context.Context) error {
		<-ctx.Done()
		waited++
		return nil
	}
	if err := store.Together(t.Context(), wait, func(context.Context) error { return broken }); !errors.Is(err, broken) || waited != 1 {
		t.Errorf("ended with %v when %d others had", err, waited)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if err := store.Together(ctx, wait); err != nil || waited != 2 {
		t.Errorf("ended by its context: %v", err)
	}
}
