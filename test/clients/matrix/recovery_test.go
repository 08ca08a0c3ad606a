package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

// challenge is what a vault asks for that refuses a token before its time.
const challenge = `{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}`

// TestWhoRecoversFromATokenThatEnds has every client hold a token, ends it, and sees who goes on at
// once, who fails, and that those go on when the token they keep ends by their own clock.
func TestWhoRecoversFromATokenThatEnds(t *testing.T) {
	if !stage.Alone() {
		stage.Missing(t, "only root can make a network in which nobody else answers at 169.254.169.254")
	}
	w := open(t)
	for _, e := range endings {
		t.Run(e.says, func(t *testing.T) { w.end(t, e) })
	}
}

func (w *world) end(t *testing.T, e ending) {
	var watch watch
	if e.later {
		watch = newWatch(t)
	}
	started := map[string]*running{}
	for _, r := range recoveries {
		if started[r.program] == nil {
			p := w.as(t, column{app: both}, appService, programs[r.program](t), watch.env...)
			defer p.end()
			started[r.program] = p
		}
	}
	ask := func(t *testing.T, r recovery) answer {
		t.Helper()
		return started[r.program].ask(question{Library: r.library, Selector: namedBy("client_id", w.identity(worn)), Resource: vault, Claims: challenge})
	}
	held := map[string]answer{}
	for _, r := range recoveries {
		if r.library == "claims" { // what it holds before it is told of claims
			r.library = "msal"
		}
		held[r.name] = ask(t, r)
		if a := held[r.name]; a.Error != "" {
			t.Fatalf("%s, before: %s", r.name, a.outcome())
		}
	}
	w.Lanyard(e.command...)
	for _, r := range recoveries {
		t.Run(r.name, func(t *testing.T) { r.judge(t, e, held[r.name], ask(t, r)) })
	}
	if !e.later {
		return
	}
	watch.advance(t, 25*time.Hour)
	for _, r := range recoveries {
		t.Run(r.name+", later", func(t *testing.T) {
			var a answer
			for start := time.Now(); time.Since(start) < stage.Patience; {
				if a = ask(t, r); a.Error == "" && (a.Value == hello || a.Claims.Token != held[r.name].Claims.Token) {
					return
				}
			}
			t.Errorf("25 hours later: %s", a.outcome())
		})
	}
}

// judge holds what a client does with the next call against what is declared.
func (r recovery) judge(t *testing.T, e ending, held, a answer) {
	t.Helper()
	switch {
	case r.raises != "":
		if a.Error != r.raises || !strings.Contains(a.Message, e.says) {
			t.Errorf("raised %s; want %s: ... %s", a.outcome(), r.raises, e.says)
		}
	case a.Error != "":
		t.Errorf("raised %s", a.outcome())
	case r.library == "secret" && a.Value != hello:
		t.Errorf("read %q", a.Value)
	case r.library == "claims" && a.Claims.Token == held.Claims.Token:
		t.Errorf("has the token %s still", a.Claims.Token)
	}
}

// watch is a clock that processes read in place of the system's. Go's programs do not; those recover at
// once.
type watch struct {
	file string
	env  []string // of the processes
}

// newWatch gives a watch that shows the real time.
func newWatch(t testing.TB) watch {
	t.Helper()
	libraries, err := filepath.Glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
	if err != nil || len(libraries) == 0 {
		stage.Missing(t, "libfaketime is not installed")
	}
	w := watch{file: filepath.Join(t.TempDir(), "now")}
	w.advance(t, 0)
	w.env = []string{"LD_PRELOAD=" + libraries[0], "FAKETIME_TIMESTAMP_FILE=" + w.file, "FAKETIME_CACHE_DURATION=1", "DONT_FAKE_MONOTONIC=1"}
	return w
}

func (w watch) advance(t testing.TB, by time.Duration) {
	t.Helper()
	if err := os.WriteFile(w.file, fmt.Appendf(nil, "+%d\n", int(by.Seconds())), 0o644); err != nil {
		t.Fatal(err)
	}
}
