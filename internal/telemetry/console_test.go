package telemetry

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
)

var (
	hello = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/hello")
	other = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/other")
)

func said(app cloud.ID, text string) Line {
	return Line{App: app, Revision: "hello--1", Replica: "hello--1-x", Container: "main", Stream: "stdout",
		Time: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Text: text}
}

func texts(lines []Line) string {
	var all []string
	for _, l := range lines {
		all = append(all, l.Text)
	}
	return strings.Join(all, " ")
}

func TestTailGivesTheNewestLinesOfOneAppOldestFirst(t *testing.T) {
	c := &Console{Keep: 3}
	for i := range 5 {
		c.Append(said(hello, fmt.Sprint(i)))
	}
	c.Append(said(other, "else"))
	for n, want := range map[int]string{-1: "", 0: "", 2: "3 4", 3: "2 3 4", 100: "2 3 4"} {
		if got := texts(c.Tail(hello, n)); got != want {
			t.Errorf("the newest %d lines are %q, want %q", n, got, want)
		}
	}
}

func TestLinesSurviveARestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "console")
	before := &Console{Dir: dir}
	want := said(hello, "a \"quoted\" line with \x00 and é")
	before.Append(want)
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	after := &Console{Dir: dir}
	defer after.Close()
	if got := after.Tail(hello, 10); len(got) != 1 || got[0] != want {
		t.Errorf("after a restart the lines are %+v, want %+v", got, want)
	}
	if got := after.Tail(other, 10); len(got) != 0 {
		t.Errorf("another app has lines %+v", got)
	}
}

func TestARecordCutShortByACrashSpoilsNothingElse(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(pathFor(dir, hello), []byte(`{"app":"`), 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Console{Dir: dir}
	c.Append(said(hello, "next"))
	c.Close()
	again := &Console{Dir: dir}
	defer again.Close()
	if got := texts(again.Tail(hello, 10)); got != "next" {
		t.Errorf("the lines are %q, want %q", got, "next")
	}
}

func TestFilesAreBoundedAndPrivate(t *testing.T) {
	dir := t.TempDir()
	c := &Console{Dir: dir, MaxBytes: 1000}
	defer c.Close()
	for i := range 100 {
		c.Append(said(hello, fmt.Sprint("line ", i)))
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("there are %d files, want the newer and the older one", len(entries))
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o, want 600", e.Name(), info.Mode().Perm())
		}
		if info.Size() > 1000 {
			t.Errorf("%s has %d bytes, more than its bound", e.Name(), info.Size())
		}
	}
	if got := texts(c.Tail(hello, 1)); got != "line 99" {
		t.Errorf("the newest line is %q", got)
	}
}

func TestAFileNameHoldsNothingButPlainCharacters(t *testing.T) {
	odd := cloud.MustID("/subscriptions/s/resourceGroups/Rg (1)/providers/Microsoft.App/containerApps/Hello..World")
	name := filepath.Base(pathFor("/x", odd))
	if !strings.HasPrefix(name, "helloworld-rg1-") {
		t.Errorf("the file is named %q", name)
	}
}

func TestFollowGivesWhatWasAndEveryLineAfterIt(t *testing.T) {
	c := &Console{}
	ctx, cancel := context.WithCancel(t.Context())
	for _, text := range []string{"long before", "before"} {
		c.Append(said(hello, text))
	}
	past, lines := c.Follow(ctx, hello, 1)
	if got := texts(past); got != "before" {
		t.Errorf("the lines before are %q", got)
	}
	c.Append(said(hello, "after"))
	if got := <-lines; got.Text != "after" {
		t.Errorf("the first line followed is %q", got.Text)
	}
	cancel()
	if _, open := <-lines; open {
		t.Error("the channel is open after its context ended")
	}
}

func TestASlowReaderIsToldWhatItMissed(t *testing.T) {
	c := &Console{}
	_, lines := c.Follow(t.Context(), hello, 0)
	for i := range ahead + 10 {
		c.Append(said(hello, fmt.Sprint(i)))
	}
	for range ahead {
		<-lines
	}
	c.Append(said(hello, "again"))
	if gap := <-lines; gap.Stream != "system" || !strings.HasPrefix(gap.Text, "10 lines") {
		t.Errorf("after a gap comes %+v", gap)
	}
	if next := <-lines; next.Text != "again" {
		t.Errorf("after the gap's line comes %q", next.Text)
	}
}

func TestCloseEndsFollowersAndKeepsNothingMore(t *testing.T) {
	c := &Console{Dir: t.TempDir()}
	_, lines := c.Follow(t.Context(), hello, 0)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-lines; open {
		t.Error("the channel is open after the console closed")
	}
	c.Append(said(hello, "late"))
	if got := c.Tail(hello, 1); got != nil {
		t.Errorf("a closed console gives %v", got)
	}
	_, lines = c.Follow(t.Context(), hello, 0)
	if _, open := <-lines; open {
		t.Error("a closed console can be followed")
	}
}

func TestManyWritersAndReadersAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &Console{Keep: 50}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				_, lines := c.Follow(ctx, hello, 0)
				for range lines {
				}
			})
			all.Go(func() {
				for i := range 200 {
					c.Append(said(hello, fmt.Sprint(i)))
					c.Tail(hello, 10)
				}
			})
		}
		synctest.Wait()
		cancel()
		all.Wait()
	})
}

func TestAForgottenAppLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	c := &Console{Dir: dir, MaxBytes: 500}
	defer c.Close()
	for i := range 20 {
		c.Append(said(hello, fmt.Sprint(i)))
	}
	c.Append(said(other, "else"))
	held := c.track(hello)
	_, lines := c.Follow(t.Context(), hello, 0)
	for range 2 { // the second finds nothing
		if err := c.Forget(hello); err != nil {
			t.Fatal(err)
		}
	}
	if _, open := <-lines; open {
		t.Error("a forgotten app is still followed")
	}
	held.append(said(hello, "late"))
	if held.tail(1) != nil || len(c.tracks) != 1 {
		t.Errorf("%d apps are kept", len(c.tracks))
	}
	if _, lines := held.follow(1); len(lines.lines) != 0 {
		t.Error("a forgotten track can be followed")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 || !strings.HasPrefix(entries[0].Name(), "other-") {
		t.Errorf("left are the files %v (%v)", entries, err)
	}
	c.Append(said(hello, "anew"))
	if got := texts(c.Tail(hello, 10)) + " " + texts(c.Tail(other, 10)); got != "anew else" {
		t.Errorf("the lines are %q", got)
	}
}

func TestWhatIsLeftOfAppsThatAreGoneIsTakenAway(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state [1]")
	before := &Console{Dir: dir, MaxBytes: 500}
	gone, fresh := cloud.MustID(hello.String()+"-2"), cloud.MustID(hello.String()+"-3")
	for _, app := range []cloud.ID{hello, other, gone} {
		for i := range 20 {
			before.Append(said(app, fmt.Sprint(i)))
		}
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	c := &Console{Dir: dir}
	defer c.Close()
	c.Append(said(fresh, "new")) // of an app made after the list of them
	if err := c.Retain([]cloud.ID{hello, other}); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 5 {
		t.Errorf("left are the files %v (%v)", entries, err)
	}
	if got := texts(c.Tail(hello, 1)) + texts(c.Tail(gone, 1)) + texts(c.Tail(fresh, 1)); got != "19new" {
		t.Errorf("the newest lines are %q", got)
	}
}

// An app whose lines take long to read holds up nobody else.
func TestAnAppIsReadWithoutHoldingUpOthers(t *testing.T) {
	c := &Console{Dir: t.TempDir()}
	defer c.Close()
	slow := c.track(hello)
	slow.mu.Lock() // as while it reads its files
	var all sync.WaitGroup
	all.Go(func() { c.Tail(hello, 1) })
	c.Append(said(other, "meanwhile"))
	if got := texts(c.Tail(other, 1)); got != "meanwhile" || slow.loaded {
		t.Errorf("the lines are %q; files were read as the track was made: %v", got, slow.loaded)
	}
	slow.mu.Unlock()
	all.Wait()
	if !slow.loaded {
		t.Error("nothing was read when it was asked for")
	}
}
