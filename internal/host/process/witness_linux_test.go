package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// caller is what the test program is when it is started with "call": it connects, says its number, and
// holds the connection until it hears something. "call4in6" does so from a socket of IPv6.
func caller() int {
	dial := map[string]func(string) (net.Conn, error){"call4in6": dialMapped,
		"call": func(address string) (net.Conn, error) { return net.DialTimeout("tcp", address, patience) }}[os.Args[1]]
	conn, err := dial(os.Args[2])
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer conn.Close()
	fmt.Fprintln(conn, os.Getpid())
	_, _ = conn.Read(make([]byte, 1))
	return 0
}

// dialMapped connects to an IPv4 address from a socket of IPv6.
func dialMapped(address string) (net.Conn, error) {
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Connect(fd, &unix.SockaddrInet6{Port: to.Port, Addr: [16]byte(to.IP.To16())}); err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), "mapped")
	defer f.Close()
	return net.FileConn(f)
}

// callers gives a copy of this program that every user can run.
func callers(t testing.TB, in string) string {
	t.Helper()
	to := filepath.Join(in, "callers")
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(to, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// desk is where callers are received and looked at.
type desk struct {
	net.Listener
	program string // that calls
	witness Witness
}

func newDesk(t testing.TB, address string) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "lanyard-test-")
	if err == nil {
		t.Cleanup(func() { os.RemoveAll(dir) })
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		if os.Getenv("LANYARD_CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("there is no %s here: %v", address, err)
	}
	t.Cleanup(func() { l.Close() })
	d := &desk{Listener: l, program: callers(t, dir)}
	if err := d.witness.Able(); err != nil {
		t.Fatal(err)
	}
	return d
}

// call gives the script by which a replica calls the desk.
func (d *desk) call(verb string) string { return d.program + " " + verb + " " + d.Addr().String() }

// guest is a caller that has called.
type guest struct {
	net.Conn
	pid  string // as the caller itself sees it
	ends *httpkit.Connection
}

func (d *desk) receive(t testing.TB) guest {
	t.Helper()
	_ = d.Listener.(*net.TCPListener).SetDeadline(time.Now().Add(20 * time.Second))
	conn, err := d.Accept()
	if err != nil {
		t.Fatalf("nobody calls: %v", err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	pid, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return guest{conn, strings.TrimSpace(pid), endsOf(conn)}
}

func endsOf(conn net.Conn) *httpkit.Connection {
	return &httpkit.Connection{Remote: conn.RemoteAddr().(*net.TCPAddr).AddrPort(), Local: conn.LocalAddr().(*net.TCPAddr).AddrPort()}
}

// replica starts a script that goes on until the test's end.
func replica(t testing.TB, e *Engine, script string) host.Root {
	t.Helper()
	p, err := e.Start(t.Context(), host.Spec{Replica: fmt.Sprintf("r-%d", time.Now().UnixNano()), Command: shell(script), Dir: "/",
		Output: func(_, text string) { t.Logf("the replica says %s", text) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Stop(0) })
	if p.Root().PID == 0 {
		t.Fatal("the engine does not tell where the replica's processes begin")
	}
	return p.Root()
}

// ways are how a process can come to stand below a replica's command.
var ways = map[string]string{
	"the command itself":                   "exec %s",
	"a child":                              "%s; true",
	"a child whose parent ended":           "(%s &) ; sleep 600",
	"a daemon in a session of its own":     "(setsid sh -c '%s >/dev/null 2>&1 &' &) ; sleep 600",
	"a child of a child that was replaced": "sh -c 'exec sh -c \"%s; true\"'; true",
}

func TestAReplicasOwnProcessesAreTold(t *testing.T) {
	everyWalls(t, func(t *testing.T, e *Engine) {
		d := newDesk(t, "127.0.0.1:0")
		for name, script := range ways {
			d.tells(t, e, name, fmt.Sprintf(script, d.call("call")))
		}
		d.tells(t, e, "a caller from a socket of IPv6", d.call("call4in6"))
		six := newDesk(t, "[::1]:0")
		six.tells(t, e, "a caller over IPv6", six.call("call"))
	})
}

// tells sees to it that the process that a replica calls with is told.
func (d *desk) tells(t *testing.T, e *Engine, name, script string) {
	t.Helper()
	root := replica(t, e, script)
	g := d.receive(t)
	i, p, err := d.witness.Find(t.Context(), g.ends, []host.Root{{}, root})
	if err != nil || i != 1 || p.PID == 0 || p.Program != d.program {
		t.Errorf("%s is %d %+v, %v", name, i, p, err)
	}
}

func TestTheNearestRootIsMeant(t *testing.T) {
	d := newDesk(t, "127.0.0.1:0")
	inner := replica(t, engine(t), d.call("call"))
	g := d.receive(t)
	outer := rootOf(os.Getpid(), 0)
	for _, roots := range [][]host.Root{{outer, inner}, {inner, outer}} {
		i, _, err := d.witness.Find(t.Context(), g.ends, roots)
		if err != nil || roots[i] != inner {
			t.Errorf("the process is given to number %d of %v, %v", i, roots, err)
		}
	}
}

func TestTheOneWhoAttachesIsFound(t *testing.T) {
	d := newDesk(t, "127.0.0.1:0")
	cmd := exec.Command(d.program, "call", d.Addr().String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := d.receive(t)
	root, p, err := d.witness.Holder(t.Context(), g.ends)
	if err != nil || root != rootOf(cmd.Process.Pid, 0) || p.Program != d.program {
		t.Errorf("the caller is %+v %+v, %v", root, p, err)
	}
	g.Close()
	_ = cmd.Wait()
	if _, _, err := d.witness.Holder(context.WithoutCancel(t.Context()), g.ends); !errors.Is(err, host.ErrUnattestable) {
		t.Errorf("a caller that is gone is %v", err)
	}
}

// descriptors counts what this process has open.
func descriptors(t testing.TB) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

// TestAStormLeaksNothing is T6: while a replica forks as fast as it can, and few file descriptors are to
// be had, everyone is told rightly or not at all, and every descriptor comes back.
func TestAStormLeaksNothing(t *testing.T) {
	d := newDesk(t, "127.0.0.1:0")
	e := engine(t)
	storm := replica(t, e, "for i in 1 2 3; do (while :; do (:); done) & done; while :; do sh -c : ; done")
	calling := replica(t, e, d.call("call"))
	g := d.receive(t)
	base := descriptors(t)
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
		t.Fatal(err)
	}
	for _, most := range []uint64{256, uint64(base) + 2} {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: most, Max: was.Max}); err != nil {
			t.Fatal(err)
		}
		outcomes := make(chan [2]error)
		const callers, rounds = 8, 20
		for range callers {
			go func() {
				for range rounds {
					_, _, right := d.witness.Find(t.Context(), g.ends, []host.Root{calling})
					_, _, wrong := d.witness.Find(t.Context(), g.ends, []host.Root{storm})
					outcomes <- [2]error{right, wrong}
				}
			}()
		}
		short := 0
		for range callers * rounds {
			o := <-outcomes
			if errors.Is(o[0], host.ErrBusy) {
				short++
			} else if o[0] != nil {
				t.Errorf("the caller is %v", o[0])
			}
			if o[1] == nil {
				t.Error("the storm is taken for the caller")
			}
		}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &was); err != nil {
			t.Fatal(err)
		}
		t.Logf("with %d descriptors %d of %d could not be told", most, short, callers*rounds)
		if most == 256 && short > 0 {
			t.Errorf("%d of %d could not be told", short, callers*rounds)
		}
	}
	if now := descriptors(t); now > base {
		t.Errorf("%d descriptors are open, %d were", now, base)
	}
}

func BenchmarkFind(b *testing.B) {
	d := newDesk(b, "127.0.0.1:0")
	dir, err := os.MkdirTemp("", "lanyard-test-")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	e := &Engine{Homes: dir}
	root, other := replica(b, e, "true; "+d.call("call")), replica(b, e, "sleep 600")
	g := d.receive(b)
	b.Run("again", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := d.witness.Find(b.Context(), g.ends, []host.Root{root}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			d.witness.recent[root.PID%len(d.witness.recent)].Store(0)
			if _, _, err := d.witness.Find(b.Context(), g.ends, []host.Root{root}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("stranger", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := d.witness.Find(b.Context(), g.ends, []host.Root{other}); err == nil {
				b.Fatal("a stranger is taken for the replica")
			}
		}
	})
}
