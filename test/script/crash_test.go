package script

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const crashWorld = `
group: hello
vaults: [{name: hello-kv, secrets: {greeting: Hello}}]
apps: [{name: hello, identities: [system], command: [hello]}]
grants: [{to: hello, role: Key Vault Secrets User, at: hello-kv}]
`

// machine is one state folder, the platform on it, and what was acknowledged to it.
type machine struct {
	t     *testing.T
	dir   string
	env   []string
	up    terminal
	acked []string // names of identities whose creation was answered
}

func newMachine(t *testing.T) *machine {
	m := &machine{t: t, dir: t.TempDir()}
	m.env = []string{"PATH=" + binaries + ":" + os.Getenv("PATH"), "HOME=" + m.dir, "LANYARD_STATE=" + filepath.Join(m.dir, "state")}
	if err := os.WriteFile(filepath.Join(m.dir, "world.yaml"), []byte(crashWorld), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.up.stop)
	return m
}

// lanyard runs a command and gives what it printed.
func (m *machine) lanyard(args ...string) (string, error) {
	cmd := exec.Command(filepath.Join(binaries, "lanyard"), args...)
	cmd.Dir, cmd.Env = m.dir, m.env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("lanyard %s: %w\n%s", strings.Join(args, " "), err, errs.String())
	}
	return strings.TrimSpace(out.String()), nil
}

func (m *machine) must(args ...string) string {
	m.t.Helper()
	out, err := m.lanyard(args...)
	if err != nil {
		m.t.Fatal(err)
	}
	return out
}

// start starts the platform; wait returns when its output has text, or fails after a minute.
func (m *machine) start(args ...string) {
	m.t.Helper()
	if err := m.up.start(m.dir, m.env, args); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) wait(text string) {
	m.t.Helper()
	deadline := time.After(time.Minute)
	for !strings.Contains(m.up.seen(), text) {
		m.up.mu.Lock()
		grown := m.up.grown
		m.up.mu.Unlock()
		select {
		case <-grown:
		case <-m.up.ended:
			m.t.Fatalf("the platform ended; it printed:\n%s", m.up.seen())
		case <-deadline:
			m.t.Fatalf("no %q within a minute; the platform printed:\n%s", text, m.up.seen())
		}
	}
}

// work creates identities one after the other until the platform dies under it.
func (m *machine) work(round int, done chan<- []string) {
	var acked []string
	for i := 0; ; i++ {
		name := fmt.Sprintf("id-%d-%d", round, i)
		if _, err := m.lanyard("identity", "create", "-n", name, "-g", "hello"); err != nil {
			done <- acked
			return
		}
		acked = append(acked, name)
	}
}

// hellos counts the processes that run the app.
func hellos(t *testing.T) int {
	exes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, exe := range exes {
		if target, err := os.Readlink(exe); err == nil && target == filepath.Join(binaries, "hello") {
			n++
		}
	}
	return n
}

// A platform killed at any moment keeps what it has acknowledged, leaves no app behind, and after
// each start runs the app exactly once.
func TestAKilledPlatformLosesNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("counts processes in /proc, which only Linux has")
	}
	rounds := 3
	if os.Getenv("LANYARD_SLOW") != "" {
		rounds = 50
	}
	m := newMachine(t)
	m.start("--world", "world.yaml")
	m.wait(`read the secret "greeting"`)
	principal := m.must("containerapp", "identity", "show", "-n", "hello", "-g", "hello", "--query", "principalId", "-o", "tsv")
	var token struct{ AccessToken string }
	if err := json.Unmarshal([]byte(m.must("token")), &token); err != nil {
		t.Fatal(err)
	}
	for round := range rounds {
		done := make(chan []string)
		go m.work(round, done)
		<-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond) // the random moment
		if err := m.up.cmd.Process.Signal(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		<-m.up.ended
		m.acked = append(m.acked, <-done...)
		m.start()
		if round%2 == 0 { // every other kill may hit the start itself
			m.wait("Lanyard is ready")
			m.check(principal, token.AccessToken)
		}
	}
	m.wait("Lanyard is ready")
	m.check(principal, token.AccessToken)
	t.Logf("%d kills, %d acknowledged writes, none lost", rounds, len(m.acked))
}

func (m *machine) check(principal, oldToken string) {
	m.t.Helper()
	m.wait(`read the secret "greeting"`)
	if n := hellos(m.t); n != 1 {
		m.t.Errorf("the app runs %d times, want once", n)
	}
	if got := m.must("containerapp", "identity", "show", "-n", "hello", "-g", "hello", "--query", "principalId", "-o", "tsv"); got != principal {
		m.t.Errorf("the app's principal is %s, was %s", got, principal)
	}
	there := strings.Fields(m.must("identity", "list", "-g", "hello", "--query", "[].name", "-o", "tsv"))
	for _, name := range m.acked {
		if !slices.Contains(there, name) {
			m.t.Errorf("identity %s was acknowledged and is gone", name)
		}
	}
	if grants := m.must("role", "assignment", "list", "--all", "--assignee", principal, "--query", "[].roleDefinitionName", "-o", "tsv"); grants != "Key Vault Secrets User" {
		m.t.Errorf("the app's grants are %q", grants)
	}
	m.verify(oldToken)
}

// verify holds a token from before all kills against the keys of today.
func (m *machine) verify(token string) {
	m.t.Helper()
	if err := verifyByDiscovery(m, token); err != nil {
		m.t.Errorf("a token from before the kills no longer verifies: %v", err)
	}
}
