// Package script runs terminal sessions against the built program, as tests.
//
// It must not know the program's insides: it types commands and reads what comes.
package script

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// binaries is the folder that holds lanyard and hello, built once.
var binaries string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "lanyard-script-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		// Replicas run as users of their own when the platform runs as root, and must get here.
		if err := os.Chmod(dir, 0o755); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "lanyard/cmd/lanyard", "lanyard/examples/hello")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "build the programs:", err)
			return 1
		}
		binaries = dir
		return m.Run()
	}())
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata",
		UpdateScripts: os.Getenv("UPDATE") != "",
		TestWork:      os.Getenv("KEEP") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", binaries+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("BIN", binaries)
			e.Setenv("LANYARD_STATE", filepath.Join(e.WorkDir, "state"))
			e.Setenv("HOME", e.WorkDir)
			e.Values[upKey{}] = &terminal{}
			e.Defer(func() { e.Values[upKey{}].(*terminal).stop() })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"up":        up,
			"await":     await,
			"crash":     crash,
			"interrupt": interrupt,
			"let":       let,
			"poll":      poll,
		},
		Condition: func(cond string) (bool, error) {
			if cond == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", cond)
		},
	})
}

type upKey struct{}

// terminal is the running `lanyard up` with what it has printed.
type terminal struct {
	mu    sync.Mutex
	grown chan struct{} // closed and replaced as lines come
	text  strings.Builder
	from  int // where the next await begins to look
	cmd   *exec.Cmd
	ended chan struct{}
}

func (u *terminal) start(dir string, env, args []string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.text.Reset()
	u.from, u.grown, u.ended = 0, make(chan struct{}), make(chan struct{})
	u.cmd = exec.Command(filepath.Join(binaries, "lanyard"), append([]string{"up", "--listen", "127.0.0.1:0"}, args...)...)
	u.cmd.Dir, u.cmd.Env = dir, env
	r, w := io.Pipe()
	u.cmd.Stdout, u.cmd.Stderr = w, w
	if err := u.cmd.Start(); err != nil {
		return err
	}
	cmd, ended := u.cmd, u.ended
	go func() {
		_ = cmd.Wait()
		_ = w.Close()
	}()
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(r)
		for lines.Scan() {
			u.mu.Lock()
			u.text.WriteString(lines.Text() + "\n")
			close(u.grown)
			u.grown = make(chan struct{})
			u.mu.Unlock()
		}
	}()
	return nil
}

// stop asks the platform to end and waits for it.
func (u *terminal) stop() {
	if u.cmd == nil {
		return
	}
	_ = u.cmd.Process.Signal(os.Interrupt)
	select {
	case <-u.ended:
	case <-time.After(time.Minute):
		_ = u.cmd.Process.Kill()
		<-u.ended
	}
	u.cmd = nil
}

// up [flag...] starts the platform and waits until it is ready.
func up(ts *testscript.TestScript, neg bool, args []string) {
	u := ts.Value(upKey{}).(*terminal)
	var env []string
	for _, name := range []string{"PATH", "HOME", "LANYARD_STATE", "BIN", "TMPDIR"} {
		env = append(env, name+"="+ts.Getenv(name))
	}
	ts.Check(u.start(ts.MkAbs("."), env, args))
	ts.Defer(func() { ts.Logf("the platform printed:\n%s", u.seen()) })
	awaitText(ts, u, `Lanyard is ready|lanyard: `)
	if failed := !strings.Contains(u.seen(), "Lanyard is ready"); failed != neg {
		ts.Fatalf("up printed:\n%s", u.seen())
	}
}

func (u *terminal) seen() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.text.String()
}

// await PATTERN waits for a line of the platform's output after the last one awaited.
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: await PATTERN")
	}
	awaitText(ts, ts.Value(upKey{}).(*terminal), args[0])
}

func awaitText(ts *testscript.TestScript, u *terminal, pattern string) {
	re, err := regexp.Compile(pattern)
	ts.Check(err)
	deadline := time.After(time.Minute)
	for {
		u.mu.Lock()
		text, grown := u.text.String(), u.grown
		if at := re.FindStringIndex(text[u.from:]); at != nil {
			ts.Logf("[await] %s", text[u.from:u.from+at[1]])
			u.from += at[1]
			u.mu.Unlock()
			return
		}
		u.mu.Unlock()
		select {
		case <-grown:
		case <-u.ended:
			if !re.MatchString(u.seen()[u.from:]) {
				ts.Fatalf("the platform ended without %q; it printed:\n%s", pattern, text)
			}
		case <-deadline:
			ts.Fatalf("no %q within a minute; the platform printed:\n%s", pattern, text)
		}
	}
}

// interrupt asks the platform to end, as Ctrl-C does, and waits.
func interrupt(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Value(upKey{}).(*terminal).stop()
}

// crash ends the platform without a word.
func crash(ts *testscript.TestScript, _ bool, _ []string) {
	u := ts.Value(upKey{}).(*terminal)
	ts.Check(u.cmd.Process.Signal(syscall.SIGKILL))
	<-u.ended
	u.cmd = nil
}

// let NAME COMMAND... keeps a command's output in a variable.
func let(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: let NAME COMMAND [ARG...]")
	}
	ts.Check(ts.Exec(args[1], args[2:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// poll COMMAND... runs a command until it succeeds, or until it fails when negated.
func poll(ts *testscript.TestScript, neg bool, args []string) {
	ctx, stop := context.WithTimeout(context.Background(), 30*time.Second)
	defer stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if err := ts.Exec(args[0], args[1:]...); (err != nil) == neg {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ts.Fatalf("%v did not change within 30 s", args)
		}
	}
}
