package process

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"

	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// TestStrangersAreTold is T4 and T5 as far as processes go: whoever is not below the replica's root is a
// stranger, from whichever address they call and whatever they know.
func TestStrangersAreTold(t *testing.T) {
	everyWalls(t, func(t *testing.T, e *Engine) {
		d := newDesk(t, "127.0.0.1:0")
		mine := replica(t, e, "sleep 600")
		for name, script := range ways {
			other := replica(t, e, fmt.Sprintf(script, d.call("call")))
			g := d.receive(t)
			_, p, err := d.witness.Find(t.Context(), g.ends, []host.Root{mine})
			if !errors.Is(err, host.ErrStranger) || other.User != 0 && p.UID != other.User || p.Program != d.program {
				t.Errorf("of another replica, %s is %+v, %v", name, p, err)
			}
			if i, _, err := d.witness.Find(t.Context(), g.ends, []host.Root{mine, other}); err != nil || i != 1 {
				t.Errorf("of two replicas, %s is of number %d, %v", name, i, err)
			}
		}
		through := forward(t, d.Addr().String())
		_ = replica(t, e, d.program+" call "+through)
		g := d.receive(t)
		if _, p, err := d.witness.Find(t.Context(), g.ends, []host.Root{mine}); !errors.Is(err, host.ErrStranger) || p.PID != os.Getpid() {
			t.Errorf("who comes through a proxy of this process is %+v, %v", p, err)
		}
	})
}

// forward passes connections on, as a local proxy does, and gives its address.
func forward(t *testing.T, to string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			go func() { _, _ = io.Copy(far, near); far.Close() }()
			go func() { _, _ = io.Copy(near, far); near.Close() }()
		}
	}()
	return l.Addr().String()
}

func TestAnotherUsersProcessIsAStranger(t *testing.T) {
	rootOnly(t)
	d := newDesk(t, "127.0.0.1:0")
	root := replica(t, engine(t), "sleep 600")
	for name, user := range map[string]int{"another user": 65534, "the replica's own user, but not below its root": root.User} {
		cmd := exec.Command(d.program, "call", d.Addr().String())
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(user), Gid: uint32(user)}}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		g := d.receive(t)
		_, p, err := d.witness.Find(t.Context(), g.ends, []host.Root{root})
		if !errors.Is(err, host.ErrStranger) || p.UID != user || p.PID != cmd.Process.Pid {
			t.Errorf("%s is %+v, %v", name, p, err)
		}
		g.Close()
		_ = cmd.Wait()
	}
}

// Who enters the replica's namespaces from outside, as docker exec does, does not come to descend from it.
func TestWhoEntersFromOutsideIsAStranger(t *testing.T) {
	rootOnly(t)
	enter, err := exec.LookPath("nsenter")
	if err != nil {
		if os.Getenv("LANYARD_CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("there is no nsenter here: %v", err)
	}
	d := newDesk(t, "127.0.0.1:0")
	root := replica(t, engine(t), "sleep 600")
	user := strconv.Itoa(root.User)
	cmd := exec.Command(enter, "--target", strconv.Itoa(root.PID), "--pid", "--mount", "--setuid", user, "--setgid", user, d.program, "call", d.Addr().String())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	g := d.receive(t)
	if _, p, err := d.witness.Find(t.Context(), g.ends, []host.Root{root}); !errors.Is(err, host.ErrStranger) || p.UID != root.User {
		t.Errorf("who entered is %+v, %v", p, err)
	}
	g.Close()
	_ = cmd.Wait()
}

// A process below the root that works with another's socket is refused where the replica has a user.
func TestASocketOfAnotherUserIsAStrangers(t *testing.T) {
	d := newDesk(t, "127.0.0.1:0")
	conn, err := net.Dial("tcp", d.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintln(conn, os.Getpid())
	g := d.receive(t)
	self := rootOf(os.Getpid(), 0)
	if _, _, err := d.witness.Find(t.Context(), g.ends, []host.Root{self}); err != nil {
		t.Errorf("this process itself is not told: %v", err)
	}
	self.User = os.Getuid() + 1
	if _, _, err := d.witness.Find(t.Context(), g.ends, []host.Root{self}); !errors.Is(err, host.ErrStranger) {
		t.Errorf("a socket made by another user is taken for the replica's: %v", err)
	}
}

// TestANumberUsedAgainIsAStranger is T6: the root of a replica that ended leaves its number to another
// process, which is not taken for it.
func TestANumberUsedAgainIsAStranger(t *testing.T) {
	d := newDesk(t, "127.0.0.1:0")
	first := exec.Command("sleep", "600")
	if err := first.Start(); err != nil {
		t.Fatal(err)
	}
	root := rootOf(first.Process.Pid, 0)
	_ = first.Process.Kill()
	_ = first.Wait()
	again := reborn(t, d, root)
	if again == nil { // not allowed to choose numbers: the same by the start time alone
		again = exec.Command(d.program, "call", d.Addr().String())
		if err := again.Start(); err != nil {
			t.Fatal(err)
		}
		root = rootOf(again.Process.Pid, 0)
		root.Born--
	}
	defer func() { _ = again.Wait() }()
	g := d.receive(t)
	defer g.Close()
	if _, p, err := d.witness.Find(t.Context(), g.ends, []host.Root{root}); !errors.Is(err, host.ErrStranger) || p.PID != root.PID {
		t.Errorf("another process with number %d is %+v, %v", root.PID, p, err)
	}
}

// reborn starts a caller under a number that was another's, where the kernel lets the number be chosen.
func reborn(t *testing.T, d *desk, was host.Root) *exec.Cmd {
	t.Helper()
	for range 200 {
		if err := os.WriteFile("/proc/sys/kernel/ns_last_pid", []byte(strconv.Itoa(was.PID-1)), 0); err != nil {
			t.Logf("numbers of processes cannot be chosen here: %v", err)
			return nil
		}
		cmd := exec.Command(d.program, "call", d.Addr().String())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if cmd.Process.Pid == was.PID && rootOf(was.PID, 0).Born != was.Born {
			t.Logf("number %d was used again", was.PID)
			return cmd
		}
		d.receive(t).Close()
		_ = cmd.Wait()
	}
	t.Log("others were faster at taking the number each time")
	return nil
}

func TestAConnectionThatIsNoneIsAStrangers(t *testing.T) {
	d := newDesk(t, "127.0.0.1:0")
	root := rootOf(os.Getpid(), 0)
	none := &httpkit.Connection{Remote: d.Addr().(*net.TCPAddr).AddrPort(), Local: d.Addr().(*net.TCPAddr).AddrPort()}
	for name, c := range map[string]*httpkit.Connection{"the listener": none, "nothing": {}} {
		if _, _, err := d.witness.Find(t.Context(), c, []host.Root{root}); !errors.Is(err, host.ErrStranger) {
			t.Errorf("%s is %v", name, err)
		}
	}
}
