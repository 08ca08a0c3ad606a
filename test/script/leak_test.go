package script

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// What the platform's process shows to others, and prints when it is made to crash, holds no secret
// (T8, T14): its environment, its arguments, those of its children, its log, and the stacks of all its
// goroutines.
func TestACrashAndTheProcessTableShowNoSecret(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the process table is read from /proc")
	}
	m := newMachine(t)
	m.start("--world", "world.yaml", "--verbose")
	m.wait(`read the secret "greeting"`)
	known := m.secrets()
	shown := ""
	for _, pid := range m.family() {
		for _, file := range []string{"cmdline", "environ"} {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err != nil || file == "environ" && pid != m.up.cmd.Process.Pid {
				continue // a replica's own environment is where its header belongs
			}
			shown += strings.ReplaceAll(string(b), "\x00", " ") + "\n"
		}
	}
	if !strings.Contains(shown, "lanyard") {
		t.Fatalf("the process table shows nothing: %q", shown)
	}
	if err := m.up.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	<-m.up.ended
	printed := m.up.seen()
	m.up.cmd = nil
	if !strings.Contains(printed, "goroutine 1") {
		t.Fatalf("the platform did not print its stacks:\n%s", printed)
	}
	for name, secret := range known {
		if len(secret) < 8 {
			t.Errorf("the %s is not known to the test: %q", name, secret)
		}
		for where, text := range map[string]string{"the process table": shown, "the log and the crash": printed} {
			if strings.Contains(text, secret) {
				t.Errorf("%s holds the %s", where, name)
			}
		}
	}
	if cores, _ := filepath.Glob(filepath.Join(m.dir, "core*")); len(cores) > 0 {
		t.Errorf("the crash left %v", cores)
	}
}

// secrets gives what a running world must not show.
func (m *machine) secrets() map[string]string {
	m.t.Helper()
	known := map[string]string{"secret of the vault": "Hello, I am nowhere else"}
	vault := m.must("keyvault", "show", "-n", "hello-kv", "-g", "hello", "--query", "id", "-o", "tsv")
	m.must("role", "assignment", "create", "--assignee", "owner", "--role", "Key Vault Secrets Officer", "--scope", vault)
	m.must("keyvault", "secret", "set", "--vault-name", "hello-kv", "-n", "db", "--value", known["secret of the vault"])
	for file, fields := range map[string][]string{"owner.json": {"secret", "password"}, "seat.json": {"password"}} {
		b, err := os.ReadFile(filepath.Join(m.dir, "state", file))
		if err != nil {
			m.t.Fatal(err)
		}
		var held map[string]any
		if err := json.Unmarshal(b, &held); err != nil {
			m.t.Fatal(err)
		}
		for _, field := range fields {
			if text, ok := held[field].(string); ok {
				known[field+" in "+file] = text
			}
		}
	}
	out := m.must("run", "--name", "t", "--system-assigned", "--", "sh", "-c", "echo $IDENTITY_HEADER; echo $HTTPS_PROXY")
	header, proxy, _ := strings.Cut(out, "\n")
	_, password, _ := strings.Cut(strings.TrimPrefix(proxy, "http://"), ":")
	password, _, _ = strings.Cut(password, "@")
	known["identity header"], known["proxy password"], known["any token"] = strings.TrimSpace(header), password, "eyJ0eXAiOi"
	return known
}

// family gives the platform's process and those that descend from it.
func (m *machine) family() []int {
	if m.up.cmd == nil {
		return nil
	}
	all := []int{m.up.cmd.Process.Pid}
	for i := 0; i < len(all); i++ {
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", all[i]))
		for _, task := range tasks {
			b, _ := os.ReadFile(task)
			for _, word := range strings.Fields(string(b)) {
				var pid int
				if _, err := fmt.Sscan(word, &pid); err == nil {
					all = append(all, pid)
				}
			}
		}
	}
	return all
}
