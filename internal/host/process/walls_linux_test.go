package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanyard/internal/host"
)

// everyWalls runs a test behind each of the walls that can be had here, with the account alone too.
func everyWalls(t *testing.T, test func(t *testing.T, e *Engine)) {
	for _, w := range append(wanted(), account) {
		t.Run(w.String(), func(t *testing.T) {
			e := engine(t)
			e.probe.Do(func() { e.walls = w })
			test(t, e)
		})
	}
}

// marked counts the living processes whose command line holds a mark.
func marked(mark string) (pids []int) {
	eachProcess(func(pid int) {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err == nil && strings.Contains(string(line), mark) {
			pids = append(pids, pid)
		}
	})
	return pids
}

// vanish waits until no process has a mark.
func vanish(t *testing.T, mark string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for len(marked(mark)) > 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			for _, pid := range marked(mark) {
				syscall.Kill(pid, syscall.SIGKILL)
			}
			t.Fatalf("processes marked %s are left", mark)
		}
	}
}

// mark gives a number of seconds to sleep that no other process has.
func mark(t *testing.T) string {
	return fmt.Sprintf("%d.%09d", 10000+os.Getpid()%10000, time.Now().UnixNano()%1e9)
}

// family is a script whose command, child and daemon (forked twice, in a session of its own, its
// output elsewhere) all sleep for a marked time.
func family(mark string) string {
	return "(setsid sh -c 'sleep " + mark + " >/dev/null 2>&1 & exit 0' &) ; sleep " + mark + " & echo ready; exec sleep " + mark
}

func startFamily(t *testing.T, e *Engine, mark string) host.Process {
	t.Helper()
	ready := make(chan struct{}, 1)
	p, err := e.Start(t.Context(), host.Spec{Replica: "r-" + mark, Command: shell(family(mark)), Dir: "/",
		Output: func(string, string) { ready <- struct{}{} }})
	if err != nil {
		t.Fatal(err)
	}
	<-ready
	return p
}

func TestStopKillsTheWholeTree(t *testing.T) {
	everyWalls(t, func(t *testing.T, e *Engine) {
		m := mark(t)
		p := startFamily(t, e, m)
		p.Stop(10 * time.Second) // the command itself ends at once; what it left does not
		if left := marked(m); len(left) > 0 {
			t.Errorf("%d processes are left", len(left))
		}
		vanish(t, m)
	})
}

func TestAKilledShimLeavesNothing(t *testing.T) {
	everyWalls(t, func(t *testing.T, e *Engine) {
		m := mark(t)
		p := startFamily(t, e, m)
		shims := childrenNamed(os.Getpid(), "shim")
		if len(shims) != 1 {
			t.Fatalf("there are %d shims", len(shims))
		}
		syscall.Kill(shims[0], syscall.SIGKILL)
		select {
		case <-p.Done():
		case <-time.After(20 * time.Second):
			t.Fatal("the replica does not end with its shim")
		}
		vanish(t, m)
		if p.Exit().Signal == "" {
			t.Errorf("the replica %s", p.Exit())
		}
	})
}

// childrenNamed gives the children of a process that were started with an argument.
func childrenNamed(of int, arg string) (found []int) {
	for _, pid := range descendants(of) {
		line, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "cmdline"))
		if err == nil && slices.Contains(strings.Split(string(line), "\x00"), arg) {
			found = append(found, pid)
		}
	}
	return found
}

// doomedPlatform runs a replica and waits to be killed.
func doomedPlatform() int {
	wall, _ := strconv.Atoi(os.Args[2])
	e := &Engine{Homes: os.Args[3]}
	e.probe.Do(func() { e.walls = walls(wall) })
	_, err := e.Start(context.Background(), host.Spec{Replica: "r-doomed", Command: shell(family(os.Args[4])), Dir: "/",
		Output: func(_, text string) { fmt.Println(text) }})
	if err != nil {
		fmt.Println(err)
		return 1
	}
	select {}
}

func TestAKilledPlatformLeavesNothing(t *testing.T) {
	everyWalls(t, func(t *testing.T, e *Engine) {
		m := mark(t)
		cmd := exec.Command("/proc/self/exe", "platform", strconv.Itoa(int(e.walls)), e.Homes, m)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
			t.Errorf("the platform says %q, %v", line, err)
		}
		cmd.Process.Kill()
		io.Copy(io.Discard, out)
		cmd.Wait()
		vanish(t, m)
		// What it left of its folders goes when the next platform starts.
		p, err := e.places()
		if err != nil {
			t.Fatal(err)
		}
		p.clear()
		if left, _ := os.ReadDir(e.Homes); len(left) > 0 {
			t.Errorf("the homes still hold %v", left)
		}
	})
}

func TestTheStateFolderCannotBeRead(t *testing.T) {
	state := filepath.Join(open(t), "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(state, "master.key")
	if err := os.WriteFile(secret, []byte("the secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	e := engine(t)
	e.State = state
	if strings.HasPrefix(e.Boundary(), "user account") {
		t.Skipf("no better boundary can be had here: %s", e.Boundary())
	}
	for _, attempt := range []string{
		"cat " + secret,
		"cat /proc/" + strconv.Itoa(os.Getpid()) + "/root" + secret,
		"cat /proc/1/root" + secret,
		"umount " + state + "; cat " + secret,
		"unshare -Ur sh -c 'umount " + state + "; cat " + secret + "'",
		"cat /proc/" + strconv.Itoa(os.Getpid()) + "/environ /proc/1/environ",
	} {
		if exit, out := run(t, e, attempt); exit.Code == 0 || strings.Contains(out, "the secret") {
			t.Errorf("%q %s and wrote %q", attempt, exit, out)
		}
	}
}

func TestAReplicaGainsNoPrivileges(t *testing.T) {
	_, out := run(t, engine(t), "grep -E '^(CapPrm|CapEff|CapAmb|NoNewPrivs)' /proc/self/status | tr -s '\\t\\n' '  '")
	if want := "CapPrm: 0000000000000000 CapEff: 0000000000000000 CapAmb: 0000000000000000 NoNewPrivs: 1"; out != want {
		t.Errorf("the command has %q, want %q", out, want)
	}
}

func TestReplicasHaveUsersOfTheirOwn(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can give replicas users of their own")
	}
	e := engine(t)
	p := startFamily(t, e, mark(t))
	defer p.Stop(0)
	homes, err := filepath.Glob(filepath.Join(e.Homes, homePrefix+"*"))
	if err != nil || len(homes) != 1 {
		t.Fatalf("the first replica's home is one of %q, %v", homes, err)
	}
	first, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(homes[0]), homePrefix))
	if err != nil {
		t.Fatal(err)
	}
	_, other := run(t, e, "id -u; id -g; id -G")
	ids := strings.Fields(other)
	if len(ids) != 3 || ids[0] != ids[1] || ids[1] != ids[2] {
		t.Fatalf("the second replica's ids are %q", other)
	}
	second, err := strconv.Atoi(ids[0])
	if err != nil || second == first || second < firstUser || second > lastUser {
		t.Errorf("the second replica's uid is %d beside %d, %v", second, first, err)
	}
	if _, out := run(t, e, "ls "+homes[0]); !strings.Contains(out, "denied") {
		t.Errorf("the first replica's home can be listed: %q", out)
	}
}

func TestAProgramOutOfReachIsNamedWithWhatToDo(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("an ordinary user's replicas reach what it reaches")
	}
	closed := t.TempDir() // 0700 somewhere above
	program := filepath.Join(closed, "program")
	if err := os.WriteFile(program, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := engine(t).Start(t.Context(), host.Spec{Replica: "r", Command: []string{program}, Dir: "/"})
	if err == nil || !strings.Contains(err.Error(), "chmod o+x") || !strings.Contains(err.Error(), program) {
		t.Errorf("the error is %v", err)
	}
}

func TestAProgramOutOfReachInPathGivesWayToTheNext(t *testing.T) {
	closed := t.TempDir()
	if err := os.WriteFile(filepath.Join(closed, "true"), []byte("#!/bin/sh\nexit 9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Getuid() != 0 {
		t.Skip("an ordinary user's replicas reach what it reaches")
	}
	p, err := engine(t).Start(t.Context(), host.Spec{Replica: "r", Command: []string{"true"}, Env: []string{"PATH=" + closed + ":/usr/bin:/bin"}, Dir: "/"})
	if err != nil {
		t.Fatal(err)
	}
	if <-p.Done(); p.Exit().Code != 0 {
		t.Errorf("the command %s", p.Exit())
	}
}

// TestAnOrdinaryUser runs all these tests again as somebody who is not root.
func TestAnOrdinaryUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("this run is already an ordinary user's")
	}
	dir := open(t)
	program := filepath.Join(dir, "process.test")
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(program, text, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(dir, "home")
	if err := errors.Join(os.Mkdir(home, 0o755), os.Chown(home, 65534, 65534)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "again")
	cmd.Dir, cmd.Env = "/", []string{"PATH=/usr/bin:/bin", "TMPDIR=" + home}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "--- PASS: TestTheStateFolderCannotBeRead") {
		t.Errorf("the suite did not run:\n%s", out)
	}
}
