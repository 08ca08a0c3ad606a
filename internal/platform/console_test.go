package platform

import (
	"context"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/store"
)

func TestWhatAnAppSaidGoesWithIt(t *testing.T) {
	s := newStage(t)
	other := s.newApp(t, "other")
	for _, app := range []cloud.ID{s.app, other} {
		s.output(host.Line{App: app, Text: "hello"})
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	_, lines := s.console.Follow(ctx, s.app, 0)
	if _, err := s.store.Commit(t.Context(), store.Change{Key: cloud.AppKey(s.app), If: store.Any}); err != nil {
		t.Fatal(err)
	}
	for open := true; open; { // it is forgotten when nobody follows it any more
		_, open = <-lines
	}
	if ctx.Err() != nil {
		t.Fatal("after a minute the app is still followed")
	}
	if got := s.console.Tail(s.app, 10); len(got) != 0 {
		t.Errorf("an app that is gone has the lines %+v", got)
	}
	if got := s.console.Tail(other, 10); len(got) != 1 {
		t.Errorf("the other app has the lines %+v", got)
	}
}
