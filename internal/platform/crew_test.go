package platform

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopNamesWhatHangsWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &Platform{ending: make(chan struct{})}
		var undone bool
		p.onStop(func() error { undone = true; return nil })
		release := make(chan struct{})
		ctx, cancel := context.WithCancel(context.Background())
		p.stopDoors, p.stopRest = cancel, func() {}
		p.keep(ctx, &p.doors, "edge", func(context.Context) error { <-release; return nil })
		p.keep(ctx, &p.doors, "sweep of sign-ins", func(ctx context.Context) error { <-ctx.Done(); return nil })
		p.keep(ctx, &p.rest, "issuer", func(ctx context.Context) error { <-ctx.Done(); return nil })
		bounded, end := context.WithTimeout(context.Background(), time.Minute)
		defer end()
		err := p.Stop(bounded)
		if err == nil || !strings.Contains(err.Error(), "the edge did not end") || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the error is %v", err)
		}
		for _, other := range []string{"sweep", "issuer"} {
			if err != nil && strings.Contains(err.Error(), other) {
				t.Errorf("%v names what ended: %s", err, other)
			}
		}
		if !undone {
			t.Error("what the start made was not taken back")
		}
		close(release)
		if err := p.Stop(context.Background()); err != nil {
			t.Errorf("the second time: %v", err)
		}
	})
}
