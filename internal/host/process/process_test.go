//go:build linux

package process

import (
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/host"
	"lanyard/internal/host/hosttest"
)

// TestMain makes the test program its own shim, and the platform that a test kills.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "shim":
			os.Exit(Shim(os.Args[2:]))
		case "platform":
			os.Exit(doomedPlatform())
		case "call", "call4in6":
			os.Exit(caller())
		case "again": // as the platform does, which must not stand in the way of namespaces
			if err := Conceal(); err != nil {
				panic(err)
			}
			os.Args = []string{os.Args[0], "-test.v"}
		}
	}
	os.Exit(m.Run())
}

// open gives a folder that every user can pass through, as t.TempDir's are not.
func open(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lanyard-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func engine(t *testing.T) *Engine { return &Engine{Homes: open(t)} }

func shell(script string) []string { return []string{"/bin/sh", "-c", script} }

// run runs a script to its end.
func run(t *testing.T, e *Engine, script string) (host.Exit, string) {
	t.Helper()
	var mu sync.Mutex
	var out strings.Builder
	p, err := e.Start(t.Context(), host.Spec{Replica: "r-1", Command: shell(script + " 2>&1"), Dir: "/", Output: func(_, text string) {
		mu.Lock()
		defer mu.Unlock()
		out.WriteString(text + "\n")
	}})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.Done():
	case <-time.After(20 * time.Second):
		p.Stop(0)
		t.Fatalf("the script did not end by itself; it wrote %q", out.String())
	}
	return p.Exit(), strings.TrimSpace(out.String())
}

var scripts = map[string]string{
	hosttest.Speak:  "echo one; echo two >&2; echo three",
	hosttest.Fail:   "exit 3",
	hosttest.Obey:   "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.02; done",
	hosttest.Defy:   "trap '' TERM; echo ready; while :; do sleep 0.02; done",
	hosttest.Recite: "env",
}

func TestConformance(t *testing.T) {
	e := engine(t)
	t.Logf("boundary: %s", e.Boundary())
	program := callers(t, open(t))
	hosttest.Run(t, hosttest.Bench{
		Engine: func(*testing.T) host.Engine { return e },
		Command: func(name string) []string {
			if name == hosttest.Call {
				return shell("exec " + program + " call $CALL")
			}
			return shell(scripts[name])
		},
		Witness: &Witness{},
	})
}

func TestLinesAreCutAtTheirEndsAndAtABound(t *testing.T) {
	var got []string
	l := &lines{stream: host.Stdout, out: func(_, text string) { got = append(got, text) }}
	for _, piece := range []string{"a\r\nb", "c\n\n", strings.Repeat("x", maxLine+5), "\nlast"} {
		l.Write([]byte(piece))
	}
	l.end()
	want := []string{"a", "bc", "", strings.Repeat("x", maxLine), "xxxxx", "last"}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("the lines are %d: %.80q", len(got), got)
	}
}

func TestTheHomeIsPrivateAndGoesWithTheReplica(t *testing.T) {
	e := engine(t)
	exit, out := run(t, e, `touch "$HOME/a" "$TMPDIR/b" && stat -c %a "$HOME" && echo "$HOME"`)
	mode, home, _ := strings.Cut(out, "\n")
	if exit.Code != 0 || mode != "700" {
		t.Fatalf("the script %s and wrote %q", exit, out)
	}
	if _, err := os.Stat(home); !os.IsNotExist(err) {
		t.Errorf("the home %s is there after the replica ended: %v", home, err)
	}
}

func TestAWorkingDirectoryThatIsNotThereIsNamed(t *testing.T) {
	_, err := engine(t).Start(t.Context(), host.Spec{Replica: "r", Command: shell("true"), Dir: "/nowhere/at/all"})
	if err == nil || !strings.Contains(err.Error(), "/nowhere/at/all") {
		t.Errorf("the error is %v", err)
	}
}
