package process

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

func rootOnly(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("only root can give replicas users of their own")
	}
}

// A name in a folder that all can write to, or of a socket, anybody can take first.
func TestStrangersCannotKeepReplicasFromStarting(t *testing.T) {
	rootOnly(t)
	temp := open(t)
	t.Setenv("TMPDIR", temp)
	for user := firstUser; user <= lastUser; user++ {
		if err := os.Mkdir(filepath.Join(temp, fmt.Sprint(homePrefix, user)), 0o755); err != nil {
			t.Fatal(err)
		}
		taken, err := net.ListenPacket("unixgram", fmt.Sprintf("@lanyard-replica-uid-%d", user))
		if err != nil {
			t.Fatal(err)
		}
		defer taken.Close()
	}
	exit, out := run(t, &Engine{}, `echo "$HOME"`)
	if exit.Code != 0 || strings.HasPrefix(out, temp) {
		t.Fatalf("the replica's home is %q; it %s", out, exit)
	}
	for _, above := range []string{filepath.Dir(out), filepath.Dir(filepath.Dir(out))} {
		if err := isOwn(above); err != nil {
			t.Error(err)
		}
	}
}

func TestAFolderOfSomebodyElseHoldsNoHomes(t *testing.T) {
	rootOnly(t)
	for name, spoil := range map[string]func(top string) error{
		"another's":            func(top string) error { return os.Chown(filepath.Join(top, "lanyard", "homes"), 12345, 12345) },
		"beneath another's":    func(top string) error { return os.Chown(filepath.Join(top, "lanyard"), 12345, 12345) },
		"writable for a group": func(top string) error { return os.Chmod(filepath.Join(top, "lanyard", "homes"), 0o775) },
		"in one for all":       func(top string) error { return os.Chmod(top, 0o777) },
		"a link": func(top string) error {
			dir := filepath.Join(top, "lanyard", "homes")
			if err := os.Remove(dir); err != nil {
				return err
			}
			return os.Symlink(t.TempDir(), dir)
		},
	} {
		t.Run(name, func(t *testing.T) {
			top := open(t)
			if _, err := ownFolderIn(top, "homes", 0o711); err != nil {
				t.Fatal(err)
			}
			if err := spoil(top); err != nil {
				t.Fatal(err)
			}
			if dir, err := ownFolderIn(top, "homes", 0o711); err == nil {
				t.Errorf("homes are made in %s all the same", dir)
			}
		})
	}
}

// What one replica left in /tmp must not fall to the very next.
func TestAUserIsNotTakenAgainAtOnce(t *testing.T) {
	in := users(t.TempDir())
	if err := os.WriteFile(filepath.Join(string(in), lastTaken), fmt.Append(nil, lastUser-2), 0o600); err != nil {
		t.Fatal(err)
	}
	var order []int
	for range 5 { // over the end of the range; what this machine's platforms use just now is passed over
		user, held, err := in.take()
		if err != nil {
			t.Fatal(err)
		}
		held.Close()
		if slices.Contains(order, user) || user < firstUser || user > lastUser {
			t.Errorf("uid %d comes after %v", user, order)
		}
		order = append(order, user)
	}
	if spoilt := os.WriteFile(filepath.Join(string(in), lastTaken), []byte("nonsense"), 0o600); spoilt != nil || in.last() != lastUser {
		t.Errorf("with a spoilt note the last is %d, %v", in.last(), spoilt)
	}
}

// Two platforms on one machine may keep their homes in different folders; a uid has one holder
// all the same, or one would kill the other's replicas.
func TestAUserHasOneHolder(t *testing.T) {
	in := users(t.TempDir())
	held, err := in.hold(lastUser)
	if err != nil || held == nil {
		t.Fatalf("the first holder got %v, %v", held, err)
	}
	if again, err := in.hold(lastUser); err != nil || again != nil {
		t.Errorf("the second holder got %v, %v", again, err)
	}
	held.Close()
	again, err := in.hold(lastUser)
	if err != nil || again == nil {
		t.Fatalf("a uid that was given back is not to be had: %v, %v", again, err)
	}
	again.Close()
}

func TestAUserThatSomethingRunsAsIsNotTaken(t *testing.T) {
	rootOnly(t)
	sleeper := exec.Command("sleep", "600")
	in := users(t.TempDir())
	sleeper.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: lastUser, Gid: lastUser}}
	if err := sleeper.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { sleeper.Process.Kill(); sleeper.Wait() }()
	if err := os.WriteFile(filepath.Join(string(in), lastTaken), fmt.Append(nil, lastUser-1), 0o600); err != nil {
		t.Fatal(err)
	}
	user, held, err := in.take()
	if err != nil {
		t.Fatal(err)
	}
	held.Close()
	if user == lastUser {
		t.Errorf("uid %d was taken beside what runs as it already", user)
	}
}

// A platform's end does not free the uid of a replica whose shim is still about to kill it.
func TestAUserIsHeldWhileItsShimLives(t *testing.T) {
	rootOnly(t)
	e := engine(t)
	e.probe.Do(func() { e.walls = userOnly })
	m := mark(t)
	cmd := exec.Command("/proc/self/exe", "platform", strconv.Itoa(int(userOnly)), e.Homes, m)
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Errorf("the platform says %q, %v", line, err)
	}
	shims := childrenNamed(cmd.Process.Pid, "shim")
	homes, _ := filepath.Glob(filepath.Join(e.Homes, homePrefix+"*"))
	if len(shims) != 1 || len(homes) != 1 {
		t.Fatalf("there are shims %v and homes %v", shims, homes)
	}
	user, err := strconv.Atoi(strings.TrimPrefix(filepath.Base(homes[0]), homePrefix))
	if err != nil {
		t.Fatal(err)
	}
	p, err := e.places()
	if err != nil {
		t.Fatal(err)
	}
	syscall.Kill(shims[0], syscall.SIGSTOP)
	cmd.Process.Kill()
	cmd.Process.Wait()
	if held, err := p.users.hold(user); held != nil || err != nil {
		t.Errorf("the uid could be taken while its shim lived: %v", err)
	}
	syscall.Kill(shims[0], syscall.SIGCONT)
	vanish(t, m)
	p.clear()
}
