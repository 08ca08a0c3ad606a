// Package hosttest holds every engine of the host to the same behaviour.
//
// It must not know how any engine runs a command.
package hosttest

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// The commands that an engine under test must be able to run.
const (
	Speak  = "speak"  // writes "one" and "three" to stdout, "two" to stderr, and exits with 0
	Fail   = "fail"   // exits with 3
	Obey   = "obey"   // writes "ready"; when asked to end writes "bye" and exits with 0
	Defy   = "defy"   // writes "ready" and goes on although it is asked to end
	Recite = "recite" // writes its environment, a line for each variable
	Call   = "call"   // connects to the address in the variable CALL, writes a line there, and goes on until it ends
)

// Bench is what Run needs of an engine.
type Bench struct {
	Engine func(t *testing.T) host.Engine
	// Command gives the command line for one of the names above.
	Command func(name string) []string
	// Witness tells the processes of the engine's commands; nil where nobody does.
	Witness host.Witness
}

// long is more than any step takes; only a failing test waits for it.
const long = 30 * time.Second

// Run holds an engine to the contract of host.Engine.
func Run(t *testing.T, b Bench) {
	t.Run("output comes by stream, in order, before the end", b.output)
	t.Run("the exit status is that of the command", b.status)
	t.Run("a command that is asked to end ends by itself", b.asked)
	t.Run("a command that does not listen is killed after the grace", b.killed)
	t.Run("stopping what has ended does nothing", b.late)
	t.Run("the environment is what the spec says", b.environment)
	t.Run("a command that is not there is refused", b.absent)
	t.Run("the boundary has a name", b.boundary)
	t.Run("whose process calls is told, or said not to be", b.calls)
}

func (b Bench) start(t *testing.T, name string, env ...string) (host.Process, *heard) {
	t.Helper()
	h := &heard{news: make(chan struct{}, 100)}
	p, err := b.Engine(t).Start(t.Context(), host.Spec{
		Replica: fmt.Sprintf("r-%s-%p", name, h), Command: b.Command(name), Env: env, Dir: "/", Output: h.hear,
	})
	if err != nil {
		t.Fatalf("%s does not start: %v", name, err)
	}
	t.Cleanup(func() { p.Stop(0) })
	return p, h
}

// heard gathers what a command wrote.
type heard struct {
	mu    sync.Mutex
	lines map[string][]string
	news  chan struct{}
}

func (h *heard) hear(stream, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lines == nil {
		h.lines = map[string][]string{}
	}
	h.lines[stream] = append(h.lines[stream], text)
	select {
	case h.news <- struct{}{}:
	default:
	}
}

func (h *heard) of(stream string) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return strings.Join(h.lines[stream], "\n")
}

func end(t *testing.T, p host.Process) host.Exit {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(long):
		t.Fatal("the command does not end")
	}
	return p.Exit()
}

func (h *heard) await(t *testing.T, text string) {
	t.Helper()
	for h.of(host.Stdout) != text {
		select {
		case <-h.news:
		case <-time.After(long):
			t.Fatalf("stdout is %q, want %q", h.of(host.Stdout), text)
		}
	}
}

func (b Bench) output(t *testing.T) {
	p, h := b.start(t, Speak)
	end(t, p)
	if got := h.of(host.Stdout); got != "one\nthree" {
		t.Errorf("stdout is %q", got)
	}
	if got := h.of(host.Stderr); got != "two" {
		t.Errorf("stderr is %q", got)
	}
}

func (b Bench) status(t *testing.T) {
	p, _ := b.start(t, Fail)
	if got := end(t, p); got != (host.Exit{Code: 3}) {
		t.Errorf("the command %s", got)
	}
}

func (b Bench) asked(t *testing.T) {
	p, h := b.start(t, Obey)
	h.await(t, "ready")
	p.Stop(long)
	if got := p.Exit(); got != (host.Exit{}) || h.of(host.Stdout) != "ready\nbye" {
		t.Errorf("the command %s and wrote %q", got, h.of(host.Stdout))
	}
}

func (b Bench) killed(t *testing.T) {
	p, h := b.start(t, Defy)
	h.await(t, "ready")
	p.Stop(time.Millisecond)
	if got := p.Exit(); got.Signal == "" {
		t.Errorf("the command %s, want it killed", got)
	}
}

func (b Bench) late(t *testing.T) {
	p, _ := b.start(t, Fail)
	before := end(t, p)
	p.Stop(long)
	if got := p.Exit(); got != before {
		t.Errorf("the command %s, and after Stop %s", before, got)
	}
}

func (b Bench) environment(t *testing.T) {
	t.Setenv("LANYARD_SECRET_OF_THE_PLATFORM", "1")
	p, h := b.start(t, Recite, "GREETING=hello", "EMPTY=", "PATH=/usr/bin:/bin")
	end(t, p)
	got := strings.Split(h.of(host.Stdout), "\n")
	for _, want := range []string{"GREETING=hello", "EMPTY=", "PATH=/usr/bin:/bin"} {
		if !slices.Contains(got, want) {
			t.Errorf("%s is missing in %q", want, got)
		}
	}
	// A shell adds PWD, OLDPWD, SHLVL and _ of its own.
	may := []string{"GREETING", "EMPTY", "PATH", "LANG", "HOME", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"}
	for _, v := range got {
		if name, _, _ := strings.Cut(v, "="); !slices.Contains(may, name) {
			t.Errorf("%s is in the environment", v)
		}
	}
}

func (b Bench) absent(t *testing.T) {
	p, err := b.Engine(t).Start(t.Context(), host.Spec{Replica: "r-absent", Command: []string{"no-such-program-anywhere"}, Dir: "/"})
	if err == nil {
		p.Stop(0)
		t.Fatal("a command that is not there was started")
	}
	if _, err := b.Engine(t).Start(t.Context(), host.Spec{Replica: "r-none", Dir: "/"}); err == nil {
		t.Error("an empty command was started")
	}
}

func (b Bench) boundary(t *testing.T) {
	if b.Engine(t).Boundary() == "" {
		t.Error("the boundary has no name")
	}
}

func (b Bench) calls(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var roots []host.Root
	var calls []*httpkit.Connection
	for range 2 {
		p, _ := b.start(t, Call, "CALL="+l.Addr().String())
		roots = append(roots, p.Root())
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		calls = append(calls, &httpkit.Connection{Remote: conn.RemoteAddr().(*net.TCPAddr).AddrPort(), Local: conn.LocalAddr().(*net.TCPAddr).AddrPort()})
		if _, err := bufio.NewReader(conn).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	if b.Witness == nil {
		if roots[0] != (host.Root{}) {
			t.Errorf("nobody tells its processes, but they descend from %+v", roots[0])
		}
		return
	}
	for i, c := range calls {
		own, other := roots[i], roots[1-i]
		if n, p, err := b.Witness.Find(t.Context(), c, []host.Root{other, own}); err != nil || n != 1 || p.PID == 0 {
			t.Errorf("the caller is %+v of number %d, %v", p, n, err)
		}
		if _, _, err := b.Witness.Find(t.Context(), c, []host.Root{other}); !errors.Is(err, host.ErrStranger) {
			t.Errorf("held against another command, the caller is %v", err)
		}
		later := own
		later.Born++
		if _, _, err := b.Witness.Find(t.Context(), c, []host.Root{later}); !errors.Is(err, host.ErrStranger) {
			t.Errorf("held against another process that had the number, the caller is %v", err)
		}
	}
}
