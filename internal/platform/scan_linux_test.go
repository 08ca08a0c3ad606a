package platform

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// reply is what an open port said to the scan.
type reply struct {
	At, Asked, Body string
	Status          int
}

// without skips a test that needs what this machine does not have, and fails it where all must be there.
func without(t *testing.T, what string, args ...any) {
	t.Helper()
	if os.Getenv("LANYARD_CI") != "" {
		t.Fatalf(what, args...)
	}
	t.Skipf(what, args...)
}

// alone puts the test's goroutine, and the programs that it starts, in a network of their own. A scan
// there disturbs nobody, and what podman sets up there goes with the test.
func alone(t *testing.T) {
	t.Helper()
	ip, err := exec.LookPath("ip")
	if err != nil {
		ip = "/usr/sbin/ip"
	}
	runtime.LockOSThread() // for good: a thread that is locked ends with its goroutine
	if err := syscall.Unshare(syscall.CLONE_NEWNET); err != nil {
		without(t, "no network of its own can be had: %v", err)
	}
	if said, err := exec.Command(ip, "link", "set", "lo", "up").CombinedOutput(); err != nil {
		without(t, "ip: %v: %s", err, said)
	}
}

// neighbour is another tenant's container, made by podman from a folder that holds one program.
type neighbour struct {
	podman []string // the command, with a store of its own
	root   string
}

func newNeighbour(t *testing.T) *neighbour {
	t.Helper()
	for _, name := range []string{"podman", "runc"} {
		if _, err := exec.LookPath(name); err != nil && !fileThere("/usr/sbin/"+name) {
			without(t, "%s is not installed", name)
		}
	}
	dir, err := os.MkdirTemp("", "scan-") // podman bears no path of more than 50 characters
	if err != nil {
		t.Fatal(err)
	}
	n := &neighbour{root: filepath.Join(dir, "root"), podman: []string{"podman",
		"--root", filepath.Join(dir, "store"), "--runroot", filepath.Join(dir, "run"), "--tmpdir", filepath.Join(dir, "tmp"),
		"--storage-driver", "vfs", "--runtime", "runc", "--cgroup-manager", "cgroupfs", "--events-backend", "none"}}
	if err := os.Mkdir(n.root, 0o755); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(n.root, "scan"), "./testdata/scan")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // the folder holds no library
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, said)
	}
	t.Cleanup(func() {
		if said, err := n.command("rm", "--all", "--force", "--time", "0").CombinedOutput(); err != nil && !t.Skipped() {
			t.Errorf("the containers do not go: %v: %s", err, said)
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return n
}

func fileThere(at string) bool {
	_, err := os.Stat(at)
	return err == nil
}

func (n *neighbour) command(args ...string) *exec.Cmd {
	return exec.Command(n.podman[0], append(slices.Clone(n.podman[1:]), args...)...)
}

// scan runs the scan in a container on a network and gives what was answered, by address, and the
// addresses that were looked at.
func (n *neighbour) scan(t *testing.T, network string, args ...string) (found map[string][]reply, looked []string) {
	t.Helper()
	cmd := n.command(append([]string{"run", "--rm", "--network", network, "--ulimit", "nofile=1024:4096", "--ulimit", "nproc=1024:2048",
		"--log-driver", "none", "--rootfs", n.root, "/scan"}, args...)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		without(t, "no container runs here: %v: %s", err, said.String())
	}
	found = map[string][]reply{}
	for read := json.NewDecoder(bytes.NewReader(out)); ; {
		var a reply
		if err := read.Decode(&a); err == io.EOF {
			return found, looked
		} else if err != nil {
			t.Fatalf("the scan says what is no answer: %v\n%s", err, out)
		}
		if address, ok := strings.CutPrefix(a.Asked, "who is at "); ok {
			looked = append(looked, address)
			continue
		}
		found[a.At] = append(found[a.At], a)
	}
}

// tokens gives the answers that are none of a refusal, or hold what looks like a token.
func tokens(all []reply) (bad []reply) {
	for _, a := range all {
		if a.Status >= 200 && a.Status < 400 || strings.Contains(a.Body, "eyJ") || strings.Contains(strings.ToLower(a.Body), "access_token") {
			bad = append(bad, a)
		}
	}
	return bad
}

// TestAPortScanFromAContainerFindsNoToken is T7's case: another tenant's container looks at every port
// that it reaches, on the host's network and on podman's own, and asks what is open for a token in
// every protocol's way. The one port of the platform is found on the host's network alone; it gives
// nothing to whoever lacks the replica's header, and its token to the one who has it, so that the
// scan's question is the right one.
func TestAPortScanFromAContainerFindsNoToken(t *testing.T) {
	alone(t)
	n := newNeighbour(t)
	s := newStage(t)
	r := s.replica(t, s.app)
	// Somebody else's door, open to all: a scan that does not see it sees nothing.
	other, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.NotFoundHandler()}
	go func() { _ = server.Serve(other) }()
	t.Cleanup(func() { server.Close() })
	_, otherPort, _ := net.SplitHostPort(other.Addr().String())
	_, ownPort, _ := net.SplitHostPort(s.Address())

	found, looked := n.scan(t, "host", "-replica", r.Name)
	for _, at := range []string{s.Address(), net.JoinHostPort("127.0.0.1", otherPort)} {
		if len(found[at]) == 0 {
			t.Errorf("the scan of the host's network (%v) does not find %s among %v", looked, at, slices.Collect(maps.Keys(found)))
		}
	}
	known := 0
	for at, all := range found {
		for _, a := range tokens(all) {
			t.Errorf("%s answers %q with %d %s", at, a.Asked, a.Status, a.Body)
		}
		for _, a := range all {
			if at == s.Address() && strings.HasPrefix(a.Asked, "http GET /r/"+r.Name) && a.Status == http.StatusUnauthorized {
				known++
			}
		}
	}
	if known == 0 {
		t.Error("the replica's own endpoint never said that the header is missing: nobody asked it")
	}

	found, looked = n.scan(t, "bridge", "-replica", r.Name)
	seen := false
	for at, all := range found {
		_, port, _ := net.SplitHostPort(at)
		if port == ownPort {
			t.Errorf("a container on a network of its own reaches %s", at)
		}
		seen = seen || port == otherPort
		for _, a := range tokens(all) {
			t.Errorf("%s answers %q with %d %s", at, a.Asked, a.Status, a.Body)
		}
	}
	if !seen {
		t.Errorf("the scan of podman's network (%v) does not find the door that is open to all", looked)
	}

	found, _ = n.scan(t, "host", "-replica", r.Name, "-header", r.Header.Open(), "-only", s.Address())
	if bad := tokens(found[s.Address()]); len(bad) != 1 || bad[0].Status != http.StatusOK {
		t.Errorf("one who has the header gets %d tokens, want one: %v", len(bad), bad)
	}
}
